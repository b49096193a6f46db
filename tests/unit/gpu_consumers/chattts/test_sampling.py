"""The sampler agrees with a plain reference token for token, and with upstream's warpers.

It draws from the exact distribution, and no row depends on its neighbours.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
import torch
from ChatTTS.model.processors import CustomRepetitionPenaltyLogitsProcessorRepeat
from scipy.stats import chi2_contingency, chisquare
from torch import Tensor
from transformers.generation import TopKLogitsWarper, TopPLogitsWarper

from seedcast.gpu_consumers.engines.chattts.model.sampling import (
    CANDIDATES,
    KEPT,
    WINDOW,
    Draw,
    Warp,
    best,
    noise,
    penalise,
    sample,
    survivors,
)
from tests.unit.gpu_consumers.chattts import reference
from tests.unit.gpu_consumers.chattts.reference import Case

TOKENS, END, BOOKS = 126, 125, 4  # the model has 626
ROWS = 200  # upstream's penalty covers only 156 rows of four codebooks


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def floats(values: npt.ArrayLike) -> Tensor:
    return torch.tensor(np.asarray(values), dtype=torch.float32)


def cases(random: np.random.Generator, rows: int, *, ties: bool) -> list[list[Case]]:
    """Return cases by row and codebook. With ties, logits are multiples of ½."""
    return [_row(random, ties) for _ in range(rows)]


def _row(random: np.random.Generator, ties: bool) -> list[Case]:
    logits = (random.standard_normal((BOOKS, TOKENS)) * random.choice([0.5, 2.5, 6.0])).astype(
        np.float32
    )
    windows = random.integers(0, random.choice([3, 20, TOKENS]), (BOOKS, WINDOW))
    windows[:, : random.integers(0, WINDOW + 1)] = -1  # the start of an utterance
    shared = Case(
        logits=logits[0],
        window=(),
        temperature=float(np.float32(random.choice([0.1, 0.3, 0.5, 1.0, 2.0]))),
        top_p=float(np.float32(random.choice([1e-4, 0.7131, 0.9473, 1.0]))),
        top_k=int(random.choice([1, 2, 3, 4, 20, CANDIDATES])),
        penalty=float(np.float32(random.choice([1.0, 1.05, 1.5, 2.0]))),
        seed=int(random.integers(0, 2**53)),
        segment=int(random.integers(0, 2**24)),
        stage=int(random.integers(0, 2)),
        number=int(random.integers(0, 3)),
        step=int(random.integers(0, 1000)),
        codebook=0,
        may_end=bool(random.integers(0, 2)),
    )
    logits[:, END] += random.choice([0, 6])  # often the best
    halves = np.round(logits * 2) / 2 if ties else logits
    return [
        replace(shared, logits=halves[book], window=tuple(windows[book].tolist()), codebook=book)
        for book in range(BOOKS)
    ]


def batch(rows: list[list[Case]]) -> tuple[Tensor, Tensor, Warp, Draw, int, Tensor]:
    """Return the arguments of `sample` for cases by row and codebook."""
    first = [row[0] for row in rows]
    return (
        floats(np.stack([[case.logits for case in row] for row in rows])),
        torch.tensor([[case.window for case in row] for row in rows]),
        Warp(
            floats([c.temperature for c in first]),
            floats([c.top_p for c in first]),
            torch.tensor([c.top_k for c in first]),
            floats([c.penalty for c in first]),
        ),
        Draw(
            *(
                torch.tensor([getattr(case, name) for case in first])
                for name in ("seed", "segment", "stage", "number", "step")
            )
        ),
        END,
        torch.tensor([case.may_end for case in first]),
    )


@pytest.mark.parametrize("ties", [False, True])
def test_every_token_is_the_references(ties: bool) -> None:
    random = np.random.default_rng(int(ties))
    undecided = 0
    for _ in range(3):
        rows = cases(random, ROWS, ties=ties)
        for row, tokens in zip(rows, sample(*batch(rows)).tolist(), strict=True):
            for case, token in zip(row, tokens, strict=True):
                expected, sure = reference.sample(case, END)
                undecided += not sure
                assert token == expected or not sure, case
    assert undecided < 3 * ROWS * BOOKS / 100


def test_the_penalty_is_upstreams_and_also_covers_rows_that_upstream_leaves_out() -> None:
    """Upstream's processor, as upstream constructs it, covers 625 pairs of a row and a codebook."""
    random = np.random.default_rng(2)
    logits = torch.tensor(random.standard_normal((ROWS, BOOKS, TOKENS)), dtype=torch.float32)
    window = torch.tensor(random.integers(0, 9, (ROWS, BOOKS, WINDOW)))
    flat, tokens = logits.view(-1, TOKENS), window.view(-1, WINDOW)
    penalised = penalise(logits, window, torch.full((ROWS, 1, 1), 1.05)).view(-1, TOKENS)
    whole, as_upstream = (
        CustomRepetitionPenaltyLogitsProcessorRepeat(1.05, size, WINDOW)(tokens, flat)
        for size in (ROWS * BOOKS, 625)
    )
    torch.testing.assert_close(penalised, whole, rtol=1e-6, atol=0)
    assert (penalised != flat).any(-1).all()
    assert torch.equal(as_upstream[625:], flat[625:])
    torch.testing.assert_close(penalised[:625], as_upstream[:625], rtol=1e-6, atol=0)


@pytest.mark.parametrize(
    ("top_p", "top_k"),
    [(0.7, 20), (0.95, 50), (0.3, 1), (1e-4, 20), (1.0, 100), (0.9, 2), (1.0, 1)],
)
def test_the_kept_tokens_are_transformers(top_p: float, top_k: int) -> None:
    logits = torch.randn(ROWS, BOOKS, TOKENS, generator=torch.Generator().manual_seed(3)) * 2.5
    scores, tokens = best(logits)
    one = torch.ones(ROWS)
    keep = survivors(
        scores - torch.logsumexp(logits, -1, keepdim=True),
        Warp(one, one * top_p, one.long() * top_k, one),
    )
    kept = torch.zeros(logits.shape, dtype=torch.bool).scatter(-1, tokens, keep)
    none = torch.zeros(ROWS * BOOKS, 0, dtype=torch.int64)
    warped = TopKLogitsWarper(top_k, min_tokens_to_keep=KEPT)(
        none, TopPLogitsWarper(top_p, min_tokens_to_keep=KEPT)(none, logits.view(-1, TOKENS))
    )
    assert torch.equal(kept.view(-1, TOKENS), torch.isfinite(warped))
    assert keep.sum(-1).min() >= KEPT


def test_ties_go_to_the_lower_token() -> None:
    scores, tokens = best(torch.tensor([[[0.0, -0.0, 1.0, -1.0, 1.0, -1.0, 0.0]]]))
    assert tokens.flatten().tolist() == [2, 4, 0, 1, 6, 3, 5]
    assert scores.flatten().tolist() == [1, 1, 0, 0, 0, -1, -1]


def draws(case: Case, count: int, changing: str, books: int = BOOKS) -> npt.NDArray[np.int64]:
    """Draw tokens (count, books) of the same row, while one part of its draw counts from 0."""
    parts = torch.arange(count).split(500)
    tokens = [sample(*_copies(case, part, changing, books)) for part in parts]
    return torch.cat(tokens).numpy()


def _copies(
    case: Case, counted: Tensor, changing: str, books: int
) -> tuple[Tensor, Tensor, Warp, Draw, int, Tensor]:
    logits, window, warp, draw, end, may_end = batch(
        [[replace(case, codebook=book) for book in range(books)]]
    )
    count = len(counted)
    draws = {
        name: counted if name == changing else value.expand(count)
        for name, value in vars(draw).items()
    }
    return (
        logits.expand(count, -1, -1),
        window.expand(count, -1, -1),
        Warp(*(part.expand(count) for part in vars(warp).values())),
        Draw(**draws),
        end,
        may_end.expand(count),
    )


COUNT = 20_000
PLAIN = Case(
    logits=(np.random.default_rng(5).standard_normal(TOKENS) * 2.5).astype(np.float32),
    window=(-1,) * 8 + (1, 2, 3, 4, 5, 6, 7, 7),
    temperature=1.3,
    top_p=0.9,
    top_k=20,
    penalty=1.2,
    seed=42,
    segment=0,
    stage=0,
    number=0,
    step=0,
    codebook=0,
    may_end=True,
)


@pytest.mark.parametrize(("changing", "books"), [("step", BOOKS), ("seed", 1), ("segment", 1)])
def test_draws_have_the_exact_distribution_of_the_kept_tokens(changing: str, books: int) -> None:
    tokens = draws(PLAIN, COUNT, changing, books)
    logits = reference.penalised(PLAIN)
    kept = reference.kept(PLAIN, logits)
    weights = np.exp(logits[kept].astype(np.float64))
    for book in range(books):
        counts = np.bincount(tokens[:, book], minlength=TOKENS)
        assert counts.sum() == counts[kept].sum()
        assert chisquare(counts[kept], weights / weights.sum() * COUNT).pvalue > 1e-3, book


def test_draws_of_two_codebooks_and_of_successive_steps_are_independent() -> None:
    tokens = draws(replace(PLAIN, top_k=4), COUNT, "step", 2)
    for one, other in ((tokens[:, 0], tokens[:, 1]), (tokens[:-1, 0], tokens[1:, 0])):
        table = np.zeros((TOKENS, TOKENS))
        np.add.at(table, (one, other), 1)
        assert chi2_contingency(table[np.ix_(table.any(1), table.any(0))]).pvalue > 1e-3


def test_a_draw_depends_on_seed_segment_stage_and_number() -> None:
    plain = draws(PLAIN, 200, "step")
    assert np.array_equal(plain, draws(PLAIN, 200, "step"))
    for other in (
        replace(PLAIN, seed=43),
        replace(PLAIN, seed=42 + 2**32),
        replace(PLAIN, segment=1),
        replace(PLAIN, stage=1),
        replace(PLAIN, number=1),
    ):
        assert (draws(other, 200, "step") == plain).mean() < 0.5, other


def test_the_end_token_is_never_drawn_before_it_is_permitted() -> None:
    logits = np.where(np.arange(TOKENS) == END, 50, PLAIN.logits).astype(np.float32)
    certain = replace(PLAIN, logits=logits)
    assert (draws(certain, 100, "step") == END).all()
    early = draws(replace(certain, may_end=False), 100, "step")
    assert (early != END).all()
    kept = reference.kept(certain, reference.penalised(certain))
    assert set(early.flatten().tolist()) <= set(kept)


def test_a_token_does_not_depend_on_neighbours_or_on_its_row() -> None:
    random = np.random.default_rng(7)
    mine = cases(random, ROWS, ties=False)
    expected = sample(*batch(mine))
    for rows in (mine[::-1], mine[1:] + mine[:1]):
        again = sample(*batch(rows))
        moved_to = [next(i for i, row in enumerate(rows) if row is wanted) for wanted in mine]
        assert torch.equal(again[moved_to], expected)
    others = cases(random, ROWS, ties=True)
    pairs = enumerate(zip(mine, others, strict=True))
    mixed = [own if row % 3 == 0 else other for row, (own, other) in pairs]
    assert torch.equal(sample(*batch(mixed))[::3], expected[::3])
    for count in (1, 2, 17):
        assert torch.equal(sample(*batch(mine[:count])), expected[:count])


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_every_intermediate_result_has_the_same_bits_in_every_row(threads: int) -> None:
    torch.set_num_threads(threads)
    case = [replace(PLAIN, codebook=book) for book in range(BOOKS)]
    logits, window, warp, draw, _, _ = batch([case] * 301)
    penalised = penalise(
        logits / warp.temperature[:, None, None], window, warp.penalty[:, None, None]
    )
    scores, tokens = best(penalised)
    total = torch.logsumexp(penalised, -1, keepdim=True)
    for part in (penalised, scores, tokens, total, (scores - total).exp(), noise(draw, tokens)):
        assert torch.equal(part, part[:1].expand_as(part))
