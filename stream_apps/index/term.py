"""An indexer's term: from the moment it becomes the active one until it is not any more."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog

from seedcast.campaigns.campaign_topic import Campaigns
from seedcast.campaigns.cursor_topic import Cursors
from seedcast.errors import Retryable
from seedcast.failpoints import failpoint
from seedcast.kafka import ActiveMember, GroupOffsets, Producer
from seedcast.schemas.topics import RESULTS
from seedcast.settings import Settings
from seedcast.storage.index.database import open_database
from seedcast.storage.index.migrate import migrate
from seedcast.storage.index.reader import Index
from seedcast.storage.index.writer import IndexWriter, TopicFacts
from seedcast.storage.objects import ObjectStore
from seedcast.stream_apps.index.completion import Completion
from seedcast.stream_apps.index.lag import ReportedOffsets
from seedcast.stream_apps.index.lists import Lists
from seedcast.stream_apps.index.pruning import Pruning
from seedcast.stream_apps.index.records import Records
from seedcast.stream_apps.index.results import Results

log = structlog.get_logger(__name__)

LOOK = 60.0  # seconds between two looks whether the topic has got partitions


@dataclass
class Term:
    results: Results
    records: Records
    lists: Lists
    completion: Completion
    pruning: Pruning
    reported: ReportedOffsets
    writer: IndexWriter
    offsets: GroupOffsets
    topic: str  # the results topic's full name
    _look_at: float = field(default_factory=lambda: time.monotonic() + LOOK)

    def turn(self) -> None:
        """Take what has come, for half a second at most. Raises TermOver, IndexUnavailable."""
        if self.records.write_changes():
            self.lists.look_again()
            self.completion.look_again()
        if batch := self.results.read(self.writer.positions):
            failpoint("indexer.read")
            touched = self.writer.add_results(batch.moved, batch.results)
            failpoint("indexer.stored")
            self.results.count(batch)
            if touched:
                self.completion.look_again()
        self.reported.report(self.writer.positions)
        if self.lists.load_next():
            self.completion.look_again()
        if self.completion.complete_next():
            self.records.look_again()
        self.pruning.prune_next()

    def is_outdated(self) -> bool:
        """Return True if the topic has partitions that this term does not read."""
        if time.monotonic() < self._look_at:
            return False
        self._look_at = time.monotonic() + LOOK
        try:
            return self.offsets.partitions(self.topic) > len(self.writer.positions)
        except Retryable as error:
            log.warning("partitions_unknown", problem=str(error))  # the next look asks again
            return False


@contextmanager
def begin_term(
    settings: Settings,
    indexer: str,
    store: ObjectStore,
    producer: Producer,
    member: ActiveMember,
    goes_on: Callable[[], bool],
) -> Iterator[Term]:
    """Bring the schema up to date, fence off earlier indexers, and read what they have done.

    `indexer`: this process. Raises the errors of the index and of the broker.
    """
    before, now = migrate(settings.index)
    if before != now:
        log.info("index_migrated", before=before, now=now)
    # A connection of its own: on that of the results, an answer waits for the fetch under way.
    offsets, topic = GroupOffsets(settings), settings.topic(RESULTS)
    facts = topic_facts(offsets, topic)
    with (
        open_database(settings.index, read_only=False) as database,
        Campaigns(settings) as campaigns,
        Cursors(settings) as cursors,
    ):
        writer = IndexWriter.begin_term(database, indexer, facts)
        for follower in (campaigns, cursors):
            follower.catch_up()
            follower.follow()
        index = Index(database)
        with Results(settings, writer.positions) as results:
            log.info("indexer_active", positions=writer.positions)
            yield Term(
                results,
                Records(campaigns, cursors, writer, index),
                Lists(store, writer, campaigns, goes_on),
                Completion(settings, store, producer, campaigns, writer, index, goes_on),
                Pruning(store, writer, settings.index.keep_days),
                ReportedOffsets(member, topic),
                writer,
                offsets,
                topic,
            )


def topic_facts(offsets: GroupOffsets, topic: str) -> TopicFacts:
    """Ask the brokers which topic it is, by its full name, and where its logs begin."""
    log_id = offsets.ids([topic])[topic]
    return TopicFacts(
        cluster_id=log_id.cluster,
        topic=topic,
        topic_id=log_id.topic,
        log_starts={p.number: start for p, (start, _) in offsets.bounds([topic]).items()},
    )
