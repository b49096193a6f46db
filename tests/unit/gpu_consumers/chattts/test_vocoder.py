"""What the vocoder changes for the whole process, it puts back."""

import pytest
import torch

from gpu_consumers.engines.chattts.model.vocoder import products


def precision() -> str:
    return str(torch.backends.mkldnn.matmul.fp32_precision)


def test_the_precision_of_products_is_put_back() -> None:
    before = precision()
    with products("bf16"):
        assert precision() == "bf16"
    assert precision() == before


def test_the_precision_of_products_is_put_back_after_an_error() -> None:
    before = precision()
    with pytest.raises(ZeroDivisionError), products("bf16"):
        raise ZeroDivisionError
    assert precision() == before
