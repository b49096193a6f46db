"""What every part is given: the device, the weights, and if it only rehearses."""

import gc
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import torch

from benchmarks.chattts.workload import Plan
from seedcast.settings import GpuSettings

if TYPE_CHECKING:
    from seedcast.gpu_consumers.engines.chattts.engine import ChatTTSEngine

T = TypeVar("T")


@dataclass
class Setting:
    device: torch.device
    tiny: bool  # rehearse with small sizes
    models: Path  # weights of full size; tiny ones for a rehearsal
    tiny_models: Path
    out: Path
    figures: dict[str, object] = field(default_factory=dict)  # parts note theirs as they go

    @property
    def on_cuda(self) -> bool:
        return self.device.type == "cuda"

    @property
    def precisions(self) -> tuple[str, ...]:
        """Those that the device computes in its own instructions; float16 only on a GPU."""
        return ("float32", "bfloat16", *(("float16",) if self.on_cuda else ()))

    def either(self, full: T, tiny: T) -> T:
        return tiny if self.tiny else full

    def plan(self) -> Plan:
        return Plan(
            models=self.models,
            device=self.device.type,
            threads=torch.get_num_threads(),
            tokens=self.either(400, 8),
            scale=self.either(1.0, 0.05),
            budget=60.0,
            urgent=8,
        )

    def engine(self, models: Path, precision: str, slots: int) -> "ChatTTSEngine":
        # Imported here, since it takes seconds, which the processes of `products` do not need.
        from seedcast.gpu_consumers.engines.chattts.load import load
        from seedcast.gpu_consumers.engines.chattts.weights.assets import Assets

        chosen = {
            "engine": "chattts",
            "device": self.device.type,
            "precision": precision,
            "slots": slots,
            "threads": torch.get_num_threads(),
        }
        return load(GpuSettings.model_validate(chosen), Assets.open(models))

    def free(self) -> None:
        """Give back the memory of what is no longer used: the next engine looks what is free."""
        gc.collect()
        if self.on_cuda:
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()

    def wait(self) -> None:
        """Wait until the device has done all that it was given."""
        if self.on_cuda:
            torch.cuda.synchronize()


@dataclass(frozen=True)
class Findings:
    """What a part found."""

    headline: str
    holds: bool = True  # False if a promise is broken
