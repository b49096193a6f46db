"""A canonical text in segments of bounded expected duration, cut at sentences, else clauses, else words."""

import re
from dataclasses import dataclass
from itertools import pairwise

from gpu_consumers.text.alphabet import HAN, WORD
from gpu_consumers.text.tags import TOKEN

# Milliseconds of speech at speed 1, roughly as ChatTTS reads: 4.5 ideographs or 13 letters and spaces a second. Whole numbers: sums are exact.
PER_HAN, PER_LETTER, PER_MARK, PER_TOKEN = 220, 75, 250, 300
AFTER_SENTENCE, AFTER_CLAUSE, AFTER_WORD, AFTER_PARAGRAPH = (
    0.4,
    0.25,
    0.0,
    0.6,
)  # seconds of silence between segments

_SENTENCE = re.compile("[。.]")
_CLAUSE = re.compile("[。.，,、]")
_UNIT = re.compile(rf"(?:\[\w+\]|\s)*(?:[A-Za-z]+|[{HAN}])[。.，,、]?", re.ASCII)
_HAN = re.compile(f"[{HAN}]")
_LETTER = re.compile("[A-Za-z ]")


@dataclass(frozen=True)
class Segment:
    """What one slot synthesises."""

    text: str  # for the tokenizer: upstream's characters, and allowed control tokens in brackets
    seconds: float  # expected duration at speed 1
    pause: float  # seconds of silence that follow before the next segment; 0 after the last


def milliseconds(text: str) -> int:
    text, tokens = TOKEN.subn("", text)
    return (
        PER_TOKEN * tokens
        + PER_HAN * len(_HAN.findall(text))
        + PER_LETTER * len(_LETTER.findall(text))
        + PER_MARK * len(_CLAUSE.findall(text))
    )


def segments(paragraph: str, longest: int) -> list[Segment]:
    """Of at most `longest` milliseconds, where no single word is longer; the last one's pause is a paragraph's."""
    joined = pack(list(_fitting(paragraph, longest)), longest)
    return [segment(text, _pause_after(text)) for text in joined[:-1]] + [
        segment(joined[-1], AFTER_PARAGRAPH)
    ]


def segment(text: str, pause: float) -> Segment:
    stripped = text.strip()
    return Segment(stripped, milliseconds(stripped) / 1000, pause)


def finer(whole: Segment) -> tuple[Segment, ...]:
    """Two shorter segments, cut where a sentence, else a clause, else a word ends, nearest to the middle; () for a single word."""
    for pattern in (_SENTENCE, _CLAUSE, _UNIT):
        pieces = cut(whole.text, pattern)
        if len(pieces) > 1:
            heads = ["".join(pieces[:count]) for count in range(1, len(pieces))]
            head = min(
                heads, key=lambda text: abs(2 * milliseconds(text) - milliseconds(whole.text))
            )
            return segment(head, _pause_after(head)), segment(whole.text[len(head) :], whole.pause)
    return ()


def cut(text: str, after: re.Pattern[str]) -> list[str]:
    """Pieces that each hold a word and together are the text."""
    ends = [match.end() for match in after.finditer(text)]
    pieces: list[str] = []
    carried = ""
    for start, end in pairwise([0, *ends, len(text)]):
        carried += text[start:end]
        if WORD.search(TOKEN.sub("", carried)):
            pieces.append(carried)
            carried = ""
    return [*pieces[:-1], pieces[-1] + carried] if pieces else [carried]


def _fitting(text: str, longest: int) -> list[str]:
    """Sentences, and of those that are too long the clauses, and of clauses that are too long evenly packed words."""
    return _refine(text, longest, ((_SENTENCE, False), (_CLAUSE, False), (_UNIT, True)))


def _refine(text: str, longest: int, levels: tuple[tuple[re.Pattern[str], bool], ...]) -> list[str]:
    (pattern, last), *rest = levels
    if last:
        return pack(cut(text, pattern), longest)
    return [
        part
        for piece in cut(text, pattern)
        for part in (
            [piece] if milliseconds(piece) <= longest else _refine(piece, longest, tuple(rest))
        )
    ]


def pack(pieces: list[str], longest: int) -> list[str]:
    """As few joined pieces as fit, and then as even as that number allows (a short rest is spoken badly)."""
    costs = [milliseconds(piece) for piece in pieces]
    fewest = _count(costs, longest)
    low, high = max(costs), max(longest, *costs)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if _count(costs, middle) <= fewest else (middle + 1, high)
    return _greedy(pieces, costs, low)


def _count(costs: list[int], limit: int) -> int:
    count, filled = 1, 0
    for cost in costs:
        if filled and filled + cost > limit:
            count, filled = count + 1, 0
        filled += cost
    return count


def _greedy(pieces: list[str], costs: list[int], limit: int) -> list[str]:
    joined, filled = [""], 0
    for piece, cost in zip(pieces, costs, strict=True):
        if filled and filled + cost > limit:
            joined.append("")
            filled = 0
        joined[-1] += piece
        filled += cost
    return joined


def _pause_after(text: str) -> float:
    mark = text.rstrip()[-1:]
    return AFTER_SENTENCE if mark in "。." else AFTER_CLAUSE if mark in "，,、" else AFTER_WORD
