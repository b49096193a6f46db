"""Commands print what a cell, a file name or a library says as it is, and leave out secrets.

It is never taken for rich's markup or an emoji.
"""

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from seedcast.cli import base
from seedcast.cli.base import fail
from seedcast.cli.console import SafeConsole
from seedcast.cli.demo import _raise_if_ended
from seedcast.cli.doctor import Finding
from seedcast.cli.doctor import _print as print_findings
from seedcast.cli.results import _print as print_result
from seedcast.cli.submit import show
from seedcast.embedded import Process
from seedcast.errors import EngineFailed, InvalidInput
from seedcast.producers.submit.options import Rejection, SubmitReport
from seedcast.schemas.messages import SpeechResult
from seedcast.settings import KafkaSettings, Settings

TEXTS = ["[/b]", r"\[/b]", "[abc]", r"\[1]", "a[/b]", "[bold", ":x:", "C:\\"]


@pytest.mark.parametrize("text", TEXTS)
def test_an_error_is_shown_as_it_is(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert fail(InvalidInput(text, expected=text, got=text, remedy=text)) == 2
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(maxsplit=1)[-1].removeprefix("do ") for line in lines] == [text] * 4


@pytest.mark.parametrize("text", TEXTS)
def test_a_rejected_row_is_shown_as_it_is(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    rejection = Rejection(row=3, field=text, expected=text, got=text)
    report = SubmitReport(
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
    show(report)
    row = f"  row 3  field {text}: expected {text}, got {text}\n"
    assert capsys.readouterr().err == f"{row}  all 1 are in {text}\n"


@pytest.mark.parametrize("text", TEXTS)
def test_a_result_is_shown_as_it_is(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    result = SpeechResult(
        request_id="request-1", campaign_id=None, status="cancelled", metadata={"id": text}
    )
    print_result(result, as_json=False)
    assert capsys.readouterr().out == f"request-1  cancelled  {text:<10}  \n"


OBEYED = (
    "\x1b]0;owned\x07 \x9b2J \r\u202e"  # a title, an empty screen, a line written over, backwards
)


def test_what_a_terminal_would_obey_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    result = SpeechResult(
        request_id="request-1", campaign_id=None, status="cancelled", metadata={"id": OBEYED}
    )
    shown = r"\x1b]0;owned \x9b2J \u202e"  # Rich leaves out bells and carriage returns
    print_result(result, as_json=False)
    assert capsys.readouterr().out == f"request-1  cancelled  {shown}  \n"
    fail(InvalidInput(OBEYED))
    assert capsys.readouterr().err == f"error {shown}\n"


@pytest.mark.parametrize("printed", [print_result, lambda result, **_: base.emit(result.metadata)])
def test_what_a_terminal_would_obey_is_escaped_in_json(
    printed: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    result = SpeechResult(
        request_id="request-1", campaign_id=None, status="cancelled", metadata={"id": OBEYED}
    )
    printed(result, as_json=True)
    line = capsys.readouterr().out.removesuffix("\n")
    assert line.isprintable()
    assert json.loads(line).get("metadata", json.loads(line))["id"] == OBEYED


def test_a_colour_and_a_bar_are_still_rich_s_own() -> None:
    console = SafeConsole(file=(file := io.StringIO()), force_terminal=True, width=40)
    console.print("[red]x[/]")
    assert file.getvalue() == "\x1b[31mx\x1b[0m\n"


def test_the_doctor_shows_findings_as_they_are_and_no_values_of_librdkafka_options(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base.out, "width", 200)
    options = {"sasl.oauthbearer.client.secret": "hush", "client.rack": "b"}
    settings = Settings(home=Path("/srv/[x]"), kafka=KafkaSettings(options=options))
    print_findings([Finding("disk", False, "[/b]", "[abc]")], settings)
    shown = capsys.readouterr().out
    assert "mend disk       [/b]\n                [abc]\n" in shown
    assert "/srv/[x]" in shown
    assert "sasl.oauthbearer.client.secret, client.rack" in shown
    assert "hush" not in shown


@pytest.mark.parametrize("name", ["gpu-consumer-1", "postprocess-1", "kafka", "s3"])
def test_the_demo_fails_if_what_it_needs_has_ended_and_ignores_other_workers(
    name: str, tmp_path: Path
) -> None:
    def process(name: str, running: bool) -> Process:
        return Process(name, 1, running, None, tmp_path / f"{name}.log", 0.0)

    _raise_if_ended([process(name, running=True), process("gpu-consumer-2", running=False)])
    with pytest.raises(EngineFailed, match=name):
        _raise_if_ended([process(name, running=False)])
