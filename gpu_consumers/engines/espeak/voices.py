"""The voice of a seed: a speaker of espeak's, a pitch and a pace, the same in both languages."""

import hashlib
from dataclasses import dataclass

# espeak has some hundred variants. These were measured in English and Mandarin: intelligible
# (isolated words are told apart as well as in espeak's plain voice), never at full scale, far from
# each other in pitch and spectrum, and none slow to make. The third formant, which tells how long
# a vocal tract is, lies over 2.75 kHz for the women and under it for the men.
WOMEN = ("f1", "belinda", "steph", "f5", "Annie", "f2", "linda", "f3")
MEN = ("m3", "m8", "Alex", "miguel", "Nguyen", "m4", "m7", "boris")
_HIGH = {"Nguyen": -14}  # steps of pitch: he would be nearly as high as the women


@dataclass(frozen=True)
class Voice:
    """The espeak parameters that a voice seed and a speed select."""

    variant: str
    pitch: int  # 0–100, espeak's scale
    range: int  # 0–100, espeak's scale
    rate: int  # words per minute


def voice_of(seed: int, speed: float = 1.0) -> Voice:
    """Return the voice of a seed: a woman's if it is even, a man's if it is odd.

    Neighbouring seeds differ: sixteen of them, from a multiple of 16 on, have all speakers. Pitch,
    range and rate are by a hash, so that a speaker is another person with another seed.
    """
    digest = hashlib.sha256(seed.to_bytes(8, "little")).digest()
    speakers = MEN if seed % 2 else WOMEN
    turn = hashlib.sha256((seed // 16).to_bytes(8, "big")).digest()[0]
    variant = speakers[(seed // 2 + turn) % len(speakers)]
    return Voice(
        variant=variant,
        pitch=45 + digest[1] % 13 + _HIGH.get(variant, 0),
        range=40 + digest[2] % 31,
        rate=round((155 + digest[3] % 31) * speed),
    )
