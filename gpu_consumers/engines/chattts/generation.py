"""From a piece of a request to its way through a slot: prompt, voice, sampling parameters, bounds."""

from dataclasses import dataclass
from functools import lru_cache

from torch import Tensor

from gpu_consumers.engines.chattts import quality
from gpu_consumers.engines.chattts.model import speaker
from gpu_consumers.engines.chattts.model.dimensions import Dimensions
from gpu_consumers.engines.chattts.model.slots import Generation, Stage
from gpu_consumers.engines.chattts.model.tokenizer import Prompter
from gpu_consumers.engines.chattts.speech import Piece
from schemas.messages import SpeechRequest, Style

LONGEST_PROMPT = 320  # tokens


@dataclass(frozen=True)
class Defaults:
    """Upstream's `InferCodeParams` and `RefineTextParams`."""

    temperature: float
    top_p: float = 0.7
    top_k: int = 20
    penalty: float = 1.0


SPEECH, REFINEMENT = Defaults(0.3, penalty=1.05), Defaults(0.7)
REFINED = 384  # tokens that the text stage may write at most, as upstream; of a short text, twice its prompt and some


def wants_refining(style: Style) -> bool:
    return style.refine or any(
        level is not None for level in (style.oral, style.laugh, style.break_)
    )


class Generations:
    def __init__(self, prompter: Prompter, dimensions: Dimensions, context: int) -> None:
        self._prompter, self._context = prompter, context
        statistics = dimensions.upstream_config().spk_stat

        @lru_cache(maxsize=4096)
        def voice(seed: int, string: str | None) -> Tensor:
            chosen = (
                speaker.sample(seed, dimensions.hidden, statistics)
                if string is None
                else speaker.decode(string, dimensions.hidden)
            )
            return speaker.embedding(chosen)

        self._voice = voice

    def voice(self, request: SpeechRequest) -> Tensor:
        """(hidden,) float32. Raises InvalidRequest where the speaker string is none."""
        return self._voice(request.voice_seed, request.speaker)

    def room(self, speed: float) -> float:
        """Seconds at speed 1 of the longest text that a slot can hold at this speed."""
        return quality.room(speed, self._context)

    def speech(self, request: SpeechRequest, piece: Piece) -> Generation | None:
        """None where the prompt is too long for a slot."""
        prompt = self._prompter.speech(piece.text, request.speed)
        if len(prompt) > LONGEST_PROMPT:
            return None
        bounds = quality.bounds(piece.segment.seconds, request.speed, self._context - len(prompt))
        return self._pass(request, piece, prompt, Stage.CODE, request.style, SPEECH, bounds)

    def refinement(self, request: SpeechRequest, piece: Piece) -> Generation | None:
        prompt = self._prompter.refinement(piece.segment.text, request.style)
        if len(prompt) > LONGEST_PROMPT:
            return None
        return self._pass(
            request,
            piece,
            prompt,
            Stage.TEXT,
            Style(),
            REFINEMENT,
            quality.Bounds(0, min(REFINED, 2 * len(prompt) + 24, self._context - len(prompt))),
        )

    def _pass(
        self,
        request: SpeechRequest,
        piece: Piece,
        prompt: tuple[int, ...],
        stage: Stage,
        style: Style,
        default: Defaults,
        bounds: quality.Bounds,
    ) -> Generation:
        return Generation(
            prompt=prompt,
            voice=self.voice(request),
            seed=request.voice_seed,
            segment=piece.number,
            stage=stage,
            draw=piece.draw,
            temperature=default.temperature if style.temperature is None else style.temperature,
            top_p=default.top_p if style.top_p is None else style.top_p,
            top_k=default.top_k if style.top_k is None else style.top_k,
            penalty=default.penalty
            if style.repetition_penalty is None
            else style.repetition_penalty,
            floor=bounds.floor,
            limit=bounds.limit,
        )
