"""Traditional ideographs to simplified ones, which the engines read.

OpenCC decides by phrase: 乾燥 is 干燥, and 乾坤 stays. Cantonese characters (嘅 咗 喺 嗰) stay as
they are: what an engine has no sound for it counts, and no other word stands for it.
"""

import re

from opencc import OpenCC

from seedcast.gpu_consumers.text.alphabet import HAN

_CONVERTER = OpenCC("t2s")
_IDEOGRAPHS = re.compile(f"[{HAN}]+")
_SPELLINGS = str.maketrans({"妳": "你", "牠": "它", "祂": "他"})  # that sound the same
# 著 is zhù in these words, and elsewhere a spelling of 着 (跟著, 著急).
_ZHU_BEFORE = "显卓名编专巨论原土合拙昭较遗译知所"
_ZHE = re.compile(f"(?<![{_ZHU_BEFORE}])著(?![名作者称述书录])|(?<=执)著")


def simplify(text: str) -> str:
    """Return a text of the same length whose ideographs are simplified."""
    return _ZHE.sub("着", _IDEOGRAPHS.sub(_simplify_run, text)).translate(_SPELLINGS)


def _simplify_run(run: re.Match[str]) -> str:
    written = run.group()
    converted: str = _CONVERTER.convert(written)
    if converted == written:
        return written
    if len(converted) != len(written):
        return "".join(map(_simplify_character, written))
    return "".join(map(_in_alphabet, written, converted))


def _simplify_character(character: str) -> str:
    return _in_alphabet(character, _CONVERTER.convert(character))


def _in_alphabet(written: str, converted: str) -> str:
    """Return a conversion, unless it is rarer than what was written: 嗰 would be U+20BB6."""
    return converted if _IDEOGRAPHS.fullmatch(converted) else written
