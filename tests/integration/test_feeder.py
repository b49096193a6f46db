"""Feeders on a real Kafka and a real S3: killed, stopped, told to leave, and cut off."""

import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from seedcast.campaigns import campaign_state
from seedcast.campaigns.campaign_topic import (
    Campaigns,
    announce,
    change_campaign,
    read_campaigns,
)
from seedcast.campaigns.cursor_topic import TERM_KEY, read_cursors, write_feeder_records
from seedcast.codec import decode_feeder_record, decode_request
from seedcast.embedded import Stack
from seedcast.kafka import Producer, TopicReader
from seedcast.producers.feeder.feeding import CHUNK
from seedcast.producers.feeder.term import Term, begin_term
from seedcast.producers.staging.options import SubmitOptions
from seedcast.producers.staging.submit import submit_requests
from seedcast.schemas.messages import Cursor, FeederTerm
from seedcast.schemas.topics import (
    CAMPAIGNS,
    CURSORS,
    FEEDERS,
    REQUESTS,
    REQUESTS_URGENT,
    Topic,
)
from seedcast.settings import Settings
from seedcast.storage.audit import audit
from seedcast.storage.s3 import S3Store
from seedcast.storage.staged_lists import folder, part_name, read_ids
from tests.builders.answering import answering
from tests.builders.deployments import Spawn, fresh, run, with_short_session
from tests.builders.feeding import feed, wait
from tests.builders.processes import ForkedProcess
from tests.builders.topics import compact, producer
from tests.builders.waiting import eventually, terminate, terminate_at_failpoint, wait_until_stopped
from tests.crash import memberships
from tests.crash.proxy import Fault, Proxy

pytestmark = pytest.mark.integration

RUN, ONCE = ["run", "feeder"], ["run", "feeder", "--once"]
CHUNKS = 3
ROWS = CHUNKS * CHUNK
IDLE = 64 * 4  # rows that are fed without workers: on each partition
AT = "SEEDCAST_FAILPOINT"
# The watchdog of a stopped feeder counts the time of the stop, too.
PATIENT = {"SEEDCAST_FEEDER_WATCHDOG": "3600"}
LEAVING = 25.0  # seconds from SIGTERM to the exit while the broker is away, on a busy machine
MARGIN = 15.0  # seconds that a busy machine needs, besides the end of a session


def submit(settings: Settings, campaign: str = "night", count: int = ROWS) -> None:
    rows = [
        {"id": f"n-{n}", "text": f"Message number {n}.", "voice": str(n % 4)} for n in range(count)
    ]
    options = SubmitOptions(campaign=campaign, id_column="id", profiles=("wav",))
    assert submit_requests(settings, rows, options).accepted == count


def on_topics(settings: Settings) -> Counter[str]:
    """Count the records of each request id."""
    ids = Counter[str]()
    for topic in (REQUESTS, REQUESTS_URGENT):
        with TopicReader(settings, settings.topic(topic)) as reader:
            ids.update(decode_request(record.value).request_id for record in reader.to_end())
    return ids


def listed(settings: Settings, campaign: str = "night") -> set[str]:
    record = read_campaigns(settings)[campaign]
    return {request_id for _, request_id in read_ids(S3Store(settings.s3), record)}


def cursors(settings: Settings, campaign: str = "night") -> Iterator[Cursor]:
    """Every cursor that was written of a campaign, in their order."""
    with TopicReader(settings, settings.topic(CURSORS)) as reader:
        for record in reader.to_end():
            message = decode_feeder_record(record.value)
            if isinstance(message, Cursor) and message.campaign_id == campaign:
                yield message


def is_fed(settings: Settings, campaign: str = "night") -> bool:
    cursor = read_cursors(settings).records.get(campaign)
    accepted = read_campaigns(settings)[campaign].accepted
    return cursor is not None and (cursor.fed, cursor.unfed) == (accepted, ())


def assert_fed(settings: Settings, most_repeats: int) -> None:
    fed = on_topics(settings)
    assert fed.keys() == listed(settings)
    assert max(fed.values()) <= 2
    assert fed.total() - ROWS <= most_repeats


def end_memberships(settings: Settings) -> None:
    """Do at once what the end of a dead feeder's session does."""
    memberships.end_all(settings.kafka.bootstrap, settings.group(FEEDERS.name))


# A cursor is written at once, and the next one a second later.
@pytest.mark.sample(1)
@pytest.mark.parametrize(
    ("edge", "most_repeats"),
    [
        ("feeder.sent:2", 2 * CHUNK),
        (f"feeder.acknowledged:{ROWS // 2}", ROWS // 2 + CHUNK),
        pytest.param("feeder.read:1", 0, marks=pytest.mark.slow),
        pytest.param("feeder.acknowledged:1", CHUNK, marks=pytest.mark.slow),
        pytest.param("feeder.checkpointed:1", 2 * CHUNK, marks=pytest.mark.slow),
    ],
)
def test_a_feeder_killed_at_an_edge_loses_nothing_and_repeats_what_no_cursor_says(
    settings: Settings, seedcast: Spawn, edge: str, most_repeats: int
) -> None:
    submit(settings)
    killed = seedcast(ONCE, settings, **{AT: edge})
    assert killed.wait(120) == -signal.SIGKILL
    end_memberships(settings)
    feed(settings)
    assert_fed(settings, most_repeats)
    assert is_fed(settings)


def test_what_a_killed_feeder_has_fed_twice_ends_once(settings: Settings, seedcast: Spawn) -> None:
    submit(settings, count=40)
    killed = seedcast(RUN, settings, **{AT: "feeder.acknowledged:40"})
    assert killed.wait(120) == -signal.SIGKILL
    end_memberships(settings)
    feed(settings)
    assert 40 < on_topics(settings).total() <= 80
    for kind in ("gpu-consumer", "postprocess"):
        seedcast(["run", kind], settings)
    assert wait(settings, "night").succeeded == 40
    report = audit(settings, "night", S3Store(settings.s3))
    assert report.ok, report


def test_of_two_feeders_one_feeds_and_the_other_takes_over_when_it_is_killed(
    settings: Settings, seedcast: Spawn
) -> None:
    settings = with_short_session(settings)
    first = seedcast(RUN, settings, **{AT: f"feeder.acknowledged:{ROWS + CHUNK}:stop"}, **PATIENT)
    eventually(lambda: read_cursors(settings).term, what="the first term")
    seedcast(RUN, settings)
    submit(settings)
    with answering(settings):
        eventually(lambda: is_fed(settings), what="the first list")
        assert_fed(settings, 0)
        assert read_cursors(settings).term == first_term(settings), "the second one fed, too"
        submit(settings, "day")
        wait_until_stopped(first)
        first.kill()
        began = time.monotonic()
        eventually(lambda: is_fed(settings, "day"), what="the second list")
    assert time.monotonic() - began < settings.kafka.session_timeout + MARGIN
    fed = on_topics(settings)
    assert fed.keys() == listed(settings) | listed(settings, "day")
    assert fed.total() <= 2 * ROWS + 2 * CHUNK


def first_term(settings: Settings) -> FeederTerm:
    with TopicReader(settings, settings.topic(CURSORS)) as reader:
        messages = [decode_feeder_record(record.value) for record in reader.to_end()]
    return next(message for message in messages if isinstance(message, FeederTerm))


def test_the_late_checkpoint_of_a_feeder_stopped_beyond_its_session_changes_nothing(
    settings: Settings, seedcast: Spawn
) -> None:
    settings = with_short_session(settings)
    submit(settings)
    with answering(settings):
        zombie = seedcast(RUN, settings, **{AT: f"feeder.acknowledged:{CHUNK}:stop"}, **PATIENT)
        wait_until_stopped(zombie)
        peer = seedcast(RUN, settings)
        eventually(lambda: is_fed(settings), what="the peer to feed the list")
    zombie.send_signal(signal.SIGCONT)

    def wrote_late() -> bool:
        written = [cursor.generation for cursor in cursors(settings)]
        return 1 in written[written.index(2) :]

    eventually(wrote_late, what="the zombie's checkpoint")

    def is_written_again() -> bool:
        latest = list(cursors(settings))[-1]  # which is all that compaction keeps
        return (latest.generation, latest.fed, latest.unfed) == (2, ROWS, ())

    eventually(is_written_again, what="the right cursor, written again")
    assert_fed(settings, 2 * CHUNK)  # some of them by the zombie, before it knows
    assert [terminate(process) for process in (zombie, peer)] == [0, 0]


def test_a_feeder_told_to_leave_waits_for_its_rows_and_writes_its_cursor(
    settings: Settings, seedcast: Spawn
) -> None:
    submit(settings)
    feeder = seedcast(ONCE, settings, **{AT: "feeder.sent:2:stop"})
    assert terminate_at_failpoint(feeder) == 0
    cursor = read_cursors(settings).records["night"]
    assert cursor.fed - len(cursor.unfed) == on_topics(settings).total() == 2 * CHUNK
    feed(settings)
    assert_fed(settings, 0)


def stopped_without_its_broker(
    stack: Stack, seedcast: Spawn, arguments: list[str]
) -> tuple[ForkedProcess, Settings]:
    """Return a feeder that is feeding when the broker goes away."""
    settings = fresh(stack)
    submit(settings)
    feeder = seedcast(arguments, settings, **{AT: f"feeder.read:{IDLE // 2}:stop"}, **PATIENT)
    wait_until_stopped(feeder)
    stack.kill("kafka")
    feeder.send_signal(signal.SIGCONT)
    return feeder, settings


@pytest.mark.slow
def test_a_feeder_waits_for_a_broker_that_goes_away(
    stoppable_stack: Stack, seedcast: Spawn
) -> None:
    feeder, settings = stopped_without_its_broker(stoppable_stack, seedcast, RUN)
    stoppable_stack.start_broker()
    with answering(settings):
        eventually(lambda: is_fed(settings), what="the list")
    assert feeder.poll() is None
    assert_fed(settings, CHUNK)
    assert terminate(feeder) == 0


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [RUN, ONCE])
def test_a_feeder_told_to_leave_does_not_wait_for_its_broker(
    stoppable_stack: Stack, seedcast: Spawn, arguments: list[str]
) -> None:
    feeder, settings = stopped_without_its_broker(stoppable_stack, seedcast, arguments)
    began = time.monotonic()
    assert terminate(feeder) == 0
    assert time.monotonic() - began < LEAVING
    stoppable_stack.start_broker()
    feed(settings)
    assert_fed(settings, 2 * CHUNK)


@pytest.mark.slow
def test_a_feeder_waits_for_a_store_that_goes_away(
    settings: Settings, seedcast: Spawn, tmp_path: Path
) -> None:
    proxy = Proxy(int(settings.s3.endpoint.rpartition(":")[2]))
    behind = {"endpoint": f"http://127.0.0.1:{proxy.port}", "connect_timeout": 1.0, "retries": 0}
    s3 = settings.s3.model_copy(update=behind)
    feeder = seedcast(RUN, settings.model_copy(update={"s3": s3}))
    log = tmp_path / "process-0.log"
    eventually(lambda: "feeder_active" in log.read_text(), what="its term")
    proxy.fail(Fault(cut=True))
    submit(settings)
    eventually(lambda: '"boundary": "feed"' in log.read_text(), what="the log of the outage")
    assert on_topics(settings).total() == 0
    proxy.heal()
    with answering(settings):
        eventually(lambda: is_fed(settings), what="the list")
    assert_fed(settings, 0)
    assert terminate(feeder) == 0
    proxy.close()


@pytest.mark.slow
def test_the_command_ends_when_the_active_feeder_has_fed_everything(
    settings: Settings, seedcast: Spawn
) -> None:
    seedcast(RUN, settings)
    eventually(lambda: read_cursors(settings).term, what="its term")
    submit(settings)
    with answering(settings):
        assert run(settings, *ONCE).returncode == 0
    assert is_fed(settings)
    assert_fed(settings, 0)


def test_the_command_feeds_once_what_can_be_fed_and_says_in_the_cursor_what_cannot(
    settings: Settings,
) -> None:
    submit(settings, "damaged", 10)
    submit(settings, "whole", 10)
    store, staged = S3Store(settings.s3), read_campaigns(settings)["damaged"].staged
    assert staged
    key = folder("damaged", staged.staging) + part_name(0)
    part = store.get(store.uri(key))
    store.delete(store.uri(key))
    done = run(settings, *ONCE)
    assert done.returncode == 0, done.stderr
    assert on_topics(settings).keys() == listed(settings, "whole")
    assert store.uri(key) in str(read_cursors(settings).records["damaged"].held)
    store.put(key, part, "application/octet-stream")
    assert run(settings, *ONCE).returncode == 0
    assert on_topics(settings).total() == 20
    assert read_cursors(settings).records["damaged"].held is None


def records_on(settings: Settings, topic: Topic) -> Counter[bytes | None]:
    """Count the records of each key."""
    with TopicReader(settings, settings.topic(topic)) as reader:
        return Counter(record.key for record in reader.to_end())


@pytest.mark.slow
def test_what_compaction_leaves_is_enough_for_the_next_feeder(settings: Settings) -> None:
    """Of each campaign and each cursor the latest record, besides those of the last moment."""
    submit(settings, "fed", 10)
    submit(settings, "night", 20)
    change_campaign(settings, "night", campaign_state.paused)
    feed(settings)
    for topic in (CAMPAIGNS, CURSORS):
        compact(settings, topic)

    def is_compacted() -> bool:
        """Each change begins a segment; only those before it are compacted."""
        weight = 1.0 + read_campaigns(settings)["night"].weight
        change_campaign(settings, "night", lambda record: replace(record, weight=weight))
        feed(settings)
        term = read_cursors(settings).term
        assert term
        written = {CAMPAIGNS: (b"night", int(weight)), CURSORS: (TERM_KEY, term.generation)}
        return all(records_on(settings, t)[key] < least for t, (key, least) in written.items())

    eventually(is_compacted, what="compaction of both topics")
    change_campaign(settings, "night", campaign_state.resumed)
    feed(settings)
    fed = on_topics(settings)
    assert fed.keys() == listed(settings, "fed") | listed(settings)
    assert fed.total() == 30, "nothing is fed twice"


class LateProducer(Producer):
    """Another feeder's claim reaches the topic just before ours."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._settings = settings
        self.theirs: list[FeederTerm] = [FeederTerm(generation=1, feeder="theirs")]

    def send(self, topic: str, **named: Any) -> None:
        while self.theirs:
            write_feeder_records(producer(self._settings), self._settings, [self.theirs.pop()])
        super().send(topic, **named)


def is_over(term: Term) -> bool:
    term.cursors.poll(0.1)
    return term.is_over


def test_a_generation_is_claimed_by_one_feeder(settings: Settings) -> None:
    """Another one that claims it a moment later takes the next."""
    term = begin_term(settings, LateProducer(settings), lambda: True)
    assert term
    with term:
        assert term.generation == 2
        assert not term.is_over
        later = begin_term(settings, producer(settings), lambda: True)
        assert later
        with later:
            eventually(lambda: is_over(term), what="the end of the term")
            assert not later.is_over


def test_the_record_of_a_submission_that_came_second_is_written_over(
    settings: Settings, seedcast: Spawn
) -> None:
    """Compaction keeps only the latest record of a campaign: it must be that of its list."""
    submit(settings, count=10)
    first = read_campaigns(settings)["night"]
    submit(settings, "other", 20)
    other = read_campaigns(settings)["other"]
    announce(producer(settings), settings, replace(other, campaign_id="night"))
    feeder = seedcast(RUN, settings)

    def is_mended() -> bool:
        with Campaigns(settings) as campaigns:
            campaigns.catch_up()
            return not campaigns.disputed

    eventually(is_mended, what="the first record, written again")
    assert read_campaigns(settings)["night"] == first
    eventually(lambda: is_fed(settings) and is_fed(settings, "other"), what="both lists")
    assert on_topics(settings).total() == 30
    assert terminate(feeder) == 0
