"""The error with which a command ends is one line of JSON where the log is JSON."""

import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from seedcast import cli
from seedcast.cli import topics
from seedcast.cli.error_output import errors_as_json
from seedcast.embedded.processes import Process
from seedcast.embedded.readiness import failed
from seedcast.kafka.client_config import LOGGER


@pytest.fixture(autouse=True)
def _logs_as_they_were(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Restore what a command sets up for its process, which is that of the test run here."""
    root, before, level = logging.getLogger(), structlog.get_config(), LOGGER.level
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(root, "level", root.level)
    monkeypatch.setenv("SEEDCAST_HOME", str(tmp_path / "home"))
    yield
    structlog.configure(**before)
    LOGGER.setLevel(level)


def ended(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str
) -> dict[str, object]:
    """Run a command as under SEEDCAST_LOG_FORMAT=json; return the one line of its error."""
    monkeypatch.setattr(sys, "argv", ["seedcast", *arguments])
    code = cli.run_logged()
    printed = capsys.readouterr()
    assert printed.out == ""
    entry: dict[str, object] = json.loads(printed.err)
    assert (entry["event"], entry["level"], entry["exit_code"]) == ("fatal", "critical", code)
    assert "timestamp" in entry
    return entry


def test_an_error_of_seedcast_has_its_parts_as_fields(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = ended(monkeypatch, capsys, "topics", "check")
    assert (entry["error"], entry["exit_code"]) == ("InvalidSettings", 2)
    assert entry["problem"] == "no brokers are configured"
    assert {"expected", "got", "remedy"} < entry.keys()


@pytest.mark.parametrize(
    ("env", "arguments", "said"),
    [
        ({"SEEDCAST_GPU_SLOTZ": "1"}, ["run", "gpu-consumer"], "SEEDCAST_GPU_SLOTZ"),
        ({"SEEDCAST_GPU_SLOTS": "many"}, ["run", "postprocess"], "gpu.slots"),
    ],
)
def test_an_error_in_the_settings_is_json_too(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    env: dict[str, str],
    arguments: list[str],
    said: str,
) -> None:
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    entry = ended(monkeypatch, capsys, *arguments)
    assert entry["exit_code"] == 2
    assert said in str(entry["got"])


@pytest.mark.parametrize("arguments", [["no-such-command"], ["say"], ["up", "--gpu-consumers=x"]])
def test_wrong_arguments_are_json_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    entry = ended(monkeypatch, capsys, *arguments)
    assert entry["exit_code"] == 2
    assert "exception" not in entry


def test_an_unforeseen_error_is_json_with_its_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(**_: bool) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr(topics, "connected", broken)
    entry = ended(monkeypatch, capsys, "topics", "check")
    assert (entry["error"], entry["exit_code"]) == ("RuntimeError", 1)
    assert str(entry["exception"]).endswith("RuntimeError: boom")


def test_a_command_that_succeeds_says_nothing_more(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["seedcast", "topics", "list", "--json"])
    assert cli.run_logged() == 0
    assert capsys.readouterr().err == ""


WORKER, OTHER = ["run", "postprocess"], ["submit", "list.csv"]


@pytest.mark.parametrize(
    ("env", "file", "terminal", "arguments", "as_json"),
    [
        ("json", None, True, OTHER, True),
        ("json", None, True, WORKER, True),
        ("console", None, False, WORKER, False),
        ("auto", None, False, WORKER, True),
        (None, None, False, WORKER, True),
        (None, None, True, WORKER, False),
        (None, None, False, OTHER, False),
        (None, '[log]\nformat = "json"', False, OTHER, True),
        ("console", '[log]\nformat = "json"', False, OTHER, False),
        (None, '[log]\nformat = "json"\n[gpu]\nslotz = 1', False, OTHER, True),
        (None, "[log", False, OTHER, False),
        (None, "log = 3", False, OTHER, False),
    ],
)
def test_errors_are_json_where_the_log_is(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    env: str | None,
    file: str | None,
    terminal: bool,
    arguments: list[str],
    as_json: bool,
) -> None:
    if env:
        monkeypatch.setenv("SEEDCAST_LOG_FORMAT", env)
    if file:
        (tmp_path / "seedcast.toml").write_text(file)
        monkeypatch.setenv("SEEDCAST_CONFIG", str(tmp_path / "seedcast.toml"))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    assert errors_as_json(arguments) is as_json


def test_what_shows_a_dead_worker_to_a_person_shows_the_words_of_its_error(tmp_path: Path) -> None:
    line = {"event": "fatal", "problem": "no broker", "got": "none", "remedy": "start one"}
    log = tmp_path / "one.log"
    log.write_text('{"event": "assigned"}\nnot JSON\n[]\n' + json.dumps(line) + "\n")
    error = failed([Process("one", 1, False, None, log, 0.0)])
    assert error.got == 'one: {"event": "assigned"}\nnot JSON\n[]\nno broker; got none; start one'
