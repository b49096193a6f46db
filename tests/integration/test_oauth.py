"""OAUTHBEARER on a real broker, which checks each token by the issuer's published key."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import SecretStr

from seedcast.campaigns.waiting import wait
from seedcast.embedded import processes
from seedcast.embedded.stack_state import HOST
from seedcast.errors import AccessDenied, CredentialsRefused
from seedcast.kafka import Admin, GroupConsumer, Producer, Record, TopicReader
from seedcast.producers.staging.options import SubmitOptions
from seedcast.producers.staging.submit import submit_requests
from seedcast.schemas import rights
from seedcast.schemas.topics import REQUESTS
from seedcast.settings import KafkaSettings, Settings
from seedcast.storage.list_ids import ids_reader
from tests.builders.deployments import Spawn
from tests.builders.processes import ForkedProcess
from tests.builders.secured import SecuredBroker, secured_broker
from tests.builders.token_endpoint import TokenEndpoint, token_endpoint
from tests.builders.waiting import eventually, missing, terminate

pytestmark = [pytest.mark.integration, pytest.mark.slow]

HANDLER = "org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler"
VALIDATOR = "org.apache.kafka.common.security.oauthbearer.BrokerJwtValidator"
MODULE = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule"
WORKERS = {
    "feeder": rights.FEEDER,
    "gpu-consumer": rights.GPU_CONSUMER,
    "postprocess": rights.POSTPROCESSOR,
    "indexer": rights.INDEXER,
}
ROWS = [{"id": str(n), "text": f"Message number {n}.", "voice": n % 5} for n in range(10)]


@dataclass(frozen=True)
class Cluster:
    broker: SecuredBroker
    endpoint: TokenEndpoint

    def settings(self, client: str, **changes: object) -> KafkaSettings:
        fields = {
            "sasl_mechanism": "OAUTHBEARER",
            "oauth_token_url": self.endpoint.url,
            "partitions": 2,
            "start_timeout": 15.0,
        }
        return self.broker.settings(client, f"secret of {client}", **fields | changes)

    def add(self, client: str, granted: rights.Role, prefix: str) -> None:
        self.endpoint.secrets[client] = f"secret of {client}"
        self.broker.grant(client, granted.rights(prefix))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with token_endpoint() as endpoint:
        prefix = "listener.name.sasl_ssl.oauthbearer"
        properties = {
            "sasl.enabled.mechanisms": "OAUTHBEARER",
            f"{prefix}.sasl.jaas.config": f"{MODULE} required;",
            f"{prefix}.sasl.server.callback.handler.class": HANDLER,
            f"{prefix}.sasl.oauthbearer.jwks.endpoint.url": endpoint.keys_url,
            # Without it Kafka 4.1.0 checks no signature, whatever keys it is given (measured).
            "sasl.oauthbearer.jwt.validator.class": VALIDATOR,
        }
        allowed = f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={endpoint.keys_url}"
        folder = tmp_path_factory.mktemp("oauth")
        with secured_broker(folder, jvm=[allowed], **properties) as broker:
            yield Cluster(broker, endpoint)


@pytest.fixture
def everything(cluster: Cluster, settings: Settings) -> Settings:
    """Settings of the super user, whose topics exist."""
    prefix = settings.kafka.prefix
    kafka = KafkaSettings(bootstrap=cluster.broker.internal, prefix=prefix, partitions=2)
    made = settings.model_copy(update={"kafka": kafka})
    Admin(made).ensure_topics()
    return made


def test_every_kind_of_client_shows_a_token(cluster: Cluster, everything: Settings) -> None:
    prefix = everything.kafka.prefix
    cluster.add("all", rights.GPU_CONSUMER, prefix)
    cluster.add("all", rights.SENDER, prefix)
    ours = everything.model_copy(update={"kafka": cluster.settings("all", prefix=prefix)})
    admin = Admin(ours)
    assert admin.cluster_id()
    # The coordinator of a new cluster's groups is known a moment later.
    eventually(lambda: admin.lacking(rights.GPU_CONSUMER) == [], what="the rights")
    with pytest.raises(AccessDenied, match=r"User:all.*Read on Topic"):
        admin.require(rights.POSTPROCESSOR)
    topic = ours.topic(REQUESTS)
    Producer(ours).deliver(topic, key=b"7", value=b"value")
    with TopicReader(ours, topic) as reader:
        assert [record.value for record in reader.to_end()] == [b"value"]
    member = GroupConsumer(
        ours,
        ours.group("gpu-consumers"),
        [topic],
        on_assign=lambda _: None,
        on_revoke=lambda _: None,
        on_lost=lambda _: None,
    )
    found: list[Record] = []
    eventually(lambda: found.extend(member.poll(1, 0.1)) or found, what="the record")
    member.close()


def test_who_is_refused_and_by_whom_is_told_apart(cluster: Cluster, everything: Settings) -> None:
    def refused(**changes: object) -> CredentialsRefused:
        kafka = cluster.settings("some", prefix=everything.kafka.prefix, **changes)
        with pytest.raises(CredentialsRefused) as raised:
            Admin(everything.model_copy(update={"kafka": kafka})).cluster_id()
        return raised.value

    cluster.add("some", rights.SUBMITTER, everything.kafka.prefix)
    by_endpoint = refused(sasl_password=SecretStr("hunter2"))
    assert cluster.endpoint.url in by_endpoint.what
    assert "hunter2" not in str(by_endpoint)
    cluster.endpoint.signs_with = "another"
    try:
        by_broker = refused(oauth_scope="another")
    finally:
        cluster.endpoint.signs_with = "published"
    assert "refuses the token" in by_broker.what
    assert "SEEDCAST_KAFKA_OAUTH_SCOPE" in by_broker.remedy


@dataclass
class Worker:
    client: str
    secret: Path
    port: int
    process: ForkedProcess

    @property
    def missing(self) -> list[str] | None:
        return missing(self.port)


@pytest.fixture
def workers(
    cluster: Cluster, everything: Settings, seedcast: Spawn, tmp_path: Path
) -> Iterator[list[Worker]]:
    """A worker of each kind, with tokens that live for 16 seconds, and their secrets in files."""
    cluster.endpoint.life = 16.0
    made = []
    prefix = everything.kafka.prefix
    for command, role in WORKERS.items():
        client, file = f"{prefix}-{command}", tmp_path / command
        cluster.add(client, role, prefix)
        file.write_text(cluster.endpoint.secrets[client])
        kafka = cluster.settings(
            client, prefix=prefix, sasl_password=SecretStr(""), sasl_password_file=str(file)
        )
        [port] = processes.free_ports(0)
        process = seedcast(
            ["run", command],
            everything.model_copy(update={"kafka": kafka}),
            SEEDCAST_METRICS_PORT=str(port),
            SEEDCAST_GPU_VOICE_LOCK="off",
            SEEDCAST_POSTPROCESS_DIGEST_KEY="a key of this test",
        )
        made.append(Worker(client, file, port, process))
    wait_until_ready(made)
    yield made
    cluster.endpoint.life = 300.0
    assert {terminate(worker.process) for worker in made} == {0}


def wait_until_ready(workers: list[Worker]) -> None:
    for worker in workers:
        eventually(lambda w=worker: w.missing == [], what=f"a ready {worker.client}")


def speak(settings: Settings, campaign: str) -> None:
    submit_requests(settings, ROWS, SubmitOptions(campaign=campaign, id_column="id"))
    wait_until_spoken(settings, campaign)


def wait_until_spoken(settings: Settings, campaign: str) -> None:
    assert wait(settings, campaign, ids_reader(settings.s3)).succeeded == len(ROWS)


def test_a_list_goes_through_while_tokens_expire_and_the_secret_is_rotated(
    cluster: Cluster, everything: Settings, workers: list[Worker]
) -> None:
    endpoint = cluster.endpoint
    speak(everything, "before")
    asked = endpoint.granted()
    eventually(lambda: endpoint.granted() >= asked + 4, what="renewed tokens")
    speak(everything, "renewed")
    for worker in workers:
        endpoint.secrets[worker.client] = "rotated"
    for worker in workers:
        eventually(lambda w=worker: "access" in (w.missing or ()), what="a refusal")
    for worker in workers:
        worker.secret.write_text("rotated\n")
    wait_until_ready(workers)
    speak(everything, "rotated")


def test_workers_wait_for_a_token_endpoint_that_is_away(
    cluster: Cluster, everything: Settings, workers: list[Worker]
) -> None:
    speak(everything, "before")
    cluster.endpoint.status = 503
    eventually(lambda: cluster.endpoint.all_have_expired, what="the end of every token")
    submit_requests(everything, ROWS, SubmitOptions(campaign="away", id_column="id"))
    assert all(worker.process.poll() is None for worker in workers)
    cluster.endpoint.status = 200
    wait_until_spoken(everything, "away")
    wait_until_ready(workers)


def test_a_start_without_a_token_exits_and_names_address_and_setting(
    cluster: Cluster, everything: Settings, seedcast: Spawn, tmp_path: Path
) -> None:
    [closed] = processes.free_ports(0)
    url = f"http://{HOST}:{closed}/token"
    for number, (changes, told) in enumerate(
        (
            ({"sasl_password": SecretStr("wrong")}, cluster.endpoint.url),
            ({"oauth_token_url": url, "start_timeout": 1.0}, url),
        )
    ):
        kafka = cluster.settings("nobody", prefix=everything.kafka.prefix, **changes)
        worker = seedcast(["run", "gpu-consumer"], everything.model_copy(update={"kafka": kafka}))
        assert worker.wait(60) == 3
        log = (tmp_path / f"process-{number}.log").read_text()
        assert told in log
        assert "SEEDCAST_KAFKA_OAUTH_TOKEN_URL" in log
