"""What an audit concludes: each breach has its own name, and nothing false is proven."""

import pytest

from seedcast.kafka import Committed
from seedcast.schemas.topics import AUDIO, REQUESTS, REQUESTS_PARKED, RESULTS
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


def test_a_campaign_whose_requests_all_ended_once_is_proven() -> None:
    report = report_on(
        requests=map(position, range(4)),
        results=[spoken(0), spoken(1), failed(2), spoken(3)],
        sealed=4,
    )
    assert report.ok
    assert (report.accepted, report.repeats) == (4, 0)
    assert report.outcomes == {"succeeded": 3, "failed": 1}
    assert [check.verdict for check in report.checks] == ["proven"] * 5 + ["skipped"]


def test_a_request_that_a_worker_will_still_read_waits_and_is_no_breach() -> None:
    requests = [waiting(0), waiting(1, topic=REQUESTS_PARKED), position(2), position(3)]
    report = report_on(
        requests=requests, audio=[waiting(2, topic=AUDIO)], results=[spoken(3)], sealed=4
    )
    assert (report.ok, report.breaches) == (False, ())
    assert names(report.unfinished) == [
        "waiting_on_requests",
        "waiting_on_requests.parked",
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
    put_back = [position(0), position(0, topic=REQUESTS_PARKED), waiting(0)]
    for requests in (put_back, reversed(put_back)):
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
    assert (deleted.ok, names(deleted.notes)) == (True, ["unaccepted", "requests_deleted"])


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


def test_a_row_without_a_request_or_a_result_is_lost() -> None:
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
    assert names(report.unfinished) == ["waiting_on_requests", "fewer_than_sealed"]
    assert ["--source" in finding.what for finding in report.unfinished] == [False, False]


def test_without_a_list_the_finding_names_the_option_that_gives_one() -> None:
    report = report_on(requests=[position(7)], results=[spoken(7)], sealed=3, **DELETED)
    (finding,) = report.unfinished
    assert (finding.name, "`--source LIST`" in finding.what) == ("fewer_than_sealed", True)


def test_a_row_with_nothing_left_but_unread_audio_waits() -> None:
    report = report_on(listed=[3], audio=[waiting(3, topic=AUDIO)], sealed=1, **DELETED)
    assert report.breaches == ()
    assert names(report.unfinished) == ["waiting_on_audio"]
    assert names(report.notes) == ["requests_deleted"]
    taken = report_on(listed=[3, 3], audio=[position(3, topic=AUDIO)], sealed=1, **DELETED)
    assert names(taken.breaches) == ["lost"]
    assert taken.breaches[0].examples == (f"row 1: {request_id(3)}",)


def test_a_result_without_a_campaign_is_matched_by_its_row() -> None:
    report = report_on(listed=[0], results=[failed(0, campaign=None)], sealed=1, **DELETED)
    assert (report.ok, report.outcomes) == (True, {"failed": 1})


def test_a_row_that_was_never_accepted_is_not_lost() -> None:
    report = report_on(
        listed=[0, 1, 2],
        requests=[position(0), position(1)],
        results=[spoken(0), spoken(1)],
        sealed=2,
    )
    (note,) = report.notes
    assert report.ok
    assert (note.name, note.examples) == ("not_accepted", (f"row 3: {request_id(2)}",))
    short = report_on(listed=[0, 1, 2], requests=[position(0)], results=[spoken(0)], sealed=2)
    assert [(breach.name, breach.count) for breach in short.breaches] == [
        ("lost", 2),
        ("fewer_than_sealed", 1),
    ]
    assert "1 are missing" in short.breaches[0].what


@pytest.mark.parametrize(("state", "kind"), [("open", "unfinished"), ("cancelled", "note")])
def test_a_missing_row_of_an_unsealed_campaign_may_not_have_been_submitted(
    state: str, kind: str
) -> None:
    report = report_on(listed=[0, 1], requests=[position(0)], results=[spoken(0)], state=state)
    findings = [finding for check in report.checks for finding in check.findings]
    about_rows = [(finding.name, finding.kind) for finding in findings if "row" in finding.what]
    assert about_rows == [("not_submitted", kind)]


def test_a_lost_row_is_undecided_if_its_result_may_be_deleted() -> None:
    report = report_on(
        listed=[0, 7],
        requests=[position(7, timestamp_ms=30)],
        results=[spoken(7)],
        sealed=2,
        horizon_ms=20,
        **DELETED,
    )
    assert (report.breaches, names(report.unfinished)) == ((), ["lost", "fewer_than_sealed"])


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
    assert (names(report.breaches), names(report.notes)) == (["buried"], ["requests_deleted"])


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
        requests=[position(0)],
        sealed=1,
        bounds={partition(AUDIO): (6, 9)},
        committed={partition(AUDIO): Committed(2, "")},
    )
    assert names(report.breaches) == ["request_passed"]
    assert [(note.name, note.count) for note in report.notes] == [("audio_deleted_unread", 4)]


def test_the_first_result_counts_and_the_others_are_repeats() -> None:
    report = report_on(requests=[position(0)], results=[spoken(0), spoken(0), failed(0)], sealed=1)
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
    report = report_on(requests=map(position, range(2)), results=results, sealed=2)
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
