"""What a request will come to: its audio seconds, predicted from its characters and its voice.

How fast a voice speaks is learnt from results, for Mandarin and for Latin script by themselves.
Nothing here keeps a text.
"""

import math
from dataclasses import dataclass
from typing import Literal

from seedcast.producers.staging.survey import IDEOGRAPH, LETTER, count_characters

Script = Literal["mandarin", "latin"]

LEAST = 0.5  # seconds; also a text without a letter takes a slot, and a turn
# Seconds of a row that ends without being spoken: its campaign is cancelled, or its deadline past.
# A small part of any other's: a fleet ends hundreds of them in the time that one takes, and they
# must neither wait for room nor take it.
UNSPOKEN = 0.02
MOST_VOICES = 4096  # that are learnt one by one; the others share one pace
STEADY = 0.05  # what one result counts for once a pace is settled
PRIOR = 5  # results that what was known before counts for
MOST_PACE = 8.0  # times the characters' seconds; what lies beyond is not a matter of pace


@dataclass(frozen=True, slots=True)
class Measure:
    """What a prediction is made from."""

    voice_seed: int
    script: Script
    seconds: float  # as the characters alone suggest


@dataclass(slots=True)
class _Pace:
    ratio: float = 1.0  # real seconds by those that the characters suggest
    results: int = 0

    def learn(self, ratio: float) -> None:
        self.results += 1
        self.ratio += (ratio - self.ratio) * max(STEADY, 1 / (self.results + PRIOR))


class Costs:
    def __init__(self, most_voices: int = MOST_VOICES) -> None:
        self._most = most_voices
        self._voices: dict[tuple[int, Script], _Pace] = {}
        self._shared: dict[Script, _Pace] = {"mandarin": _Pace(), "latin": _Pace()}

    def predict(self, measure: Measure) -> float:
        """Return seconds of audio; at least LEAST."""
        pace = self._voices.get((measure.voice_seed, measure.script), self._shared[measure.script])
        return max(LEAST, measure.seconds * pace.ratio)

    def learn(self, measure: Measure, seconds: float) -> None:
        """Take the audio seconds of a result. Without sound or characters it says nothing."""
        if not (0 < seconds < math.inf and measure.seconds > 0):
            return
        ratio = min(max(seconds / measure.seconds, 1 / MOST_PACE), MOST_PACE)
        shared, key = self._shared[measure.script], (measure.voice_seed, measure.script)
        if key not in self._voices and len(self._voices) < self._most:
            self._voices[key] = _Pace(shared.ratio)
        if key in self._voices:
            self._voices[key].learn(ratio)
        shared.learn(ratio)


def measure(text: str, voice_seed: int, speed: float) -> Measure:
    """A digit counts as one ideograph: in Mandarin it is one syllable."""
    ideographs, letters, digits = count_characters(text)
    mandarin, latin = ideographs * IDEOGRAPH, letters * LETTER
    script: Script = "mandarin" if mandarin >= latin else "latin"
    return Measure(voice_seed, script, (mandarin + latin + digits * IDEOGRAPH) / speed)
