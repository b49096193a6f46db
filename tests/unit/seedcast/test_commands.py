"""Commands print what a cell, a file name or a library says as it is, and leave out secrets.

It is never taken for rich's markup or an emoji.
"""

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from seedcast.cli import base
from seedcast.cli.console import SafeConsole
from seedcast.cli.demo import _raise_if_ended
from seedcast.cli.doctor import Finding, examine
from seedcast.cli.doctor import _print as print_finding
from seedcast.cli.doctor import _print_remedies as print_remedies
from seedcast.cli.doctor import _print_settings as print_settings
from seedcast.cli.error_output import fail
from seedcast.cli.results import _print as print_result
from seedcast.cli.submit import show
from seedcast.embedded import Process
from seedcast.errors import EngineFailed, InvalidInput
from seedcast.producers.staging.options import Rejection, SubmitReport
from seedcast.schemas.messages import SpeechResult
from seedcast.settings import KafkaSettings, PostprocessSettings, Settings

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
        before=False,
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
    said = r"error \x1b]0;owned\x07 \x9b2J \r\u202e"  # what is wrong is one line, with all of it
    assert capsys.readouterr().err == f"{said}\n"


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
    print_finding(Finding("disk", False, "[/b]", "[abc]"))
    print_settings(settings, as_json=False)
    shown = capsys.readouterr().out
    assert "mend disk       [/b]\n" in shown
    assert "/srv/[x]" in shown
    assert "sasl.oauthbearer.client.secret, client.rack" in shown
    assert "hush" not in shown


def test_the_doctor_ends_with_a_line_for_each_thing_to_mend(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_remedies(
        [
            Finding("disk", True, "9 GiB", "free some space"),
            Finding("kafka", False, "no brokers", "set [BOOTSTRAP]"),
            Finding("voices", False, "no such file"),
            Finding("s3", False, "no endpoint", "set [BOOTSTRAP]"),
        ]
    )
    lines = [
        "to mend, in this order:",
        "  1. kafka, s3: set [BOOTSTRAP]",
        "  2. voices: no such file",
    ]
    assert capsys.readouterr().out.splitlines() == ["", *lines]


def test_the_doctor_flags_the_default_digest_key_where_servers_are_configured(
    tmp_path: Path,
) -> None:
    def finding(settings: Settings) -> Finding:
        return next(each for each in examine(settings) if each.check == "digest key")

    kafka = KafkaSettings(bootstrap="127.0.0.1:1", start_timeout=0.05)
    production = Settings(home=tmp_path, kafka=kafka)
    assert "SEEDCAST_POSTPROCESS_DIGEST_KEY" in finding(production).found
    assert not finding(production).ok
    own = PostprocessSettings(digest_key=SecretStr("our own"))
    assert finding(production.model_copy(update={"postprocess": own})).ok
    assert finding(Settings(home=tmp_path)).ok


@pytest.mark.parametrize("name", ["gpu-consumer-1", "postprocess-1", "kafka", "s3"])
def test_the_demo_fails_if_what_it_needs_has_ended_and_ignores_other_workers(
    name: str, tmp_path: Path
) -> None:
    def process(name: str, running: bool) -> Process:
        return Process(name, 1, running, None, tmp_path / f"{name}.log", 0.0)

    _raise_if_ended([process(name, running=True), process("gpu-consumer-2", running=False)])
    with pytest.raises(EngineFailed, match=name):
        _raise_if_ended([process(name, running=False)])
