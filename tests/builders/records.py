"""Audio records for tests: one word each, for trimming to find, over a tone of its own."""

from datetime import UTC, datetime
from functools import cache

import numpy as np

from seedcast.codec import encode_synthesis
from seedcast.gpu_consumers.engines.espeak.engine import spoken
from seedcast.gpu_consumers.engines.espeak.process import SAMPLE_RATE
from seedcast.schemas.messages import RawAudio, Rejected, RequestError, SpeechRequest
from seedcast.waveforms import Waveform, encode_flac, waveform_sha256

TEXT = "a secret that only the listener may hear"


def tone(samples: int, sample_rate: int = 24_000, hertz: float = 440.0) -> Waveform:
    """(samples,) at half of full scale."""
    return (np.sin(2 * np.pi * hertz * np.arange(samples) / sample_rate) * 16_000).astype("<i2")


@cache
def word() -> Waveform:
    """(samples,) at 22,050 Hz, with a fifth of a second of silence at each end."""
    return np.pad(spoken("Hello.", seed=1), SAMPLE_RATE // 5).astype("<i2")


def utterance(number: int) -> Waveform:
    """(samples,) at 22,050 Hz: the word over a tone, 50 dB down, that nobody else has."""
    return (word() + np.rint(tone(len(word()), SAMPLE_RATE, 200.0 + number) / 400)).astype("<i2")


def a_request(number: int = 1, **changes: object) -> SpeechRequest:
    fields = {
        "request_id": f"request-{number:05d}",
        "campaign_id": "night-1",
        "text": f"{TEXT} {number}",
        "voice_seed": number,
        "profiles": ("telephony",),
        "submitted_at": datetime.now(UTC),
        "metadata": {"recipient": str(number)},
    }
    return SpeechRequest(**(fields | changes))  # type: ignore[arg-type]


def audio(
    number: int = 1, waveform: Waveform | None = None, sample_rate: int = 22_050, **changes: object
) -> RawAudio:
    waveform = utterance(number) if waveform is None else waveform
    return RawAudio(
        request=a_request(number, **changes),
        flac=encode_flac(waveform, sample_rate),
        sample_rate=sample_rate,
        samples=len(waveform),
        clipped=0,
        waveform_sha256=waveform_sha256(waveform),
        engine_fingerprint="engine",
        draw=0,
    )


def rejected(number: int = 1) -> Rejected:
    error = RequestError(code="expired", message="too late")
    return Rejected(
        request_id=f"request-{number:05d}",
        campaign_id="night-1",
        status="expired",
        error=error,
        metadata={"recipient": str(number)},
    )


def sounds(
    numbers: range, profiles: tuple[str, ...] = ("wav",), **changes: object
) -> list[tuple[bytes, bytes]]:
    """Return records, keys and values; their profile is the one that takes the least work."""
    return [
        (f"request-{n:05d}".encode(), encode_synthesis(audio(n, profiles=profiles, **changes)))
        for n in numbers
    ]
