"""How far a precision is from float32: the distance of the code head's logits.

Both get the same inputs at every position.
"""

from dataclasses import dataclass

import torch
from safetensors.torch import load_file

from benchmarks.chattts.parts import build
from benchmarks.chattts.workload import Plan
from seedcast.gpu_consumers.engines.chattts.hardware import DTYPES
from seedcast.gpu_consumers.engines.chattts.model.decoder import Decoder
from seedcast.gpu_consumers.engines.chattts.weights.assets import Assets

ROWS, TOKENS = 8, 16


@dataclass(frozen=True)
class Distance:
    """Of logits (positions, codebooks, tokens) before the warpers."""

    positions: int
    mean: float  # absolute
    highest: float  # absolute
    spread: float  # standard deviation of float32's logits, to compare the two with
    first: float  # share of (position, codebook) with the same highest logit


@torch.inference_mode()
def distance(plan: Plan, precision: str) -> Distance:
    reference = build(plan, "float32", ROWS)
    model, slots, device = reference.model, reference.slots, reference.hardware.device
    weights, dtype = load_file(Assets.open(plan.models).gpt_model), DTYPES[precision]
    other = Decoder(reference.dimensions, weights, ROWS, plan.context, dtype, device)
    slots.enter(dict(enumerate(reference.generations([TOKENS] * ROWS))))
    states: list[list[torch.Tensor]] = [[] for _ in range(ROWS)]
    while slots.running.any():
        hidden = other.forward(model.embed(slots), slots.position)
        drawn = (slots.running & (slots.position >= slots.prompt_length - 1)).tolist()
        model.step(slots, refining=False)
        for row in range(ROWS):
            if drawn[row]:
                states[row].append(hidden[row])
    status = slots.look().read()
    ours = torch.cat([torch.stack(rows) for rows in states])
    theirs = torch.cat([slots.leave(row, status[row]).hidden for row in range(ROWS)])
    a, b = (
        torch.cat([model.code_logits(part) for part in whole.split(ROWS)])
        for whole in (ours, theirs)
    )
    gap = (a - b).abs()
    return Distance(
        positions=len(ours),
        mean=float(gap.mean()),
        highest=float(gap.max()),
        spread=float(b.std()),
        first=float((a.argmax(-1) == b.argmax(-1)).float().mean()),
    )
