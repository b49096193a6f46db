"""PostgreSQL that freezes, has no room, is replaced by a standby, or keeps a table locked."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from seedcast.errors import IndexUnavailable
from seedcast.settings import IndexSettings, Settings
from seedcast.storage.index.batch import AT_ONCE, ROWS, fill
from seedcast.storage.index.database import open_database
from seedcast.storage.index.migrate import migrate
from seedcast.storage.index.reader import open_index
from seedcast.storage.index.tables import METADATA
from tests.builders.indexed import (
    add,
    campaign_of,
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
from tests.crash.proxy import Fault, Proxy

SHORT = {"connect_timeout": 2, "read_timeout": 1.0, "statement_timeout": 2.0}  # seconds
SILENCE = "no answer within 4 s"
MANY = 6_000  # results: several megabytes
SENT = 400_000  # rows: more than TCP keeps for a peer that reads nothing


@pytest.fixture
def brief(postgres: PostgresServer) -> IndexSettings:
    """A new index, of which nobody waits long for an answer."""
    settings = postgres.new_database()
    migrate(settings)
    return settings.model_copy(update=SHORT)


def test_a_server_that_is_frozen_is_given_up_by_all_and_nothing_is_counted_twice(
    postgres: PostgresServer, brief: IndexSettings
) -> None:
    with writing(brief) as writer, reading(brief) as index:
        writer.put_campaigns([listed("a", 3)])
        add(writer, result("a", 1))

        def open_another() -> object:
            return open_index(Settings(index=brief))

        def write() -> object:
            return add(writer, result("a", 2))

        with ThreadPoolExecutor() as pool, postgres.frozen():
            asked = [pool.submit(each) for each in (write, index.campaigns, open_another)]
            problems = [each.exception(timeout=60) for each in asked]
        assert [type(each) for each in problems] == [IndexUnavailable] * 3, problems
        assert SILENCE in str(problems[0])
        assert index.campaign("a"), "it answers again"
    with writing(brief) as writer:  # what was asked of it may have happened, or not
        add(writer, *[result("a", 1), result("a", 2), result("a", 3)][writer.positions[0] :])
    assert counts(brief, "a") == (3, 0, 0, 0, 0)


def test_what_swallows_all_that_is_sent_is_given_up_within_a_copy(
    postgres: PostgresServer, brief: IndexSettings
) -> None:
    proxy = Proxy(postgres.port)
    url = brief.url.replace(f":{postgres.port}/", f":{proxy.port}/")
    proxied = brief.model_copy(update={"url": url})

    def swallowed() -> Iterator[tuple[object, ...]]:
        for number in range(SENT):
            if number == AT_ONCE:
                proxy.fail(Fault(frozen=True))
            yield request_id(number), 1, number, None

    def send() -> None:
        with (
            open_database(proxied, read_only=False) as database,
            database.transaction("copying") as connection,
        ):
            fill(connection, ROWS, swallowed())

    with ThreadPoolExecutor() as pool:
        sending = pool.submit(send)
        try:
            problem = sending.exception(timeout=60)
        finally:
            proxy.close()
    assert isinstance(problem, IndexUnavailable)
    assert SILENCE in str(problem)


def test_a_machine_that_is_gone_is_noticed_by_tcp(brief: IndexSettings) -> None:
    with (
        writing(brief),
        open_database(brief, read_only=True) as database,
        database.transaction("looking") as connection,
    ):
        driver = connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        with socket.socket(fileno=driver.fileno()) as sock:
            limit = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
            sock.detach()
    assert limit == 25_000


def test_a_server_without_room_says_so_and_takes_all_once_it_has(
    postgres: PostgresServer,
) -> None:
    settings = postgres.new_database()
    many = [result("a", number) for number in range(MANY)]
    with writing(settings) as writer:
        add(writer, result("b", 1))
        before = everything(settings)
        with postgres.full_disk():
            with pytest.raises(IndexUnavailable, match="could not extend file"):
                add(writer, *many)
            assert everything(settings) == before
        add(writer, *many)
    assert counts(settings, "a") == (MANY, 0, 0, 0, 0)


def test_a_writer_notices_that_an_older_standby_has_taken_over(postgres: PostgresServer) -> None:
    settings = postgres.new_database()
    name = settings.url.rpartition("/")[2]
    migrate(settings)
    older = postgres.new_database(name).url.rpartition("/")[2]
    with writing(settings) as writer:
        postgres.execute("UPDATE term SET number = number + 1", older)  # this term had come there
        writer.put_campaigns([listed("a", 2)])
        postgres.end_connections(name)
        postgres.execute(f"ALTER DATABASE {name} RENAME TO {name}_lost")
        postgres.execute(f"ALTER DATABASE {older} RENAME TO {name}")
        # All is where the writer left it, but for the campaign.
        with pytest.raises(IndexUnavailable):
            writer.load_list("a", rows(2))
    with writing(settings) as writer:
        writer.put_campaigns([listed("a", 2)])
        writer.load_list("a", rows(2))
    assert campaign_of(settings, "a").list_state == "loaded"


def test_a_table_that_is_kept_locked_is_told_before_a_reader_begins(
    postgres: PostgresServer,
) -> None:
    settings = postgres.new_database().model_copy(update={"lock_timeout": 0.2})
    migrate(settings)
    for table in METADATA.tables:
        with (
            postgres.locked(table, settings.url.rpartition("/")[2]),
            pytest.raises(IndexUnavailable, match="end what locks it"),
        ):
            open_index(Settings(index=settings))
    with reading(settings) as index:
        assert index.campaigns() == []
