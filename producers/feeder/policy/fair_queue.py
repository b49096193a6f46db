"""Weighted turns on one level: start-time fair queueing.

Goyal, Vin and Cheng, "Start-time fair queueing" (SIGCOMM 1996). Each member has a start tag, in
virtual seconds: what it was charged, divided by its weight. The ready member with the least tag is
next, and virtual time is the highest tag that was ever next. Over any time in which two members
are ready throughout, what they were charged per unit of weight differs by at most one charge of
each.

A member that was asleep wakes at the present virtual time, without credit for its sleep. One that
was blocked keeps its tag, and catches up by at most `credit` seconds, so that what was blocked for
an hour does not hold up the others for an hour.
"""

import heapq
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from itertools import count
from typing import Literal

State = Literal["ready", "blocked", "asleep"]

SPARE = 64  # outdated entries that the heap may hold besides twice its members


@dataclass(slots=True)
class _Member:
    weight: float
    start: float  # its tag
    state: State = "asleep"
    entry: int = -1  # number of its valid entry in the heap


class FairQueue:
    def __init__(self, credit: float) -> None:
        self.credit = credit  # seconds
        self._now = 0.0  # virtual time
        self._members: dict[str, _Member] = {}
        self._states = Counter[State]()
        self._heap: list[tuple[float, int, str]] = []
        self._numbers = count()

    def __len__(self) -> int:
        return len(self._members)

    @property
    def state(self) -> State:
        """Return "ready" if a member is, else "blocked" if one is, else "asleep"."""
        if self._states["ready"]:
            return "ready"
        return "blocked" if self._states["blocked"] else "asleep"

    def set_weight(self, name: str, weight: float) -> None:
        """Add a member, asleep, or change its weight: what it owes or is owed stays."""
        member = self._members.get(name)
        if member is None:
            self._members[name] = _Member(weight, self._now)
            self._states["asleep"] += 1
        elif member.weight != weight:
            member.start = self._now + (member.start - self._now) * member.weight / weight
            member.weight = weight
            if member.state == "ready":
                self._push(name, member)

    def retain(self, names: Collection[str]) -> None:
        """Forget all others, except that one that was charged ahead sleeps on until it is even.

        Once all are asleep, all are even.
        """
        gone = [name for name in self._members if name not in names]
        for name in gone:
            self.sleep(name)
        for name in gone:
            if self._members[name].start <= self._now or self.state == "asleep":
                del self._members[name]
                self._states["asleep"] -= 1

    def wake(self, name: str) -> None:
        member = self._members[name]
        if member.state == "ready":
            return
        credit = self.credit / member.weight if member.state == "blocked" else 0.0
        member.start = max(member.start, self._now - credit)
        self._change(member, "ready")
        self._push(name, member)

    def block(self, name: str) -> None:
        """Pass a member over until it wakes: it has something, and cannot be given its turn."""
        member = self._members[name]
        if member.state == "asleep":
            member.start = max(member.start, self._now)
        self._change(member, "blocked")

    def sleep(self, name: str) -> None:
        self._change(self._members[name], "asleep")

    def pick(self) -> str | None:
        """Return the member whose turn it is; None if none is ready."""
        while self._heap:
            start, number, name = self._heap[0]
            member = self._members.get(name)
            if member and member.entry == number:
                self._now = max(self._now, start)
                return name
            heapq.heappop(self._heap)
        return None

    def charge(self, name: str, seconds: float) -> None:
        member = self._members[name]
        member.start += seconds / member.weight
        if member.state == "ready":
            self._push(name, member)

    def _change(self, member: _Member, state: State) -> None:
        self._states[member.state] -= 1
        self._states[state] += 1
        member.state = state
        member.entry = -1

    def _push(self, name: str, member: _Member) -> None:
        """Enter a ready member anew; among equal tags, the one that waits longest is next."""
        member.entry = next(self._numbers)
        heapq.heappush(self._heap, (member.start, member.entry, name))
        if len(self._heap) > 2 * len(self._members) + SPARE:
            self._heap = [entry for entry in self._heap if self._is_valid(entry)]
            heapq.heapify(self._heap)

    def _is_valid(self, entry: tuple[float, int, str]) -> bool:
        _, number, name = entry
        return name in self._members and self._members[name].entry == number
