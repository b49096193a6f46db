"""A feeder's term: from the moment it becomes the active one until it is not any more."""

import uuid
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Self

import structlog

from seedcast.campaigns.campaign_topic import Campaigns
from seedcast.campaigns.cursor_topic import Cursors, read_cursors, write_feeder_records
from seedcast.kafka import Producer
from seedcast.schemas.messages import FeederTerm
from seedcast.settings import Settings

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Term:
    """Follows the campaigns and the cursors for as long as it lasts."""

    generation: int
    campaigns: Campaigns
    cursors: Cursors

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with ExitStack() as stack:
            stack.callback(self.campaigns.close)
            stack.callback(self.cursors.close)

    @property
    def is_over(self) -> bool:
        """Return True if another feeder has begun a later term."""
        latest = self.cursors.term
        return latest is not None and latest.generation > self.generation


def begin_term(settings: Settings, producer: Producer, goes_on: Callable[[], bool]) -> Term | None:
    """Claim the next generation, and read what those before have done; None if `goes_on` ends it.

    Two feeders may believe for a moment that both are active. The first claim of a generation
    holds, so that no two write cursors of the same one. Raises the broker's error.
    """
    feeder = uuid.uuid4().hex
    while goes_on():
        last = read_cursors(settings).term
        claim = FeederTerm(generation=last.generation + 1 if last else 1, feeder=feeder)
        write_feeder_records(producer, settings, [claim])
        with ExitStack() as stack:
            cursors = stack.enter_context(Cursors(settings))
            cursors.catch_up()
            if cursors.term != claim or not goes_on():
                continue
            campaigns = stack.enter_context(Campaigns(settings))
            campaigns.catch_up()
            cursors.follow()
            campaigns.follow()
            stack.pop_all()
        log.info("feeder_active", generation=claim.generation)
        return Term(claim.generation, campaigns, cursors)
    return None
