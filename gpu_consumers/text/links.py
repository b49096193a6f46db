"""Addresses: web, e-mail, and how they are cut into what is said."""

import re
from collections.abc import Callable, Mapping

_SCHEME = re.compile(r"^https?://|/$")
_PART = re.compile(r"[A-Za-z]+|\d+|.", re.ASCII | re.DOTALL)
# Countries, of which each letter is said.
_SPELLED = frozenset(
    ("ai", "au", "cn", "eu", "hk", "io", "jp", "kr", "nz", "sg", "tv", "tw", "uk", "us")
)
LINK = (  # an address with a scheme or www, an e-mail address, or a name in a common domain
    r"(?:https?://|www\.)[\x21-\x7e]*[A-Za-z0-9/]"
    r"|[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,8}\w+"
    r"|(?:[A-Za-z0-9-]{1,63}\.){1,8}"
    r"(?:com|cn|net|org|io|edu|gov|app|co|me|ai|dev|info|uk|hk|tw|us|eu|ly|gl|gg|tv)(?:\.[a-z]{2})?"
    r"(?![A-Za-z0-9])(?:/(?:[\x21-\x7e]*[A-Za-z0-9/])?)?"
)


def say_link(
    address: str, signs: Mapping[str, str], spell: Callable[[str], str], www: str = "W W W"
) -> str:
    """Return the words for an address, sign by sign and without its scheme."""
    parts = _PART.findall(_SCHEME.sub("", address))
    return " ".join(_say_part(part, signs, spell, www) for part in parts)


def _say_part(part: str, signs: Mapping[str, str], spell: Callable[[str], str], www: str) -> str:
    if part.lower() == "www":
        return www
    if part.lower() in _SPELLED:
        return " ".join(part.upper())
    if part.isdigit():
        return spell(part)
    return part if part.isalpha() else signs.get(part, "")
