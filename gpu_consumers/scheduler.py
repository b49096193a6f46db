"""Which request takes the next free slot. Pure: no clock, no Kafka client, no torch.

1. Urgent partitions come first.
2. Partitions take turns, so that one long backlog does not starve the others.
3. Within a partition the earliest deadline comes first, then the longest text: what starts last
   should be short.

No request starves: a partition is read at most `gpu.window` offsets beyond its oldest unfinished
request, so later requests cannot overtake it without limit.
"""

import heapq
import math
from collections import deque
from collections.abc import Iterator, Set
from dataclasses import dataclass, field

from seedcast.kafka.records import Partition


@dataclass(frozen=True, order=True)
class Waiting:
    """A request that waits for a slot; the smallest goes first."""

    deadline: float  # seconds since the epoch; math.inf without one
    shortness: int  # minus the number of characters
    ticket: int
    urgent: bool = field(compare=False)

    @classmethod
    def of(
        cls, ticket: int, characters: int, deadline: float | None = None, urgent: bool = False
    ) -> "Waiting":
        return cls(math.inf if deadline is None else deadline, -characters, ticket, urgent)


class Scheduler:
    def __init__(self) -> None:
        self._waiting: dict[Partition, list[Waiting]] = {}  # heaps
        self._turns: dict[bool, deque[Partition]] = {True: deque(), False: deque()}  # by urgency

    def __len__(self) -> int:
        return sum(len(heap) for heap in self._waiting.values())

    def add(self, partition: Partition, waiting: Waiting) -> None:
        heap = self._waiting.setdefault(partition, [])
        if not heap:
            self._turns[waiting.urgent].append(partition)
        heapq.heappush(heap, waiting)

    def waiting(self, partition: Partition) -> int:
        return len(self._waiting.get(partition, ()))

    def fill(self, free: int, bulk: bool = True) -> Iterator[int]:
        """Yield up to `free` tickets, best first. Without `bulk`, urgent ones only."""
        for _ in range(free):
            turns = self._turns[True] or (self._turns[False] if bulk else None)
            if not turns:
                return
            partition = turns.popleft()
            heap = self._waiting[partition]
            yield heapq.heappop(heap).ticket
            if heap:
                turns.append(partition)

    def withdraw(self, tickets: Set[int]) -> None:
        """Remove these tickets; the others keep their turn."""
        for partition, heap in self._waiting.items():
            kept = [waiting for waiting in heap if waiting.ticket not in tickets]
            if heap and not kept:
                self._leave_turns(partition)
            heapq.heapify(kept)
            self._waiting[partition] = kept

    def drop(self, partition: Partition) -> list[int]:
        """Forget a partition; return the tickets that waited there."""
        self._leave_turns(partition)
        return [waiting.ticket for waiting in self._waiting.pop(partition, ())]

    def _leave_turns(self, partition: Partition) -> None:
        for turns in self._turns.values():
            if partition in turns:
                turns.remove(partition)
