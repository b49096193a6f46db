"""One request on its way through the slots: its chunks in order, each drawn until accepted."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from seedcast.gpu_consumers.engines.chattts.model.dimensions import SAMPLE_RATE, Samples
from seedcast.gpu_consumers.text import Segment
from seedcast.schemas.messages import SpeechRequest

_FANOUT = 4096  # more than a request has segments, and more than a segment has parts
MAX_DEPTH = 1  # how often a chunk may be split


@dataclass(eq=False)
class Chunk:
    """A segment of the text, or a part of a segment whose speech did not end."""

    segment: Segment
    number: int  # enters the random counter: a function of the position in the request
    depth: int = 0  # how often it was split
    draw: int = 0
    refined: str | None = None  # the text as the text stage wrote it
    samples: Samples | None = None

    @property
    def text(self) -> str:
        return self.segment.text if self.refined is None else self.refined

    def split(self, segments: Sequence[Segment]) -> "list[Chunk]":
        """Return a chunk per segment, each at its first draw and with a number of its own."""
        return [
            Chunk(segment, self.number + _FANOUT * part, self.depth + 1)
            for part, segment in enumerate(segments, start=1)
        ]


@dataclass(eq=False)
class Speech:
    """The state of one admitted request."""

    ticket: int
    request: SpeechRequest
    unspoken: int  # characters of the text that have no sound
    chunks: list[Chunk]
    draw: int = 0  # the highest that any chunk needed
    failed: bool = False  # its Utterance is out; what its chunks still produce is dropped

    @classmethod
    def of(
        cls, ticket: int, request: SpeechRequest, segments: Sequence[Segment], unspoken: int
    ) -> "Speech":
        chunks = [Chunk(segment, number) for number, segment in enumerate(segments)]
        return cls(ticket, request, unspoken, chunks)

    def replace(self, chunk: Chunk, parts: list[Chunk]) -> None:
        index = self.chunks.index(chunk)
        self.chunks[index : index + 1] = parts

    @property
    def complete(self) -> bool:
        return all(chunk.samples is not None for chunk in self.chunks)

    def join(self) -> Samples:
        """Return the samples of all chunks, with the pauses between them: (samples,) float32."""
        audio = []
        for chunk in self.chunks:
            if chunk.samples is not None:
                pause = np.zeros(round(chunk.segment.pause * SAMPLE_RATE), np.float32)
                audio += [chunk.samples, pause]
        return np.concatenate(audio)
