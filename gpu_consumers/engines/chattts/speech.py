"""One request on its way through the slots: its pieces, in order, each drawn until it can be taken. No torch."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gpu_consumers.engines.chattts.model.dimensions import SAMPLE_RATE, Samples
from gpu_consumers.text import Segment
from schemas.messages import SpeechRequest

_FANOUT = 4096  # more than a request has segments, and more than a segment has parts
MAX_LEVEL = 1  # how often a piece may be split


@dataclass(eq=False)
class Piece:
    """A segment of the text, or a part of one that did not end."""

    segment: Segment
    number: int  # enters the random counter: a function of the place in the request
    level: int = 0
    draw: int = 0
    refined: str | None = None  # the text as the text stage wrote it
    samples: Samples | None = None

    @property
    def text(self) -> str:
        return self.segment.text if self.refined is None else self.refined

    def parts(self, segments: Sequence[Segment]) -> "list[Piece]":
        return [
            Piece(segment, self.number + _FANOUT * (place + 1), self.level + 1)
            for place, segment in enumerate(segments)
        ]


@dataclass(eq=False)
class Speech:
    ticket: int
    request: SpeechRequest
    unspoken: int
    pieces: list[Piece]
    draw: int = 0  # the highest that any piece needed
    alive: bool = True  # False when it was given up: what its pieces still do is dropped

    @classmethod
    def of(
        cls, ticket: int, request: SpeechRequest, segments: Sequence[Segment], unspoken: int
    ) -> "Speech":
        return cls(
            ticket,
            request,
            unspoken,
            [Piece(segment, number) for number, segment in enumerate(segments)],
        )

    def replace(self, piece: Piece, parts: list[Piece]) -> None:
        place = self.pieces.index(piece)
        self.pieces[place : place + 1] = parts

    @property
    def complete(self) -> bool:
        return all(piece.samples is not None for piece in self.pieces)

    def joined(self) -> Samples:
        """All pieces with the pauses between them."""
        sound = []
        for piece in self.pieces:
            if piece.samples is not None:
                sound += [
                    piece.samples,
                    np.zeros(round(piece.segment.pause * SAMPLE_RATE), np.float32),
                ]
        return np.concatenate(sound)
