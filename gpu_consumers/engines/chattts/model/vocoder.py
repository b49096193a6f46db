"""Hidden states to samples, by upstream's decoder and Vocos, one utterance at a time at its exact length.

Zero-padding a batch to its longest member, as upstream does, changes real samples up to about a second from the end.
In the precisions below float32 a CPU's matrix products round their inputs to bfloat16 (sums, norms and convolutions
stay float32): about twice as fast, and 39 to 40 dB from float32's waveform on random weights.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from ChatTTS.config import Config
from safetensors.torch import load_file
from torch import Tensor

from gpu_consumers.engines.chattts.model import upstream_modules
from gpu_consumers.engines.chattts.model.dimensions import Samples
from gpu_consumers.engines.chattts.weights.assets import Assets


class Vocoder:
    def __init__(
        self, assets: Assets, config: Config, device: torch.device, reduced: bool = False
    ) -> None:
        self._products = "bf16" if reduced and device.type == "cpu" else "ieee"
        self._decoder = upstream_modules.decoder(config).eval()
        self._decoder.load_pretrained(str(assets.decoder), device)
        self._vocos = upstream_modules.vocos(config).eval()
        self._vocos.load_state_dict(load_file(assets.vocos))
        self._vocos.to(device)

    def decode(self, hidden: Tensor) -> Samples:
        """Hidden states (tokens, hidden) float32 to samples (512 · tokens - 256,), nominally in -1 … 1."""
        with products(self._products):
            mel = self._decoder(hidden.T[None].contiguous())
            samples: Samples = self._vocos.decode(mel)[0].cpu().numpy()
        return samples


@contextmanager
def products(precision: str) -> Iterator[None]:
    """How oneDNN multiplies float32 matrices meanwhile: torch has one setting for the process."""
    matmul = torch.backends.mkldnn.matmul  # type: ignore[attr-defined]
    before, matmul.fp32_precision = matmul.fp32_precision, precision
    try:
        yield
    finally:
        matmul.fp32_precision = before
