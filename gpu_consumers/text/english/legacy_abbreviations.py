"""Expands English words that are written short.

No dot or apostrophe of theirs is left, because upstream drops these: "we'll" would be said "well".
"""

import re

from seedcast.gpu_consumers.text.rules import Rule, Rules

_WORDS = {  # written with a dot
    "Dr": "doctor", "Mr": "mister", "Mrs": "missus", "Ms": "miss", "Prof": "professor",
    "Jr": "junior", "Sr": "senior",
    "Ave": "avenue", "Rd": "road", "Blvd": "boulevard",
    "Inc": "incorporated", "Ltd": "limited", "Co": "company", "Corp": "corporation",
    "Dept": "department", "Apt": "apartment", "Tel": "telephone", "Ext": "extension",
    "Gen": "general", "Capt": "captain", "Lt": "lieutenant",
    "approx": "approximately", "vs": "versus", "incl": "including",
}  # fmt: skip
_PHRASES = {
    "e.g.": "for example",
    "i.e.": "that is",
    "etc.": "et cetera",
    "a.m.": "AM",
    "p.m.": "PM",
    "w/": "with",
    "n/a": "not applicable",
    "o'clock": "o clock",
}
_IRREGULAR_CONTRACTIONS = {
    "can't": "cannot",
    "won't": "will not",
    "shan't": "shall not",
    "ain't": "is not",
    "let's": "lets",
}
_CONTRACTED_ENDINGS = {
    "n't": " not",
    "'ll": " will",
    "'re": " are",
    "'ve": " have",
    "'m": " am",
    "'d": " would",
}


def _expand_phrase(match: re.Match[str]) -> str:
    return _PHRASES[match.group().lower()]


def _expand_phrase_before_stop(match: re.Match[str]) -> str:
    """Expand a phrase without its last dot, which also ends the sentence and stays."""
    return _PHRASES[match.group().lower() + "."]


def _expand_contraction(match: re.Match[str]) -> str:
    word = match.group()
    if irregular := _IRREGULAR_CONTRACTIONS.get(word.lower()):
        return irregular.capitalize() if word[0].isupper() else irregular
    ending = next(ending for ending in _CONTRACTED_ENDINGS if word.lower().endswith(ending))
    return word[: -len(ending)] + _CONTRACTED_ENDINGS[ending]


def _expand_saint_or_street(match: re.Match[str]) -> str:
    is_name_next = re.match(r"\s+[A-Z]", match.string[match.end() :])
    return "saint" if is_name_next else "street"


_ANY_WORD = "|".join(map(re.escape, sorted(_WORDS, key=len, reverse=True)))

RULES: tuple[Rule, ...] = (
    (r"(?<![A-Za-z.])(?i:e\.g\.|i\.e\.|w/(?=\s)|n/a|o'clock)(?![A-Za-z])", _expand_phrase),
    (r"(?<![A-Za-z.])(?i:etc|[ap]\.m)\.(?![A-Za-z])(?!\s*$|\s+[A-Z])", _expand_phrase),
    (r"(?<![A-Za-z.])(?i:etc|[ap]\.m)(?=\.(?:\s*$|\s+[A-Z]))", _expand_phrase_before_stop),
    (rf"(?<![A-Za-z])(?:{_ANY_WORD})\.(?=\s*[,A-Za-z0-9])", lambda match: _WORDS[match[0][:-1]]),
    (rf"(?<![A-Za-z])(?:{_ANY_WORD})(?=\.\s*$)", lambda match: _WORDS[match[0]]),
    (r"(?<![A-Za-z])St\.", _expand_saint_or_street),
    (r"(?<![A-Za-z])No\.\s?(?=\d)", lambda _: "number"),
    (r"(?<![A-Za-z.])(?:[A-Z]\.){2,}", lambda match: " ".join(match[0][::2])),  # U.S.
    (r"(?<![A-Za-z.])[A-Z]\.(?=\s[A-Z][a-z.])", lambda match: match[0][0]),  # J. Smith
    (r"(?<![A-Za-z'])[A-Za-z]+(?:n't|'(?i:ll|re|ve|m|d))(?![A-Za-z'])", _expand_contraction),
)
expand = Rules(RULES)
