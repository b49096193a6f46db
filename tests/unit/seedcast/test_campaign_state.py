"""State transitions of a campaign: senseless ones are refused, and racing writers are merged."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedcast.campaigns import campaign_state, campaign_topic
from seedcast.errors import InvalidInput
from seedcast.schemas.messages import Campaign, CampaignState

Change = Callable[[Campaign], Campaign]
CHANGES: dict[str, Change] = {
    "pause": campaign_state.paused,
    "resume": campaign_state.resumed,
    "cancel": campaign_state.cancelled,
}


def a_campaign(state: CampaignState, accepted: int | None = None) -> Campaign:
    return Campaign(
        campaign_id="night",
        state=state,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        accepted=accepted,
    )


@pytest.mark.parametrize(
    ("before", "change", "after"),
    [
        (("open", None), "pause", ("paused", None)),
        (("sealed", 9), "pause", ("paused", 9)),
        (("paused", 9), "pause", ("paused", 9)),
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


@pytest.mark.parametrize(("state", "after"), [("open", "sealed"), ("paused", "paused")])
def test_sealing_does_not_resume(state: CampaignState, after: CampaignState) -> None:
    assert campaign_state.sealed(a_campaign(state), 7) == a_campaign(after, 7)


@pytest.mark.parametrize(
    ("known", "record", "holds"),
    [
        (("paused", None), ("sealed", 9), ("paused", 9)),  # a seal that had not seen the pause
        (("open", None), ("paused", 9), ("sealed", 9)),  # a seal that had not seen the resumption
        (("sealed", 9), ("paused", None), ("paused", 9)),  # a pause that had not seen the seal
        (("paused", 9), ("open", None), ("sealed", 9)),  # a resumption that had not seen the seal
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


WRITERS: list[Change] = [
    *CHANGES.values(),
    partial(campaign_state.sealed, accepted=9),
    lambda campaign: a_campaign("completed", campaign.accepted),
]


@given(st.lists(st.tuples(st.sampled_from(range(len(WRITERS))), st.integers(0, 4)), max_size=12))
def test_no_order_of_racing_writers_undoes_what_is_final(writes: list[tuple[int, int]]) -> None:
    """Each writer decides by the state of a few records ago."""
    states = [a_campaign("open")]
    for writer, staleness in writes:
        seen = states[max(0, len(states) - 1 - staleness)]
        if (writer == 3 and (states[-1].accepted is not None or seen.state == "cancelled")) or (
            writer == 4 and seen.state != "sealed"
        ):
            continue  # one submission seals; `wait` completes only what is sealed
        try:
            record = WRITERS[writer](seen)
        except InvalidInput:
            continue
        before = states[-1]
        states.append(campaign_state.merged(before, record))
        after = states[-1]
        assert after.accepted == (record.accepted if before.accepted is None else before.accepted)
        assert after.state == "cancelled" or "cancelled" not in (before.state, record.state)
        assert after.state in ("completed", "cancelled") or before.state != "completed"
        assert (after.state, after.accepted is None) not in (("open", False), ("sealed", True))
        if writer == 3:
            assert (after.state == "paused") == (before.state == "paused"), (
                "a seal decides only about the count"
            )
        assert campaign_state.merged(after, after) == after, (
            "written again, the merged state holds alone"
        )


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
