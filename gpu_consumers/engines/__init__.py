"""The Engine protocol and the engines by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from seedcast.catalog import lexicon
from seedcast.errors import EngineFailed
from seedcast.gpu_consumers.longest_speech import longest_speech
from seedcast.schemas.messages import RequestError, SpeechRequest
from seedcast.settings import Settings
from seedcast.waveforms import Waveform

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
    """The outcome of one admitted request: a waveform, or the error that explains its absence."""

    ticket: int  # as given to `admit`
    waveform: Waveform | None
    error: RequestError | None = None
    clipped: int = 0  # samples beyond full scale before quantisation
    draw: int = 0
    unspoken: int = 0  # characters of the text that have no sound


class Engine(Protocol):
    """Slots that utterances enter and leave between steps. Only one thread may call it.

    The waveform of a request may depend on the request and the fingerprint, and on nothing else.
    """

    @property
    def slots(self) -> int:
        """The number of slots: how many utterances are spoken at a time."""

    @property
    def capacity(self) -> int:
        """How many admitted requests may be unfinished at a time: the slots, or a few more."""

    @property
    def sample_rate(self) -> int:
        """Hz."""

    @property
    def fingerprint(self) -> str:
        """Covers everything that a waveform's bytes depend on beside the request."""

    @property
    def facts(self) -> Mapping[str, object]:
        """JSON values by name; the fingerprint is a hash of them."""

    @property
    def description(self) -> str:
        """One line for people: what the engine runs on, and its fingerprint."""

    def admit(self, ticket: int, request: SpeechRequest) -> None:
        """Accept a request; the caller keeps at most `capacity` of them unfinished."""

    def step(self) -> list[Utterance]:
        """Advance every slot; return the finished utterances, whose places are free again."""

    def close(self) -> None: ...


def _espeak(settings: Settings) -> Engine:
    from seedcast.gpu_consumers.engines.espeak.engine import EspeakEngine
    from seedcast.gpu_consumers.text import reader

    longest = longest_speech(settings.kafka.max_record_bytes, EspeakEngine.sample_rate)
    return EspeakEngine(settings.gpu.slots or 8, reader.of_settings(settings), longest)


def _chattts(settings: Settings) -> Engine:
    ensure_chattts_installed()
    from seedcast.gpu_consumers.engines.chattts.load import load
    from seedcast.gpu_consumers.engines.chattts.model.dimensions import SAMPLE_RATE
    from seedcast.gpu_consumers.engines.chattts.weights.assets import Assets

    longest = longest_speech(settings.kafka.max_record_bytes, SAMPLE_RATE)
    words, assets = lexicon.of_settings(settings), Assets.open(models_folder(settings))
    return load(settings.gpu, assets, words, settings.locale, longest)


def ensure_chattts_installed() -> None:
    """Raise EngineFailed if a package of ChatTTS is missing.

    The base install leaves them out: they take five gigabytes, and espeak does not need them.
    """
    if missing := [package for package in CHATTTS_PACKAGES if find_spec(package) is None]:
        raise EngineFailed(
            "ChatTTS",
            expected="its packages",
            got=f"no {', '.join(missing)}",
            remedy="pip install 'seedcast[chattts]', or `make setup-all`",
        )


def models_folder(settings: Settings) -> Path:
    """Return the folder of the ChatTTS weights: the configured one, or the default under home."""
    configured = settings.gpu.models
    return Path(configured) if configured else settings.home / "models" / "chattts"


def _echo(settings: Settings) -> Engine:
    from seedcast.gpu_consumers.engines.echo import EchoEngine

    return EchoEngine(settings.gpu.slots or 64)


ENGINES: dict[str, Callable[[Settings], Engine]] = {
    "espeak": _espeak,
    "chattts": _chattts,
    "echo": _echo,
}


def load(settings: Settings) -> Engine:
    """Return the engine that the settings name. Raises EngineFailed if it cannot run here."""
    return ENGINES[settings.gpu.engine](settings)
