"""Servers are those that the settings name, or those of the embedded stack: never one of each."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from seedcast import Client, logging
from seedcast.cli import app
from seedcast.embedded import Stack, connected, is_embedded
from seedcast.embedded.stack_state import State, write
from seedcast.errors import InvalidSettings
from seedcast.kafka.client_config import LOGGER
from seedcast.settings import KafkaSettings, S3Settings, Settings, load

BOOTSTRAP, ENDPOINT = "SEEDCAST_KAFKA_BOOTSTRAP", "SEEDCAST_S3_ENDPOINT"
BROKERS, STORE = {BOOTSTRAP: "127.0.0.1:1"}, {ENDPOINT: "http://127.0.0.1:1"}
NEITHER = f"{BOOTSTRAP} and {ENDPOINT}"
HALVES = [
    (BROKERS, BOOTSTRAP, ENDPOINT),
    (STORE, ENDPOINT, BOOTSTRAP),
    ({"SEEDCAST_S3_ACCESS_KEY": "AKIA"}, "SEEDCAST_S3_ACCESS_KEY", NEITHER),
    ({"SEEDCAST_KAFKA_SASL_USERNAME": "me"}, "SEEDCAST_KAFKA_SASL_USERNAME", NEITHER),
    ({"SEEDCAST_KAFKA_SASL_PASSWORD_FILE": "p"}, "SEEDCAST_KAFKA_SASL_PASSWORD_FILE", NEITHER),
    ({"SEEDCAST_KAFKA_OAUTH_EXTENSIONS": '{"a": "b"}'}, "SEEDCAST_KAFKA_OAUTH_EXTENSIONS", NEITHER),
    ({"SEEDCAST_S3_SECRET_KEY_FILE": "k"}, "SEEDCAST_S3_SECRET_KEY_FILE", NEITHER),
    ({"SEEDCAST_KAFKA_SECURITY_PROTOCOL": "SSL"}, "SEEDCAST_KAFKA_SECURITY_PROTOCOL", NEITHER),
]
RUNNER = CliRunner()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of a stack, on ports at which nothing listens."""
    write(tmp_path, State(broker_port=1, s3_port=1))
    monkeypatch.setenv("SEEDCAST_HOME", str(tmp_path))
    monkeypatch.setenv("SEEDCAST_KAFKA_START_TIMEOUT", "0.1")
    return tmp_path


@pytest.fixture(autouse=True)
def _logs_as_they_are(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Commands quiet the logs of their process, which is that of the whole test run here."""
    monkeypatch.setattr(logging, "configure", lambda *_, **__: None)
    level = LOGGER.level
    yield
    LOGGER.setLevel(level)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Stack]:
    """The stacks that were started; none really is."""
    stacks: list[Stack] = []
    monkeypatch.setattr(Stack, "start", lambda stack, _: stacks.append(stack))
    monkeypatch.setattr(Stack, "start_worker", lambda *_: None)
    return stacks


def refusal(monkeypatch: pytest.MonkeyPatch, env: dict[str, str], *arguments: object) -> str:
    """Run a command, which must end with exit code 2; return its error."""
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    error = RUNNER.invoke(app, [*map(str, arguments)]).exception
    assert isinstance(error, InvalidSettings), repr(error)
    assert error.exit_code == 2
    return str(error)


@pytest.mark.parametrize("command", ["up", "demo"])
@pytest.mark.parametrize("env", [*(half for half, *_ in HALVES), BROKERS | STORE])
def test_what_starts_the_embedded_stack_refuses_other_servers_and_names_them(
    home: Path,
    started: list[Stack],
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    env: dict[str, str],
) -> None:
    error = refusal(monkeypatch, env, command)
    assert all(name in error for name in env)
    assert started == []
    assert [file.name for file in home.iterdir()] == ["stack.json"]


def test_a_file_that_names_servers_is_as_good_as_the_environment(
    home: Path, started: list[Stack], monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "seedcast.toml").write_text('[s3]\nendpoint = "https://s3.example"\n')
    file = {"SEEDCAST_CONFIG": str(home / "seedcast.toml")}
    assert f"got {ENDPOINT};" in refusal(monkeypatch, file, "up")
    assert started == []


@pytest.mark.parametrize(("env", "named", "missing"), HALVES)
@pytest.mark.parametrize(
    "command",
    [
        ["run", "gpu-consumer"],
        ["run", "postprocess"],
        ["submit", "list.csv", "--campaign", "night"],
        ["retry", "night"],
        ["fetch", "request-1", "-o", "a.ogg"],
        ["dead-letters", "show", "0"],
        ["models", "bless"],
    ],
)
def test_half_of_the_servers_is_refused(
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: list[str],
    env: dict[str, str],
    named: str,
    missing: str,
) -> None:
    error = refusal(monkeypatch, env, *command)
    assert f"got {named} without {missing};" in error


@pytest.mark.parametrize("half", [BROKERS, STORE])
def test_the_python_interface_refuses_half_of_the_servers(
    home: Path, monkeypatch: pytest.MonkeyPatch, half: dict[str, str]
) -> None:
    for name, value in half.items():
        monkeypatch.setenv(name, value)
    for settings in (None, load()):
        with pytest.raises(InvalidSettings, match="without SEEDCAST_"):
            Client(settings)


def test_what_needs_kafka_only_never_fills_in_the_embedded_store(home: Path) -> None:
    brokers = Settings(home=home, kafka=KafkaSettings(bootstrap="b:9092"))
    assert connected(brokers, store=False) == brokers
    with pytest.raises(InvalidSettings, match=f"got {ENDPOINT} without {BOOTSTRAP}"):
        connected(Settings(home=home, s3=S3Settings(endpoint="http://s:9000")), store=False)


def test_a_stack_is_embedded_if_broker_and_store_are_those_of_its_home(tmp_path: Path) -> None:
    write(tmp_path, State(broker_port=9, s3_port=4711))
    ours = connected(Settings(home=tmp_path))
    assert is_embedded(ours)
    assert not is_embedded(ours.model_copy(update={"home": tmp_path / "another"}))
    for elsewhere in (
        {"s3": S3Settings(endpoint="https://s3.example")},
        {"kafka": KafkaSettings(bootstrap="b:9092")},
    ):
        assert not is_embedded(ours.model_copy(update=elsewhere))
