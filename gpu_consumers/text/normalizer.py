"""wetext, typed, in its one home. Each call gets a single short expression: `english` and `mandarin` say why.

Its compiled grammars are read-only after the import, and its only caches are of files: the same call gives the same answer in any order and thread.
"""

from wetext import Normalizer

_ZH = Normalizer(lang="zh", operator="tn")
_EN = Normalizer(lang="en", operator="tn")
_TRADITIONAL = Normalizer(lang="zh", operator="tn", traditional_to_simple=True)


def read_mandarin(expression: str) -> str:
    return str(_ZH.normalize(expression))


def read_english(expression: str) -> str:
    return str(_EN.normalize(expression))


def simplified(character: str) -> str:
    return str(_TRADITIONAL.normalize(character))
