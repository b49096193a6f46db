"""A feeder's term: from the moment it becomes the active one until it is not any more."""

import uuid

import structlog

from seedcast.campaigns.cursor_topic import Cursors, read_cursors, write_feeder_record
from seedcast.kafka import Producer
from seedcast.schemas.messages import Cursor, FeederTerm
from seedcast.settings import Settings

log = structlog.get_logger(__name__)


def begin_term(settings: Settings, producer: Producer) -> tuple[int, Cursors]:
    """Claim the next generation; return it, and the cursors of those before.

    Two feeders may believe for a moment that both are active. The first claim of a generation
    holds, so that no two write cursors of the same one. Raises the broker's error.
    """
    feeder = uuid.uuid4().hex
    while True:
        term = read_cursors(settings).term
        claim = FeederTerm(generation=term.generation + 1 if term else 1, feeder=feeder)
        write_feeder_record(producer, settings, claim)
        cursors = Cursors(settings)
        cursors.catch_up()
        if cursors.term == claim:
            log.info("feeder_active", generation=claim.generation)
            return claim.generation, cursors
        cursors.close()


class Checkpoints:
    """Writes the cursors of one term."""

    def __init__(self, settings: Settings, producer: Producer, generation: int) -> None:
        self._settings, self._producer, self._generation = settings, producer, generation
        self._written: dict[str, Cursor] = {}

    def write(self, campaign_id: str, staging: str, fed: int, held: str | None = None) -> None:
        """Write a cursor unless it is written already. Raises the broker's error."""
        cursor = Cursor(
            campaign_id=campaign_id,
            staging=staging,
            fed=fed,
            generation=self._generation,
            held=held,
        )
        if self._written.get(campaign_id) != cursor:
            write_feeder_record(self._producer, self._settings, cursor)
            self._written[campaign_id] = cursor

    def write_again(self, cursors: Cursors) -> None:
        """Write what a feeder whose term is over has overwritten."""
        for campaign_id in sorted(cursors.outdated):
            write_feeder_record(self._producer, self._settings, cursors.records[campaign_id])
        cursors.outdated.clear()
