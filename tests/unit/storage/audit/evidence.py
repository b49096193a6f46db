"""Evidence for an audit, made without a broker, and the report on it."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
from types import MappingProxyType

from seedcast.kafka import Committed, Partition
from seedcast.schemas.messages import Campaign, Receipt, Rendition, RequestError, SpeechResult
from seedcast.schemas.topics import REQUESTS, Topic
from seedcast.settings import Settings
from seedcast.storage.audit.checks import run_checks
from seedcast.storage.audit.committed import CommittedOffsets, Logs
from seedcast.storage.audit.database import Database, RecordPosition
from seedcast.storage.audit.evidence import Evidence
from seedcast.storage.audit.list_reading import ListRead
from seedcast.storage.audit.report import Finding, Report

SETTINGS = Settings()
CAMPAIGN = "night"
NOW = datetime.now(UTC)


def request_id(number: int) -> str:
    return f"request-{number:06d}"


def position(
    number: int, *, unread: bool = False, topic: Topic = REQUESTS, timestamp_ms: int = 1000
) -> RecordPosition:
    return RecordPosition(request_id(number), topic.name, 0, number, timestamp_ms, unread)


def spoken(
    number: int,
    *,
    engine: str = "e1",
    chain: str = "c1",
    waveform: str = "0f" * 32,
    sha256: str = "aa" * 32,
    campaign: str | None = CAMPAIGN,
) -> SpeechResult:
    uri = f"s3://memory/{campaign}/{number}-{sha256[:4]}"
    rendition = Rendition(
        profile="phone",
        uri=uri,
        format="ogg",
        sample_rate=24_000,
        duration=1.0,
        bytes=3,
        sha256=sha256,
    )
    receipt = Receipt(
        voice_seed=1,
        text_digest="0" * 64,
        waveform_sha256=waveform,
        engine_fingerprint=engine,
        chain_fingerprint=chain,
        draw=0,
    )
    return SpeechResult(
        request_id=request_id(number),
        campaign_id=campaign,
        status="succeeded",
        renditions=(rendition,),
        receipt=receipt,
    )


def failed(number: int, campaign: str | None = CAMPAIGN) -> SpeechResult:
    return SpeechResult(
        request_id=request_id(number),
        campaign_id=campaign,
        status="failed",
        error=RequestError(code="engine_error", message="no"),
    )


def partition(topic: Topic, number: int = 0) -> Partition:
    return Partition(SETTINGS.topic(topic), number)


def report_on(
    *,
    requests: Iterable[RecordPosition] = (),
    results: Iterable[SpeechResult] = (),
    audio: Iterable[RecordPosition] = (),
    listed: Iterable[int] | None = None,
    fed: int | None = None,
    held: str | None = None,
    damaged: Iterable[str] = (),
    created_at: datetime = NOW,
    terms: Mapping[str, object] = MappingProxyType({}),
    dead_letters: Iterable[int] = (),
    sealed: int | None = None,
    state: str = "sealed",
    bounds: Mapping[Partition, tuple[int, int]] | None = None,
    committed: Mapping[Partition, Committed] | None = None,
    horizon_ms: int = 0,
    examples: int = 10,
) -> Report:
    """Return the report of an audit that has read all this of a campaign.

    `listed`: numbers of the staged list's requests; None: it has none. `fed`: None: all of them.
    """
    database = Database()
    database.add_requests(requests)
    database.add_results(list(results))
    numbers, list_read = [] if listed is None else list(listed), None
    if listed is not None:
        fed = len(numbers) if fed is None else fed
        database.add_list_rows((at < fed, at + 1, request_id(n)) for at, n in enumerate(numbers))
        list_read = ListRead(parts=1, damaged=tuple(damaged), held=held)
        if list_read.is_whole:
            database.set_strays_apart()
    database.find_unaccounted()
    database.add_audio(audio)
    database.add_dead_letters(
        (f"dead-letters[0]@{number}", request_id(number)) for number in dead_letters
    )
    record = Campaign(
        campaign_id=CAMPAIGN,
        state=state,  # type: ignore[arg-type]
        created_at=created_at,
        accepted=sealed,
        **terms,  # type: ignore[arg-type]
    )
    evidence = Evidence(
        database=database,
        record=record,
        listed=list_read,
        logs=Logs(SETTINGS, bounds or {}, CommittedOffsets(committed or {})),
        horizon_ms=horizon_ms,
        unreadable=0,
        objects="none",
        examples=examples,
    )
    return Report(
        campaign_id=CAMPAIGN,
        state=record.state,
        sealed=sealed,
        accepted=evidence.accepted,
        outcomes=evidence.outcomes,
        repeats=evidence.repeats,
        checks=run_checks(evidence),
    )


def names(findings: Iterable[Finding]) -> list[str]:
    return [finding.name for finding in findings]


waiting = partial(position, unread=True)
