"""The sampler once more, token by token in plain Python and NumPy, to compare ours with."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Logits = npt.NDArray[np.float32]
Words = tuple[int, ...]

KEPT = 3  # tokens that top-P and top-K leave at least
DOUBT = 1e-5  # below this distance float32 and float64 may decide differently
_MASK = 0xFFFFFFFF


@dataclass(frozen=True)
class Case:
    """The inputs of one draw: one row, one codebook."""

    logits: Logits
    window: tuple[int, ...]  # the latest tokens; -1 where there is none yet
    temperature: float
    top_p: float
    top_k: int
    penalty: float
    seed: int
    segment: int
    stage: int
    number: int
    step: int
    codebook: int
    may_end: bool


def philox(key: Words, counter: Words) -> Words:
    """Philox 4×32-10 as printed in Salmon et al., SC 2011."""
    (k0, k1), (c0, c1, c2, c3) = key, counter
    for _ in range(10):
        low, high = c0 * 0xD2511F53, c2 * 0xCD9E8D57
        c0, c1, c2, c3 = (high >> 32) ^ c1 ^ k0, high & _MASK, (low >> 32) ^ c3 ^ k1, low & _MASK
        k0, k1 = (k0 + 0x9E3779B9) & _MASK, (k1 + 0xBB67AE85) & _MASK
    return c0, c1, c2, c3


def penalised(case: Case) -> Logits:
    """Apply temperature and repetition penalty, rounded as float32 rounds, so ties stay ties."""
    logits = case.logits / np.float32(case.temperature)
    for token in set(case.window) - {-1}:
        factor = np.float32(np.float32(case.penalty) ** case.window.count(token))
        logits[token] = logits[token] * factor if logits[token] < 0 else logits[token] / factor
    return logits


def kept(case: Case, logits: Logits, lean: float = 0.0) -> list[int]:
    """Return the tokens that top-P (plus `lean`) and top-K keep, best first.

    `logits` are those after temperature and penalty.
    """
    exact = logits.astype(np.float64)
    probabilities = np.exp(exact - exact.max())
    probabilities /= probabilities.sum()
    ranked = sorted(range(len(exact)), key=lambda token: (-logits[token], token))
    tokens: list[int] = []
    above = 0.0
    for token in ranked[: max(case.top_k, KEPT)]:
        if len(tokens) >= KEPT and above >= case.top_p + lean:
            break
        tokens.append(token)
        above += probabilities[token]
    return tokens


def noise(case: Case, token: int) -> float:
    """Return the Gumbel noise of a token."""
    key = (case.seed & _MASK, case.seed >> 32)
    codebook_token = token + case.codebook * 65536
    stage_draw = case.stage * 65536 + case.number
    bits = philox(key, (case.step, codebook_token, case.segment, stage_draw))[0]
    return -math.log(-math.log(((bits >> 9) + 0.5) / 2**23))


def sample(case: Case, end: int) -> tuple[int, bool]:
    """Return the token, and True if no rounding could have chosen another one."""
    logits = penalised(case)
    (token, sure), (other, _) = (
        _best(case, logits, kept(case, logits, lean), end) for lean in (-DOUBT, DOUBT)
    )
    return token, sure and token == other


def _best(case: Case, logits: Logits, tokens: list[int], end: int) -> tuple[int, bool]:
    scores = [
        float(logits[token]) + noise(case, token) if case.may_end or token != end else -math.inf
        for token in tokens
    ]
    first, second = sorted(range(len(tokens)), key=lambda rank: (-scores[rank], rank))[:2]
    gap = scores[first] - scores[second]
    return tokens[first], gap > DOUBT * (1 + abs(scores[first]))
