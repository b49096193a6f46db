"""The Engine protocol and the engines by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from schemas.messages import RequestError, SpeechRequest
from seedcast.codec import Waveform
from seedcast.errors import EngineFailed
from seedcast.settings import Settings

CHATTTS_PACKAGES = (
    "ChatTTS",
    "torch",
    "transformers",
    "safetensors",
    "tokenizers",
    "huggingface_hub",
)


@dataclass(frozen=True)
class Utterance:
    """What came out of a slot: a waveform, or the reason why there is none."""

    ticket: int  # as given to `admit`
    waveform: Waveform | None
    error: RequestError | None = None
    clipped: int = 0  # samples beyond full scale before quantisation
    draw: int = 0
    unspoken: int = 0  # characters of the text that have no sound


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

    @property
    def facts(
        self,
    ) -> Mapping[str, object]: ...  # what the fingerprint is a hash of: JSON values by name

    @property
    def description(self) -> str: ...  # one line for people: what it runs on, and its fingerprint

    def admit(self, ticket: int, request: SpeechRequest) -> None:
        """Puts a request into a free slot; the caller counts them."""

    def step(self) -> list[Utterance]:
        """Moves every slot on; returns those that finished, whose slots are free again."""

    def close(self) -> None: ...


def _espeak(settings: Settings) -> Engine:
    from gpu_consumers.engines.espeak import EspeakEngine

    return EspeakEngine(settings.gpu.slots or 8)


def _chattts(settings: Settings) -> Engine:
    ensure_chattts_installed()
    from gpu_consumers.engines.chattts.load import load
    from gpu_consumers.engines.chattts.weights.assets import Assets

    return load(settings.gpu, Assets.open(models_folder(settings)))


def ensure_chattts_installed() -> None:
    """The base install is without it: five gigabytes that espeak does not need. Raises EngineFailed."""
    if missing := [package for package in CHATTTS_PACKAGES if find_spec(package) is None]:
        raise EngineFailed(
            "ChatTTS",
            expected="its packages",
            got=f"no {', '.join(missing)}",
            remedy="pip install 'seedcast[chattts]', or `make setup-all`",
        )


def models_folder(settings: Settings) -> Path:
    return (
        Path(settings.gpu.models) if settings.gpu.models else settings.home / "models" / "chattts"
    )


ENGINES: dict[str, Callable[[Settings], Engine]] = {"espeak": _espeak, "chattts": _chattts}


def load(settings: Settings) -> Engine:
    """Raises EngineFailed where this machine cannot run it."""
    return ENGINES[settings.gpu.engine](settings)
