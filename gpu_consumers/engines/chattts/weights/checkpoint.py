"""The sizes of a model, read from its configuration and from the headers of its weights; nothing is loaded."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from gpu_consumers.engines.chattts.model.dimensions import (
    CODEBOOKS,
    CODES,
    MEL_BANDS,
    N_FFT,
    ConvStack,
    Dimensions,
    VocosSize,
)
from seedcast.errors import EngineFailed

_REMEDY = "fetch or fabricate it again"
_MIXED = "the files must come from one model"


@dataclass(frozen=True)
class Header:
    """Names and shapes of the tensors in one safetensors file."""

    file: Path
    shapes: dict[str, tuple[int, ...]]

    @classmethod
    def read(cls, file: Path) -> "Header":
        try:
            with safe_open(file, framework="np") as tensors:
                names = list(tensors.keys())
                return cls(
                    file, {name: tuple(tensors.get_slice(name).get_shape()) for name in names}
                )
        except (SafetensorError, OSError) as error:
            raise EngineFailed(
                f"{file} cannot be read",
                expected="a safetensors file",
                got=str(error),
                remedy=_REMEDY,
            ) from None

    def of(self, name: str) -> tuple[int, ...]:
        if name not in self.shapes:
            raise EngineFailed(
                f"{self.file} has no tensor {name}",
                expected="weights in upstream's layout",
                remedy=_REMEDY,
            )
        return self.shapes[name]

    def expect(self, name: str, *shape: int) -> None:
        if (got := self.of(name)) != shape:
            raise EngineFailed(
                f"{self.file}: tensor {name}",
                expected=f"shape {shape}",
                got=f"{got}",
                remedy=_MIXED,
            )

    def matrix(self, name: str) -> tuple[int, int]:
        rows, columns = self._of_rank(name, 2)
        return rows, columns

    def cube(self, name: str) -> tuple[int, int, int]:
        outputs, inputs, kernel = self._of_rank(name, 3)
        return outputs, inputs, kernel

    def _of_rank(self, name: str, rank: int) -> tuple[int, ...]:
        if len(shape := self.of(name)) != rank:
            raise EngineFailed(
                f"{self.file}: tensor {name}",
                expected=f"{rank} dimensions",
                got=f"shape {shape}",
                remedy=_REMEDY,
            )
        return shape

    def count(self, prefix: str) -> int:
        """How many numbered children `prefix` has."""
        return len(
            {
                name.removeprefix(prefix).split(".")[0]
                for name in self.shapes
                if name.startswith(prefix)
            }
        )


def measured(
    config: Path, llama: Path, embed: Path, decoder: Path, dvae: Path, vocos: Path
) -> Dimensions:
    headers = [Header.read(file) for file in (llama, embed, decoder, dvae, vocos)]
    dimensions = _measure(_Config.read(config), *headers[1:])
    _contradictions(dimensions, *headers)
    return dimensions


@dataclass(frozen=True)
class _Config:
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
        """transformers 5 writes RoPE's base into a table of its own."""
        rope = self.values.get("rope_parameters")
        value = self.values.get(
            name, rope.get(name, default) if isinstance(rope, dict) else default
        )
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
    bottleneck, inputs, _ = header.cube(f"{part}conv_in.0.weight")
    outputs, hidden, _ = header.cube(f"{part}conv_out.weight")
    return ConvStack(inputs, outputs, hidden, header.count(f"{part}decoder_block."), bottleneck)


def _contradictions(
    size: Dimensions, llama: Header, embed: Header, decoder: Header, dvae: Header, vocos: Header
) -> None:
    """Whatever two files, or a file and upstream's constants, must agree on."""
    if size.hidden % size.heads:
        raise EngineFailed(
            "gpt/config.json: num_attention_heads",
            expected=f"a divisor of hidden_size {size.hidden}",
            got=str(size.heads),
            remedy=_MIXED,
        )
    if size.codebooks != CODEBOOKS:
        raise EngineFailed(
            f"{embed.file}: codebooks",
            expected=str(CODEBOOKS),
            got=str(size.codebooks),
            remedy=_MIXED,
        )
    for name in ("q_proj", "k_proj", "v_proj", "o_proj"):
        llama.expect(f"layers.0.self_attn.{name}.weight", size.hidden, size.hidden)
    llama.expect(f"layers.{size.layers - 1}.mlp.down_proj.weight", size.hidden, size.intermediate)
    if llama.count("layers.") != size.layers:
        raise EngineFailed(
            f"{llama.file}: layers",
            expected=str(size.layers),
            got=str(llama.count("layers.")),
            remedy=_MIXED,
        )
    llama.expect("norm.weight", size.hidden)
    embed.expect("emb_text.weight", size.text_tokens, size.hidden)
    embed.expect("head_text.parametrizations.weight.original1", size.text_tokens, size.hidden)
    for codebook in range(CODEBOOKS):
        embed.expect(f"emb_code.{codebook}.weight", CODES + 1, size.hidden)
        embed.expect(
            f"head_code.{codebook}.parametrizations.weight.original1", CODES + 1, size.hidden
        )
    for file, stack in ((decoder, size.decoder), (dvae, size.dvae_decoder)):
        file.expect("decoder.conv_out.weight", stack.inputs, stack.hidden, 1)
        file.expect("out_conv.weight", MEL_BANDS, stack.inputs, 3)
    decoder.expect(
        "decoder.conv_in.0.weight", size.decoder.bottleneck, size.hidden // 2, 3
    )  # a hidden state is two mel frames
    dvae.expect(
        "encoder.conv_out.weight", 2 * size.dvae_decoder.inputs, size.dvae_encoder.hidden, 1
    )
    vocos.expect("backbone.embed.weight", size.vocos.hidden, MEL_BANDS, 7)
    vocos.expect("head.out.weight", N_FFT + 2, size.vocos.hidden)
    vocos.expect("head.istft.window", N_FFT)
