"""What a program gets: results as JSON, errors as JSON, and no more than it asked for."""

import json
import logging
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
import typer

from seedcast import cli, embedded, kafka, settings
from seedcast.cli import base
from seedcast.cli import stack as stack_commands
from seedcast.cli.error_output import fail
from seedcast.cli.exit_codes import Exit
from seedcast.cli.verbosity import verbosity
from seedcast.embedded import readiness
from seedcast.errors import BrokerUnavailable, InvalidInput, InvalidSettings, LocalResource
from seedcast.gpu_consumers import app as gpu_consumer
from seedcast.settings import Settings

Run = Callable[..., int]
LIST = "text,voice\nHello.,1\n"


@pytest.fixture
def seedcast(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Run]:
    """Return what runs `seedcast ARGUMENTS` as the installed command does; its exit code."""
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(settings, "load", lambda: Settings(home=tmp_path))
    before = signal.getsignal(signal.SIGINT)

    def run(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["seedcast", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return int(ended.value.code or 0)

    yield run
    signal.signal(signal.SIGINT, before)
    verbosity.set(quiet=False, verbose=0)


def failing(error: BaseException) -> Callable[[], Settings]:
    def load() -> Settings:
        raise error

    return load


def every_command() -> Iterator[tuple[str, Any]]:
    def walk(command: Any, path: str) -> Iterator[tuple[str, Any]]:
        for name, child in getattr(command, "commands", {}).items():
            yield from walk(child, f"{path} {name}".strip())
        if not hasattr(command, "commands"):
            yield path, command

    return walk(typer.main.get_command(base.app), "")


# Logs, and a question.
WITHOUT_JSON = {path for path, _ in every_command() if path.startswith("run ")} | {"models bless"}


def test_every_command_takes_q_and_v_and_whatever_a_program_reads_takes_json() -> None:
    options = {
        path: {name for parameter in command.params for name in parameter.opts}
        for path, command in every_command()
    }
    assert len(options) > 20
    assert [path for path, names in options.items() if not {"-q", "-v"} <= names] == []
    assert {path for path, names in options.items() if "--json" not in names} == WITHOUT_JSON


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidSettings("S", expected="e", got="g", remedy="r"), 2),
        (LocalResource("the disk", expected="", got="[/b] 您好", remedy="r"), 3),
        (BrokerUnavailable("kafka", got="away"), 75),
    ],
)
def test_an_error_is_one_json_object_on_stderr(
    error: Any,
    code: int,
    seedcast: Run,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(settings, "load", failing(error))
    assert seedcast("profiles", "--json") == code
    printed = capsys.readouterr()
    assert printed.out == ""
    assert json.loads(printed.err) == {
        "error": type(error).__name__,
        "what": error.what,
        "expected": error.expected,
        "got": error.got,
        "remedy": error.remedy,
        "exit_code": code,
    }


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["export", "night", "--json"], "--output"),
        (["profiles", "--json", "--yaml"], "--yaml"),
        (["sing", "--json"], "sing"),
        (["profiles", "--json", "-q", "-v"], "both"),
    ],
)
def test_a_wrong_argument_is_json_too(
    arguments: list[str], named: str, seedcast: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert seedcast(*arguments) == Exit.USAGE
    error = json.loads(capsys.readouterr().err)
    assert (error["error"], error["exit_code"]) == ("Usage", 2)
    assert named in error["what"]


def test_ctrl_c_is_json_too(
    seedcast: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(settings, "load", failing(KeyboardInterrupt()))
    assert seedcast("up", "--json") == Exit.INTERRUPTED
    error = json.loads(capsys.readouterr().err)
    assert (error["error"], error["remedy"]) == ("Interrupted", "run it again to go on")


def test_json_is_an_option_and_not_a_word_of_the_text(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["seedcast", "say", "--", "--json"])
    assert fail(InvalidInput("text")) == Exit.USAGE
    assert capsys.readouterr().err == "error text\n"


def test_exit_codes_are_the_same_with_json(
    seedcast: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Admin:
        def __init__(self, _: Settings) -> None: ...

        def cluster_id(self) -> str:
            return "c"

        def require(self, role: object) -> None: ...

        def problems(self) -> Iterator[str]:
            yield "audio: [missing]"

    monkeypatch.setattr(kafka, "Admin", Admin)
    monkeypatch.setattr(embedded, "connected", lambda given, store: given)
    assert seedcast("profiles", "--json") == Exit.OK
    capsys.readouterr()
    assert seedcast("topics", "check", "--json") == Exit.INCOMPLETE
    expected = {"agrees": False, "problems": ["audio: [missing]"]}
    assert json.loads(capsys.readouterr().out) == expected
    assert seedcast("topics", "check") == Exit.INCOMPLETE
    assert capsys.readouterr().out == "differs audio: [missing]\n"


def test_up_and_down_tell_a_program_what_they_did(
    seedcast: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stack:
        running: ClassVar[dict[str, bool]] = {}

        def __init__(self, home: Path) -> None:
            self.home = home

        def start(self, progress: Callable[[str], None]) -> None:
            progress("starting kafka")
            self.running["kafka"] = True

        def refuse_other_workers(self, _: Settings) -> None: ...

        def start_worker(self, name: str, arguments: list[str], *, settings: Settings) -> None:
            self.running[name] = True

        def stop(self) -> None:
            self.running.clear()

        def status(self) -> list[SimpleNamespace]:
            log = self.home / "log"
            return [
                SimpleNamespace(name=name, running=running, pid=7, port=None, log=log, created=0.0)
                for name, running in self.running.items()
            ]

    monkeypatch.setattr(embedded, "Stack", Stack)
    monkeypatch.setattr(readiness, "wait_until_ready", lambda *_: None)
    reached = {"kafka": "127.0.0.1:9", "s3": "", "gateway": None, "key": None}
    monkeypatch.setattr(stack_commands, "_reached", lambda *_: reached)
    assert seedcast("up", "--json") == Exit.OK
    up = json.loads(capsys.readouterr().out)
    assert [process["name"] for process in up["processes"]] == [
        "kafka",
        "feeder-1",
        "gpu-consumer-1",
        "postprocess-1",
        "indexer-1",
        "gateway-1",
    ]
    assert up["processes"][0].keys() >= {"running", "pid", "port", "log"}
    assert seedcast("down", "--json") == Exit.OK
    down = json.loads(capsys.readouterr().out)
    assert down["stopped"] == [
        "kafka",
        "feeder-1",
        "gpu-consumer-1",
        "postprocess-1",
        "indexer-1",
        "gateway-1",
    ]


def test_q_leaves_results_and_errors(
    seedcast: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "list.csv").write_text(LIST)
    submit = ["submit", "list.csv", "--campaign", "dry", "--dry-run"]
    assert seedcast(*submit) == 0
    spoken = capsys.readouterr()
    assert "checking" in spoken.err
    assert seedcast(*submit, "-q") == 0
    quiet = capsys.readouterr()
    assert quiet.err == ""
    assert quiet.out.startswith("list.csv: nothing was submitted; 1 valid")
    assert seedcast("submit", "no.csv", "--campaign", "dry", "--dry-run", "-q") == 2
    assert "no.csv" in capsys.readouterr().err


def test_v_says_the_servers_the_causes_and_logs_more(
    seedcast: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def connected(given: Settings, *, store: bool) -> Settings:
        kafka = given.kafka.model_copy(update={"bootstrap": "broker:9092"})
        return given.model_copy(update={"kafka": kafka})

    def admin(_: Settings) -> None:
        quoting = ValueError("a row with a name")
        quoting.__cause__ = OSError("no\nroute")
        raise BrokerUnavailable("kafka") from quoting

    monkeypatch.setattr(embedded, "connected", connected)
    monkeypatch.setattr(kafka, "Admin", admin)
    assert seedcast("topics", "check") == Exit.UNAVAILABLE
    assert capsys.readouterr().err == "error kafka\n"
    assert seedcast("topics", "check", "-v") == Exit.UNAVAILABLE
    said = capsys.readouterr().err
    assert said.startswith("kafka broker:9092, prefix seedcast\n")
    assert said.endswith("     cause ValueError\n     cause OSError: no route\n")


@pytest.mark.parametrize(
    ("options", "level", "workers"),
    [("", "WARNING", "info"), ("-q", "ERROR", "warning"), ("-v", "INFO", "debug")],
)
def test_the_level_of_logs_follows(options: str, level: str, workers: str, seedcast: Run) -> None:
    root = logging.getLogger()
    before = root.level, root.handlers[:]
    try:
        assert seedcast("doctor", *options.split()) in (0, 1)
        assert logging.getLevelName(root.level) == level
        assert base.load().log.level == workers
    finally:
        root.setLevel(before[0])
        root.handlers[:] = before[1]


def test_v_changes_a_workers_log_and_prints_nothing_into_it(
    seedcast: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given: list[Settings] = []
    monkeypatch.setattr(embedded, "connected", lambda loaded: loaded)
    monkeypatch.setattr(gpu_consumer, "run", given.append)
    assert seedcast("run", "gpu-consumer", "-v") == 0
    assert seedcast("run", "gpu-consumer") == 0
    assert [settings.log.level for settings in given] == ["debug", "info"]
    assert capsys.readouterr() == ("", "")


def test_help_takes_less_than_half_a_second_of_cpu() -> None:
    def seconds() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, "-m", "seedcast.cli", "--help"]
        subprocess.run(command, check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    # The least of three, since other processes slow this one down.
    assert min(seconds() for _ in range(3)) < 0.5
