"""What an audit concludes: each breach has its own name, and nothing false is proven."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedcast.kafka import Committed
from seedcast.schemas.topics import AUDIO, REQUESTS, REQUESTS_URGENT, RESULTS
from tests.unit.storage.audit.evidence import (
    failed,
    names,
    partition,
    position,
    report_on,
    request_id,
    spoken,
    waiting,
)

START = datetime(2026, 12, 1, 20, tzinfo=UTC)


def test_a_campaign_whose_requests_all_ended_once_is_proven() -> None:
    report = report_on(
        requests=map(position, range(4)),
        results=[spoken(0), spoken(1), failed(2), spoken(3)],
        sealed=4,
    )
    assert report.ok
    assert (report.accepted, report.repeats) == (4, 0)
    assert report.outcomes == {"succeeded": 3, "failed": 1}
    assert {check.name: check.verdict for check in report.checks} == {
        "list": "skipped",
        **dict.fromkeys(("outcomes", "acceptance", "count", "offsets", "bytes"), "proven"),
        "objects": "skipped",
    }
    assert names(report.notes) == ["no_list"]


def test_a_request_that_a_worker_will_still_read_waits_and_is_no_breach() -> None:
    requests = [waiting(0), waiting(1, topic=REQUESTS_URGENT), position(2), position(3)]
    report = report_on(
        requests=requests, audio=[waiting(2, topic=AUDIO)], results=[spoken(3)], sealed=4
    )
    assert (report.ok, report.breaches) == (False, ())
    assert names(report.unfinished) == [
        "waiting_on_requests",
        "waiting_on_requests.urgent",
        "waiting_on_audio",
    ]
    assert report.unfinished[2].examples == (f"{request_id(2)} at audio[0]@2",)


def test_a_committed_offset_without_audio_or_result_is_a_breach() -> None:
    report = report_on(requests=[position(0), position(1)], results=[spoken(0)], sealed=2)
    (breach,) = report.breaches
    assert (breach.name, breach.count, breach.examples) == (
        "request_passed",
        1,
        (f"{request_id(1)} at requests[0]@1",),
    )
    assert {check.name for check in report.checks if check.verdict == "breach"} == {
        "outcomes",
        "offsets",
    }


def test_a_committed_audio_offset_without_a_result_is_a_breach() -> None:
    report = report_on(requests=[position(0)], audio=[position(0, topic=AUDIO)], sealed=1)
    assert names(report.breaches) == ["audio_passed"]


def test_a_request_waits_if_any_of_its_positions_is_unread() -> None:
    sent_again = [position(0), position(0, topic=REQUESTS_URGENT), waiting(0)]
    for requests in (sent_again, reversed(sent_again)):
        report = report_on(requests=requests, sealed=1)
        assert names(report.unfinished) == ["waiting_on_requests"]
    audio = [position(0, topic=AUDIO), waiting(0, topic=AUDIO), position(0, topic=AUDIO)]
    report = report_on(requests=[position(0)], audio=audio, sealed=1)
    assert names(report.unfinished) == ["waiting_on_audio"]


def test_an_outcome_without_a_request_is_a_breach_unless_requests_were_deleted() -> None:
    kept = report_on(results=[spoken(0)], sealed=1)
    assert names(kept.breaches) == ["unaccepted", "fewer_than_sealed"]
    deleted = report_on(
        results=[spoken(0)],
        sealed=1,
        bounds={partition(REQUESTS): (1, 1)},
        committed={partition(REQUESTS): Committed(1, "")},
    )
    assert (deleted.ok, names(deleted.notes)) == (
        True,
        ["no_list", "unaccepted", "requests_deleted"],
    )


@pytest.mark.parametrize(("sealed", "found"), [(1, "more_than_sealed"), (3, "fewer_than_sealed")])
def test_the_sealed_number_is_compared(sealed: int, found: str) -> None:
    report = report_on(
        requests=map(position, range(2)), results=map(spoken, range(2)), sealed=sealed
    )
    assert [(breach.name, breach.count) for breach in report.breaches] == [(found, 1)]


def test_missing_requests_are_a_breach_only_if_they_were_deleted_unread() -> None:
    bounds = {partition(REQUESTS): (5, 9)}
    read = report_on(
        requests=[position(7)],
        results=[spoken(7)],
        sealed=3,
        bounds=bounds,
        committed={partition(REQUESTS): Committed(9, "")},
    )
    assert (names(read.breaches), names(read.unfinished)) == ([], ["fewer_than_sealed"])
    unread = report_on(
        requests=[position(7)],
        results=[spoken(7)],
        sealed=3,
        bounds=bounds,
        committed={partition(REQUESTS): Committed(3, "")},
    )
    assert [(breach.name, breach.count) for breach in unread.breaches] == [
        ("requests_deleted_unread", 2),
        ("fewer_than_sealed", 2),
    ]


DELETED = {
    "bounds": {partition(REQUESTS): (5, 9)},
    "committed": {partition(REQUESTS): Committed(9, "")},
}


def test_what_was_accepted_is_the_list_and_not_what_the_topics_hold() -> None:
    report = report_on(
        listed=[0, 1], requests=[position(0)], results=[spoken(0), failed(1)], sealed=2
    )
    assert (report.ok, report.accepted, report.notes) == (True, 2, ())
    assert report.outcomes == {"succeeded": 1, "failed": 1}
    assert [check.verdict for check in report.checks] == ["proven"] * 6 + ["skipped"]


def test_a_fed_row_without_a_request_or_a_result_is_lost() -> None:
    report = report_on(
        listed=[7, 8, 2, 1, 0],
        requests=[position(7), waiting(8)],
        results=[spoken(7), spoken(2)],
        sealed=5,
        **DELETED,
    )
    (breach,) = report.breaches
    assert (breach.name, breach.count, breach.examples) == (
        "lost",
        2,
        (f"row 4: {request_id(1)}", f"row 5: {request_id(0)}"),
    )
    assert names(report.unfinished) == ["waiting_on_requests"]


def test_a_lost_row_is_explained_by_what_was_deleted_unread() -> None:
    unread = {**DELETED, "committed": {partition(REQUESTS): Committed(3, "")}}
    report = report_on(listed=[7], sealed=1, **unread)
    assert (names(report.breaches), names(report.notes)) == (["lost"], ["requests_deleted_unread"])
    ended = report_on(listed=[7], results=[spoken(7)], sealed=1, **unread)
    assert (ended.ok, ended.notes) == (True, ())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "not fed yet"),
        ({"state": "paused"}, "paused until `seedcast resume night`"),
        ({"held": "part-00001 is missing", "state": "paused"}, "held: part-00001 is missing"),
        ({"terms": {"start_at": START}}, "is fed from 2026-12-01T20:00+00:00 on"),
        (
            {"terms": {"start_at": START, "window": "20:00-06:00", "zone": "Asia/Shanghai"}},
            "is fed from 2026-12-01T20:00+00:00 on at 20:00-06:00 (Asia/Shanghai)",
        ),
    ],
)
def test_a_row_that_is_not_fed_waits_in_the_list(changes: dict[str, object], said: str) -> None:
    report = report_on(
        listed=[0, 1, 2, 3],
        fed=2,
        requests=[position(0), waiting(1), waiting(2)],  # the last since the cursor was written
        results=[spoken(0)],
        sealed=4,
        **changes,  # type: ignore[arg-type]
    )
    assert report.breaches == ()
    waits, fed = report.unfinished
    assert (waits.name, waits.count, waits.examples) == (
        "waiting_in_list",
        1,
        (f"row 4: {request_id(3)}",),
    )
    assert (fed.name, fed.count, said in waits.what) == ("waiting_on_requests", 2, True)


def test_a_row_that_is_fed_again_after_a_crash_has_its_outcome() -> None:
    """The cursor is a checkpoint: what was fed after it may have ended already."""
    report = report_on(listed=[0, 1], fed=0, results=[spoken(0), failed(1)], sealed=2)
    assert (report.ok, report.accepted) == (True, 2)


def test_strays_are_named_and_not_counted() -> None:
    report = report_on(
        listed=[0, 1],
        requests=[position(0), waiting(1), waiting(7), position(8)],
        results=[spoken(0), spoken(8), failed(9), failed(5, campaign=None)],
        sealed=2,
    )
    assert (report.accepted, report.outcomes, report.repeats) == (2, {"succeeded": 1}, 0)
    assert (report.breaches, names(report.unfinished)) == ((), ["waiting_on_requests"])
    assert report.unfinished[0].examples == (f"{request_id(1)} at requests[0]@1",)
    (stray,) = report.notes
    assert (stray.name, stray.count, stray.examples) == (
        "stray",
        3,
        (
            f"{request_id(7)}: a request at requests[0]@7",
            f"{request_id(8)}: a request at requests[0]@8",
            f"{request_id(9)}: a result, failed",
        ),
    )


@given(
    listed=st.sets(st.integers(0, 9), min_size=1),
    fed=st.integers(0, 10),
    requested=st.sets(st.integers(0, 9)),
    ended=st.sets(st.integers(0, 9)),
)
def test_each_row_of_the_list_is_ended_waits_or_is_lost_and_all_else_is_stray(
    listed: set[int], fed: int, requested: set[int], ended: set[int]
) -> None:
    order = sorted(listed)
    report = report_on(
        listed=order,
        fed=fed,
        requests=map(waiting, requested),
        results=map(spoken, ended),
        sealed=len(listed),
        examples=99,
    )
    found = {finding.name: finding.count for check in report.checks for finding in check.findings}
    open_ = [number for number in order if number not in ended]
    nowhere = [number for number in open_ if number not in requested]
    expected = {
        "waiting_on_requests": len(set(open_) & requested),
        "lost": sum(order.index(number) < fed for number in nowhere),
        "waiting_in_list": sum(order.index(number) >= fed for number in nowhere),
        "stray": len((requested | ended) - listed),
    }
    assert found == {name: count for name, count in expected.items() if count}
    assert sum(report.outcomes.values()) == len(listed & ended)
    assert report.ok == (listed <= ended)


def test_a_damaged_part_is_a_breach_and_its_requests_are_audited_as_far_as_the_topics_reach() -> (
    None
):
    report = report_on(
        listed=[0, 1],
        damaged=["part-00001: no object"],
        fed=4,
        requests=[position(0), position(2)],
        results=[spoken(0)],
        sealed=4,
    )
    assert [(breach.name, breach.count) for breach in report.breaches] == [
        ("list_damaged", 1),
        ("request_passed", 1),
        ("lost", 1),
    ]
    assert report.breaches[0].examples == ("part-00001: no object",)
    assert [(each.name, each.count) for each in report.unfinished] == [("fewer_than_sealed", 1)]
    assert (report.accepted, names(report.notes)) == (3, [])


def test_a_row_with_nothing_left_but_unread_audio_waits() -> None:
    report = report_on(listed=[3], audio=[waiting(3, topic=AUDIO)], sealed=1, **DELETED)
    assert (report.breaches, report.notes) == ((), ())
    assert names(report.unfinished) == ["waiting_on_audio"]
    taken = report_on(listed=[3], audio=[position(3, topic=AUDIO)], sealed=1, **DELETED)
    assert names(taken.breaches) == ["lost"]
    assert taken.breaches[0].examples == (f"row 1: {request_id(3)}",)


def test_a_result_without_a_campaign_is_matched_by_its_row() -> None:
    report = report_on(listed=[0], results=[failed(0, campaign=None)], sealed=1, **DELETED)
    assert (report.ok, report.outcomes) == (True, {"failed": 1})


def test_a_list_of_fewer_ids_than_its_record_says_is_a_breach() -> None:
    report = report_on(listed=[0], results=[spoken(0)], sealed=2)
    assert [(breach.name, breach.count) for breach in report.breaches] == [("fewer_than_sealed", 1)]


@pytest.mark.parametrize(("age_ms", "kind"), [(10, "unfinished"), (30, "breach")])
def test_a_lost_row_is_undecided_if_its_result_may_be_deleted(age_ms: int, kind: str) -> None:
    report = report_on(
        listed=[0, 7],
        requests=[position(7, timestamp_ms=30)],
        results=[spoken(7)],
        sealed=2,
        horizon_ms=20,
        created_at=datetime.fromtimestamp(age_ms / 1000, UTC),
        **DELETED,
    )
    findings = (*report.breaches, *report.unfinished)
    assert [(finding.name, finding.kind) for finding in findings] == [("lost", kind)]


def test_audio_that_became_a_dead_letter_is_named_with_the_dead_letters_position() -> None:
    report = report_on(
        requests=[position(0), position(1)],
        audio=[position(0, topic=AUDIO), position(1, topic=AUDIO)],
        dead_letters=[0, 5],
        sealed=2,
    )
    assert names(report.breaches) == ["audio_passed", "buried"]
    assert report.breaches[1].examples == (
        f"{request_id(0)} became a dead letter at dead-letters[0]@0",
    )
    assert report.breaches[0].examples == (f"{request_id(1)} at audio[0]@1",)
    assert {check.name for check in report.checks if check.verdict == "breach"} == {
        "outcomes",
        "offsets",
    }


def test_a_dead_letter_that_was_put_back_waits_as_audio_and_one_without_audio_is_buried() -> None:
    back = report_on(
        requests=[position(0)],
        audio=[position(0, topic=AUDIO), waiting(0, topic=AUDIO)],
        dead_letters=[0],
        sealed=1,
    )
    assert (back.breaches, names(back.unfinished)) == ((), ["waiting_on_audio"])
    deleted = report_on(requests=[position(0)], dead_letters=[0], sealed=1)
    assert names(deleted.breaches) == ["buried"]


def test_a_row_that_became_a_dead_letter_is_not_lost() -> None:
    report = report_on(listed=[0], dead_letters=[0], sealed=1, **DELETED)
    assert (names(report.breaches), report.notes) == (["buried"], ())


def test_an_old_dead_letter_whose_result_may_be_deleted_is_undecided() -> None:
    report = report_on(
        requests=[position(0, timestamp_ms=10)],
        audio=[position(0, topic=AUDIO)],
        dead_letters=[0],
        sealed=1,
        horizon_ms=20,
    )
    assert (report.breaches, names(report.unfinished)) == ((), ["forgotten"])


def test_an_old_request_whose_result_may_be_deleted_is_undecided_and_a_younger_one_is_not() -> None:
    report = report_on(
        requests=[position(0, timestamp_ms=10), position(1, timestamp_ms=30)],
        sealed=2,
        horizon_ms=20,
        bounds={partition(RESULTS): (4, 9)},
    )
    assert (names(report.breaches), names(report.unfinished)) == (["request_passed"], ["forgotten"])
    assert report.breaches[0].examples == (f"{request_id(1)} at requests[0]@1",)


def test_audio_deleted_before_it_was_read_is_named() -> None:
    report = report_on(
        listed=[0],
        requests=[position(0)],
        sealed=1,
        bounds={partition(AUDIO): (6, 9)},
        committed={partition(AUDIO): Committed(2, "")},
    )
    assert names(report.breaches) == ["request_passed"]
    assert [(note.name, note.count) for note in report.notes] == [("audio_deleted_unread", 4)]


def test_the_first_result_counts_and_the_others_are_repeats() -> None:
    report = report_on(
        listed=[0], requests=[position(0)], results=[spoken(0), spoken(0), failed(0)], sealed=1
    )
    assert (report.ok, report.outcomes, report.repeats) == (True, {"succeeded": 1}, 2)
    assert [(note.name, note.count) for note in report.notes] == [
        ("repeats", 2),
        ("other_status", 1),
    ]
    assert report.notes[1].examples == (f"{request_id(0)}: succeeded, then failed",)


def test_one_engine_and_two_waveforms_is_a_breach_whatever_the_chain() -> None:
    for chain in ("c1", "c2"):
        report = report_on(
            requests=[position(0)],
            results=[spoken(0), spoken(0, waveform="1e" * 32, chain=chain)],
            sealed=1,
        )
        assert names(report.breaches) == ["other_waveform"]
        assert "0f0f0f0f0f0f" in str(report.breaches[0])


def test_one_waveform_and_chain_and_two_renditions_is_a_breach() -> None:
    report = report_on(
        requests=[position(0)], results=[spoken(0), spoken(0, sha256="bb" * 32)], sealed=1
    )
    assert names(report.breaches) == ["other_renditions"]


def test_another_fingerprint_may_give_other_bytes_and_each_share_is_named() -> None:
    results = [spoken(0), spoken(0, engine="e2", waveform="1e" * 32), spoken(1, engine="e2")]
    report = report_on(listed=range(2), requests=map(position, range(2)), results=results, sealed=2)
    assert report.ok
    assert names(report.notes) == ["repeats", "other_fingerprint", "engine_halves"]
    assert set(report.notes[2].examples) == {"e1 (1)", "e2 (1)"}


def test_a_result_without_a_campaign_is_matched_by_its_request() -> None:
    report = report_on(
        requests=[position(0)],
        results=[failed(0, campaign=None), failed(9, campaign=None)],
        sealed=1,
    )
    assert (report.ok, report.outcomes) == (True, {"failed": 1})


@pytest.mark.parametrize(("state", "ok"), [("open", False), ("paused", False), ("cancelled", True)])
def test_an_unsealed_campaign_is_proven_only_if_it_was_cancelled(state: str, ok: bool) -> None:
    assert report_on(requests=[position(0)], results=[spoken(0)], state=state).ok == ok


def test_examples_are_bounded_and_the_count_is_not() -> None:
    report = report_on(requests=map(position, range(50)), sealed=50, examples=3)
    (breach,) = report.breaches
    assert (breach.count, len(breach.examples)) == (50, 3)
    assert str(breach).startswith("50 × a request")
    assert str(breach).endswith(", …")
