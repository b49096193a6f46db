"""Batches in the accounts, in SQLite and PostgreSQL: leases, races, and one end."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from seedcast.settings import AccountsSettings
from seedcast.storage.accounts.accounts import Accounts, open_accounts
from seedcast.storage.accounts.batch_records import (
    Batch,
    BatchStatus,
    BatchTerms,
    LineError,
    OutputFile,
)

# Of each test half of its cases, so that each database has half of the tests.
pytestmark = [pytest.mark.integration, pytest.mark.sample(0.5)]

NOW = datetime(2026, 11, 30, 20, 0, tzinfo=UTC)
LEASE = timedelta(seconds=30)
TERMS = BatchTerms(endpoint="/v1/audio/speech", completion_window="24h", metadata={"night": "1"})


@pytest.fixture
def accounts(accounts_settings: AccountsSettings) -> Iterator[Accounts]:
    with open_accounts(accounts_settings) as opened:
        yield opened


def add(accounts: Accounts, name: str = "batch_1", at: datetime = NOW) -> Batch:
    batch = Batch(
        batch_id=name,
        tenant="shop",
        key_id="key-1",
        terms=TERMS,
        input_file_id="file-1",
        status="validating",
        created_at=at,
        expires_at=at + timedelta(hours=24),
    )
    return accounts.batches.add(batch)


def take(accounts: Accounts, owner: str, now: datetime = NOW) -> Batch:
    taken = accounts.batches.take(owner, now, LEASE)
    assert taken
    return taken


def find(accounts: Accounts, name: str = "batch_1") -> Batch:
    found = accounts.batches.find(name, "shop")
    assert found
    return found


def an_output(accounts: Accounts, file_id: str) -> OutputFile:
    accounts.files.reserve(file_id, "shop", "key-1", 2**62, 0, 0, NOW)
    expires_at = NOW + timedelta(days=30)
    return OutputFile(
        file_id=file_id, filename="a.jsonl", bytes=9, sha256="0f", expires_at=expires_at
    )


def test_a_batch_is_what_was_stored_and_is_its_tenants_alone(accounts: Accounts) -> None:
    made = add(accounts)
    assert find(accounts) == made
    assert (made.terms, made.total, made.status) == (TERMS, None, "validating")
    assert add(accounts, at=NOW + LEASE) == made, "the same id again is the first"
    assert accounts.batches.find("batch_1", "rival") is None
    assert accounts.batches.page("rival", limit=9, after=None) == ([], False)


def test_pages_go_from_the_newest_to_the_oldest(accounts: Accounts) -> None:
    for number in range(5):
        add(accounts, f"batch_{number}", NOW + number // 2 * LEASE)
    found, after = list[str](), None
    for _ in range(3):
        page, has_more = accounts.batches.page("shop", limit=2, after=after)
        found += [batch.batch_id for batch in page]
        after = page[-1]
    assert found == [f"batch_{number}" for number in (4, 3, 2, 1, 0)]
    assert not has_more


def test_of_replicas_that_look_at_once_each_batch_has_one(accounts: Accounts) -> None:
    names = {add(accounts, f"batch_{number}").batch_id for number in range(4)}
    with ThreadPoolExecutor(8) as pool:
        looked = pool.map(lambda n: accounts.batches.take(f"owner-{n}", NOW, LEASE), range(8))
        taken = [batch.batch_id for batch in looked if batch]
    assert sorted(taken) == sorted(names)


def test_a_batch_is_anothers_once_its_lease_has_run_out(accounts: Accounts) -> None:
    add(accounts)
    first = take(accounts, "first")
    assert accounts.batches.take("second", NOW + LEASE / 2, LEASE) is None
    second = take(accounts, "second", NOW + LEASE)
    assert not accounts.batches.look_again(first, NOW + LEASE)
    assert not accounts.batches.staged(first, 3, 2, 1, NOW)
    assert not accounts.batches.end(first, "failed", NOW)
    assert accounts.batches.staged(second, 3, 2, 1, NOW + LEASE)
    assert accounts.batches.counted(second, 1, 1)
    found = find(accounts)
    assert (found.status, found.in_progress_at) == ("in_progress", NOW + LEASE)
    assert (found.total, found.accepted, found.completed, found.failed) == (3, 2, 1, 1)


def test_the_end_shows_the_files_and_is_written_once(accounts: Accounts) -> None:
    add(accounts)
    batch = take(accounts, "first")
    accounts.batches.staged(batch, 3, 2, 1, NOW)
    accounts.batches.finalizing(find(accounts), NOW)
    batch = find(accounts)
    output, error = an_output(accounts, "file-o"), an_output(accounts, "file-e")
    assert accounts.files.find("file-o", "shop", NOW) is None, "nobody sees it before the end"
    assert accounts.batches.end(batch, "completed", NOW, output=output, error=error)
    assert not accounts.batches.end(batch, "expired", NOW + LEASE)
    found = find(accounts)
    assert (found.status, found.ended_at) == ("completed", NOW)
    assert (found.output_file_id, found.error_file_id) == ("file-o", "file-e")
    stored = accounts.files.find("file-o", "shop", NOW)
    assert stored
    assert (stored.purpose, stored.bytes, stored.sha256) == ("batch_output", 9, "0f")
    assert accounts.files.due(NOW) == ["batch_1_bad_lines"], "what waited for the end is swept"
    assert accounts.batches.take("next", NOW + 9 * LEASE, LEASE) is None


@pytest.mark.parametrize("status", ["completed", "failed", "expired", "cancelled"])
def test_each_end_is_told_to_webhooks_once(accounts: Accounts, status: BatchStatus) -> None:
    hook = accounts.webhooks.add("shop", "n", "https://a/", (), b"-", "whsec_…", NOW)
    add(accounts)
    batch = take(accounts, "first")
    assert accounts.batches.end(batch, status, NOW)
    assert not accounts.batches.end(batch, status, NOW)
    (told,), _ = accounts.deliveries.page(hook.webhook_id, limit=9)
    assert (told.type, told.subject) == (f"batch.{status}", "batch batch_1")


def test_a_cancellation_comes_before_the_end_or_too_late(accounts: Accounts) -> None:
    add(accounts)
    batch = take(accounts, "first")
    accounts.batches.staged(batch, 3, 2, 1, NOW)
    batch = find(accounts)
    assert accounts.batches.cancel("batch_1", NOW)
    assert not accounts.batches.cancel("batch_1", NOW + LEASE), "it has begun"
    assert not accounts.batches.finalizing(batch, NOW)
    assert not accounts.batches.end(batch, "completed", NOW)
    cancelling = find(accounts)
    assert (cancelling.status, cancelling.cancelling_at) == ("cancelling", NOW)
    assert accounts.batches.end(cancelling, "cancelled", NOW)
    assert not accounts.batches.cancel("batch_1", NOW)


def test_a_batch_that_fails_says_why(accounts: Accounts) -> None:
    add(accounts)
    errors = (LineError(code="invalid_json_line", message="no", line=7),)
    assert accounts.batches.end(take(accounts, "a"), "failed", NOW, errors=errors)
    assert find(accounts).errors == errors


def test_batches_that_ended_long_ago_are_forgotten(accounts: Accounts) -> None:
    for name in ("batch_1", "batch_2"):
        add(accounts, name)
    assert accounts.batches.end(take(accounts, "a"), "failed", NOW)
    assert accounts.batches.forget(NOW) == 0
    assert accounts.batches.forget(NOW + timedelta(days=900)) == 1
    left, _ = accounts.batches.page("shop", limit=9, after=None)
    assert [each.status for each in left] == ["validating"], "what is open stays"
