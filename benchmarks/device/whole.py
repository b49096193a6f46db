"""Part 8: the whole engine with its real front end and packing, as a worker drives it."""

import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import msgspec
import torch

from benchmarks.chattts.memory import peak_mib
from benchmarks.device.setting import Findings, Setting
from benchmarks.device.speech import requests
from seedcast.gpu_consumers import triage
from seedcast.gpu_consumers.engines.chattts.engine import ChatTTSEngine
from seedcast.gpu_consumers.engines.chattts.hardware import MIB, Hardware, static_memory
from seedcast.gpu_consumers.engines.chattts.kernels.cuda_graph import Stepper
from seedcast.gpu_consumers.engines.chattts.model.slots import Slots
from seedcast.gpu_consumers.engines.chattts.weights.assets import Assets
from seedcast.schemas.messages import SpeechRequest

URGENT_TEXT = "The gate has changed."


@dataclass
class TimedSteps:
    """A Stepper that counts steps and busy rows' time on the device."""

    inner: Stepper
    on_cuda: bool
    spans: list[tuple[torch.cuda.Event, torch.cuda.Event]] = field(default_factory=list)
    seconds: float = 0.0  # on a CPU
    steps: int = 0

    def step(self, slots: Slots, refining: bool) -> None:
        self.steps += 1
        began = time.perf_counter()
        if self.on_cuda:
            first, last = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            first.record()
        self.inner.step(slots, refining)
        if self.on_cuda:
            last.record()
            self.spans.append((first, last))
        self.seconds += 0 if self.on_cuda else time.perf_counter() - began

    def busy(self) -> float:
        """Return the seconds for which the device worked on steps."""
        spans = sum(first.elapsed_time(last) for first, last in self.spans) / 1e3
        return spans or self.seconds


@dataclass
class Totals:
    audio: float = 0.0  # seconds
    failed: int = 0
    host: float = 0.0  # seconds outside of the engine
    latencies: list[float] = field(default_factory=list)  # of urgent requests, seconds


def measure(setting: Setting) -> Findings:
    slots = setting.either(512, 8)
    engine = setting.engine(setting.models, "bfloat16", slots)
    timed = TimedSteps(engine._model, setting.on_cuda)
    engine._model = timed
    requested = requests(setting.either(4 * slots, 12))
    began, totals = time.perf_counter(), Totals()
    _drive(engine, requested, totals, until=began + setting.either(35.0, 60.0))
    setting.wait()
    wall, busy = time.perf_counter() - began, timed.busy()
    context, threads = int(str(engine.facts["context"])), torch.get_num_threads()
    hardware = Hardware(setting.device, "bfloat16", slots, context, threads)
    computed = static_memory(Assets.open(setting.models).dimensions(), hardware)
    latencies = sorted(totals.latencies)
    figures: dict[str, object] = {
        "audio_s_per_s": round(totals.audio / wall, 1),
        "idle_share": round(1 - busy / wall, 3),
        "step_ms": round(1e3 * busy / timed.steps, 3),
        "host_ms_per_look": round(1e3 * totals.host / max(timed.steps, 1), 3),
        "urgent_seconds": {"p50": latencies[len(latencies) // 2], "most": latencies[-1]}
        if latencies
        else None,
        "peak_mib": peak_mib(setting.device.type),
        "computed_mib": sum(computed.values()) // MIB,
        "failed": totals.failed,
    }
    engine.close()
    return Findings(
        f"{figures['audio_s_per_s']} audio s/s; the device idle for {figures['idle_share']:.1%}; "
        f"urgent {figures['urgent_seconds']}",
        figures=figures,
    )


def _drive(
    engine: ChatTTSEngine, requested: list[SpeechRequest], totals: Totals, until: float
) -> None:
    """Speak the list, with an urgent request at a time beside it, and pack in threads."""
    waiting, busy = requested[::-1], dict[int, SpeechRequest]()
    urgent, tickets = dict[int, float](), 0
    packing = list[Future[object]]()
    with ThreadPoolExecutor(8, "encoder") as packers:
        while (waiting or busy) and time.perf_counter() < until:
            began = time.perf_counter()
            while waiting and len(busy) < engine.capacity:
                request = waiting.pop()
                tickets += 1
                if not urgent and waiting:
                    request = msgspec.structs.replace(request, text=URGENT_TEXT, priority="urgent")
                    urgent[tickets] = time.perf_counter()
                engine.admit(tickets, request)
                busy[tickets] = request
            totals.host += time.perf_counter() - began
            for utterance in engine.step():
                request = busy.pop(utterance.ticket)
                packing.append(packers.submit(triage.of_utterance, request, utterance, engine))
                if since := urgent.pop(utterance.ticket, None):
                    totals.latencies.append(round(time.perf_counter() - since, 3))
                if utterance.waveform is None:
                    totals.failed += 1
                else:
                    totals.audio += len(utterance.waveform) / engine.sample_rate
        for packed in packing:
            packed.result()
