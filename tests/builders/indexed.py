"""An index for tests: campaigns, results, and what it says of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from seedcast.codec import encode_json
from seedcast.schemas.messages import (
    Campaign,
    CampaignState,
    ErrorCode,
    Receipt,
    Rendition,
    RequestError,
    SpeechResult,
    StagedList,
    Status,
)
from seedcast.settings import IndexSettings, Settings
from seedcast.storage.index.database import open_database
from seedcast.storage.index.indexed import IndexedCampaign, IndexedRequest
from seedcast.storage.index.migrate import migrate
from seedcast.storage.index.reader import Index, open_index
from seedcast.storage.index.writer import IndexWriter, ListRow, StoredResult, TopicFacts

TOPIC = TopicFacts(
    cluster_id="cluster", topic="seedcast.results", topic_id="topic", log_starts={0: 0, 1: 0}
)
CREATED = datetime(2026, 11, 29, 20, tzinfo=UTC)
STAGING = "0" * 16


@contextmanager
def writing(settings: IndexSettings, topic: TopicFacts = TOPIC) -> Iterator[IndexWriter]:
    """A writer whose term has begun, of a database that is migrated first."""
    migrate(settings)
    with open_database(settings, read_only=False) as database:
        yield IndexWriter.begin_term(database, "indexer", topic)


@contextmanager
def reading(settings: IndexSettings) -> Iterator[Index]:
    index = open_index(Settings(index=settings))
    assert index is not None
    with index:
        yield index


def listed(
    name: str, accepted: int, state: CampaignState = "sealed", staging: str = STAGING
) -> Campaign:
    """A campaign whose staged list has that many requests."""
    digest = "0" * 64
    staged = StagedList(staging=staging, parts=(), digest=digest, ids_digest=digest)
    return Campaign(
        campaign_id=name, state=state, created_at=CREATED, accepted=accepted, staged=staged
    )


def rows(number: int, first: int = 1) -> list[ListRow]:
    return [ListRow(row, request_id(row), f"n-{row}") for row in range(first, first + number)]


def request_id(number: int) -> str:
    return f"request-{number:04}"


def result(
    campaign: str | None,
    number: int,
    status: Status = "succeeded",
    code: ErrorCode | None = None,
    *,
    at: int = 1_000,
    own_id: str | None = None,
    duration: float = 2.5,
    draw: int = 0,
) -> StoredResult:
    """The result of request `number`, in a record of that timestamp."""
    error = RequestError(code=code or "unstable", message="of a test")
    spoken = status == "succeeded"
    made = SpeechResult(
        request_id=request_id(number),
        campaign_id=campaign,
        status=status,
        renditions=(_rendition(duration),) if spoken else (),
        receipt=_receipt(draw) if spoken else None,
        error=None if spoken else error,
        metadata={} if own_id is None else {"id": own_id},
    )
    return StoredResult(made, encode_json(made), at)


def add(writer: IndexWriter, *results: StoredResult, partition: int = 0) -> set[str]:
    """Add results as the next records of a partition."""
    position = writer.positions[partition]
    return writer.add_results({partition: (position, position + len(results))}, results)


def campaign_of(settings: IndexSettings, name: str) -> IndexedCampaign:
    with reading(settings) as index:
        found = index.campaign(name)
    assert found is not None
    return found


def counts(settings: IndexSettings, name: str) -> tuple[int, int, int, int, int]:
    """Succeeded, failed, expired, cancelled, strays."""
    progress = campaign_of(settings, name).progress
    return (
        progress.succeeded,
        progress.failed,
        progress.expired,
        progress.cancelled,
        progress.strays,
    )


def everything(settings: IndexSettings) -> tuple[list[IndexedCampaign], list[IndexedRequest]]:
    """What the index says at all, but its positions."""
    with reading(settings) as index:
        campaigns = index.campaigns()
        requests = [
            request
            for each in campaigns
            for part in (index.rows(each.campaign_id), index.strays(each.campaign_id))
            for request in part
        ]
    return campaigns, requests


def _rendition(duration: float) -> Rendition:
    return Rendition(
        profile="telephony",
        uri="s3://seedcast/audio/1.wav",
        format="wav",
        sample_rate=8000,
        duration=duration,
        bytes=16_044,
        sha256="0" * 64,
    )


def _receipt(draw: int) -> Receipt:
    return Receipt(
        voice_seed=1,
        text_digest="0" * 64,
        waveform_sha256="0" * 64,
        engine_fingerprint="engine-1",
        chain_fingerprint="chain-1",
        draw=draw,
    )
