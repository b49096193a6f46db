"""Writes English contractions out, for ChatTTS.

Upstream drops their apostrophes: "we'll" would be said "well".
"""

import re

_IRREGULAR = {
    "can't": "cannot",
    "won't": "will not",
    "shan't": "shall not",
    "ain't": "is not",
    "let's": "lets",
    "o'clock": "o clock",
}
_ENDINGS = {
    "n't": " not",
    "'ll": " will",
    "'re": " are",
    "'ve": " have",
    "'m": " am",
    "'d": " would",
}
_CONTRACTION = re.compile(
    r"(?<![A-Za-z'])(?:[Oo]'clock|[Ll]et's|[A-Za-z]+(?:n't|'(?i:ll|re|ve|m|d)))(?![A-Za-z'])"
)


def expand(text: str) -> str:
    return _CONTRACTION.sub(_written_out, text)


def _written_out(match: re.Match[str]) -> str:
    word = match.group()
    if irregular := _IRREGULAR.get(word.lower()):
        return irregular.capitalize() if word[0].isupper() else irregular
    ending = next(ending for ending in _ENDINGS if word.lower().endswith(ending))
    return word[: -len(ending)] + _ENDINGS[ending]
