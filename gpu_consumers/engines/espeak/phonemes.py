"""Pinyin and IPA in espeak's own names of phonemes, as its [[…]] takes them.

Pinyin is for its Mandarin voice, the IPA of American English for its English one. The names are
listed by `espeak-ng --phonout` and in its documentation (docs/phonemes.md).
"""

import re

_INITIALS = {
    "b": "p", "p": "ph", "m": "m", "f": "f", "d": "t", "t": "th", "n": "n", "l": "l",
    "g": "k", "k": "kh", "h": "X", "j": "tS;", "q": "tS;h", "x": "S;",
    "zh": "ts.", "ch": "ts.h", "sh": "s.", "r": "z.", "z": "ts", "c": "tsh", "s": "s",
}  # fmt: skip
_FINALS = {  # "*" is where the tone stands
    "a": "A*", "ai": "ai*", "an": "a*n", "ang": "A*N", "ao": "Au*", "e": "o-*", "ei": "ei*",
    "en": "@*n", "eng": "@*N", "o": "o*", "ou": "ou*", "ong": "ong*", "i": "i*", "ia": "iA*",
    "ie": "iE*", "iao": "jAu*", "iu": "iou*", "ian": "iE*n", "in": "i*n", "iang": "iA*N",
    "ing": "i*N", "iong": "jong*", "u": "u*", "ua": "wA*", "uo": "uo*", "uai": "uai*",
    "ui": "uei*", "uan": "ua*n", "un": "u@*n", "uang": "wA*N", "ue": "yE*",
    "v": "y*", "ve": "yE*", "van": "y&*n", "vn": "y@*n",
}  # fmt: skip
_WHOLE = {  # without an initial
    **{final: _FINALS[final] for final in _FINALS if final[0] in "aoe"},
    "er": "@r*", "r": "@r*", "yi": "ji*", "ya": "jiA*", "yao": "jAu*", "ye": "jiE*",
    "you": "jiou*", "yan": "jiE*n", "yin": "ji*n", "yang": "jiA*N", "ying": "ji*N",
    "yong": "jong*", "yo": "jio*", "yu": "jy*", "yue": "jyE*", "yuan": "jy&*n", "yun": "jy@*n",
    "wu": "wu*", "wa": "wA*", "wo": "wo*", "wai": "wai*", "wei": "wei*", "wan": "wA*n",
    "wen": "wu@*n", "wang": "wA*N", "weng": "wu@*N",
}  # fmt: skip
_TONES = {"1": "55", "2": "35", "3": "214", "4": "51", "5": "11"}

_IPA = {  # espeak has no length apart from its vowels, and no mark between syllables
    "ˈ": "'", "ˌ": ",", "ː": "", ".": "", " ": " ",
    "p": "p", "b": "b", "t": "t", "d": "d", "k": "k", "g": "g", "ɡ": "g", "f": "f", "v": "v",
    "θ": "T", "ð": "D", "s": "s", "z": "z", "ʃ": "S", "ʒ": "Z", "h": "h", "x": "x", "m": "m",
    "n": "n", "ŋ": "N", "l": "l", "ɫ": "l", "ɹ": "r", "j": "j", "w": "w", "ʔ": "?", "ɾ": "t#",
    "tʃ": "tS", "t͡ʃ": "tS", "dʒ": "dZ", "d͡ʒ": "dZ", "n̩": "n-", "l̩": "@L",
    "i": "i", "iː": "i:", "ɪ": "I", "ᵻ": "I#", "e": "E", "ɛ": "E", "eɪ": "eI", "æ": "a", "a": "a",
    "ɑ": "A:", "ɑː": "A:", "ɒ": "0", "ɔ": "O:", "ɔː": "O:", "o": "oU", "oʊ": "oU", "əʊ": "oU",
    "ʊ": "U", "u": "u:", "uː": "u:", "ʌ": "V", "ɐ": "a#", "ə": "@", "ɚ": "3", "ɝ": "3:",
    "ɝː": "3:", "ɜ": "3:", "ɜː": "3:", "aɪ": "aI", "aʊ": "aU", "ɔɪ": "OI", "ɪə": "i@",
    "eə": "e@", "ʊə": "U@",
}  # fmt: skip
_BEFORE_R = {  # if no vowel follows
    "ɑːɹ": "A@", "ɑɹ": "A@", "ɔːɹ": "O@", "ɔɹ": "O@", "oːɹ": "o@", "oɹ": "o@", "ɪɹ": "i@3",
    "iɹ": "i@3", "iːɹ": "i@3", "ɛɹ": "e@", "eɹ": "e@", "ʊɹ": "U@", "uɹ": "U@", "ɜːɹ": "3:",
}  # fmt: skip
_VOWELS = "aeiouæɑɒɔəɚɛɜɝɪʊʌɐᵻ"


def _one_of(table: dict[str, str]) -> str:
    return "|".join(map(re.escape, sorted(table, key=len, reverse=True)))


_SYLLABLE = re.compile(
    rf"(?:(?P<whole>{_one_of(_WHOLE)})"
    rf"|(?P<initial>{_one_of(_INITIALS)})(?P<final>{_one_of(_FINALS)}))"
    r"(?P<er>r?)(?P<tone>[1-5])"
)
_SOUND = re.compile(rf"(?:{_one_of(_BEFORE_R)})(?![{_VOWELS}])|{_one_of(_IPA)}")
_NAMES = _IPA | _BEFORE_R


def of_pinyin(pinyin: str) -> str | None:
    """Return the names for syllables with tones, such as `huan2 qian2`; None if it is none.

    The tone is 1 to 5, 5 for none; ü is also v; a last r (`wanr2`) is said after the syllable.
    """
    plain = pinyin.lower().replace("u:", "v").replace("ü", "v")
    if not plain.strip() or re.sub(r"[\s'’]", "", _SYLLABLE.sub("", plain)):
        return None
    return " ".join(map(_of_syllable, _SYLLABLE.finditer(plain)))


def _of_syllable(match: re.Match[str]) -> str:
    names = _WHOLE[match["whole"]] if match["whole"] else _final(match["initial"], match["final"])
    glide, rest = (names[0], names[1:]) if names[0] in "jw" else ("", names)
    initial = _INITIALS.get(match["initial"] or "", "")
    syllable = f"{initial}{glide}'{rest}".replace("*", _TONES[match["tone"]])
    return f"{syllable} @r11" if match["er"] else syllable


def _final(initial: str, final: str) -> str:
    """Return the names for what is written alike after other initials."""
    if initial in ("j", "q", "x") and final in ("u", "uan", "un"):
        return _FINALS["v" + final[1:]]
    if initial in ("zh", "ch", "sh", "r") and final == "i":
        return "i.*"
    if initial in ("z", "c", "s") and final == "i":
        return "i[*"
    if initial in ("d", "t", "n", "l") and final == "e":
        return "@*"
    return _FINALS[final]


def of_ipa(ipa: str) -> str | None:
    """Return the names for English sounds in IPA; None if one is not in the tables above."""
    plain = ipa.strip("/[] ").replace("r", "ɹ")
    if not plain or _SOUND.sub("", plain):
        return None
    return _SOUND.sub(lambda sound: _NAMES[sound.group()], plain)
