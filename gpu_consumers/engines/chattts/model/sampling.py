"""The next token, as a pure function of logits, history, sampling parameters and random counter.

The random counter is (seed; segment, stage, draw, step, codebook, token).

Gumbel-max (Gumbel, 1954): the arg-max of logits plus Gumbel noise is a draw from their softmax. So
a token needs no generator whose state depends on the order of draws. The warpers are upstream's, in
upstream's order (ChatTTS core.py `_infer_code`, model/processors.py): temperature, repetition
penalty, top-P, top-K; the end token is masked last. Of equal logits the lower token wins.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad

from seedcast.gpu_consumers.engines.chattts.model.philox import gumbel, philox

CANDIDATES = 100  # the most that top-K keeps (schemas/messages.py bounds it)
WINDOW = 16  # latest tokens of the same codebook that the repetition penalty counts
KEPT = 3  # tokens that top-P and top-K keep at least


@dataclass(frozen=True)
class Warp:
    """The sampling parameters of each row, all (rows,) float32; top_k int64."""

    temperature: Tensor
    top_p: Tensor
    top_k: Tensor
    penalty: Tensor


@dataclass(frozen=True)
class Draw:
    """What the noise of each row is a function of, all (rows,) int64."""

    seed: Tensor  # 64 bits
    segment: Tensor
    stage: Tensor
    number: Tensor  # of the draw of this segment and stage, from 0
    step: Tensor


def sample(
    logits: Tensor, window: Tensor, warp: Warp, draw: Draw, end: int, may_end: Tensor
) -> Tensor:
    """Draw one token per row and codebook.

    logits: (rows, codebooks, tokens) float32.
    window: the latest tokens, (rows, codebooks, WINDOW) int64; -1 if there are none yet.
    end: the end token. may_end: (rows,) bool, True if the end token is permitted.
    Returns tokens (rows, codebooks) int64.
    """
    logits = penalise(logits / _per_row(warp.temperature), window, _per_row(warp.penalty))
    scores, tokens = best(logits)
    keep = survivors(scores - torch.logsumexp(aligned(logits), -1, keepdim=True), warp)
    keep &= may_end[:, None, None] | (tokens != end)
    scores = torch.where(keep, scores + noise(draw, tokens), -torch.inf)
    ranks = torch.arange(scores.shape[-1], device=scores.device)
    is_highest = scores == scores.amax(-1, keepdim=True)
    first = torch.where(is_highest, ranks, len(ranks)).amin(-1, keepdim=True)
    return tokens.gather(-1, first).squeeze(-1)


def aligned(logits: Tensor) -> Tensor:
    """Fill each row up with -inf, to a multiple of 16 bytes.

    On a CUDA device torch adds a row's first elements apart from the others, up to the next
    address that 16 divides. So the order of additions, and the bits, would depend on the row.

    logits: (rows, codebooks, tokens) float32. Returns (rows, codebooks, more tokens), contiguous.
    """
    return pad(logits, (0, -logits.shape[-1] % 4), value=-torch.inf).contiguous()


def penalise(logits: Tensor, window: Tensor, penalty: Tensor) -> Tensor:
    """Apply the repetition penalty, to the power of each token's count in the window.

    Positive logits are divided by it and negative ones multiplied, as in upstream's
    `CustomRepetitionPenaltyLogitsProcessorRepeat`.

    logits: (rows, codebooks, tokens) float32. window: (rows, codebooks, WINDOW) int64, -1 if empty.
    penalty: (rows, 1, 1) float32.
    Returns logits of the same shape.
    """
    size = logits.shape[-1]
    padded = pad(logits, (0, 1))  # one more column, which empty positions of the window point to
    seen = torch.where(window < 0, size, window)
    factor = penalty ** (window[..., :, None] == window[..., None, :]).sum(-1)
    old = padded.gather(-1, seen)
    # A token that occurs twice is written twice, with the same value.
    padded.scatter_(-1, seen, torch.where(old < 0, old * factor, old / factor))
    return padded[..., :size]


def best(logits: Tensor) -> tuple[Tensor, Tensor]:
    """Return the CANDIDATES highest logits in descending order, and their tokens.

    Each sort key contains its token, so that no two keys are equal and the lower token comes first.

    logits: (rows, codebooks, tokens) float32.
    Returns (rows, codebooks, candidates) float32 and int64.
    """
    size = logits.shape[-1]
    bits = (logits + 0.0).contiguous().view(torch.int32).long()  # + 0.0 turns -0 into 0
    # With the bits of negative floats inverted, integers sort like the floats that they stand for.
    order = torch.where(bits < 0, bits ^ 0x7FFFFFFF, bits)
    keys = order * 65536 + torch.arange(65535, 65535 - size, -1, device=logits.device)
    tokens = 65535 - keys.topk(min(CANDIDATES, size), dim=-1).values % 65536
    return logits.gather(-1, tokens), tokens


def survivors(log_probabilities: Tensor, warp: Warp) -> Tensor:
    """Return True for the candidates that top-P and then top-K keep; KEPT of them always.

    log_probabilities: (rows, codebooks, candidates) float32, in descending order.
    Returns bool of the same shape.
    """
    probabilities = log_probabilities.exp()
    above = _running_sum(probabilities) - probabilities
    ranks = torch.arange(probabilities.shape[-1], device=probabilities.device)
    in_top_p = (above < _per_row(warp.top_p)) | (ranks < KEPT)
    in_top_k = ranks < _per_row(warp.top_k).clamp(min=KEPT)
    return in_top_p & in_top_k


def noise(draw: Draw, tokens: Tensor) -> Tensor:
    """Return the Gumbel noise of each candidate.

    tokens: the candidates, (rows, codebooks, candidates) int64.
    Returns float32 of the same shape.
    """
    codebook = torch.arange(tokens.shape[1], device=tokens.device)[:, None]
    key = (_per_row(draw.seed & 0xFFFFFFFF), _per_row((draw.seed >> 32) & 0xFFFFFFFF))
    counter = (
        _per_row(draw.step),
        tokens + codebook * 65536,
        _per_row(draw.segment),
        _per_row(draw.stage * 65536 + draw.number),
    )
    return gumbel(philox(key, counter)[0])


def _running_sum(values: Tensor) -> Tensor:
    """Return the cumulative sum over the last axis, in a fixed order of additions.

    The order of CUDA's own cumulative sum is not fixed. This is the scan of Hillis and Steele
    (1986): the shift doubles in each pass.
    """
    shift = 1
    while shift < values.shape[-1]:
        values = values + pad(values[..., :-shift], (shift, 0))
        shift *= 2
    return values


def _per_row(values: Tensor) -> Tensor:
    """(rows,) to (rows, 1, 1), to broadcast over codebooks and tokens."""
    return values[:, None, None]
