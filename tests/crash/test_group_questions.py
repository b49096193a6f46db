"""The connection breaks in the moment in which a process asks about a consumer group.

The process waits it out. librdkafka would end one that asks by AdminClient (librdkafka#4605).
"""

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from seedcast.kafka import Admin, GroupOffsets
from seedcast.retry import retry
from seedcast.schemas.rights import AUDITOR, GPU_CONSUMER, POSTPROCESSOR, SUBSCRIBER, Role
from seedcast.schemas.topics import AUDIO, POSTPROCESS
from seedcast.settings import KafkaSettings, Settings
from tests.builders.processes import ForkedProcess
from tests.builders.waiting import eventually
from tests.crash.cluster import Cluster
from tests.crash.proxy import Fault

pytestmark = [pytest.mark.integration, pytest.mark.slow]

# Kafka's requests by their numbers; the first begins every question about a group.
FIND_COORDINATOR, OFFSET_FETCH, OFFSET_COMMIT, LIST_OFFSETS = 10, 9, 8, 2
TIMEOUT = 1.0  # seconds for one question
OUTAGE = 2.5  # seconds: each question in it runs into its time-out
BREAKS = 2  # of the connection, one after the other


def require(role: Role) -> "Question":
    return lambda settings: partial(Admin(settings).require, role)


Question = Callable[[Settings], Callable[[], object]]
QUESTIONS: dict[str, Question] = {
    **{role.name: require(role) for role in (GPU_CONSUMER, POSTPROCESSOR, SUBSCRIBER, AUDITOR)},
    "unread": lambda settings: partial(
        GroupOffsets(settings).unread, settings.group(POSTPROCESS.name), [settings.topic(AUDIO)]
    ),
}
BROKEN = [
    *((question, FIND_COORDINATOR) for question in QUESTIONS),
    (GPU_CONSUMER.name, OFFSET_FETCH),
    (GPU_CONSUMER.name, OFFSET_COMMIT),
    ("unread", LIST_OFFSETS),
]


def ask(question: str, settings: Settings) -> None:
    Admin(settings).cluster_id()
    retry(QUESTIONS[question](settings), seconds=60)
    time.sleep(1)  # long enough for what a question that was given up may still do


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    started = Cluster(tmp_path_factory.mktemp("single"))
    try:
        started.start()
        kafka = KafkaSettings(bootstrap=started.direct, prefix="night", partitions=2)
        eventually(lambda: Admin(Settings(kafka=kafka)).ensure_topics() is not None, what="topics")
        yield started
    finally:
        started.close()


@pytest.mark.parametrize(("question", "request_number"), BROKEN)
def test_a_process_lives_whose_connection_breaks_while_it_asks_about_a_group(
    cluster: Cluster, question: str, request_number: int, tmp_path: Path
) -> None:
    kafka = KafkaSettings(
        bootstrap=cluster.proxied, prefix="night", partitions=2, start_timeout=TIMEOUT
    )
    [node] = cluster.nodes
    node.proxy.fail(Fault(cut_at=request_number))
    process = ForkedProcess(ask, question, Settings(home=tmp_path, kafka=kafka))
    for number in range(BREAKS):
        eventually(lambda: node.proxy.is_cut or process.poll() is not None, what="the question")
        time.sleep(OUTAGE)  # the fault itself
        node.proxy.fail(Fault(cut_at=request_number if number + 1 < BREAKS else None))
    assert process.wait(60) == 0
