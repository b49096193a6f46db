"""The sizes of a model, from its configuration and the headers of its weights; loads no weight."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from seedcast.errors import EngineFailed
from seedcast.gpu_consumers.engines.chattts.model.dimensions import (
    CODEBOOKS,
    CODES,
    MEL_BANDS,
    N_FFT,
    ConvStack,
    Dimensions,
    VocosSize,
)

_REMEDY = "pull or fabricate it again"
_MIXED = "take all files from one model"


@dataclass(frozen=True)
class Header:
    """Names and shapes of the tensors in one safetensors file. Its methods raise EngineFailed."""

    file: Path
    shapes: dict[str, tuple[int, ...]]

    @classmethod
    def read(cls, file: Path) -> "Header":
        try:
            with safe_open(file, framework="np") as tensors:
                names = list(tensors.keys())
                shapes = {name: tuple(tensors.get_slice(name).get_shape()) for name in names}
                return cls(file, shapes)
        except (SafetensorError, OSError) as error:
            raise EngineFailed(
                f"{file} cannot be read",
                expected="a safetensors file",
                got=str(error),
                remedy=_REMEDY,
            ) from None

    def shape(self, name: str) -> tuple[int, ...]:
        if name not in self.shapes:
            raise EngineFailed(
                f"{self.file} has no tensor {name}",
                expected="weights in upstream's layout",
                remedy=_REMEDY,
            )
        return self.shapes[name]

    def expect(self, name: str, *shape: int) -> None:
        """Raise EngineFailed if the tensor is missing or has another shape."""
        if (got := self.shape(name)) != shape:
            raise EngineFailed(
                f"{self.file}: tensor {name}",
                expected=f"shape {shape}",
                got=f"{got}",
                remedy=_MIXED,
            )

    def matrix(self, name: str) -> tuple[int, int]:
        rows, columns = self._shape_of_rank(name, 2)
        return rows, columns

    def kernel(self, name: str) -> tuple[int, int, int]:
        outputs, inputs, width = self._shape_of_rank(name, 3)
        return outputs, inputs, width

    def _shape_of_rank(self, name: str, rank: int) -> tuple[int, ...]:
        if len(shape := self.shape(name)) != rank:
            raise EngineFailed(
                f"{self.file}: tensor {name}",
                expected=f"{rank} dimensions",
                got=f"shape {shape}",
                remedy=_REMEDY,
            )
        return shape

    def count(self, prefix: str) -> int:
        """Return how many numbered children `prefix` has."""
        rest = (name.removeprefix(prefix) for name in self.shapes if name.startswith(prefix))
        return len({name.split(".")[0] for name in rest})


def read_dimensions(
    config: Path, llama: Path, embed: Path, decoder: Path, dvae: Path, vocos: Path
) -> Dimensions:
    """Return the dimensions of a model.

    Raises EngineFailed if a file cannot be read or if two of them contradict each other.
    """
    headers = [Header.read(file) for file in (llama, embed, decoder, dvae, vocos)]
    dimensions = _measure(_Config.read(config), *headers[1:])
    _ensure_consistent(dimensions, *headers)
    return dimensions


@dataclass(frozen=True)
class _Config:
    """gpt/config.json."""

    file: Path
    values: dict[str, Any]

    @classmethod
    def read(cls, file: Path) -> "_Config":
        try:
            values = json.loads(file.read_text(encoding="utf-8"))
        except (ValueError, RecursionError) as error:
            raise EngineFailed(f"{file} cannot be read", expected="JSON", got=str(error)) from None
        if not isinstance(values, dict):
            raise EngineFailed(
                f"{file} cannot be read", expected="a JSON object", got=type(values).__name__
            )
        return cls(file, values)

    def count(self, name: str, default: int | None = None) -> int:
        value = self.values.get(name, default)
        if not isinstance(value, int) or value < 1:
            raise EngineFailed(
                f"{self.file}: {name}", expected="a positive whole number", got=repr(value)
            )
        return value

    def positive(self, name: str, default: float) -> float:
        """Return a positive number; transformers 5 keeps RoPE's base in `rope_parameters`."""
        rope = self.values.get("rope_parameters")
        fallback = rope.get(name, default) if isinstance(rope, dict) else default
        value = self.values.get(name, fallback)
        if not isinstance(value, int | float) or not 0 < value <= sys.float_info.max:
            raise EngineFailed(
                f"{self.file}: {name}", expected="a positive number", got=repr(value)
            )
        return float(value)


def _measure(
    config: _Config, embed: Header, decoder: Header, dvae: Header, vocos: Header
) -> Dimensions:
    return Dimensions(
        hidden=config.count("hidden_size"),
        intermediate=config.count("intermediate_size"),
        heads=config.count("num_attention_heads"),
        layers=config.count("num_hidden_layers"),
        decoder=_stack(decoder, "decoder."),
        dvae_encoder=_stack(dvae, "encoder."),
        dvae_decoder=_stack(dvae, "decoder."),
        vocos=_vocos(vocos),
        audio_tokens=embed.matrix("emb_code.0.weight")[0],
        text_tokens=embed.matrix("emb_text.weight")[0],
        codebooks=embed.count("emb_code."),
        max_positions=config.count("max_position_embeddings", 4096),
        rms_eps=config.positive("rms_norm_eps", 1e-6),
        rope_theta=config.positive("rope_theta", 10_000.0),
    )


def _vocos(header: Header) -> VocosSize:
    intermediate, hidden = header.matrix("backbone.convnext.0.pwconv1.weight")
    return VocosSize(hidden, intermediate, header.count("backbone.convnext."))


def _stack(header: Header, part: str) -> ConvStack:
    bottleneck, inputs, _ = header.kernel(f"{part}conv_in.0.weight")
    outputs, hidden, _ = header.kernel(f"{part}conv_out.weight")
    return ConvStack(inputs, outputs, hidden, header.count(f"{part}decoder_block."), bottleneck)


def _ensure_consistent(
    size: Dimensions, llama: Header, embed: Header, decoder: Header, dvae: Header, vocos: Header
) -> None:
    """Raise EngineFailed if two files, or a file and upstream's constants, contradict."""
    _ensure_llama(size, llama)
    _ensure_embeddings(size, embed)
    for file, stack in ((decoder, size.decoder), (dvae, size.dvae_decoder)):
        file.expect("decoder.conv_out.weight", stack.inputs, stack.hidden, 1)
        file.expect("out_conv.weight", MEL_BANDS, stack.inputs, 3)
    mel_inputs = size.hidden // 2  # a hidden state is two mel frames
    decoder.expect("decoder.conv_in.0.weight", size.decoder.bottleneck, mel_inputs, 3)
    encoded = 2 * size.dvae_decoder.inputs
    dvae.expect("encoder.conv_out.weight", encoded, size.dvae_encoder.hidden, 1)
    vocos.expect("backbone.embed.weight", size.vocos.hidden, MEL_BANDS, 7)
    vocos.expect("head.out.weight", N_FFT + 2, size.vocos.hidden)
    vocos.expect("head.istft.window", N_FFT)


def _ensure_llama(size: Dimensions, llama: Header) -> None:
    if size.hidden % size.heads:
        raise EngineFailed(
            "gpt/config.json: num_attention_heads",
            expected=f"a divisor of hidden_size {size.hidden}",
            got=str(size.heads),
            remedy=_MIXED,
        )
    for name in ("q_proj", "k_proj", "v_proj", "o_proj"):
        llama.expect(f"layers.0.self_attn.{name}.weight", size.hidden, size.hidden)
    llama.expect(f"layers.{size.layers - 1}.mlp.down_proj.weight", size.hidden, size.intermediate)
    _expect_count(llama, "layers", size.layers, llama.count("layers."))
    llama.expect("norm.weight", size.hidden)


def _ensure_embeddings(size: Dimensions, embed: Header) -> None:
    _expect_count(embed, "codebooks", CODEBOOKS, size.codebooks)
    embed.expect("emb_text.weight", size.text_tokens, size.hidden)
    embed.expect("head_text.parametrizations.weight.original1", size.text_tokens, size.hidden)
    for codebook in range(CODEBOOKS):
        head = f"head_code.{codebook}.parametrizations.weight.original1"
        embed.expect(f"emb_code.{codebook}.weight", CODES + 1, size.hidden)
        embed.expect(head, CODES + 1, size.hidden)


def _expect_count(header: Header, what: str, expected: int, got: int) -> None:
    if got != expected:
        raise EngineFailed(
            f"{header.file}: {what}", expected=str(expected), got=str(got), remedy=_MIXED
        )
