"""Renders a record of the audio topic: its manifest, and the objects that it names.

Pure: stores and sends nothing. The outcome is a function of the record, of what the deployment
fixes (RenderContext), and of two things that change while it waits: whether its campaign is
cancelled, and whether its deadline has passed. As long as these stay, the same record gives the
same outcome, byte for byte, however often it is rendered.
"""

from collections.abc import Iterable, Set
from dataclasses import dataclass, replace
from datetime import datetime
from math import isfinite

import msgspec
import structlog

from seedcast.campaigns.campaign_state import CANCELLED
from seedcast.catalog.profiles import Profile, Profiles, check_names
from seedcast.codec import decode_synthesis, text_digest
from seedcast.errors import InvalidRequest, Undecodable
from seedcast.metrics import STAGE_SECONDS
from seedcast.schemas.messages import (
    CampaignId,
    ErrorCode,
    RawAudio,
    Receipt,
    Rejected,
    Rendition,
    RequestError,
    SpeechResult,
    Status,
)
from seedcast.settings import PostprocessSettings
from seedcast.storage.objects import ObjectStore, object_key
from seedcast.stream_apps.audio.chain import VERSION, Rendered, chain_fingerprint, render_all
from seedcast.stream_apps.postprocess.deadlines import (
    BEFORE_ALL,
    delivery_deadline,
    has_passed,
    too_late,
)
from seedcast.stream_apps.postprocess.salvage import salvage
from seedcast.waveforms import Waveform, decode_flac, waveform_sha256

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class RenderContext:
    """What an outcome depends on besides its record; fixed while the process runs."""

    profiles: Profiles
    chain_fingerprint: str
    digest_key: bytes
    store: ObjectStore  # only for the URIs of objects

    @classmethod
    def of(
        cls, settings: PostprocessSettings, profiles: Profiles, store: ObjectStore
    ) -> "RenderContext":
        return cls(
            profiles,
            chain_fingerprint(profiles),
            settings.digest_key.get_secret_value().encode(),
            store,
        )


@dataclass(frozen=True)
class AudioObject:
    """Audio to store."""

    profile: str
    key: str
    data: bytes
    content_type: str


@dataclass(frozen=True)
class Outcome:
    """The manifest, and the objects that must be stored before it is sent."""

    result: SpeechResult
    objects: tuple[AudioObject, ...] = ()
    submitted_at: datetime | None = None  # None if the record does not hold the request
    deadline: datetime | None = None  # the result must be sent by then; None: it may be late


def render_record(
    value: bytes,
    deployment: RenderContext,
    cancelled: Set[CampaignId] = frozenset(),
    deliver_late: Set[CampaignId] = frozenset(),
    now: datetime = BEFORE_ALL,
) -> Outcome:
    """Return the outcome of a record; every record with a readable request id has one.

    Raises Undecodable for the others: they become dead letters. `cancelled` holds the cancelled
    campaigns, `deliver_late` those whose deadlines do not bound delivery. A campaign that is
    cancelled between two deliveries of a record changes its outcome, and so does a deadline that
    passes; the first result counts.
    """
    try:
        synthesis = decode_synthesis(value)
    except Undecodable as error:
        return Outcome(salvage(value, error))
    if isinstance(synthesis, Rejected):
        return Outcome(_rejected(synthesis))
    if synthesis.request.campaign_id in cancelled:
        return _ended(synthesis, "cancelled", CANCELLED)
    late = synthesis.request.campaign_id in deliver_late
    deadline = delivery_deadline(
        synthesis.request, deployment.profiles, campaign_delivers_late=late
    )
    if has_passed(deadline, now):
        return _ended(synthesis, "expired", too_late(deadline))
    try:
        return replace(_rendered(synthesis, deployment), deadline=deadline)
    except InvalidRequest as error:
        return _failed(synthesis, RequestError(code=error.code, message=str(error)))
    except MemoryError:  # another worker, or this one after a restart, may have enough
        raise
    except Exception as error:  # of any library; costs this request, not the worker
        request = synthesis.request
        log.exception(
            "postprocess_failed", request_id=request.request_id, campaign_id=request.campaign_id
        )
        return _failed(synthesis, unforeseen(error))


def expired(outcome: Outcome) -> Outcome:
    """Return what a rendered outcome becomes when its deadline passes before it is delivered."""
    result = msgspec.structs.replace(
        outcome.result,
        status="expired",
        renditions=(),
        receipt=None,
        error=too_late(outcome.deadline),
    )
    return Outcome(result, submitted_at=outcome.submitted_at)


def unforeseen(error: Exception) -> RequestError:
    """Describe an error without its message, which may quote a request's text."""
    message = f"unforeseen {type(error).__name__}; the worker's log has the details"
    return RequestError(code="render_error", message=message)


def _rendered(audio: RawAudio, deployment: RenderContext) -> Outcome:
    request = audio.request
    profiles = _profiles(request.profiles, deployment.profiles)
    with STAGE_SECONDS.labels("decode").time():
        waveform = _waveform(audio)
    rendered = render_all(waveform, audio.sample_rate, profiles)
    keys = [object_key(request.campaign_id, each.sha256, each.suffix) for each in rendered]
    result = SpeechResult(
        request_id=request.request_id,
        campaign_id=request.campaign_id,
        status="succeeded",
        renditions=tuple(
            _rendition(each, deployment.store.uri(key))
            for each, key in zip(rendered, keys, strict=True)
        ),
        receipt=_receipt(audio, deployment),
        unspoken=audio.unspoken,
        metadata=request.metadata,
    )
    objects = tuple(
        AudioObject(each.profile, key, each.data, each.content_type)
        for each, key in zip(rendered, keys, strict=True)
    )
    return Outcome(result, objects, request.submitted_at)


def _profiles(names: Iterable[str], known: Profiles) -> list[Profile]:
    """Return each profile once, in the order given."""
    wanted = list(dict.fromkeys(names))
    check_names(wanted, known)
    return [known[name] for name in wanted]


def _waveform(audio: RawAudio) -> Waveform:
    """Return the waveform, if it is the one that was synthesised."""
    if not audio.samples:  # libsndfile cannot read an empty FLAC
        raise _refused("render_error", "at least one sample", "none")
    try:
        waveform, sample_rate = decode_flac(audio.flac)
    except Undecodable as error:
        raise _refused("corrupt_audio", error.expected or "FLAC", error.got) from error
    expected, got = (audio.samples, audio.sample_rate), (len(waveform), sample_rate)
    if waveform.ndim != 1 or expected != got:
        raise _refused(
            "corrupt_audio",
            f"mono, (samples, Hz) {expected}",
            f"{waveform.ndim} dimensions, {got}",
        )
    if (digest := waveform_sha256(waveform)) != audio.waveform_sha256:
        raise _refused("corrupt_audio", f"SHA-256 {audio.waveform_sha256}", digest)
    return waveform


def _refused(code: ErrorCode, expected: str, got: str) -> InvalidRequest:
    return InvalidRequest(code, "waveform of the audio record", expected=expected, got=got)


def _rendition(rendered: Rendered, uri: str) -> Rendition:
    """Round measured values to what can be heard."""
    made = rendered.processed
    return Rendition(
        profile=rendered.profile,
        uri=uri,
        format=rendered.format,
        sample_rate=rendered.sample_rate,
        duration=rendered.duration,
        bytes=len(rendered.data),
        sha256=rendered.sha256,
        loudness=_rounded(made.level.loudness, 2),
        true_peak=_rounded(made.level.true_peak, 2),
        snr=_rounded(made.snr, 1),
        denoised=made.denoised,
        trimmed=_rounded(made.trimmed.seconds, 3),
        chain_version=VERSION,
    )


def _rounded(value: float, digits: int) -> float | None:
    """None for the infinite loudness of silence: JSON has no number for it."""
    return round(value, digits) if isfinite(value) else None


def _receipt(audio: RawAudio, deployment: RenderContext) -> Receipt:
    return Receipt(
        voice_seed=audio.request.voice_seed,
        text_digest=text_digest(audio.request, deployment.digest_key),
        waveform_sha256=audio.waveform_sha256,
        engine_fingerprint=audio.engine_fingerprint,
        chain_fingerprint=deployment.chain_fingerprint,
        draw=audio.draw,
    )


def _rejected(rejected: Rejected) -> SpeechResult:
    return SpeechResult(
        request_id=rejected.request_id,
        campaign_id=rejected.campaign_id,
        status=rejected.status,
        error=rejected.error,
        metadata=rejected.metadata,
    )


def _failed(audio: RawAudio, error: RequestError) -> Outcome:
    return _ended(audio, "failed", error)


def _ended(audio: RawAudio, status: Status, error: RequestError) -> Outcome:
    request = audio.request
    result = SpeechResult(
        request_id=request.request_id,
        campaign_id=request.campaign_id,
        status=status,
        error=error,
        unspoken=audio.unspoken,
        metadata=request.metadata,
    )
    return Outcome(result, submitted_at=request.submitted_at)
