"""Cuts a canonical text into segments of bounded duration, at sentences, clauses or words.

A clause is cut out only of a sentence that is too long, and a word only of such a clause.
"""

import re
from dataclasses import dataclass
from itertools import pairwise

from seedcast.gpu_consumers.text.alphabet import HAN, WORD
from seedcast.gpu_consumers.text.tags import TOKEN

# Milliseconds of speech at speed 1, roughly as ChatTTS reads: 4.5 ideographs, or 13 letters and
# spaces, per second. They are whole numbers, so that sums are exact.
PER_HAN, PER_LETTER, PER_MARK, PER_TOKEN = 220, 75, 250, 300
# Seconds of silence between segments.
AFTER_SENTENCE, AFTER_CLAUSE, AFTER_WORD, AFTER_PARAGRAPH = 0.4, 0.25, 0.0, 0.6

_SENTENCE_END = re.compile("[。.]")
_CLAUSE_END = re.compile("[。.，,、]")
_WORD_WITH_MARKS = re.compile(
    # Tokens before, a mark after. A token that no word follows is whole, and no word itself.
    rf"(?:\[\w+\]|\s)*(?:[A-Za-z]+|[{HAN}])[。.，,、]?|\[\w+\]",
    re.ASCII,
)
_HAN = re.compile(f"[{HAN}]")
_LETTER = re.compile("[A-Za-z ]")


@dataclass(frozen=True)
class Segment:
    """What one slot synthesises."""

    text: str  # for the tokenizer: upstream's characters, and allowed control tokens in brackets
    seconds: float  # expected duration at speed 1
    pause: float  # seconds of silence before the next segment; 0 after the last


def milliseconds(text: str) -> int:
    """Return the expected duration at speed 1."""
    text, tokens = TOKEN.subn("", text)
    return (
        PER_TOKEN * tokens
        + PER_HAN * len(_HAN.findall(text))
        + PER_LETTER * len(_LETTER.findall(text))
        + PER_MARK * len(_CLAUSE_END.findall(text))
    )


def split_paragraph(paragraph: str, longest: int, pause: float = AFTER_PARAGRAPH) -> list[Segment]:
    """Return segments of at most `longest` milliseconds; a single longer word is one segment.

    `pause` is that after the last, in seconds.
    """
    *texts, last = pack(_fitting_pieces(paragraph, longest), longest)
    segments = [_segment(text, _pause_after(text)) for text in texts]
    return [*segments, _segment(last, pause)]


def finer(whole: Segment) -> tuple[Segment, ...]:
    """Return two shorter segments that say the same; () for a single word.

    The cut is where a sentence ends, else a clause, else a word, as near to the middle as possible.
    """
    for pattern in (_SENTENCE_END, _CLAUSE_END, _WORD_WITH_MARKS):
        pieces = cut_after(whole.text, pattern)
        if len(pieces) > 1:
            head = _nearest_to_middle(whole.text, pieces)
            rest = whole.text[len(head) :]
            return _segment(head, _pause_after(head)), _segment(rest, whole.pause)
    return ()


def _nearest_to_middle(text: str, pieces: list[str]) -> str:
    heads = ["".join(pieces[:count]) for count in range(1, len(pieces))]
    return min(heads, key=lambda head: abs(2 * milliseconds(head) - milliseconds(text)))


def cut_after(text: str, end: re.Pattern[str]) -> list[str]:
    """Cut a text after each match of `end`; each piece has a word, and joined they are the text."""
    ends = [match.end() for match in end.finditer(text)]
    pieces: list[str] = []
    carried = ""
    for start, stop in pairwise([0, *ends, len(text)]):
        carried += text[start:stop]
        if WORD.search(TOKEN.sub("", carried)):
            pieces.append(carried)
            carried = ""
    return [*pieces[:-1], pieces[-1] + carried] if pieces else [carried]


def _fitting_pieces(text: str, longest: int) -> list[str]:
    """Return the sentences; instead of a sentence that is too long, its clauses.

    Instead of a clause that is too long, return its words, packed evenly.
    """
    return [
        piece
        for sentence in cut_after(text, _SENTENCE_END)
        for clause in _cut_if_too_long(sentence, longest)
        for piece in _pack_if_too_long(clause, longest)
    ]


def _cut_if_too_long(sentence: str, longest: int) -> list[str]:
    if milliseconds(sentence) <= longest:
        return [sentence]
    return cut_after(sentence, _CLAUSE_END)


def _pack_if_too_long(clause: str, longest: int) -> list[str]:
    if milliseconds(clause) <= longest:
        return [clause]
    return pack(cut_after(clause, _WORD_WITH_MARKS), longest)


def pack(pieces: list[str], longest: int) -> list[str]:
    """Join neighbouring pieces into as few texts as fit, and make these as even as possible.

    They are even because a short rest is spoken badly.
    """
    costs = [milliseconds(piece) for piece in pieces]
    fewest = _count_packed(costs, longest)
    low, high = max(costs), max(longest, *costs)
    while low < high:  # bisect for the lowest limit that needs no more texts
        middle = (low + high) // 2
        if _count_packed(costs, middle) <= fewest:
            high = middle
        else:
            low = middle + 1
    return _pack_greedily(pieces, costs, low)


def _count_packed(costs: list[int], limit: int) -> int:
    count, filled = 1, 0
    for cost in costs:
        if filled and filled + cost > limit:
            count, filled = count + 1, 0
        filled += cost
    return count


def _pack_greedily(pieces: list[str], costs: list[int], limit: int) -> list[str]:
    joined, filled = [""], 0
    for piece, cost in zip(pieces, costs, strict=True):
        if filled and filled + cost > limit:
            joined.append("")
            filled = 0
        joined[-1] += piece
        filled += cost
    return joined


def _segment(text: str, pause: float) -> Segment:
    stripped = text.strip()
    return Segment(stripped, milliseconds(stripped) / 1000, pause)


def _pause_after(text: str) -> float:
    mark = text.rstrip()[-1:]
    return AFTER_SENTENCE if mark in "。." else AFTER_CLAUSE if mark in "，,、" else AFTER_WORD
