"""From what was read to findings: each check is a sentence, with the queries that could refute it."""

from collections.abc import Iterator

from schemas.topics import AUDIO, AUDIO_URGENT, DEAD_LETTERS, RESULTS
from seedcast.campaigns.requests import ACCEPTING
from storage.audit.evidence import Evidence
from storage.audit.object_checks import Objects
from storage.audit.report import Check, Finding, Kind

_WAITING = "SELECT id || ' at ' || place FROM waiting WHERE topic = ?"
_WAITING_ON_AUDIO = "SELECT id || ' at ' || audio FROM suspect WHERE audio_open"
_REQUEST_PASSED = (
    "SELECT id || ' at ' || place FROM suspect WHERE audio IS NULL AND letter IS NULL AND at_ms > ?"
)
_AUDIO_PASSED = "SELECT id || ' at ' || audio FROM suspect WHERE audio_open = 0 AND letter IS NULL AND at_ms > ?"
_BURIED = "SELECT id || ' became a dead letter at ' || letter FROM suspect WHERE audio_open IS NOT 1 AND letter IS NOT NULL AND (at_ms > ? OR row)"
_FORGOTTEN = "SELECT id FROM suspect WHERE audio_open IS NOT 1 AND at_ms <= ?"
_LOST = "SELECT 'row ' || row || ': ' || id FROM suspect WHERE row AND audio_open IS NOT 1 AND letter IS NULL ORDER BY row"
_UNACCEPTED = "SELECT id || ': ' || status FROM outcome WHERE id NOT IN (SELECT id FROM request)"
_OTHER_WAVEFORM = """
SELECT id || ' as ' || group_concat(DISTINCT lower(hex(substr(waveform, 1, 6)))) FROM spoken WHERE id IN torn
    GROUP BY id, engine HAVING count(DISTINCT waveform) > 1
"""
_OTHER_RENDITIONS = "SELECT id FROM spoken WHERE id IN torn GROUP BY id, engine, chain, waveform HAVING count(DISTINCT renditions) > 1"
_OTHER_FINGERPRINT = "SELECT id FROM spoken WHERE id IN torn GROUP BY id HAVING count(DISTINCT engine) > 1 OR count(DISTINCT chain) > 1"
_OTHER_STATUS = """
SELECT id || ': ' || group_concat(status, ', then ') FROM (SELECT id, status FROM mine WHERE id IN torn GROUP BY id, status ORDER BY id, min(seq))
    GROUP BY id HAVING count(*) > 1
"""
_FAULTY = "SELECT uri || ' of ' || id || ' (' || got || ')' FROM object WHERE fault = ?"
_ORPHANS = "SELECT uri FROM listed WHERE uri NOT IN (SELECT uri FROM object)"


def checks(evidence: Evidence) -> tuple[Check, ...]:
    passed = tuple(_passed(evidence))
    outcomes = sum(evidence.outcomes.values())
    return (
        Check(
            "outcomes",
            "every accepted request has exactly one outcome",
            evidence.accepted,
            (*passed, *_lost(evidence), *_waiting(evidence), *_repeated(evidence)),
        ),
        Check(
            "acceptance",
            "every outcome has an accepted request",
            outcomes,
            tuple(_unaccepted(evidence)),
        ),
        Check(
            "count",
            "the campaign was sealed with the number of requests that it has",
            evidence.accepted,
            tuple(_counted(evidence)),
        ),
        Check("offsets", "committed offsets pass no unfinished request", evidence.accepted, passed),
        Check(
            "bytes",
            "the same request under the same fingerprints is the same bytes",
            outcomes + evidence.repeats,
            tuple(_bytes(evidence)),
        ),
        Check(
            "objects",
            _OBJECTS[evidence.objects],
            _looked_at(evidence),
            tuple(_objects(evidence)) if evidence.objects != "none" else (),
        ),
    )


_OBJECTS: dict[Objects, str] = {
    "hash": "every rendition's object is there, with its manifest's size and SHA-256",
    "size": "every rendition's object is there, with its manifest's size",
    "none": "every rendition's object is there",
}


def _looked_at(evidence: Evidence) -> int | None:
    return None if evidence.objects == "none" else evidence.state.count("SELECT * FROM object")


def _passed(evidence: Evidence) -> Iterator[Finding]:
    """Requests that no worker will read again, and that have no outcome."""
    what = "a request whose offset is committed has neither audio nor a result"
    yield from evidence.found(
        "request_passed", "breach", what, _REQUEST_PASSED, evidence.horizon_ms
    )
    what = "a request whose audio's offset is committed has no result"
    yield from evidence.found("audio_passed", "breach", what, _AUDIO_PASSED, evidence.horizon_ms)
    what = "a request's audio could not be read and has no result; `seedcast dead-letters redrive` puts it back"
    yield from evidence.found("buried", "breach", what, _BURIED, evidence.horizon_ms)


def _lost(evidence: Evidence) -> Iterator[Finding]:
    """Rows of the list that nothing else knows: lost only where the campaign has fewer than it was sealed with."""
    sealed = evidence.record.accepted if evidence.record else None
    what = "a row of the list is neither on a topic nor ended"
    if sealed is None:
        kind: Kind = (
            "note" if evidence.record and evidence.record.state == "cancelled" else "unfinished"
        )
        yield from evidence.found(
            "not_submitted",
            kind,
            f"{what}: the campaign was never sealed, so it may not have been sent",
            _LOST,
        )
    elif evidence.known >= sealed:
        yield from evidence.found(
            "not_accepted",
            "note",
            f"{what}, and was not accepted: of the {sealed:,} that were, none is missing",
            _LOST,
        )
    else:
        kind = "unfinished" if evidence.horizon_ms else "breach"
        cause = (
            "retention has deleted its request and perhaps its result"
            if evidence.horizon_ms
            else "retention or a fault has deleted its request"
        )
        short = sealed - evidence.known
        doubt = (
            f"; {short:,} are missing, so others were never accepted, or with other options"
            if evidence.state.count(_LOST) > short
            else ""
        )
        yield from evidence.found("lost", kind, f"{what}: {cause}{doubt}", _LOST)


def _waiting(evidence: Evidence) -> Iterator[Finding]:
    for topic in ACCEPTING:
        yield from evidence.found(
            f"waiting_on_{topic.name}",
            "unfinished",
            f"a request waits on {topic.name}",
            _WAITING,
            topic.name,
        )
    yield from evidence.found(
        "waiting_on_audio", "unfinished", "a request waits as audio", _WAITING_ON_AUDIO
    )
    what = "a request has no outcome that is still there, and is so old that retention may have deleted it"
    yield from evidence.found("forgotten", "unfinished", what, _FORGOTTEN, evidence.horizon_ms)
    yield from evidence.gone(
        "results_deleted",
        "note",
        "an offset of the results topic is gone: an outcome among them can no longer be told",
        (RESULTS,),
    )
    what = "an offset of the audio topics was deleted before the post-process app had read it"
    yield from evidence.gone(
        "audio_deleted_unread", "note", what, (AUDIO, AUDIO_URGENT), unread=True
    )
    if letters := evidence.logs.records(DEAD_LETTERS):
        yield Finding(
            "dead_letters",
            "note",
            letters,
            "a dead letter, of whatever campaign: it has no readable id; `seedcast dead-letters list`",
        )
    if evidence.unreadable:
        yield Finding(
            "unreadable_results",
            "note",
            evidence.unreadable,
            "a record of the results topic is no result",
        )


def _repeated(evidence: Evidence) -> Iterator[Finding]:
    if evidence.repeats:
        yield Finding(
            "repeats",
            "note",
            evidence.repeats,
            "a result is a repeat, after a crash or a rebalance; the first counts",
        )
    yield from evidence.found(
        "other_status",
        "note",
        "a request ended again with another status; the first counts",
        _OTHER_STATUS,
    )


def _unaccepted(evidence: Evidence) -> Iterator[Finding]:
    """What was deleted may have been the request: then it is nobody's fault, and no proof."""
    deleted = any(evidence.logs.gaps(*ACCEPTING))
    what = (
        "an outcome has no request any more: retention has deleted it, or it never was"
        if deleted
        else "an outcome has no request"
    )
    yield from evidence.found("unaccepted", "note" if deleted else "breach", what, _UNACCEPTED)
    yield from evidence.gone(
        "requests_deleted",
        "note",
        "an offset of the requests topics is gone: what was accepted there is known by its outcome alone",
        ACCEPTING,
    )


def _counted(evidence: Evidence) -> Iterator[Finding]:
    record = evidence.record
    if record is None:
        yield Finding(
            "no_record",
            "unfinished",
            1,
            "the campaign's record is missing: nobody knows how many were accepted",
        )
    elif record.accepted is None:
        kind: Kind = "note" if record.state == "cancelled" else "unfinished"
        yield Finding(
            "not_sealed",
            kind,
            1,
            f"the campaign was never sealed: it is {record.state}, and its number is not known",
        )
    else:
        yield from _compared(evidence, record.accepted)


def _compared(evidence: Evidence, sealed: int) -> Iterator[Finding]:
    deleted = any(evidence.logs.gaps(*ACCEPTING))
    unread = "an offset of the requests topics was deleted before a GPU consumer had read it"
    if evidence.known > sealed:
        yield Finding(
            "more_than_sealed",
            "breach",
            evidence.known - sealed,
            f"a request is beyond the {sealed:,} that the campaign was sealed with",
        )
    elif evidence.known < sealed:
        lost = tuple(
            evidence.gone("requests_deleted_unread", "breach", unread, ACCEPTING, unread=True)
        )
        yield from lost
        kind: Kind = "unfinished" if deleted and not lost else "breach"
        what = f"a request of the {sealed:,} that the campaign was sealed with is neither on a topic nor ended"
        yield Finding(
            "fewer_than_sealed",
            kind,
            sealed - evidence.known,
            what if evidence.listed else f"{what}; `--source LIST` names it",
        )
    else:
        yield from evidence.gone(
            "requests_deleted_unread",
            "note",
            unread + "; none of this campaign",
            ACCEPTING,
            unread=True,
        )


def _bytes(evidence: Evidence) -> Iterator[Finding]:
    yield from evidence.found(
        "other_waveform",
        "breach",
        "a request was spoken by the same engine as different waveforms",
        _OTHER_WAVEFORM,
    )
    yield from evidence.found(
        "other_renditions",
        "breach",
        "a request has different renditions of one waveform by the same chain",
        _OTHER_RENDITIONS,
    )
    what = "a request was made twice under different fingerprints, as in a rolling upgrade; the first counts"
    yield from evidence.found("other_fingerprint", "note", what, _OTHER_FINGERPRINT)
    for part in ("engine", "chain"):
        yield from _halves(evidence, part)


def _halves(evidence: Evidence, part: str) -> Iterator[Finding]:
    """A campaign that more than one fingerprint spoke."""
    rows = evidence.state.rows(
        f"SELECT {part}, count(*) FROM outcome WHERE {part} "  # noqa: S608
        f"GROUP BY {part} ORDER BY count(*) DESC"
    )
    if len(rows) > 1:
        parts = tuple(f"{evidence.state.fingerprint(number)} ({count:,})" for number, count in rows)
        yield Finding(
            f"{part}_halves",
            "note",
            len(rows),
            f"a fingerprint of the {part} shares the campaign with others: equal bytes are promised within one",
            parts,
        )


def _objects(evidence: Evidence) -> Iterator[Finding]:
    yield from evidence.found(
        "missing_object", "breach", "an object is missing", _FAULTY, "missing"
    )
    yield from evidence.found(
        "wrong_size",
        "breach",
        "an object has another size than its manifest says",
        _FAULTY,
        "wrong_size",
    )
    yield from evidence.found(
        "wrong_sha256",
        "breach",
        "an object is other bytes than its manifest says",
        _FAULTY,
        "wrong_sha256",
    )
    what = "an object under the campaign's prefix has no manifest: a worker that ends between storing and sending leaves it, until its repeat names it"
    yield from evidence.found("orphan", "note", what, _ORPHANS)
