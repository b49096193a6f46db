"""Every setting: typed, frozen, and read once from the environment, a TOML file or the default.

The environment (`SEEDCAST_<SECTION>_<FIELD>`) takes precedence over the file that
`SEEDCAST_CONFIG` names (`[section] field = …`), and the file over the default. An unknown or wrong
setting is fatal, so that a typo cannot spoil a night's run.
"""

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import partial
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import parse_qsl, urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from seedcast import failpoints
from seedcast.errors import InvalidSettings
from seedcast.schemas.locales import Locale
from seedcast.schemas.topics import AUDIO_BYTES, MIB, NORMAL, URGENT, Lane, Topic

PREFIX = "SEEDCAST_"
CONFIG = PREFIX + "CONFIG"

Port = Annotated[int, Field(ge=0, le=65535)]
Count = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0)]


# RFC 7628, section 3.1
_ExtensionName = Annotated[str, Field(pattern=r"^[A-Za-z]+$")]
_ExtensionValue = Annotated[str, Field(pattern=r"^[\x20-\x7e\t]*$")]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


def secret_of(value: str, file: str) -> str:
    """Return what the file holds now, without the line's end; without a file, the value.

    Raises InvalidSettings.
    """
    if not file:
        return value
    try:
        return Path(file).read_text().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSettings(
            f"secret file {file}",
            expected="a text file that this user can read",
            got=getattr(error, "strerror", None) or "bytes that are not UTF-8",
            remedy="correct the setting that names it, or mount the secret there",
        ) from error


# librdkafka's properties without which a record could be lost or done twice, or a consumer would
# not be the one that the code expects.
PROMISED = frozenset(
    {
        "acks",
        "request.required.acks",
        "auto.commit.enable",
        "auto.offset.reset",
        "delivery.report.only.error",
        "enable.auto.commit",
        "enable.auto.offset.store",
        "enable.idempotence",
        "enable.partition.eof",
        "group.id",
        "group.protocol",
        "message.max.bytes",
        "message.timeout.ms",
        "delivery.timeout.ms",
        "partition.assignment.strategy",
        "partitioner",
        "session.timeout.ms",
        "transactional.id",
    }
)


class KafkaSettings(_Section):
    bootstrap: str = Field(
        "",
        description=(
            "brokers as host:port, comma-separated; empty, as S3's endpoint must be then, too: "
            "those of the embedded stack"
        ),
    )
    prefix: str = Field(
        "seedcast",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,100}$",
        description="prefix of every topic name and consumer group",
    )
    partitions: Count = Field(8, description="partitions of each topic that Seedcast creates")
    replication: Count = Field(
        1, description="replication factor of each topic that Seedcast creates; use 3 in production"
    )
    max_record_bytes: Annotated[int, Field(ge=MIB, le=2 * AUDIO_BYTES)] = Field(
        AUDIO_BYTES,
        description=(
            "bytes of the largest record of the audio topics, at most what the cluster allows "
            "(Confluent Cloud: 8388608); the longest speech follows from it"
        ),
    )
    spread: Annotated[int, Field(ge=0)] = Field(
        0, description="number of partitions that one voice seed may use; 0: all"
    )
    group_protocol: Literal["classic", "consumer"] = Field(
        "classic", description="'consumer' is KIP-848 and needs Kafka 4.0 or newer"
    )
    session_timeout: Seconds = Field(
        10.0,
        description=(
            "seconds without a heartbeat until the group removes a member (classic protocol)"
        ),
    )
    start_timeout: Seconds = Field(
        30.0, description="seconds that a start waits for the brokers and for the object store"
    )
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="security protocol of the cluster"
    )
    sasl_mechanism: Literal[
        "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER", "AWS_MSK_IAM"
    ] = Field("PLAIN", description="SASL mechanism; used by the SASL protocols only")
    sasl_username: str = Field("", description="SASL user name, API key, or client id (OAuth)")
    sasl_password: SecretStr = Field(
        SecretStr(""), description="SASL password, API secret, or client secret (OAuth)"
    )
    ssl_ca_location: str = Field(
        "", description="PEM file of certificate authorities; empty: those of the system"
    )
    ssl_certificate_location: str = Field(
        "", description="PEM file of the client's certificate, for mutual TLS"
    )
    ssl_key_location: str = Field("", description="PEM file of the client's key")
    ssl_key_password: SecretStr = Field(SecretStr(""), description="password of the client's key")
    sasl_username_file: str = Field(
        "",
        description="file with the user name, read again when the last one is refused",
    )
    sasl_password_file: str = Field(
        "",
        description="file with the password, read again when the last one is refused",
    )
    oauth_token_url: Annotated[str, Field(pattern=r"^(https?://\S+)?$")] = Field(
        "",
        description="token endpoint of OAUTHBEARER, asked by client credentials (RFC 6749)",
    )
    oauth_scope: str = Field("", description="scope to ask for; empty: the endpoint's default")
    oauth_extensions: dict[_ExtensionName, _ExtensionValue] = Field(
        {},
        description=(
            "SASL extensions of OAUTHBEARER, a JSON object, such as Confluent Cloud's "
            "logicalCluster and identityPoolId"
        ),
    )
    oauth_ca_location: str = Field(
        "",
        description=(
            "PEM file of the token endpoint's certificate authorities; empty: those of the system"
        ),
    )
    aws_region: str = Field(
        "", description="region of an MSK cluster, for AWS_MSK_IAM; empty: that of AWS_REGION"
    )
    options: dict[str, str] = Field(
        {},
        description=(
            "more librdkafka properties, a JSON object, such as linger.ms; not those by which "
            "nothing is lost or done twice; the post-process app ignores them"
        ),
    )

    @field_validator("options")
    @classmethod
    def _leave_what_is_promised(cls, options: dict[str, str]) -> dict[str, str]:
        if refused := sorted(PROMISED & options.keys()):
            raise ValueError(f"Seedcast itself sets {', '.join(refused)}: leave it out")
        return options

    @property
    def uses_sasl(self) -> bool:
        return self.security_protocol.startswith("SASL")

    @property
    def uses_token(self) -> bool:
        """True if clients show a token instead of a password."""
        return self.uses_sasl and self.sasl_mechanism in ("OAUTHBEARER", "AWS_MSK_IAM")

    def login(self) -> tuple[str, str]:
        """Return user name and password as they are now. Raises InvalidSettings."""
        return (
            secret_of(self.sasl_username, self.sasl_username_file),
            secret_of(self.sasl_password.get_secret_value(), self.sasl_password_file),
        )


class S3Settings(_Section):
    endpoint: str = Field(
        "",
        description=(
            "host:port or URL of the S3 server; empty, as the brokers must be then, too: that of "
            "the embedded stack"
        ),
    )
    access_key: str = Field("", description="access key")
    secret_key: SecretStr = Field(SecretStr(""), description="secret key")
    access_key_file: str = Field("", description="file with the access key, read at each call")
    secret_key_file: str = Field("", description="file with the secret key, read at each call")
    session_token: SecretStr = Field(
        SecretStr(""), description="session token, which temporary keys need"
    )
    public_endpoint: str = Field(
        "",
        description="host:port or URL under which others reach the S3 server, for links; "
        "empty: the endpoint",
    )
    region: str = Field("us-east-1", description="region; every signature contains it")
    bucket: str = Field(
        "seedcast",
        min_length=3,
        max_length=63,
        description="bucket of audio objects; created if it does not exist",
    )
    secure: bool = Field(True, description="use https; the scheme of an endpoint URL overrides it")
    connect_timeout: Seconds = Field(2.0, description="seconds to wait for a connection")
    read_timeout: Seconds = Field(10.0, description="seconds to wait for data on a connection")
    retries: Annotated[int, Field(ge=0)] = Field(
        2, description="retries of one S3 call, before the whole record is retried with back-off"
    )
    concurrency: Count = Field(16, description="HTTP connections kept open")


class FeederSettings(_Section):
    ahead: Annotated[float, Field(ge=1, le=3600)] = Field(
        30.0,
        description=(
            "seconds of work that each partition of the requests topics is kept ahead of its "
            "worker; a pause, a cancellation or a new campaign takes effect within it"
        ),
    )
    backlog_goal: Annotated[float, Field(ge=0.1, le=720)] = Field(
        8.0,
        description=(
            "hours within which a list without a deadline is to end; seedcast_workers_wanted, "
            "which autoscaling follows, is computed for it"
        ),
    )
    watchdog: Seconds = Field(
        120.0, description="seconds without progress until the process ends itself"
    )


class GpuSettings(_Section):
    engine: Literal["espeak", "chattts", "echo"] = Field(
        "espeak",
        description=(
            "which engine synthesises; echo speaks nothing: it answers each request at once with "
            "tones, for load tests and dry runs"
        ),
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="what chattts runs on; auto: CUDA if there is a GPU, else the CPU"
    )
    precision: Literal["auto", "float32", "bfloat16", "float16", "int8"] = Field(
        "auto",
        description=(
            "precision of chattts; auto: bfloat16 on CUDA and AMX, else float32; int8 needs VNNI"
        ),
    )
    slots: Annotated[int, Field(ge=0, le=4096)] = Field(
        0,
        description=(
            "utterances in the engine at once; 0: 8 for espeak, 64 for echo and for chattts on a "
            "CPU, 256 for chattts on CUDA"
        ),
    )
    context: Annotated[int, Field(ge=512, le=4096)] = Field(
        1024,
        description=(
            "positions per slot of chattts: the prompt, and 46.9 positions per second of speech"
        ),
    )
    models: str = Field(
        "",
        description=(
            "folder of ChatTTS's weights, in upstream's layout; "
            "empty: models/chattts in SEEDCAST_HOME"
        ),
    )
    threads: Annotated[int, Field(ge=0)] = Field(
        0,
        description="threads of chattts on a CPU; part of its fingerprint; 0: one per core",
    )
    encoders: Annotated[int, Field(ge=0, le=64)] = Field(
        0,
        description="threads that hash and encode finished waveforms; 0: one per core, at most 8",
    )
    window: Annotated[int, Field(ge=16, le=16384)] = Field(
        4096,
        description="offsets that reading may be ahead of a partition's oldest unfinished request",
    )
    buffer: Count = Field(
        256, description="waiting requests per partition at which it is throttled"
    )
    backlog: Annotated[int, Field(ge=0)] = Field(
        20_480,
        description=(
            "MiB of audio not yet post-processed, above which bulk requests get no slot until it "
            "falls below three quarters of that; 0: no limit"
        ),
    )
    backlog_age: Annotated[float, Field(ge=0)] = Field(
        43_200.0,
        description=(
            "seconds that audio may wait to be post-processed (its topic keeps it 2 days), above "
            "which bulk requests get no slot either; 0: no limit"
        ),
    )
    commit_interval: Seconds = Field(1.0, description="seconds between two offset commits")
    drain: Seconds = Field(
        25.0, description="seconds after SIGTERM to finish the utterances in the slots"
    )
    watchdog: Seconds = Field(
        120.0, description="seconds without progress until the process ends itself"
    )
    voice_lock: Literal["enforce", "off"] = Field(
        "enforce",
        description=(
            "'enforce': a worker takes partitions only if it sounds as blessed for its group"
        ),
    )


class PostprocessSettings(_Section):
    profiles: str = Field(
        "",
        description="TOML file of device profiles, which add to the built-in ones or replace them",
    )
    batch: Count = Field(16, description="records per batch")
    batch_wait: Seconds = Field(0.05, description="seconds to wait for a batch to fill")
    threads: Count = Field(2, description="renderings in parallel inside the process")
    watchdog: Seconds = Field(
        120.0, description="seconds without progress until the process ends itself"
    )
    digest_key: SecretStr = Field(
        SecretStr("seedcast-embedded"),
        description="key of the receipts' text digest (HMAC); set your own in production",
    )


_DATABASE_URL = re.compile(r"(sqlite:///\S+|postgresql://([^\s:@/]+@)?[^\s@]+)?")
_PASSWORD = re.compile("password", re.IGNORECASE)
_PASSWORD_SET = re.compile(r"password\s*=", re.IGNORECASE)
_PASSWORD_IN_URL = re.compile(r"postgresql://[^\s:@/]*:[^\s]*@")


def _without_password(section: str) -> AfterValidator:
    """Refuse a URL with a password, since it is shown and logged; name the setting for it."""
    return AfterValidator(partial(_check_url, f"{PREFIX}{section}_PASSWORD_FILE"))


def _check_url(password_file: str, url: str) -> str:
    """Return the URL. Raises ValueError, without quoting it."""
    query = parse_qsl(urlsplit(url).query, keep_blank_values=True)
    # Such as `password` and `sslpassword` of libpq, and a whole connection string under a name.
    given = any(_PASSWORD.search(name) or _PASSWORD_SET.search(value) for name, value in query)
    if given or _PASSWORD_IN_URL.match(url):
        raise ValueError(
            f"expected no password in it; name a file that has it by {password_file} instead"
        )
    if not _DATABASE_URL.fullmatch(url):
        raise ValueError("expected postgresql://USER@HOST/DATABASE, or sqlite:///FILE")
    return url


def _check_redis(url: str) -> str:
    """Return the URL. Raises ValueError, without quoting it."""
    if not re.fullmatch(r"(rediss?://[\w.\-\[\]:]+(/\d+)?)?", url):
        raise ValueError(
            f"expected redis://HOST:PORT/NUMBER or rediss://…, with no user and no password in it; "
            f"they are {PREFIX}GATEWAY_LIMITS_USER and {PREFIX}GATEWAY_LIMITS_PASSWORD_FILE"
        )
    return url


class DatabaseSettings(_Section):
    """A database of one kind of tables: PostgreSQL's, or a SQLite file."""

    url: str = ""
    password: SecretStr = Field(SecretStr(""), description="password of PostgreSQL's user")
    password_file: str = Field("", description="file with the password, read at each connection")
    tls: Literal["verify-full", "require", "disable"] = Field(
        "verify-full",
        description=(
            "TLS to PostgreSQL; verify-full: its certificate must be valid and name the host; "
            "require: encrypted, to whomever; disable: in clear, for a network of your own"
        ),
    )
    tls_ca: str = Field(
        "", description="PEM file of certificate authorities; empty: those of the system"
    )
    pool: Count = Field(4, description="connections to PostgreSQL kept open by one process")
    connect_timeout: Annotated[int, Field(ge=2)] = Field(
        5, description="seconds to wait for a connection, at least 2"
    )
    lock_timeout: Seconds = Field(10.0, description="seconds to wait for another's lock")
    read_timeout: Seconds = Field(
        15.0, description="seconds that PostgreSQL may take to answer who only reads"
    )
    statement_timeout: Seconds = Field(
        60.0, description="seconds that PostgreSQL may take for a statement of who writes"
    )


class IndexSettings(DatabaseSettings):
    url: Annotated[str, _without_password("INDEX")] = Field(
        "",
        description=(
            "database of the results index: postgresql://USER@HOST/DATABASE without a "
            "password, or sqlite:///FILE; empty: that of the embedded stack, or none"
        ),
    )
    keep_days: Annotated[int, Field(ge=0)] = Field(
        0,
        description=(
            "days after the end of a list that its requests stay in the index; its figures stay, "
            "and results.parquet beside the list; 0: for ever"
        ),
    )
    watchdog: Seconds = Field(
        120.0,
        description=(
            "seconds without progress until an indexer ends itself; more than STATEMENT_TIMEOUT "
            "and CONNECT_TIMEOUT together, after which it gives up a server that is frozen"
        ),
    )


class AccountsSettings(DatabaseSettings):
    url: Annotated[str, _without_password("ACCOUNTS")] = Field(
        "",
        description=(
            "database of the gateway's keys and idempotency keys: "
            "postgresql://USER@HOST/DATABASE without a password, or sqlite:///FILE; empty: that "
            "of the embedded stack, or none"
        ),
    )
    lock_timeout: Seconds = Field(
        5.0, description="seconds to wait for another's lock, and for a free connection"
    )
    statement_timeout: Seconds = Field(5.0, description="seconds that one statement may take")


class GatewaySettings(_Section):
    host: str = Field(
        "127.0.0.1", description="address at which the gateway listens; 0.0.0.0 in a container"
    )
    port: Port = Field(0, description="port of the gateway; 0: any free port, which is logged")
    wait: Annotated[float, Field(ge=1, le=600)] = Field(
        60.0,
        description="seconds that a client who waits for a speech is kept waiting, at most",
    )
    send_timeout: Seconds = Field(
        10.0, description="seconds to wait for the broker's acknowledgement of a request"
    )
    replicas: Count = Field(
        1, description="gateways that share the limits of keys: each allows its part"
    )
    rate: Annotated[float, Field(gt=0)] = Field(
        50.0, description="requests per second of a key that has no limit of its own"
    )
    characters_per_minute: Count = Field(
        1_000_000,
        description=(
            "characters per minute in the speeches of a key that has no limit of its own; lists "
            "are not counted"
        ),
    )
    concurrency: Count = Field(
        200, description="requests at once of a key that has no limit of its own"
    )
    queued_characters: Count = Field(
        1_000_000,
        description="characters that wait to be spoken, of a key that has no limit of its own",
    )
    idempotency_hours: Annotated[float, Field(gt=0)] = Field(
        24.0,
        description=(
            "hours for which an Idempotency-Key is remembered, so that it is refused with another "
            "body"
        ),
    )
    keep_days: Annotated[float, Field(ge=30, le=3650)] = Field(
        400.0,
        description=(
            "days after its end for which a batch can be read, and for which it is remembered what "
            "webhooks were told of: campaigns older than that tell them nothing"
        ),
    )
    limits_url: Annotated[str, AfterValidator(_check_redis)] = Field(
        "",
        description=(
            "Redis in which all replicas count rates together: redis://HOST:PORT/NUMBER, or "
            "rediss:// with TLS, without a password; empty: each replica allows its part"
        ),
    )
    limits_user: str = Field("", description="Redis' user; empty: the default user")
    limits_password: SecretStr = Field(SecretStr(""), description="password of Redis' user")
    limits_password_file: str = Field(
        "", description="file with the password, read at each connection"
    )
    limits_ca_location: str = Field(
        "", description="PEM file of Redis' certificate authorities; empty: those of the system"
    )
    connections: Count = Field(
        2_000, description="connections at once; those beyond get 503 and are closed"
    )
    drain: Seconds = Field(
        25.0, description="seconds after SIGTERM to answer the requests that are open"
    )
    upload_bytes: Count = Field(2**31, description="bytes of one uploaded file or list, at most")
    uploads: Count = Field(
        8, description="uploads at once, each with 20 MB of memory; those beyond get 503"
    )
    file_bytes: Count = Field(
        10 * 2**30, description="bytes of all files of a key that has no limit of its own"
    )
    file_days: Annotated[float, Field(gt=0, le=3650)] = Field(
        30.0, description="days after which files, and what was found in lists, are deleted"
    )
    batch_lines: Count = Field(50_000, description="requests of a batch, at most")
    batch_bytes: Count = Field(
        200_000_000, description="bytes of the input file of a batch, at most"
    )
    stagers: Count = Field(1, description="lists at once that a gateway checks or stages")
    previews: Count = Field(
        1, description="lists at once whose first rows the page reads, each with 512 MiB of memory"
    )
    stager_memory: Annotated[int, Field(ge=256)] = Field(
        1024, description="MiB of memory for each; a list that needs more is refused"
    )
    lease: Annotated[float, Field(ge=1)] = Field(
        30.0,
        description="seconds after which the list of a gateway that died is another gateway's",
    )
    watchdog: Seconds = Field(
        30.0, description="seconds after which a gateway whose event loop hangs ends itself"
    )
    hosts: tuple[str, ...] = Field(
        (),
        description=(
            "names under which browsers reach the page, a JSON list; empty: only localhost and "
            "its addresses where the gateway listens there, or else any"
        ),
    )
    session_hours: Annotated[float, Field(gt=0, le=24 * 30)] = Field(
        24.0, description="hours after which whoever signed in to the page signs in again"
    )
    session_idle_hours: Annotated[float, Field(gt=0, le=24 * 30)] = Field(
        2.0, description="hours without an open page after which a session ends"
    )


def _check_networks(networks: tuple[str, ...]) -> tuple[str, ...]:
    """Raises ValueError for what is no network."""
    for network in networks:
        ip_network(network)
    return networks


class WebhookSettings(_Section):
    key: SecretStr = Field(
        SecretStr("seedcast-embedded"),
        description=(
            "key that encrypts the secrets of webhooks in the database of keys; set your own in "
            "production"
        ),
    )
    key_file: str = Field(
        "",
        description=(
            "file with it; of several, one per line, the first encrypts, and each decrypts what it "
            "has encrypted"
        ),
    )
    allow_http: bool = Field(False, description="call http addresses, too, not only https")
    allow_networks: Annotated[tuple[str, ...], AfterValidator(_check_networks)] = Field(
        (),
        description=(
            "networks that are called though they are not public, a JSON list such as "
            '["10.20.0.0/16"]'
        ),
    )
    ca_location: str = Field(
        "", description="PEM file of certificate authorities; empty: those of the system"
    )
    timeout: Annotated[float, Field(gt=0, le=60)] = Field(
        15.0, description="seconds that an endpoint has to answer, from the look-up of its name on"
    )
    retry_hours: Annotated[float, Field(gt=0, le=720)] = Field(
        72.0,
        description=(
            "hours for which a delivery is tried again; an endpoint that takes nothing for as long "
            "is disabled"
        ),
    )
    keep_days: Annotated[float, Field(gt=0, le=3650)] = Field(
        30.0, description="days for which deliveries that have ended are shown"
    )


# None of them takes a secret: with HMAC a public key would be one that everybody knows.
SignatureAlgorithm = Literal[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"
]


class JwtSettings(_Section):
    issuer: str = Field(
        "",
        description="`iss` of the JSON Web Tokens that gateways take beside keys; empty: none",
    )
    audience: str = Field("", description="`aud` that a token must have; required with an issuer")
    keys: str = Field(
        "",
        description=(
            "the issuer's public keys, a JSON Web Key Set: its URL, with https unless the way "
            "there is your own, or a file; required with an issuer"
        ),
    )
    ca_location: str = Field(
        "",
        description="PEM file of that URL's certificate authorities; empty: those of the system",
    )
    algorithms: tuple[SignatureAlgorithm, ...] = Field(
        ("RS256", "ES256"), min_length=1, description="signatures that are taken, a JSON list"
    )
    tenant_claim: str = Field(
        "tenant",
        min_length=1,
        description="claim that names the tenant, or the path to it, such as organization.id",
    )
    scope_claim: str = Field(
        "scope",
        min_length=1,
        description=(
            "claim with the scopes, a list, or words separated by spaces; or the path to it, such "
            "as realm_access.roles"
        ),
    )
    leeway: Annotated[float, Field(ge=0, le=300)] = Field(
        30.0, description="seconds by which the issuer's clock may be wrong"
    )
    refresh: Annotated[float, Field(ge=10, le=86_400)] = Field(
        300.0, description="seconds after which the issuer's keys are read again"
    )

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.issuer and not (self.audience and self.keys):
            raise ValueError("expected an audience and keys beside the issuer")
        return self


class MetricsSettings(_Section):
    host: str = Field(
        "127.0.0.1", description="address of the metrics page; use 0.0.0.0 in a container"
    )
    port: Port = Field(
        0, description="port of the metrics page; 0: any free port, which is logged at the start"
    )


class LogSettings(_Section):
    format: Literal["auto", "json", "console"] = Field(
        "auto",
        description=(
            "log format; auto: console on a terminal, else JSON; with json, the error with which "
            "a command ends is JSON, too"
        ),
    )
    level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="least severe level to log"
    )
    progress: Seconds = Field(
        60.0, description="seconds between two lines of progress in the log of a worker"
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
        Path(".seedcast"), description="folder of the embedded stack: its data, logs and state"
    )
    voices: str = Field(
        "", description="TOML file of named voices; a list may name one instead of a seed"
    )
    lexicon: str = Field(
        "", description="TOML file of how words are said; part of the engine's fingerprint"
    )
    locale: Locale = Field(
        "en-US",
        description="locale of texts whose request names none; part of the engine's fingerprint",
    )
    kafka: KafkaSettings = KafkaSettings()
    s3: S3Settings = S3Settings()
    feeder: FeederSettings = FeederSettings()
    gpu: GpuSettings = GpuSettings()
    postprocess: PostprocessSettings = PostprocessSettings()
    index: IndexSettings = IndexSettings()
    gateway: GatewaySettings = GatewaySettings()
    accounts: AccountsSettings = AccountsSettings()
    jwt: JwtSettings = JwtSettings()
    webhooks: WebhookSettings = WebhookSettings()
    metrics: MetricsSettings = MetricsSettings()
    log: LogSettings = LogSettings()

    def topic(self, topic: Topic) -> str:
        return topic.full_name(self.kafka.prefix)

    def group(self, name: str) -> str:
        return f"{self.kafka.prefix}.{name}"

    def lane(self, topic: str) -> Lane:
        """Return the lane of a requests topic, given by its full name."""
        return URGENT if topic == self.topic(URGENT.requests) else NORMAL

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
    """Reads the environment and the file that it names.

    Raises InvalidSettings, which names every wrong setting.
    """
    _refuse_unknown_variables()
    failpoints.parse(os.environ.get(failpoints.VARIABLE, ""))
    file = os.environ.get(CONFIG)
    if file and not Path(file).is_file():
        raise InvalidSettings(
            f"{CONFIG} names {file}",
            expected="a TOML file",
            got="no such file",
            remedy=f"correct {CONFIG}, or unset it",
        )
    try:
        return Settings()
    except ValidationError as error:
        raise InvalidSettings(
            "settings are wrong",
            got="; ".join(_problems(error)),
            remedy="see docs/reference/settings.md",
        ) from None
    except SettingsError as error:  # its message names the field and quotes no value
        raise InvalidSettings(
            "settings are wrong", expected="a JSON object", got=str(error)
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidSettings(f"{file} is not TOML", got=str(error)) from None


def table() -> Iterator[tuple[str, str, str, str]]:
    """Yields (environment variable, section.field, default, meaning) of every setting.

    The defaults of secrets are masked.
    """
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
            remedy="correct or unset them; docs/reference/settings.md has a table of all settings",
        )


def _problems(error: ValidationError) -> Iterator[str]:
    for problem in error.errors(include_url=False):
        name = ".".join(str(part) for part in problem["loc"])
        variable = PREFIX + name.replace(".", "_").upper()
        got = f" (got {problem['input']!r})" if _may_quote(name, problem) else ""
        yield f"{name}, or {variable}: {problem['msg'].removeprefix('Value error, ')}{got}"


def _may_quote(name: str, problem: Mapping[str, object]) -> bool:
    """True if the input is surely no secret.

    An unknown field, or a value that is not a scalar, may contain a secret under any name.
    """
    is_known_scalar = problem["type"] != "extra_forbidden" and isinstance(
        problem["input"], str | int | float
    )
    return is_known_scalar and not any(
        word in name
        for word in (
            "password",
            "key",
            "token",
            "options",
            "index.url",
            "accounts.url",
            "limits_url",
        )
    )
