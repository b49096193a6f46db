"""What comes from a list, a topic or a server is shown by a terminal, and never obeyed. Pure."""

import re

# Control characters but tab and line feed, halves of characters, and those that reverse a line.
_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def visible(text: str) -> str:
    r"""Return the text with `\x1b` and the like in place of what a terminal would obey."""
    return _OBEYED.sub(lambda found: ascii(found[0])[1:-1], text)


def one_line(text: str) -> str:
    r"""Return `visible` text on one line, as of a file's name, which may hold a line feed."""
    return visible(text).replace("\n", "\\n")


def visible_json(line: str) -> str:
    """Return the same JSON: its writers escape some of what a terminal would obey, and not all."""
    return _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", line)
