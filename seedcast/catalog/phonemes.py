"""How a word sounds, in IPA or in pinyin with tone numbers: what is taken. Pure."""

import re
import unicodedata

from seedcast.catalog.cannot_say import CannotSay

MAX_PHONEMES = 200  # characters
_INITIAL = "(?:zh|ch|sh|[bpmfdtnlgkhjqxrzcsyw])?"
_FINAL = (
    "(?:a|ai|an|ang|ao|e|ei|en|eng|er|i|ia|ian|iang|iao|ie|in|ing|iong|iu|o|ong|ou|u|ua|uai|uan"
    "|uang|ue|ui|un|uo|v|ve|van|vn|ü|üe|üan|ün)"
)
_SYLLABLE = re.compile(rf"(?:{_INITIAL}{_FINAL}r?|ng|m|n)[1-5]")
_IDEOGRAPH = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff]")
# Letters, marks, and the modifiers and signs of IPA: stress, length, syllables, groups, tone.
_IPA_CATEGORIES = ("Ll", "Lo", "Lm", "Mn", "Sk")
_IPA_SIGNS = frozenset(" .|‖‿-")


def check_ipa(source: str, phonemes: str) -> None:
    """Raises CannotSay if these cannot be IPA."""
    if not 1 <= len(phonemes) <= MAX_PHONEMES or not _has_letter(phonemes):
        raise CannotSay(f"up to {MAX_PHONEMES} characters of IPA")
    if not all(c in _IPA_SIGNS or unicodedata.category(c) in _IPA_CATEGORIES for c in phonemes):
        raise CannotSay("letters and signs of IPA")


def check_pinyin(source: str, phonemes: str) -> None:
    """Raises CannotSay if these are no syllables of pinyin, or not as many as ideographs."""
    syllables = phonemes.split(" ")
    if len(phonemes) > MAX_PHONEMES or not all(map(_SYLLABLE.fullmatch, syllables)):
        raise CannotSay("pinyin with tone numbers and single spaces, such as huan2 qian2")
    ideographs = _IDEOGRAPH.findall(source)
    fewest = len(ideographs) - ideographs.count("儿") - ideographs.count("兒")
    if ideographs and not max(1, fewest) <= len(syllables) <= len(ideographs):
        raise CannotSay("one syllable for each ideograph")


def _has_letter(phonemes: str) -> bool:
    return any(map(str.isalpha, phonemes))


CHECKS = {"ipa": check_ipa, "pinyin": check_pinyin}
