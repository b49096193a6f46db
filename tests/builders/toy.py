"""An engine to test with: its waveform is a function of text, seed and speed.

It takes several steps per request, as a real one does.
"""

import hashlib

import numpy as np

from seedcast.gpu_consumers.engines import Utterance
from seedcast.schemas.messages import RequestError, SpeechRequest
from seedcast.waveforms import Waveform


class ToyEngine:
    """An engine whose requests fail if their text contains "unstable".

    In a `leaky` engine the other requests in its slots change a waveform: the fault that `verify`
    must find.
    """

    sample_rate = 8000

    def __init__(
        self, slots: int = 4, fingerprint: str = "toy-1", *, leaky: bool = False, dialect: str = ""
    ) -> None:
        self.slots = self.capacity = slots
        self.fingerprint = fingerprint
        self.description = f"toy, fingerprint {fingerprint}"
        self.admitted: list[str] = []  # request ids, in order
        self.company: list[int] = []  # slots taken, at each step
        self.closed = False
        self._leaky, self._dialect = leaky, dialect
        self._rows: dict[int, tuple[SpeechRequest, int]] = {}  # by ticket, with the steps left

    def admit(self, ticket: int, request: SpeechRequest) -> None:
        if len(self._rows) >= self.slots:
            raise OverflowError("no slot is free")
        self.admitted.append(request.request_id)
        self._rows[ticket] = (request, 1 + len(request.text) % 3)

    def step(self) -> list[Utterance]:
        self.company.append(len(self._rows))
        self._rows = {ticket: (request, left - 1) for ticket, (request, left) in self._rows.items()}
        finished = [ticket for ticket, (_, left) in self._rows.items() if left == 0]
        spoken = [self._speak(ticket, self._rows[ticket][0]) for ticket in finished]
        for ticket in finished:
            del self._rows[ticket]
        return spoken

    def close(self) -> None:
        self.closed = True

    def _speak(self, ticket: int, request: SpeechRequest) -> Utterance:
        if "unstable" in request.text:
            return Utterance(
                ticket, None, RequestError(code="unstable", message="no plausible waveform")
            )
        neighbours = (
            sorted(other.request_id for other, _ in self._rows.values()) if self._leaky else []
        )
        return Utterance(ticket, toy_waveform(request, self._dialect + "".join(neighbours)))


def toy_waveform(request: SpeechRequest, neighbours: str = "") -> Waveform:
    digest = hashlib.sha256(
        f"{request.text}|{request.voice_seed}|{request.speed}|{neighbours}".encode()
    ).digest()
    return np.frombuffer(digest, "<i2")
