"""Requests in some company or other, and what comes of each."""

import random
from collections.abc import Iterable, Sequence

from gpu_consumers.engines import Engine, Utterance
from gpu_consumers.engines.chattts.engine import ChatTTSEngine
from gpu_consumers.engines.chattts.load import load
from gpu_consumers.engines.chattts.weights.assets import Assets
from schemas.messages import SpeechRequest, Style
from seedcast.codec import waveform_sha256
from seedcast.settings import GpuSettings
from tests.unit.gpu_consumers.requests import a_request

TEXTS = (
    "您的订单4411已经发货，预计明天下午三点送达。",
    "Hello Anna, your order 4411 leaves at 17:30.",
    "您的 iPhone 15 已发货。",
    "Your bill of $12.50 is due on Friday. Please pay by phone. Thank you very much for your patience with us.",
    "谢谢！",
    "OK.",
)
STYLES = (
    Style(),
    Style(temperature=0.8, top_p=0.9, top_k=50),
    Style(repetition_penalty=1.3),
    Style(top_k=1),
    Style(refine=True, oral=2, laugh=0, break_=4),
)


def mixed(count: int) -> list[SpeechRequest]:
    """Both languages, several voices, paces, styles and lengths; the last style also goes through the text stage."""
    return [
        a_request(
            request_id=f"request-{n}",
            text=TEXTS[n % len(TEXTS)],
            voice_seed=n,
            speed=(1.0, 1.6, 2.0)[n % 3],
            style=STYLES[-1] if n % 40 == 4 else STYLES[n % (len(STYLES) - 1)],
            priority="urgent" if n % 11 == 0 else "normal",
        )
        for n in range(count)
    ]


def engine(assets: Assets, **settings: object) -> ChatTTSEngine:
    """One thread: on products this small a second one only waits."""
    chosen = {
        "engine": "chattts",
        "device": "cpu",
        "context": 512,
        "slots": 64,
        "precision": "float32",
        "threads": 1,
    }
    return load(GpuSettings.model_validate(chosen | settings), assets)


def outcome(utterance: Utterance) -> str:
    """What must not differ, errors word by word. Only a waveform's has a space in it."""
    if utterance.waveform is None:
        return (
            "-".join([utterance.error.code, *utterance.error.message.split()])
            if utterance.error
            else "nothing"
        )
    return f"{waveform_sha256(utterance.waveform)} {utterance.draw}"


def speak(
    engine: Engine,
    requests: Sequence[SpeechRequest],
    order: Iterable[int] | None = None,
    at_once: int | None = None,
) -> dict[int, str]:
    """The outcome of each request by its index, admitted in some order, at most `at_once` in the engine."""
    waiting, busy, found = list(order if order is not None else range(len(requests))), 0, {}
    while waiting or busy:
        while waiting and busy < (at_once or engine.slots):
            ticket = waiting.pop(0)
            engine.admit(ticket, requests[ticket])
            busy += 1
        for utterance in engine.step():
            busy -= 1
            found[utterance.ticket] = outcome(utterance)
    return found


def shuffled(count: int, seed: int) -> list[int]:
    order = list(range(count))
    random.Random(seed).shuffle(order)
    return order
