"""Requests and outcomes counted: against each other, and against the campaign's record."""

from collections.abc import Iterator

from seedcast.campaigns.requests import REQUESTS_TOPICS
from seedcast.storage.audit.evidence import Evidence
from seedcast.storage.audit.report import Finding, Kind

_UNACCEPTED = "SELECT id || ': ' || status FROM outcome WHERE id NOT IN (SELECT id FROM request)"


def find_unaccepted(evidence: Evidence) -> Iterator[Finding]:
    """Find outcomes without a request.

    If requests were deleted, the outcome's request may be one of them: the finding is then a note,
    not a breach.
    """
    if _requests_deleted(evidence):
        kind: Kind = "note"
        what = "an outcome has no request: retention has deleted it, or there never was one"
    else:
        kind, what = "breach", "an outcome has no request"
    yield from evidence.find("unaccepted", kind, what, _UNACCEPTED)
    what = (
        "an offset of the requests topics is deleted: "
        "what was accepted there is known by its outcome alone"
    )
    yield from evidence.find_deleted("requests_deleted", "note", what, REQUESTS_TOPICS)


def compare_with_sealed(evidence: Evidence) -> Iterator[Finding]:
    """Compare the known requests with the number that the campaign was sealed with."""
    record = evidence.record
    if record is None:
        what = "the campaign has no record: how many requests it accepted is not known"
        yield Finding("no_record", "unfinished", 1, what)
    elif record.accepted is None:
        kind: Kind = "note" if record.state == "cancelled" else "unfinished"
        what = (
            f"the campaign was never sealed: it is {record.state}, "
            "and how many requests it accepted is not known"
        )
        yield Finding("not_sealed", kind, 1, what)
    elif evidence.known > record.accepted:
        what = f"a request is beyond the {record.accepted:,} that the campaign was sealed with"
        yield Finding("more_than_sealed", "breach", evidence.known - record.accepted, what)
    elif evidence.known < record.accepted:
        yield from _find_missing(evidence, record.accepted)
    else:
        yield from _find_deleted_unread(evidence, "note", "; none is of this campaign")


def _find_missing(evidence: Evidence, sealed: int) -> Iterator[Finding]:
    """Find how many are missing; a breach unless requests were deleted after they were read."""
    deleted_unread = tuple(_find_deleted_unread(evidence, "breach"))
    yield from deleted_unread
    undecided = _requests_deleted(evidence) and not deleted_unread
    what = (
        f"a request of the {sealed:,} that the campaign was sealed with "
        "is neither on a topic nor ended"
    )
    if not evidence.has_list:
        what += "; give `--source LIST` to name it"
    kind: Kind = "unfinished" if undecided else "breach"
    yield Finding("fewer_than_sealed", kind, sealed - evidence.known, what)


def _find_deleted_unread(evidence: Evidence, kind: Kind, remark: str = "") -> Iterator[Finding]:
    what = "an offset of the requests topics was deleted before a GPU consumer had read it" + remark
    yield from evidence.find_deleted(
        "requests_deleted_unread", kind, what, REQUESTS_TOPICS, unread=True
    )


def _requests_deleted(evidence: Evidence) -> bool:
    return any(evidence.logs.gaps(*REQUESTS_TOPICS))
