"""The checks of an audit: each is a sentence, with the findings that could refute it."""

from collections.abc import Iterator

from seedcast.storage.audit.count_checks import check_list, compare_with_sealed, find_unaccepted
from seedcast.storage.audit.evidence import Evidence
from seedcast.storage.audit.object_checks import ObjectCheck
from seedcast.storage.audit.outcome_checks import (
    find_committed_without_outcome,
    find_lost,
    find_waiting,
)
from seedcast.storage.audit.repeat_checks import compare_repeats, find_repeats
from seedcast.storage.audit.report import Check, Finding

_OBJECTS: dict[ObjectCheck, str] = {
    "hash": "every rendition's object is there, with its manifest's size and SHA-256",
    "size": "every rendition's object is there, with its manifest's size",
    "none": "every rendition's object is there",
}
_OBJECTS_WITH_FAULT = """
SELECT uri || ' of ' || id || ' (' || got || ')' FROM manifest_object WHERE fault = ?
"""
_ORPHANS = "SELECT uri FROM listed_object WHERE uri NOT IN (SELECT uri FROM manifest_object)"


def run_checks(evidence: Evidence) -> tuple[Check, ...]:
    """Draw every check's findings from the evidence, in the order of the report."""
    committed = tuple(find_committed_without_outcome(evidence))
    outcomes = sum(evidence.outcomes.values())
    ended_once = (
        *committed,
        *find_lost(evidence),
        *find_waiting(evidence),
        *find_repeats(evidence),
    )
    return (
        check_list(evidence),
        Check(
            "outcomes",
            "every accepted request has exactly one outcome",
            evidence.accepted,
            ended_once,
        ),
        Check(
            "acceptance",
            "every outcome has an accepted request",
            outcomes,
            tuple(find_unaccepted(evidence)),
        ),
        Check(
            "count",
            "the campaign was sealed with the number of requests that it has",
            evidence.accepted,
            tuple(compare_with_sealed(evidence)),
        ),
        Check(
            "offsets",
            "committed offsets pass no unfinished request",
            evidence.accepted,
            committed,
        ),
        Check(
            "bytes",
            "the same request under the same fingerprints is the same bytes",
            outcomes + evidence.repeats,
            tuple(compare_repeats(evidence)),
        ),
        _check_objects(evidence),
    )


def _check_objects(evidence: Evidence) -> Check:
    what = _OBJECTS[evidence.objects]
    if evidence.objects == "none":
        return Check("objects", what, None)
    checked = evidence.database.count("SELECT * FROM manifest_object")
    return Check("objects", what, checked, tuple(_find_object_faults(evidence)))


def _find_object_faults(evidence: Evidence) -> Iterator[Finding]:
    for name, fault, what in (
        ("missing_object", "missing", "an object is missing"),
        ("wrong_size", "wrong_size", "an object has another size than its manifest says"),
        ("wrong_sha256", "wrong_sha256", "an object has other bytes than its manifest says"),
    ):
        yield from evidence.find(name, "breach", what, _OBJECTS_WITH_FAULT, fault)
    what = (
        "an object under the campaign's prefix has no manifest: a worker that ends between storing "
        "and sending leaves one, until the repeated request names it"
    )
    yield from evidence.find("orphan", "note", what, _ORPHANS)
