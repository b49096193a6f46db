"""Which servers a process uses: all that its settings name, or all of the embedded stack.

Never one of each. A worker with production's brokers and this machine's object store would deliver
production's requests to a folder that nobody else can read.
"""

from collections.abc import Iterator
from pathlib import Path

from pydantic import SecretStr

from seedcast.embedded.stack_state import HOST, State, read
from seedcast.errors import InvalidSettings
from seedcast.settings import PREFIX, DatabaseSettings, KafkaSettings, S3Settings, Settings

INDEX, ACCOUNTS = "index.sqlite", "accounts.sqlite"  # in the home
BOOTSTRAP, ENDPOINT = "SEEDCAST_KAFKA_BOOTSTRAP", "SEEDCAST_S3_ENDPOINT"

# What belongs to servers of one's own; the embedded ones have no use for it.
_KAFKA = (
    "bootstrap",
    "security_protocol",
    "sasl_mechanism",
    "sasl_username",
    "sasl_password",
    "sasl_username_file",
    "sasl_password_file",
    "oauth_token_url",
    "oauth_scope",
    "oauth_extensions",
    "oauth_ca_location",
    "aws_region",
    "ssl_ca_location",
    "ssl_certificate_location",
    "ssl_key_location",
    "ssl_key_password",
)
_S3 = ("endpoint", "access_key", "secret_key", "access_key_file", "secret_key_file")


def connected(settings: Settings, *, store: bool = True) -> Settings:
    """Returns the settings; where they name no servers, with those of the embedded stack.

    Without `store` the caller needs Kafka only, and its brokers may be named without an endpoint.
    Raises InvalidSettings if half of the servers are named, or if there are none.
    """
    if settings.kafka.bootstrap and (settings.s3.endpoint or not store):
        return settings
    if named := _named(settings):
        raise _half(settings, named)
    state = read(settings.home)
    if state is None or not state.broker_port:
        raise _no_servers(settings.home)
    servers = {
        "kafka": _kafka(settings, state),
        "s3": _s3(settings, state),
        "index": _database(settings.index, settings.home / INDEX),
        "accounts": _database(settings.accounts, settings.home / ACCOUNTS),
    }
    return settings.model_copy(update=servers)


def is_embedded(settings: Settings) -> bool:
    """Returns True if brokers and object store of `settings` are those of their home's stack.

    Pass settings that went through `connected`. Raises LocalResource.
    """
    state = read(settings.home)
    servers = settings.kafka.bootstrap, settings.s3.endpoint
    return state is not None and servers == (_bootstrap(state), _endpoint(state))


def refuse_other_servers(settings: Settings) -> None:
    """Raises InvalidSettings if the settings name servers: the embedded stack brings its own."""
    if named := _named(settings):
        raise InvalidSettings(
            "the embedded stack has its own Kafka and its own S3",
            expected="no setting of other servers",
            got=", ".join(named),
            remedy="unset them for the embedded stack; for the servers that they name, run "
            "`seedcast run gpu-consumer` and `seedcast run postprocess`",
        )


def _named(settings: Settings) -> list[str]:
    """Returns the variables that are set and belong to servers of one's own."""
    return [*_set("kafka", settings.kafka, _KAFKA), *_set("s3", settings.s3, _S3)]


def _set(
    section: str, values: KafkaSettings | S3Settings, fields: tuple[str, ...]
) -> Iterator[str]:
    """Yields the variable of each field that differs from its default."""
    for field in fields:
        if getattr(values, field) != type(values).model_fields[field].default:
            yield f"{PREFIX}{section}_{field}".upper()


def _half(settings: Settings, named: list[str]) -> InvalidSettings:
    addresses = {BOOTSTRAP: settings.kafka.bootstrap, ENDPOINT: settings.s3.endpoint}
    missing = " and ".join(name for name, value in addresses.items() if not value)
    return InvalidSettings(
        "only a part of the servers is configured",
        expected=f"{BOOTSTRAP} and {ENDPOINT}, or neither of them",
        got=f"{', '.join(named)} without {missing}",
        remedy=f"set {missing}, too; or unset the others, to use the embedded stack",
    )


def _no_servers(home: Path) -> InvalidSettings:
    others = running_elsewhere(home)
    return InvalidSettings(
        "no brokers are configured",
        expected=f"{BOOTSTRAP} and {ENDPOINT}, or an embedded stack in SEEDCAST_HOME",
        got=f"neither, and no stack in {home.absolute()}"
        + "".join(f"; one runs in {other}" for other in others),
        remedy="set them, or start the embedded stack with `seedcast up`"
        + (f", or set SEEDCAST_HOME={others[0]}" if others else ", or correct SEEDCAST_HOME"),
    )


def running_elsewhere(home: Path) -> list[str]:
    """Returns the homes of the other stacks that run on this machine."""
    from seedcast.embedded import processes  # psutil, which a command that works does not need

    return [other for other in processes.running_homes() if other != str(home.absolute())]


def _kafka(settings: Settings, state: State) -> KafkaSettings:
    return settings.kafka.model_copy(update={"bootstrap": _bootstrap(state)})


def _s3(settings: Settings, state: State) -> S3Settings:
    keys = {"access_key": state.access_key, "secret_key": SecretStr(state.secret_key)}
    return settings.s3.model_copy(update={"endpoint": _endpoint(state), **keys})


def _database(settings: DatabaseSettings, file: Path) -> DatabaseSettings:
    """A database of one's own may serve the embedded stack, too."""
    if settings.url:
        return settings
    return settings.model_copy(update={"url": f"sqlite:///{file.absolute()}"})


def _bootstrap(state: State) -> str:
    return f"{HOST}:{state.broker_port}"


def _endpoint(state: State) -> str:
    return f"http://{HOST}:{state.s3_port}"
