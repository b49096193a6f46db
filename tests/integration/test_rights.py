"""The least rights of every role, on a broker with TLS, passwords and StandardAuthorizer.

With the rights of schemas/rights.py a role works; without any one of them, it names that one.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path

import pytest
from confluent_kafka import Consumer, TopicPartition
from pydantic import SecretStr

from seedcast.campaigns.campaign_state import paused, resumed
from seedcast.campaigns.campaign_topic import announce, change_campaign, read_campaigns
from seedcast.campaigns.requests import read_requests
from seedcast.campaigns.subscription import read_results, subscribe
from seedcast.campaigns.waiting import wait
from seedcast.codec import encode_json
from seedcast.embedded import Stack
from seedcast.errors import AccessDenied, CredentialsRefused, Undecodable, Unreachable
from seedcast.kafka import Admin, GroupOffsets, Partition, Record, access, client_config
from seedcast.kafka.admin_client import AdminClient
from seedcast.producers.events.options import SendOptions
from seedcast.producers.events.sender import Sender
from seedcast.producers.gateway.replies import Replies
from seedcast.producers.rows.request_ids import request_id
from seedcast.producers.staging.options import SubmitOptions
from seedcast.producers.staging.retry import RetryOptions, retry
from seedcast.producers.staging.submit import submit_requests
from seedcast.schemas import rights
from seedcast.schemas.messages import Campaign, RequestError, SpeechRequest, SpeechResult
from seedcast.schemas.rights import ROLES, Operation, Right, Role
from seedcast.schemas.topics import (
    DEAD_LETTERS,
    GPU_CONSUMERS,
    REQUESTS,
    REQUESTS_URGENT,
    RESULTS,
    TOPICS,
)
from seedcast.settings import KafkaSettings, PostprocessSettings, S3Settings, Settings
from seedcast.storage.audit import audit
from seedcast.storage.dead_letters import dead_letter
from seedcast.storage.list_ids import ids_reader
from seedcast.storage.memory_store import MemoryStore
from seedcast.storage.s3 import S3Store
from tests.builders import deployments, topics
from tests.builders.deployments import Spawn
from tests.builders.feeding import feed
from tests.builders.secured import SecuredBroker, secured_broker

pytestmark = pytest.mark.integration

CAMPAIGN = "night"
GROUP = "billing"
PASSWORD = "right"
ROWS = [{"id": "1", "text": "Hello.", "voice": 7}, {"id": "2", "text": "Good night.", "voice": 8}]
UNUSED_STORE = {
    "SEEDCAST_S3_ENDPOINT": "http://127.0.0.1:9",
    "SEEDCAST_S3_ACCESS_KEY": "unused",
    "SEEDCAST_S3_SECRET_KEY": "unused",
}
_numbers = count()


@dataclass(frozen=True)
class Secured:
    broker: SecuredBroker
    home: Path
    s3: S3Settings

    def everything(self, prefix: str) -> Settings:
        """Return the settings of the super user."""
        kafka = KafkaSettings(bootstrap=self.broker.internal, prefix=prefix, partitions=2)
        return Settings(home=self.home, kafka=kafka, s3=self.s3)

    def user(self, prefix: str) -> tuple[str, Settings]:
        """Return the settings of a new user without rights."""
        name = f"user-{next(_numbers)}"
        self.broker.set_password(name, PASSWORD)
        more = {"prefix": prefix, "partitions": 2, "start_timeout": 10.0}
        kafka = self.broker.settings(name, PASSWORD, **more)
        return name, Settings(home=self.home, kafka=kafka, s3=self.s3)

    def deployment(self) -> Settings:
        """Make topics with a campaign of two requests, of which one has failed."""
        settings = self.everything(f"d{next(_numbers)}")
        Admin(settings).ensure_topics()
        submit_with_a_failure(settings, CAMPAIGN)
        return settings


def submit(settings: Settings, campaign: str) -> None:
    """Submit, then again, which finds it submitted."""
    for _ in range(2):
        submit_requests(settings, ROWS, SubmitOptions(campaign=campaign, id_column="id"))


def submit_with_a_failure(settings: Settings, campaign: str) -> None:
    submit(settings, campaign)
    fail(settings, request_id(campaign, "1"), campaign)


def write_with_a_failure(settings: Settings, campaign: str) -> None:
    """Write a campaign of events, whose one request lies on the last topic that is looked at."""
    event = SpeechRequest(
        request_id=request_id(campaign, "1"),
        campaign_id=campaign,
        text="Hello.",
        voice_seed=7,
        profiles=("phone",),
        submitted_at=datetime.now(UTC),
    )
    producer = topics.producer(settings)
    producer.deliver(settings.topic(REQUESTS_URGENT), key=b"", value=encode_json(event))
    record = Campaign(
        campaign_id=campaign, state="sealed", created_at=event.submitted_at, accepted=1
    )
    announce(producer, settings, record)
    fail(settings, event.request_id, campaign)


def fail(settings: Settings, request_id: str, campaign: str) -> None:
    error = RequestError(code="render_error", message="told to")
    result = SpeechResult(request_id=request_id, campaign_id=campaign, status="failed", error=error)
    topics.send(settings, RESULTS, [(request_id.encode(), encode_json(result))])


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory, stack: Stack) -> Iterator[Secured]:
    folder = tmp_path_factory.mktemp("secured")
    with secured_broker(folder) as broker:
        yield Secured(broker, folder, deployments.fresh(stack).s3)


def test_a_missing_right_is_named_and_ends_with_exit_code_3(secured: Secured) -> None:
    """Before, `pause` ended as if by Ctrl-C, and `results` spoke of a missing topic."""
    settings = secured.deployment()
    prefix = settings.kafka.prefix
    name, limited = secured.user(prefix)
    done = deployments.run(limited, "results")
    assert done.returncode == 3
    assert f"User:{name}" in done.stderr
    assert f"Read on Topic {prefix}.results" in done.stderr
    secured.broker.grant(name, [Right("Read", "Topic", f"{prefix}.campaigns")])
    done = deployments.run(limited, "pause", CAMPAIGN)
    assert done.returncode == 3
    assert f"User:{name}" in done.stderr
    assert f"Write on Topic {prefix}.campaigns" in done.stderr
    assert "Read on" not in done.stderr
    assert f"--operation Write --topic {prefix}.campaigns" in done.stderr


def test_who_may_describe_a_group_is_not_taken_for_one_who_may_read_with_it(
    secured: Secured,
) -> None:
    prefix = secured.deployment().kafka.prefix
    name, limited = secured.user(prefix)
    missing = Right("Read", "Group", f"{prefix}.{GROUP}")
    secured.broker.grant(name, [Right("Read", "Topic", f"{prefix}.results")])
    secured.broker.grant(name, [replace(missing, operation="Describe")])
    for _ in range(2):
        with pytest.raises(AccessDenied, match=f"User:{name}.*expected {missing};"):
            Admin(limited).require(rights.SUBSCRIBER, GROUP)
    secured.broker.grant(name, [missing])
    Admin(limited).require(rights.SUBSCRIBER, GROUP)
    assert GroupOffsets(secured.everything(prefix)).committed(missing.name) == {}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("wrong", "error", "what"),
    [
        ({"security_protocol": "PLAINTEXT"}, Unreachable, "only TLS.*SECURITY_PROTOCOL"),
        ({"ssl_ca_location": ""}, CredentialsRefused, "unknown authority.*SSL_CA_LOCATION"),
        ({"sasl_password": SecretStr("wrong")}, CredentialsRefused, "credentials.*SASL_PASSWORD"),
        ({"sasl_mechanism": "PLAIN"}, CredentialsRefused, "credentials.*SASL_MECHANISM"),
        ({"bootstrap": "nowhere.invalid:9092"}, Unreachable, "no such host.*BOOTSTRAP"),
        ({"bootstrap": "127.0.0.1:9"}, Unreachable, "nothing listens.*BOOTSTRAP"),
    ],
    ids=lambda value: next(iter(value), None) if isinstance(value, dict) else None,
)
def test_why_no_connection_is_made_is_told_apart(
    secured: Secured, wrong: dict[str, object], error: type[Exception], what: str
) -> None:
    _, settings = secured.user("any")
    kafka = settings.kafka.model_copy(update={"start_timeout": 3.0, **wrong})
    with pytest.raises(error, match=what):
        Admin(settings.model_copy(update={"kafka": kafka})).cluster_id()


@pytest.mark.slow
def test_tls_against_plaintext_is_told_apart(secured: Secured) -> None:
    _, settings = secured.user("any")
    plain = settings.kafka.model_copy(update={"bootstrap": secured.broker.internal})
    with pytest.raises(Unreachable, match=r"no TLS.*SECURITY_PROTOCOL"):
        Admin(settings.model_copy(update={"kafka": plain})).cluster_id()


def _audit(everything: Settings, limited: Settings) -> None:
    """A request that its group calls done and that has no result is looked for everywhere."""
    if not list(read_requests(everything, CAMPAIGN)):
        feed(everything)
    group = everything.group(GPU_CONSUMERS.name)
    bounds = GroupOffsets(everything).bounds([everything.topic(REQUESTS)])
    ends = [TopicPartition(p.topic, p.number, end) for p, (_, end) in bounds.items()]
    client = Consumer(client_config.reader(everything.kafka) | {"group.id": group})
    client.commit(offsets=ends, asynchronous=False)
    client.close()
    audit(limited, CAMPAIGN, S3Store(limited.s3), objects="none")


def _operate(_: Settings, limited: Settings) -> None:
    change_campaign(limited, CAMPAIGN, paused)
    change_campaign(limited, CAMPAIGN, resumed)


def _read(_: Settings, limited: Settings) -> None:
    assert read_campaigns(limited)
    assert list(read_results(limited))


def _subscribe(everything: Settings, limited: Settings) -> None:
    fail(everything, f"request-{next(_numbers):08d}", CAMPAIGN)  # one that is new to the group
    with subscribe(limited, GROUP, ids_reader(limited.s3)) as subscription:
        next(subscription)


def _submit(_: Settings, limited: Settings) -> None:
    submit(limited, f"c{next(_numbers)}")


def _send(_: Settings, limited: Settings) -> None:
    with Sender(limited, SendOptions(campaign=f"e{next(_numbers)}")) as events:
        for row, priority in zip(ROWS, ("normal", "urgent"), strict=True):
            events.send({**row, "priority": priority})


def _serve(everything: Settings, limited: Settings) -> None:
    Admin(limited).require(rights.GATEWAY)
    Replies(limited).close()
    _send(everything, limited)
    _operate(everything, limited)
    _read(everything, limited)


def _retry(everything: Settings, limited: Settings) -> None:
    """Retry a campaign whose list is staged, and one whose requests only the topics have."""
    for write in (submit_with_a_failure, write_with_a_failure):
        campaign = f"r{next(_numbers)}"
        write(everything, campaign)
        assert retry(limited, RetryOptions(campaign=campaign)).submitted


def _observe(_: Settings, limited: Settings) -> None:
    """List the campaigns by the command, whose error has the right."""
    done = deployments.run(limited, "campaigns")
    if done.returncode == 3:
        raise AccessDenied("campaigns", expected=done.stderr)
    assert CAMPAIGN in done.stdout


def _export(everything: Settings, limited: Settings) -> None:
    campaign = f"x{next(_numbers)}"
    submit(everything, campaign)
    done = deployments.run(limited, "export", campaign, "-o", "-")
    if done.returncode == 3:
        raise AccessDenied("export", expected=done.stderr)
    assert done.returncode == 0, done.stderr


def _redrive(everything: Settings, limited: Settings) -> None:
    """Put a letter of each topic back, by the command, whose error has the right."""
    headers_of = partial(dead_letter, stage="test", store=MemoryStore())
    for topic in (each for each in rights.REDRIVER.topics if each is not DEAD_LETTERS):
        place = Partition(everything.topic(topic), 0)
        record = Record(place, 0, b"key", b"value", (), 0)
        key, value, headers = headers_of(record, Undecodable("told to"))
        topics.producer(everything).deliver(
            everything.topic(DEAD_LETTERS), key=key, value=value, headers=headers
        )
    done = deployments.run(limited, "dead-letters", "redrive", "--all", **UNUSED_STORE)
    if done.returncode == 3:
        raise AccessDenied("redrive", expected=done.stderr)
    assert done.returncode == 0, done.stderr


def _wait(everything: Settings, limited: Settings) -> None:
    campaign = f"w{next(_numbers)}"
    submit(everything, campaign)
    for row in ROWS:
        fail(everything, request_id(campaign, str(row["id"])), campaign)
    assert wait(limited, campaign, ids_reader(limited.s3)).complete


def _watch(_: Settings, limited: Settings) -> None:
    done = deployments.run(limited, "status", "--json")
    if done.returncode == 3:
        raise AccessDenied("status", expected=done.stderr)
    assert done.returncode == 0, done.stderr


def _check(_: Settings, limited: Settings) -> None:
    Admin(limited).require(rights.CHECKER)
    assert list(Admin(limited).problems()) == []


PERFORM: dict[Role, Callable[[Settings, Settings], object]] = {
    rights.SUBMITTER: _submit,
    rights.SENDER: _send,
    rights.RETRIER: _retry,
    rights.OPERATOR: _operate,
    rights.WAITER: _wait,
    rights.OBSERVER: _observe,
    rights.READER: _read,
    rights.EXPORTER: _export,
    rights.SUBSCRIBER: _subscribe,
    rights.GATEWAY: _serve,
    rights.WATCHER: _watch,
    rights.AUDITOR: _audit,
    rights.REDRIVER: _redrive,
    rights.CHECKER: _check,
}
WORKERS = {
    rights.FEEDER: "feeder",
    rights.GPU_CONSUMER: "gpu-consumer",
    rights.POSTPROCESSOR: "postprocess",
    rights.INDEXER: "indexer",
}


def test_every_role_is_performed_here() -> None:
    assert {*PERFORM, *WORKERS, rights.ADMINISTRATOR} == {role for role in ROLES if role.topics}


def ids(role: Role) -> str:
    return role.name


def refusal(role: Role, everything: Settings, limited: Settings) -> str:
    try:
        PERFORM[role](everything, limited)
    except AccessDenied as error:
        return str(error)
    return "nothing was refused"


@pytest.mark.slow
@pytest.mark.parametrize("role", PERFORM, ids=ids)
def test_a_role_works_with_its_rights_and_names_any_one_that_is_taken_away(
    secured: Secured, role: Role
) -> None:
    everything = secured.deployment()
    name, limited = secured.user(everything.kafka.prefix)
    least = list(role.rights(everything.kafka.prefix, GROUP))
    secured.broker.grant(name, least)
    PERFORM[role](everything, limited)
    for right in least:
        secured.broker.revoke(name, [right])
        problem = refusal(role, everything, limited)
        assert str(right) in problem
        assert f"User:{name}" in problem
        secured.broker.grant(name, [right])
    PERFORM[role](everything, limited)


@pytest.mark.slow
@pytest.mark.parametrize("role", ROLES, ids=ids)
def test_the_broker_grants_a_role_what_the_table_says_and_nothing_else(
    secured: Secured, role: Role
) -> None:
    everything = secured.deployment()
    prefix = everything.kafka.prefix
    name, limited = secured.user(prefix)
    secured.broker.grant(name, role.rights(prefix, GROUP))
    operations: tuple[Operation, ...] = ("Create", "Describe", "DescribeConfigs", "Read", "Write")
    asked = [
        Right(operation, "Topic", topic.full_name(prefix))
        for topic in TOPICS
        for operation in operations
    ]
    refused = set(access.lacking(AdminClient(client_config.client(limited.kafka)), asked))
    granted = set(role.rights(prefix, GROUP))
    seen = {right.name for right in granted}
    implied = {right for right in asked if right.operation == "Describe" and right.name in seen}
    assert refused == set(asked) - granted - implied


@pytest.mark.slow
def test_an_administrator_creates_with_its_rights_and_names_any_one_that_is_missing(
    secured: Secured,
) -> None:
    prefix = f"p{next(_numbers)}"
    for left_out in [None, *rights.ADMINISTRATOR.rights(prefix)]:
        own = f"p{next(_numbers)}"  # topics that are not there yet
        name, limited = secured.user(own)
        least = list(rights.ADMINISTRATOR.rights(own))
        if left_out is None:
            secured.broker.grant(name, least)
            assert len(Admin(limited).ensure_topics()) == len(TOPICS)
            continue
        missing = replace(left_out, name=own + left_out.name.removeprefix(prefix))
        secured.broker.grant(name, [right for right in least if right != missing])
        done = deployments.run(limited, "topics", "create")
        assert done.returncode == 3
        assert str(missing) in done.stderr
        assert f"User:{name}" in done.stderr


@pytest.fixture
def with_store(secured: Secured, settings: Settings) -> Settings:
    """The settings of the super user, with an object store."""
    postprocess = PostprocessSettings(digest_key=SecretStr("a key of this test"))
    parts = {"home": settings.home, "postprocess": postprocess, "index": settings.index}
    return secured.deployment().model_copy(update=parts)


def limited_to(
    secured: Secured, everything: Settings, role: Role, without: Right | None = None
) -> tuple[str, Settings]:
    name, limited = secured.user(everything.kafka.prefix)
    least = role.rights(everything.kafka.prefix, GROUP)
    secured.broker.grant(name, [right for right in least if right != without])
    return name, everything.model_copy(update={"kafka": limited.kafka})


@pytest.mark.slow
@pytest.mark.parametrize("role", WORKERS, ids=ids)
def test_a_worker_without_one_of_its_rights_names_it_and_does_not_start(
    secured: Secured, with_store: Settings, role: Role
) -> None:
    for right in role.rights(with_store.kafka.prefix):
        name, limited = limited_to(secured, with_store, role, without=right)
        done = deployments.run(limited, "run", WORKERS[role])
        assert done.returncode == 3, done.stderr
        assert str(right) in done.stderr
        assert f"User:{name}" in done.stderr


@pytest.mark.slow
def test_a_campaign_is_spoken_where_everybody_has_the_least_rights(
    secured: Secured, with_store: Settings, seedcast: Spawn
) -> None:
    for role, command in WORKERS.items():
        seedcast(["run", command], limited_to(secured, with_store, role)[1])
    _, submitter = limited_to(secured, with_store, rights.SUBMITTER)
    submit(submitter, "spoken")
    _, waiter = limited_to(secured, with_store, rights.WAITER)
    assert wait(waiter, "spoken", ids_reader(waiter.s3)).succeeded == len(ROWS)
