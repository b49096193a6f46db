"""Folds characters to a small alphabet; the rest is dropped and counted.

Compatibility forms, accented letters, traditional ideographs and look-alikes are folded. Upstream
(ChatTTS/norm.py) drops "é", "２" and every traditional character that its homophone map does not
know.

wetext simplifies character by character (checked over all of U+4E00–U+9FFF); `_SIMPLIFIED` and
`_PHRASES` correct what it leaves.
"""

import re
import unicodedata
from functools import lru_cache

from seedcast.gpu_consumers.text.alphabet import is_han
from seedcast.gpu_consumers.text.normalizer import simplified

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
    """Return the text in the small alphabet, and how many characters with a sound were dropped.

    The alphabet is printable ASCII without brackets and quotes, ideographs, and the signs in the
    values of `_TABLE`.
    """
    dropped = 0
    out = []
    for character in unicodedata.normalize("NFC", text):
        folded, is_lost = _fold_character(character)
        dropped += is_lost
        out.append(folded)
    joined = "".join(out)
    for pattern, replacement in _PHRASES:
        joined = pattern.sub(replacement, joined)
    return joined, dropped


@lru_cache(maxsize=1 << 16)
def _fold_character(character: str) -> tuple[str, bool]:
    """Return what stands for a character, and True if a sound is lost."""
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
