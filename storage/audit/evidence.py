"""What is known of a campaign when the reading has ended, and how findings are drawn from it."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from schemas.messages import Campaign
from schemas.topics import Topic
from seedcast.campaigns.requests import ACCEPTING
from storage.audit.committed import Logs
from storage.audit.database import Database
from storage.audit.object_checks import Objects
from storage.audit.report import Finding, Kind


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """All that is known when the reading has ended."""

    state: Database
    record: Campaign | None
    logs: Logs
    horizon_ms: int  # results from before it may be gone; 0: none are
    unreadable: int  # records of the results topic
    objects: Objects  # how they were looked at
    examples: int  # of each finding

    @cached_property
    def accepted(self) -> int:
        return self.state.count("SELECT * FROM request")

    @cached_property
    def known(self) -> int:
        """Requests that something is left of: themselves, or, where some were deleted, an outcome, or audio, or a dead letter, of a row of the list."""
        if not any(self.logs.gaps(*ACCEPTING)):
            return self.accepted
        return self.state.count(
            "SELECT id FROM request UNION SELECT id FROM outcome UNION SELECT id FROM suspect WHERE audio_open OR letter IS NOT NULL"
        )

    @cached_property
    def listed(self) -> bool:
        """Whether the list that was submitted is at hand."""
        return bool(self.state.rows("SELECT 1 FROM expected LIMIT 1"))

    @cached_property
    def outcomes(self) -> dict[str, int]:
        """First results, by status."""
        return dict(
            self.state.rows(
                "SELECT status, count(*) FROM outcome GROUP BY status ORDER BY count(*) DESC"
            )
        )

    @cached_property
    def repeats(self) -> int:
        return self.state.total("SELECT sum(times) - count(DISTINCT id) FROM mine")

    def found(
        self, name: str, kind: Kind, what: str, query: str, *parameters: object
    ) -> Iterator[Finding]:
        """One finding, or none where the query has no rows."""
        if count := self.state.count(query, *parameters):
            rows = self.state.rows(f"{query} LIMIT ?", *parameters, self.examples)
            yield Finding(
                name, kind, count, what, tuple(str(row[0]) for row in rows), more=count - len(rows)
            )

    def gone(
        self, name: str, kind: Kind, what: str, topics: tuple[Topic, ...], *, unread: bool = False
    ) -> Iterator[Finding]:
        """How many offsets the topics have lost, and where."""
        lost = [(gap, gap.unread if unread else gap.offsets) for gap in self.logs.gaps(*topics)]
        places = [
            f"{gap.partition.topic}[{gap.partition.number}] {offsets:,}"
            for gap, offsets in lost
            if offsets
        ]
        if places:
            count, shown = sum(offsets for _, offsets in lost), tuple(places[: self.examples])
            yield Finding(name, kind, count, what, shown, more=len(places) - len(shown))
