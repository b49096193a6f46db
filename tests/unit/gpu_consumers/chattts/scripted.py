"""An engine whose model and vocoder do as they are told: everything else, from the front end to the slots, is the real one."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from gpu_consumers.engines import Utterance
from gpu_consumers.engines.chattts import quality
from gpu_consumers.engines.chattts.async_vocoder import SyncVocoder
from gpu_consumers.engines.chattts.batch_sizes import BatchSizes
from gpu_consumers.engines.chattts.engine import ChatTTSEngine, Pace
from gpu_consumers.engines.chattts.generation import LONGEST_PROMPT, Generations
from gpu_consumers.engines.chattts.load import LONGEST_SEGMENT
from gpu_consumers.engines.chattts.model.dimensions import CODEBOOKS, TINY, Samples
from gpu_consumers.engines.chattts.model.slots import Generation, Slots, Stage
from gpu_consumers.engines.chattts.model.tokenizer import Prompter
from gpu_consumers.engines.chattts.weights.assets import Assets
from gpu_consumers.text import FrontEnd
from schemas.messages import SpeechRequest

Ends = Callable[[int, int], bool]  # by the number of a piece and its draw
Sound = Callable[[int, int], Samples]

TONE = (0.1 * np.sin(np.arange(2_400) * np.pi / 60)).astype(np.float32)
SILENCE, NOISE = np.zeros_like(TONE), np.full_like(TONE, np.nan)


class Scripted:
    """A row ends once it may and `pace` times the expected tokens are drawn, if it ends at all. The text stage writes `word` over and over."""

    def __init__(
        self, prompter: Prompter, speech: Ends, text: Ends, word: str, pace: float
    ) -> None:
        self._special, self._speech, self._text, self._pace = prompter.special, speech, text, pace
        (self._word,) = prompter._tokens(word)

    def step(self, slots: Slots, refining: bool) -> None:
        draw, in_text = slots.draw, slots.stage == Stage.TEXT
        rows = zip(in_text.tolist(), draw.segment.tolist(), draw.number.tolist(), strict=True)
        willing = torch.tensor(
            [(self._text if text else self._speech)(number, drawn) for text, number, drawn in rows]
        )
        late = draw.step >= torch.where(in_text, 1, slots.floor * self._pace / quality.SHORTEST)
        end = torch.where(in_text, self._special.end_of_text, TINY.end_token)
        tokens = torch.where(willing & late & slots.may_end, end, self._word)[:, None].expand(
            -1, CODEBOOKS
        )
        slots.advance(self._hidden(draw.segment, draw.number), tokens, end)

    def _hidden(self, number: Tensor, drawn: Tensor) -> Tensor:
        """What the vocoder can tell a piece and its draw by."""
        hidden = torch.zeros(len(number), TINY.hidden)
        hidden[:, 0], hidden[:, 1] = number, drawn
        return hidden


class Sounding:
    def __init__(self, sound: Sound) -> None:
        self._sound = sound

    def decode(self, hidden: Tensor) -> Samples:
        number, drawn = hidden[0, :2].int().tolist()
        return self._sound(number, drawn)


class Noted(Slots):
    """Keeps what entered, in order."""

    def __init__(self, count: int, context: int) -> None:
        super().__init__(count, TINY, LONGEST_PROMPT, context, torch.device("cpu"))
        self.entered: list[Generation] = []

    def enter(self, slot: int, entering: Generation) -> None:
        super().enter(slot, entering)
        self.entered.append(entering)


def always(_number: int, _draw: int) -> bool:
    return True


def never(_number: int, _draw: int) -> bool:
    return False


def scripted(
    assets: Assets,
    *,
    speech: Ends = always,
    text: Ends = always,
    sound: Sound = lambda _number, _draw: TONE,
    word: str = "好",
    pace: float = 1.0,
    slots: int = 4,
    context: int = 512,
) -> tuple[ChatTTSEngine, Noted]:
    prompter, noted = Prompter(assets.tokenizer), Noted(slots, context)
    model, passes = (
        Scripted(prompter, speech, text, word, pace),
        Generations(prompter, TINY, context),
    )
    front_end = FrontEnd(prompter.knows, longest=LONGEST_SEGMENT)
    return ChatTTSEngine(
        "scripted",
        model,
        BatchSizes(noted, [slots], lambda *_: None),
        SyncVocoder(Sounding(sound)),
        passes,
        prompter,
        front_end,
        Pace(1, ahead=False),
    ), noted


def spoken(engine: ChatTTSEngine, *requests: SpeechRequest) -> list[Utterance]:
    """By ticket, all admitted at once; no ticket may come out twice, not even later."""
    for ticket, request in enumerate(requests):
        engine.admit(ticket, request)
    return sorted(finished(engine), key=lambda utterance: utterance.ticket)


def finished(engine: ChatTTSEngine) -> Iterator[Utterance]:
    """As they come out, until nothing is left."""
    seen = set[int]()
    while True:
        for utterance in engine.step():
            assert utterance.ticket not in seen, "it came out twice"
            seen.add(utterance.ticket)
            yield utterance
        if not (engine._waiting or any(engine._held) or engine._sounding or engine._done):
            return
