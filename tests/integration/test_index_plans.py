"""Every question that must be quick is answered through an index, on both databases."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Connection, Engine, event

from seedcast.settings import IndexSettings
from seedcast.storage.index import sampling
from seedcast.storage.index.database import connect
from seedcast.storage.index.reader import Index
from seedcast.storage.index.sampling import Sample
from seedcast.storage.index.upkeep import read_facts
from seedcast.storage.index.writer import StoredResult
from tests.builders.indexed import add, listed, request_id, result, rows, writing

ROWS = 3_000  # of each of three campaigns: a scan of them is dearer than an index

BY_ID, BY_ROW = "pk_requests", "ix_requests_campaign_key_row_request_id"
BY_OWN_ID = "ix_requests_campaign_key_own_id"
BY_CODE = "ix_requests_campaign_key_error_code_row_request_id"


def _sampled(index: Index, rows: int | None) -> Sample:
    """Ask for few: to PostgreSQL, a scan of this table is cheaper than a thousand look-ups."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sampling, "SAMPLED", 50)
        return index.sample("b", rows, ROWS)


QUESTIONS: dict[str, tuple[str, Callable[[Index], object]]] = {
    "request": (BY_ID, lambda index: index.request(request_id(7))),
    "request of a campaign": (BY_ID, lambda index: index.request(request_id(7), "b")),
    "own id": (BY_OWN_ID, lambda index: index.find("b", "n-7")),
    "first page": (BY_ROW, lambda index: index.requests("b")),
    "page in the middle": (
        BY_ROW,
        lambda index: index.requests("b", after=f"1500:{request_id(1500)}"),
    ),
    "page behind the list": (BY_ROW, lambda index: index.requests("b", after=f":{request_id(1)}")),
    "first page of errors": (BY_CODE, lambda index: index.requests("b", status="failed")),
    "first page of a code": (BY_CODE, lambda index: index.requests("b", error="unstable")),
    "sample": (BY_ROW, lambda index: _sampled(index, ROWS)),
    "sample of what is in no list": (BY_ROW, lambda index: _sampled(index, None)),
    "latest": (BY_ROW, lambda index: index.latest("b", [1500], 10)),
    "latest of what is in no list": (BY_ROW, lambda index: index.latest("b", [], 10)),
}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def index(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Index]:
    if request.param == "sqlite":
        settings = IndexSettings(url=f"sqlite:///{tmp_path_factory.mktemp('index')}/index.sqlite")
    else:
        settings = request.getfixturevalue("postgres").new_database()
    with writing(settings) as writer:
        for name in ("a", "b", "c"):
            writer.put_campaigns([listed(name, ROWS)])
            writer.load_list(name, rows(ROWS))
            add(writer, *(_ended(name, number) for number in range(1, ROWS + 20)))
    if request.param == "postgresql":  # it does so by itself, in time; SQLite never does
        with connect(settings, read_only=False) as opened, opened.transaction("x") as connection:
            connection.exec_driver_sql("ANALYZE")
    with Index(connect(settings, read_only=True)) as opened:
        yield opened


def _ended(name: str, number: int) -> StoredResult:
    return result(name, number, "failed" if number % 50 == 0 else "succeeded")


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_is_answered_through_its_index(index: Index, question: str) -> None:
    expected, ask = QUESTIONS[question]
    if expected == BY_ID and index._database._engine.dialect.name == "sqlite":
        expected = "sqlite_autoindex_requests_1"  # it names a primary key so
    plans = _plans(index, lambda: ask(index))
    assert plans, "expected a query of requests"
    for plan in plans:
        assert expected in plan
        assert "SCAN requests" not in plan, "SQLite reads all"
        assert "Seq Scan on requests" not in plan, "PostgreSQL reads all"


def test_an_own_id_is_looked_up_and_not_its_whole_campaign_read(index: Index) -> None:
    of_the_expression = {"sqlite": "<expr>=?", "postgresql": "substr("}
    condition = of_the_expression[index._database._engine.dialect.name]
    for plan in _plans(index, lambda: index.find("b", "n-7")):
        found = [line for line in plan.splitlines() if BY_OWN_ID in line or "Index Cond" in line]
        assert any(condition in line for line in found), plan


def test_the_list_of_campaigns_reads_the_first_strays_only(index: Index) -> None:
    plans = _plans(index, index.campaigns)
    assert len(plans) == 3
    assert all(BY_ROW in plan for plan in plans)


def test_the_state_of_the_index_is_told_without_counting_requests(
    index_settings: IndexSettings,
) -> None:
    with writing(index_settings) as writer:
        writer.put_campaigns([listed("a", 30)])
        writer.load_list("a", rows(30))
        add(writer, *(_ended("a", number) for number in range(20, 40)), _ended("b", 1))
    asked = list[str]()

    def note(_connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        facts = read_facts(index_settings)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert (facts.campaigns, facts.requests) == (2, 40)
    assert asked
    assert not [statement for statement in asked if "requests" in statement]


def _plans(index: Index, ask: Callable[[], object]) -> list[str]:
    """Ask, and return the plan of each query of requests that was asked."""
    asked = list[tuple[str, object]]()

    def note(
        _connection: Connection, _cursor: object, statement: str, values: object, *_: object
    ) -> None:
        if "requests." in statement:
            asked.append((statement, values))

    engine = index._database._engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        ask()
    finally:
        event.remove(engine, "before_cursor_execute", note)
    explain = "EXPLAIN QUERY PLAN" if engine.dialect.name == "sqlite" else "EXPLAIN"
    with index._database.transaction("explaining") as connection:
        return [
            "\n".join(str(row) for row in connection.exec_driver_sql(f"{explain} {each}", values))
            for each, values in asked
        ]
