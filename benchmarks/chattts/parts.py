"""The parts of our engine as `load.build` makes them, and generations of a given length."""

from dataclasses import dataclass

import torch
from safetensors.torch import load_file

from benchmarks.chattts.workload import Plan, texts
from seedcast.gpu_consumers.engines.chattts.batch_sizes import BatchSizes
from seedcast.gpu_consumers.engines.chattts.generation import LONGEST_PROMPT, SPEECH
from seedcast.gpu_consumers.engines.chattts.hardware import Hardware, ensure_fits
from seedcast.gpu_consumers.engines.chattts.kernels.cuda_graph import CapturedModel, Stepper
from seedcast.gpu_consumers.engines.chattts.load import PACE, prepare
from seedcast.gpu_consumers.engines.chattts.model import speaker, upstream_modules
from seedcast.gpu_consumers.engines.chattts.model.decoder import Decoder
from seedcast.gpu_consumers.engines.chattts.model.dimensions import Dimensions
from seedcast.gpu_consumers.engines.chattts.model.model import Model
from seedcast.gpu_consumers.engines.chattts.model.slots import Generation, Slots, Stage
from seedcast.gpu_consumers.engines.chattts.model.tokenizer import Prompter
from seedcast.gpu_consumers.engines.chattts.model.vocoder import Vocoder
from seedcast.gpu_consumers.engines.chattts.weights.assets import Assets

VOICES = 8


@dataclass(frozen=True)
class Parts:
    dimensions: Dimensions
    hardware: Hardware
    prompter: Prompter
    decoder: Decoder
    model: Model
    stepper: Stepper  # the model, captured as a graph on a CUDA device
    batch_sizes: BatchSizes
    vocoder: Vocoder

    @property
    def steps(self) -> int:
        """Steps between two checks for finished slots."""
        return PACE[self.hardware.device.type].steps

    @property
    def slots(self) -> Slots:
        return self.batch_sizes.slots

    def generations(self, lengths: list[int]) -> list[Generation]:
        """Return a generation per length. Its floor and its limit make it end exactly there."""
        statistics = upstream_modules.config(self.dimensions).spk_stat
        voices = [
            speaker.embedding(speaker.sample(seed, self.dimensions.hidden, statistics))
            for seed in range(VOICES)
        ]
        prompts = [self.prompter.speech(text, 1.0) for text in texts(len(lengths))]
        return [
            Generation(
                prompt=prompt,
                voice=voices[row % VOICES],
                seed=row,
                segment=0,
                stage=Stage.CODE,
                draw=0,
                temperature=SPEECH.temperature,
                top_p=SPEECH.top_p,
                top_k=SPEECH.top_k,
                penalty=SPEECH.penalty,
                floor=length,
                limit=length,
            )
            for row, (prompt, length) in enumerate(zip(prompts, lengths, strict=True))
        ]


def hardware(plan: Plan, precision: str, slots: int) -> Hardware:
    return Hardware(torch.device(plan.device), precision, slots, plan.context, plan.threads)


@torch.inference_mode()
def build(
    plan: Plan,
    precision: str,
    slots: int,
    decoder_type: type[Decoder] = Decoder,
    model_type: type[Model] = Model,
) -> Parts:
    chosen, assets = hardware(plan, precision, slots), Assets.open(plan.models)
    prepare(chosen)
    dimensions, device = assets.dimensions(), chosen.device
    ensure_fits(dimensions, chosen)
    config = upstream_modules.config(dimensions)
    embed = upstream_modules.embed(config)
    embed.load_pretrained(str(assets.embed), device)
    decoder = decoder_type(
        dimensions, load_file(assets.gpt_model), slots, plan.context, chosen.dtype, device
    )
    prompter = Prompter(assets.tokenizer)
    model = model_type(dimensions, embed, decoder, prompter.special, slots)
    rows = Slots(slots, dimensions, LONGEST_PROMPT, plan.context, device)
    return Parts(
        dimensions=dimensions,
        hardware=chosen,
        prompter=prompter,
        decoder=decoder,
        model=model,
        stepper=CapturedModel(model, rows) if device.type == "cuda" else model,
        batch_sizes=BatchSizes(rows, model.batch_sizes, decoder.move),
        vocoder=Vocoder(assets, config, device, reduced=precision != "float32"),
    )
