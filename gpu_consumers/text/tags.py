"""Control tokens: three are kept for the model; any other bracket is a pause around its words.

While a text is read, each allowed token is replaced by a marker: one character from the
private-use area, which no step takes for text. A text cannot forge a marker, because those that
are already in it are dropped.
"""

import re

TOKENS = {"[uv_break]": "\ue000", "[lbreak]": "\ue001", "[laugh]": "\ue002"}
MARKERS = "".join(TOKENS.values())
TOKEN = re.compile("(" + "|".join(map(re.escape, TOKENS)) + ")")
_NO_MARKERS = str.maketrans("", "", MARKERS)
_TOKEN_OF_MARKER = str.maketrans({marker: token for token, marker in TOKENS.items()})


def protect(text: str) -> tuple[str, int]:
    """Replace tokens by markers, and drop the markers that are already in the text.

    Returns the text, and how many it dropped.
    """
    pure = text.translate(_NO_MARKERS)
    return TOKEN.sub(lambda match: TOKENS[match[0]], pure), len(text) - len(pure)


def restore(text: str) -> str:
    """Replace markers by their tokens."""
    return text.translate(_TOKEN_OF_MARKER)
