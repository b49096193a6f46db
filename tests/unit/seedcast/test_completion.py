"""A campaign is complete when every id of its list has a result: neither earlier nor never."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from seedcast.campaigns import campaign_state, progress, subscription
from seedcast.campaigns.progress import Outcomes, _Tally
from seedcast.campaigns.set_digest import SetDigest
from seedcast.campaigns.subscription import _Completion
from seedcast.cli.campaigns import _tell_strays_apart
from seedcast.codec import encode_json
from seedcast.errors import (
    AccessDenied,
    InvalidInput,
    ListDamaged,
    SeedcastError,
    StoreUnavailable,
)
from seedcast.kafka import Partition, Record
from seedcast.kafka.client_config import Fetch
from seedcast.schemas.messages import Campaign, CampaignState, SpeechResult, StagedList
from seedcast.settings import Settings

DENIED = AccessDenied("reading s3://b/_lists/night/x/part-00000.parquet", got="Access Denied")


def name(number: int) -> str:
    return f"request-{number:02d}"


def night(count: int, state: CampaignState = "sealed") -> Campaign:
    """Return a campaign whose list has the first `count` requests."""
    digest = SetDigest()
    for number in range(count):
        digest.add(name(number).encode())
    staged = StagedList(staging="0" * 16, parts=(), digest="0" * 64, ids_digest=digest.hex())
    return Campaign(
        campaign_id="night",
        state=state,
        created_at=datetime.now(UTC),
        accepted=count,
        staged=staged,
    )


def counted(count: int, state: CampaignState = "sealed") -> Campaign:
    """Return a campaign without a list, as older versions write it."""
    return Campaign(campaign_id="night", state=state, created_at=datetime.now(UTC), accepted=count)


class Topic:
    """What a reader of the results topic gives, poll by poll; the topic grows between them."""

    arrived: ClassVar[list[int]] = []

    def __init__(self, *_: object) -> None:
        self._next = 0

    @property
    def caught_up(self) -> bool:
        return self._next == len(self.arrived)

    def follow(self, _: Fetch) -> None:
        assert self.caught_up

    def poll(self, _: float) -> list[Record]:
        numbers, self._next = self.arrived[self._next :], len(self.arrived)
        return list(map(a_record, numbers))

    def close(self) -> None:
        pass


def a_record(number: int) -> Record:
    result = SpeechResult(request_id=name(number), campaign_id="night", status="succeeded")
    return Record(Partition("results", 0), 0, None, encode_json(result), (), 1)


class List:
    """The staged list of `night(count)`; remembers how often it was read."""

    def __init__(self, count: int, *errors: SeedcastError) -> None:
        self._count, self._errors, self.reads = count, list(errors), 0

    def __call__(self, _: Campaign) -> Iterator[str]:
        self.reads += 1
        if self._errors:
            raise self._errors.pop(0)
        return map(name, range(self._count))


@pytest.fixture(autouse=True)
def _topic(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "TopicReader", Topic)
    Topic.arrived = []


def look(outcomes: Outcomes, campaign: Campaign) -> bool:
    """Return whether the campaign has ended, once the reader has seen all that arrived."""
    ended = False
    for _ in range(3):  # the second may read the list, and the third the results again
        outcomes.poll(0)
        ended = outcomes.ended(campaign)
    return ended


@given(
    count=st.integers(1, 5),
    polls=st.lists(st.lists(st.integers(0, 8), max_size=6), max_size=8),
    told=st.integers(0, 8),
)
def test_any_order_of_results_repeats_and_strays_completes_it_with_the_last_id_of_its_list(
    count: int, polls: list[list[int]], told: int
) -> None:
    """`told`: before which poll the list is read; `campaigns` and `wait` read it, too."""
    Topic.arrived = []
    campaign, listed, ids = night(count), List(count), set(range(count))
    outcomes = Outcomes(Settings(), listed, "night")
    for number, arrives in enumerate([*polls, list(range(count))]):
        if number == told:
            outcomes.tell_strays_apart(campaign)
        Topic.arrived = [*Topic.arrived, *arrives]
        so_far = set(Topic.arrived)
        assert look(outcomes, campaign) == (ids <= so_far)
        known = outcomes.progress(campaign)
        if listed.reads:
            assert (known.finished, known.strays) == (len(ids & so_far), len(so_far - ids))
    assert known.complete
    assert listed.reads <= 1


def test_the_list_is_not_read_where_there_are_no_strays() -> None:
    listed, campaign = List(3, DENIED), night(3)
    outcomes = Outcomes(Settings(), listed, "night")
    Topic.arrived = [0, 1, 0]
    assert not look(outcomes, campaign)
    Topic.arrived = [0, 1, 0, 2]
    assert (look(outcomes, campaign), listed.reads) == (True, 0)


def test_two_strays_complete_no_campaign_of_two() -> None:
    outcomes = Outcomes(Settings(), List(2), "night")
    Topic.arrived = [7, 8]
    assert not look(outcomes, night(2))
    known = outcomes.progress(night(2))
    assert (known.finished, known.strays, known.stray_ids) == (0, 2, (name(7), name(8)))


def test_without_strays_the_results_are_read_once() -> None:
    outcomes = Outcomes(Settings(), List(3), "night")
    Topic.arrived = [0, 1]
    outcomes.poll(0)
    reader = outcomes._reader
    outcomes.tell_strays_apart(night(3))
    assert outcomes._reader is reader
    assert outcomes.progress(night(3)).finished == 2


def completion(
    monkeypatch: pytest.MonkeyPatch, read_ids: Callable[[Campaign], Iterator[str]]
) -> _Completion:
    campaigns = SimpleNamespace(
        records={"night": night(2)},
        **dict.fromkeys(("catch_up", "follow", "poll", "close"), lambda: None),
    )
    monkeypatch.setattr(subscription, "Campaigns", lambda _: campaigns)
    return _Completion(Settings(), read_ids, "night")


def test_a_subscriber_who_may_not_read_lists_is_told_why_once_there_are_strays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    follows = completion(monkeypatch, List(2, DENIED))
    Topic.arrived = [7]
    assert not follows.reached()
    Topic.arrived = [7, 0]
    with pytest.raises(AccessDenied, match=r"night has results .* not of its list; reading s3://"):
        follows.reached()


def test_a_subscription_goes_on_while_the_list_cannot_be_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(subscription, "RETRY", 0.0)
    follows = completion(monkeypatch, List(2, *[StoreUnavailable("away")] * 2))
    Topic.arrived = [7, 0, 1]
    assert [follows.reached() for _ in range(6)] == [False] * 3 + [True] * 3


@pytest.mark.parametrize(
    ("problem", "told"),
    [
        (ListDamaged("part"), ["in a: part", "in b: part"]),  # befalls one list at a time
        (DENIED, ["in a, b: reading s3://b/"]),
        (StoreUnavailable("away"), ["in a, b: away"]),
    ],
)
def test_lists_that_cannot_be_read_are_named_once(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    problem: SeedcastError,
    told: list[str],
) -> None:
    read_ids, records = List(2, problem, problem), [replace(night(2), campaign_id=n) for n in "abc"]
    outcomes = Outcomes(Settings(), read_ids)
    outcomes._tallies = {name: _Tally(ids={1}, statuses=Counter(failed=1)) for name in "ab"}
    monkeypatch.setattr(outcomes, "catch_up", lambda: None)
    _tell_strays_apart(outcomes, records)
    lines = capsys.readouterr().err.splitlines()
    assert [line for line in lines if not any(part in line for part in told)] == []
    assert (len(lines), read_ids.reads) == (len(told), len(told)), "c has no result"


@pytest.mark.parametrize("by_count", [True, False])
def test_only_a_version_that_knows_the_list_completes_it(by_count: bool) -> None:
    known, completed = night(2), night(2, "completed")
    record = counted(2, "completed") if by_count else completed
    state = campaign_state.merged(known, record)
    assert (state.state, state.staged) == ("sealed" if by_count else "completed", known.staged)
    assert campaign_state.merged(completed, counted(2)).state == "completed"
    assert campaign_state.merged(counted(2), counted(2, "completed")).state == "completed"


def test_an_older_version_pauses_a_list_and_changes_nothing_else() -> None:
    known = replace(night(2), tenant="north", weight=2.0, rate=5.0)
    assert campaign_state.merged(known, counted(2, "paused")) == replace(known, state="paused")


def test_a_completed_campaign_is_cancelled_only_if_a_request_is_open() -> None:
    completed = counted(2, "completed")
    with pytest.raises(InvalidInput, match="every request has its outcome"):
        campaign_state.cancelled(completed)
    cancelled = campaign_state.cancelled(completed, has_open=True)
    assert campaign_state.merged(completed, cancelled).state == "cancelled"
    assert campaign_state.merged(cancelled, completed).state == "cancelled"
