"""Random numbers without state: known answers, agreement with a reference, and distribution.

The known answers are those of Random123.
"""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seedcast.gpu_consumers.engines.chattts.model.philox import gumbel, philox, uniform
from tests.unit.gpu_consumers.chattts import reference

ONES = 0xFFFFFFFF
word = st.integers(0, ONES)
words = st.lists(st.tuples(*[word] * 6), min_size=1, max_size=20)

# kat_vectors of Random123: philox4x32, 10 rounds
KNOWN = [
    (
        "00000000 00000000",
        "00000000 00000000 00000000 00000000",
        "6627e8d5 e169c58d bc57ac4c 9b00dbd8",
    ),
    (
        "ffffffff ffffffff",
        "ffffffff ffffffff ffffffff ffffffff",
        "408f276d 41c83b0e a20bc7c6 6d5451fd",
    ),
    (
        "a4093822 299f31d0",
        "243f6a88 85a308d3 13198a2e 03707344",
        "d16cfe09 94fdcceb 5001e420 24126ea1",
    ),
]


def ours(rows: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """Return our words for rows of two words of a key and four of a counter."""
    k0, k1, c0, c1, c2, c3 = torch.tensor(rows).unbind(1)
    return [tuple(row) for row in torch.stack(philox((k0, k1), (c0, c1, c2, c3)), 1).tolist()]


@pytest.mark.parametrize(("key", "counter", "answer"), KNOWN)
def test_the_known_answers_of_random123(key: str, counter: str, answer: str) -> None:
    given_words = tuple(int(text, 16) for text in (key + " " + counter).split())
    expected = tuple(int(text, 16) for text in answer.split())
    assert ours([given_words]) == [expected]
    assert reference.philox(given_words[:2], given_words[2:]) == expected


@given(words)
def test_any_key_and_counter_agree_with_the_reference(rows: list[tuple[int, ...]]) -> None:
    assert ours(rows) == [reference.philox(row[:2], row[2:]) for row in rows]


def test_a_key_is_broadcast_over_counters() -> None:
    zero, counters = torch.zeros(1, dtype=torch.int64), torch.arange(7)
    result = philox((zero + 3, zero + 4), (counters, zero, zero + 9, zero))
    expected = ours([(3, 4, counter, 0, 9, 0) for counter in range(7)])
    assert [tuple(row) for row in torch.stack(result, 1).tolist()] == expected


def test_uniform_is_never_0_nor_1() -> None:
    lower, middle = [0, 1, 255, 256, 511, 512], [2**31 - 1, 2**31]
    upper = [ONES - 512, ONES - 256, ONES - 255, ONES - 1, ONES]
    edges = torch.tensor(lower + middle + upper)
    values = uniform(edges)
    assert ((values > 0) & (values < 1)).all(), values
    assert torch.isfinite(gumbel(edges)).all()
    assert (values.diff() >= 0).all()


@given(word)
def test_gumbel_is_the_inverse_of_its_distribution(bits: int) -> None:
    value = gumbel(torch.tensor([bits])).double()
    assert math.isclose(float(torch.exp(-torch.exp(-value))), bits / 2**32, abs_tol=1e-6)


def test_words_of_consecutive_counters_are_uniform() -> None:
    count = 200_000
    zero = torch.zeros(1, dtype=torch.int64)
    values = uniform(philox((zero, zero), (torch.arange(count), zero, zero, zero))[0]).numpy()
    counts = np.histogram(values, 100, (0, 1))[0]
    chi_square, freedom = ((counts - count / 100) ** 2 / (count / 100)).sum(), 99
    assert chi_square < freedom + 4 * math.sqrt(2 * freedom)  # four deviations above its mean
