"""Control tokens: three are kept for the model; any other bracket is a pause around its words.

While a text is normalised, each allowed token is replaced by a marker: one character from the
private-use area, which no step takes for text. A text cannot forge a marker, because
`characters.fold` drops private-use characters that are already in it.
"""

import re
from collections.abc import Callable

TOKENS = {"[uv_break]": "\ue000", "[lbreak]": "\ue001", "[laugh]": "\ue002"}
MARKERS = "".join(TOKENS.values())
TOKEN = re.compile("(" + "|".join(map(re.escape, TOKENS)) + ")")
_TOKEN_OF_MARKER = str.maketrans({marker: token for token, marker in TOKENS.items()})


def protect(text: str, fold: Callable[[str], tuple[str, int]]) -> tuple[str, int]:
    """Replace tokens by markers, and apply `fold` to the text between them.

    Returns the text and the number of characters that `fold` dropped.
    """
    parts = TOKEN.split(text)  # text at even indices, tokens at odd ones
    folded = [(TOKENS[part], 0) if index % 2 else fold(part) for index, part in enumerate(parts)]
    return "".join(part for part, _ in folded), sum(dropped for _, dropped in folded)


def restore(text: str) -> str:
    """Replace markers by their tokens."""
    return text.translate(_TOKEN_OF_MARKER)
