"""A feeder's term: from the moment it becomes the active one until it is not any more."""

import uuid
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Self

import structlog

from seedcast.campaigns.campaign_topic import Campaigns
from seedcast.campaigns.cursor_topic import Cursors, read_cursors, write_feeder_records
from seedcast.errors import CredentialsRefused, Retryable
from seedcast.kafka import Producer
from seedcast.schemas.messages import Cursor, FeederTerm
from seedcast.settings import Settings

log = structlog.get_logger(__name__)

# An outage, refused credentials, a missing right.
MAY_HEAL = (Retryable, CredentialsRefused)
ACKNOWLEDGED = 5.0  # seconds that a checkpoint waits for the broker; the next one covers it


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


class Checkpoints:
    """Writes the cursors of one term."""

    def __init__(self, settings: Settings, producer: Producer, generation: int) -> None:
        self._settings, self._producer, self._generation = settings, producer, generation
        self._written: dict[str, Cursor] = {}

    def cursor(
        self, campaign_id: str, staging: str, fed: int, unfed: tuple[int, ...], held: str | None
    ) -> Cursor:
        return Cursor(
            campaign_id=campaign_id,
            staging=staging,
            fed=fed,
            unfed=unfed,
            generation=self._generation,
            held=held,
        )

    def write(self, cursors: Iterable[Cursor]) -> bool:
        """Write what is not written already; return False if that is nothing.

        Raises the broker's error.
        """
        fresh = [each for each in cursors if self._written.get(each.campaign_id) != each]
        write_feeder_records(self._producer, self._settings, fresh, ACKNOWLEDGED)
        self._written |= {each.campaign_id: each for each in fresh}
        return bool(fresh)

    def write_again(self, cursors: Cursors) -> None:
        """Write what a feeder whose term is over has overwritten. Raises the broker's error.

        `cursors` may not have read yet what this term wrote last.
        """
        outdated = [
            self._written.get(campaign_id) or cursors.records[campaign_id]
            for campaign_id in sorted(cursors.outdated)
        ]
        write_feeder_records(self._producer, self._settings, outdated, ACKNOWLEDGED)
        cursors.outdated.clear()
