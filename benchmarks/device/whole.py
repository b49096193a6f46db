"""Part 8: the whole engine with its real front end and packing, as a worker drives it."""

import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from itertools import cycle

import msgspec
import torch

from benchmarks.device.setting import Findings, Setting
from benchmarks.device.speech import requests
from seedcast.gpu_consumers import triage
from seedcast.gpu_consumers.engines import Utterance
from seedcast.gpu_consumers.engines.chattts.engine import ChatTTSEngine
from seedcast.gpu_consumers.engines.chattts.hardware import MIB, Hardware, static_memory
from seedcast.gpu_consumers.engines.chattts.kernels.cuda_graph import Stepper
from seedcast.gpu_consumers.engines.chattts.model.slots import Look, Slots
from seedcast.gpu_consumers.engines.chattts.weights.assets import Assets
from seedcast.schemas.messages import SpeechRequest
from seedcast.schemas.topics import AUDIO_BYTES

URGENT_TEXT = "The gate has changed."
RAMP = 6.0  # seconds until the slots are at all kinds of positions: nothing is counted before
COUNTED = 24.0  # seconds


@dataclass
class Totals:
    """Counted between the ramp and the end, while there is always a request that waits."""

    audio: float = 0.0  # seconds
    failed: int = 0
    steps: int = 0
    looks: int = 0
    waited: float = 0.0  # seconds in which the host waited for the device
    wall: float = 0.0  # seconds
    spans: list[tuple[torch.cuda.Event, torch.cuda.Event]] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)  # of urgent requests, seconds

    def stepping(self) -> float:
        """Return the seconds in which the device worked on steps."""
        milliseconds = (float(first.elapsed_time(last)) for first, last in self.spans)
        return sum(milliseconds) / 1e3


class Observed:
    """A Stepper that notes when each step begins and ends on the device."""

    def __init__(self, inner: Stepper, on_cuda: bool) -> None:
        self._inner, self._on_cuda, self.totals = inner, on_cuda, Totals()

    def step(self, slots: Slots, refining: bool) -> None:
        self.totals.steps += 1
        if not self._on_cuda:
            self._inner.step(slots, refining)
            return
        first, last = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        first.record()
        self._inner.step(slots, refining)
        last.record()
        self.totals.spans.append((first, last))


def measure(setting: Setting) -> Findings:
    slots = setting.either(512, 8)
    with closing(setting.engine(setting.models, "bfloat16", slots)) as engine:
        observed = Observed(engine._model, setting.on_cuda)
        engine._model = observed
        totals = _Drive(setting, engine, observed).run()
        setting.figures |= _memory(setting, engine)
    latencies = sorted(totals.latencies)
    without_steps = 1 - totals.stepping() / totals.wall if setting.on_cuda else None
    setting.figures |= {
        "audio_s_per_s": round(totals.audio / totals.wall, 1),
        "seconds_counted": round(totals.wall, 1),
        "share_without_steps": without_steps,
        "step_ms": round(1e3 * totals.stepping() / totals.steps, 3),
        "host_ms_per_look": round(1e3 * (totals.wall - totals.waited) / totals.looks, 3),
        "urgent_seconds": latencies,
        "failed": totals.failed,
    }
    middle = latencies[len(latencies) // 2] if latencies else None
    return Findings(
        f"{setting.figures['audio_s_per_s']} audio s/s; share of time without a step: "
        f"{without_steps}; urgent: {middle} s in the middle of {len(latencies)}"
    )


def _memory(setting: Setting, engine: ChatTTSEngine) -> dict[str, object]:
    context, threads = int(str(engine.facts["context"])), torch.get_num_threads()
    hardware = Hardware(setting.device, "bfloat16", engine.slots, context, threads)
    computed = static_memory(Assets.open(setting.models).dimensions(), hardware)
    found: dict[str, object] = {"computed_mib": sum(computed.values()) // MIB}
    if setting.on_cuda:
        free, total = torch.cuda.mem_get_info()
        found["used_mib"] = (total - free) // MIB  # by the whole process, libraries included
        found["allocated_mib"] = torch.cuda.max_memory_allocated() // MIB
        found["reserved_mib"] = torch.cuda.max_memory_reserved() // MIB
    return found


class _Drive:
    """Keeps the engine full from an endless list, with one urgent request at a time among them."""

    def __init__(self, setting: Setting, engine: ChatTTSEngine, observed: Observed) -> None:
        self._engine, self._observed = engine, observed
        self._ramp, self._counted = setting.either((RAMP, COUNTED), (0.5, 2.0))
        self._list = cycle(requests(300))  # from row 300 on some are wrong on purpose
        self._busy = dict[int, SpeechRequest]()
        self._urgent = dict[int, float]()  # since when, by ticket
        self._tickets = 0
        self._packing = list[Future[object]]()

    def run(self) -> Totals:
        with ThreadPoolExecutor(8, "encoder") as packers:
            self._turn(packers, time.perf_counter() + self._ramp)
            self._observed.totals = Totals()
            began = time.perf_counter()
            self._turn(packers, began + self._counted)
            totals = self._observed.totals
            totals.wall = time.perf_counter() - began
            for packed in self._packing:
                packed.result()  # raises what packing raised
        if totals.spans:
            torch.cuda.synchronize()
        return totals

    def _turn(self, packers: ThreadPoolExecutor, until: float) -> None:
        read = Look.read

        def timed(look: Look) -> object:
            began = time.perf_counter()
            status = read(look)
            self._observed.totals.waited += time.perf_counter() - began
            return status

        Look.read = timed  # type: ignore[method-assign, assignment]
        try:
            while time.perf_counter() < until:
                self._admit()
                for utterance in self._engine.step():
                    self._finish(packers, utterance)
                self._observed.totals.looks += 1
        finally:
            Look.read = read  # type: ignore[method-assign]

    def _admit(self) -> None:
        while len(self._busy) < self._engine.capacity:
            request = next(self._list)
            self._tickets += 1
            if not self._urgent:
                request = msgspec.structs.replace(request, text=URGENT_TEXT, priority="urgent")
                self._urgent[self._tickets] = time.perf_counter()
            self._engine.admit(self._tickets, request)
            self._busy[self._tickets] = request

    def _finish(self, packers: ThreadPoolExecutor, utterance: Utterance) -> None:
        totals, request = self._observed.totals, self._busy.pop(utterance.ticket)
        self._packing.append(
            packers.submit(triage.of_utterance, request, utterance, self._engine, AUDIO_BYTES)
        )
        if since := self._urgent.pop(utterance.ticket, None):
            totals.latencies.append(round(time.perf_counter() - since, 3))
        if utterance.waveform is None:
            totals.failed += 1
        else:
            totals.audio += len(utterance.waveform) / self._engine.sample_rate
