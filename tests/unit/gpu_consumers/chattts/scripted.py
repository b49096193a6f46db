"""An engine with a scripted model and vocoder; the rest, from front end to slots, is real."""

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import torch
from torch import Tensor

from seedcast.gpu_consumers.engines import Utterance
from seedcast.gpu_consumers.engines.chattts import quality
from seedcast.gpu_consumers.engines.chattts.async_vocoder import SyncVocoder
from seedcast.gpu_consumers.engines.chattts.batch_sizes import BatchSizes
from seedcast.gpu_consumers.engines.chattts.engine import ChatTTSEngine, Pace
from seedcast.gpu_consumers.engines.chattts.generation import LONGEST_PROMPT, GenerationBuilder
from seedcast.gpu_consumers.engines.chattts.load import LONGEST_SEGMENT
from seedcast.gpu_consumers.engines.chattts.model.dimensions import CODEBOOKS, TINY, Samples
from seedcast.gpu_consumers.engines.chattts.model.slots import Generation, Slots, Stage
from seedcast.gpu_consumers.engines.chattts.model.tokenizer import Prompter
from seedcast.gpu_consumers.engines.chattts.weights.assets import Assets
from seedcast.gpu_consumers.text import FrontEnd
from seedcast.schemas.messages import SpeechRequest

Ends = Callable[[int, int], bool]  # by the number of a chunk and its draw
Sound = Callable[[int, int], Samples]

TONE = (0.1 * np.sin(np.arange(2_400) * np.pi / 60)).astype(np.float32)
SILENCE, NOISE = np.zeros_like(TONE), np.full_like(TONE, np.nan)


class ScriptedModel:
    """Ends a row, if `speech` or `text` says so, once `pace` times the expected tokens are drawn.

    The text stage writes `word` over and over.
    """

    def __init__(
        self, prompter: Prompter, speech: Ends, text: Ends, word: str, pace: float
    ) -> None:
        self._special, self._speech, self._text, self._pace = prompter.special, speech, text, pace
        (self._word,) = prompter._tokens(word)

    def step(self, slots: Slots, refining: bool) -> None:
        draw, in_text = slots.draw, slots.stage == Stage.TEXT
        rows = zip(in_text.tolist(), draw.segment.tolist(), draw.number.tolist(), strict=True)
        ends = torch.tensor(
            [(self._text if text else self._speech)(number, drawn) for text, number, drawn in rows]
        )
        expected = slots.floor * self._pace / quality.SHORTEST_RATIO
        late = draw.step >= torch.where(in_text, 1, expected)
        end = torch.where(in_text, self._special.end_of_text, TINY.end_token)
        tokens = torch.where(ends & late & slots.may_end, end, self._word)
        tokens = tokens[:, None].expand(-1, CODEBOOKS)
        slots.advance(self._hidden(draw.segment, draw.number), tokens, end)

    def _hidden(self, number: Tensor, drawn: Tensor) -> Tensor:
        """States by which the scripted vocoder recognises a chunk and its draw."""
        hidden = torch.zeros(len(number), TINY.hidden)
        hidden[:, 0], hidden[:, 1] = number, drawn
        return hidden


class ScriptedVocoder:
    def __init__(self, sound: Sound) -> None:
        self._sound = sound

    def decode(self, hidden: Tensor) -> Samples:
        number, drawn = hidden[0, :2].int().tolist()
        return self._sound(number, drawn)


class RecordingSlots(Slots):
    """Keeps the generations that entered, in order."""

    def __init__(self, count: int, context: int) -> None:
        super().__init__(count, TINY, LONGEST_PROMPT, context, torch.device("cpu"))
        self.entered: list[Generation] = []

    def enter(self, entering: Mapping[int, Generation]) -> None:
        super().enter(entering)
        self.entered += entering.values()


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
) -> tuple[ChatTTSEngine, RecordingSlots]:
    prompter, recording = Prompter(assets.tokenizer), RecordingSlots(slots, context)
    made = ChatTTSEngine(
        ScriptedModel(prompter, speech, text, word, pace),
        BatchSizes(recording, [slots], lambda *_: None),
        SyncVocoder(ScriptedVocoder(sound)),
        GenerationBuilder(prompter, TINY, context),
        prompter,
        FrontEnd(prompter.knows, longest=LONGEST_SEGMENT),
        Pace(steps=1, behind=0),
        facts={"engine": "scripted"},
        description="scripted",
    )
    return made, recording


def spoken(engine: ChatTTSEngine, *requests: SpeechRequest) -> list[Utterance]:
    """Admit all at once; return the utterances by ticket. No ticket may be returned twice."""
    for ticket, request in enumerate(requests):
        engine.admit(ticket, request)
    return sorted(finished(engine), key=lambda utterance: utterance.ticket)


def finished(engine: ChatTTSEngine) -> Iterator[Utterance]:
    """Yield utterances as the steps return them, until the engine is empty."""
    seen = set[int]()
    while True:
        for utterance in engine.step():
            assert utterance.ticket not in seen, "the ticket was returned twice"
            seen.add(utterance.ticket)
            yield utterance
        busy = engine._waiting or any(engine._occupants) or engine._vocoding or engine._utterances
        if not busy:
            return
