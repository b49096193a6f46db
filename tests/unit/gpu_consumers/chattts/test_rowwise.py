"""The CPU's programs against torch's operations, and every row for itself."""

import pytest
import torch
from torch import Tensor

from gpu_consumers.engines.chattts.kernels import rowwise_cpu, rowwise_torch
from gpu_consumers.engines.chattts.model.decoder import rotary

ROWS = 17
HALVES = pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)


def random(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape))) * 3


def test_normed() -> None:
    x, weight = random(ROWS, 768), random(768)
    found = rowwise_cpu.normed(x, weight, 1e-6)
    torch.testing.assert_close(found, rowwise_torch.normed(x, weight, 1e-6), rtol=1e-6, atol=1e-6)
    assert torch.equal(
        rowwise_cpu.normed(x[3:4].expand(ROWS, -1).contiguous(), weight, 1e-6)[5], found[3]
    )


@HALVES
def test_gated(dtype: torch.dtype) -> None:
    x = random(ROWS, 512).to(dtype)
    x[0, :4] = torch.tensor([100.0, -100.0, 0.0, -0.0])
    found = rowwise_cpu.gated(x)
    torch.testing.assert_close(found, rowwise_torch.gated(x), rtol=2e-6, atol=1e-6)
    assert torch.equal(rowwise_cpu.gated(x[3:4].expand(ROWS, -1).contiguous())[16], found[3])


@HALVES
def test_rotated(dtype: torch.dtype) -> None:
    x = random(ROWS, 3, 12, 64).to(dtype)
    cosine, sine = (
        table[:ROWS].contiguous() for table in rotary(64, 1e4, 100, torch.device("cpu"))
    )
    for mine, theirs in zip(
        rowwise_cpu.rotated(x, cosine, sine), rowwise_torch.rotated(x, cosine, sine), strict=True
    ):
        torch.testing.assert_close(mine, theirs, rtol=1e-6, atol=2e-6)


def test_quantised() -> None:
    x = random(ROWS, 3072)
    x[1] = 0
    whole, scale = rowwise_cpu.quantised(x)
    assert whole.abs().amax(1).tolist() == [127 if row != 1 else 0 for row in range(ROWS)]
    assert (whole * scale - x).abs().max() <= 0.501 * scale.max()
    theirs, their_scale = rowwise_torch.quantised(x)
    assert (whole - theirs).abs().max() <= 1
    torch.testing.assert_close(scale, their_scale)
