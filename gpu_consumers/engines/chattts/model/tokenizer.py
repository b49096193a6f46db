"""Texts to tokens and back, by upstream's tokenizer, and the prompts that upstream writes."""

from dataclasses import dataclass
from pathlib import Path

from ChatTTS.model.speaker import Speaker
from ChatTTS.model.tokenizer import Tokenizer

from seedcast.schemas.messages import Style


@dataclass(frozen=True)
class SpecialTokens:
    speaker: int  # stands in the prompt where the voice's embedding goes
    end_of_text: int
    first_break: int  # refined texts keep the tokens below it


class Prompter:
    """Builds prompts with the tokenizer of a folder, and reads back what the text stage wrote."""

    def __init__(self, folder: Path) -> None:
        self._tokenizer = Tokenizer(str(folder))
        self.special = SpecialTokens(
            self._tokenizer.spk_emb_ids, self._tokenizer.eos_token, self._tokenizer.break_0_ids
        )
        self._unknown = self._tokenizer._tokenizer.unk_token_id

    def knows(self, word: str) -> bool:
        """Return True if the tokenizer has tokens for the whole word."""
        tokens = self._tokens(word)
        return bool(tokens) and self._unknown not in tokens

    def speech(self, text: str, speed: float) -> tuple[int, ...]:
        """Return the prompt of the code stage."""
        (decorated,) = Speaker.decorate_code_prompts(
            [text], f"[speed_{speed_level(speed)}]", None, "voice"
        )
        return self._tokens(decorated)

    def refinement(self, text: str, style: Style) -> tuple[int, ...]:
        """Return the prompt of the text stage.

        Its control tokens are upstream's: oral 0-9, laugh 0-2, break 0-7. A level that is None is
        left out.
        """
        levels = (("oral", style.oral), ("laugh", style.laugh), ("break", style.break_))
        controls = "".join(f"[{name}_{level}]" for name, level in levels if level is not None)
        (decorated,) = Speaker.decorate_text_prompts([text], controls)
        return self._tokens(decorated)

    def refined(self, tokens: list[int]) -> str:
        """Return the text of the tokens that the text stage wrote.

        As upstream does, it keeps only the tokens below the first break level.
        """
        words = [token for token in tokens if token < self.special.first_break]
        return str(self._tokenizer.decode([words])[0])

    def _tokens(self, text: str) -> tuple[int, ...]:
        ids, _, _ = self._tokenizer.encode([text], 1)
        return tuple(ids[0, :, 0].tolist())


def speed_level(ratio: float) -> int:
    """Return upstream's speed level, 0 to 9, for a ratio to the voice's own pace.

    Half the pace is level 0, the voice's own pace is level 5, and twice the pace is level 9.
    """
    return min(9, round(5 + 5 * (ratio - 1) if ratio > 1 else 10 * (ratio - 0.5)))
