"""The last rounds before a group is left: what moved is committed, whatever the broker says, and nothing is taken over any more."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gpu_consumers.assignments import Assignments, Callbacks
from seedcast.errors import BrokerUnavailable, CredentialsRefused, SeedcastError
from seedcast.kafka import Committed, Offsets, Partition, Record
from seedcast.settings import Settings

PLACE = Partition("requests", 0)


class Member:
    """Stands for GroupConsumer; answers a commit in the next poll."""

    def __init__(self, *_: object, **callbacks: Callable[..., None]) -> None:
        self.callbacks = callbacks
        self.begun: list[Offsets] = []
        self.answers: list[SeedcastError | None] = []
        self.failure: SeedcastError | None = None
        self.polls = self.left = 0
        self.pause = self.resume = print

    def leaving(self) -> None:
        self.left += 1

    def commit_soon(self, offsets: Offsets) -> None:
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
        self.callbacks["on_revoke"]([PLACE])
        self.callbacks["on_lost"]([PLACE])


@pytest.fixture
def parting() -> tuple[Assignments, Member]:
    """One partition, of which one record is done and not committed."""
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
    assignments._assigned({PLACE: Committed(7, "")})
    assignments._ours[PLACE].ledger.take(7)
    assignments._ours[PLACE].finish(7)
    return assignments, made[0]


def test_a_refused_commit_is_made_again_until_it_is_taken(
    parting: tuple[Assignments, Member],
) -> None:
    assignments, member = parting
    member.answers = [BrokerUnavailable("rebalance in progress"), None]
    rounds = [assignments.part() for _ in range(3)]
    assert (rounds, member.begun) == ([False, False, True], [{PLACE: (8, "")}] * 2)
    assert member.left == member.polls == 3, (
        "who has committed is served as well: others may wait for it"
    )


def test_what_cannot_go_on_is_no_reason_to_stay(parting: tuple[Assignments, Member]) -> None:
    assignments, member = parting
    member.failure = CredentialsRefused("no")
    assert assignments.part()


def test_a_commit_that_no_credentials_allow_ends_the_worker(
    parting: tuple[Assignments, Member],
) -> None:
    assignments, member = parting
    member.answers = [CredentialsRefused("no")]
    assignments.commit()
    with pytest.raises(CredentialsRefused):
        list(assignments.poll(1, 0))


def test_while_the_group_is_left_nothing_is_committed(parting: tuple[Assignments, Member]) -> None:
    assignments, member = parting
    assignments.close()  # a synchronous commit is more than this member has
    assert not member.begun
