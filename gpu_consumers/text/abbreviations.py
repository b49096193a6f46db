"""English words that are written short, so that no dot or apostrophe is left for upstream to drop ("we'll" would be said "well")."""

import re

from gpu_consumers.text.rules import Rule, Rules

_WORDS = {
    "Dr": "doctor", "Mr": "mister", "Mrs": "missus", "Ms": "miss", "Prof": "professor", "Jr": "junior", "Sr": "senior",
    "Ave": "avenue", "Rd": "road", "Blvd": "boulevard", "Inc": "incorporated", "Ltd": "limited", "Co": "company", "Corp": "corporation",
    "Dept": "department", "Apt": "apartment", "Tel": "telephone", "Ext": "extension", "Gen": "general", "Capt": "captain", "Lt": "lieutenant",
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
_IRREGULAR = {
    "can't": "cannot",
    "won't": "will not",
    "shan't": "shall not",
    "ain't": "is not",
    "let's": "lets",
}
_ENDINGS = {
    "n't": " not",
    "'ll": " will",
    "'re": " are",
    "'ve": " have",
    "'m": " am",
    "'d": " would",
}


def _contraction(match: re.Match[str]) -> str:
    word = match.group()
    if word.lower() in _IRREGULAR:
        irregular = _IRREGULAR[word.lower()]
        return irregular.capitalize() if word[0].isupper() else irregular
    ending = next(ending for ending in _ENDINGS if word.lower().endswith(ending))
    return word[: -len(ending)] + _ENDINGS[ending]


def _saint_or_street(match: re.Match[str]) -> str:
    return "saint" if re.match(r"\s+[A-Z]", match.string[match.end() :]) else "street"


def _any(words: dict[str, str]) -> str:
    return "|".join(map(re.escape, sorted(words, key=len, reverse=True)))


RULES: tuple[Rule, ...] = (
    (
        r"(?<![A-Za-z.])(?i:e\.g\.|i\.e\.|w/(?=\s)|n/a|o'clock)(?![A-Za-z])",
        lambda match: _PHRASES[match.group().lower()],
    ),
    (
        r"(?<![A-Za-z.])(?i:etc|[ap]\.m)\.(?![A-Za-z])(?!\s*$|\s+[A-Z])",
        lambda match: _PHRASES[match.group().lower()],
    ),
    (
        r"(?<![A-Za-z.])(?i:etc|[ap]\.m)(?=\.(?:\s*$|\s+[A-Z]))",
        lambda match: _PHRASES[match.group().lower() + "."],
    ),
    (
        rf"(?<![A-Za-z])(?:{_any(_WORDS)})\.(?=\s*[,A-Za-z0-9])",
        lambda match: _WORDS[match.group()[:-1]],
    ),
    (rf"(?<![A-Za-z])(?:{_any(_WORDS)})(?=\.\s*$)", lambda match: _WORDS[match.group()]),
    (r"(?<![A-Za-z])St\.", _saint_or_street),
    (r"(?<![A-Za-z])No\.\s?(?=\d)", lambda _: "number"),
    (r"(?<![A-Za-z.])(?:[A-Z]\.){2,}", lambda match: " ".join(match.group()[::2])),
    (r"(?<![A-Za-z.])[A-Z]\.(?=\s[A-Z][a-z.])", lambda match: match.group()[0]),
    (r"(?<![A-Za-z'])[A-Za-z]+(?:n't|'(?i:ll|re|ve|m|d))(?![A-Za-z'])", _contraction),
)
expand = Rules(RULES)
