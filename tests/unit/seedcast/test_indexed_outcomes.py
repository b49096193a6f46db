"""Who waits asks the index while it answers and moves, and reads the topic once it does not."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from seedcast.campaigns import indexed_outcomes
from seedcast.campaigns.indexed_outcomes import CampaignOutcomes
from seedcast.campaigns.progress import Progress
from seedcast.errors import IndexUnavailable
from seedcast.kafka import Partition, count_after
from seedcast.schemas.messages import Campaign, StagedList
from seedcast.settings import Settings

STAGED = StagedList(staging="0" * 16, parts=(), digest="0" * 64, ids_digest="0" * 64)
NIGHT = Campaign(
    campaign_id="night", state="sealed", created_at=datetime.now(UTC), accepted=3, staged=STAGED
)


@dataclass
class Indexed:
    progress: Progress
    list_state: str = "loaded"
    campaign: Campaign | None = field(default_factory=lambda: NIGHT)


@dataclass
class Index:
    known: Indexed | None = None
    offsets: dict[int, int] = field(default_factory=lambda: {0: 0})
    away: bool = False

    def campaign(self, campaign_id: str) -> Indexed | None:
        if self.away:
            raise IndexUnavailable("told to")
        return self.known

    def next_offsets(self) -> Mapping[int, int]:
        return self.offsets

    def close(self) -> None: ...


class Topic:
    """What is read instead."""

    caught_up = True

    def __init__(self, *_: object) -> None: ...
    def poll(self, _: float) -> None: ...
    def close(self) -> None: ...

    def progress(self, _: Campaign) -> Progress:
        return Progress(accepted=3, failed=1)

    def ended(self, _: Campaign) -> bool:
        return False


class Brokers:
    end = 5

    def __init__(self, _: Settings) -> None: ...

    def bounds(self, topics: list[str]) -> dict[Partition, tuple[int, int]]:
        return {Partition(topics[0], 0): (0, self.end)}


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    clock = [100.0]

    class Time:
        monotonic = staticmethod(lambda: clock[0])
        sleep = staticmethod(lambda seconds: clock.__setitem__(0, clock[0] + seconds))

    monkeypatch.setattr(indexed_outcomes, "time", Time)
    monkeypatch.setattr(indexed_outcomes, "Outcomes", Topic)
    monkeypatch.setattr(indexed_outcomes, "GroupOffsets", Brokers)
    return clock


def no_list(_: Campaign) -> Iterator[str]:
    raise AssertionError


def outcomes(index: Index | None) -> CampaignOutcomes:
    return CampaignOutcomes(Settings(), no_list, index, "night")


def reads_topic(waiting: CampaignOutcomes) -> bool:
    return waiting.progress(NIGHT).failed == 1


def test_without_an_index_the_topic_is_read() -> None:
    assert reads_topic(outcomes(None))


def test_it_ends_when_the_index_has_a_result_of_every_row() -> None:
    index = Index(Indexed(Progress(accepted=3, succeeded=2)))
    with outcomes(index) as waiting:
        waiting.poll(1.0)
        assert (waiting.progress(NIGHT).succeeded, waiting.ended(NIGHT)) == (2, False)
        index.known = Indexed(Progress(accepted=3, succeeded=3), list_state="pending")
        waiting.poll(1.0)
        assert not waiting.ended(NIGHT), "its rows are not known yet: these may be strays"
        earlier = replace(NIGHT, staged=replace(STAGED, staging="f" * 16))
        index.known = Indexed(Progress(accepted=3, succeeded=3), campaign=earlier)
        waiting.poll(1.0)
        assert not waiting.ended(NIGHT), "that was another list of the same name"
        index.known = Indexed(Progress(accepted=3, succeeded=3))
        waiting.poll(1.0)
        assert waiting.ended(NIGHT)


def test_an_index_that_goes_away_is_left_for_the_topic() -> None:
    index = Index(Indexed(Progress(accepted=3)))
    with outcomes(index) as waiting:
        waiting.poll(1.0)
        assert not reads_topic(waiting)
        index.away = True
        waiting.poll(1.0)
        assert reads_topic(waiting)


@pytest.mark.parametrize(
    ("known", "end"),
    [(Indexed(Progress(accepted=3)), 5), (None, 0), (Indexed(Progress(accepted=3), "pending"), 0)],
)
def test_an_index_that_nobody_keeps_up_to_date_is_left(
    known: Indexed | None, end: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Brokers, "end", end)
    with outcomes(Index(known)) as waiting:
        for _ in range(10):
            waiting.poll(1.0)
        assert not reads_topic(waiting)
        for _ in range(10):
            waiting.poll(1.0)
        assert reads_topic(waiting)


def test_an_index_that_moves_or_has_everything_is_asked_for_as_long_as_it_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    index = Index(Indexed(Progress(accepted=3)))
    with outcomes(index) as waiting:
        for offset in range(60):
            index.offsets = {0: offset // 10}
            waiting.poll(1.0)
        monkeypatch.setattr(Brokers, "end", 5)
        for _ in range(60):
            waiting.poll(1.0)
        assert not reads_topic(waiting)


def test_records_that_retention_has_deleted_are_not_behind() -> None:
    bounds = {Partition("results", 0): (10, 12), Partition("results", 1): (0, 3)}
    assert count_after(bounds, {0: 5}) == 2 + 3
    assert count_after(bounds, {0: 12, 1: 2}) == 1
