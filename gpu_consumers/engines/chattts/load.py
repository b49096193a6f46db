"""From settings to an engine: hardware, memory, weights, in this order, so that what cannot work is said before it costs time."""

import structlog
import torch
from safetensors.torch import load_file

from gpu_consumers.engines.chattts import fingerprint
from gpu_consumers.engines.chattts.async_vocoder import AsyncVocoder, SyncVocoder
from gpu_consumers.engines.chattts.batch_sizes import BatchSizes
from gpu_consumers.engines.chattts.engine import ChatTTSEngine, Pace
from gpu_consumers.engines.chattts.generation import LONGEST_PROMPT, Generations
from gpu_consumers.engines.chattts.hardware import MIB, Hardware, choose, ensure_fits
from gpu_consumers.engines.chattts.kernels import determinism
from gpu_consumers.engines.chattts.kernels.cuda_graph import Captured
from gpu_consumers.engines.chattts.model import upstream_modules
from gpu_consumers.engines.chattts.model.decoder import Decoder
from gpu_consumers.engines.chattts.model.model import Model
from gpu_consumers.engines.chattts.model.slots import Slots
from gpu_consumers.engines.chattts.model.tokenizer import Prompter
from gpu_consumers.engines.chattts.model.vocoder import Vocoder
from gpu_consumers.engines.chattts.weights.assets import Assets
from gpu_consumers.text import FrontEnd
from seedcast.settings import GpuSettings

log = structlog.get_logger(__name__)

LONGEST_SEGMENT = 10.0  # seconds at speed 1; shorter where a slot has no room for it (judge.room)
PACE = {"cuda": Pace(steps=8, ahead=True), "cpu": Pace(steps=1, ahead=False)}


def load(settings: GpuSettings, assets: Assets) -> ChatTTSEngine:
    """Raises EngineFailed."""
    hardware = choose(settings)
    prepare(hardware)
    dimensions = assets.dimensions()
    memory = ensure_fits(dimensions, hardware)
    log.info("memory", **{f"{name}_mib": part // MIB for name, part in memory.items()})
    prompter = Prompter(assets.tokenizer)
    front_end = FrontEnd(prompter.knows, longest=LONGEST_SEGMENT)
    facts = fingerprint.facts(assets.digest(), front_end.version, hardware)
    name = fingerprint.fingerprint(facts)
    log.debug("fingerprint", **facts)
    needed, fabricated = sum(memory.values()) // MIB, assets.fabrication is not None
    log.info(
        "engine",
        device=hardware.name,
        precision=hardware.precision,
        slots=hardware.slots,
        memory_mib=needed,
        fabricated=fabricated,
        fingerprint=name,
    )
    engine = build(assets, hardware, prompter, front_end, name)
    random = ", random weights" if fabricated else ""
    engine.description = f"chattts on {hardware.name}, {hardware.precision}, {hardware.slots} slots, {needed:,} MiB{random}, fingerprint {name}"
    engine.facts = facts
    return engine


def prepare(hardware: Hardware) -> None:
    """What holds for the whole process, before the first work on the device."""
    torch.set_num_threads(hardware.threads)
    if hardware.device.type == "cuda":
        determinism.make_repeatable()
    else:
        from gpu_consumers.engines.chattts.kernels import attention_cpu

        attention_cpu.use_threads(hardware.threads)


@torch.inference_mode()
def build(
    assets: Assets, hardware: Hardware, prompter: Prompter, front_end: FrontEnd, name: str
) -> ChatTTSEngine:
    dimensions, device = assets.dimensions(), hardware.device
    config = dimensions.upstream_config()
    embed = upstream_modules.embed(config)
    embed.load_pretrained(str(assets.embed), device)
    decoder = Decoder(
        dimensions,
        load_file(assets.gpt_model),
        hardware.slots,
        hardware.context,
        hardware.dtype,
        device,
    )
    model = Model(dimensions, embed, decoder, prompter.special, hardware.slots)
    vocoder = Vocoder(assets, config, device, reduced=hardware.precision != "float32")
    on_device = device.type == "cuda"
    return ChatTTSEngine(
        name,
        Captured(model) if on_device else model,
        BatchSizes(
            Slots(hardware.slots, dimensions, LONGEST_PROMPT, hardware.context, device),
            model.rungs,
            decoder.move,
        ),
        AsyncVocoder(vocoder, device) if on_device else SyncVocoder(vocoder),
        Generations(prompter, dimensions, hardware.context),
        prompter,
        front_end,
        PACE[device.type],
    )
