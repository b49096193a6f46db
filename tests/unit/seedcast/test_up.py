"""`up` says what does not run as asked for: other settings, a worker that dies, another folder."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from seedcast.embedded import Stack, connected
from seedcast.embedded.readiness import wait_until_ready
from seedcast.embedded.stack_state import ProcessRecord, State, write
from seedcast.embedded.worker_settings import described, differences
from seedcast.errors import EngineFailed, InvalidInput, InvalidSettings, Unreachable
from seedcast.settings import (
    GpuSettings,
    KafkaSettings,
    LogSettings,
    PostprocessSettings,
    Settings,
)

A_WORKER = """
import os
import sys
from seedcast import metrics
from seedcast.health import Readiness
from seedcast.settings import MetricsSettings

readiness = Readiness("model", "assignment")
metrics.serve(MetricsSettings(), readiness)
readiness.meet("model")
print("serving", flush=True)
sys.stdin = open(sys.argv[1])  # a pipe: opened once the test writes to it
sys.stdin.read()
readiness.meet("assignment")
import signal; signal.pause()
"""


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """A stack without servers, whose processes end with the test."""
    stack = Stack(tmp_path)
    yield stack
    stack.stop()


def launch(stack: Stack, name: str, settings: Settings, kind: str) -> None:
    """Start a process that stands for a worker with these settings."""
    command = ("run", kind)
    stack._launch(name, ["sleep", "600"], {}, None, command, described(settings, kind))


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({"gpu": GpuSettings(engine="chattts")}, "SEEDCAST_GPU_ENGINE"),
        ({"gpu": GpuSettings(slots=3)}, "SEEDCAST_GPU_SLOTS"),
        ({"gpu": GpuSettings(models="/other")}, "SEEDCAST_GPU_MODELS"),
        ({"kafka": KafkaSettings(prefix="other")}, "SEEDCAST_KAFKA_PREFIX"),
        ({"log": LogSettings(level="debug")}, "SEEDCAST_LOG_LEVEL"),
    ],
)
def test_a_gpu_consumer_that_runs_with_other_settings_is_refused_and_they_are_named(
    stack: Stack, asked: dict[str, object], named: str
) -> None:
    settings = Settings(home=stack.home)
    launch(stack, "gpu-consumer-2", settings, "gpu-consumer")  # `up` would start number 1
    stack.refuse_other_workers(settings)
    with pytest.raises(InvalidInput, match=rf"gpu-consumer-2 runs already; expected {named}="):
        stack.refuse_other_workers(settings.model_copy(update=asked))
    stack.kill("gpu-consumer-2")
    stack.refuse_other_workers(settings.model_copy(update=asked))


def test_a_post_process_worker_that_runs_with_other_settings_is_refused(stack: Stack) -> None:
    profiles = stack.home / "profiles.toml"
    profiles.write_text("# first")
    own = PostprocessSettings(profiles=str(profiles), digest_key=SecretStr("hunter2"))
    settings = Settings(home=stack.home, postprocess=own)
    launch(stack, "postprocess-1", settings, "postprocess")
    other_engine = {"gpu": GpuSettings(engine="chattts")}
    stack.refuse_other_workers(settings.model_copy(update=other_engine))
    for other in ({"batch": 3}, {"digest_key": SecretStr("hunter3")}):
        changed = {"postprocess": own.model_copy(update=other)}
        name = f"SEEDCAST_POSTPROCESS_{next(iter(other)).upper()}"
        with pytest.raises(InvalidInput, match=name) as raised:
            stack.refuse_other_workers(settings.model_copy(update=changed))
        assert "hunter" not in str(raised.value)
    profiles.write_text("# second")
    with pytest.raises(InvalidInput, match="SEEDCAST_POSTPROCESS_PROFILES"):
        stack.refuse_other_workers(settings)
    assert "hunter" not in (stack.home / "stack.json").read_text()


def test_what_a_worker_was_started_with_shows_no_secret() -> None:
    kafka = KafkaSettings(sasl_password=SecretStr("hunter2"), options={"a": "hunter2"})
    known = described(Settings(kafka=kafka), "gpu-consumer")
    assert "hunter2" not in str(known)
    assert list(differences(known, known)) == []
    other = KafkaSettings(sasl_password=SecretStr("hunter2"), options={"a": "hunter3"})
    [(wanted, running)] = differences(described(Settings(kafka=other), "gpu-consumer"), known)
    assert wanted != running
    assert wanted.startswith("SEEDCAST_KAFKA_OPTIONS=(a ")


def test_readiness_is_waited_for_and_what_is_missing_is_said(stack: Stack, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    stack._launch("one", [sys.executable, "-c", A_WORKER, gate], os.environ, None)
    said: list[str] = []

    def progress(step: str) -> None:
        said.append(step)
        if step == "one waits for assignment" and said.count(step) == 1:
            gate.write_text("go on")

    wait_until_ready(stack, ["one"], progress, timeout=60)
    assert said[0] in ("one waits for its start", "one waits for assignment")
    assert "one waits for assignment" in said


def test_a_worker_that_never_gets_ready_is_an_error_that_says_what_is_missing(
    stack: Stack,
) -> None:
    stack._launch("one", ["sleep", "600"], {}, None)
    with pytest.raises(Unreachable, match=r"one is not ready.*waits for its start.*one\.log"):
        wait_until_ready(stack, ["one"], timeout=0.1)


def test_every_worker_that_died_is_shown_with_its_last_lines(stack: Stack) -> None:
    for name in ("one", "two"):
        stack._launch(name, ["sh", "-c", f"echo {name} fell; exit 3"], os.environ, None)
    stack._launch("other", ["sh", "-c", "exit 3"], os.environ, None)
    with pytest.raises(EngineFailed, match="one and two ended") as raised:
        wait_until_ready(stack, ["one", "two"], timeout=60)
    assert raised.value.got == "one: one fell\ntwo: two fell"
    assert str(stack.log("two")) in raised.value.remedy


def test_without_servers_the_folder_is_named_and_where_a_stack_runs(
    stack: Stack, tmp_path: Path
) -> None:
    here = tmp_path / "here"
    with pytest.raises(InvalidSettings, match=rf"no stack in {here}.*SEEDCAST_HOME"):
        connected(Settings(home=here))
    launch(stack, "gpu-consumer-1", Settings(), "gpu-consumer")
    with pytest.raises(InvalidSettings) as raised:
        connected(Settings(home=here))
    assert f"one runs in {stack.home}" in raised.value.got
    assert "SEEDCAST_HOME=/" in raised.value.remedy


def test_a_state_of_an_earlier_version_is_read(stack: Stack) -> None:
    """Its records have no settings; their arguments are compared, as before."""
    write(stack.home, State(processes={"gpu-consumer-1": ProcessRecord(1, 0.0)}))
    stack.refuse_other_workers(Settings(gpu=GpuSettings(engine="chattts")))
