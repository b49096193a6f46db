"""What an audit concludes from what was read: each breach under its own name, and nothing proven that is not."""

import pytest

from schemas.topics import AUDIO, REQUESTS, REQUESTS_PARKED, RESULTS
from seedcast.kafka import Committed
from seedcast.kafka.offset_bitmap import encode
from storage.audit.committed import CommittedOffsets
from tests.unit.storage.audit.cases import (
    failed,
    judge,
    name,
    names,
    partition,
    place,
    spoken,
    waiting,
)


def test_accounts_that_are_closed_are_proven() -> None:
    report = judge(
        places=map(place, range(4)), results=[spoken(0), spoken(1), failed(2), spoken(3)], sealed=4
    )
    assert report.ok
    assert (report.accepted, report.outcomes, report.repeats) == (
        4,
        {"succeeded": 3, "failed": 1},
        0,
    )
    assert [check.verdict for check in report.checks] == ["proven"] * 5 + ["skipped"]


def test_what_a_worker_has_still_to_read_waits_and_is_no_breach() -> None:
    places = [waiting(0), waiting(1, topic=REQUESTS_PARKED), place(2), place(3)]
    report = judge(places=places, audio=[waiting(2, topic=AUDIO)], results=[spoken(3)], sealed=4)
    assert (report.ok, report.breaches) == (False, ())
    assert names(report.unfinished) == [
        "waiting_on_requests",
        "waiting_on_requests.parked",
        "waiting_on_audio",
    ]
    assert report.unfinished[2].examples == (f"{name(2)} at audio[0]@2",)


def test_a_committed_offset_without_audio_or_result_is_a_breach() -> None:
    report = judge(places=[place(0), place(1)], results=[spoken(0)], sealed=2)
    (breach,) = report.breaches
    assert (breach.name, breach.count, breach.examples) == (
        "request_passed",
        1,
        (f"{name(1)} at requests[0]@1",),
    )
    assert {check.name for check in report.checks if check.verdict == "breach"} == {
        "outcomes",
        "offsets",
    }


def test_a_committed_audio_offset_without_a_result_is_a_breach() -> None:
    report = judge(places=[place(0)], audio=[place(0, topic=AUDIO)], sealed=1)
    assert names(report.breaches) == ["audio_passed"]


def test_one_open_place_is_enough_wherever_the_others_are() -> None:
    put_back = [place(0), place(0, topic=REQUESTS_PARKED), waiting(0)]
    assert names(judge(places=put_back, sealed=1).unfinished) == ["waiting_on_requests"]
    assert names(judge(places=reversed(put_back), sealed=1).unfinished) == ["waiting_on_requests"]
    twice = [place(0, topic=AUDIO), waiting(0, topic=AUDIO), place(0, topic=AUDIO)]
    assert names(judge(places=[place(0)], audio=twice, sealed=1).unfinished) == ["waiting_on_audio"]


def test_the_bitmap_counts_as_committed() -> None:
    here = partition(REQUESTS)
    passed = CommittedOffsets({here: Committed(5, encode(5, [7]))})
    assert [passed.has(here, offset) for offset in (4, 5, 6, 7, 8)] == [
        True,
        False,
        False,
        True,
        False,
    ]
    assert not passed.has(partition(REQUESTS, 1), 0)
    assert not CommittedOffsets({here: Committed(None, "")}).has(here, 0)


def test_an_outcome_without_a_request_is_a_breach_unless_requests_were_deleted() -> None:
    assert names(judge(results=[spoken(0)], sealed=1).breaches) == [
        "unaccepted",
        "fewer_than_sealed",
    ]
    gone = judge(
        results=[spoken(0)],
        sealed=1,
        bounds={partition(REQUESTS): (1, 1)},
        committed={partition(REQUESTS): Committed(1, "")},
    )
    assert (gone.ok, names(gone.notes)) == (True, ["unaccepted", "requests_deleted"])


@pytest.mark.parametrize(("sealed", "found"), [(1, "more_than_sealed"), (3, "fewer_than_sealed")])
def test_the_sealed_number_is_compared(sealed: int, found: str) -> None:
    report = judge(places=map(place, range(2)), results=map(spoken, range(2)), sealed=sealed)
    assert [(breach.name, breach.count) for breach in report.breaches] == [(found, 1)]


def test_fewer_than_sealed_is_undecided_where_what_was_read_is_deleted_and_a_breach_where_it_was_not_read() -> (
    None
):
    bounds = {partition(REQUESTS): (5, 9)}
    read = judge(
        places=[place(7)],
        results=[spoken(7)],
        sealed=3,
        bounds=bounds,
        committed={partition(REQUESTS): Committed(9, "")},
    )
    assert (names(read.breaches), names(read.unfinished)) == ([], ["fewer_than_sealed"])
    unread = judge(
        places=[place(7)],
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


def test_a_row_that_neither_topics_nor_results_know_is_lost() -> None:
    report = judge(
        listed=[7, 8, 2, 1, 0],
        places=[place(7), waiting(8)],
        results=[spoken(7), spoken(2)],
        sealed=5,
        **DELETED,
    )
    (breach,) = report.breaches
    assert (breach.name, breach.count, breach.examples) == (
        "lost",
        2,
        (f"row 4: {name(1)}", f"row 5: {name(0)}"),
    )
    assert names(report.unfinished) == ["waiting_on_requests", "fewer_than_sealed"]
    assert ["--source" in finding.what for finding in report.unfinished] == [False, False]


def test_without_a_list_the_finding_says_what_names_them() -> None:
    (finding,) = judge(places=[place(7)], results=[spoken(7)], sealed=3, **DELETED).unfinished
    assert (finding.name, "`--source LIST`" in finding.what) == ("fewer_than_sealed", True)


def test_a_row_of_which_only_the_audio_is_left_waits() -> None:
    report = judge(listed=[3], audio=[waiting(3, topic=AUDIO)], sealed=1, **DELETED)
    assert (report.breaches, names(report.unfinished), names(report.notes)) == (
        (),
        ["waiting_on_audio"],
        ["requests_deleted"],
    )
    taken = judge(listed=[3, 3], audio=[place(3, topic=AUDIO)], sealed=1, **DELETED)
    assert (names(taken.breaches), taken.breaches[0].examples) == (["lost"], (f"row 1: {name(3)}",))


def test_a_result_whose_campaign_was_unreadable_is_known_by_its_row() -> None:
    report = judge(listed=[0], results=[failed(0, campaign=None)], sealed=1, **DELETED)
    assert (report.ok, report.outcomes) == (True, {"failed": 1})


def test_a_row_that_was_never_accepted_is_not_lost() -> None:
    report = judge(
        listed=[0, 1, 2], places=[place(0), place(1)], results=[spoken(0), spoken(1)], sealed=2
    )
    assert (report.ok, [(note.name, note.examples) for note in report.notes]) == (
        True,
        [("not_accepted", (f"row 3: {name(2)}",))],
    )
    short = judge(listed=[0, 1, 2], places=[place(0)], results=[spoken(0)], sealed=2)
    assert [(breach.name, breach.count) for breach in short.breaches] == [
        ("lost", 2),
        ("fewer_than_sealed", 1),
    ]
    assert "1 are missing" in short.breaches[0].what


@pytest.mark.parametrize(("state", "kind"), [("open", "unfinished"), ("cancelled", "note")])
def test_a_row_that_nobody_knows_of_a_campaign_that_was_never_sealed_may_not_have_been_sent(
    state: str, kind: str
) -> None:
    report = judge(listed=[0, 1], places=[place(0)], results=[spoken(0)], state=state)
    assert [
        (finding.name, finding.kind)
        for check in report.checks
        for finding in check.findings
        if "row" in finding.what
    ] == [("not_submitted", kind)]


def test_a_lost_row_is_undecided_where_its_result_may_be_deleted() -> None:
    report = judge(
        listed=[0, 7],
        places=[place(7, at_ms=30)],
        results=[spoken(7)],
        sealed=2,
        horizon_ms=20,
        **DELETED,
    )
    assert (report.breaches, names(report.unfinished)) == ((), ["lost", "fewer_than_sealed"])


def test_audio_that_became_a_dead_letter_is_named_with_its_letter() -> None:
    report = judge(
        places=[place(0), place(1)],
        audio=[place(0, topic=AUDIO), place(1, topic=AUDIO)],
        letters=[0, 5],
        sealed=2,
    )
    assert names(report.breaches) == ["audio_passed", "buried"]
    assert report.breaches[1].examples == (f"{name(0)} became a dead letter at dead-letters[0]@0",)
    assert report.breaches[0].examples == (f"{name(1)} at audio[0]@1",)
    assert {check.name for check in report.checks if check.verdict == "breach"} == {
        "outcomes",
        "offsets",
    }


def test_a_letter_that_was_put_back_waits_as_audio_and_one_whose_audio_is_gone_is_buried() -> None:
    back = judge(
        places=[place(0)],
        audio=[place(0, topic=AUDIO), waiting(0, topic=AUDIO)],
        letters=[0],
        sealed=1,
    )
    assert (back.breaches, names(back.unfinished)) == ((), ["waiting_on_audio"])
    assert names(judge(places=[place(0)], letters=[0], sealed=1).breaches) == ["buried"]


def test_a_row_of_the_list_that_is_a_dead_letter_is_not_lost() -> None:
    report = judge(listed=[0], letters=[0], sealed=1, **DELETED)
    assert (names(report.breaches), names(report.notes)) == (["buried"], ["requests_deleted"])


def test_an_old_letter_whose_result_may_be_deleted_is_undecided() -> None:
    report = judge(
        places=[place(0, at_ms=10)],
        audio=[place(0, topic=AUDIO)],
        letters=[0],
        sealed=1,
        horizon_ms=20,
    )
    assert (report.breaches, names(report.unfinished)) == ((), ["forgotten"])


def test_an_old_request_whose_result_may_be_deleted_is_undecided_and_a_younger_one_is_not() -> None:
    report = judge(
        places=[place(0, at_ms=10), place(1, at_ms=30)],
        sealed=2,
        horizon_ms=20,
        bounds={partition(RESULTS): (4, 9)},
    )
    assert (names(report.breaches), names(report.unfinished)) == (["request_passed"], ["forgotten"])
    assert report.breaches[0].examples == (f"{name(1)} at requests[0]@1",)


def test_audio_deleted_before_it_was_read_is_named() -> None:
    report = judge(
        places=[place(0)],
        sealed=1,
        bounds={partition(AUDIO): (6, 9)},
        committed={partition(AUDIO): Committed(2, "")},
    )
    assert names(report.breaches) == ["request_passed"]
    assert [(note.name, note.count) for note in report.notes] == [("audio_deleted_unread", 4)]


def test_the_first_result_counts_and_the_others_are_repeats() -> None:
    report = judge(places=[place(0)], results=[spoken(0), spoken(0), failed(0)], sealed=1)
    assert (report.ok, report.outcomes, report.repeats) == (True, {"succeeded": 1}, 2)
    assert [(note.name, note.count) for note in report.notes] == [
        ("repeats", 2),
        ("other_status", 1),
    ]
    assert report.notes[1].examples == (f"{name(0)}: succeeded, then failed",)


def test_one_engine_and_two_waveforms_is_a_breach_whatever_the_chain() -> None:
    for chain in ("c1", "c2"):
        report = judge(
            places=[place(0)],
            results=[spoken(0), spoken(0, waveform="1e" * 32, chain=chain)],
            sealed=1,
        )
        assert names(report.breaches) == ["other_waveform"]
        assert "0f0f0f0f0f0f" in str(report.breaches[0])


def test_one_waveform_and_chain_and_two_renditions_is_a_breach() -> None:
    report = judge(places=[place(0)], results=[spoken(0), spoken(0, sha256="bb" * 32)], sealed=1)
    assert names(report.breaches) == ["other_renditions"]


def test_another_fingerprint_may_sound_otherwise_and_the_halves_are_named() -> None:
    results = [spoken(0), spoken(0, engine="e2", waveform="1e" * 32), spoken(1, engine="e2")]
    report = judge(places=map(place, range(2)), results=results, sealed=2)
    assert (report.ok, names(report.notes)) == (
        True,
        ["repeats", "other_fingerprint", "engine_halves"],
    )
    assert set(report.notes[2].examples) == {"e1 (1)", "e2 (1)"}


def test_a_result_whose_campaign_was_unreadable_is_known_by_its_request() -> None:
    report = judge(
        places=[place(0)], results=[failed(0, campaign=None), failed(9, campaign=None)], sealed=1
    )
    assert (report.ok, report.outcomes) == (True, {"failed": 1})


@pytest.mark.parametrize(("state", "ok"), [("open", False), ("paused", False), ("cancelled", True)])
def test_a_campaign_that_was_never_sealed_is_proven_only_where_it_was_cancelled(
    state: str, ok: bool
) -> None:
    assert judge(places=[place(0)], results=[spoken(0)], state=state).ok == ok


def test_examples_are_bounded_and_the_count_is_not() -> None:
    report = judge(places=map(place, range(50)), sealed=50, examples=3)
    (breach,) = report.breaches
    assert (breach.count, len(breach.examples)) == (50, 3)
    assert str(breach).startswith("50 × a request")
    assert str(breach).endswith(", …")
