"""Control tokens in a text: three are obeyed, every other bracket is a pause and its words are spoken.

While a text is normalised an allowed token stands as one private-use character, which no step takes for
text; `characters.fold` drops that character where a text brings it along, so it cannot be forged.
"""

import re
from collections.abc import Callable

TOKENS = {"[uv_break]": "\ue000", "[lbreak]": "\ue001", "[laugh]": "\ue002"}
MARKERS = "".join(TOKENS.values())
TOKEN = re.compile("(" + "|".join(map(re.escape, TOKENS)) + ")")
_REVEALED = str.maketrans({marker: token for token, marker in TOKENS.items()})


def protect(text: str, fold: Callable[[str], tuple[str, int]]) -> tuple[str, int]:
    """Folds what is between the tokens; gives the text with markers, and the number of characters dropped."""
    parts = TOKEN.split(text)
    folded = [(TOKENS[part], 0) if index % 2 else fold(part) for index, part in enumerate(parts)]
    return "".join(part for part, _ in folded), sum(dropped for _, dropped in folded)


def reveal(text: str) -> str:
    return text.translate(_REVEALED)
