"""From settings to an engine: hardware first, then memory, then weights, so errors come early."""

from collections.abc import Mapping

import structlog
import torch
from safetensors.torch import load_file

from seedcast.catalog.lexicon import Lexicon
from seedcast.gpu_consumers.engines.chattts.async_vocoder import AsyncVocoder, SyncVocoder
from seedcast.gpu_consumers.engines.chattts.batch_sizes import BatchSizes
from seedcast.gpu_consumers.engines.chattts.engine import ChatTTSEngine, Pace
from seedcast.gpu_consumers.engines.chattts.facts import engine_facts
from seedcast.gpu_consumers.engines.chattts.generation import LONGEST_PROMPT, GenerationBuilder
from seedcast.gpu_consumers.engines.chattts.hardware import MIB, Hardware, choose, ensure_fits
from seedcast.gpu_consumers.engines.chattts.kernels import determinism
from seedcast.gpu_consumers.engines.chattts.kernels.cuda_graph import CapturedModel
from seedcast.gpu_consumers.engines.chattts.model import upstream_modules
from seedcast.gpu_consumers.engines.chattts.model.decoder import Decoder
from seedcast.gpu_consumers.engines.chattts.model.dimensions import Dimensions
from seedcast.gpu_consumers.engines.chattts.model.model import Model
from seedcast.gpu_consumers.engines.chattts.model.slots import Slots
from seedcast.gpu_consumers.engines.chattts.model.tokenizer import Prompter
from seedcast.gpu_consumers.engines.chattts.model.vocoder import Vocoder
from seedcast.gpu_consumers.engines.chattts.variables import refuse_dynamic_threads
from seedcast.gpu_consumers.engines.chattts.weights.assets import Assets
from seedcast.gpu_consumers.engines.fingerprint import fingerprint
from seedcast.gpu_consumers.longest_speech import LONGEST
from seedcast.gpu_consumers.text import FrontEnd
from seedcast.schemas.locales import Locale
from seedcast.settings import GpuSettings

log = structlog.get_logger(__name__)

WARM_UP = 94  # tokens that the vocoder decodes when a device loads: two seconds
LONGEST_SEGMENT = 10.0  # seconds at speed 1; less if a slot holds less (quality.longest_text)
# On a device a slot that has stopped is idle for 5.5 steps on the average: 1.5 until the next look,
# and the four after it, in which the host hears of it.
PACE = {"cuda": Pace(steps=4, behind=1), "cpu": Pace(steps=1, behind=0)}


def load(
    settings: GpuSettings,
    assets: Assets,
    lexicon: Lexicon | None = None,
    locale: Locale = "en-US",
    longest: int = LONGEST,
) -> ChatTTSEngine:
    """Return an engine with its weights loaded. Raises EngineFailed if it cannot run here.

    `lexicon` and `locale` are the deployment's; a request may last `longest` seconds.
    """
    hardware = choose(settings)
    prepare(hardware)
    memory = ensure_fits(assets.dimensions(), hardware)
    log.info("memory", **{f"{name}_mib": part // MIB for name, part in memory.items()})
    prompter = Prompter(assets.tokenizer)
    front_end = FrontEnd(
        prompter.knows,
        longest=LONGEST_SEGMENT,
        longest_request=longest,
        lexicon=lexicon,
        locale=locale,
    )
    facts = engine_facts(assets.digest(), front_end.version, hardware)
    log.debug("fingerprint", **facts)
    name, needed = fingerprint(facts), sum(memory.values()) // MIB
    fabricated = assets.fabrication is not None
    log.info(
        "engine",
        device=hardware.name,
        precision=hardware.precision,
        slots=hardware.slots,
        memory_mib=needed,
        fabricated=fabricated,
        fingerprint=name,
    )
    random = ", random weights" if fabricated else ""
    description = (
        f"chattts on {hardware.name}, {hardware.precision}, {hardware.slots} slots, "
        f"{needed:,} MiB{random}, fingerprint {name}"
    )
    return build(assets, hardware, prompter, front_end, facts, description)


def prepare(hardware: Hardware) -> None:
    """Set what holds for the whole process, before the first work on the device.

    Raises EngineFailed if the environment forbids it.
    """
    refuse_dynamic_threads()
    if hardware.device.type == "cuda":
        determinism.make_repeatable()
    else:
        from seedcast.gpu_consumers.engines.chattts.kernels import attention_cpu

        attention_cpu.use_threads(hardware.threads)
    # After numba: when it starts its threads, it sets those of OpenMP, which are torch's, too.
    torch.set_num_threads(hardware.threads)


@torch.inference_mode()
def build(
    assets: Assets,
    hardware: Hardware,
    prompter: Prompter,
    front_end: FrontEnd,
    facts: Mapping[str, object],
    description: str,
) -> ChatTTSEngine:
    """Load the weights and return the engine; `prepare` comes before."""
    dimensions, device = assets.dimensions(), hardware.device
    rows, context = hardware.slots, hardware.context
    config = upstream_modules.config(dimensions)
    embed = upstream_modules.embed(config)
    embed.load_pretrained(str(assets.embed), device)
    decoder = _decoder(assets, hardware)
    model = Model(dimensions, embed, decoder, prompter.special, rows)
    vocoder = Vocoder(assets, config, device, reduced=hardware.precision != "float32")
    slots = Slots(rows, dimensions, LONGEST_PROMPT, context, device)
    on_device = device.type == "cuda"
    stepper = CapturedModel(model, slots) if on_device else model
    return ChatTTSEngine(
        stepper,
        BatchSizes(slots, model.batch_sizes, decoder.move),
        _beside_the_steps(vocoder, dimensions, device) if on_device else SyncVocoder(vocoder),
        GenerationBuilder(prompter, dimensions, context),
        prompter,
        front_end,
        PACE[device.type],
        facts=facts,
        description=description,
    )


def _beside_the_steps(
    vocoder: Vocoder, dimensions: Dimensions, device: torch.device
) -> AsyncVocoder:
    """Return a vocoder whose thread has set the device's libraries up before anybody waits."""
    executor = AsyncVocoder(vocoder, device)
    executor.submit(torch.zeros(WARM_UP, dimensions.hidden, device=device)).result()
    return executor


def _decoder(assets: Assets, hardware: Hardware) -> Decoder:
    """Load the Llama. Its checkpoint is freed on return, before the vocoder is loaded."""
    return Decoder(
        assets.dimensions(),
        load_file(assets.gpt_model),
        hardware.slots,
        hardware.context,
        hardware.dtype,
        hardware.device,
    )
