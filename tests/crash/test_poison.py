"""Records that are wrong in every manner, in the middle of a campaign: each becomes a failed result or a dead letter, and nobody else waits."""

import lzma
import random
from collections import Counter
from datetime import UTC, datetime

import msgspec
import pybase16384
import pytest

from schemas.messages import SpeechRequest
from schemas.topics import AUDIO, DEAD_LETTERS, REQUESTS, Topic
from seedcast.codec import decode_result, encode_json, encode_synthesis
from seedcast.errors import SeedcastError
from seedcast.kafka import Producer
from storage import dead_letters
from tests.crash.night import GROUPS, Night
from tests.unit.gpu_consumers.requests import a_request
from tests.unit.stream_apps.records import audio

pytestmark = pytest.mark.integration

REQUESTS_OF_A_NIGHT = 200
GARBAGE = [b"\xff\x00 no message", b'["of no shape"]', msgspec.msgpack.encode([1, {"two": 3}]), b""]


def bomb() -> str:
    """A speaker as upstream packs them, which unpacks to 32 MiB."""
    packed = lzma.compress(
        bytes(2**25), format=lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA2}]
    )
    return str(pybase16384.encode_to_string(packed))


def wrong(request_id: str, **changes: object) -> SpeechRequest:
    return a_request(
        request_id=request_id, campaign_id="poison", submitted_at=datetime.now(UTC), **changes
    )


def with_an_id() -> list[tuple[Topic, str, bytes, str]]:
    """Topic, request id, record, and the status of the result that it must have."""
    torn = msgspec.structs.replace(
        audio(1, request_id="poison-torn", campaign_id="poison"), flac=b"fLaC and no more"
    )
    return [
        (
            REQUESTS,
            "poison-shapeless",
            b'{"request_id": "poison-shapeless", "campaign_id": "poison", "text": 7}',
            "failed",
        ),
        (REQUESTS, "poison-silent", encode_json(wrong("poison-silent", text="\x1b[2J")), "failed"),
        (
            REQUESTS,
            "poison-hostile",
            encode_json(
                wrong("poison-hostile", text="[laugh][[x]] [uv_break] <speak> %s {name} ' OR 1=1")
            ),
            "succeeded",
        ),
        (
            REQUESTS,
            "poison-bomb",
            encode_json(wrong("poison-bomb", speaker=bomb())),
            "succeeded",
        ),  # espeak has no use for it
        (AUDIO, "poison-torn", encode_synthesis(torn), "failed"),
    ]


def test_poison_in_a_campaign_under_way_ends_as_results_and_letters_and_holds_back_nobody(
    night: Night, chance: random.Random
) -> None:
    named = with_an_id()
    poison = [(topic, key.encode(), value) for topic, key, value, _ in named]
    poison += [(topic, b"7", value) for topic in (REQUESTS, AUDIO) for value in GARBAGE]
    night.submit(REQUESTS_OF_A_NIGHT)
    workers = [night.start(kind) for kind in GROUPS]
    producer, errors = Producer(night.seen), list[SeedcastError | None]()
    night.comes_to("postprocess", chance.randint(1, REQUESTS_OF_A_NIGHT // 3))
    for topic, key, value in chance.sample(poison, len(poison)):
        partition = chance.randrange(night.seen.kafka.partitions)
        producer.send(
            night.seen.topic(topic),
            key=key,
            value=value,
            on_delivery=errors.append,
            partition=partition,
        )
    assert producer.flush(60) == 0
    assert errors == [None] * len(poison)
    night.completes(REQUESTS_OF_A_NIGHT + len(named))
    night.audited()
    statuses = {key: decode_result(night.results[key][0]).status for _, key, *_ in named}
    assert statuses == {key: status for _, key, _, status in named}
    letters = Counter(
        (letter.topic, letter.value)
        for letter in map(dead_letters.parse, night.topic(DEAD_LETTERS))
    )
    assert letters == Counter(
        (night.seen.topic(topic), value) for topic in (REQUESTS, AUDIO) for value in GARBAGE
    )
    assert night.lag() == 0
    for worker in workers:
        worker.finishes()
