"""Mixed requests, and the outcome of each in an engine that speaks them in some company."""

import random
from collections.abc import Iterable, Sequence

from seedcast.gpu_consumers.engines import Engine, Utterance
from seedcast.gpu_consumers.engines.chattts.engine import ChatTTSEngine
from seedcast.gpu_consumers.engines.chattts.load import load
from seedcast.gpu_consumers.engines.chattts.weights.assets import Assets
from seedcast.schemas.messages import SpeechRequest, Style
from seedcast.settings import GpuSettings
from seedcast.waveforms import waveform_sha256
from tests.builders.requests import a_request

TEXTS = (
    "您的订单4411已经发货，预计明天下午三点送达。",
    "Hello Anna, your order 4411 leaves at 17:30.",
    "您的 iPhone 15 已发货。",
    "Your bill of $12.50 is due on Friday. Please pay by phone. "
    "Thank you very much for your patience with us.",
    "谢谢！",
    "OK.",
)
STYLES = (
    Style(),
    Style(temperature=0.8, top_p=0.9, top_k=50),
    Style(repetition_penalty=1.3),
    Style(top_k=1),
)
REFINED = Style(refine=True, oral=2, laugh=0, break_=4)


def mixed(count: int) -> list[SpeechRequest]:
    """Both languages, several voices, speeds, styles, lengths; some pass the text stage."""
    return [
        a_request(
            request_id=f"request-{n}",
            text=TEXTS[n % len(TEXTS)],
            voice_seed=n,
            speed=(1.0, 1.6, 2.0)[n % 3],
            style=REFINED if n % 40 == 4 else STYLES[n % len(STYLES)],
            priority="urgent" if n % 11 == 0 else "normal",
        )
        for n in range(count)
    ]


def engine(assets: Assets, **settings: object) -> ChatTTSEngine:
    """Load an engine. It has one thread: on products this small a second one would only wait."""
    defaults = {
        "engine": "chattts",
        "device": "cpu",
        "context": 512,
        "slots": 64,
        "precision": "float32",
        "threads": 1,
    }
    return load(GpuSettings.model_validate(defaults | settings), assets)


def outcome(utterance: Utterance) -> str:
    """Return what must not differ: hash and draw of a waveform, or code and text of an error.

    Only the outcome of a waveform has a space in it.
    """
    if utterance.waveform is not None:
        return f"{waveform_sha256(utterance.waveform)} {utterance.draw}"
    error = utterance.error
    return "-".join([error.code, *error.message.split()]) if error else "nothing"


def speak(
    engine: Engine,
    requests: Sequence[SpeechRequest],
    order: Iterable[int] | None = None,
    at_once: int | None = None,
) -> dict[int, str]:
    """Return the outcome of each request by its index.

    Requests are admitted in the given order, at most `at_once` into the engine at a time.
    """
    waiting, busy = list(order if order is not None else range(len(requests))), 0
    outcomes: dict[int, str] = {}
    while waiting or busy:
        while waiting and busy < (at_once or engine.capacity):
            ticket = waiting.pop(0)
            engine.admit(ticket, requests[ticket])
            busy += 1
        for utterance in engine.step():
            busy -= 1
            outcomes[utterance.ticket] = outcome(utterance)
    return outcomes


def shuffled(count: int, seed: int) -> list[int]:
    order = list(range(count))
    random.Random(seed).shuffle(order)
    return order
