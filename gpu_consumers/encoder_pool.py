"""Between the engine and the topic: waveforms are hashed and packed in threads, so that the slots need not wait for it.

FLAC takes a core some hundredths of an utterance's length, which at a thousand seconds of audio a second is several cores.
"""

import os
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from gpu_consumers import triage
from gpu_consumers.admission import InFlight
from gpu_consumers.engines import Engine, Utterance
from schemas.messages import Synthesis

MOST = 8  # threads
QUEUE = 4  # utterances a thread may have before it; more wait, and the engine with them: memory is bounded


class EncoderPool:
    def __init__(self, engine: Engine, threads: int = 0) -> None:
        """`threads`: 0 for one a core, at most MOST."""
        self._engine, self._threads = engine, threads or min(MOST, len(os.sched_getaffinity(0)))
        self._pool = ThreadPoolExecutor(self._threads, "handover")
        self._packing: dict[Future[Synthesis], InFlight] = {}

    def __len__(self) -> int:
        return len(self._packing)

    def give(self, flight: InFlight, utterance: Utterance) -> None:
        while (
            len(left := [future for future in self._packing if not future.done()])
            >= QUEUE * self._threads
        ):
            wait(left, return_when=FIRST_COMPLETED)
        self._packing[
            self._pool.submit(triage.of_utterance, flight.request, utterance, self._engine)
        ] = flight

    def ready(self) -> Iterator[tuple[InFlight, Synthesis]]:
        """What is packed by now. Raises what packing raised."""
        for packed in [future for future in self._packing if future.done()]:
            yield self._packing.pop(packed), packed.result()

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)
