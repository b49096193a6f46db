"""Requests without an outcome: what was committed too early, is lost, waits, or is deleted."""

from collections.abc import Iterator

from seedcast.campaigns.requests import REQUESTS_TOPICS
from seedcast.schemas.messages import Campaign
from seedcast.schemas.topics import AUDIO, AUDIO_URGENT, DEAD_LETTERS, RESULTS
from seedcast.storage.audit.evidence import Evidence
from seedcast.storage.audit.report import Finding, Kind

_WAITING = "SELECT id || ' at ' || position FROM waiting WHERE topic = ?"
_WAITING_AUDIO = "SELECT id || ' at ' || audio_position FROM unaccounted WHERE audio_unread"
_COMMITTED_REQUESTS = """
SELECT id || ' at ' || position FROM unaccounted
    WHERE audio_position IS NULL AND dead_letter IS NULL AND timestamp_ms > ?
"""
_COMMITTED_AUDIO = """
SELECT id || ' at ' || audio_position FROM unaccounted
    WHERE audio_unread = 0 AND dead_letter IS NULL AND timestamp_ms > ?
"""
_DEAD_LETTERS = """
SELECT id || ' became a dead letter at ' || dead_letter FROM unaccounted
    WHERE audio_unread IS NOT 1 AND dead_letter IS NOT NULL AND (timestamp_ms > ? OR row)
"""
_OLDER_THAN_RESULTS = "SELECT id FROM unaccounted WHERE audio_unread IS NOT 1 AND timestamp_ms <= ?"
_UNFED_ROWS = """
SELECT 'row ' || row || ': ' || id FROM list_row WHERE NOT is_fed
    AND id NOT IN (SELECT id FROM request) AND id NOT IN (SELECT id FROM result) ORDER BY row
"""
_LOST_ROWS = """
SELECT 'row ' || row || ': ' || id FROM unaccounted
    WHERE row AND audio_unread IS NOT 1 AND dead_letter IS NULL ORDER BY row
"""


def find_committed_without_outcome(evidence: Evidence) -> Iterator[Finding]:
    """Find requests that no worker will read again and that have no outcome."""
    horizon = evidence.horizon_ms
    what = "a request whose offset is committed has neither audio nor a result"
    yield from evidence.find("request_passed", "breach", what, _COMMITTED_REQUESTS, horizon)
    what = "a request whose audio's offset is committed has no result"
    yield from evidence.find("audio_passed", "breach", what, _COMMITTED_AUDIO, horizon)
    what = (
        "a request's audio could not be read, and the request has no result; "
        "run `seedcast dead-letters redrive` to put it back"
    )
    yield from evidence.find("buried", "breach", what, _DEAD_LETTERS, horizon)


def find_lost(evidence: Evidence) -> Iterator[Finding]:
    """Find rows that were fed, and of which only the list is left."""
    kind: Kind = "breach"
    what = "a row of the list was fed, and is neither on a topic nor ended: "
    if evidence.may_have_lost_results:
        kind = "unfinished"
        what += "retention has deleted its request and perhaps its result"
    else:
        what += "retention or a fault has deleted its request"
    lost = tuple(evidence.find("lost", kind, what, _LOST_ROWS))
    yield from lost
    if lost:
        what = "an offset of the requests topics was deleted before a GPU consumer had read it"
        yield from evidence.find_deleted(
            "requests_deleted_unread", "note", what, REQUESTS_TOPICS, unread=True
        )


def find_waiting(evidence: Evidence) -> Iterator[Finding]:
    """Find what is still to be fed or read, and what cannot be decided any more."""
    yield from _find_waiting_in_list(evidence)
    for topic in REQUESTS_TOPICS:
        name, what = f"waiting_on_{topic.name}", f"a request waits on {topic.name}"
        yield from evidence.find(name, "unfinished", what, _WAITING, topic.name)
    what = "a request waits as audio"
    yield from evidence.find("waiting_on_audio", "unfinished", what, _WAITING_AUDIO)
    yield from _find_undecidable(evidence)
    if count := evidence.logs.records(DEAD_LETTERS):
        what = (
            "a dead letter, of any campaign: it has no readable id; "
            "run `seedcast dead-letters list` to see them"
        )
        yield Finding("dead_letters", "note", count, what)
    if count := evidence.unreadable:
        what = "a record of the results topic is not a result"
        yield Finding("unreadable_results", "note", count, what)


def _find_waiting_in_list(evidence: Evidence) -> Iterator[Finding]:
    listed, record = evidence.listed, evidence.record
    if listed is None or record is None:
        return
    what = "a row of the list is not fed yet"
    if listed.held:
        what += f", and is held: {listed.held}"
    elif record.state == "paused":
        what += f": the campaign is paused until `seedcast resume {record.campaign_id}`"
    elif record.start_at or record.window:
        what += f": the campaign is fed {_terms(record)}"
    yield from evidence.find("waiting_in_list", "unfinished", what, _UNFED_ROWS)


def _terms(record: Campaign) -> str:
    begin = f"from {record.start_at.isoformat(timespec='minutes')} on" if record.start_at else ""
    window = f"at {record.window} ({record.zone or 'UTC'})" if record.window else ""
    return " ".join(filter(None, (begin, window)))


def _find_undecidable(evidence: Evidence) -> Iterator[Finding]:
    """Find requests whose outcome may have been deleted, and the offsets that were deleted."""
    what = (
        "a request has no outcome on the results topic, and is so old that retention may have "
        "deleted its outcome"
    )
    horizon = evidence.horizon_ms
    yield from evidence.find("forgotten", "unfinished", what, _OLDER_THAN_RESULTS, horizon)
    what = "an offset of the results topic was deleted: the outcome it held can no longer be known"
    yield from evidence.find_deleted("results_deleted", "note", what, (RESULTS,))
    what = "an offset of the audio topics was deleted before the post-process app had read it"
    topics = (AUDIO, AUDIO_URGENT)
    yield from evidence.find_deleted("audio_deleted_unread", "note", what, topics, unread=True)
