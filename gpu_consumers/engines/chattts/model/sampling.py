"""The next token as a pure function of logits, history, style and (seed; segment, stage, draw, step, codebook, token).

Gumbel-max: the arg-max of logits plus Gumbel noise is a draw from their softmax, so a token costs no generator
and no order. The warpers are upstream's, in upstream's order (ChatTTS core.py `_infer_code`, model/processors.py):
temperature, repetition penalty, top-P, top-K, the end token masked last. Ties go to the lower token.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad

from gpu_consumers.engines.chattts.model.philox import gumbel, philox

CANDIDATES = 100  # the most that top-K keeps (schemas/messages.py bounds it)
WINDOW = 16  # tokens of the same codebook that the repetition penalty looks back on
KEPT = 3  # tokens that top-P and top-K keep at least


@dataclass(frozen=True)
class Warp:
    """Sampling parameters of each row, (rows,), float32; top_k int64."""

    temperature: Tensor
    top_p: Tensor
    top_k: Tensor
    penalty: Tensor


@dataclass(frozen=True)
class Draw:
    """What the noise of each row is a function of, (rows,), int64."""

    seed: Tensor  # 64 bits
    segment: Tensor
    stage: Tensor
    number: Tensor
    step: Tensor


def sample(
    logits: Tensor, window: Tensor, warp: Warp, draw: Draw, end: int, may_end: Tensor
) -> Tensor:
    """Tokens (rows, codebooks) from logits (rows, codebooks, tokens), float32.

    `window`: the latest tokens (rows, codebooks, WINDOW), -1 where there are none yet. `may_end` (rows,): whether token `end` is permitted.
    """
    logits = penalise(logits / _each(warp.temperature), window, _each(warp.penalty))
    scores, tokens = best(logits)
    keep = survivors(scores - torch.logsumexp(logits, -1, keepdim=True), warp)
    keep &= may_end[:, None, None] | (tokens != end)
    scores = torch.where(keep, scores + noise(draw, tokens), -torch.inf)
    ranks = torch.arange(scores.shape[-1], device=scores.device)
    first = torch.where(scores == scores.amax(-1, keepdim=True), ranks, len(ranks)).amin(
        -1, keepdim=True
    )
    return tokens.gather(-1, first).squeeze(-1)


def penalise(logits: Tensor, window: Tensor, penalty: Tensor) -> Tensor:
    """Divides positive logits by the penalty to the power of their token's count in the window, and multiplies negative ones."""
    size = logits.shape[-1]
    padded = pad(
        logits, (0, 1)
    )  # one more column, for the places of the window that are still empty
    seen = torch.where(window < 0, size, window)
    factor = penalty ** (window[..., :, None] == window[..., None, :]).sum(-1)
    old = padded.gather(-1, seen)
    # A token that occurs twice is written twice, with the same value.
    padded.scatter_(-1, seen, torch.where(old < 0, old * factor, old / factor))
    return padded[..., :size]


def best(logits: Tensor) -> tuple[Tensor, Tensor]:
    """The CANDIDATES highest, descending, and their tokens. Each key holds its token, so that there are no ties."""
    size = logits.shape[-1]
    bits = (logits + 0.0).contiguous().view(torch.int32).long()  # + 0.0 turns -0 into 0
    order = torch.where(
        bits < 0, bits ^ 0x7FFFFFFF, bits
    )  # as integers they sort like the floats that they are
    keys = order * 65536 + torch.arange(65535, 65535 - size, -1, device=logits.device)
    tokens = 65535 - keys.topk(min(CANDIDATES, size), dim=-1).values % 65536
    return logits.gather(-1, tokens), tokens


def survivors(log_probabilities: Tensor, warp: Warp) -> Tensor:
    """Which of the ranked candidates top-P and then top-K keep."""
    probabilities = log_probabilities.exp()
    above = _running_sum(probabilities) - probabilities
    ranks = torch.arange(probabilities.shape[-1], device=probabilities.device)
    return ((above < _each(warp.top_p)) | (ranks < KEPT)) & (
        ranks < _each(warp.top_k).clamp(min=KEPT)
    )


def noise(draw: Draw, tokens: Tensor) -> Tensor:
    """Gumbel noise for tokens (rows, codebooks, candidates)."""
    codebook = torch.arange(tokens.shape[1], device=tokens.device)[:, None]
    key = (_each(draw.seed & 0xFFFFFFFF), _each((draw.seed >> 32) & 0xFFFFFFFF))
    counter = (
        _each(draw.step),
        tokens + codebook * 65536,
        _each(draw.segment),
        _each(draw.stage * 65536 + draw.number),
    )
    return gumbel(philox(key, counter)[0])


def _running_sum(values: Tensor) -> Tensor:
    """A cumulative sum whose order of additions is fixed; CUDA's own is not."""
    shift = 1
    while shift < values.shape[-1]:
        values = values + pad(values[..., :-shift], (shift, 0))
        shift *= 2
    return values


def _each(values: Tensor) -> Tensor:
    return values[:, None, None]
