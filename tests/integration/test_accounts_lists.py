"""Files and stagings in the accounts, in SQLite and PostgreSQL: quotas, leases, and races."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from seedcast.settings import AccountsSettings
from seedcast.storage.accounts.accounts import Accounts, open_accounts
from seedcast.storage.accounts.files import FileInUse, QuotaExceeded
from seedcast.storage.accounts.stagings import ATTEMPTS, Staging

pytestmark = pytest.mark.integration

NOW = datetime(2026, 11, 30, 20, 0, tzinfo=UTC)
LEASE = timedelta(seconds=30)


@pytest.fixture
def accounts(accounts_settings: AccountsSettings) -> Iterator[Accounts]:
    with open_accounts(accounts_settings) as opened:
        yield opened


def queue(accounts: Accounts, name: str = "night", digest: str = "d") -> Staging:
    return accounts.stagings.add("shop", name, "file-1", digest, b"{}", NOW, is_check=False)[0]


def take(accounts: Accounts, owner: str, now: datetime = NOW) -> Staging | None:
    return accounts.stagings.take(owner, now, LEASE)


@pytest.mark.parametrize("is_token", [False, True], ids=["key", "token"])
def test_uploads_at_once_reserve_no_more_than_the_quota(accounts: Accounts, is_token: bool) -> None:
    key = "jwt-0123" if is_token else accounts.add_key("k", "shop", ["submit"])[0].key_id

    def reserve(number: int) -> int:
        try:
            return accounts.files.reserve(f"file-{number}", "shop", key, 100, 30, 50, NOW)
        except QuotaExceeded:
            return 0

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(reserve, range(16))) == 90
    assert accounts.files.reserve("rest", "shop", key, 100, None, 50, NOW) == 10
    with pytest.raises(QuotaExceeded):
        accounts.files.reserve("more", "shop", key, 100, None, 50, NOW)


def test_a_file_in_use_is_neither_deleted_nor_swept(accounts: Accounts) -> None:
    key, _ = accounts.add_key("k", "shop", ["submit"])
    accounts.files.reserve("file-1", "shop", key.key_id, 100, 30, 50, NOW)
    accounts.files.store("file-1", "a.csv", "list", 20, "0f", NOW + LEASE)
    queue(accounts)
    later = NOW + timedelta(days=9)
    with pytest.raises(FileInUse):
        accounts.files.begin_deleting("file-1")
    assert accounts.files.due(later) == []
    taken = take(accounts, "a")
    assert taken
    assert accounts.stagings.end(taken, "done", NOW, (3, 2, 1))
    assert accounts.files.due(later) == ["file-1"]


def test_of_replicas_that_look_at_once_each_list_has_one(accounts: Accounts) -> None:
    made = {queue(accounts, f"night-{number}").job_id for number in range(4)}
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda n: take(accounts, f"owner-{n}"), range(8)))
    assert sorted(each.job_id for each in taken if each) == sorted(made)


def test_a_list_is_anothers_once_its_lease_has_run_out(accounts: Accounts) -> None:
    queue(accounts)
    first = take(accounts, "first")
    assert first
    assert take(accounts, "second", NOW + LEASE / 2) is None
    assert accounts.stagings.renew(first, NOW + LEASE / 2, LEASE, (1, 1, 0), None)
    assert take(accounts, "second", NOW + LEASE) is None
    second = take(accounts, "second", NOW + 2 * LEASE)
    assert second
    assert not accounts.stagings.renew(first, NOW, LEASE, (1, 1, 0), None)
    assert not accounts.stagings.end(first, "refused", NOW, (0, 0, 0))
    assert accounts.stagings.end(second, "done", NOW, (3, 2, 1))
    found = accounts.stagings.find("shop", "night", is_check=False)
    assert found
    assert (found.state, found.rows, found.accepted, found.rejected) == ("done", 3, 2, 1)


def test_attempts_that_count_come_to_an_end_and_outages_do_not(accounts: Accounts) -> None:
    queue(accounts)
    for counts in (False,) * (2 * ATTEMPTS) + (True,) * ATTEMPTS:
        taken = take(accounts, "a")
        assert taken
        assert accounts.stagings.release(taken, NOW, counts=counts)
        assert accounts.stagings.give_up(NOW) == ([] if taken.attempts < ATTEMPTS else ["night"])
    assert take(accounts, "a") is None
    found = accounts.stagings.find("shop", "night", is_check=False)
    assert found
    assert found.state == "failed"


def test_a_name_is_one_lists_until_that_is_refused(accounts: Accounts) -> None:
    first = queue(accounts)
    assert queue(accounts, digest="other") == first
    taken = take(accounts, "a")
    assert taken
    accounts.stagings.end(taken, "refused", NOW, (0, 0, 0))
    second, replaced = accounts.stagings.add(
        "rival", "night", "file-2", "e", b"{}", NOW, is_check=False
    )
    assert replaced == first.job_id
    assert (second.tenant, second.state) == ("rival", "queued")
    assert accounts.stagings.old(NOW + LEASE) == []
