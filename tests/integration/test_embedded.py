"""The embedded stack: one broker and one S3 endpoint per home.

It survives crashes, a lost process record and taken ports, and nothing outlives `stop`.
"""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import httpx
import psutil
import pytest

from seedcast.cli import local_gateway
from seedcast.embedded import Process, Stack, broker, connected, processes
from seedcast.embedded.stack_state import ProcessRecord
from seedcast.errors import InvalidInput, InvalidSettings, LocalResource
from seedcast.kafka import Admin, Producer, TopicReader
from seedcast.schemas.topics import RESULTS
from seedcast.settings import KafkaSettings, S3Settings, Settings
from seedcast.storage.s3 import S3Store
from tests.builders.deployments import run
from tests.builders.waiting import eventually

pytestmark = pytest.mark.integration


def servers(stack: Stack) -> dict[str, Process]:
    return {process.name: process for process in stack.status()}


def deliver(stack: Stack, value: bytes) -> Settings:
    settings = connected(Settings(home=stack.home))
    Admin(settings).ensure_topics()
    Producer(settings).deliver(settings.topic(RESULTS), key=b"key", value=value)
    return settings


def delivered(stack: Stack) -> list[bytes]:
    settings = connected(Settings(home=stack.home))
    with TopicReader(settings, settings.topic(RESULTS)) as reader:
        return [record.value for record in reader.to_end()]


def test_what_the_stack_keeps_is_for_its_owner_alone(stoppable_stack: Stack) -> None:
    settings = deliver(stoppable_stack, b"a text")
    store = S3Store(settings.s3)
    store.ensure_bucket()
    store.put("night/a.txt", b"a text", "text/plain")
    kept = [stoppable_stack.home / name for name in ("kafka", "s3", "logs")]
    kept += [path for folder in kept for path in folder.rglob("*")]
    assert any(path.name == "a.txt" for path in kept)
    others = [path for path in kept if path.stat().st_mode & 0o077]
    assert others == [stoppable_stack.home / "kafka" / "server.properties"]


def test_start_leaves_running_servers_and_restarts_a_crashed_one_with_its_data(
    stoppable_stack: Stack,
) -> None:
    deliver(stoppable_stack, b"before the crash")
    before = servers(stoppable_stack)
    stoppable_stack.kill("kafka")
    assert {name: process.running for name, process in servers(stoppable_stack).items()} == {
        "kafka": False,
        "s3": True,
    }
    steps: list[str] = []
    Stack(stoppable_stack.home).start(steps.append)
    after = servers(stoppable_stack)
    assert after["s3"].pid == before["s3"].pid
    assert after["kafka"].pid != before["kafka"].pid
    assert after["kafka"].port == before["kafka"].port
    assert b"before the crash" in delivered(stoppable_stack)
    assert "starting kafka" in steps
    assert "starting s3" not in steps


@pytest.mark.slow
def test_a_server_whose_process_record_was_lost_is_replaced(stoppable_stack: Stack) -> None:
    deliver(stoppable_stack, b"kept without a record")
    orphan = servers(stoppable_stack)["kafka"].pid
    file = stoppable_stack.home / "stack.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "processes": {}}))
    stoppable_stack.start()
    assert not psutil.pid_exists(orphan)
    assert b"kept without a record" in delivered(stoppable_stack)


@pytest.mark.slow
def test_a_port_that_was_taken_meanwhile_is_replaced_and_clients_find_the_new_one(
    stoppable_stack: Stack,
) -> None:
    deliver(stoppable_stack, b"kept on another port")
    port = servers(stoppable_stack)["kafka"].port
    stoppable_stack.stop_broker()
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port or 0))
        taken.listen()
        stoppable_stack.start_broker()
        assert servers(stoppable_stack)["kafka"].port != port
        assert b"kept on another port" in delivered(stoppable_stack)


def test_nothing_outlives_stop(stoppable_stack: Stack) -> None:
    worker = stoppable_stack.start_worker("postprocess-1", ["run", "postprocess"])
    assert stoppable_stack.start_worker("postprocess-1", ["run", "postprocess"]).pid == worker.pid
    refusal = (
        r"postprocess-1 runs already; expected `seedcast run gpu-consumer`; "
        r"got `seedcast run postprocess`; stop it"
    )
    with pytest.raises(InvalidInput, match=refusal):
        stoppable_stack.start_worker("postprocess-1", ["run", "gpu-consumer"])
    command = [sys.executable, "-c", "import signal; signal.pause()"]
    home = stoppable_stack.home
    stray = processes.spawn(command, os.environ, home / "stray.log", home)
    pids = [process.pid for process in stoppable_stack.status()] + [stray.pid]
    assert len(pids) == 4
    stoppable_stack.stop()
    assert [pid for pid in pids if psutil.pid_exists(pid)] == []
    assert stoppable_stack.status() == []


A_RUN = """
import os, signal, sys
from pathlib import Path
from seedcast.embedded import processes
from tests.builders.processes import stop_when_orphaned

home = Path(sys.argv[1])
guard = stop_when_orphaned(home)
server = processes.spawn(["sleep", "600"], os.environ, home / "log", home)
print(guard.pid, server.pid, flush=True)
signal.pause()
"""


def test_a_killed_test_run_leaves_no_server_behind(tmp_path: Path) -> None:
    command = [sys.executable, "-c", A_RUN, str(tmp_path)]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    with run:
        assert run.stdout
        guard, server = map(int, run.stdout.readline().split())
        eventually(lambda: os.getsid(guard) == guard, what="the guard's own session")
        assert [process.pid for process in processes.find_marked(tmp_path)] == [server]
        os.killpg(run.pid, signal.SIGKILL)
    eventually(lambda: not list(processes.find_marked(tmp_path)), 30, "the end of the server")


def test_the_status_of_an_ended_worker_has_the_last_lines_of_its_log(
    stoppable_stack: Stack,
) -> None:
    stoppable_stack.start_worker("wrong", ["run", "nonsense"])
    eventually(lambda: not servers(stoppable_stack)["wrong"].running)
    assert "nonsense" in servers(stoppable_stack)["wrong"].last_lines()


def test_up_shows_a_worker_that_dies_waits_for_one_that_starts_and_refuses_another_engine(
    stoppable_stack: Stack,
) -> None:
    up = (
        Settings(home=stoppable_stack.home),
        "up",
        *("--feeders", "0", "--postprocess", "0", "--indexers", "0", "--gateways", "0"),
    )
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        died = run(*up, SEEDCAST_METRICS_PORT=str(taken.getsockname()[1]))
    assert died.returncode == 3
    assert "gpu-consumer-1 ended" in died.stderr
    assert "set SEEDCAST_METRICS_PORT to another port" in died.stderr
    ready = run(*up)
    assert ready.returncode == 0, ready.stderr
    worker = servers(stoppable_stack)["gpu-consumer-1"]
    assert (worker.running, '"event": "ready"' in worker.last_lines()) == (True, True)
    refused = run(*up, "--engine", "chattts")
    assert refused.returncode == 2
    assert "gpu-consumer-1 runs already" in refused.stderr
    assert "SEEDCAST_GPU_ENGINE=espeak" in refused.stderr
    assert servers(stoppable_stack)["gpu-consumer-1"].pid == worker.pid
    stoppable_stack.stop(["gpu-consumer-1"])


def test_open_leads_to_the_page_once(stoppable_stack: Stack) -> None:
    settings = Settings(home=stoppable_stack.home)
    nothing = run(settings, "open", "--print")
    assert nothing.returncode == 2
    assert "`seedcast up` starts it" in nothing.stderr
    stoppable_stack.start_worker("gateway-1", ["run", "gateway"])
    eventually(
        lambda: local_gateway.url(stoppable_stack) is not None, what="a gateway that answers"
    )
    done = run(settings, "open", "--json")
    assert done.returncode == 0, done.stderr
    address, _, link = json.loads(done.stdout)["url"].partition("#")
    origin = {"origin": address.removesuffix("/login")}
    answers = [httpx.post(address, data={"secret": link}, headers=origin) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 401]
    with httpx.Client(base_url=origin["origin"], cookies=answers[0].cookies) as client:
        assert client.get("/v1/audio/voices").status_code == 200
        assert "embedded stack" in client.get("/").text, "the key that it signs in as"
    assert link not in servers(stoppable_stack)["gateway-1"].log.read_text()
    stoppable_stack.stop(["gateway-1"])


def test_a_broker_that_cannot_start_is_an_error_with_its_log(stoppable_stack: Stack) -> None:
    stoppable_stack.stop_broker()
    meta = stoppable_stack.home / "kafka" / "data" / "meta.properties"
    right = meta.read_text()
    meta.write_text(right.replace("node.id=1", "node.id=7"))
    with pytest.raises(LocalResource, match="kafka ended while it started") as raised:
        stoppable_stack.start_broker()
    meta.write_text(right)
    assert "RuntimeException" in raised.value.got


def test_the_broker_of_another_stack_is_not_taken_for_ours(stack: Stack, tmp_path: Path) -> None:
    other = Stack(tmp_path)
    (tmp_path / "stack.json").write_bytes((stack.home / "stack.json").read_bytes())
    assert broker.cluster_id(stack.home)
    assert not other._broker_answers()


def test_credentials_are_in_no_command_line_and_only_the_owner_can_read_them(stack: Stack) -> None:
    settings = connected(Settings(home=stack.home))
    secret = settings.s3.secret_key.get_secret_value()
    assert stat.S_IMODE((stack.home / "stack.json").stat().st_mode) == 0o600
    assert not any(
        secret in " ".join(psutil.Process(process.pid).cmdline()) for process in stack.status()
    )
    S3Store(settings.s3).ensure_bucket()


def test_configured_servers_are_left_alone(stack: Stack) -> None:
    configured = Settings(
        home=stack.home,
        kafka=KafkaSettings(bootstrap="b:9092"),
        s3=S3Settings(endpoint="http://s:9000"),
    )
    assert connected(configured) == configured


def test_without_a_stack_the_missing_setting_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match=r"SEEDCAST_KAFKA_BOOTSTRAP.*seedcast up"):
        connected(Settings(home=tmp_path))
    with pytest.raises(InvalidSettings, match=r"SEEDCAST_S3_ENDPOINT.*seedcast up"):
        S3Store(S3Settings())


def test_a_home_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LocalResource, match="SEEDCAST_HOME"):
        Stack(tmp_path / "file" / "home").start()


def test_a_process_that_ignores_sigterm_is_killed_and_its_children_are_found(
    tmp_path: Path,
) -> None:
    program = (
        "import signal, subprocess; signal.signal(15, signal.SIG_IGN); "
        "subprocess.Popen(['sleep', '600']); print('on', flush=True); signal.pause()"
    )
    stubborn = processes.spawn(
        [sys.executable, "-c", program], os.environ, tmp_path / "log", tmp_path
    )
    eventually(lambda: processes.tail(tmp_path / "log") == "on")
    processes.end([stubborn], grace=0.2)
    assert not stubborn.is_running()
    [child] = processes.find_marked(tmp_path)
    processes.end([child], grace=5)
    assert list(processes.find_marked(tmp_path)) == []


def test_a_reused_process_id_is_not_taken_for_ours() -> None:
    with subprocess.Popen(["sleep", "600"]) as other:
        try:
            created = psutil.Process(other.pid).create_time()
            assert processes.find(ProcessRecord(other.pid, created))
            assert processes.find(ProcessRecord(other.pid, created - 60)) is None
        finally:
            other.kill()
