"""What was accepted: the staged list itself, and requests and outcomes compared with it.

Of a campaign without a staged list it is what the requests topics hold, compared with the number in
the campaign's record.
"""

from collections.abc import Iterator

from seedcast.campaigns.requests import REQUESTS_TOPICS
from seedcast.storage.audit.evidence import Evidence
from seedcast.storage.audit.report import Check, Finding, Kind

_UNACCEPTED = """
SELECT id || ': ' || status FROM outcome
    WHERE id NOT IN (SELECT id FROM request) AND id NOT IN (SELECT id FROM list_row)
"""
_STRAYS = "SELECT id || ': ' || found FROM stray"


def check_list(evidence: Evidence) -> Check:
    """Find parts of the staged list that are not as the campaign's record says."""
    what = "every part of the staged list is there, with its record's SHA-256"
    listed = evidence.listed
    if listed is None:
        return Check("list", what, None, tuple(_find_no_list(evidence)))
    return Check("list", what, listed.parts, tuple(_find_damaged(evidence, listed.damaged)))


def _find_no_list(evidence: Evidence) -> Iterator[Finding]:
    if evidence.record is None:  # said by `compare_with_sealed`
        return
    what = "the campaign has no staged list: it is one of events, or of an older version"
    if evidence.record.staged:
        what = "the campaign's staged list was not read"
    what += "; what was accepted is known as far as the topics reach"
    yield Finding("no_list", "note", 1, what)


def _find_damaged(evidence: Evidence, damaged: tuple[str, ...]) -> Iterator[Finding]:
    if damaged:
        what = (
            "a part of the staged list is missing or altered, so that its requests are audited as "
            "far as the topics reach; restore it from a backup or an older version"
        )
        named = damaged[: evidence.examples]
        more = len(damaged) - len(named)
        yield Finding("list_damaged", "breach", len(damaged), what, named, more=more)


def find_unaccepted(evidence: Evidence) -> Iterator[Finding]:
    """Find what is under the campaign's name and was not accepted.

    Without a whole list that is an outcome without a request. If requests were deleted, its request
    may be one of them: the finding is then a note, not a breach.
    """
    what = "a record under the campaign's name is not of its list, and is not counted"
    yield from evidence.find("stray", "note", what, _STRAYS)
    if _requests_deleted(evidence):
        kind: Kind = "note"
        what = "an outcome has no request: retention has deleted it, or there never was one"
    else:
        kind, what = "breach", "an outcome has no request"
    yield from evidence.find("unaccepted", kind, what, _UNACCEPTED)
    if not evidence.has_whole_list:
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
    elif not evidence.has_whole_list:
        yield from _find_deleted_unread(evidence, "note", "; none is of this campaign")


def _find_missing(evidence: Evidence, sealed: int) -> Iterator[Finding]:
    """Find how many are missing; a breach unless requests were deleted after they were read.

    Those of a damaged part of the list may not be fed yet.
    """
    deleted_unread = tuple(_find_deleted_unread(evidence, "breach"))
    what = f"a request of the {sealed:,} that the campaign was sealed with "
    if evidence.has_whole_list:
        kind: Kind = "breach"
        what += "is not in its list"
    elif evidence.listed:
        kind = "unfinished"
        what += "is neither on a topic nor ended, nor in a part of the list that can be read"
    else:
        yield from deleted_unread
        kind = "unfinished" if _requests_deleted(evidence) and not deleted_unread else "breach"
        what += "is neither on a topic nor ended"
    yield Finding("fewer_than_sealed", kind, sealed - evidence.known, what)


def _find_deleted_unread(evidence: Evidence, kind: Kind, remark: str = "") -> Iterator[Finding]:
    what = "an offset of the requests topics was deleted before a GPU consumer had read it" + remark
    yield from evidence.find_deleted(
        "requests_deleted_unread", kind, what, REQUESTS_TOPICS, unread=True
    )


def _requests_deleted(evidence: Evidence) -> bool:
    return any(evidence.logs.gaps(*REQUESTS_TOPICS))
