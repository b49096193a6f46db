"""Folds characters to a small alphabet; the rest is dropped and counted.

Compatibility forms, accented letters, traditional ideographs and look-alikes are folded. Upstream
(ChatTTS/norm.py) drops "é", "２" and every traditional character that its homophone map does not
know.

`mandarin.script` simplifies by phrase, and leaves Cantonese characters alone.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

from seedcast.gpu_consumers.text.alphabet import is_han
from seedcast.gpu_consumers.text.mandarin.script import simplify

LINE_ENDS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
_BRACKETS = "[]{}【】《》〈〉「」『』〔〕〖〗［］｛｝"
_TABLE = (
    dict.fromkeys(_BRACKETS, ",")
    | dict.fromkeys("‘’ʼ＇′´`", "'")
    | dict.fromkeys('“”„«»"〝〞＂″', '"')
    | {power: f"^{digit}" for power, digit in zip("⁰¹⁴⁵⁶⁷⁸⁹⁻", "01456789-", strict=True)}
    | dict.fromkeys("–", "–")
    | dict.fromkeys("—―", "—")
    | dict.fromkeys("〜～∼⁓~", "~")
    | dict.fromkeys("‐‑−－", "-")
    | dict.fromkeys("·‧・･", "·")
    | dict.fromkeys("•●▪◦■□◆◇★☆✓✔", ",")  # of lists
    | dict.fromkeys("™®©", "")
    | dict.fromkeys("…⋯", "，")
    | dict.fromkeys("→⇒➡", "→")
    | {character: character for character in "，。、°×÷¥€£¢₩₹฿₫₱₽₺₪²³≤≥±‰≈<>Ω"}
    | {
        "：": ":",
        "￥": "¥",
        "℃": "°C",
        "℉": "°F",
        "º": "°",
        "˚": "°",
        "№": "#",
        "∶": ":",
        "⁄": "/",
        "∕": "/",
        "µ": "u",
        "μ": "u",
        "＜": "<",
        "＞": ">",
        "✕": "×",
        "｡": "。",
    }
    | {
        "ß": "ss",
        "ø": "o",
        "Ø": "O",
        "æ": "ae",
        "Æ": "AE",
        "œ": "oe",
        "Œ": "OE",
        "đ": "d",
        "Đ": "D",
        "ł": "l",
        "Ł": "L",
        "ð": "d",
        "þ": "th",
        "ı": "i",
        "〇": "零",
    }
)


# A wide comma in a wide number: elsewhere it parts two numbers.
_WIDE_THOUSANDS = re.compile("(?<=[０-９])，(?=[０-９]{3}(?![０-９]))")
_ASCII_CHANGED = re.compile(r"[\[\]{}`]")


@dataclass(frozen=True)
class Folded:
    """A text in the small alphabet, and what it came from."""

    text: str
    source: str  # in Unicode's normal form C
    starts: Sequence[int]  # by place in the source, and one more: its place in `text`
    dropped: int  # characters with a sound that are not in `text`

    def source_of(self, start: int, end: int) -> str:
        """Return what became a stretch of `text`; neighbours share nothing and leave no gap."""
        return self.source[self._place(start) : self._place(end)]

    def _place(self, place: int) -> int:
        if isinstance(self.starts, range) or place == 0:
            return place
        if place == len(self.text):
            return len(self.source)
        return bisect_right(self.starts, place) - 1


def fold(text: str, keep: str = "") -> Folded:
    """Return the text in the small alphabet; the characters of `keep` stay in it.

    The alphabet is printable ASCII without brackets, line breaks, ideographs, and the signs in the
    values of `_TABLE`.
    """
    source = unicodedata.normalize("NFC", text)
    if source.isascii() and source.isprintable() and not _ASCII_CHANGED.search(source):
        return Folded(source, source, range(len(source) + 1), 0)
    plain = _WIDE_THOUSANDS.sub(",", source)
    folded = [(char, False) if char in keep else _fold_character(char) for char in plain]
    joined = "".join(part for part, _ in folded)
    starts: Sequence[int] = range(len(source) + 1)
    if any(len(part) != 1 for part, _ in folded):
        starts = list(accumulate((len(part) for part, _ in folded), initial=0))
    return Folded(simplify(joined), source, starts, sum(lost for _, lost in folded))


@lru_cache(maxsize=1 << 16)
def _fold_character(character: str) -> tuple[str, bool]:
    """Return what stands for a character, and True if a sound is lost."""
    if character in _TABLE:
        return _TABLE[character], False
    if " " <= character <= "~":
        return character, False
    if is_han(character):
        return character, False
    if unicodedata.category(character) in ("Cc", "Cf", "Zs", "Zl", "Zp"):
        return ("\n" if character in LINE_ENDS else " " if character.isspace() else ""), False
    return _decompose(character)


def _decompose(character: str) -> tuple[str, bool]:
    """Fold a digit of any script, a compatibility form or an accented letter; drop the rest."""
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit), False
    parts = unicodedata.normalize("NFKD", character)
    if parts == character:
        return "", not _is_silent(character)
    folded = "".join(_fold_character(part)[0] for part in parts)
    padding = " " if "⁄" in parts else ""  # ½ after a digit: "1½" is "1 1/2"
    return padding + folded, not folded.strip() and not _is_silent(character)


def _is_silent(character: str) -> bool:
    """Return True for punctuation and combining marks: nobody expects to hear them."""
    is_combining = (
        "\u0300" <= character <= "\u036f"
        or "\ufe00" <= character <= "\ufe0f"
        or "\U000e0100" <= character <= "\U000e01ef"
    )
    return is_combining or unicodedata.category(character).startswith("P")
