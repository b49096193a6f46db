"""Lists and their ends, for an indexer: staged without a submission, ended without being spoken."""

from collections.abc import Sequence

from seedcast.campaigns.campaign_topic import announce
from seedcast.codec import encode_json
from seedcast.schemas.messages import (
    Campaign,
    Rendition,
    RequestError,
    SpeechRequest,
    SpeechResult,
    Status,
)
from seedcast.schemas.topics import INDEXERS, RESULTS
from seedcast.settings import Settings
from seedcast.storage.index.indexed import IndexedCampaign
from seedcast.storage.index.reader import Index, open_index
from seedcast.storage.s3 import S3Store
from tests.builders.requests import numbered
from tests.builders.staged import stage
from tests.builders.topics import producer, send
from tests.builders.waiting import eventually
from tests.crash import memberships

RUN = ["run", "indexer"]
STATUSES: tuple[Status, ...] = ("succeeded", "failed", "expired", "cancelled")


def stage_list(settings: Settings, name: str, count: int, parts: int = 2) -> list[SpeechRequest]:
    """Stage a list in parts of equal size, and let its campaign begin."""
    requests = [
        numbered(n, campaign_id=name, metadata={"id": f"{name}-{n}"}) for n in range(1, count + 1)
    ]
    size = -(-count // parts)
    cut = [requests[start : start + size] for start in range(0, count, size)]
    announce(producer(settings), settings, stage(S3Store(settings.s3), name, *cut))
    return requests


def ended(request: SpeechRequest, status: Status = "succeeded", **changes: object) -> SpeechResult:
    spoken = status == "succeeded"
    renditions = tuple(
        Rendition(
            profile=profile,
            uri=f"s3://bucket/{request.campaign_id}/{request.request_id}.{profile}",
            format="ogg-opus",
            sample_rate=24_000,
            duration=1.25,
            bytes=900,
            sha256="0f" * 32,
        )
        for profile in ("phone", "telephony")
    )
    return SpeechResult(
        request_id=request.request_id,
        campaign_id=request.campaign_id,
        status=status,
        renditions=renditions if spoken else (),
        error=None if spoken else RequestError(code="engine_error", message="told to"),
        metadata=request.metadata,
        **changes,
    )


def publish(settings: Settings, results: Sequence[SpeechResult]) -> None:
    send(settings, RESULTS, [(r.request_id.encode(), encode_json(r)) for r in results])


def end(settings: Settings, requests: Sequence[SpeechRequest]) -> list[SpeechResult]:
    """Let the outcomes take turns."""
    results = [ended(request, STATUSES[n % 4]) for n, request in enumerate(requests)]
    publish(settings, results)
    return results


def opened(settings: Settings) -> Index:
    """Return the index once an indexer has made it."""
    found: list[Index] = []

    def is_there() -> bool:
        found.extend(filter(None, [open_index(settings)]))
        return bool(found)

    eventually(is_there, what="an index")
    return found[0]


def until_completed(settings: Settings, index: Index, name: str) -> Campaign:
    """Wait until the index has the campaign's record with its outputs."""

    def record() -> Campaign | None:
        found = index.campaign(name)
        return found.campaign if found else None

    eventually(lambda: getattr(record(), "outputs", None), what=f"the outputs of {name}")
    completed = record()
    assert completed
    return completed


def counts(campaign: IndexedCampaign | None) -> tuple[int, ...]:
    """Return succeeded, failed, expired, cancelled and strays; () if it is not there yet."""
    if campaign is None:
        return ()
    found = campaign.progress
    return found.succeeded, found.failed, found.expired, found.cancelled, found.strays


def objects(settings: Settings, name: str) -> dict[str, bytes]:
    """Return what was stored of a list's end, by name."""
    store = S3Store(settings.s3)
    return {
        info.key.rpartition("/")[2]: store.get(info.uri)
        for info in store.list(f"_lists/{name}/")
        if info.key.count("/") == 2
    }


def end_memberships(settings: Settings) -> None:
    """Do at once what the end of a dead indexer's session does."""
    memberships.end_all(settings.kafka.bootstrap, settings.group(INDEXERS.name))
