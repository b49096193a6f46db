"""An index of one campaign, made from the topics for one command, where there is no other."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from seedcast.campaigns.campaign_topic import read_campaigns
from seedcast.campaigns.cursor_topic import read_cursors
from seedcast.campaigns.progress import decode_readable
from seedcast.errors import ListDamaged
from seedcast.kafka import TopicReader
from seedcast.schemas.topics import RESULTS
from seedcast.settings import IndexSettings, Settings
from seedcast.storage.index.database import open_database
from seedcast.storage.index.list_reading import list_rows
from seedcast.storage.index.migrate import migrate
from seedcast.storage.index.reader import Index
from seedcast.storage.index.writer import IndexWriter, StoredResult, TopicFacts
from seedcast.storage.s3 import S3Store

BATCH = 5000  # results


@contextmanager
def temporary_index(settings: Settings, campaign_id: str) -> Iterator[Index]:
    """Yield an index that knows this campaign, or nothing if there is neither record nor result.

    It reads the results topic once, whole, and the staged list; a list that is damaged is held, as
    in the lasting index. Raises what these do.
    """
    with TemporaryDirectory(prefix="seedcast-") as folder:
        own = IndexSettings(url=f"sqlite:///{Path(folder) / 'index.db'}")
        migrate(own)
        _fill(settings, own, campaign_id)
        with Index(open_database(own, read_only=True)) as index:
            yield index


def _fill(settings: Settings, own: IndexSettings, campaign_id: str) -> None:
    facts = TopicFacts(cluster_id="", topic="", topic_id="", log_starts={})
    with open_database(own, read_only=False) as database:
        writer = IndexWriter.begin_term(database, "temporary", facts)
        _add_record(settings, writer, campaign_id)
        results = iter(_results(settings, campaign_id))
        while batch := list(islice(results, BATCH)):
            writer.add_results({}, batch)


def _add_record(settings: Settings, writer: IndexWriter, campaign_id: str) -> None:
    record = read_campaigns(settings).get(campaign_id)
    if record is None:
        return
    writer.put_campaigns([record])
    if record.staged:
        cursor = read_cursors(settings).of(record)
        writer.put_cursors([cursor] if cursor else [])
        try:
            writer.load_list(campaign_id, list_rows(S3Store(settings.s3), record))
        except ListDamaged as error:
            writer.hold_list(campaign_id, str(error))


def _results(settings: Settings, campaign_id: str) -> Iterable[StoredResult]:
    with TopicReader(settings, settings.topic(RESULTS)) as reader:
        for record in reader.to_end():
            result = decode_readable(record)
            if result and result.campaign_id == campaign_id:
                yield StoredResult(result, record.value, record.timestamp_ms)
