"""The ideographs that espeak-ng misreads, and those that it cannot read."""

import re
from collections.abc import Callable, Sequence

from seedcast.gpu_consumers.text.alphabet import HAN

# espeak-ng 1.52 spells these in English, since its Mandarin rules lack three syllables.
_MISREAD = {
    "jiong1": "冋坰埛扃蘏蘔駉駫",
    "jiong3": "侰僒冏囧幜泂澃炅炯烱煚煛熲窘絅綗褧迥逈顈颎",
    "qiong1": "匔焪芎",
    "qiong2": "儝卭宆惸桏棾橩焭煢琼瓊睘瞏穷穹窮竆笻筇茕藑藭蛩赹跫輁邛銎",
    "xiong1": "兄兇凶匈哅忷恟汹洶胷胸訩詾讻賯",
    "xiong2": "熊赨雄",
    "xiong4": "夐敻詗诇",
}
PINYIN = {ideograph: syllable for syllable, group in _MISREAD.items() for ideograph in group}
MISREAD = re.compile(f"[{''.join(PINYIN)}]")
_IDEOGRAPH = re.compile(f"[{HAN}]")
_AT_ONCE = 100  # they are spoken to be asked, and no speech is longer than five minutes


class Ideographs:
    """Which ideographs espeak cannot read: it says one and the same vowel for them.

    `say` returns the phonemes of SSML in Mandarin, a clause a line. It is asked once for each.
    """

    def __init__(self, say: Callable[[str], str]) -> None:
        self._say = say
        self._unread: dict[str, bool] = {}

    def unread_in(self, text: str) -> frozenset[str]:
        found = set(_IDEOGRAPH.findall(text))
        new = sorted(found - self._unread.keys())
        for start in range(0, len(new), _AT_ONCE):
            self._ask(new[start : start + _AT_ONCE])
        return frozenset(ideograph for ideograph in found if self._unread[ideograph])

    def _ask(self, ideographs: Sequence[str]) -> None:
        lines = self._say(
            "".join(f'{ideograph}<break time="1ms"/>' for ideograph in ideographs)
        ).splitlines()
        self._unread |= {
            ideograph: line.startswith(("@:", "'@:"))
            for ideograph, line in zip(ideographs, filter(None, lines), strict=True)
        }
