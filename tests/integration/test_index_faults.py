"""What the index does when its database fails, and when its writer is killed."""

import random
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from seedcast.errors import (
    AccessDenied,
    CredentialsRefused,
    IndexDamaged,
    IndexMismatch,
    IndexUnavailable,
    SeedcastError,
)
from seedcast.settings import IndexSettings
from seedcast.storage.index.database import connect, open_database
from seedcast.storage.index.migrate import migrate
from seedcast.storage.index.rebuild import rebuild
from seedcast.storage.index.sqlite import PAGE, path_of
from seedcast.storage.index.writer import IndexWriter, ListRow, StoredResult, TermOver
from tests.builders.indexed import (
    TOPIC,
    add,
    counts,
    everything,
    listed,
    reading,
    request_id,
    result,
    rows,
    writing,
)
from tests.builders.postgres_server import PostgresServer
from tests.builders.processes import ForkedProcess
from tests.builders.waiting import eventually
from tests.crash.proxy import Fault, Proxy

KILLED = 1_600  # records of the topic in a test that kills
IDS = 600  # request ids among them: the others repeat
AT_ONCE = 40


def test_a_connection_that_is_cut_within_a_transaction_leaves_nothing(
    postgres: PostgresServer,
) -> None:
    settings, proxy = postgres.new_database(), Proxy(postgres.port)
    proxied = settings.model_copy(
        update={"url": settings.url.replace(str(postgres.port), str(proxy.port))}
    )

    def cut() -> Iterator[StoredResult]:
        yield result("a", 1)
        proxy.fail(Fault(cut=True))  # the positions have moved by now

    with writing(proxied) as writer:
        with pytest.raises(IndexUnavailable, match=r"postgres@127\.0\.0\.1"):
            writer.add_results({0: (0, 1)}, cut())
        with pytest.raises(IndexUnavailable):
            writer.pending_lists()
        proxy.heal()
        assert everything(settings) == ([], [])
        assert add(writer, result("a", 1)) == {"a"}  # by a connection of its own
    proxy.close()


def test_a_server_that_stops_and_starts_loses_nothing_that_was_written(
    postgres: PostgresServer,
) -> None:
    settings = postgres.new_database()

    def stop() -> Iterator[ListRow]:
        yield from rows(6_000)
        postgres.stop()

    with writing(settings) as writer, reading(settings) as index:
        writer.put_campaigns([listed("a", 6_000)])
        add(writer, result("a", 1))
        try:
            with pytest.raises(IndexUnavailable):
                writer.load_list("a", stop())
            for question in (index.campaigns, index.next_offsets, writer.complete):
                with pytest.raises(IndexUnavailable):
                    question()
        finally:
            postgres.start()
        assert index.next_offsets() == {0: 1, 1: 0}
        assert writer.pending_lists() == ["a"]
        writer.load_list("a", rows(6_000))
    assert counts(settings, "a") == (1, 0, 0, 0, 0)


@contextmanager
def locked(settings: IndexSettings) -> Iterator[None]:
    """Another holds what every transaction locks first."""
    with (
        open_database(settings, read_only=False) as database,
        database.transaction("holding a lock") as connection,
    ):
        connection.exec_driver_sql("UPDATE term SET number = number")
        yield


def test_a_lock_that_is_held_for_long_is_said_and_waited_for(
    index_settings: IndexSettings,
) -> None:
    with writing(index_settings) as first:
        add(first, result("a", 1))
    settings = index_settings.model_copy(update={"lock_timeout": 0.3})
    with writing(settings) as writer:
        with locked(settings):
            with pytest.raises(IndexUnavailable, match="end what locks it"):
                add(writer, result("a", 2))
            # Readers wait for nobody.
            assert counts(settings, "a") == (1, 0, 0, 0, 0)
        add(writer, result("a", 2))
    assert counts(settings, "a") == (2, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("read_only", "timeout"), [(True, "read_timeout"), (False, "statement_timeout")]
)
def test_a_statement_that_takes_too_long_is_ended(
    postgres: PostgresServer, read_only: bool, timeout: str
) -> None:
    settings = postgres.settings().model_copy(update={timeout: 0.2})
    with (
        connect(settings, read_only=read_only) as database,
        pytest.raises(IndexUnavailable, match="statement timeout"),
        database.transaction("waiting") as connection,
    ):
        connection.exec_driver_sql("SELECT pg_sleep(60)")


def test_a_process_that_stops_within_a_transaction_keeps_nobody_out(
    postgres: PostgresServer,
) -> None:
    settings = postgres.new_database()
    migrate(settings)
    brief = settings.model_copy(update={"statement_timeout": 3.0})  # how long it may stand still
    with writing(brief) as writer, open_database(settings, read_only=False) as database:
        terms = list[IndexWriter]()

        def begin() -> bool:
            terms.append(IndexWriter.begin_term(database, "the next", TOPIC))
            return True

        def stopped() -> Iterator[StoredResult]:
            """Stand still, within the transaction, until another's term has begun."""
            eventually(begin, what="the next term")
            yield result("a", 1)

        with pytest.raises(IndexUnavailable):
            writer.add_results({0: (0, 1)}, stopped())
        with pytest.raises(TermOver):
            add(writer, result("a", 1))
        assert add(terms[0], result("a", 1)) == {"a"}
    assert counts(settings, "a") == (1, 0, 0, 0, 0)


def test_a_full_disk_changes_nothing_and_heals(tmp_path: Path) -> None:
    settings = IndexSettings(url=f"sqlite:///{tmp_path}/index.sqlite")
    many = [result("a", number) for number in range(2_000)]
    with writing(settings) as writer:
        add(writer, result("b", 1))
        before = everything(settings)
        limit_pages(writer, 40)
        with pytest.raises(IndexUnavailable, match="SQLITE_FULL"):
            add(writer, *many)
        assert everything(settings) == before
        limit_pages(writer, 1_000_000)
        add(writer, *many)
    assert counts(settings, "a") == (2_000, 0, 0, 0, 0)


def limit_pages(writer: IndexWriter, pages: int) -> None:
    """As if the disk had room for no more. It holds for the pool's one connection."""
    with writer._database.transaction("limiting the file") as connection:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")


def damage(settings: IndexSettings, how: str) -> None:
    """Write garbage over the whole file, or over all pages but the first three."""
    path = path_of(settings)
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(0 if how == "no database" else 3 * PAGE)
        file.write(b"\xff" * (size - file.tell()))


@pytest.mark.parametrize("how", ["no database", "pages"])
def test_a_damaged_file_is_set_aside_by_a_rebuild(tmp_path: Path, how: str) -> None:
    settings = IndexSettings(url=f"sqlite:///{tmp_path}/index.sqlite")
    with writing(settings) as writer:
        writer.put_campaigns([listed("a", 2_000)])
        writer.load_list("a", rows(2_000))
    damage(settings, how)
    for ending in ("-wal", "-shm"):  # as a process leaves them that is killed
        path_of(settings).with_name(f"index.sqlite{ending}").write_bytes(b"left behind")
    with pytest.raises(IndexDamaged, match="seedcast index rebuild"):
        everything(settings)
    aside = rebuild(settings)
    assert aside
    assert aside.name.startswith("index.sqlite.damaged-")
    beside = {aside.name, f"{aside.name}-shm", f"{aside.name}-wal"}
    found = {path.name for path in tmp_path.iterdir()}
    # What SQLite can open it tidies itself.
    assert found == {"index.sqlite"} | (beside if how == "no database" else {aside.name})
    assert aside.read_bytes().count(b"\xff" * PAGE) > 3
    assert everything(settings) == ([], [])
    with writing(settings) as writer:
        add(writer, result("a", 1))
    assert rebuild(settings) is None, "a whole file is emptied"
    assert everything(settings) == ([], [])


def test_who_has_the_damaged_file_open_goes_on_in_the_new_one(tmp_path: Path) -> None:
    settings = IndexSettings(url=f"sqlite:///{tmp_path}/index.sqlite")
    with writing(settings) as writer, reading(settings) as index:
        add(writer, result("a", 1))
        assert len(index.campaigns()) == 1
        size = path_of(settings).stat().st_size
        dd = ["dd", "if=/dev/zero", f"of={path_of(settings)}", f"bs={size}", "count=1"]
        # Another process does it: to open the file here, and close it, would end SQLite's locks.
        subprocess.run([*dd, "conv=notrunc"], check=True)
        assert rebuild(settings)
        with pytest.raises(TermOver):
            add(writer, result("a", 2))
        assert index.campaigns() == []
        with writing(settings) as following:
            add(following, result("a", 1), result("a", 2))
            with pytest.raises(TermOver):  # its number is that of no term of the older file
                writer.pending_lists()
        assert counts(settings, "a") == (2, 0, 0, 0, 0)
        assert [each.campaign_id for each in index.campaigns()] == ["a"]


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("08006", IndexUnavailable),  # connection failure
        ("25006", IndexUnavailable),  # read-only: it was failed over to a standby
        ("40001", IndexUnavailable),  # serialization failure
        ("53100", IndexUnavailable),  # disk full
        ("53300", IndexUnavailable),  # too many connections
        ("57P01", IndexUnavailable),  # admin shutdown
        ("58030", IndexUnavailable),  # I/O error
        ("XX000", IndexUnavailable),  # internal error: the disk is over its quota
        ("28P01", CredentialsRefused),
        ("42501", AccessDenied),
        ("42P01", IndexMismatch),  # undefined table
    ],
)
def test_each_state_of_postgresql_says_whether_it_may_heal(
    postgres: PostgresServer, state: str, kind: type[SeedcastError]
) -> None:
    failing = f"DO $$ BEGIN RAISE 'told to' USING ERRCODE = '{state}'; END $$"
    with (
        connect(postgres.settings(), read_only=True) as database,
        pytest.raises(kind, match=state),
        database.transaction("failing") as connection,
    ):
        connection.exec_driver_sql(failing)


def test_an_older_copy_of_the_database_catches_up_and_ends_equal(
    index_settings: IndexSettings, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    log = [result("a", number % 7, "failed" if number % 3 else "succeeded") for number in range(40)]
    with writing(index_settings) as writer:
        writer.put_campaigns([listed("a", 5)])
        add(writer, *log[:15])
    older = copied(index_settings, request, tmp_path)
    for settings in (index_settings, older):
        with writing(settings) as writer:
            writer.put_campaigns([listed("a", 5)])
            writer.load_list("a", rows(5))
            add(writer, *log[writer.positions[0] :])
    assert everything(older) == everything(index_settings)


def copied(settings: IndexSettings, request: pytest.FixtureRequest, folder: Path) -> IndexSettings:
    if settings.url.startswith("sqlite"):
        shutil.copy(path_of(settings), folder / "older.sqlite")
        return IndexSettings(url=f"sqlite:///{folder}/older.sqlite")
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.new_database(settings.url.rpartition("/")[2])


def at(offset: int) -> StoredResult:
    """The record of the results topic at an offset: ids repeat, campaigns and outcomes differ."""
    drawn = random.Random(offset)
    number = drawn.randrange(IDS)
    status = drawn.choice(("succeeded", "failed"))
    return result("ab"[number % 2], number, status, at=offset + 1)


def write_on(settings: IndexSettings) -> None:
    """Write the records of the topic from where the index is, until the end of it."""
    with writing(settings) as writer:
        writer.put_campaigns([listed("a", IDS // 3)])
        if writer.pending_lists():
            evens = range(0, IDS // 3 * 2, 2)
            listed_rows = (ListRow(number + 1, request_id(number), None) for number in evens)
            writer.load_list("a", listed_rows)
        while (position := writer.positions[0]) < KILLED:
            add(writer, *(at(offset) for offset in range(position, position + AT_ONCE)))


@pytest.mark.parametrize("times", [2, pytest.param(20, marks=pytest.mark.slow)])
def test_a_writer_that_is_killed_at_any_moment_counts_nothing_twice_and_loses_nothing(
    index_settings: IndexSettings, times: int
) -> None:
    drawn = random.Random(times)
    with writing(index_settings):  # so that there are tables
        pass
    with reading(index_settings) as index:
        for number in range(times):
            until = KILLED * number // times + drawn.randrange(AT_ONCE)
            process = ForkedProcess(write_on, index_settings)
            eventually(lambda u=until: index.next_offsets()[0] >= u, what="progress")  # type: ignore[misc]
            process.kill()
            process.wait()
    write_on(index_settings)
    expected = counted_naively()
    assert counts(index_settings, "a") == expected["a"]
    assert counts(index_settings, "b") == expected["b"]


def counted_naively() -> dict[str, tuple[int, int, int, int, int]]:
    first = dict[int, StoredResult]()
    for offset in range(KILLED):
        number = int((each := at(offset)).result.request_id[-4:])
        first.setdefault(number, each)
    figures = dict[str, tuple[int, int, int, int, int]]()
    for name in ("a", "b"):
        mine = {key: each for key, each in first.items() if each.result.campaign_id == name}
        strays = {key for key in mine if name == "a" and key >= IDS // 3 * 2}
        statuses = [each.result.status for key, each in mine.items() if key not in strays]
        figures[name] = (statuses.count("succeeded"), statuses.count("failed"), 0, 0, len(strays))
    return figures
