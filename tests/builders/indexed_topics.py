"""An index of a deployment as the topics are now, filled by the real writer."""

from collections import defaultdict
from pathlib import Path

from seedcast.campaigns.campaign_topic import read_campaigns
from seedcast.campaigns.cursor_topic import read_cursors
from seedcast.campaigns.progress import decode_readable
from seedcast.errors import ListDamaged
from seedcast.kafka import Record, TopicReader
from seedcast.schemas.topics import RESULTS
from seedcast.settings import Settings
from seedcast.storage.index.database import open_database
from seedcast.storage.index.list_reading import list_rows
from seedcast.storage.index.migrate import migrate
from seedcast.storage.index.writer import IndexWriter, StoredResult, TopicFacts
from seedcast.storage.s3 import S3Store


def with_index(settings: Settings, folder: Path) -> Settings:
    """Return settings with an index in this folder, which is made, or read on."""
    url = f"sqlite:///{folder / 'index.db'}"
    settings = settings.model_copy(
        update={"index": type(settings.index).model_validate({"url": url})}
    )
    fill_index(settings)
    return settings


def fill_index(settings: Settings) -> None:
    """Make the index of the settings, or read on."""
    migrate(settings.index)
    partitions = range(settings.kafka.partitions)
    topic = settings.topic(RESULTS)
    facts = TopicFacts(
        cluster_id="c", topic=topic, topic_id="t", log_starts=dict.fromkeys(partitions, 0)
    )
    with open_database(settings.index, read_only=False) as database:
        _fill(settings, IndexWriter.begin_term(database, "test", facts))


def _fill(settings: Settings, writer: IndexWriter) -> None:
    records, cursors = read_campaigns(settings), read_cursors(settings)
    writer.put_campaigns(records.values())
    writer.put_cursors(cursors.records.values())
    for name in writer.pending_lists():
        try:
            writer.load_list(name, list_rows(S3Store(settings.s3), records[name]))
        except ListDamaged as error:
            writer.hold_list(name, str(error))
    read = defaultdict[int, list[Record]](list)
    with TopicReader(settings, settings.topic(RESULTS), writer.positions) as reader:
        for record in reader.to_end():
            read[record.partition.number].append(record)
    moved = {n: (writer.positions[n], found[-1].offset + 1) for n, found in read.items()}
    results = [
        StoredResult(result, record.value, record.timestamp_ms)
        for found in read.values()
        for record in found
        if (result := decode_readable(record))
    ]
    writer.add_results(moved, results)
