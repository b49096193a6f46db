"""Finds what is known of a rendition: of a file, or of a request in the topics and the store."""

import hashlib
from dataclasses import replace
from math import isfinite
from pathlib import Path

from seedcast.catalog import profiles
from seedcast.catalog.formats import Headerless
from seedcast.catalog.profiles import Profile
from seedcast.codec import decode_synthesis
from seedcast.errors import InvalidInput, InvalidRequest
from seedcast.kafka import TopicReader
from seedcast.schemas.messages import RawAudio, Rendition, SpeechResult
from seedcast.schemas.topics import AUDIO, AUDIO_URGENT
from seedcast.settings import Settings
from seedcast.storage.index.lookup import Note, first_result
from seedcast.storage.s3 import S3Store
from seedcast.stream_apps.audio.chain import render_source
from seedcast.stream_apps.audio.samples import from_int16
from seedcast.stream_apps.audio.source import Source
from seedcast.stream_apps.inspect.decode import Clip, decode
from seedcast.stream_apps.inspect.inspection import Inspection
from seedcast.waveforms import decode_flac

DEFAULT_PROFILE = "phone"
NOT_KEPT = "the audio topics no longer keep the waveform: these figures are from the manifest"
ALTERED = "the object is not the one of its manifest: their SHA-256 differ"


CANCEL = -10.0  # dB; what mixing takes from channels that are out of phase


def inspect_file(
    settings: Settings, path: Path, profile_name: str | None, rate: int | None = None
) -> Inspection:
    """Render an audio file by a profile, here; `phone` if no name is given.

    `rate` is that of a file without a header, in Hz; None is the usual one of its ending.

    Raises InvalidInput for a file that cannot be read, and for an unknown profile.
    """
    profile = _profile(settings, profile_name or DEFAULT_PROFILE)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InvalidInput(str(path), expected="a file that can be read", got=str(error)) from error
    clip = decode(data, str(path), _headerless(path, rate))
    return _render_again(Inspection(path.name, profile, before=clip, notes=_mixing(clip)))


def _headerless(path: Path, rate: int | None) -> Headerless | None:
    known = Headerless.of_ending(path.suffix.removeprefix("."))
    if known is None and rate is not None:
        expected = "none: only headerless files (.ulaw, .alaw, .sln, .g722) do not say their rate"
        raise InvalidInput("--rate", expected=expected, got=f"{rate} for {path.name}")
    if known and known.format == "g722" and rate not in (None, known.rate):
        raise InvalidInput("--rate", expected=f"{known.rate} for G.722", got=str(rate))
    return replace(known, rate=rate) if known and rate else known


def _mixing(clip: Clip) -> tuple[str, ...]:
    """Return what is to be said of a file of several channels."""
    if clip.channels == 1:
        return ()
    mixed = f"{clip.channels} channels were mixed to one"
    if clip.mixed > CANCEL:
        return (mixed,)
    lost = f"{-clip.mixed:.0f} dB of the level" if isfinite(clip.mixed) else "all sound"
    return (f"{mixed}, and cancel each other: {lost} is lost",)


def inspect_request(
    settings: Settings,
    request_id: str,
    profile_name: str | None,
    note: Note = lambda _: None,
) -> Inspection:
    """Collect what is kept of a request, and render its waveform again.

    The profile is the first of the request if no name is given. `note`: told what is to be known of
    the index, in which the result is looked up.

    Raises InvalidInput for an id without a result and for a profile that the request does not
    have, and what Kafka and the store raise.
    """
    result = _result(settings, request_id, note)
    before = _waveform(settings, request_id)
    notes: tuple[str, ...] = () if before else (NOT_KEPT,)
    if not result.renditions:
        profile = _profile(settings, profile_name or DEFAULT_PROFILE)
        notes = (_failure(result), *notes)
        return Inspection(request_id, profile, before, notes=notes, is_error=True)
    manifest = _manifest(result, profile_name)
    data = S3Store(settings.s3).get(manifest.uri)
    if is_altered := hashlib.sha256(data).hexdigest() != manifest.sha256:
        notes = (ALTERED, *notes)
    return _render_again(
        Inspection(
            request_id,
            _profile(settings, manifest.profile),
            before,
            after=decode(data, manifest.uri, headerless_object(manifest)),
            manifest=manifest,
            notes=notes,
            is_error=is_altered,
        )
    )


def _render_again(inspection: Inspection) -> Inspection:
    """Add what the chain makes of the waveform now, if the waveform is kept."""
    before = inspection.before
    if not before:
        return inspection
    try:
        rendered = render_source(Source(before.samples, before.rate), inspection.profile)
    except InvalidRequest as error:
        notes = (*inspection.notes, f"{error.code}: {error}")
        return replace(inspection, notes=notes, is_error=True)
    headerless = Headerless.of(inspection.profile.format, rendered.sample_rate)
    after = inspection.after or decode(rendered.data, inspection.name, headerless)
    return replace(inspection, rendered=rendered, after=after)


def _profile(settings: Settings, name: str) -> Profile:
    table = profiles.load(settings.postprocess)
    if name not in table:
        raise InvalidInput("--profile", expected=f"one of {', '.join(table)}", got=name)
    return table[name]


def _result(settings: Settings, request_id: str, note: Note) -> SpeechResult:
    if result := first_result(settings, request_id, note):
        return result
    raise InvalidInput(
        request_id,
        expected="a file, or an id with a result",
        got="neither",
        remedy="run `seedcast results` to list them",
    )


def _manifest(result: SpeechResult, profile_name: str | None) -> Rendition:
    """Return the manifest of the profile, or the first one if no profile is named."""
    for rendition in result.renditions:
        if profile_name in (None, rendition.profile):
            return rendition
    names = ", ".join(rendition.profile for rendition in result.renditions)
    raise InvalidInput("--profile", expected=f"one of {names}", got=str(profile_name))


def headerless_object(manifest: Rendition) -> Headerless | None:
    """Return how an object is coded whose format has no header; None for all others."""
    ending = manifest.uri.rpartition(".")[2]
    known = Headerless.of_ending(ending)
    return replace(known, rate=manifest.sample_rate) if known else None


def _failure(result: SpeechResult) -> str:
    error = result.error
    return f"the request ended as {result.status}" + (
        f": {error.code}: {error.message}" if error else ""
    )


def _waveform(settings: Settings, request_id: str) -> Clip | None:
    """Return the waveform of a request from the audio topics; None if they no longer keep it."""
    for topic in (AUDIO_URGENT, AUDIO):
        value = _first_value(settings, settings.topic(topic), request_id.encode())
        if value and isinstance(audio := decode_synthesis(value), RawAudio):
            waveform, rate = decode_flac(audio.flac)
            return Clip(from_int16(waveform), rate)
    return None


def _first_value(settings: Settings, topic: str, key: bytes) -> bytes | None:
    with TopicReader(settings, topic) as reader:
        return next((record.value for record in reader.to_end() if record.key == key), None)
