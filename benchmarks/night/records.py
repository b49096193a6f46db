"""The messages and the object of one request, as the workers would make them. Pure."""

import hashlib
from datetime import UTC, datetime
from functools import cache

import numpy as np

from seedcast.codec import text_digest
from seedcast.schemas.messages import RawAudio, Receipt, Rendition, SpeechRequest, SpeechResult
from seedcast.storage.objects import object_key
from seedcast.waveforms import Waveform, encode_flac, waveform_sha256

VOICES = 8
PROFILE, CONTENT_TYPE = "telephony", "audio/wav"
ENGINE, CHAIN = "fabricated-engine", "fabricated-chain"
RATE, SAMPLES = 24_000, 240  # Hz; of the waveform on the audio topic
# Every object begins with this. The request's id follows, so that no two objects are the same.
HEAD = bytes(range(256))


def data_of(request_id: str) -> bytes:
    """Return the object's 288 bytes. Nothing in the audit reads them as sound."""
    return HEAD + request_id.encode()


def key_of(campaign: str, request_id: str) -> str:
    return object_key(campaign, hashlib.sha256(data_of(request_id)).hexdigest(), "wav")


def text_of(number: int) -> str:
    return f"Dear customer {number}, thank you."


def request_of(campaign: str, number: int) -> SpeechRequest:
    """Return a request that is of no list."""
    return SpeechRequest(
        request_id=f"request-{number:08d}",
        campaign_id=campaign,
        text=text_of(number),
        voice_seed=number % VOICES,
        profiles=(PROFILE,),
        submitted_at=datetime.now(UTC),
    )


def audio_of(request: SpeechRequest) -> RawAudio:
    flac, digest = _voice(request.voice_seed)
    return RawAudio(
        request=request,
        flac=flac,
        sample_rate=RATE,
        samples=SAMPLES,
        clipped=0,
        waveform_sha256=digest,
        engine_fingerprint=ENGINE,
        draw=0,
    )


def result_of(request: SpeechRequest, uri: str) -> SpeechResult:
    data = data_of(request.request_id)
    rendition = Rendition(
        profile=PROFILE,
        uri=uri,
        format="wav-ulaw",
        sample_rate=8_000,
        duration=SAMPLES / RATE,
        bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        loudness=-20.0,
        true_peak=-2.0,
        snr=60.0,
        denoised=False,
        trimmed=0.0,
        chain_version=1,
    )
    return SpeechResult(
        request_id=request.request_id,
        campaign_id=request.campaign_id,
        status="succeeded",
        renditions=(rendition,),
        receipt=_receipt(request),
        metadata=request.metadata,
    )


def _receipt(request: SpeechRequest) -> Receipt:
    return Receipt(
        voice_seed=request.voice_seed,
        text_digest=text_digest(request, b"fabricated"),
        waveform_sha256=_voice(request.voice_seed)[1],
        engine_fingerprint=ENGINE,
        chain_fingerprint=CHAIN,
        draw=0,
    )


@cache
def _voice(seed: int) -> tuple[bytes, str]:
    """Return one short waveform per voice, as FLAC, and its hash."""
    waveform: Waveform = (np.arange(SAMPLES) * (seed + 1)).astype("<i2")
    return encode_flac(waveform, RATE), waveform_sha256(waveform)
