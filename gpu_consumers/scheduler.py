"""Which request takes the next free slot. Pure: no clock, no Kafka, no torch.

Urgent partitions first; partitions in turn, so that one long backlog does not starve the rest;
within a partition the earliest deadline, then the longest text, because what is started last should
be short. How far a partition may run ahead of a request it passes over is bounded by the ledger's
window, so nothing waits for ever.
"""

import heapq
import math
from collections import deque
from collections.abc import Iterator, Set
from dataclasses import dataclass, field

from seedcast.kafka import Partition


@dataclass(frozen=True, order=True)
class Waiting:
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
        self._waiting: dict[Partition, list[Waiting]] = {}
        self._turns: dict[bool, deque[Partition]] = {True: deque(), False: deque()}

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
        """The tickets for `free` slots, best first; fewer where fewer wait. Without `bulk`, urgent ones only."""
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
        """These wait no longer; the others keep their turn."""
        for partition, heap in self._waiting.items():
            kept = [waiting for waiting in heap if waiting.ticket not in tickets]
            if heap and not kept:
                self._leave_turns(partition)
            heapq.heapify(kept)
            self._waiting[partition] = kept

    def drop(self, partition: Partition) -> list[int]:
        """Forgets a partition; returns the tickets that were waiting there."""
        self._leave_turns(partition)
        return [waiting.ticket for waiting in self._waiting.pop(partition, ())]

    def _leave_turns(self, partition: Partition) -> None:
        for turns in self._turns.values():
            if partition in turns:
                turns.remove(partition)
