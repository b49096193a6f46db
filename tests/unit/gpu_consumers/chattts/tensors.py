"""Every tensor of the state of the slots."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass

from torch import Tensor


def state(holder: object) -> Iterator[Tensor]:
    """Yield every tensor of `Slots`, those of its dataclasses too."""
    values = (
        [getattr(holder, field.name) for field in fields(holder)]
        if is_dataclass(holder)
        else vars(holder).values()
    )
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif is_dataclass(value):
            yield from state(value)
