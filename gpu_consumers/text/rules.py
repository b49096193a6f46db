"""A table of (pattern, reader) as one scan over a text: the first row that matches at a place reads it."""

import re
from collections.abc import Callable, Sequence

Reader = Callable[[re.Match[str]], str]
Rule = tuple[str, Reader]

NUMBER = r"(?:\d{1,3}(?:,\d{3}){1,4}(?:\.\d{1,12})?(?![,.]?\d)|\d{1,15}(?:\.\d{1,15})?(?!\d))"  # bounded: no text makes a scan quadratic
START = r"(?<![A-Za-z0-9.])"  # not inside a word or a number
END = r"(?![A-Za-z0-9])"
CURRENCY = r"[$¥€£]"
RANGE = rf"(?:(?<=[\d%日月年点号元时天])|(?<=\d[A-Za-z])|(?<=\d[A-Za-z]{{2}})|(?<=\d [ap]m)|(?<=°[CF]))\s?[-~]\s?(?={CURRENCY}?\d)"
LINK = (
    r"(?:https?://|(?<![\w.@-])www\.)[\x21-\x7e]+"
    r"|(?<![\w.+-])[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,8}\w+"
    r"|(?<![\w.@-])(?:[A-Za-z0-9-]{1,63}\.){1,8}(?:com|cn|net|org|io|edu|gov|app|co|me|ai|dev|info)(?![A-Za-z0-9])(?:/[\x21-\x7e]*)?"
)
CODE = rf"{START}(?=[A-Za-z0-9])(?=[A-Za-z-]{{0,40}}\d)(?=\d{{0,40}}-?[A-Za-z]|\d{{1,40}}-\d{{0,40}}[A-Za-z])[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*"
MASKED = rf"{START}\d+\*{{2,}}\d*|(?<![A-Za-z0-9*])\*{{2,}}\d+"


class Rules:
    """Words come out between spaces; `words.canonical` sets the final ones."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._readers = [reader for _, reader in rules]
        self._pattern = re.compile(
            "|".join(f"(?P<r{row}>{pattern})" for row, (pattern, _) in enumerate(rules)), re.ASCII
        )

    def __call__(self, text: str) -> str:
        return self._pattern.sub(self._read, text)

    def _read(self, match: re.Match[str]) -> str:
        return (
            f" {self._readers[int(match.lastgroup[1:])](match)} "
            if match.lastgroup
            else match.group()
        )


def say(words: str) -> Reader:
    return lambda _: words


def numbers_in(text: str) -> list[str]:
    return re.findall(NUMBER, text, re.ASCII)


def digits_in(text: str) -> list[str]:
    return re.findall(r"\d+", text, re.ASCII)


def code(text: str, count: Callable[[str], str], spell: Callable[[str], str]) -> str:
    """Letters and digits of a code: "CA1234", "1Z999AA1", "iPhone15", "COVID-19".

    A number of one or two digits is a count where the code has no more than three, else digits are spelled; up to
    three capitals are spelled, longer words are words.
    """
    parts = re.findall(r"[A-Za-z]+|\d+", text, re.ASCII)
    total = sum(len(part) for part in parts if part.isdigit())
    read = []
    for part in parts:
        if part.isdigit():
            read.append(
                count(part) if len(part) <= 2 and total <= 3 and part[0] != "0" else spell(part)
            )
        else:
            read.append(" ".join(part) if part.isupper() and len(part) <= 3 else part)
    return " ".join(read)


def link(text: str, signs: dict[str, str], spell: Callable[[str], str]) -> str:
    """An address sign by sign, without its scheme; a mark at its end is the sentence's."""
    address = text.rstrip(".,;:!?)")
    bare = re.sub(r"^https?://|/$", "", address)
    parts = re.findall(r"[A-Za-z]+|\d+|.", bare, re.ASCII)
    read = [
        "W W W"
        if part.lower() == "www"
        else spell(part)
        if part.isdigit()
        else signs.get(part, part if part.isalpha() else " ")
        for part in parts
    ]
    return " ".join(read) + text[len(address) :]
