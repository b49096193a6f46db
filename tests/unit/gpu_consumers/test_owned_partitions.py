"""The last commits before a worker leaves its group."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from seedcast.errors import BrokerUnavailable, CredentialsRefused, SeedcastError
from seedcast.gpu_consumers.assignments import Assignments, Callbacks
from seedcast.kafka import Committed, Offsets, Partition, Record
from seedcast.settings import Settings

PARTITION = Partition("requests", 0)


class Member:
    """A double of GroupConsumer that answers a commit in the next poll."""

    def __init__(self, *_: object, **callbacks: Callable[..., None]) -> None:
        self.callbacks = callbacks
        self.begun: list[Offsets] = []
        self.answers: list[SeedcastError | None] = []
        self.failure: SeedcastError | None = None
        self.polls = self.left = 0
        self.pause = self.resume = print

    def stop_taking_over(self) -> None:
        self.left += 1

    def commit_async(self, offsets: Offsets) -> None:
        self.begun.append(offsets)

    def poll(self, _: int, __: float) -> Iterator[Record]:
        self.polls += 1
        if self.failure:
            raise self.failure
        if self.begun and self.answers:
            error = self.answers.pop(0)
            self.callbacks["on_commit"]({} if error else self.begun[-1], error)
        yield from ()

    def close(self) -> None:
        self.callbacks["on_revoke"]([PARTITION])
        self.callbacks["on_lost"]([PARTITION])


@pytest.fixture
def leaving() -> tuple[Assignments, Member]:
    """A partition with one record that is done and not committed."""
    made: list[Member] = []

    def join(*arguments: Any, **callbacks: Any) -> Any:
        made.append(Member(*arguments, **callbacks))
        return made[-1]

    assignments = Assignments(
        Settings(),
        [],
        Callbacks(waiting=lambda _: 0, flush=lambda: None, forget=lambda _: None),
        join,
    )
    assignments._on_assign({PARTITION: Committed(7, "")})
    assignments._owned[PARTITION].ledger.take(7)
    assignments._owned[PARTITION].finish(7)
    return assignments, made[0]


def test_a_refused_commit_is_repeated_until_it_succeeds(
    leaving: tuple[Assignments, Member],
) -> None:
    assignments, member = leaving
    member.answers = [BrokerUnavailable("rebalance in progress"), None]
    rounds = [assignments.leave_round() for _ in range(3)]
    assert (rounds, member.begun) == ([False, False, True], [{PARTITION: (8, "")}] * 2)
    assert member.left == member.polls == 3, (
        "a group without open commits is served too: other members may wait for it"
    )


def test_an_error_that_allows_no_commit_ends_the_rounds(
    leaving: tuple[Assignments, Member],
) -> None:
    assignments, member = leaving
    member.failure = CredentialsRefused("no")
    assert assignments.leave_round()


def test_a_commit_with_refused_credentials_ends_the_worker(
    leaving: tuple[Assignments, Member],
) -> None:
    assignments, member = leaving
    member.answers = [CredentialsRefused("no")]
    assignments.commit()
    with pytest.raises(CredentialsRefused):
        list(assignments.poll(1, 0))


def test_nothing_is_committed_while_the_group_is_left(leaving: tuple[Assignments, Member]) -> None:
    assignments, member = leaving
    assignments.close()  # this double has no synchronous commit: one would raise
    assert not member.begun
