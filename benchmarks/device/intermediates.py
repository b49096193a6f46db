"""Part 2: every operation of a step, once with its rows in another order.

The first operation whose rows are not the same ones, in that order, is where a promise breaks.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from benchmarks.chattts.parts import Parts, build
from benchmarks.device.setting import Findings, Setting

STEPS = 40  # before: prompts are read, tokens drawn


class Intermediates(TorchDispatchMode):
    """Keeps each result that has a row per slot."""

    def __init__(self, rows: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._rows, self.kept = rows, list[tuple[str, Tensor]]()
        # What programs write that torch does not see; kept, so that their addresses stay theirs.
        self._unwritten = list[Tensor]()

    def __torch_dispatch__(
        self,
        function: Any,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        result = function(*args, **(kwargs or {}))
        name = function.overloadpacket.__name__
        if isinstance(result, Tensor) and result.dim() and len(result) == self._rows:
            if name.startswith("empty"):
                self._unwritten.append(result)
            elif result.data_ptr() not in {each.data_ptr() for each in self._unwritten}:
                self.kept.append((name, result.clone()))
        return result


@torch.inference_mode()
def compare(setting: Setting) -> Findings:
    slots = setting.either(256, 6)
    parts = build(setting.plan(), "bfloat16", slots)
    parts.slots.enter(dict(enumerate(parts.generations([400] * slots))))
    for _ in range(setting.either(STEPS, 4)):
        parts.model.step(parts.slots, refining=False)
    before = [tensor.clone() for tensor in _state(parts)]
    expected = _step(parts)
    order = torch.randperm(slots, generator=torch.Generator().manual_seed(1)).to(setting.device)
    for tensor, saved in zip(_state(parts), before, strict=True):
        tensor.copy_(saved[order])
    parts.slots.numbers.copy_(torch.arange(slots))
    differing = [
        f"{number}: {name}"
        for number, ((name, one), (_, other)) in enumerate(zip(expected, _step(parts), strict=True))
        if not torch.equal(one[order], other)
    ]
    setting.figures |= {"compared": len(expected), "differing": differing}
    found = f"first that differs: {differing[0]}" if differing else "all rows alike"
    return Findings(f"{len(expected)} results of a step compared; {found}", not differing)


def _step(parts: Parts) -> list[tuple[str, Tensor]]:
    """Return the results of a step's operations, and those of the attention, in order."""
    intermediates, attend = Intermediates(len(parts.slots)), parts.decoder.attend

    def kept(*arguments: Tensor) -> Tensor:
        result = attend(*arguments)
        intermediates.kept.append(("attend", result.clone()))
        return result

    parts.decoder.attend = kept
    with intermediates:
        parts.model.step(parts.slots, refining=True)
    parts.decoder.attend = attend
    return intermediates.kept


def _state(parts: Parts) -> list[Tensor]:
    slots = parts.slots
    caches = [cache for layer in parts.decoder.layers for cache in (layer.keys, layer.values)]
    return [slots.records, slots.tokens, slots.hidden, *caches]
