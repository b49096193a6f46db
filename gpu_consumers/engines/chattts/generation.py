"""From a chunk of a request to a generation: prompt, voice, sampling parameters and bounds."""

from dataclasses import dataclass
from functools import lru_cache

from seedcast.gpu_consumers.engines.chattts import quality
from seedcast.gpu_consumers.engines.chattts.model import speaker, upstream_modules
from seedcast.gpu_consumers.engines.chattts.model.dimensions import Dimensions
from seedcast.gpu_consumers.engines.chattts.model.slots import Generation, Stage
from seedcast.gpu_consumers.engines.chattts.model.speaker import Embedding
from seedcast.gpu_consumers.engines.chattts.model.tokenizer import Prompter
from seedcast.gpu_consumers.engines.chattts.quality import Bounds
from seedcast.gpu_consumers.engines.chattts.speech import Chunk
from seedcast.schemas.messages import SpeechRequest, Style

LONGEST_PROMPT = 320  # tokens
LONGEST_REFINEMENT = 384  # tokens that the text stage may write, as upstream


@dataclass(frozen=True)
class Defaults:
    """Sampling parameters where the style leaves them open, as upstream's classes set them."""

    temperature: float
    top_p: float = 0.7
    top_k: int = 20
    penalty: float = 1.0


SPEECH = Defaults(temperature=0.3, penalty=1.05)  # upstream's InferCodeParams
REFINEMENT = Defaults(temperature=0.7)  # upstream's RefineTextParams


def wants_refining(style: Style) -> bool:
    """Return True if the style asks for the text stage, by itself or through one of its levels."""
    levels = (style.oral, style.laugh, style.break_)
    return style.refine or any(level is not None for level in levels)


class GenerationBuilder:
    """Builds the generations of chunks. Voices are cached, the latest 4,096."""

    def __init__(self, prompter: Prompter, dimensions: Dimensions, context: int) -> None:
        self._prompter, self._context = prompter, context
        statistics = upstream_modules.config(dimensions).spk_stat

        @lru_cache(maxsize=4096)
        def voice(seed: int, string: str | None) -> Embedding:
            if string is None:
                return speaker.embedding(speaker.sample(seed, dimensions.hidden, statistics))
            return speaker.embedding(speaker.decode(string, dimensions.hidden))

        self._voice = voice

    def voice(self, request: SpeechRequest) -> Embedding:
        """Return the speaker embedding, (hidden,) float32.

        Raises InvalidRequest if the request's speaker string cannot be decoded.
        """
        return self._voice(request.voice_seed, request.speaker)

    def longest_text(self, speed: float) -> float:
        """Return how long a text a slot can hold at this speed, in seconds at speed 1."""
        return quality.longest_text(speed, self._context)

    def code_stage(self, request: SpeechRequest, chunk: Chunk) -> Generation | None:
        """Return the generation of the code stage; None if the prompt is too long for a slot."""
        prompt = self._prompter.speech(chunk.text, request.speed)
        if len(prompt) > LONGEST_PROMPT:
            return None
        available = self._context - len(prompt)
        bounds = quality.bounds(chunk.segment.seconds, request.speed, available)
        return self._generation(request, chunk, prompt, Stage.CODE, request.style, SPEECH, bounds)

    def text_stage(self, request: SpeechRequest, chunk: Chunk) -> Generation | None:
        """Return the generation of the text stage; None if the prompt is too long for a slot.

        The text stage samples with its own defaults, whatever the style says. It may write
        LONGEST_REFINEMENT tokens; for a short text, twice its prompt and 24 more.
        """
        prompt = self._prompter.refinement(chunk.segment.text, request.style)
        if len(prompt) > LONGEST_PROMPT:
            return None
        limit = min(LONGEST_REFINEMENT, 2 * len(prompt) + 24, self._context - len(prompt))
        bounds = Bounds(0, limit)
        return self._generation(request, chunk, prompt, Stage.TEXT, Style(), REFINEMENT, bounds)

    def _generation(
        self,
        request: SpeechRequest,
        chunk: Chunk,
        prompt: tuple[int, ...],
        stage: Stage,
        style: Style,
        default: Defaults,
        bounds: Bounds,
    ) -> Generation:
        penalty = style.repetition_penalty
        return Generation(
            prompt=prompt,
            voice=self.voice(request),
            seed=request.voice_seed,
            segment=chunk.number,
            stage=stage,
            draw=chunk.draw,
            temperature=default.temperature if style.temperature is None else style.temperature,
            top_p=default.top_p if style.top_p is None else style.top_p,
            top_k=default.top_k if style.top_k is None else style.top_k,
            penalty=default.penalty if penalty is None else penalty,
            floor=bounds.floor,
            limit=bounds.limit,
        )
