"""Which scripts of a text have no sound here: we speak Mandarin and English."""

import unicodedata
from collections import Counter

from seedcast.gpu_consumers.text import characters


def unspoken_scripts(text: str) -> dict[str, int]:
    """Return how many characters without a sound there are of each script, the most first.

    A script has Unicode's name for it: Cyrillic, Arabic, Hangul. Emoji and the like are signs.
    """
    normal = unicodedata.normalize("NFC", text)
    return dict(
        Counter(_script(char) for char in normal if characters.fold(char).dropped).most_common()
    )


def _script(character: str) -> str:
    if unicodedata.category(character)[0] not in "LM":
        return "signs"
    script = unicodedata.name(character, "unknown").split()[0]
    return "rare ideographs" if script == "CJK" else script.title()
