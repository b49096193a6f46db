"""Rewriting rules: a table of (pattern, verbaliser), applied in one scan over a text.

At each position the first row of the table that matches is used.
"""

import re
from collections.abc import Callable, Sequence

Verbaliser = Callable[[re.Match[str]], str]  # an expression as written to the words for it
Rule = tuple[str, Verbaliser]

# The repetitions below are bounded, so that no text makes a scan quadratic.
NUMBER = (
    r"(?:\d{1,3}(?:,\d{3}){1,4}(?:\.\d{1,12})?(?![,.]?\d)"  # with thousands commas
    r"|\d{1,15}(?:\.\d{1,15})?(?!\d))"
)
START = r"(?<![A-Za-z0-9.])"  # not inside a word or a number
END = r"(?![A-Za-z0-9])"
CURRENCY = r"[$¥€£]"
RANGE = (  # the dash between two numbers; the first may end in a unit, AM or PM
    r"(?:(?<=[\d%日月年点号元时天])|(?<=\d[A-Za-z])|(?<=\d[A-Za-z]{2})|(?<=\d [ap]m)|(?<=°[CF]))"
    rf"\s?[-~]\s?(?={CURRENCY}?\d)"
)
LINK = (  # an address with a scheme or www, an e-mail address, or a name in a common domain
    r"(?:https?://|(?<![\w.@-])www\.)[\x21-\x7e]+"
    r"|(?<![\w.+-])[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,8}\w+"
    r"|(?<![\w.@-])(?:[A-Za-z0-9-]{1,63}\.){1,8}"
    r"(?:com|cn|net|org|io|edu|gov|app|co|me|ai|dev|info)(?![A-Za-z0-9])(?:/[\x21-\x7e]*)?"
)
CODE = (  # letters and digits together, with or without hyphens
    rf"{START}(?=[A-Za-z0-9])(?=[A-Za-z-]{{0,40}}\d)"
    r"(?=\d{0,40}-?[A-Za-z]|\d{1,40}-\d{0,40}[A-Za-z])"
    r"[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*"
)
MASKED = rf"{START}\d+\*{{2,}}\d*|(?<![A-Za-z0-9*])\*{{2,}}\d+"  # 138****8000


class Rules:
    """Applies a table to a text.

    The words for an expression are put between spaces; `words.canonicalise` sets the final ones.
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._verbalisers = [verbaliser for _, verbaliser in rules]
        self._pattern = re.compile(
            "|".join(f"(?P<r{row}>{pattern})" for row, (pattern, _) in enumerate(rules)), re.ASCII
        )

    def __call__(self, text: str) -> str:
        return self._pattern.sub(self._verbalise, text)

    def _verbalise(self, match: re.Match[str]) -> str:
        if not match.lastgroup:
            return match.group()
        row = int(match.lastgroup[1:])
        return f" {self._verbalisers[row](match)} "


def say(words: str) -> Verbaliser:
    """Return a verbaliser that gives the same words for every match."""
    return lambda _: words


def numbers_in(text: str) -> list[str]:
    return re.findall(NUMBER, text, re.ASCII)


def digits_in(text: str) -> list[str]:
    """Return the runs of digits in a text."""
    return re.findall(r"\d+", text, re.ASCII)


def text_before(match: re.Match[str], length: int) -> str:
    """Return up to `length` characters that stand before a match."""
    return match.string[max(0, match.start() - length) : match.start()]


def say_code(text: str, count: Callable[[str], str], spell: Callable[[str], str]) -> str:
    """Return the words for a code such as "CA1234", "1Z999AA1", "iPhone15" or "COVID-19".

    A number of one or two digits is said as a count if the code has at most three digits. All
    other digits are spelled. Up to three capitals are spelled; a longer run of letters is a word.
    """
    parts = re.findall(r"[A-Za-z]+|\d+", text, re.ASCII)
    total_digits = sum(len(part) for part in parts if part.isdigit())
    words = []
    for part in parts:
        if part.isdigit():
            is_count = len(part) <= 2 and total_digits <= 3 and part[0] != "0"
            words.append(count(part) if is_count else spell(part))
        else:
            is_spelled = part.isupper() and len(part) <= 3
            words.append(" ".join(part) if is_spelled else part)
    return " ".join(words)


def say_link(text: str, signs: dict[str, str], spell: Callable[[str], str]) -> str:
    """Return the words for an address, sign by sign and without its scheme.

    A mark at its end belongs to the sentence, and stays.
    """
    address = text.rstrip(".,;:!?)")
    bare = re.sub(r"^https?://|/$", "", address)
    parts = re.findall(r"[A-Za-z]+|\d+|.", bare, re.ASCII)
    return " ".join(_say_link_part(part, signs, spell) for part in parts) + text[len(address) :]


def _say_link_part(part: str, signs: dict[str, str], spell: Callable[[str], str]) -> str:
    if part.lower() == "www":
        return "W W W"
    if part.isdigit():
        return spell(part)
    return signs.get(part, part if part.isalpha() else " ")
