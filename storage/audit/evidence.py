"""What an audit has read of a campaign, and how findings are drawn from it."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from seedcast.campaigns.requests import REQUESTS_TOPICS
from seedcast.schemas.messages import Campaign
from seedcast.schemas.topics import Topic
from seedcast.storage.audit.committed import Logs
from seedcast.storage.audit.database import Database
from seedcast.storage.audit.object_checks import ObjectCheck
from seedcast.storage.audit.report import Finding, Kind

_REMAINING = """
SELECT id FROM request UNION SELECT id FROM outcome
    UNION SELECT id FROM unaccounted WHERE audio_unread OR dead_letter IS NOT NULL
"""
_OUTCOMES = "SELECT status, count(*) FROM outcome GROUP BY status ORDER BY count(*) DESC"


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What is known of a campaign once everything has been read."""

    database: Database
    record: Campaign | None
    logs: Logs
    horizon_ms: int  # results older than this may have been deleted; 0: none have
    unreadable: int  # records of the results topic that are not results
    objects: ObjectCheck  # how thoroughly objects were checked: hash, size or none
    examples: int  # how many each finding names

    @cached_property
    def accepted(self) -> int:
        """Distinct request ids that the requests topics hold."""
        return self.database.count("SELECT * FROM request")

    @cached_property
    def known(self) -> int:
        """The number of requests that any record still proves.

        If the requests topics have lost records, requests also count that have an outcome, or a row
        in the list and unread audio or a dead letter.
        """
        if not any(self.logs.gaps(*REQUESTS_TOPICS)):
            return self.accepted
        return self.database.count(_REMAINING)

    @cached_property
    def has_list(self) -> bool:
        """True if the list that was submitted was given to the audit."""
        return bool(self.database.rows("SELECT 1 FROM list_row LIMIT 1"))

    @cached_property
    def outcomes(self) -> dict[str, int]:
        """First results, by status."""
        return dict(self.database.rows(_OUTCOMES))

    @cached_property
    def repeats(self) -> int:
        """Results beyond the first of each request."""
        return self.database.total("SELECT sum(times) - count(DISTINCT id) FROM campaign_result")

    def find(
        self, name: str, kind: Kind, what: str, query: str, *parameters: object
    ) -> Iterator[Finding]:
        """Yield one finding with the query's rows as examples, or none if it has no rows."""
        if count := self.database.count(query, *parameters):
            rows = self.database.rows(f"{query} LIMIT ?", *parameters, self.examples)
            examples = tuple(str(row[0]) for row in rows)
            yield Finding(name, kind, count, what, examples, more=count - len(rows))

    def find_deleted(
        self, name: str, kind: Kind, what: str, topics: tuple[Topic, ...], *, unread: bool = False
    ) -> Iterator[Finding]:
        """Yield one finding with the offsets deleted from the topics, or nothing if none were.

        With `unread`, only offsets count that were deleted before their consumer group read them.
        """
        deleted = {
            f"{gap.partition.topic}[{gap.partition.number}]": gap.unread if unread else gap.offsets
            for gap in self.logs.gaps(*topics)
        }
        examples = [f"{partition} {offsets:,}" for partition, offsets in deleted.items() if offsets]
        if examples:
            named = tuple(examples[: self.examples])
            more = len(examples) - len(named)
            yield Finding(name, kind, sum(deleted.values()), what, named, more=more)
