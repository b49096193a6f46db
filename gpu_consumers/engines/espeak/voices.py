"""The voice of a seed: a speaker of espeak's, a pitch and a pace, the same in both languages."""

import hashlib
from dataclasses import dataclass

_VARIANTS = ("m1", "m2", "m3", "m4", "m5", "m6", "m7", "f1", "f2", "f3", "f4", "f5")


@dataclass(frozen=True)
class Voice:
    """The espeak parameters that a voice seed and a speed select."""

    variant: str
    pitch: int  # 0–100, espeak's scale
    range: int  # 0–100, espeak's scale
    rate: int  # words per minute


def voice_of(seed: int, speed: float = 1.0) -> Voice:
    """Return the voice of a seed; hashing spreads seeds evenly, so neighbouring seeds differ."""
    digest = hashlib.sha256(seed.to_bytes(8, "little")).digest()
    return Voice(
        variant=_VARIANTS[digest[0] % len(_VARIANTS)],
        pitch=40 + digest[1] % 21,
        range=40 + digest[2] % 31,
        rate=round((155 + digest[3] % 31) * speed),
    )
