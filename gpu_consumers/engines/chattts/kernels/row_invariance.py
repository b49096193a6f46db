"""The row invariance check: does a matrix product give a row the same bits in every slot?

It also finds the smaller batch sizes at which the bits are still the same. Both are tried out,
since no library promises it.

Half of the trials cancel: their exact results are 0, so the result is what the order of additions
left over. In other results that difference hides behind the rounding to 16 bits.
"""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

Product = Callable[[Tensor], Tensor]  # (rows, inputs) to (rows, outputs)

_TRIALS = 3  # of each kind: cancelling and random
MIN_BATCH_SIZE = 8  # rows; a step with fewer rows takes as long as one with 8


def cancelling_weight(outputs: int, inputs: int) -> Tensor:
    """Return a weight (outputs, inputs) float32 that cancels the rows of `_trials`.

    Its second half subtracts what its first half adds.
    """
    half = torch.randn(
        outputs, inputs // 2, generator=torch.Generator().manual_seed(outputs * 65_537 + inputs)
    )
    return torch.cat((half, -half[:, _order(inputs)]), 1)


def is_row_invariant(
    product: Product, rows: int, inputs: int, dtype: torch.dtype, device: torch.device
) -> bool:
    """Return True if a row has the same bits in every slot, among equal rows and among others."""
    single_rows, batches = (_trials(count, inputs, dtype, device) for count in (1, rows))
    for row, batch in zip(single_rows, batches, strict=True):
        among_equals = product(row.expand(rows, -1).contiguous())
        batch[::2] = row
        among_others = product(batch)[::2]
        if not (
            torch.equal(among_equals, among_equals[:1].expand_as(among_equals))
            and torch.equal(among_others, among_equals[: len(among_others)])
        ):
            return False
    return True


def smaller_batch_sizes(
    product: Product, rows: int, inputs: int, dtype: torch.dtype, device: torch.device
) -> tuple[int, ...]:
    """Return half of the rows, a quarter and so on, while a row keeps the bits of the full batch.

    Empty on a CUDA device: a step costs the same there for few rows, and each batch size would need
    a graph of its own.
    """
    sizes, size = list[int](), -(-rows // 2)
    while (
        device.type == "cpu"
        and size >= MIN_BATCH_SIZE
        and _same_bits(product, size, _trials(rows, inputs, dtype, device))
    ):
        sizes.append(size)
        size = -(-size // 2)
    return tuple(sizes)


def _same_bits(product: Product, size: int, trials: Iterator[Tensor]) -> bool:
    """Return True if the last `size` rows alone have the bits that they have in the full batch."""
    return all(torch.equal(product(x[-size:].contiguous()), product(x)[-size:]) for x in trials)


def _trials(rows: int, inputs: int, dtype: torch.dtype, device: torch.device) -> Iterator[Tensor]:
    """Yield batches (rows, inputs) in `dtype`, by turns cancelling and random.

    `cancelling_weight` gives a cancelling batch the exact result 0.
    """
    random = torch.Generator().manual_seed(rows)
    for _ in range(_TRIALS):
        half = torch.randn(rows, inputs // 2, generator=random)
        yield torch.cat((half, half[:, _order(inputs)]), 1).to(device, dtype)
        yield torch.randn(rows, inputs, generator=random).to(device, dtype)


def _order(inputs: int) -> Tensor:
    """Return the permutation (inputs // 2,) int64 that both halves agree on."""
    return torch.randperm(inputs // 2, generator=torch.Generator().manual_seed(inputs))
