"""Our engine and upstream ChatTTS: `python -m benchmarks.engine [--quick] [--slots 16 64 128] …`.

Both have the same texts and the same weights, which are fabricated once in upstream's layout. Every
row runs for a set number of tokens, so both systems speak the same lengths; the vocoder is
included. Each configuration runs in a fresh process, one after another, with the same number of
threads. Figures go to benchmarks/results: engine.json, engine.md and engine.png.
"""

import argparse
import multiprocessing
import platform
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import ParamSpec, TypeVar

import psutil

from benchmarks.chattts import ours, report
from benchmarks.chattts.latency import latency
from benchmarks.chattts.ours import OurRuns
from benchmarks.chattts.precision import distance
from benchmarks.chattts.workload import Plan
from seedcast.gpu_consumers.engines.chattts.model.dimensions import SIZES
from seedcast.gpu_consumers.engines.chattts.weights.assets import Assets
from seedcast.gpu_consumers.engines.chattts.weights.fabricate import fabricate

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Scale:
    """The defaults of a run."""

    slots: tuple[int, ...]
    upstream: tuple[int, ...]
    tokens: int
    scale: float
    budget: float
    urgent: int


WHOLE = Scale((16, 64, 128), (1, 4, 16, 64), 100, 0.5, 30.0, 12)
QUICK = Scale((16, 64), (1, 16), 40, 0.2, 8.0, 4)


def main(arguments: list[str] | None = None) -> None:
    options = _parser().parse_args(arguments)
    base = QUICK if options.quick else WHOLE
    plan = Plan(
        models=_models(options.models, options.size),
        device=options.device,
        threads=options.threads,
        tokens=options.tokens or base.tokens,
        scale=options.scale or base.scale,
        budget=options.budget or base.budget,
        urgent=base.urgent,
    )
    slots, batches = options.slots or list(base.slots), options.upstream or list(base.upstream)
    began = time.perf_counter()
    given = sys.argv[1:] if arguments is None else arguments
    facts: dict[str, object] = {
        "command": f"python -m benchmarks.engine {' '.join(given)}".strip(),
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(options.device),
        "plan": asdict(plan) | {"models": plan.models.name, "context": plan.context},
    }
    figures: dict[str, object] = {}
    mixed = options.mixed_upstream or [min(16, max(batches))]
    for part in measure(plan, slots, options.precisions, batches, mixed):
        figures |= part
        report.keep(options.out, facts | figures | {"seconds": round(time.perf_counter() - began)})
    report.write(options.out, facts | figures | {"seconds": round(time.perf_counter() - began)})


def measure(
    plan: Plan, slots: list[int], precisions: list[str], batches: list[int], mixed: list[int]
) -> Iterator[dict[str, object]]:
    """Yield figures part by part, so that a part that fails does not lose the others."""
    from benchmarks.chattts import upstream

    others = [name for name in precisions if name != "float32"]
    yield {"distance": {name: asdict(apart(distance, plan, name)) for name in others}}
    yield {"urgent": asdict(apart(latency, plan, precisions[0], max(slots)))}
    if plan.device == "cpu":  # on a GPU all steps have one shape, whatever is busy
        yield {"price": asdict(apart(ours.price, plan, precisions[0], max(slots)))}
    yield {"upstream": [asdict(run) for run in apart(upstream.measure, plan, batches, mixed)]}
    runs: list[OurRuns] = []
    for precision in precisions:
        for count in slots:
            runs.append(apart(ours.measure, plan, precision, count, plan.budget))
            yield {"seedcast": [asdict(run) for run in runs]}


def apart(function: Callable[P, R], *arguments: P.args, **named: P.kwargs) -> R:
    """Call the function in a process of its own, so that its peak memory is its own."""
    name = f"{function.__module__.rpartition('.')[2]}.{function.__name__}"
    print(f"{time.strftime('%H:%M:%S')} {name} {arguments[1:]}", file=sys.stderr)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments, **named).result()


def machine(device: str = "cpu") -> str:
    import torch

    fields = (line.partition(":") for line in Path("/proc/cpuinfo").read_text().splitlines())
    names = (value.strip() for key, _, value in fields if key.strip() == "model name")
    name = next(names, platform.machine())
    amx = "AMX" if torch.cpu._is_amx_tile_supported() else "no AMX"
    memory = psutil.virtual_memory().total / 2**30
    gpu = f"{torch.cuda.get_device_name()}, " if device == "cuda" else ""
    cpu = f"{name}, {psutil.cpu_count()} cores, {torch.backends.cpu.get_cpu_capability()}, {amx}"
    return f"{gpu}{cpu}, {memory:.0f} GiB, torch {torch.__version__}"


def _models(folder: Path | None, size: str) -> Path:
    chosen = folder or Path(".seedcast/models") / f"fabricated-{size}"
    if not chosen.exists():
        fabricate(chosen, SIZES[size], seed=1)
    return Assets.open(chosen).folder


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.engine",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--size", choices=SIZES, default="full", help="size of the fabricated weights"
    )
    parser.add_argument("--models", type=Path, help="a folder with other weights")
    parser.add_argument(
        "--device",
        choices=("cpu", "cuda"),
        default="cpu",
        help="device of both systems; default cpu",
    )
    parser.add_argument(
        "--slots", type=int, nargs="+", help=f"slots of our engine; default {WHOLE.slots}"
    )
    parser.add_argument(
        "--precisions",
        nargs="+",
        choices=("float32", "bfloat16", "float16", "int8"),
        default=["float32", "bfloat16", "int8"],
        help="precisions of our engine; price and latency are measured with the first",
    )
    parser.add_argument(
        "--upstream",
        type=int,
        nargs="+",
        help=f"batch sizes of upstream, equal lengths; default {WHOLE.upstream}",
    )
    parser.add_argument(
        "--mixed-upstream",
        type=int,
        nargs="+",
        help="batch sizes of upstream, mixed lengths; default 16",
    )
    parser.add_argument(
        "--tokens", type=int, help=f"tokens per row, equal lengths; default {WHOLE.tokens}"
    )
    parser.add_argument(
        "--scale",
        type=float,
        help=f"scale of the mixed lengths; at 1: 2 to 12 s; default {WHOLE.scale}",
    )
    parser.add_argument(
        "--budget",
        type=float,
        help=f"seconds after which a measurement of our engine ends; default {WHOLE.budget:g}",
    )
    parser.add_argument(
        "--threads",
        type=int,
        default=len(psutil.Process().cpu_affinity()),
        help="threads of both systems; default: one per core",
    )
    parser.add_argument("--quick", action="store_true", help="smaller defaults")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    return parser


if __name__ == "__main__":
    main()
