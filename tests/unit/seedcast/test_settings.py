"""Settings are typed and read once; a wrong one is fatal, and the error names it."""

from contextlib import suppress
from pathlib import Path

import pytest
from pydantic import ValidationError

from seedcast import settings
from seedcast.errors import InvalidSettings
from seedcast.kafka import client_config


def load_with(monkeypatch: pytest.MonkeyPatch, **env: str) -> settings.Settings:
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    return settings.load()


def test_the_environment_overrides_the_file_and_the_file_the_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "seedcast.toml"
    file.write_text('[kafka]\nbootstrap = "file:9092"\nspread = 3\n')
    kafka = load_with(
        monkeypatch, SEEDCAST_CONFIG=str(file), SEEDCAST_KAFKA_BOOTSTRAP="env:9092"
    ).kafka
    assert (kafka.bootstrap, kafka.spread, kafka.partitions) == ("env:9092", 3, 8)


@pytest.mark.parametrize(
    ("env", "named"),
    [
        ({"SEEDCAST_GPU_SLOT": "3"}, "SEEDCAST_GPU_SLOT"),
        ({"SEEDCAST_GPU_SLOTS": "-1"}, "gpu.slots"),
        ({"SEEDCAST_GPU_SLOTS": "many"}, "'many'"),
        ({"SEEDCAST_METRICS_PORT": "70000"}, "metrics.port"),
        ({"SEEDCAST_KAFKA_SECURITY_PROTOCOL": "TLS"}, "SASL_SSL"),
        ({"SEEDCAST_KAFKA_PREFIX": "a b"}, "kafka.prefix"),
        ({"SEEDCAST_KAFKA_MAX_RECORD_BYTES": "1048575"}, "kafka.max_record_bytes"),
        ({"SEEDCAST_KAFKA_MAX_RECORD_BYTES": "33554433"}, "kafka.max_record_bytes"),
        ({"SEEDCAST_KAFKA_OPTIONS": '{"acks": "1"}'}, "Seedcast itself sets acks"),
        ({"SEEDCAST_CONFIG": "/nowhere.toml"}, "no such file"),
        ({"SEEDCAST_GATEWAY_LIMITS_URL": "localhost:6379"}, "gateway.limits_url"),
        ({"SEEDCAST_GATEWAY_LIMITS_URL": "redis://h/x"}, "gateway.limits_url"),
        ({"SEEDCAST_JWT_ISSUER": "https://i.example"}, "an audience and keys"),
        ({"SEEDCAST_JWT_ALGORITHMS": '["HS256"]'}, "jwt.algorithms"),
    ],
)
def test_an_invalid_or_unknown_setting_is_fatal_and_named(
    monkeypatch: pytest.MonkeyPatch, env: dict[str, str], named: str
) -> None:
    with pytest.raises(InvalidSettings, match=named.replace(".", r"\.")):
        load_with(monkeypatch, **env)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[kafka]\nbootstarp = 'x'", "bootstarp"),
        ("[kafka", "not TOML"),
        ("[no_such]\na = 1", "no_such"),
    ],
)
def test_an_invalid_file_is_fatal_and_the_error_says_why(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str, named: str
) -> None:
    file = tmp_path / "seedcast.toml"
    file.write_text(text)
    with pytest.raises(InvalidSettings, match=named):
        load_with(monkeypatch, SEEDCAST_CONFIG=str(file))


def test_no_secret_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = load_with(
        monkeypatch, SEEDCAST_S3_SECRET_KEY="hunter2", SEEDCAST_KAFKA_SASL_PASSWORD="hunter2"
    )
    assert "hunter2" not in repr(loaded) + str(loaded.s3)
    with pytest.raises(InvalidSettings, match="LIMITS_PASSWORD_FILE") as raised:
        load_with(monkeypatch, SEEDCAST_GATEWAY_LIMITS_URL="redis://:hunter2@redis:6379")
    assert "hunter2" not in str(raised.value)
    monkeypatch.delenv("SEEDCAST_GATEWAY_LIMITS_URL")
    monkeypatch.setenv("SEEDCAST_KAFKA_OPTIONS", "hunter2, not JSON")
    with pytest.raises(InvalidSettings) as raised:
        settings.load()
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    "text",
    [
        "[kafka]\nsasl_pasword = 'hunter2'",
        "[s3]\nsecret = 'hunter2'",
        "[[s3]]\nsecret_key = 'hunter2'",
        "s3 = ['hunter2']",
    ],
)
def test_a_secret_in_the_wrong_field_is_not_printed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str
) -> None:
    file = tmp_path / "seedcast.toml"
    file.write_text(text)
    with pytest.raises(InvalidSettings) as raised:
        load_with(monkeypatch, SEEDCAST_CONFIG=str(file))
    assert "hunter2" not in str(raised.value)


def test_settings_are_frozen() -> None:
    with pytest.raises(Exception, match="frozen"):
        settings.Settings().kafka.bootstrap = "other:9092"  # type: ignore[misc]


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://indexer:hunter2@db.internal/seedcast",
        "postgresql://:hunter2@db.internal/seedcast",
        "postgresql://indexer:hunter2@",
        "postgresql://indexer@db.internal/seedcast?password=hunter2",
        "postgresql://db.internal/seedcast?sslmode=require&pass%77ord=hunter2",
        "postgresql://db.internal/seedcast?sslpassword=hunter2",
        "postgresql://db.internal/seedcast?PASSWORD=hunter2",
        "postgresql://db.internal/seedcast?conninfo=user%3Dindexer%20password%3Dhunter2",
    ],
)
def test_a_password_in_the_indexs_url_is_refused_and_not_quoted(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("SEEDCAST_INDEX_URL", url)
    expected = r"SEEDCAST_INDEX_URL: .*no password in it.*SEEDCAST_INDEX_PASSWORD_FILE"
    with pytest.raises(InvalidSettings, match=expected) as refused:
        settings.load()
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("url", ["mysql://db/seedcast", "sqlite://file", "postgresql://a b", "db"])
def test_a_url_of_no_database_is_refused(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("SEEDCAST_INDEX_URL", url)
    with pytest.raises(InvalidSettings, match="postgresql://USER@HOST/DATABASE, or sqlite:///FILE"):
        settings.load()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "sqlite:////data/index.sqlite",
        "postgresql://db/seedcast",
        "postgresql://indexer@db.internal:5432/seedcast",
        "postgresql://indexer@db:5432/seedcast?hostaddr=10.0.0.1&passfile=/run/password",
    ],
)
def test_a_url_without_a_password_is_taken(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("SEEDCAST_INDEX_URL", url)
    assert settings.load().index.url == url


@pytest.mark.parametrize("section", ["index", "accounts"])
def test_a_password_in_the_url_of_a_database_is_refused_and_not_quoted(
    monkeypatch: pytest.MonkeyPatch, section: str
) -> None:
    variable = f"SEEDCAST_{section.upper()}_URL"
    monkeypatch.setenv(variable, "postgresql://indexer:hunter2@db.internal/seedcast")
    with pytest.raises(InvalidSettings, match=variable) as refused:
        settings.load()
    assert "hunter2" not in str(refused.value)
    monkeypatch.setenv(variable, "postgresql://indexer@db.internal:5432/seedcast")
    assert getattr(settings.load(), section).url.endswith("/seedcast")


def test_options_of_kafka_come_before_what_is_only_tuned() -> None:
    kafka = settings.KafkaSettings(options={"linger.ms": "60000", "fetch.max.bytes": "1000000"})
    assert client_config.producer(kafka)["linger.ms"] == "60000"
    assert client_config.reader(kafka)["fetch.max.bytes"] == "1000000"


def test_options_of_kafka_name_nothing_that_is_promised() -> None:
    """What all clients set, beyond what is only tuned, is refused."""
    kafka, changed = settings.KafkaSettings(), "changed"
    promised = set[str]()
    for made in (client_config.producer, lambda k: client_config.consumer(k, "g")):
        for name in made(kafka).keys() - client_config.client(kafka).keys():
            with suppress(ValidationError):
                kafka_with = settings.KafkaSettings(options={name: changed})
                assert made(kafka_with)[name] == changed, name
                continue
            promised.add(name)
    assert promised <= settings.PROMISED
    assert {"enable.idempotence", "enable.auto.commit", "message.timeout.ms"} <= promised
