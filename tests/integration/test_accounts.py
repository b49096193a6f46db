"""The gateway's accounts, in SQLite and PostgreSQL: keys, and who claims an idempotency key."""

import multiprocessing
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from multiprocessing.synchronize import Barrier
from pathlib import Path
from uuid import uuid4

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from pydantic import SecretStr

from ops.accounts_schema import GATEWAY
from seedcast.errors import (
    AccessDenied,
    AccountsMismatch,
    AccountsUnavailable,
    CredentialsRefused,
    InvalidInput,
    InvalidSettings,
    LocalResource,
)
from seedcast.settings import AccountsSettings, IndexSettings
from seedcast.storage.accounts import claims
from seedcast.storage.accounts.accounts import Accounts, open_accounts
from seedcast.storage.accounts.claims import Claim
from seedcast.storage.accounts.keys import NO_LIMITS, KeyLimits, hash_of
from seedcast.storage.accounts.tables import ACCOUNTS, METADATA
from seedcast.storage.index import rebuild
from seedcast.storage.index.database import connect
from seedcast.storage.index.migrate import migrate
from seedcast.storage.index.sqlite import path_of
from tests.builders.postgres_server import PostgresServer
from tests.builders.processes import ForkedProcess
from tests.crash.proxy import Fault, Proxy

# Of each test half of its cases, so that each database has half of the tests.
pytestmark = pytest.mark.sample(0.5)

NOW = datetime(2026, 11, 30, 20, 0, tzinfo=UTC)
BODY, OTHER = b"b" * 32, b"o" * 32
KEYS = 40  # idempotency keys that processes race for
PROCESSES, THREADS = 4, 8


@pytest.fixture
def accounts(accounts_settings: AccountsSettings) -> Iterator[Accounts]:
    with open_accounts(accounts_settings) as opened:
        yield opened


def test_a_key_is_found_by_its_secret_with_all_that_it_may(accounts: Accounts) -> None:
    limits = KeyLimits(requests_per_second=0.5, characters_per_minute=9_000, concurrency=4)
    ends = datetime.now(UTC) + timedelta(days=90)
    made, secret = accounts.add_key("CRM «Nord»", "acme", ["read", "speak", "read"], limits, ends)
    assert accounts.find(secret) == made
    assert (made.name, made.tenant, made.limits) == ("CRM «Nord»", "acme", limits)
    assert made.scopes == ("speak", "read")
    assert made.expires_at
    assert abs(made.expires_at - ends) < timedelta(milliseconds=1)
    assert abs(made.created_at - datetime.now(UTC)) < timedelta(minutes=1)
    assert made.state(datetime.now(UTC)) == "valid"
    other, _ = accounts.add_key("another", "acme", ["operate"])
    assert (other.limits, other.expires_at, other.revoked_at) == (NO_LIMITS, None, None)
    assert accounts.keys() == [made, other]


def test_what_is_no_secret_is_not_found(accounts: Accounts) -> None:
    _, secret = accounts.add_key("k", "t", ["speak"])
    for wrong in ("", "x" * 100_000, "\0", "\udcff", "é", secret[:-1], secret.upper()):
        assert accounts.find(wrong) is None


def test_keys_are_found_together_and_by_their_hashes(accounts: Accounts) -> None:
    made = [accounts.add_key(f"key {number}", "acme", ["speak"]) for number in range(3)]
    accounts.revoke(made[2][0].key_id)
    expected = {hash_of(secret): accounts.find(secret) for _, secret in made}
    wrong = [hash_of(str(number)) for number in range(500)]
    assert accounts.find_all([*wrong, *expected]) == expected
    assert accounts.find_all(wrong) == {}


def test_neither_the_secret_nor_a_part_of_it_is_in_the_database(tmp_path: Path) -> None:
    settings = AccountsSettings(url=f"sqlite:///{tmp_path}/accounts.sqlite")
    with open_accounts(settings) as accounts:
        made, secret = accounts.add_key("k", "t", ["speak"])
        assert accounts.find(secret) == made
        written = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert made.key_id.encode() in written
    random = secret.removeprefix("sk-seedcast-").encode()
    for start in range(len(random) - 8):
        assert random[start : start + 8] not in written


def test_no_column_of_postgresql_holds_the_secret(
    accounts: Accounts, accounts_settings: AccountsSettings
) -> None:
    _, secret = accounts.add_key("k", "t", ["speak"])
    with (
        connect(accounts_settings, ACCOUNTS, read_only=True) as database,
        database.transaction("reading") as connection,
    ):
        rows = connection.exec_driver_sql("SELECT * FROM api_keys").all()
    assert len(rows) == 1
    random = secret.removeprefix("sk-seedcast-")
    assert random not in repr(rows)
    assert random.encode().hex() not in repr(rows)


def test_a_revoked_key_is_found_as_such_and_keeps_the_time(accounts: Accounts) -> None:
    made, secret = accounts.add_key("k", "t", ["speak"])
    kept, _ = accounts.add_key("kept", "t", ["speak"])
    revoked = accounts.revoke(made.key_id)
    assert revoked.revoked_at
    assert revoked.state(revoked.revoked_at) == "revoked"
    assert accounts.revoke(made.key_id) == revoked == accounts.find(secret)
    assert accounts.keys() == [revoked, kept]


def test_an_unknown_key_cannot_be_revoked(accounts: Accounts) -> None:
    for key_id in ("key-0", "", "a\0b", "\udcff", "'; DROP TABLE api_keys"):
        with pytest.raises(InvalidInput, match="`seedcast keys list` shows them"):
            accounts.revoke(key_id)


def test_an_expired_key_is_found_as_such(accounts: Accounts) -> None:
    ends = datetime.now(UTC) + timedelta(hours=1)
    _, secret = accounts.add_key("k", "t", ["speak"], expires_at=ends)
    found = accounts.find(secret)
    assert found
    assert found.expires_at
    assert found.state(found.expires_at - timedelta(milliseconds=1)) == "valid"
    assert found.state(found.expires_at) == "expired"
    assert accounts.revoke(found.key_id).state(ends + timedelta(days=1)) == "revoked"


def test_a_key_that_cannot_be_is_refused_and_not_stored(accounts: Accounts) -> None:
    with pytest.raises(InvalidInput, match="scope; "):
        accounts.add_key("k", "t", [])
    assert accounts.keys() == []


def test_the_first_to_claim_a_key_has_it(accounts: Accounts) -> None:
    def claim(key: str, request_id: str, body: bytes = BODY, tenant: str = "acme") -> Claim:
        return accounts.claim(tenant, key, body, request_id, NOW)

    assert claim("k", "r1") == Claim(request_id="r1", is_new=True, same_body=True)
    assert claim("k", "r2") == Claim(request_id="r1", is_new=False, same_body=True)
    assert claim("k", "r3", OTHER) == Claim(request_id="r1", is_new=False, same_body=False)
    assert claim("K", "r4").is_new
    assert claim("k", "r5", tenant="another").is_new


def test_an_idempotency_key_that_cannot_be_stored_is_refused(accounts: Accounts) -> None:
    for key in ("", "x" * 256, "a\0b", "a\nb", "\udcff"):
        with pytest.raises(InvalidInput, match="idempotency key; expected 1 to 255 visible"):
            accounts.claim("acme", key, BODY, "r1", NOW)
    assert accounts.claim("acme", "😀" * 255, BODY, "r1", NOW).is_new


def test_of_many_threads_exactly_one_has_the_key(accounts: Accounts) -> None:
    def race(number: int) -> list[Claim]:
        return [accounts.claim("t", f"k{key}", BODY, f"r{number}", NOW) for key in range(KEYS)]

    with ThreadPoolExecutor(THREADS) as pool:
        claimed = list(pool.map(race, range(THREADS)))
    assert_one_each([[(c.request_id, c.is_new) for c in each] for each in claimed])


def race(settings: AccountsSettings, number: int, file: Path, start: Barrier) -> None:
    """Claim every key in a process of its own, beside the others."""
    start.wait()
    with open_accounts(settings) as accounts, open(file, "w") as out:
        for key in range(KEYS):
            claim = accounts.claim("t", f"k{key}", BODY, f"r{number}", NOW)
            print(claim.request_id, int(claim.is_new), file=out)


def test_of_many_processes_exactly_one_has_the_key_and_one_migrates(
    accounts_settings: AccountsSettings, tmp_path: Path
) -> None:
    """None finds a table: they migrate at the same time, too."""
    patient = accounts_settings.model_copy(update={"lock_timeout": 120.0})
    start = multiprocessing.get_context("forkserver").Barrier(PROCESSES)
    files = [tmp_path / f"claimed-{number}" for number in range(PROCESSES)]
    racing = [
        ForkedProcess(race, patient, number, file, start) for number, file in enumerate(files)
    ]
    assert [process.wait(300) for process in racing] == [0] * PROCESSES
    lines = [file.read_text().split() for file in files]
    assert_one_each([list(zip(each[::2], map(int, each[1::2]), strict=True)) for each in lines])


def assert_one_each(claimed: list[list[tuple[str, int]]]) -> None:
    """Each key is new to one, and all know that one's request."""
    winners = Counter[str]()
    for of_one_key in zip(*claimed, strict=True):
        new = [request_id for request_id, is_new in of_one_key if is_new]
        assert len(new) == 1
        assert {request_id for request_id, _ in of_one_key} == set(new)
        winners.update(new)
    assert winners.total() == KEYS


def test_old_claims_are_forgotten_in_small_transactions(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "AT_ONCE", 4)
    for number in range(10):
        accounts.claim("t", f"k{number}", BODY, "r", NOW + timedelta(seconds=number))
    assert accounts.forget_claims(NOW + timedelta(seconds=9)) == 9
    assert accounts.forget_claims(NOW + timedelta(seconds=9)) == 0
    assert not accounts.claim("t", "k9", BODY, "r2", NOW).is_new
    assert accounts.claim("t", "k8", OTHER, "r2", NOW).is_new


def test_the_migrated_schema_is_that_of_the_tables(accounts_settings: AccountsSettings) -> None:
    scripts = ScriptDirectory(str(ACCOUNTS.migrations))
    revisions = [each.revision for each in scripts.walk_revisions()][::-1]
    assert revisions == list(ACCOUNTS.revisions)
    latest = revisions[-1]
    assert migrate(accounts_settings, ACCOUNTS) == (None, latest)
    assert migrate(accounts_settings, ACCOUNTS) == (latest, latest)
    with (
        connect(accounts_settings, ACCOUNTS, read_only=False) as database,
        database.transaction("comparing") as connection,
    ):
        context = MigrationContext.configure(
            connection, opts={"version_table": ACCOUNTS.version_table}
        )
        assert compare_metadata(context, METADATA) == []


def test_a_newer_schema_is_refused(accounts_settings: AccountsSettings) -> None:
    migrate(accounts_settings, ACCOUNTS)
    with (
        connect(accounts_settings, ACCOUNTS, read_only=False) as database,
        database.transaction("changing the revision") as connection,
    ):
        connection.exec_driver_sql("UPDATE accounts_version SET version_num = '9999'")
    with pytest.raises(AccountsMismatch, match=r"the accounts; .*9999; .*upgrade this one"):
        open_accounts(accounts_settings)


def test_no_rebuild_of_an_index_in_the_same_database_touches_the_accounts(
    accounts: Accounts, index_settings: IndexSettings
) -> None:
    made, _ = accounts.add_key("k", "t", ["speak"])
    accounts.claim("t", "k", BODY, "r1", NOW)
    assert migrate(index_settings)[0] is None
    rebuild.clear(index_settings)
    assert accounts.keys() == [made]
    assert not accounts.claim("t", "k", BODY, "r2", NOW).is_new


def test_a_power_cut_loses_no_key_that_was_shown(tmp_path: Path) -> None:
    settings = AccountsSettings(url=f"sqlite:///{tmp_path}/accounts.sqlite")
    with (
        connect(settings, ACCOUNTS, read_only=False) as database,
        database.transaction("asking") as connection,
    ):
        full = connection.exec_driver_sql("PRAGMA synchronous").scalar()
        journal = connection.exec_driver_sql("PRAGMA journal_mode").scalar()
    assert (full, journal) == (2, "wal")


def test_a_lock_that_is_held_is_waited_for_and_said(tmp_path: Path) -> None:
    settings = AccountsSettings(url=f"sqlite:///{tmp_path}/accounts.sqlite", lock_timeout=0.2)
    with open_accounts(settings) as accounts:
        other = sqlite3.connect(path_of(settings), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(AccountsUnavailable, match="end what locks it"):
            accounts.claim("t", "k", BODY, "r1", NOW)
        other.execute("ROLLBACK")
        other.close()
        assert accounts.claim("t", "k", BODY, "r1", NOW).is_new


def test_the_documented_rights_are_enough(postgres: PostgresServer) -> None:
    shared = postgres.new_database()
    database, role, password = shared.url.rpartition("/")[2], f"role_{uuid4().hex[:8]}", uuid4().hex
    postgres.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{password}'")
    postgres.execute(f"REVOKE ALL ON DATABASE {database} FROM PUBLIC")
    settings = AccountsSettings(
        url=shared.url.replace("postgres@", f"{role}@"), password=SecretStr(password), tls="disable"
    )
    with pytest.raises(CredentialsRefused, match="SEEDCAST_ACCOUNTS_PASSWORD_FILE"):
        open_accounts(settings)
    postgres.execute(GATEWAY.format(database=database, gateway=role), database)
    with open_accounts(settings) as accounts:
        made, _ = accounts.add_key("k", "t", ["speak"])
        assert accounts.claim("t", "k", BODY, "r1", NOW).is_new
        assert accounts.forget_claims(NOW + timedelta(days=1)) == 1
        assert accounts.revoke(made.key_id).revoked_at
    postgres.execute(f"REVOKE ALL ON api_keys FROM {role}", database)
    with open_accounts(settings) as accounts, pytest.raises(AccessDenied, match=r"docs/keys\.md"):
        accounts.keys()


def test_a_server_that_is_away_is_told_and_asked_again(postgres: PostgresServer) -> None:
    shared, proxy = postgres.new_database(), Proxy(postgres.port)
    url = shared.url.replace(str(postgres.port), str(proxy.port))
    settings = AccountsSettings(url=url, password=shared.password, tls="disable")
    with open_accounts(settings) as accounts:
        made, secret = accounts.add_key("k", "t", ["speak"])
        proxy.fail(Fault(cut=True))
        for ask in (accounts.keys, lambda: accounts.find(secret)):
            with pytest.raises(AccountsUnavailable, match=r"postgres@127\.0\.0\.1"):
                ask()
        proxy.heal()
        assert accounts.find(secret) == made
    proxy.close()


def test_a_new_file_that_another_process_is_opening_is_waited_for(tmp_path: Path) -> None:
    """SQLite itself does not wait where it changes to WAL."""
    settings = AccountsSettings(url=f"sqlite:///{tmp_path}/accounts.sqlite", lock_timeout=60.0)
    other = sqlite3.connect(path_of(settings), isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    leaving = threading.Timer(0.3, other.close)
    leaving.start()
    with open_accounts(settings) as accounts:
        assert accounts.keys() == []
    leaving.join()


def test_settings_that_lead_nowhere_name_their_variables(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match="set SEEDCAST_ACCOUNTS_URL"):
        open_accounts(AccountsSettings())
    with pytest.raises(LocalResource, match=r"the accounts in .*correct SEEDCAST_ACCOUNTS_URL"):
        open_accounts(AccountsSettings(url=f"sqlite:///{tmp_path}/nowhere/accounts.sqlite"))
    (tmp_path / "damaged").write_bytes(b"no database" * 100)
    with pytest.raises(AccountsMismatch, match="restore it from a backup"):
        open_accounts(AccountsSettings(url=f"sqlite:///{tmp_path}/damaged"))
