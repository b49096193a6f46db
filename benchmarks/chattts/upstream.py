"""ChatTTS as `Chat.infer` runs it: `_infer_code`, then `_decode_to_wavs`, one batch at a time."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import ChatTTS
import torch

from benchmarks.chattts.memory import peak_mib
from benchmarks.chattts.workload import AUDIO_SECONDS, Plan, texts
from seedcast.gpu_consumers.engines.chattts.model import upstream_modules
from seedcast.gpu_consumers.engines.chattts.weights.assets import Assets


@dataclass(frozen=True)
class UpstreamRun:
    lengths: str  # equal or mixed
    batch: int
    longest: int  # tokens that every row was run for
    tokens: int  # of the rows' own lengths
    seconds: float
    vocoder_seconds: float
    tokens_per_second: float
    audio_per_second: float  # includes the vocoder
    peak_mib: float  # so far; batches are in ascending order


def measure(plan: Plan, batches: list[int], mixed: list[int]) -> list[UpstreamRun]:
    torch.set_num_threads(plan.threads)
    chat = load(Assets.open(plan.models), torch.device(plan.device))
    synthesise(chat, 1, 8)
    return list(_runs(plan, chat, batches, mixed))


def _runs(
    plan: Plan, chat: ChatTTS.Chat, batches: list[int], mixed: list[int]
) -> Iterator[UpstreamRun]:
    for batch in sorted(batches):
        yield _run(chat, "equal", [plan.tokens] * batch)
    for batch in sorted(mixed):
        yield _run(chat, "mixed", plan.lengths(batch))


def _run(chat: ChatTTS.Chat, name: str, lengths: list[int]) -> UpstreamRun:
    """Run a batch, with one limit for all rows: upstream has no limit per row.

    Tokens beyond a row's own length are not counted.
    """
    decoded, vocoded = synthesise(chat, len(lengths), max(lengths))
    tokens, seconds = sum(lengths), decoded + vocoded
    return UpstreamRun(
        lengths=name,
        batch=len(lengths),
        longest=max(lengths),
        tokens=tokens,
        seconds=round(seconds, 2),
        vocoder_seconds=round(vocoded, 2),
        tokens_per_second=round(tokens / decoded, 1),
        audio_per_second=round(tokens * AUDIO_SECONDS / seconds, 3),
        peak_mib=peak_mib(str(chat.device)),
    )


def synthesise(chat: ChatTTS.Chat, batch: int, length: int) -> tuple[float, float]:
    """Return the seconds of the decode loop and of the vocoder."""
    torch.manual_seed(0)
    parameters = chat.InferCodeParams(
        spk_emb=chat.sample_random_speaker(),
        min_new_token=length,
        max_new_token=length,
        show_tqdm=False,
    )
    began = time.perf_counter()
    result = next(chat._infer_code(texts(batch), False, chat.device, True, parameters))
    if chat.device.type == "cuda":
        torch.cuda.synchronize()
    decoded = time.perf_counter()
    wavs = chat._decode_to_wavs(result.hiddens, True)
    assert wavs.shape == (batch, 512 * length - 256)
    return decoded - began, time.perf_counter() - decoded


def load(assets: Assets, device: torch.device) -> ChatTTS.Chat:
    chat = ChatTTS.Chat()
    chat.config = upstream_modules.config(assets.dimensions())
    chat._load(
        vocos_ckpt_path=str(assets.vocos),
        dvae_ckpt_path=str(assets.dvae),
        gpt_ckpt_path=str(assets.gpt),
        embed_path=str(assets.embed),
        decoder_ckpt_path=str(assets.decoder),
        tokenizer_path=str(assets.tokenizer),
        device=device,
    )
    return chat
