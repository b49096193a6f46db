"""Bars add up, rates are right, and what many see at once is made once."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from seedcast.campaigns.progress import Progress
from seedcast.producers.gateway.page.figures import WIDE, account, portion, rates
from seedcast.producers.gateway.page.rendering import age, percent
from seedcast.producers.gateway.page.shared import KEPT, MOMENT, Shared
from seedcast.storage.index.sampling import Sample

BEGAN = datetime(2026, 11, 30, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("accepted", "counts"),
    [(3, (1, 1, 1, 0)), (500_000, (499_999, 1, 0, 0)), (None, (7, 1, 0, 0)), (9, (0, 0, 0, 9))],
)
def test_outcomes_stand_side_by_side_and_the_smallest_is_seen(
    accepted: int | None, counts: tuple[int, ...]
) -> None:
    names = ("succeeded", "failed", "expired", "cancelled")
    progress = Progress(accepted=accepted, **dict(zip(names, counts, strict=True)))  # type: ignore[arg-type]
    parts = account(progress)
    assert tuple(part.count for part in parts) == counts
    assert all((part.width >= 4) == bool(part.count) for part in parts)
    assert all(part.x >= 0 and part.x + part.width <= WIDE for part in parts)
    ends = [part.x + part.width for part in parts if part.count]
    if sum(counts) >= (accepted or 0):
        assert ends[-1] == WIDE


def test_a_part_is_whole_only_where_it_is() -> None:
    assert [portion(n, 1000) for n in (0, 500, 1000, 2000)] == [0, WIDE / 2, WIDE, WIDE]
    shares = (None, 0.0, 0.00001, 0.024, 0.5, 0.99999, 1.0)
    shown = ["–", "0 %", "0.1 %", "2.4 %", "50 %", "99.9 %", "100 %"]
    assert [percent(share) for share in shares] == shown
    assert [age(seconds) for seconds in (5, 120, 14_400, 86_400)] == ["5 s", "2 min", "4 h", "1 d"]


def test_a_rate_over_time_is_that_of_all_requests() -> None:
    moments = [BEGAN + timedelta(seconds=n) for n in range(601)]
    told = rates(Sample(ended=[(n, moment) for n, moment in enumerate(moments)], each=20.0))
    assert told
    assert len(told.values) == 60
    assert told.values[30] == pytest.approx(20, rel=0.11)
    assert sum(told.values) * told.seconds == pytest.approx(601 * 20)
    times, values = told.data
    assert len(times) == len(values) == 60
    assert times[0] == BEGAN.timestamp()


@pytest.mark.parametrize("seconds", [[], [0], [5, 5, 5]])
def test_too_few_moments_tell_no_rate(seconds: list[int]) -> None:
    ended = [(n, BEGAN + timedelta(seconds=each)) for n, each in enumerate(seconds)]
    assert rates(Sample(ended=ended, each=1.0)) is None


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_what_many_ask_for_at_once_is_made_once_and_then_again() -> None:
    clock, made = Clock(), list[int]()

    async def make() -> int:
        await asyncio.sleep(0)
        made.append(1)
        return len(made)

    async def run() -> None:
        shared = Shared[int](clock)
        assert await asyncio.gather(*(shared.get("a", make) for _ in range(9))) == [1] * 9
        assert await shared.get("b", make) == 2, "another name"
        clock.now = MOMENT
        assert await shared.get("a", make) == 3
        for number in range(3 * KEPT):
            await shared.get(number, make)
        assert len(shared._made) <= KEPT

    asyncio.run(run())


def test_whoever_goes_away_takes_it_from_nobody_and_an_error_is_everybodys() -> None:
    go = asyncio.Event()

    async def make() -> int:
        await go.wait()
        raise ValueError("of a test")

    async def run() -> None:
        shared = Shared[int]()
        first, second = (asyncio.create_task(shared.get("a", make)) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        go.set()
        with pytest.raises(ValueError, match="of a test"):
            await second

    asyncio.run(run())
