"""The state of every slot, on the device, and how a step advances all of them. A row is a slot.

A step has no branch that depends on a slot's state: it always does the same operations on the same
shapes, and masks the rows that they do not concern.
"""

from copy import copy
from dataclasses import dataclass, fields
from enum import IntEnum

import torch
from torch import Tensor

from seedcast.gpu_consumers.engines.chattts.model.dimensions import Dimensions
from seedcast.gpu_consumers.engines.chattts.model.sampling import WINDOW, Draw, Warp


class Stage(IntEnum):
    """What a slot generates."""

    CODE = 0  # audio tokens of four codebooks
    TEXT = 1  # text tokens: refining


@dataclass(frozen=True)
class Generation:
    """One use of a slot, from a prompt to the end token."""

    prompt: tuple[int, ...]  # text tokens
    voice: Tensor  # (hidden,) float32; read where the prompt has the speaker token
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


class Slots:
    """The state of `count` slots. Its tensors are written in place and never replaced."""

    def __init__(
        self, count: int, dimensions: Dimensions, prompt: int, tokens: int, device: torch.device
    ) -> None:
        """`prompt`: the most tokens of a prompt. `tokens`: the most that a slot generates."""

        def integers(*shape: int) -> Tensor:
            return torch.zeros(count, *shape, dtype=torch.int64, device=device)

        def floats(*shape: int) -> Tensor:
            return torch.ones(count, *shape, dtype=torch.float32, device=device)

        self.prompt, self.prompt_length = integers(prompt), integers() + 1
        self.voice = floats(dimensions.hidden)
        self.position, self.running = integers(), integers().bool()
        self.stage, self.floor, self.limit = integers(), integers(), integers()
        self.warp = Warp(floats(), floats(), integers() + 1, floats())
        # `draw.step` is the number of tokens that the slot has drawn.
        self.draw = Draw(integers(), integers(), integers(), integers(), integers())
        self.window = integers(dimensions.codebooks, WINDOW) - 1
        self.tokens, self.ended = integers(tokens, dimensions.codebooks), integers().bool()
        self.hidden = torch.zeros(count, tokens, dimensions.hidden, device=device)
        self._rows = torch.arange(count, device=device)

    def __len__(self) -> int:
        return len(self._rows)

    def enter(self, slot: int, entering: Generation) -> None:
        """Start a generation in a slot, whatever the slot held before."""
        length = len(entering.prompt)
        self.prompt[slot, :length] = torch.tensor(entering.prompt)
        self.voice[slot] = entering.voice
        self.window[slot] = -1
        for field, value in (
            (self.prompt_length, length),
            (self.position, 0),
            (self.running, True),
            (self.ended, False),
            (self.stage, entering.stage),
            (self.floor, entering.floor),
            (self.limit, entering.limit),
            (self.warp.temperature, entering.temperature),
            (self.warp.top_p, entering.top_p),
            (self.warp.top_k, entering.top_k),
            (self.warp.penalty, entering.penalty),
            (self.draw.seed, entering.seed),
            (self.draw.segment, entering.segment),
            (self.draw.stage, entering.stage),
            (self.draw.number, entering.draw),
            (self.draw.step, 0),
        ):
            field[slot] = value

    def leave(self, slot: int) -> SlotOutput:
        """Return copies of a slot's output, since the slot will be filled again.

        Until then the slot attends to a single position.
        """
        self.position[slot] = 0
        ended = bool(self.ended[slot])
        count = int(self.draw.step[slot]) - int(ended)  # the end token itself has no sound
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
            history[self._rows, step] = torch.where(drawn[:, None], new, history[self._rows, step])
        shifted = torch.cat((self.window[..., 1:], tokens[..., None]), -1)
        self.window.copy_(torch.where(drawn[:, None, None], shifted, self.window))
        self.ended |= drawn & (tokens == end[:, None]).any(-1)
        self.draw.step.add_(drawn)
        self.position.add_(self.running)
        self.running &= ~self.ended & (self.draw.step < self.limit)

    def first(self, count: int) -> "Slots":
        """Return the first `count` slots, as views of the same memory."""
        view = copy(self)
        for name, value in vars(self).items():
            if isinstance(value, Tensor):
                setattr(view, name, value[:count])
            elif isinstance(value, Warp | Draw):
                setattr(view, name, type(value)(*(tensor[:count] for tensor in _fields(value))))
        return view

    def move(self, source: int, target: int) -> None:
        """Copy the whole state of one slot into another, and leave the first one idle."""
        for name, value in vars(self).items():
            for tensor in _fields(value) if isinstance(value, Warp | Draw) else [value]:
                if isinstance(tensor, Tensor) and name != "_rows":
                    tensor[target] = tensor[source]
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


def _fields(holder: Warp | Draw) -> list[Tensor]:
    return [getattr(holder, field.name) for field in fields(holder)]
