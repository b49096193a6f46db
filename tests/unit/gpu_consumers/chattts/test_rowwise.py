"""The row-wise operations of CPUs agree with torch's, and no row depends on another."""

import pytest
import torch
from torch import Tensor

from seedcast.gpu_consumers.engines.chattts.kernels import rowwise_cpu, rowwise_torch
from seedcast.gpu_consumers.engines.chattts.model.decoder import rotary_tables

ROWS = 17
DTYPES = pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)


def random(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape))) * 3


def repeated(x: Tensor, row: int) -> Tensor:
    """Return one row of x in every slot."""
    return x[row : row + 1].expand(ROWS, -1).contiguous()


def test_rms_norm() -> None:
    x, weight = random(ROWS, 768), random(768)
    result, expected = (module.rms_norm(x, weight, 1e-6) for module in (rowwise_cpu, rowwise_torch))
    torch.testing.assert_close(result, expected, rtol=1e-6, atol=1e-6)
    assert torch.equal(rowwise_cpu.rms_norm(repeated(x, 3), weight, 1e-6)[5], result[3])


@DTYPES
def test_swiglu(dtype: torch.dtype) -> None:
    x = random(ROWS, 512).to(dtype)
    x[0, :4] = torch.tensor([100.0, -100.0, 0.0, -0.0])
    result = rowwise_cpu.swiglu(x)
    torch.testing.assert_close(result, rowwise_torch.swiglu(x), rtol=2e-6, atol=1e-6)
    assert torch.equal(rowwise_cpu.swiglu(repeated(x, 3))[16], result[3])


@DTYPES
def test_rotate(dtype: torch.dtype) -> None:
    x = random(ROWS, 3, 12, 64).to(dtype)
    tables = rotary_tables(64, 1e4, 100, torch.device("cpu"))
    cosine, sine = (table[:ROWS].contiguous() for table in tables)
    results, expected = (module.rotate(x, cosine, sine) for module in (rowwise_cpu, rowwise_torch))
    for result, other in zip(results, expected, strict=True):
        torch.testing.assert_close(result, other, rtol=1e-6, atol=2e-6)


def test_quantise() -> None:
    x = random(ROWS, 3072)
    x[1] = 0
    whole, scale = rowwise_cpu.quantise(x)
    assert whole.abs().amax(1).tolist() == [127 if row != 1 else 0 for row in range(ROWS)]
    assert (whole * scale - x).abs().max() <= 0.501 * scale.max()
    expected, expected_scale = rowwise_torch.quantise(x)
    assert (whole - expected).abs().max() <= 1
    torch.testing.assert_close(scale, expected_scale)
