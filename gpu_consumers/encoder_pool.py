"""Threads that hash and encode waveforms, so that the engine does not wait for either.

One core encodes some 3,000 seconds of audio to FLAC per second (measured on long waveforms), and
hashes and copies beside it. A GPU may make a thousand.
"""

import os
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from seedcast.gpu_consumers import triage
from seedcast.gpu_consumers.admission import InFlight
from seedcast.gpu_consumers.engines import Engine, Utterance
from seedcast.schemas.messages import Synthesis

MAX_THREADS = 8
QUEUE = 4  # utterances per thread; more would let memory grow, so the engine waits


class EncoderPool:
    def __init__(self, engine: Engine, record_bytes: int, threads: int = 0) -> None:
        """`record_bytes`: of the largest audio record.

        `threads`: 0 for one per core, at most MAX_THREADS.
        """
        self._engine, self._record_bytes = engine, record_bytes
        self._threads = threads or min(MAX_THREADS, len(os.sched_getaffinity(0)))
        self._executor = ThreadPoolExecutor(self._threads, "encoder")
        self._encoding: dict[Future[Synthesis], InFlight] = {}

    def __len__(self) -> int:
        return len(self._encoding)

    def submit(self, request: InFlight, utterance: Utterance) -> None:
        """Queue an utterance; block while QUEUE utterances per thread are unfinished."""
        limit = QUEUE * self._threads
        while (
            len(unfinished := [future for future in self._encoding if not future.done()]) >= limit
        ):
            wait(unfinished, return_when=FIRST_COMPLETED)
        future = self._executor.submit(
            triage.of_utterance, request.request, utterance, self._engine, self._record_bytes
        )
        self._encoding[future] = request

    def completed(self) -> Iterator[tuple[InFlight, Synthesis]]:
        """Yield what is encoded by now. Raises what encoding raised."""
        for future in [future for future in self._encoding if future.done()]:
            yield self._encoding.pop(future), future.result()

    def close(self) -> None:
        self._executor.shutdown(cancel_futures=True)
