"""What is fed before it is spoken, on a real Kafka: bounded, rebuilt by the next feeder, freed."""

import random
import signal
import time
from collections import Counter
from collections.abc import Iterator, Mapping

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition

from seedcast import metrics
from seedcast.campaigns import campaign_state
from seedcast.campaigns.campaign_topic import change_campaign
from seedcast.campaigns.cursor_topic import read_cursors
from seedcast.campaigns.subscription import read_results
from seedcast.codec import decode_request, decode_result, decode_synthesis
from seedcast.kafka import GroupOffsets, TopicReader, client_config
from seedcast.kafka.admin_client import AdminClient
from seedcast.producers.feeder import lost_rows
from seedcast.producers.feeder.outcomes import Outcomes
from seedcast.producers.request_topics import RequestTopics
from seedcast.producers.staging.options import SubmitOptions
from seedcast.producers.staging.submit import submit_requests
from seedcast.schemas.messages import RawAudio
from seedcast.schemas.topics import (
    AUDIO,
    FEEDERS,
    GPU_CONSUMERS,
    POSTPROCESS,
    REQUESTS,
    RESULTS,
    TOPICS,
    Topic,
)
from seedcast.settings import Settings
from seedcast.storage.audit import audit
from seedcast.storage.s3 import S3Store
from tests.builders.answering import answering
from tests.builders.deployments import Spawn, ready, with_short_session
from tests.builders.feeding import feed, wait
from tests.builders.processes import ForkedProcess
from tests.builders.topics import delete, send
from tests.builders.waiting import eventually
from tests.crash import memberships
from tests.crash.proxy import Fault, Proxy

pytestmark = pytest.mark.integration

FEEDER, GPU, WORKERS = ["run", "feeder"], ["run", "gpu-consumer"], ("gpu-consumer", "postprocess")
PARTITIONS = 4
IDLE = 64 * PARTITIONS  # rows that are fed without workers
SHORT = {"SEEDCAST_FEEDER_AHEAD": "1"}
FEW = {"SEEDCAST_GPU_SLOTS": "2", "SEEDCAST_GPU_VOICE_LOCK": "off"}
# A store behind a proxy is no embedded one: it wants a key.
ONE_BY_ONE = {"SEEDCAST_POSTPROCESS_BATCH": "1", "SEEDCAST_POSTPROCESS_DIGEST_KEY": "of this test"}
MOST_AHEAD = 40  # rows of two slots, a second of what they finish, and what these tests see late
KILLS, ROWS = 20, 840
MARGIN = 5.0  # seconds besides the feed-ahead until a pause has its effect


def submit(settings: Settings, campaign: str, count: int) -> None:
    rows = [
        {"id": f"n-{n}", "text": f"Message number {n}, thank you.", "voice": str(n % 16)}
        for n in range(count)
    ]
    options = SubmitOptions(campaign=campaign, id_column="id", profiles=("wav",), spread=0)
    assert submit_requests(settings, rows, options).accepted == count


class Flow:
    """Counts what came onto the topics of requests and results."""

    def __init__(self, settings: Settings) -> None:
        self._requests = TopicReader(settings, settings.topic(REQUESTS))
        self._results = TopicReader(settings, settings.topic(RESULTS))
        self.fed, self.ended = Counter[str](), Counter[str]()  # records by request id
        self.delivered = Counter[str | None]()  # first results with audio, by campaign

    def look(self) -> "Flow":
        for record in self._results.poll(0.05):
            result = decode_result(record.value)
            first = not self.ended[result.request_id]
            self.ended[result.request_id] += 1
            self.delivered[result.campaign_id] += first and result.status == "succeeded"
        for record in self._requests.poll(0.05):
            self.fed[decode_request(record.value).request_id] += 1
        return self

    @property
    def ahead(self) -> int:
        """Rows that are fed and have no result. Results are read first: rather too many."""
        self.look()
        return len(self.fed.keys() - self.ended.keys())


def start_workers(settings: Settings, seedcast: Spawn) -> None:
    for kind in WORKERS:
        seedcast(["run", kind], settings, **FEW)
    for kind in WORKERS:
        eventually(lambda kind=kind: ready(settings, kind), what=f"the {kind}")


def test_five_thousand_rows_are_never_more_than_the_idle_depth_ahead(
    settings: Settings, seedcast: Spawn
) -> None:
    submit(settings, "night", 5000)
    seedcast(FEEDER, settings, **SHORT)
    flow, most = Flow(settings), 0
    eventually(lambda: flow.ahead == IDLE, what="the depth without workers")
    with answering(settings):
        while len(flow.ended) < 5000:
            most = max(most, flow.ahead)
            assert most <= 2 * IDLE, "the readers of this test may lag behind by one depth"
    assert flow.fed.total() == len(flow.fed) == 5000


@pytest.mark.slow
def test_what_is_spoken_is_fed_a_second_ahead(settings: Settings, seedcast: Spawn) -> None:
    start_workers(settings, seedcast)
    seedcast(FEEDER, settings, **SHORT)
    submit(settings, "night", 400)
    flow, most = Flow(settings), 0
    while len(flow.ended) < 400:
        most = max(most, flow.ahead)
    assert 0 < most < 200, most
    assert wait(settings, "night").succeeded == 400
    report = audit(settings, "night", S3Store(settings.s3))
    assert report.ok, report


def test_the_next_feeder_rebuilds_what_is_ahead_and_feeds_nothing_on_top(
    settings: Settings, seedcast: Spawn
) -> None:
    """No group has committed anything yet, and the log begins later than at 0."""
    submit(settings, "before", 40)
    feed(settings)
    assert delete(settings, REQUESTS) == 40
    submit(settings, "night", 3000)
    first = seedcast(FEEDER, settings, SEEDCAST_FAILPOINT=f"feeder.acknowledged:{IDLE}")
    assert first.wait(120) == -signal.SIGKILL, "before a cursor says what it has fed"
    memberships.end_all(settings.kafka.bootstrap, settings.group(FEEDERS.name))
    submit(settings, "later", 10)
    seedcast(FEEDER, settings)
    eventually(lambda: (term := read_cursors(settings).term) and term.generation == 3)
    flow = Flow(settings)
    began = time.monotonic()
    while time.monotonic() - began < 5:
        assert flow.ahead <= IDLE
    assert flow.fed.total() == IDLE
    with answering(settings):
        eventually(lambda: len(flow.look().fed) == 3010, what="all rows")
    assert flow.fed.total() == 3010, "nothing was fed twice"


def wait_for_leaders(settings: Settings) -> None:
    """Topics that are new have none for a moment."""
    names = [settings.topic(topic) for topic in TOPICS]
    eventually(lambda: GroupOffsets(settings).bounds(names), what="leaders of the topics")


def commit_by_hand(settings: Settings, group: str, topic: Topic) -> None:
    """Let a group pass everything that its topic has, as if a worker had lost it."""
    bounds = GroupOffsets(settings).bounds([settings.topic(topic)])
    ends = [TopicPartition(p.topic, p.number, end) for p, (_, end) in bounds.items()]
    client, name = AdminClient(client_config.client(settings.kafka)), settings.group(group)
    offsets = ConsumerGroupTopicPartitions(name, ends)
    client.alter_consumer_group_offsets([offsets])[name].result(60)


def lost() -> float:
    return metrics.ROWS_WITHOUT_RESULT._value.get()


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_row_that_both_groups_have_passed_without_a_result_frees_its_place_once(
    settings: Settings,
) -> None:
    wait_for_leaders(settings)
    submit(settings, "night", 10)
    feed(settings)
    send(settings, AUDIO, [(b"another", b"unread")])
    partitions = dict.fromkeys(map(settings.topic, (REQUESTS, AUDIO)), PARTITIONS)
    topics = RequestTopics(settings, partitions, 0)
    clock, before = Clock(), lost()
    with Outcomes(settings, 30.0, clock) as outcomes:
        assert outcomes.rebuild(lambda _: topics, lambda: True)

        def look() -> int:
            for _ in range(4):
                clock.now += lost_rows.PAUSE
                outcomes.forget_lost()
            return len(outcomes.depth)

        clock.now += lost_rows.OLD
        assert look() == 10, "they may be in a slot"
        assert outcomes.rendering() == {}
        assert outcomes.rendering() is None, "that was a moment ago"
        commit_by_hand(settings, GPU_CONSUMERS.name, REQUESTS)
        assert look() == 10, "they may be audio that waits"
        assert outcomes.rendering() == {"night": 10}
        commit_by_hand(settings, POSTPROCESS.name, AUDIO)
        assert look() == 0
        assert outcomes.rendering() == {}
        assert look() == 0
    assert lost() == before + 10


def test_audio_that_was_passed_without_a_result_frees_its_place(settings: Settings) -> None:
    """A feeder that takes over finds it on the audio topic only."""
    wait_for_leaders(settings)
    clock = Clock()
    send(settings, AUDIO, [(b"some", b"audio")])
    bounds = GroupOffsets(settings).bounds([settings.topic(AUDIO)])
    where = next(partition for partition, (_, end) in bounds.items() if end)
    lost = lost_rows.LostRows(settings, clock)
    lost.fed("row", where, 0)
    clock.now += lost_rows.OLD

    def look() -> list[str]:
        found = []
        for _ in range(4):
            clock.now += lost_rows.PAUSE
            found += lost.look()
        return found

    assert look() == []
    commit_by_hand(settings, POSTPROCESS.name, AUDIO)
    assert look() == ["row"]
    assert look() == []


@pytest.mark.slow
def test_a_pause_and_a_cancellation_take_effect_within_the_feed_ahead(
    settings: Settings, seedcast: Spawn
) -> None:
    start_workers(settings, seedcast)
    seedcast(FEEDER, settings, SEEDCAST_FEEDER_AHEAD="2")
    submit(settings, "night", 3000)
    flow = Flow(settings)
    eventually(lambda: flow.look().delivered["night"] >= 50, what="the first results")
    change_campaign(settings, "night", campaign_state.paused)
    paused = time.monotonic()
    submit(settings, "day", 20)
    while time.monotonic() - paused < 2 + MARGIN:
        flow.look()
    delivered = flow.delivered["night"]
    assert delivered < 2000
    while time.monotonic() - paused < 2 * (2 + MARGIN):
        flow.look()
    assert flow.delivered["night"] == delivered
    assert flow.ahead == 0, "what was fed has ended"
    assert wait(settings, "day").succeeded == 20
    change_campaign(settings, "night", campaign_state.cancelled)
    cancelled = time.monotonic()
    progress = wait(settings, "night")
    print(f"cancelled: {progress.cancelled} rows ended in {time.monotonic() - cancelled:.1f} s")
    assert (progress.finished, progress.succeeded) == (3000, delivered)
    report = audit(settings, "night", S3Store(settings.s3))
    assert report.ok, report


@pytest.fixture
def proxy(settings: Settings) -> Iterator[Proxy]:
    """In front of the object store."""
    proxy = Proxy(int(settings.s3.endpoint.rpartition(":")[2]))
    yield proxy
    proxy.close()


def behind(proxy: Proxy, settings: Settings) -> Settings:
    """Return settings of a worker that stores one object after another, through the proxy."""
    changed = {"endpoint": f"http://127.0.0.1:{proxy.port}", "concurrency": 1}
    return settings.model_copy(update={"s3": settings.s3.model_copy(update=changed)})


def waveforms_waiting(settings: Settings, flow: Flow) -> int:
    """Return how many records of the audio topic have no result: rather too few."""
    bounds = GroupOffsets(settings).bounds([settings.topic(AUDIO)])
    return sum(end for _, end in bounds.values()) - len(flow.look().ended)


def spoken_and_cancelled(settings: Settings) -> set[str]:
    """Return the requests that have a waveform and ended as cancelled."""
    with TopicReader(settings, settings.topic(AUDIO)) as reader:
        records = [decode_synthesis(record.value) for record in reader.to_end()]
    spoken = {each.request.request_id for each in records if isinstance(each, RawAudio)}
    ended = read_results(settings, "night")
    return spoken & {each.request_id for each in ended if each.status == "cancelled"}


@pytest.mark.slow
def test_a_post_processing_that_is_the_bottleneck_bounds_what_waits_for_it(
    settings: Settings, proxy: Proxy, seedcast: Spawn
) -> None:
    """So a pause and a cancellation have their effect after what is ahead, and no more."""
    seedcast(["run", "gpu-consumer"], settings, **FEW)
    seedcast(["run", "postprocess"], behind(proxy, settings), **ONE_BY_ONE)
    seedcast(FEEDER, settings, **SHORT)
    for kind in (*WORKERS, "feeder"):
        eventually(lambda kind=kind: ready(settings, kind), what=f"the {kind}")
    proxy.fail(Fault(delay=0.1))
    submit(settings, "night", 600)
    flow, most = Flow(settings), 0
    while flow.delivered["night"] < 60:
        most = max(most, flow.ahead)
    assert most <= MOST_AHEAD, "of 600 rows"
    eventually(lambda: waveforms_waiting(settings, flow) >= 4, what="waveforms that wait")

    delivered = flow.delivered["night"]
    change_campaign(settings, "night", campaign_state.paused)
    paused = time.monotonic()
    submit(settings, "day", 10)
    assert wait(settings, "day").succeeded == 10, "the feeder has seen the pause"
    eventually(lambda: flow.ahead == 0, what="the end of what was fed")
    print(f"paused: all that was fed has ended after {time.monotonic() - paused:.1f} s")
    assert flow.delivered["night"] - delivered <= MOST_AHEAD
    assert len(flow.fed) == flow.delivered["night"] + 10, "what is fed is delivered"

    change_campaign(settings, "night", campaign_state.resumed)
    eventually(lambda: waveforms_waiting(settings, flow) >= 4, what="waveforms that wait again")
    delivered = flow.delivered["night"]
    change_campaign(settings, "night", campaign_state.cancelled)
    progress = wait(settings, "night")
    assert (progress.finished, progress.cancelled) == (600, 600 - progress.succeeded)
    assert progress.succeeded - delivered <= MOST_AHEAD
    assert spoken_and_cancelled(settings), "waveforms that wait are not delivered any more"
    report = audit(settings, "night", S3Store(settings.s3))
    assert report.ok, report


def active_feeder(settings: Settings, feeders: Mapping[int, ForkedProcess]) -> ForkedProcess | None:
    """Return the one of these processes that says it is the active one."""
    return next((feeders[pid] for pid in ready(settings, "feeder") if pid in feeders), None)


@pytest.mark.slow
def test_the_active_of_two_feeders_killed_twenty_times_loses_nothing_and_repeats_little(
    settings: Settings, seedcast: Spawn
) -> None:
    settings = with_short_session(settings)
    start_workers(settings, seedcast)
    feeders = {each.pid: each for each in (seedcast(FEEDER, settings, **SHORT) for _ in range(2))}
    submit(settings, "night", ROWS)
    flow, chance = Flow(settings), random.Random(20)
    for kill in range(1, KILLS + 1):
        enough = kill * ROWS // (KILLS + 1) + chance.randrange(10)
        eventually(lambda least=enough: len(flow.look().fed) >= least, what="more rows")
        eventually(lambda: active_feeder(settings, feeders), what="an active feeder")
        killed = active_feeder(settings, feeders)
        assert killed
        del feeders[killed.pid]
        killed.kill()
        killed.wait()
        assert len(flow.look().fed) < ROWS, "it was killed while it fed"
        replacement = seedcast(FEEDER, settings, **SHORT)
        feeders[replacement.pid] = replacement
    assert wait(settings, "night").succeeded == ROWS
    term = read_cursors(settings).term
    assert term
    assert term.generation > KILLS
    report = audit(settings, "night", S3Store(settings.s3))
    assert report.ok, report
    flow.look()
    print(f"fed {flow.fed.total()} records, {flow.ended.total()} results of {ROWS} rows")
    # The topics tell what a killed feeder has fed after its last checkpoint.
    assert flow.fed.total() - ROWS <= 2 * KILLS
