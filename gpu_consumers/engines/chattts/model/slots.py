"""The state of every slot, on the device, and how a step advances all of them. A row is a slot.

A step has no branch that depends on a slot's state: it always does the same operations on the same
shapes, and masks the rows that they do not concern.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seedcast.gpu_consumers.engines.chattts.model.dimensions import Dimensions
from seedcast.gpu_consumers.engines.chattts.model.sampling import WINDOW, Draw, Warp
from seedcast.gpu_consumers.engines.chattts.model.speaker import Embedding

# What the host looks at, and the numbers of a slot's record.
STATUS = np.dtype([("drawn", np.int64), ("running", np.bool_), ("ended", np.bool_)], align=True)
_INTEGERS = (
    *("slot", "prompt_length", "position", "stage", "floor", "limit"),
    *("top_k", "seed", "segment", "number"),
)
_FLOATS = ("temperature", "top_p", "penalty")


class Stage(IntEnum):
    """What a slot generates."""

    CODE = 0  # audio tokens of four codebooks
    TEXT = 1  # text tokens: refining


@dataclass(frozen=True)
class Generation:
    """One use of a slot, from a prompt to the end token."""

    prompt: tuple[int, ...]  # text tokens
    voice: Embedding  # (hidden,) float32; read where the prompt has the speaker token
    seed: int
    segment: int
    stage: Stage
    draw: int
    temperature: float
    top_p: float
    top_k: int
    penalty: float
    floor: int  # tokens before the end token is permitted
    limit: int  # tokens after which it is cut off


@dataclass(frozen=True)
class SlotOutput:
    """What a generation left in its slot."""

    hidden: Tensor  # (tokens, hidden) float32: the hidden state that each token was drawn from
    tokens: Tensor  # (tokens, codebooks) int64
    ended: bool  # True if by the end token, False if by the limit


class Look:
    """What the slots had done when the look was taken.

    On a device it is copied to the host while the device goes on.
    """

    def __init__(self, status: Tensor) -> None:
        """`status`: the bytes of each slot's status, (slots, bytes) uint8."""
        on_cuda = status.device.type == "cuda"
        self._bytes = torch.empty_like(status, device="cpu", pin_memory=on_cuda)
        self._bytes.copy_(status, non_blocking=True)
        self.copied = torch.cuda.current_stream().record_event() if on_cuda else None

    def read(self) -> "np.ndarray[Any, np.dtype[np.void]]":
        """Wait for the copy; return a record of `STATUS` per slot."""
        if self.copied is not None:
            self.copied.synchronize()
        return self._bytes.numpy().view(STATUS)[:, 0]


class Slots:
    """The state of `count` slots. Its tensors are written in place and never replaced.

    All that a generation enters with is one record a slot, so that it goes to a device in one copy.
    """

    def __init__(
        self, count: int, dimensions: Dimensions, prompt: int, tokens: int, device: torch.device
    ) -> None:
        """`prompt`: the most tokens of a prompt. `tokens`: the most that a slot generates."""
        self._layout = _layout(dimensions, prompt)
        idle = np.zeros(count, self._layout)
        idle["slot"], idle["prompt_length"], idle["window"] = np.arange(count), 1, -1
        for name in ("top_k", *_FLOATS):
            idle[name] = 1
        self.records = _as_bytes(idle).to(device)
        self._status = _columns(self.records, self._layout, "status")
        self.tokens = torch.zeros(
            count, tokens, dimensions.codebooks, dtype=torch.int64, device=device
        )
        self.hidden = torch.zeros(count, tokens, dimensions.hidden, device=device)
        self._reads = torch.cuda.Stream(device) if device.type == "cuda" else None
        self._name_fields()

    def _name_fields(self) -> None:
        """Set an attribute per field of the records, a view of their memory."""

        def field(name: str) -> Tensor:
            dtype, shape = _torch_type(self._layout[name])
            columns = _columns(self.records, self._layout, name).view(dtype)
            return columns.view(len(columns), *shape)

        def status(name: str) -> Tensor:
            dtype, _ = _torch_type(STATUS[name])
            return _columns(self._status, STATUS, name).view(dtype).squeeze(1)

        self.numbers = field("slot")
        self.prompt, self.prompt_length = field("prompt"), field("prompt_length")
        self.voice, self.window, self.position = field("voice"), field("window"), field("position")
        self.stage, self.floor, self.limit = field("stage"), field("floor"), field("limit")
        self.running, self.ended = status("running"), status("ended")
        self.warp = Warp(field("temperature"), field("top_p"), field("top_k"), field("penalty"))
        # `draw.step` is the number of tokens that the slot has drawn.
        self.draw = Draw(
            field("seed"), field("segment"), self.stage, field("number"), status("drawn")
        )

    def __len__(self) -> int:
        return len(self.records)

    def enter(self, entering: Mapping[int, Generation]) -> None:
        """Start generations, by slot, whatever the slots held before.

        On a device it does not wait for the steps that are under way.
        """
        if not entering:
            return
        records = np.zeros(len(entering), self._layout)
        for record, (slot, generation) in zip(records, entering.items(), strict=True):
            _write(record, slot, generation)
        host = _as_bytes(records)
        if self._reads is not None:
            host = host.pin_memory()  # torch keeps it until the copy has been made
            torch.cuda.current_stream().wait_stream(self._reads)  # what they held is being read
        entered = host.to(self.records.device, non_blocking=True)
        at = _columns(entered, self._layout, "slot").view(torch.int64).squeeze(1)
        self.records.index_copy_(0, at, entered)

    def look(self) -> Look:
        return Look(self._status)

    @contextmanager
    def reading(self, look: Look) -> Iterator[None]:
        """Read in the block what slots had written when the look was taken.

        A device reads it in a stream of its own, which does not wait for later steps: those do not
        change what a slot has drawn before it stopped.
        """
        if self._reads is None or look.copied is None:
            yield
            return
        with torch.cuda.stream(self._reads):
            self._reads.wait_event(look.copied)
            yield

    def leave(self, slot: int, status: "np.void") -> SlotOutput:
        """Return copies of a slot's output, since the slot will be filled again.

        `status` is the slot's record in a look that was taken after it stopped; call it inside
        `reading` of that look.
        """
        ended = bool(status["ended"])
        count = int(status["drawn"]) - int(ended)  # the end token itself has no sound
        return SlotOutput(
            self.hidden[slot, :count].clone(), self.tokens[slot, :count].clone(), ended
        )

    def advance(self, hidden: Tensor, tokens: Tensor, end: Tensor) -> None:
        """Advance every running row by one position; a row past its prompt stores its drawn tokens.

        hidden: the hidden states, (rows, hidden) float32.
        tokens: what was drawn from them, (rows, codebooks) int64.
        end: the end token of each row, (rows,) int64.
        """
        drawn = self.running & (self.position >= self.prompt_length - 1)
        step = self.draw.step.clamp(max=self.hidden.shape[1] - 1)
        for history, new in ((self.hidden, hidden), (self.tokens, tokens)):
            history[self.numbers, step] = torch.where(
                drawn[:, None], new, history[self.numbers, step]
            )
        shifted = torch.cat((self.window[..., 1:], tokens[..., None]), -1)
        self.window.copy_(torch.where(drawn[:, None, None], shifted, self.window))
        self.ended |= drawn & (tokens == end[:, None]).any(-1)
        self.draw.step.add_(drawn)
        self.position.add_(self.running)
        self.running &= ~self.ended & (self.draw.step < self.limit)
        self.position.mul_(self.running)  # a slot that has stopped attends to one position

    def first(self, count: int) -> "Slots":
        """Return the first `count` slots, as views of the same memory."""
        view = copy(self)
        for name in ("records", "_status", "tokens", "hidden"):
            setattr(view, name, getattr(self, name)[:count])
        view._name_fields()
        return view

    def move(self, source: int, target: int) -> None:
        """Copy the whole state of one slot into another, and leave the first one idle."""
        for tensor in (self.records, self.tokens, self.hidden):
            tensor[target] = tensor[source]
        self.numbers[target] = target
        self.running[source], self.position[source] = False, 0

    @property
    def may_end(self) -> Tensor:
        """True for each row whose end token is permitted, (rows,) bool."""
        return self.draw.step >= self.floor

    @property
    def latest(self) -> Tensor:
        """The tokens that each row drew last, (rows, codebooks) int64; 0 if there are none."""
        return self.window[..., -1].clamp(min=0)

    def prompted(self) -> tuple[Tensor, Tensor]:
        """Return two tensors about each row's prompt.

        The first, (rows,) bool, is True if the row still reads its prompt. The second, (rows,)
        int64, is the prompt's token at the row's position.
        """
        index = torch.minimum(self.position, self.prompt_length - 1)
        return self.position < self.prompt_length, self.prompt.gather(1, index[:, None]).squeeze(1)


def _layout(dimensions: Dimensions, prompt: int) -> np.dtype[np.void]:
    """Return the fields of a slot's record, aligned; `prompt` is the most tokens of a prompt."""
    return np.dtype(
        [
            ("prompt", np.int64, (prompt,)),
            ("voice", np.float32, (dimensions.hidden,)),
            ("window", np.int64, (dimensions.codebooks, WINDOW)),
            *((name, np.int64) for name in _INTEGERS),
            *((name, np.float32) for name in _FLOATS),
            ("status", STATUS),
        ],
        align=True,
    )


def _write(record: "np.void", slot: int, entering: Generation) -> None:
    """Write what a generation enters with; what is not named stays 0."""
    record["slot"], record["window"] = slot, -1
    record["prompt"][: len(entering.prompt)] = entering.prompt
    record["prompt_length"] = len(entering.prompt)
    record["voice"] = entering.voice
    record["status"]["running"] = True
    record["number"] = entering.draw
    for name in ("seed", "segment", "stage", "floor", "limit", "top_k", *_FLOATS):
        record[name] = getattr(entering, name)


def _as_bytes(records: "np.ndarray[Any, np.dtype[np.void]]") -> Tensor:
    """Return records as (records, bytes) uint8, of the same memory."""
    return torch.from_numpy(records.view(np.uint8).reshape(len(records), -1))


def _columns(records: Tensor, layout: np.dtype[np.void], name: str) -> Tensor:
    """Return the bytes of one field of each record, (records, bytes) uint8."""
    offset = layout.fields[name][1]  # type: ignore[index]
    return records[:, offset : offset + layout[name].itemsize]


def _torch_type(dtype: np.dtype[Any]) -> tuple[torch.dtype, tuple[int, ...]]:
    """Return a field's type of elements, and its shape."""
    return torch.from_numpy(np.empty(0, dtype.base)).dtype, dtype.shape
