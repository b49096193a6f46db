"""A case for the audit to judge, made without a broker."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import partial

from schemas.messages import Campaign, Receipt, Rendition, RequestError, SpeechResult
from schemas.topics import REQUESTS, Topic
from seedcast.kafka import Committed, Partition
from seedcast.settings import Settings
from storage.audit.checks import checks
from storage.audit.committed import CommittedOffsets, Logs
from storage.audit.database import Database, Place
from storage.audit.evidence import Evidence
from storage.audit.report import Finding, Report

SETTINGS = Settings()
CAMPAIGN = "night"


def name(number: int) -> str:
    return f"request-{number:06d}"


def place(
    number: int, *, unread: bool = False, topic: Topic = REQUESTS, at_ms: int = 1000
) -> Place:
    return Place(name(number), topic.name, 0, number, at_ms, unread)


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
        request_id=name(number),
        campaign_id=campaign,
        status="succeeded",
        renditions=(rendition,),
        receipt=receipt,
    )


def failed(number: int, campaign: str | None = CAMPAIGN) -> SpeechResult:
    return SpeechResult(
        request_id=name(number),
        campaign_id=campaign,
        status="failed",
        error=RequestError(code="engine_error", message="no"),
    )


def partition(topic: Topic, number: int = 0) -> Partition:
    return Partition(SETTINGS.topic(topic), number)


def judge(
    *,
    places: Iterable[Place] = (),
    results: Iterable[SpeechResult] = (),
    audio: Iterable[Place] = (),
    listed: Iterable[int] = (),
    letters: Iterable[int] = (),
    sealed: int | None = None,
    state: str = "sealed",
    bounds: Mapping[Partition, tuple[int, int]] | None = None,
    committed: Mapping[Partition, Committed] | None = None,
    horizon_ms: int = 0,
    examples: int = 10,
) -> Report:
    notes = Database()
    notes.add_requests(places)
    notes.add_results(list(results))
    notes.add_expected((row, name(number)) for row, number in enumerate(listed, 1))
    notes.find_suspects()
    notes.add_audio(audio)
    notes.add_letters((f"dead-letters[0]@{number}", name(number)) for number in letters)
    record = Campaign(
        campaign_id=CAMPAIGN, state=state, created_at=datetime.now(UTC), accepted=sealed
    )  # type: ignore[arg-type]
    evidence = Evidence(
        state=notes,
        record=record,
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
        checks=checks(evidence),
    )


def names(findings: Iterable[Finding]) -> list[str]:
    return [finding.name for finding in findings]


waiting = partial(place, unread=True)
