"""What an audit has read of a campaign, and how findings are drawn from it."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from seedcast.campaigns.requests import REQUESTS_TOPICS
from seedcast.schemas.messages import Campaign
from seedcast.schemas.topics import Topic
from seedcast.storage.audit.committed import Logs
from seedcast.storage.audit.database import Database
from seedcast.storage.audit.list_reading import ListRead
from seedcast.storage.audit.object_checks import ObjectCheck
from seedcast.storage.audit.report import Finding, Kind

_ACCEPTED = "SELECT id FROM list_row UNION SELECT id FROM request"
_REMAINING = """
SELECT id FROM list_row UNION SELECT id FROM request UNION SELECT id FROM outcome
"""
_OUTCOMES = "SELECT status, count(*) FROM outcome GROUP BY status ORDER BY count(*) DESC"


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What is known of a campaign once everything has been read."""

    database: Database
    record: Campaign | None
    listed: ListRead | None  # None: the campaign has no staged list, or it was not read
    logs: Logs
    horizon_ms: int  # results older than this may have been deleted; 0: none have
    unreadable: int  # records of the results topic that are not results
    objects: ObjectCheck  # how thoroughly objects were checked: hash, size or none
    examples: int  # how many each finding names

    @property
    def has_whole_list(self) -> bool:
        """True if the ids that were accepted are known, so that strays could be set apart."""
        return self.listed is not None and self.listed.is_whole

    @cached_property
    def accepted(self) -> int:
        """Distinct request ids of the staged list.

        Without a whole list, those that the requests topics hold count, too.
        """
        return self.database.count("SELECT * FROM list_row" if self.has_whole_list else _ACCEPTED)

    @cached_property
    def known(self) -> int:
        """The number of requests that any record still proves.

        Without a whole list, and if the requests topics have lost records, requests also count that
        have an outcome.
        """
        if self.has_whole_list or not any(self.logs.gaps(*REQUESTS_TOPICS)):
            return self.accepted
        return self.database.count(_REMAINING)

    @property
    def may_have_lost_results(self) -> bool:
        """True if retention may have deleted a result of the campaign.

        None is older than the campaign itself.
        """
        began_ms = self.record.created_at.timestamp() * 1000 if self.record else 0
        return self.horizon_ms > 0 and self.horizon_ms >= began_ms

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
