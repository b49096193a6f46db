"""State transitions of a campaign: senseless ones are refused, and racing writers are merged."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from seedcast.campaigns import campaign_state, campaign_topic
from seedcast.errors import InvalidInput
from seedcast.schemas.messages import (
    Campaign,
    CampaignState,
    ListPart,
    Output,
    Outputs,
    StagedList,
)

Change = Callable[[Campaign], Campaign]
CHANGES: dict[str, Change] = {
    "pause": campaign_state.paused,
    "resume": campaign_state.resumed,
    "cancel": campaign_state.cancelled,
}


NOW = datetime(2026, 1, 1, tzinfo=UTC)


def a_campaign(state: CampaignState, accepted: int | None = None) -> Campaign:
    """Return a campaign of events."""
    return Campaign(campaign_id="night", state=state, created_at=NOW, accepted=accepted)


def submitted(number: int) -> Campaign:
    """Return the record that a submission writes; each number has another list."""
    staged = StagedList(
        staging=f"{number:016x}",
        parts=(ListPart(rows=number + 1, bytes=9, sha256="0" * 64),),
        digest=f"{number:064x}",
        ids_digest=f"{number:064x}",
    )
    return Campaign(
        campaign_id="night",
        state="sealed",
        created_at=NOW + timedelta(seconds=number),
        accepted=number + 1,
        deadline=NOW + timedelta(hours=number),
        staged=staged,
    )


@pytest.mark.parametrize(
    ("before", "change", "after"),
    [
        (("paused", None), "resume", ("open", None)),
        (("paused", 9), "resume", ("sealed", 9)),
        (("open", None), "resume", ("open", None)),
        (("sealed", 9), "resume", ("sealed", 9)),
        (("open", None), "cancel", ("cancelled", None)),
        (("sealed", 9), "cancel", ("cancelled", 9)),
        (("paused", 9), "cancel", ("cancelled", 9)),
        (("cancelled", 9), "cancel", ("cancelled", 9)),
    ],
)
def test_a_change_keeps_what_was_accepted(
    before: tuple[CampaignState, int | None], change: str, after: tuple[CampaignState, int | None]
) -> None:
    assert CHANGES[change](a_campaign(*before)) == a_campaign(*after)


def test_a_pause_keeps_the_list_and_pausing_again_changes_nothing() -> None:
    campaign = submitted(8)
    paused = campaign_state.paused(campaign)
    assert paused == replace(campaign, state="paused") == campaign_state.paused(paused)


@pytest.mark.parametrize("state", ["open", "sealed", "paused"])
def test_a_campaign_of_events_cannot_be_paused(state: CampaignState) -> None:
    reason = "got one of events: its requests are on the requests topics already"
    with pytest.raises(InvalidInput, match=f"campaign night; expected one with a .*; {reason}"):
        campaign_state.paused(a_campaign(state))


@pytest.mark.parametrize(
    ("state", "change"),
    [
        ("cancelled", "pause"),
        ("cancelled", "resume"),
        ("completed", "pause"),
        ("completed", "resume"),
        ("completed", "cancel"),
    ],
)
def test_a_senseless_change_is_refused_and_names_the_state(
    state: CampaignState, change: str
) -> None:
    with pytest.raises(
        InvalidInput, match=f"campaign night; expected one that is .*; got one that is {state}"
    ):
        CHANGES[change](a_campaign(state, 9))


@pytest.mark.parametrize(
    ("known", "record", "holds"),
    [
        (("paused", 9), ("open", None), ("sealed", 9)),  # a resumption that had not seen the count
        (("sealed", 9), ("paused", None), ("paused", 9)),
        (("paused", 9), ("sealed", 9), ("sealed", 9)),  # no race at all
        (("cancelled", None), ("sealed", 9), ("cancelled", 9)),
        (("cancelled", 9), ("completed", 9), ("cancelled", 9)),
        (("completed", 9), ("paused", 9), ("completed", 9)),
    ],
)
def test_records_of_racing_writers_are_merged(
    known: tuple[CampaignState, int | None],
    record: tuple[CampaignState, int | None],
    holds: tuple[CampaignState, int | None],
) -> None:
    assert campaign_state.merged(a_campaign(*known), a_campaign(*record)) == a_campaign(*holds)


def test_the_first_list_of_a_name_stays_whole() -> None:
    first, second = submitted(1), submitted(2)
    assert campaign_state.merged(None, first) == first
    assert campaign_state.merged(first, second) == first
    paused = campaign_state.paused(first)
    assert campaign_state.merged(paused, second) == paused, "a late list does not resume"
    assert campaign_state.merged(first, paused) == paused
    assert campaign_state.merged(paused, campaign_state.resumed(paused)) == first


@pytest.mark.parametrize(
    ("record", "state"), [("open", "sealed"), ("paused", "paused"), ("cancelled", "cancelled")]
)
def test_of_a_record_that_knows_no_list_only_the_state_counts(
    record: CampaignState, state: CampaignState
) -> None:
    """Such as that of events sent to the same campaign, or of an operator's older version."""
    known = submitted(1)
    assert campaign_state.merged(known, a_campaign(record)) == replace(known, state=state)


def test_a_list_does_not_take_over_a_campaign_of_events() -> None:
    events = a_campaign("open")
    assert campaign_state.merged(events, submitted(1)) == events


CHANGERS: list[Change] = [
    *CHANGES.values(),
    lambda campaign: replace(campaign, state="completed"),
]
SUBMISSION = len(CHANGERS)  # any number from here on is a submission of a list of its own


@given(st.lists(st.tuples(st.integers(0, SUBMISSION + 3), st.integers(0, 4)), max_size=12))
def test_no_order_of_racing_writers_undoes_what_is_final(writes: list[tuple[int, int]]) -> None:
    """Each operator decides by the state of a few records ago; submissions come at any time."""
    states = [submitted(0)]
    for writer, staleness in writes:
        seen, before = states[max(0, len(states) - 1 - staleness)], states[-1]
        if writer >= SUBMISSION:
            record = submitted(writer)
        else:
            try:
                record = CHANGERS[writer](seen)
            except InvalidInput:
                continue
        after = campaign_state.merged(before, record)
        states.append(after)
        assert replace(after, state="sealed") == submitted(0), "the first list stays"
        assert after.state == "cancelled" or "cancelled" not in (before.state, record.state)
        assert after.state in ("completed", "cancelled") or before.state != "completed"
        assert after.state == before.state or writer < SUBMISSION
        assert campaign_state.merged(after, after) == after
        assert campaign_state.merged(None, after) == after, "written again, it holds alone"


def test_an_unknown_campaign_is_refused_with_similar_names() -> None:
    with pytest.raises(
        InvalidInput,
        match="campaign nigth; expected one that was submitted; got none of that name, but night",
    ):
        campaign_topic.find_campaign(
            {"night": a_campaign("open"), "july-bills": a_campaign("open")}, "nigth"
        )
    with pytest.raises(
        InvalidInput, match=r"got none of that name; `seedcast campaigns` lists them$"
    ):
        campaign_topic.find_campaign({}, "nigth")


def outputs(size: int) -> Outputs:
    results = Output(name="results.parquet", bytes=size, sha256="0" * 64)
    return Outputs(results=results, errors=results, summary=results)


def test_an_ended_list_is_completed_and_a_cancelled_one_stays_so() -> None:
    sealed = submitted(1)
    done = campaign_state.completed(sealed, outputs(9))
    assert (done.state, done.outputs) == ("completed", outputs(9))
    cancelled = campaign_state.completed(campaign_state.cancelled(sealed), outputs(9))
    assert (cancelled.state, cancelled.outputs) == ("cancelled", outputs(9))


def test_outputs_stay_unless_others_are_named() -> None:
    sealed = submitted(1)
    done = campaign_state.completed(sealed, outputs(9))
    for late in (sealed, replace(sealed, state="cancelled"), a_campaign("paused", 2)):
        assert campaign_state.merged(done, late).outputs == outputs(9)
    again = campaign_state.completed(sealed, outputs(8))
    assert campaign_state.merged(done, again).outputs == outputs(8)
    assert campaign_state.merged(done, submitted(2)) == done
