"""The Engine protocol and the engines by name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from schemas.messages import RequestError, SpeechRequest
from seedcast.codec import Waveform
from seedcast.settings import GpuSettings


@dataclass(frozen=True)
class Utterance:
    """What came out of a slot: a waveform, or the reason why there is none."""

    ticket: int  # as given to `admit`
    waveform: Waveform | None
    error: RequestError | None = None
    clipped: int = 0  # samples beyond full scale before quantisation
    draw: int = 0


class Engine(Protocol):
    """Slots that utterances enter and leave between steps. One thread calls it.

    The waveform of a request may depend on the request and the fingerprint, and on nothing else.
    """

    @property
    def slots(self) -> int: ...

    @property
    def sample_rate(self) -> int: ...  # Hz

    @property
    def fingerprint(self) -> str: ...  # of everything that a waveform's bytes depend on

    def admit(self, ticket: int, request: SpeechRequest) -> None:
        """Puts a request into a free slot; the caller counts them."""

    def step(self) -> list[Utterance]:
        """Moves every slot on; returns those that finished, whose slots are free again."""

    def close(self) -> None: ...


def _espeak(settings: GpuSettings) -> Engine:
    from gpu_consumers.engines.espeak import EspeakEngine

    return EspeakEngine(settings.slots)


ENGINES: dict[str, Callable[[GpuSettings], Engine]] = {"espeak": _espeak}


def load(settings: GpuSettings) -> Engine:
    return ENGINES[settings.engine](settings)
