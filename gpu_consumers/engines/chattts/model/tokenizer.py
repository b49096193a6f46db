"""Texts to tokens and back, by upstream's tokenizer, and the prompts that upstream builds around a text."""

from dataclasses import dataclass
from pathlib import Path

from ChatTTS.model.speaker import Speaker
from ChatTTS.model.tokenizer import Tokenizer

from schemas.messages import Style


@dataclass(frozen=True)
class SpecialTokens:
    speaker: int  # where the voice's embedding goes
    end_of_text: int
    first_break: int  # refined texts keep what lies below


class Prompter:
    def __init__(self, folder: Path) -> None:
        self._tokenizer = Tokenizer(str(folder))
        self.special = SpecialTokens(
            self._tokenizer.spk_emb_ids, self._tokenizer.eos_token, self._tokenizer.break_0_ids
        )
        self._unknown = self._tokenizer._tokenizer.unk_token_id

    def knows(self, word: str) -> bool:
        """Whether the tokenizer has tokens for all of it."""
        tokens = self._tokens(word)
        return bool(tokens) and self._unknown not in tokens

    def speech(self, text: str, speed: float) -> tuple[int, ...]:
        """The prompt of the code stage."""
        (decorated,) = Speaker.decorate_code_prompts(
            [text], f"[speed_{speed_level(speed)}]", None, "voice"
        )
        return self._tokens(decorated)

    def refinement(self, text: str, style: Style) -> tuple[int, ...]:
        """The prompt of the text stage; what steers it is upstream's: oral 0-9, laugh 0-2, break 0-7."""
        levels = (("oral", style.oral), ("laugh", style.laugh), ("break", style.break_))
        (decorated,) = Speaker.decorate_text_prompts(
            [text], "".join(f"[{name}_{level}]" for name, level in levels if level is not None)
        )
        return self._tokens(decorated)

    def refined(self, tokens: list[int]) -> str:
        """The text that the text stage wrote; upstream keeps the tokens below the first break level."""
        return str(
            self._tokenizer.decode(
                [[token for token in tokens if token < self.special.first_break]]
            )[0]
        )

    def _tokens(self, text: str) -> tuple[int, ...]:
        ids, _, _ = self._tokenizer.encode([text], 1)
        return tuple(ids[0, :, 0].tolist())


def speed_level(ratio: float) -> int:
    """Upstream has ten levels, of which 5 is the voice's own pace: half the pace is 0, twice is 9."""
    return min(9, round(5 + 5 * (ratio - 1) if ratio > 1 else 10 * (ratio - 0.5)))
