"""What every slot holds, on the device, and how a step moves all of them on. Rows are slots.

A step has no branch that depends on what a slot holds: it does the same on the same shapes, and masks.
"""

from copy import copy
from dataclasses import dataclass, fields
from enum import IntEnum

import torch
from torch import Tensor

from gpu_consumers.engines.chattts.model.dimensions import Dimensions
from gpu_consumers.engines.chattts.model.sampling import WINDOW, Draw, Warp


class Stage(IntEnum):
    CODE = 0  # audio tokens, four codebooks
    TEXT = 1  # refining: text tokens


@dataclass(frozen=True)
class Generation:
    """One way through a slot, from a prompt to the end token."""

    prompt: tuple[int, ...]  # text tokens
    voice: Tensor  # (hidden,) float32, stands where the prompt has the speaker token
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
class Taken:
    """What a slot was left with."""

    hidden: Tensor  # (tokens, hidden) float32: what each token was drawn from
    tokens: Tensor  # (tokens, codebooks) int64
    ended: bool  # by the end token, and not by the limit


class Slots:
    def __init__(
        self, count: int, dimensions: Dimensions, prompt: int, tokens: int, device: torch.device
    ) -> None:
        def integers(*shape: int) -> Tensor:
            return torch.zeros(count, *shape, dtype=torch.int64, device=device)

        def floats(*shape: int) -> Tensor:
            return torch.ones(count, *shape, dtype=torch.float32, device=device)

        self.prompt, self.prompt_length = integers(prompt), integers() + 1
        self.voice = floats(dimensions.hidden)
        self.position, self.running = integers(), integers().bool()
        self.stage, self.floor, self.limit = integers(), integers(), integers()
        self.warp = Warp(floats(), floats(), integers() + 1, floats())
        self.draw = Draw(
            integers(), integers(), integers(), integers(), integers()
        )  # its step counts the tokens that a slot has
        self.window = integers(dimensions.codebooks, WINDOW) - 1
        self.tokens, self.ended = integers(tokens, dimensions.codebooks), integers().bool()
        self.hidden = torch.zeros(count, tokens, dimensions.hidden, device=device)
        self._rows = torch.arange(count, device=device)

    def __len__(self) -> int:
        return len(self._rows)

    def enter(self, slot: int, entering: Generation) -> None:
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

    def leave(self, slot: int) -> Taken:
        """Copies, since the slot is filled again. Until then it attends to one position."""
        self.position[slot] = 0
        count = int(self.draw.step[slot]) - int(
            self.ended[slot]
        )  # the end token itself has no sound
        return Taken(
            self.hidden[slot, :count].clone(),
            self.tokens[slot, :count].clone(),
            bool(self.ended[slot]),
        )

    def advance(self, hidden: Tensor, tokens: Tensor, end: Tensor) -> None:
        """Takes the tokens (rows, codebooks) drawn from hidden (rows, hidden), where a row has read its prompt. `end` (rows,): its end token."""
        drawn = self.running & (self.position >= self.prompt_length - 1)
        step = self.draw.step.clamp(max=self.hidden.shape[1] - 1)
        self.hidden[self._rows, step] = torch.where(
            drawn[:, None], hidden, self.hidden[self._rows, step]
        )
        self.tokens[self._rows, step] = torch.where(
            drawn[:, None], tokens, self.tokens[self._rows, step]
        )
        shifted = torch.cat((self.window[..., 1:], tokens[..., None]), -1)
        self.window.copy_(torch.where(drawn[:, None, None], shifted, self.window))
        self.ended |= drawn & (tokens == end[:, None]).any(-1)
        self.draw.step.add_(drawn)
        self.position.add_(self.running)
        self.running &= ~self.ended & (self.draw.step < self.limit)

    def first(self, count: int) -> "Slots":
        """The first ones, in the same memory."""
        made = copy(self)
        for name, value in vars(self).items():
            if isinstance(value, Tensor):
                setattr(made, name, value[:count])
            elif isinstance(value, Warp | Draw):
                setattr(made, name, type(value)(*(tensor[:count] for tensor in _fields(value))))
        return made

    def move(self, source: int, target: int) -> None:
        """All that a slot holds into another one; it is left idle."""
        for name, value in vars(self).items():
            for tensor in _fields(value) if isinstance(value, Warp | Draw) else [value]:
                if isinstance(tensor, Tensor) and name != "_rows":
                    tensor[target] = tensor[source]
        self.running[source], self.position[source] = False, 0

    @property
    def may_end(self) -> Tensor:
        return self.draw.step >= self.floor

    @property
    def latest(self) -> Tensor:
        """The token that was drawn last, (rows, codebooks); 0 where there is none."""
        return self.window[..., -1].clamp(min=0)

    def prompted(self) -> tuple[Tensor, Tensor]:
        """Of each row, whether it still reads its prompt, and the prompt's token at its position."""
        at = torch.minimum(self.position, self.prompt_length - 1)
        return self.position < self.prompt_length, self.prompt.gather(1, at[:, None]).squeeze(1)


def _fields(holder: Warp | Draw) -> list[Tensor]:
    return [getattr(holder, field.name) for field in fields(holder)]
