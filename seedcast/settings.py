"""Every setting, typed, frozen and read once: environment over TOML file over default.

`SEEDCAST_<SECTION>_<FIELD>` in the environment, `[section] field = …` in the file that
`SEEDCAST_CONFIG` names. Anything unknown or wrong is fatal: a typo must not run a night.
"""

import os
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from schemas.topics import Topic
from seedcast import failpoints
from seedcast.errors import InvalidSettings

PREFIX = "SEEDCAST_"
CONFIG = PREFIX + "CONFIG"

Port = Annotated[int, Field(ge=0, le=65535)]
Count = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class KafkaSettings(_Section):
    bootstrap: str = Field(
        "", description="brokers, host:port, comma-separated; empty: the embedded stack's"
    )
    prefix: str = Field(
        "seedcast",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,100}$",
        description="prefix of every topic and consumer group",
    )
    partitions: Count = Field(8, description="partitions of a topic that the pipeline creates")
    replication: Count = Field(
        1, description="replication factor of a topic that the pipeline creates; 3 in production"
    )
    spread: Annotated[int, Field(ge=0)] = Field(
        0, description="over how many partitions one voice seed may spread; 0: all"
    )
    group_protocol: Literal["classic", "consumer"] = Field(
        "classic", description="'consumer' is KIP-848: Kafka 4.0 or newer"
    )
    session_timeout: Seconds = Field(
        10.0,
        description="seconds without a heartbeat until a member is expelled (classic protocol)",
    )
    start_timeout: Seconds = Field(30.0, description="seconds to wait for the brokers at the start")
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="as the cluster asks"
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "PLAIN", description="where SASL is used"
    )
    sasl_username: str = Field("", description="user or API key")
    sasl_password: SecretStr = Field(SecretStr(""), description="password or API secret")
    ssl_ca_location: str = Field(
        "", description="PEM file of certificate authorities; empty: the system's"
    )
    ssl_certificate_location: str = Field(
        "", description="PEM file of the client's certificate, for mutual TLS"
    )
    ssl_key_location: str = Field("", description="PEM file of the client's key")
    ssl_key_password: SecretStr = Field(SecretStr(""), description="password of that key")
    options: dict[str, str] = Field(
        {},
        description="further librdkafka properties, a JSON object; not seen by the post-process app",
    )


class S3Settings(_Section):
    endpoint: str = Field(
        "", description="host:port or URL of the S3 server; empty: the embedded stack's"
    )
    access_key: str = Field("", description="access key")
    secret_key: SecretStr = Field(SecretStr(""), description="secret key")
    region: str = Field("us-east-1", description="region, needed to sign")
    bucket: str = Field(
        "seedcast",
        min_length=3,
        max_length=63,
        description="bucket of audio objects; made where it is missing",
    )
    secure: bool = Field(True, description="https; an endpoint with a scheme decides for itself")
    connect_timeout: Seconds = Field(2.0, description="seconds")
    read_timeout: Seconds = Field(10.0, description="seconds")
    retries: Annotated[int, Field(ge=0)] = Field(
        2, description="of one call, before the record's own back-off begins"
    )
    concurrency: Count = Field(16, description="HTTP connections kept open")


class GpuSettings(_Section):
    engine: Literal["espeak", "chattts"] = Field("espeak", description="which engine synthesises")
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="what chattts runs on; auto: CUDA where there is one"
    )
    precision: Literal["auto", "float32", "bfloat16", "float16", "int8"] = Field(
        "auto",
        description="of chattts; auto: bfloat16 on CUDA and AMX, else float32; int8 needs VNNI",
    )
    slots: Annotated[int, Field(ge=0, le=4096)] = Field(
        0,
        description="utterances in the engine at once; 0: espeak 8, chattts 64 on a CPU, 256 on CUDA",
    )
    context: Annotated[int, Field(ge=512, le=4096)] = Field(
        1024, description="positions of a slot of chattts: the prompt, and 46.9 a second of speech"
    )
    models: str = Field(
        "", description="folder of ChatTTS's weights, upstream's layout; empty: HOME/models/chattts"
    )
    threads: Annotated[int, Field(ge=0)] = Field(
        0, description="threads of chattts on a CPU, part of its fingerprint; 0: one a core"
    )
    encoders: Annotated[int, Field(ge=0, le=64)] = Field(
        0,
        description="threads that hash and pack what the engine has made; 0: one a core, at most 8",
    )
    window: Annotated[int, Field(ge=16, le=16384)] = Field(
        4096, description="offsets a partition may run ahead of its oldest unfinished request"
    )
    buffer: Count = Field(256, description="requests waiting per partition before it is paused")
    backlog: Annotated[int, Field(ge=0)] = Field(
        20_480,
        description="MiB of audio not yet post-processed above which bulk requests get no slot, until it is below three quarters; 0: no limit",
    )
    backlog_age: Annotated[float, Field(ge=0)] = Field(
        43_200.0,
        description="seconds that audio may wait to be post-processed (its topic keeps it 2 days); over it the same happens; 0: no limit",
    )
    commit_interval: Seconds = Field(1.0, description="seconds between commits")
    drain: Seconds = Field(
        25.0, description="seconds that SIGTERM leaves to finish what is in the slots"
    )
    watchdog: Seconds = Field(
        120.0, description="seconds without progress until the process ends itself"
    )
    voice_lock: Literal["enforce", "off"] = Field(
        "enforce",
        description="whether a worker must sound as blessed for its group before it takes partitions",
    )


class PostprocessSettings(_Section):
    profiles: str = Field(
        "",
        description="TOML file of device profiles that adds to, or replaces rows of, the built-in table",
    )
    batch: Count = Field(16, description="records taken at once")
    batch_wait: Seconds = Field(0.05, description="seconds to wait for a batch to fill")
    threads: Count = Field(2, description="renderings in parallel inside the process")
    watchdog: Seconds = Field(
        120.0, description="seconds without progress until the process ends itself"
    )
    digest_key: SecretStr = Field(
        SecretStr("seedcast-embedded"),
        description="key of the receipts' text digest (HMAC); set your own in production",
    )


class MetricsSettings(_Section):
    host: str = Field(
        "127.0.0.1", description="address of the metrics page; 0.0.0.0 in a container"
    )
    port: Port = Field(
        0, description="port of the metrics page; 0: any free one, logged at the start"
    )


class LogSettings(_Section):
    format: Literal["auto", "json", "console"] = Field(
        "auto", description="auto: console on a terminal, else JSON"
    )
    level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="least severe level to write"
    )


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        env_prefix=PREFIX,
        env_nested_delimiter="_",
        env_nested_max_split=1,
    )

    home: Path = Field(
        Path(".seedcast"), description="folder of the embedded stack: data, logs, state"
    )
    voices: str = Field(
        "", description="TOML file of named voices, which lists may name instead of seeds"
    )
    kafka: KafkaSettings = KafkaSettings()
    s3: S3Settings = S3Settings()
    gpu: GpuSettings = GpuSettings()
    postprocess: PostprocessSettings = PostprocessSettings()
    metrics: MetricsSettings = MetricsSettings()
    log: LogSettings = LogSettings()

    def topic(self, topic: Topic) -> str:
        return topic.full_name(self.kafka.prefix)

    def group(self, name: str) -> str:
        return f"{self.kafka.prefix}.{name}"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        file = TomlConfigSettingsSource(settings_cls, os.environ.get(CONFIG) or None)
        return init_settings, env_settings, file


def load() -> Settings:
    """Reads the environment and the file it names. Raises InvalidSettings, naming every wrong one."""
    _refuse_unknown_variables()
    failpoints.parse(os.environ.get(failpoints.VARIABLE, ""))
    file = os.environ.get(CONFIG)
    if file and not Path(file).is_file():
        raise InvalidSettings(f"{CONFIG} names {file}", expected="a TOML file", got="no such file")
    try:
        return Settings()
    except ValidationError as error:
        raise InvalidSettings(
            "settings are wrong",
            got="; ".join(_problems(error)),
            remedy="README.md, Settings, lists all of them",
        ) from None
    except SettingsError as error:  # its message names the field, and quotes nothing
        raise InvalidSettings(
            "settings are wrong", expected="a JSON object", got=str(error)
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidSettings(f"{file} is not TOML", got=str(error)) from None


def table() -> Iterator[tuple[str, str, str, str]]:
    """Every setting: environment variable, section.field, default (secrets masked), meaning."""
    defaults = Settings.model_construct()
    for name, info in Settings.model_fields.items():
        value = getattr(defaults, name)
        if not isinstance(value, BaseModel):
            yield f"{PREFIX}{name}".upper(), name, str(value), info.description or ""
            continue
        for field, inner in type(value).model_fields.items():
            yield (
                f"{PREFIX}{name}_{field}".upper(),
                f"{name}.{field}",
                str(getattr(value, field)),
                inner.description or "",
            )


def _refuse_unknown_variables() -> None:
    known = {variable for variable, *_ in table()} | {CONFIG, failpoints.VARIABLE}
    unknown = sorted(
        name for name in os.environ if name.upper().startswith(PREFIX) and name.upper() not in known
    )
    if unknown:
        raise InvalidSettings(
            "unknown settings in the environment",
            got=", ".join(unknown),
            remedy="correct or unset them; README.md, Settings, lists all",
        )


def _problems(error: ValidationError) -> Iterator[str]:
    for problem in error.errors(include_url=False):
        place = ".".join(str(part) for part in problem["loc"])
        variable = PREFIX + place.replace(".", "_").upper()
        # What is unknown or no scalar may hold a secret under a name that we cannot tell.
        shown = problem["type"] != "extra_forbidden" and isinstance(
            problem["input"], str | int | float
        )
        came = (
            f" (got {problem['input']!r})"
            if shown and not any(word in place for word in ("password", "key", "options"))
            else ""
        )
        yield f"{place}, or {variable}: {problem['msg']}{came}"
