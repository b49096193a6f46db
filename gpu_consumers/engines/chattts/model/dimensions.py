"""The sizes of a ChatTTS model: upstream's, and a small model of the same architecture."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

CODEBOOKS = 4
CODES = 625  # per codebook: 5⁴; the token after them ends an utterance
MEL_BANDS, N_FFT, HOP = 100, 1024, 256  # of Vocos; fixed in ChatTTS/config/config.py
SAMPLE_RATE = 24_000  # Hz
SAMPLES_PER_TOKEN = 2 * HOP  # a token is two mel frames

Samples = npt.NDArray[np.float32]  # (samples,), nominally in -1 … 1


@dataclass(frozen=True)
class ConvStack:
    """The sizes of `DVAEDecoder` in ChatTTS/model/dvae.py.

    It has two convolutions, ConvNeXt blocks and a projection.
    """

    inputs: int
    outputs: int
    hidden: int
    layers: int
    bottleneck: int


@dataclass(frozen=True)
class VocosSize:
    """The sizes of the Vocos backbone (ChatTTS/config/config.py)."""

    hidden: int
    intermediate: int
    layers: int


@dataclass(frozen=True)
class Dimensions:
    """The sizes that determine the shapes of upstream's tensors, and two constants of its Llama."""

    hidden: int
    intermediate: int
    heads: int
    layers: int
    decoder: ConvStack  # hidden states → mel
    dvae_encoder: ConvStack  # mel → codes, of a recorded voice
    dvae_decoder: ConvStack  # codes → mel
    vocos: VocosSize  # mel → waveform
    audio_tokens: int = CODES + 1
    text_tokens: int = 21_178
    codebooks: int = CODEBOOKS
    max_positions: int = 4_096
    rms_eps: float = 1e-6
    rope_theta: float = 10_000.0

    @property
    def head_size(self) -> int:
        return self.hidden // self.heads

    @property
    def end_token(self) -> int:
        return self.audio_tokens - 1


FULL = Dimensions(
    hidden=768,
    intermediate=3_072,
    heads=12,
    layers=20,
    decoder=ConvStack(384, 384, 512, 12, 128),
    dvae_encoder=ConvStack(512, 1_024, 256, 12, 128),
    dvae_decoder=ConvStack(512, 512, 256, 12, 128),
    vocos=VocosSize(512, 1_536, 8),
)
TINY = Dimensions(
    hidden=64,
    intermediate=128,
    heads=4,
    layers=3,
    decoder=ConvStack(32, 32, 32, 2, 16),
    dvae_encoder=ConvStack(32, 64, 32, 2, 16),
    dvae_decoder=ConvStack(32, 32, 32, 2, 16),
    vocos=VocosSize(32, 96, 2),
)
SIZES = {"tiny": TINY, "full": FULL}


def size_of(dimensions: Dimensions) -> str:
    """Return the name of these sizes: 'tiny', 'full' or 'unknown'."""
    return next((name for name, size in SIZES.items() if size == dimensions), "unknown")
