"""The same engine with free shapes: only the rows that are busy, products unpadded. What it gains is the price of reproducibility.

Not a product: as near as can be come without changing the engine. Its packed weights are those of full slots, its
attention and vocoder are unchanged, and moving a row to close a gap is not counted (an engine with free shapes would
have an indirection for it).
"""

import copy
import time
from collections.abc import Iterator
from dataclasses import fields, replace

import torch
from ChatTTS.model.embed import Embed
from torch import Tensor
from torch.nn.functional import linear

from benchmarks.chattts.backlog import Step
from benchmarks.chattts.parts import Parts
from gpu_consumers.engines.chattts.decoder import Decoder, Layer, Weights
from gpu_consumers.engines.chattts.dimensions import Dimensions
from gpu_consumers.engines.chattts.linear import Linear
from gpu_consumers.engines.chattts.model import Model
from gpu_consumers.engines.chattts.slots import Slots
from gpu_consumers.engines.chattts.tokenizer import SpecialTokens


class FreeModel(Model):
    """The same for the code head."""

    def __init__(self, dimensions: Dimensions, embed: Embed, decoder: Decoder, special: SpecialTokens, rows: int) -> None:
        super().__init__(dimensions, embed, decoder, special, rows)
        self._code_head = _unpadded(torch.cat([head.weight.detach() for head in embed.head_code]), rows)


class FreeDecoder(Decoder):
    """Takes any number of rows up to `rows`."""

    def __init__(self, dimensions: Dimensions, weights: Weights, rows: int, positions: int, dtype: torch.dtype, device: torch.device) -> None:
        super().__init__(dimensions, weights, rows, positions, dtype, device)

        def product(*names: str) -> Linear:
            return _unpadded(torch.cat([weights[f"{name}.weight"] for name in names]).to(device, dtype), rows)

        def freed(prefix: str, layer: Layer) -> Layer:
            return replace(
                layer,
                query_key_value=product(*(f"{prefix}.self_attn.{letter}_proj" for letter in "qkv")),
                output=product(f"{prefix}.self_attn.o_proj"),
                gate_up=product(f"{prefix}.mlp.gate_proj", f"{prefix}.mlp.up_proj"),
                down=product(f"{prefix}.mlp.down_proj"),
            )

        self._layers = [freed(f"layers.{number}", layer) for number, layer in enumerate(self._layers)]

    def move(self, source: int, target: int, length: int) -> None:
        for layer in self._layers:
            for cache in (layer.keys, layer.values):
                cache[target, :, :length] = cache[source, :, :length]


def _unpadded(weight: Tensor, rows: int) -> Linear:
    if weight.dtype != torch.float32:
        return lambda x: linear(x.to(weight.dtype), weight)
    layout = torch.ops.mkldnn._reorder_linear_weight(weight, rows)
    return lambda x: torch.ops.mkldnn._linear_pointwise(x, layout, None, "none", [], "")  # type: ignore[no-any-return]


class FreeStep(Step):
    """Closes the gaps, then takes one step of the busy rows alone."""

    def __call__(self, parts: Parts, held: list[bool]) -> float:
        assert isinstance(parts.decoder, FreeDecoder)
        began = time.perf_counter()
        while False in held[: sum(held)]:
            hole, last = held.index(False), len(held) - 1 - held[::-1].index(True)
            parts.decoder.move(last, hole, int(parts.slots.position[last]))
            for values in _tensors(parts.slots):
                values[hole] = values[last]
            held[hole], held[last] = True, False
        busy = _first(parts.slots, sum(held))
        spent = time.perf_counter() - began
        parts.model.step(busy, refining=False)
        return spent


def _tensors(slots: Slots) -> Iterator[Tensor]:
    """What a slot holds."""
    for name, value in vars(slots).items():
        if not name.startswith("_"):
            yield from [value] if isinstance(value, Tensor) else [getattr(value, field.name) for field in fields(value)]


def _first(slots: Slots, count: int) -> Slots:
    """Slots that share the memory of the first ones."""
    made = copy.copy(slots)
    for name, value in vars(slots).items():
        if isinstance(value, Tensor):
            setattr(made, name, value[:count])
        else:
            setattr(made, name, type(value)(*(getattr(value, field.name)[:count] for field in fields(value))))
    return made
