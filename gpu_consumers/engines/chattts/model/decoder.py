"""The transformer of ChatTTS, one new position for every slot.

The architecture is Llama's (Touvron et al., 2023), as `transformers` has it: RMS norm, rotary positions by halves,
SwiGLU. The residual stream, the norms, the positions and the heads are float32 in every precision; weights, their
products and the cache are of the chosen type; with int8 the cache is bfloat16.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType

import torch
from torch import Tensor

from gpu_consumers.engines.chattts.kernels import int8, linear
from gpu_consumers.engines.chattts.kernels.linear import Linear
from gpu_consumers.engines.chattts.model.dimensions import Dimensions

Attend = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor], Tensor]  # `attention.attend`
Weights = dict[str, Tensor]  # of asset/gpt/model.safetensors, by transformers' names


@dataclass(frozen=True)
class Layer:
    attention_norm: Tensor  # (hidden,)
    query_key_value: Linear
    output: Linear
    mlp_norm: Tensor  # (hidden,)
    gate_up: Linear
    down: Linear
    keys: Tensor  # (rows, heads, positions, head size)
    values: Tensor


class Decoder:
    def __init__(
        self,
        dimensions: Dimensions,
        weights: Weights,
        rows: int,
        positions: int,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        """`dtype`: float32, bfloat16, float16, or int8."""
        # int8 rounds the weights as they are: by bfloat16 they would be rounded twice.
        prepare, given, dtype = (
            (int8.prepare, torch.float32, torch.bfloat16)
            if dtype == torch.int8
            else (linear.prepare, dtype, dtype)
        )
        self._dimensions, self._dtype = dimensions, dtype
        self._attend, self._rowwise = kernels(device)
        self._cosine, self._sine = rotary(
            dimensions.head_size, dimensions.rope_theta, positions, device
        )
        self._norm = weights["norm.weight"].to(device, torch.float32)

        def product(*names: str) -> Linear:
            return prepare(
                torch.cat([weights[f"{name}.weight"] for name in names]).to(device, given), rows
            )

        def layer(prefix: str) -> Layer:
            # Zeros, not empty: what is masked or stale is never read, but what a page held before must not be read either.
            keys, values = (
                torch.zeros(
                    rows,
                    dimensions.heads,
                    positions,
                    dimensions.head_size,
                    dtype=dtype,
                    device=device,
                )
                for _ in range(2)
            )
            return Layer(
                attention_norm=weights[f"{prefix}.input_layernorm.weight"].to(
                    device, torch.float32
                ),
                query_key_value=product(*(f"{prefix}.self_attn.{letter}_proj" for letter in "qkv")),
                output=product(f"{prefix}.self_attn.o_proj"),
                mlp_norm=weights[f"{prefix}.post_attention_layernorm.weight"].to(
                    device, torch.float32
                ),
                gate_up=product(f"{prefix}.mlp.gate_proj", f"{prefix}.mlp.up_proj"),
                down=product(f"{prefix}.mlp.down_proj"),
                keys=keys,
                values=values,
            )

        self._layers = [layer(f"layers.{number}") for number in range(dimensions.layers)]

    @property
    def products(self) -> Iterator[Linear]:
        for layer in self._layers:
            yield from (layer.query_key_value, layer.output, layer.gate_up, layer.down)

    def move(self, source: int, target: int, length: int) -> None:
        """A row's cache, as far as it is filled, into another row."""
        for layer in self._layers:
            for cache in (layer.keys, layer.values):
                cache[target, :, :length] = cache[source, :, :length]

    def forward(self, x: Tensor, position: Tensor) -> Tensor:
        """Embeddings (rows, hidden) float32 at positions (rows,) int64 to hidden states (rows, hidden) float32; of all rows or of the first ones."""
        cosine, sine = self._cosine[position], self._sine[position]
        for layer in self._layers:
            x = x + self._attention(
                layer, self._normed(x, layer.attention_norm), cosine, sine, position
            )
            x = (
                x
                + layer.down(
                    self._rowwise.gated(layer.gate_up(self._normed(x, layer.mlp_norm)))
                ).float()
            )
        return self._normed(x, self._norm)

    def _attention(
        self, layer: Layer, x: Tensor, cosine: Tensor, sine: Tensor, position: Tensor
    ) -> Tensor:
        rows, size = len(x), self._dimensions.head_size
        together = layer.query_key_value(x).view(rows, 3, self._dimensions.heads, size)
        query, key = self._rowwise.rotated(together, cosine, sine)
        attended = self._attend(
            query,
            key.to(self._dtype),
            together[:, 2].to(self._dtype),
            layer.keys,
            layer.values,
            position,
        )
        return layer.output(attended.view(rows, -1)).float()

    def _normed(self, x: Tensor, weight: Tensor) -> Tensor:
        return self._rowwise.normed(x, weight, self._dimensions.rms_eps)  # type: ignore[no-any-return]


def kernels(device: torch.device) -> tuple[Attend, ModuleType]:
    """Attention, and what is done row by row. Each needs a compiler that the other's machine may lack."""
    if device.type == "cuda":
        from gpu_consumers.engines.chattts.kernels import rowwise_torch
        from gpu_consumers.engines.chattts.kernels.attention_cuda import attend

        return attend, rowwise_torch
    from gpu_consumers.engines.chattts.kernels import attention_cpu, rowwise_cpu

    return attention_cpu.attend, rowwise_cpu


def rotary(size: int, theta: float, positions: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Cosine and sine of each position's angles, (positions, size) float32 (Su et al., 2021)."""
    frequencies = theta ** -(torch.arange(0, size, 2, dtype=torch.float32) / size)
    angles = torch.outer(torch.arange(positions, dtype=torch.float32), frequencies).repeat(1, 2)
    return angles.cos().to(device), angles.sin().to(device)
