"""Random weights in upstream's layout, for tests, benchmarks and trials without the real ones.

They speak noise, but behave like a model: states of unit size, a peaked choice of codes that
depends on what came before, an end that comes after seconds, and a level near that of speech
(about -19 dBFS, peaks of 0.6).
"""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import LlamaConfig, LlamaModel

from seedcast.gpu_consumers.engines.chattts.model import upstream_modules
from seedcast.gpu_consumers.engines.chattts.model.dimensions import (
    MEL_BANDS,
    N_FFT,
    Dimensions,
    size_of,
)
from seedcast.gpu_consumers.engines.chattts.weights import vocabulary
from seedcast.gpu_consumers.engines.chattts.weights.assets import Assets, Fabrication

# Standard deviations of logits. With END_LOGIT about 4 % of steps end at temperature 0.3, top-P 0.7
# and top-K 20 (measured).
CODE_LOGIT = 2.5
END_LOGIT = 3.3  # of the end token among the codes
END_OF_TEXT_LOGIT = 8.0  # of the token that ends a refined text, among 21,178 others
# Scale of a ConvNeXt block: upstream's initial 1e-6 would make every depth sound the same.
BLOCK_SCALE = 0.3
# Amplifies what a layer adds: attention (an average over positions) and the gated product give
# values smaller than their inputs.
RESIDUAL_GAIN = 2.0
# Magnitude of a Fourier bin, in nepers.
MAGNITUDE_DEVIATION = 0.4
MAGNITUDE_TILT = 3.0  # fall up to 12 kHz
MAGNITUDE_MEAN = 2.2  # at 0 Hz

State = dict[str, Tensor]


def fabricate(folder: Path, dimensions: Dimensions, seed: int) -> Assets:
    """Write all files under `folder`.

    The same sizes, seed and torch version give the same bytes.
    """
    files = Assets(folder)
    files.tokenizer.mkdir(parents=True, exist_ok=True)
    files.gpt.mkdir(parents=True, exist_ok=True)
    # The marker is first, so that an interrupted run is not taken for real weights.
    Fabrication(size_of(dimensions), seed).write(folder)
    vocabulary.write(files.tokenizer, dimensions.text_tokens)
    files.gpt_config.write_text(json.dumps(_llama_config(dimensions), indent=2) + "\n")
    for path, state in _states(files, dimensions, torch.Generator().manual_seed(seed)):
        save_file(state, path, metadata={"format": "pt"})
        path.chmod(0o644)  # safetensors leaves it readable by its owner alone
    return files


def _states(
    files: Assets, dimensions: Dimensions, random: torch.Generator
) -> Iterator[tuple[Path, State]]:
    """Yield each file's tensors. The order is part of the result: all draw from one generator."""
    config = upstream_modules.config(dimensions)
    with torch.device("meta"):  # shapes only
        llama = LlamaModel(LlamaConfig(**_llama_config(dimensions))).state_dict()
        embed = upstream_modules.embed(config).state_dict()
    yield (
        files.gpt_model,
        {name: _llama_weight(name, like, dimensions, random) for name, like in llama.items()},
    )
    yield (
        files.embed,
        {name: _embed_weight(name, like, dimensions, random) for name, like in embed.items()},
    )
    coefficients = torch.rand(1, MEL_BANDS, 1, generator=random) + 0.5
    with torch.random.fork_rng(devices=[]):  # the constructors draw; their values are overwritten
        dvae = upstream_modules.dvae(config)
        decoder = upstream_modules.decoder(config)
        vocos = upstream_modules.vocos(config)
    yield files.dvae, _convolutions(dvae, random) | {"coef": coefficients}
    yield files.decoder, _convolutions(decoder, random) | {"coef": coefficients}
    yield files.vocos, _convolutions(vocos, random) | _head(dimensions, random)


def _llama_config(dimensions: Dimensions) -> dict[str, Any]:
    """Return gpt/config.json.

    `vocab_size` is 1, since upstream deletes Llama's own embedding after loading it.
    """
    return {
        "architectures": ["LlamaModel"],
        "model_type": "llama",
        "vocab_size": 1,
        "hidden_size": dimensions.hidden,
        "intermediate_size": dimensions.intermediate,
        "num_attention_heads": dimensions.heads,
        "num_key_value_heads": dimensions.heads,
        "num_hidden_layers": dimensions.layers,
        "max_position_embeddings": dimensions.max_positions,
        "rms_norm_eps": dimensions.rms_eps,
        "rope_theta": dimensions.rope_theta,
        "hidden_act": "silu",
        "attention_bias": False,
        "bos_token_id": None,
        "eos_token_id": None,
        "num_audio_tokens": dimensions.audio_tokens,
        "num_text_tokens": dimensions.text_tokens,
        "num_vq": dimensions.codebooks,
        "torch_dtype": "float32",
    }


def _llama_weight(
    name: str, like: Tensor, dimensions: Dimensions, random: torch.Generator
) -> Tensor:
    if name.endswith("norm.weight"):
        return torch.ones(like.shape)
    weight = _normal(like.shape, random) / math.sqrt(like.shape[-1])
    if name.endswith(("o_proj.weight", "down_proj.weight")):
        # The sum of what all layers add is about as large as an embedding.
        weight *= RESIDUAL_GAIN / math.sqrt(2 * dimensions.layers)
    return weight


def _embed_weight(
    name: str, like: Tensor, dimensions: Dimensions, random: torch.Generator
) -> Tensor:
    if name.endswith("original0"):
        return _head_norms(name, like, dimensions)
    # The embeddings of the codebooks are summed.
    scale = math.sqrt(dimensions.codebooks) if name.startswith("emb_code") else 1.0
    return _normal(like.shape, random) / scale


def _head_norms(name: str, like: Tensor, dimensions: Dimensions) -> Tensor:
    """Return the row norms of a head: the deviation of its logits, since states have unit size."""
    norms = torch.full(like.shape, CODE_LOGIT)
    if name.startswith("head_code"):
        norms[dimensions.end_token] = END_LOGIT
    if name.startswith("head_text"):
        norms[vocabulary.ORDINARY + vocabulary.CONTROL.index("[Ebreak]")] = END_OF_TEXT_LOGIT
    return norms


def _convolutions(module: nn.Module, random: torch.Generator) -> State:
    """Draw all parameters but the norms' ones and zeros; keep the windows and filter banks."""
    drawn = {
        name: _convolution(name, parameter, random) for name, parameter in module.named_parameters()
    }
    return {
        name: drawn.get(name, value).contiguous() for name, value in module.state_dict().items()
    }


def _convolution(name: str, like: Tensor, random: torch.Generator) -> Tensor:
    if like.dim() > 1:
        return _normal(like.shape, random) * math.sqrt(2.0 / math.prod(like.shape[1:]))
    if "norm." in name:
        return like.detach().clone()
    return torch.full(like.shape, 0.0 if name.endswith(".bias") else BLOCK_SCALE)


def _head(dimensions: Dimensions, random: torch.Generator) -> State:
    """Return Vocos' last projection: a log magnitude and a phase for each of 513 Fourier bins."""
    bins, hidden = N_FFT // 2 + 1, dimensions.vocos.hidden
    deviations = [torch.full((bins, 1), MAGNITUDE_DEVIATION), torch.full((bins, 1), 2.0)]
    means = [MAGNITUDE_MEAN - MAGNITUDE_TILT * torch.linspace(0, 1, bins), torch.zeros(bins)]
    weight = _normal((2 * bins, hidden), random) * torch.cat(deviations) / math.sqrt(hidden)
    return {"head.out.weight": weight, "head.out.bias": torch.cat(means)}


def _normal(shape: tuple[int, ...] | torch.Size, random: torch.Generator) -> Tensor:
    return torch.randn(shape, generator=random)
