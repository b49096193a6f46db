"""Whether a matrix product gives a row the same bits wherever it stands, and among how many. Tried, since no library promises it.

Half of the trials cancel: their exact results are 0, so that what comes out is what the order of additions left over.
In other results it hides behind the rounding to sixteen bits.
"""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

Product = Callable[[Tensor], Tensor]  # (rows, inputs) to (rows, outputs)

_TRIALS = 3  # of each kind
FEWEST = 8  # rows: below, a step costs what it costs with these


def weight(outputs: int, inputs: int) -> Tensor:
    """(outputs, inputs) float32, whose second half takes away what the first one gives for rows of `_rows`."""
    half = torch.randn(
        outputs, inputs // 2, generator=torch.Generator().manual_seed(outputs * 65_537 + inputs)
    )
    return torch.cat((half, -half[:, _order(inputs)]), 1)


def symmetric(
    product: Product, rows: int, inputs: int, dtype: torch.dtype, device: torch.device
) -> bool:
    """Whether a row has the same product in every slot, among equals and among others."""
    ones, companies = (_trials(count, inputs, dtype, device) for count in (1, rows))
    for row, others in zip(ones, companies, strict=True):
        alone = product(row.expand(rows, -1).contiguous())
        others[::2] = row
        mixed = product(others)[::2]
        if not (
            torch.equal(alone, alone[:1].expand_as(alone))
            and torch.equal(mixed, alone[: len(mixed)])
        ):
            return False
    return True


def narrower(
    product: Product, rows: int, inputs: int, dtype: torch.dtype, device: torch.device
) -> tuple[int, ...]:
    """Half of the rows, a quarter …, as far down as a row has the bits that it has among all of them.

    Only on a CPU: a GPU's step costs the same for few rows, and each number of them would need a graph of its own.
    """
    found, count = list[int](), -(-rows // 2)
    while (
        device.type == "cpu"
        and count >= FEWEST
        and _alike(product, count, _trials(rows, inputs, dtype, device))
    ):
        found.append(count)
        count = -(-count // 2)
    return tuple(found)


def _alike(product: Product, count: int, trials: Iterator[Tensor]) -> bool:
    return all(torch.equal(product(x[-count:].contiguous()), product(x)[-count:]) for x in trials)


def _trials(rows: int, inputs: int, dtype: torch.dtype, device: torch.device) -> Iterator[Tensor]:
    random = torch.Generator().manual_seed(rows)
    for _ in range(_TRIALS):
        half = torch.randn(rows, inputs // 2, generator=random)
        yield torch.cat((half, half[:, _order(inputs)]), 1).to(device, dtype)
        yield torch.randn(rows, inputs, generator=random).to(device, dtype)


def _order(inputs: int) -> Tensor:
    return torch.randperm(inputs // 2, generator=torch.Generator().manual_seed(inputs))
