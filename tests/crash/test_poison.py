"""Records that are wrong in every way that we know, in the middle of a campaign.

Each becomes a failed result or a dead letter, and no other record waits for it.
"""

import lzma
import random
from collections import Counter
from datetime import UTC, datetime

import msgspec
import pybase16384
import pytest

from seedcast.codec import decode_result, encode_json, encode_synthesis
from seedcast.errors import SeedcastError
from seedcast.kafka import Producer
from seedcast.schemas.messages import SpeechRequest
from seedcast.schemas.topics import AUDIO, DEAD_LETTERS, REQUESTS, Topic
from seedcast.storage import dead_letters
from tests.builders.records import audio
from tests.builders.requests import a_request
from tests.crash.deployment import GROUPS, Deployment

pytestmark = pytest.mark.integration

COUNT = 60  # sound requests
GARBAGE = [b"\xff\x00 no message", b'["of no shape"]', msgspec.msgpack.encode([1, {"two": 3}]), b""]


def bomb() -> str:
    """Return a speaker, packed as upstream packs them, that unpacks to 32 MiB."""
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
    shapeless = b'{"request_id": "poison-shapeless", "campaign_id": "poison", "text": 7}'
    silent = wrong("poison-silent", text="\x1b[2J")
    hostile = wrong("poison-hostile", text="[laugh][[x]] [uv_break] <speak> %s {name} ' OR 1=1")
    packed = wrong("poison-bomb", speaker=bomb())  # espeak has no use for a speaker
    torn = msgspec.structs.replace(
        audio(1, request_id="poison-torn", campaign_id="poison"), flac=b"fLaC and no more"
    )
    return [
        (REQUESTS, "poison-shapeless", shapeless, "failed"),
        (REQUESTS, "poison-silent", encode_json(silent), "failed"),
        (REQUESTS, "poison-hostile", encode_json(hostile), "succeeded"),
        (REQUESTS, "poison-bomb", encode_json(packed), "succeeded"),
        (AUDIO, "poison-torn", encode_synthesis(torn), "failed"),
    ]


def test_poison_ends_as_results_and_dead_letters_and_no_other_record_waits(
    deployment: Deployment, chance: random.Random
) -> None:
    settings, named = deployment.test_settings, with_an_id()
    poison = [(topic, key.encode(), value) for topic, key, value, _ in named]
    poison += [(topic, b"7", value) for topic in (REQUESTS, AUDIO) for value in GARBAGE]
    deployment.submit(COUNT)
    workers = [deployment.start_worker(kind) for kind in GROUPS]
    producer, errors = Producer(settings), list[SeedcastError | None]()
    deployment.wait_for_commits("postprocess", chance.randint(1, COUNT // 3))
    for topic, key, value in chance.sample(poison, len(poison)):
        partition = chance.randrange(settings.kafka.partitions)
        producer.send(
            settings.topic(topic),
            key=key,
            value=value,
            on_delivery=errors.append,
            partition=partition,
        )
    assert producer.flush(60) == 0
    assert errors == [None] * len(poison)
    deployment.wait_for_completion(COUNT + len(named))
    deployment.assert_audit_passes()
    statuses = {key: decode_result(deployment.results[key][0]).status for _, key, *_ in named}
    assert statuses == {key: status for _, key, _, status in named}
    letters = Counter(
        (letter.topic, letter.value)
        for letter in map(dead_letters.parse, deployment.records(DEAD_LETTERS))
    )
    assert letters == Counter(
        (settings.topic(topic), value) for topic in (REQUESTS, AUDIO) for value in GARBAGE
    )
    assert deployment.lag() == 0
    for worker in workers:
        worker.shut_down()
