"""wetext, with types. No other module imports it.

Each call gets one short expression, never a sentence: the docstrings of `english` and `mandarin`
list what wetext gets wrong in sentences.

wetext's compiled grammars do not change after the import, and it caches nothing but files. So the
same call gives the same answer in any order and any thread.
"""

from wetext import Normalizer

_ZH = Normalizer(lang="zh", operator="tn")
_EN = Normalizer(lang="en", operator="tn")
_TRADITIONAL = Normalizer(lang="zh", operator="tn", traditional_to_simple=True)


def wetext_mandarin(expression: str) -> str:
    """Return a written expression as spoken Mandarin."""
    return str(_ZH.normalize(expression))


def wetext_english(expression: str) -> str:
    """Return a written expression as spoken English."""
    return str(_EN.normalize(expression))


def simplified(character: str) -> str:
    """Return the simplified form of a traditional ideograph; others stay as they are."""
    return str(_TRADITIONAL.normalize(character))
