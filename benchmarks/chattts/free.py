"""The same engine with free shapes: only the busy rows, and products without padding.

What it gains is the price of reproducibility. It is not a product, but as near as one gets without
changing the engine. Its weights are laid out for full slots, its attention and vocoder are
unchanged, and moving a row to close a gap is not counted (an engine with free shapes would have an
indirection for it).
"""

import time
from dataclasses import replace

import torch
from ChatTTS.model.embed import Embed
from torch import Tensor

from benchmarks.chattts.backlog import Advance
from benchmarks.chattts.parts import Parts
from seedcast.gpu_consumers.engines.chattts.kernels import linear
from seedcast.gpu_consumers.engines.chattts.kernels.linear import Linear
from seedcast.gpu_consumers.engines.chattts.model.decoder import Decoder, Layer, Weights
from seedcast.gpu_consumers.engines.chattts.model.dimensions import Dimensions
from seedcast.gpu_consumers.engines.chattts.model.model import Model
from seedcast.gpu_consumers.engines.chattts.model.tokenizer import SpecialTokens


class FreeModel(Model):
    """Takes any number of rows up to `rows`."""

    def __init__(
        self,
        dimensions: Dimensions,
        embed: Embed,
        decoder: Decoder,
        special: SpecialTokens,
        rows: int,
    ) -> None:
        super().__init__(dimensions, embed, decoder, special, rows)
        code_heads = torch.cat([head.weight.detach() for head in embed.head_code])
        self._code_head = _unpadded(code_heads, rows)
        self._text_head = _unpadded(embed.head_text.weight.detach(), rows)


class FreeDecoder(Decoder):
    """Takes any number of rows up to `rows`."""

    def __init__(
        self,
        dimensions: Dimensions,
        weights: Weights,
        rows: int,
        positions: int,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        super().__init__(dimensions, weights, rows, positions, dtype, device)

        def product(*names: str) -> Linear:
            joined = torch.cat([weights[f"{name}.weight"] for name in names])
            return _unpadded(joined.to(device, dtype), rows)

        def freed(prefix: str, layer: Layer) -> Layer:
            return replace(
                layer,
                query_key_value=product(*(f"{prefix}.self_attn.{letter}_proj" for letter in "qkv")),
                output=product(f"{prefix}.self_attn.o_proj"),
                gate_up=product(f"{prefix}.mlp.gate_proj", f"{prefix}.mlp.up_proj"),
                down=product(f"{prefix}.mlp.down_proj"),
            )

        self.layers = [freed(f"layers.{number}", layer) for number, layer in enumerate(self.layers)]


def _unpadded(weight: Tensor, rows: int) -> Linear:
    packed = weight.dtype == torch.float32 or torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return Linear(linear.product(weight, rows, packed, multiple=1), tuple(range(1, rows)))


class FreeAdvance(Advance):
    """Takes one step of the busy rows alone; closing the gaps is not counted."""

    def __call__(self, parts: Parts, busy: list[bool]) -> float:
        began = time.perf_counter()
        rows = parts.batch_sizes.fit(busy)
        excluded = time.perf_counter() - began
        parts.model.step(rows, refining=False)
        return excluded
