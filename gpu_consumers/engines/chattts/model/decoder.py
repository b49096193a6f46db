"""The transformer of ChatTTS, which computes one new position for every slot.

The architecture is Llama's (Touvron et al., 2023), as in `transformers`: RMS norm, rotary positions
by halves, SwiGLU. The residual stream, the norms, the positions and the heads are float32 in every
precision. The weights, their products and the cache have the chosen dtype; with int8 the cache is
bfloat16.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType

import torch
from torch import Tensor

from seedcast.gpu_consumers.engines.chattts.kernels import int8, linear
from seedcast.gpu_consumers.engines.chattts.kernels.linear import Linear
from seedcast.gpu_consumers.engines.chattts.model.dimensions import Dimensions

Attend = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor], Tensor]  # `attention_*.attend`
Weights = dict[str, Tensor]  # of asset/gpt/model.safetensors, by transformers' names


@dataclass(frozen=True)
class Layer:
    attention_norm: Tensor  # (hidden,) float32
    query_key_value: Linear
    output: Linear
    mlp_norm: Tensor  # (hidden,) float32
    gate_up: Linear
    down: Linear
    keys: Tensor  # (rows, heads, positions, head size) in the cache's dtype
    values: Tensor  # as keys


class Decoder:
    """The layers and their cache, for a fixed number of rows."""

    def __init__(
        self,
        dimensions: Dimensions,
        weights: Weights,
        rows: int,
        positions: int,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        """`dtype`: float32, bfloat16, float16 or int8.

        Raises EngineFailed if a matrix product cannot be computed alike for all rows.
        """
        prepare, source_dtype = linear.prepare, dtype
        if dtype == torch.int8:
            # int8 rounds float32 weights: by way of bfloat16 they would be rounded twice.
            prepare, source_dtype, dtype = int8.prepare, torch.float32, torch.bfloat16
        self._dimensions, self._dtype = dimensions, dtype
        self.attend, self._rowwise = kernels_for(device)
        self._cosine, self._sine = rotary_tables(
            dimensions.head_size, dimensions.rope_theta, positions, device
        )
        self._norm = weights["norm.weight"].to(device, torch.float32)
        cache_shape = (rows, dimensions.heads, positions, dimensions.head_size)

        def product(*names: str) -> Linear:
            joined = torch.cat([weights[f"{name}.weight"] for name in names])
            joined = joined.to(device, source_dtype)
            return prepare(joined, rows)

        def norm(name: str) -> Tensor:
            return weights[f"{name}.weight"].to(device, torch.float32)

        def cache() -> Tensor:
            # Zeros, not empty: masked and stale positions are never read, and what this memory
            # held before must not be read either.
            return torch.zeros(cache_shape, dtype=dtype, device=device)

        def layer(prefix: str) -> Layer:
            return Layer(
                attention_norm=norm(f"{prefix}.input_layernorm"),
                query_key_value=product(*(f"{prefix}.self_attn.{letter}_proj" for letter in "qkv")),
                output=product(f"{prefix}.self_attn.o_proj"),
                mlp_norm=norm(f"{prefix}.post_attention_layernorm"),
                gate_up=product(f"{prefix}.mlp.gate_proj", f"{prefix}.mlp.up_proj"),
                down=product(f"{prefix}.mlp.down_proj"),
                keys=cache(),
                values=cache(),
            )

        self.layers = [layer(f"layers.{number}") for number in range(dimensions.layers)]

    @property
    def linears(self) -> Iterator[Linear]:
        """Every matrix product of the layers."""
        for layer in self.layers:
            yield from (layer.query_key_value, layer.output, layer.gate_up, layer.down)

    def move(self, source: int, target: int, length: int) -> None:
        """Copy the first `length` positions of one row's cache into another row's."""
        for layer in self.layers:
            for cache in (layer.keys, layer.values):
                cache[target, :, :length] = cache[source, :, :length]

    def forward(self, x: Tensor, position: Tensor) -> Tensor:
        """Return the hidden states of one new position per row, and write the cache at it.

        x: the embeddings, (rows, hidden) float32; of all rows, or of the first ones.
        position: (rows,) int64.
        Returns (rows, hidden) float32.
        """
        cosine, sine = self._cosine[position], self._sine[position]
        for layer in self.layers:
            normed = self._rms_norm(x, layer.attention_norm)
            x = x + self._attention(layer, normed, cosine, sine, position)
            normed = self._rms_norm(x, layer.mlp_norm)
            x = x + layer.down(self._rowwise.swiglu(layer.gate_up(normed))).float()
        return self._rms_norm(x, self._norm)

    def _attention(
        self, layer: Layer, x: Tensor, cosine: Tensor, sine: Tensor, position: Tensor
    ) -> Tensor:
        rows, size = len(x), self._dimensions.head_size
        projected = layer.query_key_value(x).view(rows, 3, self._dimensions.heads, size)
        query, key = self._rowwise.rotate(projected, cosine, sine)
        key, value = key.to(self._dtype), projected[:, 2].to(self._dtype)
        attended = self.attend(query, key, value, layer.keys, layer.values, position)
        return layer.output(attended.view(rows, -1)).float()

    def _rms_norm(self, x: Tensor, weight: Tensor) -> Tensor:
        return self._rowwise.rms_norm(x, weight, self._dimensions.rms_eps)  # type: ignore[no-any-return]


def kernels_for(device: torch.device) -> tuple[Attend, ModuleType]:
    """Return `attend` and the row-wise module for a device.

    Each is imported only for its device: it needs a compiler that the other device's machine may
    lack.
    """
    if device.type == "cuda":
        from seedcast.gpu_consumers.engines.chattts.kernels import rowwise_torch
        from seedcast.gpu_consumers.engines.chattts.kernels.attention_cuda import attend

        return attend, rowwise_torch
    from seedcast.gpu_consumers.engines.chattts.kernels import attention_cpu, rowwise_cpu

    return attention_cpu.attend, rowwise_cpu


def rotary_tables(
    size: int, theta: float, positions: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Return cosine and sine of each position's angles, both (positions, size) float32.

    The angle of position p and element i of each half is p · theta^(-2i / size) (RoPE, Su et al.,
    2021).
    """
    frequencies = theta ** -(torch.arange(0, size, 2, dtype=torch.float32) / size)
    angles = torch.outer(torch.arange(positions, dtype=torch.float32), frequencies).repeat(1, 2)
    return angles.cos().to(device), angles.sin().to(device)
