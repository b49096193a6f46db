"""Products that compute all slots alike, and the row invariance check that finds others."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor
from torch.nn.functional import linear

from seedcast.errors import EngineFailed
from seedcast.gpu_consumers.engines.chattts.kernels import int8
from seedcast.gpu_consumers.engines.chattts.kernels.linear import prepare
from seedcast.gpu_consumers.engines.chattts.kernels.row_invariance import Product, is_row_invariant

CPU = torch.device("cpu")
SHAPES = [(192, 64), (64, 128), (2504, 64), (768, 768), (768, 3072)]  # outputs, inputs
DTYPES = [torch.float32, torch.bfloat16]
VNNI = torch.cpu._is_vnni_supported()


@pytest.fixture(params=[1, 2, 3])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.sample(6)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("rows", [16, 17, 64])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_row_has_the_same_bits_in_every_slot(
    shape: tuple[int, int], rows: int, dtype: torch.dtype
) -> None:
    product = prepare((random(*shape, seed=1) / shape[1] ** 0.5).to(dtype), rows)
    row, others = random(1, shape[1], seed=2).to(dtype), random(rows, shape[1], seed=3).to(dtype)
    expected = product(row.expand(rows, -1).contiguous())
    assert expected.shape == (rows, shape[0])
    assert torch.equal(expected, expected[:1].expand_as(expected))
    for slot in {*range(0, rows, 5), rows - 2, rows - 1}:
        mixed = others.clone()
        mixed[slot] = row[0]
        assert torch.equal(product(mixed)[slot], expected[0]), slot


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("rows", [1, 16, 17, 64])
def test_it_is_the_product_with_the_weight(rows: int, dtype: torch.dtype) -> None:
    weight, x = (random(256, 64, seed=4) / 8).to(dtype), random(rows, 64, seed=5).to(dtype)
    result, expected = prepare(weight, rows)(x), linear(x.float(), weight.float())
    tolerance = 1e-5 if dtype == torch.float32 else 0.02
    assert result.dtype == dtype
    torch.testing.assert_close(result.float(), expected, rtol=tolerance, atol=tolerance)


def test_two_weights_of_one_shape_do_not_share_a_product(threads: int) -> None:
    x = random(16, 64)
    first, second = prepare(random(192, 64, seed=6), 16), prepare(random(192, 64, seed=7), 16)
    assert not torch.equal(first(x), second(x))
    torch.testing.assert_close(first(x), linear(x, random(192, 64, seed=6)), rtol=1e-5, atol=1e-4)


def row_invariant(product: Product) -> bool:
    """Return the check's answer for a product with a weight (192, 64), of 16 rows."""
    return is_row_invariant(product, 16, 64, torch.float32, CPU)


def test_a_product_that_computes_the_last_rows_differently_is_found() -> None:
    weight = random(192, 64, seed=8)

    def by_sixes(x: Tensor) -> Tensor:
        """Take six rows at a time, and add in another order for the rest, as a library may."""
        whole = len(x) // 6 * 6
        first, second = (
            linear(x[whole:, columns], weight[:, columns])
            for columns in (slice(None, 32), slice(32, None))
        )
        return torch.cat([linear(x[:whole], weight), first + second])

    assert not row_invariant(by_sixes)
    assert row_invariant(lambda x: linear(x.double(), weight.double()).float())


def test_a_product_that_depends_on_neighbours_or_on_the_slot_is_found() -> None:
    weight = random(192, 64, seed=9)

    def with_neighbours(x: Tensor) -> Tensor:
        return linear(x, weight) * (1 + x.mean() * 1e-3)

    def with_slot(x: Tensor) -> Tensor:
        return linear(x, weight) + (torch.arange(len(x)) == len(x) - 2)[:, None] * 1e-4

    assert not row_invariant(with_neighbours)
    assert not row_invariant(with_slot)


@pytest.mark.sample(3)
@pytest.mark.parametrize("rows", [16, 17, 64])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_in_int8_a_rows_bits_depend_on_the_row_alone(shape: tuple[int, int], rows: int) -> None:
    if not VNNI:
        with pytest.raises(EngineFailed, match="exact sums"):
            int8.prepare(random(768, 3072), rows)
        return
    product = int8.prepare(random(*shape, seed=1), rows)
    row, others = random(1, shape[1], seed=2), random(rows, shape[1], seed=3) * 1e3
    expected = product(row.expand(rows, -1).contiguous())
    for slot in {0, rows // 2, rows - 1}:
        mixed = others.clone()
        mixed[slot] = row[0]
        assert torch.equal(product(mixed)[slot], expected[0]), slot


@pytest.mark.skipif(not VNNI, reason="int8 is refused without VNNI, as the test above shows")
def test_int8_is_within_its_rounding_of_the_product() -> None:
    weight, x = random(768, 3072, seed=4), random(64, 3072, seed=5)
    result, exact = int8.prepare(weight, 64)(x), linear(x, weight)
    assert (result - exact).square().mean().sqrt() < 0.02 * exact.std()
    assert torch.equal(int8.prepare(weight, 64)(torch.zeros(64, 3072)), torch.zeros(64, 768))


@pytest.mark.parametrize("rows", [1, 16, 17, 31, 32, 100])
def test_int8_on_cuda_is_padded_to_the_rows_that_its_product_needs(rows: int) -> None:
    x = torch.randint(-127, 128, (rows, 64), dtype=torch.int8)
    padded = int8.pad_rows(x)
    assert len(padded) == max(rows, int8.MIN_ROWS) > 16
    assert padded.dtype == torch.int8
    assert torch.equal(padded[:rows], x)
    assert not padded[rows:].any()


def test_int8_sums_that_saturate_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def saturating(weight: Tensor, _rows: int, _scale: Tensor) -> int8.ExactProduct:
        return lambda x: linear(x.float(), weight.float()).clamp(max=32767 * 64)

    monkeypatch.setattr(int8, "_exact_product", saturating)
    with pytest.raises(EngineFailed, match=r"int8.*exact sums.*bfloat16 or float32"):
        int8._check.__wrapped__(16, 64, 768, CPU)
