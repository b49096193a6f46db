"""The GPU consumer on a real Kafka.

Every request gets its audio through crashes, rebalances and SIGTERM.
"""

import os
import signal
import socket
import time
from base64 import b64encode
from collections import Counter, defaultdict
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import chain

import pytest
from confluent_kafka import Consumer, TopicPartition
from msgspec.structs import replace

from seedcast.codec import decode_synthesis, encode_json
from seedcast.gpu_consumers.assignments import Assignments, Callbacks
from seedcast.gpu_consumers.owned_partitions import Assignment
from seedcast.kafka import Admin, GroupOffsets, Record, TopicReader, client_config
from seedcast.kafka.admin_client import AdminClient
from seedcast.schemas.messages import RawAudio, Rejected
from seedcast.schemas.topics import (
    AUDIO,
    AUDIO_URGENT,
    DEAD_LETTERS,
    GPU_CONSUMERS,
    MIB,
    REQUESTS,
    REQUESTS_URGENT,
    Topic,
)
from seedcast.settings import Settings
from seedcast.storage import dead_letters
from seedcast.storage.s3 import S3Store
from tests.builders.deployments import Spawn, with_short_session
from tests.builders.requests import as_records, numbered
from tests.builders.topics import lag, read, send
from tests.builders.waiting import eventually, terminate, terminate_at_failpoint, wait_until_stopped

pytestmark = pytest.mark.integration

RUN = ["run", "gpu-consumer"]


def committed_offsets(settings: Settings, group: str) -> list[int | None]:
    """Return the committed offset of each partition, in order of topic and number."""
    committed = GroupOffsets(settings).committed(settings.group(group))
    return [each.offset for _, each in sorted(committed.items())]


def test_each_record_ends_as_audio_rejection_or_dead_letter(
    settings: Settings, seedcast: Spawn
) -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)
    send(settings, REQUESTS, as_records(numbered(n) for n in range(20)), in_turn=True)
    wrong = [
        encode_json(numbered(100, deadline=past)),
        b'{"request_id": "request-00101"}',
        b"\xff not JSON",
        encode_json(numbered(102, profiles=("no-such",))),
    ]
    send(settings, REQUESTS, [(b"7", value) for value in wrong], in_turn=True)
    worker = seedcast(RUN, settings)
    eventually(lambda: len(read(settings, AUDIO)) == 23, what="23 outcomes")
    assert terminate(worker) == 0
    outcomes = {
        key: decode_synthesis(records[0].value) for key, records in read(settings, AUDIO).items()
    }
    assert sum(isinstance(outcome, RawAudio) for outcome in outcomes.values()) == 20
    rejected = {
        key: (outcome.status, outcome.error.code)
        for key, outcome in outcomes.items()
        if isinstance(outcome, Rejected)
    }
    assert rejected == {
        "request-00100": ("expired", "expired"),
        "request-00101": ("failed", "invalid_request"),
        "request-00102": ("failed", "unknown_profile"),
    }
    with TopicReader(settings, settings.topic(DEAD_LETTERS)) as reader:
        (letter,) = [dead_letters.parse(record) for record in reader.to_end()]
    assert (letter.value, letter.topic) == (b"\xff not JSON", settings.topic(REQUESTS))
    assert lag(settings, GPU_CONSUMERS.name) == 0


def test_a_text_that_fits_no_record_fails_and_the_others_are_spoken(
    settings: Settings, seedcast: Spawn
) -> None:
    """With 1 MiB, which every cluster takes: 22 s of speech, and metadata of at most a record."""
    kafka = settings.kafka.model_copy(
        update={"prefix": settings.kafka.prefix + "s", "max_record_bytes": MIB}
    )
    settings = settings.model_copy(update={"kafka": kafka})
    Admin(settings).ensure_topics()
    note = b64encode(os.urandom(750 * 1024)).decode()  # lz4 hardly makes it smaller
    requests = [
        numbered(0),
        replace(numbered(1), text="A long word. " * 200),
        numbered(2, metadata={"note": note}),
        numbered(3),
    ]
    for priority, topic in (("normal", REQUESTS), ("urgent", REQUESTS_URGENT)):
        own = [replace(r, request_id=f"{r.request_id}-{priority}") for r in requests]
        send(settings, topic, as_records(own))
    worker = seedcast(RUN, settings)
    eventually(
        lambda: len(read(settings, AUDIO) | read(settings, AUDIO_URGENT)) == 8, what="8 outcomes"
    )
    assert terminate(worker) == 0
    for priority, topic in (("normal", AUDIO), ("urgent", AUDIO_URGENT)):
        found = read(settings, topic)
        spoken, long, heavy, last = (
            decode_synthesis(one.value)
            for n in range(4)
            for one in found[f"request-0000{n}-{priority}"]
        )
        assert isinstance(spoken, RawAudio)
        assert isinstance(last, RawAudio)
        assert isinstance(long, Rejected)
        assert (long.status, long.error.code) == ("failed", "text_too_long")
        assert "at most 22 s" in long.error.message
        assert isinstance(heavy, Rejected)
        assert (heavy.status, heavy.error.code) == ("failed", "audio_too_large")
    assert lag(settings, GPU_CONSUMERS.name) == 0


@pytest.mark.slow
def test_kill_9_under_load_loses_nothing_and_repeats_the_same_bytes(
    settings: Settings, seedcast: Spawn
) -> None:
    send(settings, REQUESTS, as_records(numbered(n) for n in range(600)), in_turn=True)
    for killed_after in (50, 250):
        worker = seedcast(RUN, settings, SEEDCAST_GPU_COMMIT_INTERVAL="0.2")
        eventually(
            lambda at=killed_after: len(read(settings, AUDIO)) >= at,
            what=f"{killed_after} outcomes",
        )
        worker.kill()
        worker.wait()
    worker = seedcast(RUN, settings)
    eventually(lambda: len(read(settings, AUDIO)) == 600, timeout=240, what="600 outcomes")
    assert terminate(worker) == 0
    records = read(settings, AUDIO)
    assert all(len({record.value for record in repeats}) == 1 for repeats in records.values())
    # A crash repeats what came after the last commit, not everything.
    assert sum(map(len, records.values())) < 600 + 2 * 300
    assert lag(settings, GPU_CONSUMERS.name) == 0


def test_sigterm_commits_what_is_done_so_that_nothing_is_repeated(
    settings: Settings, seedcast: Spawn
) -> None:
    send(settings, REQUESTS, as_records(numbered(n) for n in range(200)), in_turn=True)
    for _ in range(2):
        worker = seedcast(
            RUN,
            settings,
            SEEDCAST_GPU_COMMIT_INTERVAL="3600",
            SEEDCAST_FAILPOINT="gpu.synthesised:30:stop",
        )
        assert terminate_at_failpoint(worker) == 0
    worker = seedcast(RUN, settings)
    eventually(lambda: len(read(settings, AUDIO)) == 200, timeout=240, what="200 outcomes")
    assert terminate(worker) == 0
    assert sum(map(len, read(settings, AUDIO).values())) == 200


def test_the_survivor_of_two_workers_takes_over_the_partitions_of_the_killed_one(
    settings: Settings, seedcast: Spawn
) -> None:
    settings = with_short_session(settings)
    first, second = seedcast(RUN, settings), seedcast(RUN, settings)
    send(settings, REQUESTS, as_records(numbered(n) for n in range(200)), in_turn=True)
    eventually(lambda: len(read(settings, AUDIO)) > 20, what="some progress")
    first.kill()
    send(settings, REQUESTS, as_records(numbered(n) for n in range(200, 260)), in_turn=True)
    eventually(lambda: len(read(settings, AUDIO)) == 260, timeout=240, what="260 outcomes")
    assert terminate(second) == 0
    assert all(
        len({record.value for record in repeats}) == 1 for repeats in read(settings, AUDIO).values()
    )


def test_workers_share_the_partitions_of_each_topic_evenly(
    settings: Settings, seedcast: Spawn
) -> None:
    """Workers start one after another.

    An assignor that only balances the number of partitions would give the second worker all urgent
    partitions and nothing else.
    """
    settings = with_short_session(settings)
    client, group = (
        AdminClient(client_config.client(settings.kafka)),
        settings.group(GPU_CONSUMERS.name),
    )

    def shares() -> dict[str, list[int]]:
        counts = defaultdict(list)
        for member in client.describe_consumer_groups([group])[group].result(30).members:
            partitions = member.assignment.topic_partitions
            for topic, count in Counter(partition.topic for partition in partitions).items():
                counts[topic].append(count)
        return dict(counts)

    topics = (settings.topic(REQUESTS), settings.topic(REQUESTS_URGENT))
    seedcast(RUN, settings)
    eventually(lambda: shares() == {topic: [4] for topic in topics}, what="all of it for the first")
    seedcast(RUN, settings)
    eventually(
        lambda: shares() == {topic: [2, 2] for topic in topics}, what="a fair share for the second"
    )


def test_urgent_requests_overtake_a_backlog_and_keep_their_lane(
    settings: Settings, seedcast: Spawn
) -> None:
    send(settings, REQUESTS, as_records(numbered(n) for n in range(600)), in_turn=True)
    worker = seedcast(RUN, settings, SEEDCAST_FAILPOINT="gpu.synthesised:20:stop")
    wait_until_stopped(worker)
    send(
        settings,
        REQUESTS_URGENT,
        as_records(numbered(9000 + n, priority="urgent") for n in range(4)),
        in_turn=True,
    )
    worker.send_signal(signal.SIGCONT)
    eventually(lambda: len(read(settings, AUDIO_URGENT)) == 4, what="the urgent ones")

    def timestamps(topic: Topic) -> list[int]:
        records = chain.from_iterable(read(settings, topic).values())
        return [record.timestamp_ms for record in records]

    last = max(timestamps(AUDIO_URGENT))
    assert sum(timestamp <= last for timestamp in timestamps(AUDIO)) < 600
    assert terminate(worker) == 0


def test_the_waveform_of_a_request_does_not_depend_on_its_neighbours(
    settings: Settings, seedcast: Spawn
) -> None:
    first = [numbered(n) for n in range(8)]
    send(settings, REQUESTS, as_records(first), in_turn=True)
    worker = seedcast(RUN, settings)
    eventually(lambda: len(read(settings, AUDIO)) == 8, what="8 outcomes")
    again = [numbered(n, submitted_at=datetime.now(UTC)) for n in range(8)]
    others = [numbered(n) for n in range(100, 160)]
    second = [*others[:31], again[0], *others[31:], *reversed(again[1:])]
    send(settings, REQUESTS, as_records(second), in_turn=True)
    eventually(
        lambda: all(len(read(settings, AUDIO)[r.request_id]) == 2 for r in first),
        what="both rounds",
    )
    assert terminate(worker) == 0
    for records in (read(settings, AUDIO)[r.request_id] for r in first):
        outcomes = [decode_synthesis(record.value) for record in records]
        assert len({o.waveform_sha256 for o in outcomes if isinstance(o, RawAudio)}) == 1


def test_a_metrics_port_in_use_is_fatal(settings: Settings, seedcast: Spawn) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        worker = seedcast(RUN, settings, SEEDCAST_METRICS_PORT=str(taken.getsockname()[1]))
        assert worker.wait(timeout=180) == 3


def test_an_idle_worker_commits_its_starting_offsets_and_leaves_quickly(
    settings: Settings, seedcast: Spawn
) -> None:
    """To an autoscaler, a partition without a commit looks as if its whole log were still to do."""
    send(settings, REQUESTS, as_records([numbered(1)]), in_turn=True)  # to partition 0
    client = AdminClient(client_config.client(settings.kafka))
    for deleted in client.delete_records([TopicPartition(settings.topic(REQUESTS), 0, 1)]).values():
        deleted.result(60)
    worker = seedcast(RUN, settings)
    eventually(
        lambda: committed_offsets(settings, GPU_CONSUMERS.name) == [1, 0, 0, 0, 0, 0, 0, 0],
        what="the starting offsets of both topics",
    )
    began = time.monotonic()
    assert terminate(worker) == 0
    assert time.monotonic() - began < settings.gpu.drain
    worker = seedcast(RUN, settings)  # a second worker continues from there
    send(settings, REQUESTS, as_records([numbered(2)]), in_turn=True)
    eventually(lambda: list(read(settings, AUDIO)) == ["request-00002"], what="one outcome")
    assert terminate(worker) == 0


def test_a_bitmap_that_was_copied_beside_another_offset_is_not_believed(
    settings: Settings,
) -> None:
    """As MirrorMaker 2 copies it: beside 7 instead of 8, the bit of offset 10 would mean 9."""
    send(settings, REQUESTS, [(b"7", b"%d" % n) for n in range(12)])
    first = an_owner(settings)
    for assignment, record in taken_up_to(11, first):
        if record.offset < 8 or record.offset == 10:
            assignment.finish(record.offset)
    leave(first)
    commit_beside(settings, 8, 7)
    second = an_owner(settings)
    assert [record.offset for _, record in taken_up_to(11, second)] == [7, 8, 9, 10, 11]
    leave(second)


def an_owner(settings: Settings) -> Assignments:
    """Return a worker's assignments, without the worker."""
    callbacks = Callbacks(waiting=lambda _: 0, flush=lambda: None, forget=lambda _: None)
    return Assignments(settings, [settings.topic(REQUESTS)], callbacks)


def taken_up_to(last: int, owner: Assignments) -> list[tuple[Assignment, Record]]:
    found: list[tuple[Assignment, Record]] = []

    def reached() -> bool:
        found.extend(owner.poll(64, 0.1))
        return any(record.offset == last for _, record in found)

    eventually(reached, what=f"the request at offset {last}")
    return found


def leave(owner: Assignments) -> None:
    eventually(owner.leave_round, what="the last commit")
    owner.close()


def commit_beside(settings: Settings, committed: int, offset: int) -> None:
    """Move the group's offset of the partition where it is `committed`, with its metadata."""
    config = client_config.consumer(settings.kafka, settings.group(GPU_CONSUMERS.name))
    with closing(Consumer(config)) as client:
        topic, numbers = settings.topic(REQUESTS), range(settings.kafka.partitions)
        found = client.committed([TopicPartition(topic, number) for number in numbers], timeout=30)
        (place,) = [each for each in found if each.offset == committed]
        assert place.metadata
        place.offset = offset
        client.commit(offsets=[place], asynchronous=False)


def test_the_dead_letter_of_a_record_as_large_as_the_topic_takes_still_fits(
    settings: Settings, seedcast: Spawn
) -> None:
    largest = os.urandom(MIB - 200)  # the rest of its record batch counts, too
    send(settings, REQUESTS, [(b"7", largest)], in_turn=True)
    worker = seedcast(RUN, settings)

    def letters() -> list[dead_letters.DeadLetter]:
        with TopicReader(settings, settings.topic(DEAD_LETTERS)) as reader:
            return [dead_letters.parse(record) for record in reader.to_end()]

    eventually(letters, what="the dead letter")
    assert terminate(worker) == 0
    assert dead_letters.original(letters()[0], S3Store(settings.s3))[1] == largest
    assert lag(settings, GPU_CONSUMERS.name) == 0
