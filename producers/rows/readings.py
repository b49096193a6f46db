"""What bytes that are no UTF-8 might say, for a person to choose from. Pure."""

import codecs
import re
from collections.abc import Callable

AROUND = 4000  # bytes of a line before and after what is in doubt, by which encodings are judged
BEFORE, AFTER = 4, 8  # characters shown: lists are of people, and errors are logged
_PAIR = re.compile(rb"[\x81-\xfe][\x30-\xfe]")
_HIGH = re.compile(rb"[\x80-\xff]+")


def readings(data: bytes, start: int) -> list[tuple[str, str]]:
    """Return the two likeliest encodings of the line about `start`, with a short piece of each."""
    first = max(data.rfind(b"\n", 0, start) + 1, start - AROUND)
    end = data.find(b"\n", start)
    line = data[first : min(end if end >= 0 else len(data), start + AROUND)]
    ranked = sorted(_CANDIDATES, key=lambda name: -_score(name, line))
    return [(name, _piece(name, line, start - first)) for name in ranked[:2]]


def in_words(candidates: list[tuple[str, str]]) -> str:
    """Return the readings as an error shows them."""
    return " and ".join(f"{piece!r} in {name}" for name, piece in candidates)


def _score(name: str, line: bytes) -> float:
    codec, common = _CANDIDATES[name]
    try:  # the line may be cut within its last character
        codecs.getincrementaldecoder(codec)().decode(line)
    except UnicodeDecodeError:
        return -1
    return common(line)


def _piece(name: str, line: bytes, start: int) -> str:
    codec = _CANDIDATES[name][0]
    before = len(line[:start].decode(codec, "replace"))
    return line.decode(codec, "replace")[max(0, before - BEFORE) : before + AFTER]


def _share_of_pairs(first: int, last: int) -> Callable[[bytes], float]:
    """Return a judge of text: how many of its characters are of the frequent ones."""

    def judge(line: bytes) -> float:
        pairs: list[bytes] = _PAIR.findall(line)
        return sum(first <= pair[0] <= last for pair in pairs) / max(1, len(pairs))

    return judge


def _share_of_single(line: bytes) -> float:
    """Return how many of the bytes above ASCII stand alone, as accented letters do."""
    runs: list[bytes] = _HIGH.findall(line)
    return sum(len(run) == 1 for run in runs) / max(1, sum(map(len, runs)))


_CANDIDATES: dict[str, tuple[str, Callable[[bytes], float]]] = {
    "gb18030": ("gb18030", _share_of_pairs(0xB0, 0xD7)),  # level 1 of GB 2312
    "big5": ("cp950", _share_of_pairs(0xA4, 0xC6)),  # its frequent characters
    "windows-1252": ("cp1252", _share_of_single),
}
