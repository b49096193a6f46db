"""What a cell, a file's name or a library says is printed as it is, never taken for rich's markup or an emoji; and what commands leave out."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from producers import SubmitReport
from producers.submit.options import Rejection
from schemas.messages import SpeechResult
from seedcast.cli import base
from seedcast.cli.base import fail
from seedcast.cli.dead_letters import newest
from seedcast.cli.demo import _refuse_dead
from seedcast.cli.doctor import Finding
from seedcast.cli.doctor import _print as print_findings
from seedcast.cli.results import _print as print_result
from seedcast.cli.submit import show
from seedcast.embedded import Process
from seedcast.errors import EngineFailed, InvalidInput, Undecodable
from seedcast.kafka import Partition, Record
from seedcast.settings import KafkaSettings, Settings
from storage.dead_letters import DeadLetter, dead_letter, original, parse
from storage.memory_store import MemoryStore

TEXTS = ["[/b]", r"\[/b]", "[abc]", r"\[1]", "a[/b]", "[bold", ":x:", "C:\\"]


@pytest.mark.parametrize("text", TEXTS)
def test_an_error_is_shown_as_it_is(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert fail(InvalidInput(text, expected=text, got=text, remedy=text)) == 2
    assert [
        line.split(maxsplit=1)[-1].removeprefix("do ")
        for line in capsys.readouterr().err.splitlines()
    ] == [text] * 4


@pytest.mark.parametrize("text", TEXTS)
def test_a_rejected_row_is_shown_as_it_is(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    rejection = Rejection(row=3, field=text, expected=text, got=text)
    show(
        SubmitReport(
            campaign_id="night",
            state="sealed",
            rows=1,
            accepted=0,
            new=0,
            resumed=0,
            duplicates=0,
            rejected=1,
            rejections=(rejection,),
            rejected_file=Path(text),
            seconds=1.0,
        )
    )
    assert (
        capsys.readouterr().err
        == f"  row 3  field {text}: expected {text}, got {text}\n  all 1 are in {text}\n"
    )


@pytest.mark.parametrize("text", TEXTS)
def test_a_result_is_shown_as_it_is(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    print_result(
        SpeechResult(
            request_id="request-1", campaign_id=None, status="cancelled", metadata={"id": text}
        ),
        as_json=False,
    )
    assert capsys.readouterr().out == f"request-1  cancelled  {text:<10}  \n"


def test_the_doctor_shows_findings_as_they_are_and_no_value_of_an_option(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base.out, "width", 200)
    options = {"sasl.oauthbearer.client.secret": "hush", "client.rack": "b"}
    print_findings(
        [Finding("disk", False, "[/b]", "[abc]")],
        Settings(home=Path("/srv/[x]"), kafka=KafkaSettings(options=options)),
    )
    shown = capsys.readouterr().out
    assert "mend disk       [/b]\n                [abc]\n" in shown
    assert "/srv/[x]" in shown
    assert "sasl.oauthbearer.client.secret, client.rack" in shown
    assert "hush" not in shown


def test_a_record_that_failed_again_is_put_back_by_its_newest_letter_alone() -> None:
    store = MemoryStore()

    def letter(record: Record, position: int, now: datetime | None = None) -> DeadLetter:
        key, value, headers = dead_letter(
            record, Undecodable("no"), stage="s", store=store, now=now
        )
        return parse(
            Record(Partition("seedcast.dead-letters", 0), position, key, value, tuple(headers), 0)
        )

    def again(old: DeadLetter, position: int) -> DeadLetter:
        key, value, headers = original(old, store)
        return letter(
            Record(Partition("seedcast.requests", 1), 70 + position, key, value, tuple(headers), 0),
            position,
        )

    noon = datetime(2026, 1, 2, 12, tzinfo=UTC)
    large, small = b"\xff" * 2_000_000, b"\xfe"
    first, other = (
        letter(Record(Partition("seedcast.requests", 1), place, b"7", value, (), 0), place, noon)
        for place, value in enumerate([large, small])
    )
    second = again(first, 2)
    third = again(second, 3)
    twin = letter(Record(Partition("seedcast.requests", 1), 4, b"7", small, (), 0), 4)
    assert newest([first, other, second, third, twin]) == {
        other.position,
        third.position,
        twin.position,
    }


@pytest.mark.parametrize("name", ["gpu-consumer-1", "postprocess-1", "kafka", "s3"])
def test_the_demo_ends_with_what_it_needs_and_with_nobody_elses_worker(
    name: str, tmp_path: Path
) -> None:
    def process(name: str, running: bool) -> Process:
        return Process(name, 1, running, None, tmp_path / f"{name}.log", 0.0)

    _refuse_dead([process(name, running=True), process("gpu-consumer-2", running=False)])
    with pytest.raises(EngineFailed, match=name):
        _refuse_dead([process(name, running=False)])
