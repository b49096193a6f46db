"""Characters to a small alphabet: compatibility forms, accents, traditional ideographs, look-alikes; the rest is dropped and counted.

Upstream (ChatTTS/norm.py) drops "é", "２" and every traditional character that its homophone map does not know.
wetext simplifies character by character (checked over all of U+4E00–U+9FFF); `_SIMPLIFIED` mends what it leaves.
"""

import re
import unicodedata
from functools import lru_cache

from gpu_consumers.text.alphabet import is_han
from gpu_consumers.text.normalizer import simplified

_SIMPLIFIED = {"於": "于", "徵": "征", "〇": "零"}
_PHRASES = (
    (re.compile("乾(?![坤隆])"), "干"),
    (re.compile("瞭(?=解)"), "了"),
    (re.compile("藉(?=口)"), "借"),
)

_BRACKETS = "[]{}【】《》〈〉「」『』〔〕〖〗［］｛｝"
_TABLE = (
    dict.fromkeys(_BRACKETS, ",")
    | dict.fromkeys("‘’ʼ＇′´`", "'")
    | dict.fromkeys('“”„«»"〝〞＂″', " ")
    | dict.fromkeys("–—―〜～∼⁓~", "~")
    | dict.fromkeys("‐‑−－", "-")
    | dict.fromkeys("•·‧・･", " ")
    | dict.fromkeys("…⋯", "，")
    | dict.fromkeys("→⇒➡", "→")
    | {character: character for character in "，。、°×÷¥€£²³≤≥±‰≈<>"}
    | {
        "：": ":",
        "￥": "¥",
        "℃": "°C",
        "℉": "°F",
        "º": "°",
        "˚": "°",
        "№": "#",
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
    }
    | _SIMPLIFIED
)


def fold(text: str) -> tuple[str, int]:
    """The text in printable ASCII without brackets or quotes, ideographs and the signs of `_TABLE`; and how many characters had no sound."""
    dropped = 0
    out = []
    for character in unicodedata.normalize("NFC", text):
        folded, lost = _fold(character)
        dropped += lost
        out.append(folded)
    joined = "".join(out)
    for pattern, replacement in _PHRASES:
        joined = pattern.sub(replacement, joined)
    return joined, dropped


@lru_cache(maxsize=1 << 16)
def _fold(character: str) -> tuple[str, bool]:
    if character in _TABLE:
        return _TABLE[character], False
    if " " <= character <= "~":
        return character, False
    if is_han(character):
        return simplified(character), False
    if unicodedata.category(character) in ("Cc", "Cf", "Zs", "Zl", "Zp"):
        return (" " if character.isspace() else ""), False
    return _decompose(character)


def _decompose(character: str) -> tuple[str, bool]:
    """A figure of any script, a compatibility form or an accented letter as its parts, else nothing."""
    figure = unicodedata.decimal(character, None)
    if figure is not None:
        return str(figure), False
    parts = unicodedata.normalize("NFKD", character)
    if parts == character:
        return "", not _silent(character)
    spoken = "".join(_fold(part)[0] for part in parts)
    padding = " " if "⁄" in parts else ""  # ½ after a digit: "1½" is "1 1/2"
    return padding + spoken, not spoken.strip() and not _silent(character)


def _silent(character: str) -> bool:
    """Whether nobody expects to hear it: punctuation, and marks that change the character before."""
    marks = (
        "\u0300" <= character <= "\u036f"
        or "\ufe00" <= character <= "\ufe0f"
        or "\U000e0100" <= character <= "\U000e01ef"
    )
    return marks or unicodedata.category(character).startswith("P")
