"""The vocoder restores the setting that it changes for the whole process."""

import pytest
import torch

from seedcast.gpu_consumers.engines.chattts.model.vocoder import matmul_precision


def precision() -> str:
    return str(torch.backends.mkldnn.matmul.fp32_precision)


def test_the_precision_of_matrix_products_is_restored() -> None:
    before = precision()
    with matmul_precision("bf16"):
        assert precision() == "bf16"
    assert precision() == before


def test_the_precision_of_matrix_products_is_restored_after_an_error() -> None:
    before = precision()
    with pytest.raises(ZeroDivisionError), matmul_precision("bf16"):
        raise ZeroDivisionError
    assert precision() == before
