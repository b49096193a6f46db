"""Requests with several results: repeats are allowed, other bytes under one fingerprint are not."""

from collections.abc import Iterator

from seedcast.storage.audit.evidence import Evidence
from seedcast.storage.audit.report import Finding

OTHER_STATUS = """
SELECT id || ': ' || group_concat(status, ', then ') FROM (
    SELECT id, status FROM campaign_result WHERE id IN differing
        GROUP BY id, status ORDER BY id, min(seq)
) GROUP BY id HAVING count(*) > 1
"""
OTHER_WAVEFORM = """
SELECT id || ' as ' || group_concat(DISTINCT lower(hex(substr(waveform, 1, 6))))
    FROM synthesised WHERE id IN differing
    GROUP BY id, engine HAVING count(DISTINCT waveform) > 1
"""
OTHER_RENDITIONS = """
SELECT id FROM synthesised WHERE id IN differing
    GROUP BY id, engine, chain, waveform HAVING count(DISTINCT renditions) > 1
"""
OTHER_FINGERPRINT = """
SELECT id FROM synthesised WHERE id IN differing
    GROUP BY id HAVING count(DISTINCT engine) > 1 OR count(DISTINCT chain) > 1
"""


def find_repeats(evidence: Evidence) -> Iterator[Finding]:
    """Find results beyond the first, and requests that ended again with another status."""
    if evidence.repeats:
        what = "a result is a repeat, after a crash or a rebalance; the first counts"
        yield Finding("repeats", "note", evidence.repeats, what)
    what = "a request ended again with another status; the first counts"
    yield from evidence.find("other_status", "note", what, OTHER_STATUS)


def compare_repeats(evidence: Evidence) -> Iterator[Finding]:
    """Compare the bytes of repeated results, and find the fingerprints of the campaign."""
    what = "a request was spoken by the same engine as different waveforms"
    yield from evidence.find("other_waveform", "breach", what, OTHER_WAVEFORM)
    what = "a request has different renditions of one waveform by the same chain"
    yield from evidence.find("other_renditions", "breach", what, OTHER_RENDITIONS)
    what = (
        "a request was made twice under different fingerprints, as in a rolling upgrade; "
        "the first counts"
    )
    yield from evidence.find("other_fingerprint", "note", what, OTHER_FINGERPRINT)
    for part in ("engine", "chain"):
        yield from _find_several_fingerprints(evidence, part)


def _find_several_fingerprints(evidence: Evidence, part: str) -> Iterator[Finding]:
    """Yield one finding if outcomes come from more than one engine (or chain)."""
    database = evidence.database
    rows = database.rows(
        f"SELECT {part}, count(*) FROM outcome WHERE {part} "  # noqa: S608
        f"GROUP BY {part} ORDER BY count(*) DESC"
    )
    if len(rows) > 1:
        what = (
            f"a fingerprint of the {part} shares the campaign with others: "
            "equal bytes are promised within one"
        )
        shares = tuple(f"{database.fingerprint(number)} ({count:,})" for number, count in rows)
        yield Finding(f"{part}_halves", "note", len(rows), what, shares)
