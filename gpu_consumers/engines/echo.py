"""The engine that speaks nothing: it answers at once with short pulses of tone.

For load tests, dry runs of a deployment, and tests of what is before and behind Seedcast: a request
costs microseconds, and all that follows is as it is with an engine that speaks. One pulse stands
for eight characters. How high the pulses are depends on the voice seed, the speed and the text, so
that no two requests are likely to sound alike.
"""

import hashlib
import math
from functools import cache

import numpy as np

from seedcast.gpu_consumers.engines import Utterance
from seedcast.gpu_consumers.engines.fingerprint import fingerprint
from seedcast.schemas.messages import SpeechRequest
from seedcast.waveforms import Waveform

REVISION = 1  # part of the fingerprint: raise it when a request sounds otherwise
SAMPLE_RATE = 24_000
# Samples of a pulse and the pause after it. Post-processing measures noise by spectra of 32 ms: one
# fits each pause, whose digital silence shows it that there is no noise, whatever the pulses are.
PULSE = SAMPLE_RATE // 10
SOUND = PULSE // 2  # samples of the pulse
RAMP = SAMPLE_RATE // 100  # samples in which a pulse swells, and in which it fades
PEAK = 12_000
PERIODS = tuple(range(20, 52, 2))  # samples: 1,200 to 480 Hz, within a telephone's band
CHARACTERS = 8  # per pulse, at speed 1
# At least 0.8 s, twice the window in which loudness is measured; at most a byte of the hash each.
FEWEST, MOST = 8, 64


class EchoEngine:
    """Each step finishes every utterance."""

    sample_rate = SAMPLE_RATE

    def __init__(self, slots: int) -> None:
        self.slots = self.capacity = slots
        self.facts: dict[str, object] = {"engine": "echo", "revision": REVISION}
        self.fingerprint = fingerprint(self.facts)
        self.description = f"echo, which speaks nothing, {slots} slots, {self.fingerprint}"
        self._admitted: list[tuple[int, SpeechRequest]] = []

    def admit(self, ticket: int, request: SpeechRequest) -> None:
        self._admitted.append((ticket, request))

    def step(self) -> list[Utterance]:
        admitted, self._admitted = self._admitted, []
        return [Utterance(ticket, echo(request)) for ticket, request in admitted]

    def close(self) -> None:
        self._admitted.clear()


def echo(request: SpeechRequest) -> Waveform:
    """Return the pulses of a request: (samples,), 0.1 s each."""
    pulses = math.ceil(len(request.text) / (CHARACTERS * request.speed))
    said = f"{request.voice_seed} {request.speed} {request.text}"
    digest = hashlib.blake2b(said.encode()).digest()
    heights = np.frombuffer(digest, np.uint8)[: min(max(pulses, FEWEST), MOST)] % len(PERIODS)
    return _pulses()[heights].reshape(-1)


@cache
def _pulses() -> Waveform:
    """Return (pulses, samples): one per period, by whole numbers, which are alike everywhere.

    A half-wave is a parabola, which is a sine's to 6 % of its peak.
    """
    sample = np.arange(SOUND)
    swelling = np.minimum(np.minimum(sample, SOUND - 1 - sample), RAMP)
    pulses = np.zeros((len(PERIODS), PULSE), "<i2")
    for pulse, period in zip(pulses, PERIODS, strict=True):
        half = period // 2
        phase, sign = sample % half, 1 - 2 * (sample // half % 2)
        pulse[:SOUND] = sign * (4 * PEAK * phase * (half - phase) // half**2) * swelling // RAMP
    return pulses
