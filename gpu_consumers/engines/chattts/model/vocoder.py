"""Hidden states to samples, by upstream's decoder and Vocos, one utterance at its exact length.

Upstream zero-pads a batch to its longest member, which changes real samples up to about a second
from the end. So utterances are never batched here.

In the precisions below float32, a CPU's matrix products round their inputs to bfloat16; sums, norms
and convolutions stay float32. That is about twice as fast, and 39 to 40 dB from float32's waveform
on random weights.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from ChatTTS.config import Config
from safetensors.torch import load_file
from torch import Tensor

from seedcast.gpu_consumers.engines.chattts.model import upstream_modules
from seedcast.gpu_consumers.engines.chattts.model.dimensions import Samples
from seedcast.gpu_consumers.engines.chattts.weights.assets import Assets


class Vocoder:
    """Upstream's decoder (hidden states to mel) and Vocos (mel to waveform) on one device."""

    def __init__(
        self, assets: Assets, config: Config, device: torch.device, reduced: bool = False
    ) -> None:
        """`reduced`: True if a CPU's matrix products may round their inputs to bfloat16."""
        self._precision = "bf16" if reduced and device.type == "cpu" else "ieee"
        self._decoder = upstream_modules.decoder(config).eval()
        self._decoder.load_pretrained(str(assets.decoder), device)
        self._vocos = upstream_modules.vocos(config).eval()
        self._vocos.load_state_dict(load_file(assets.vocos))
        self._vocos.to(device)

    def decode(self, hidden: Tensor) -> Samples:
        """Turn hidden states (tokens, hidden) float32 into samples (512 · tokens - 256,) float32.

        The samples are nominally in -1 … 1.
        """
        with matmul_precision(self._precision):
            mel = self._decoder(hidden.T[None].contiguous())
            samples: Samples = self._vocos.decode(mel)[0].cpu().numpy()
        return samples


@contextmanager
def matmul_precision(precision: str) -> Iterator[None]:
    """Set how oneDNN multiplies float32 matrices, "ieee" or "bf16", and restore it afterwards.

    torch has only one such setting for the whole process.
    """
    matmul = torch.backends.mkldnn.matmul  # type: ignore[attr-defined]
    before, matmul.fp32_precision = matmul.fp32_precision, precision
    try:
        yield
    finally:
        matmul.fp32_precision = before
