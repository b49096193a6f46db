"""Where a reader looks: in the index, or, where there is none that knows, in the topics.

Importing it loads neither SQLAlchemy nor pyarrow: a command without an index needs none of them.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from seedcast.campaigns.campaign_topic import find_campaign, read_campaigns
from seedcast.campaigns.progress import NAMED, decode_readable
from seedcast.errors import IndexDamaged, IndexMismatch, IndexUnavailable, SeedcastError
from seedcast.kafka import GroupOffsets, TopicReader, count_after
from seedcast.schemas.messages import Campaign, SpeechResult
from seedcast.schemas.topics import RESULTS
from seedcast.settings import Settings
from seedcast.storage.index.current import CampaignTopics, read_topics
from seedcast.storage.index.indexed import IndexedCampaign
from seedcast.storage.index.values import moment

if TYPE_CHECKING:
    from seedcast.storage.index.reader import Index

Note = Callable[[str], None]  # one line for a person
LOOK = 5.0  # seconds for the question how far the index is behind
FROM_TOPICS = "the topics are read instead"
_NONE = f"there is no index, which `seedcast run indexer` fills; {FROM_TOPICS}"


@contextmanager
def available_index(
    settings: Settings, note: Note, *, tell_lag: bool = True
) -> Iterator["Index | None"]:
    """Yield the index; None if there is none, or it is away. Either is noted, and its lag.

    Without `tell_lag` its lag is not asked for: who waits sees it catch up. Raises
    InvalidSettings, IndexDamaged, CredentialsRefused and AccessDenied, which are an operator's to
    mend.
    """
    index = _opened(settings, note)
    if index is None:
        yield None
        return
    with index:
        if tell_lag:
            note_lag(settings, index, note)
        yield index


@contextmanager
def campaign_index(
    settings: Settings, campaign_id: str, note: Note
) -> Iterator[tuple["Index", IndexedCampaign]]:
    """Yield an index that knows the campaign and its list, a temporary one if need be.

    Of a list that cannot be read an index has the requests with a result, and that is noted. Raises
    InvalidInput, with similar names, if nobody knows the campaign.
    """
    from seedcast.storage.index.temporary import temporary_index

    with available_index(settings, note) as index:
        found = _current_campaign(settings, index, campaign_id, note) if index else None
        if index and found and not found.awaits_list:
            _note_problem(found, note)
            yield index, found
            return
        if index:
            if found is None:
                find_known(settings, campaign_id, index)
            note(f"the index does not have all of campaign {campaign_id} yet; {FROM_TOPICS}")
    with temporary_index(settings, campaign_id) as index:
        if found := index.campaign(campaign_id):
            _note_problem(found, note)
            yield index, found
            return
    find_campaign(read_campaigns(settings), campaign_id)


def current_campaigns(settings: Settings, index: "Index", note: Note) -> list[IndexedCampaign]:
    """Return the campaigns that have a record, the oldest first, as they are now.

    Their figures are the index's. Which campaigns it lacks is noted.
    """
    topics = _campaign_topics(settings, note)
    if topics is None:
        return index.campaigns()
    found, missing = topics.all_of(index.campaigns())
    if missing:
        names = ", ".join([*missing[:NAMED], "…"] if len(missing) > NAMED else missing)
        note(f"the index does not have {names} yet: what has ended of them is not counted")
    return found


def find_known(
    settings: Settings, campaign_id: str, index: "Index | None" = None
) -> Campaign | None:
    """Return its record, None if it only has results.

    Raise InvalidInput, with similar names, if there is neither a record nor a result of it. With an
    index that does not know it, only results that are not in that are looked at.

    What producers in other languages send may belong to a campaign without a record.
    """
    records = read_campaigns(settings)
    if campaign_id not in records and any(
        result.campaign_id == campaign_id for result, _ in unread(settings, index)
    ):
        return None
    return find_campaign(records, campaign_id)


def first_result(settings: Settings, request_id: str, note: Note) -> SpeechResult | None:
    """Return the first result of a request: from the index, or else from what it has not read."""
    with available_index(settings, note, tell_lag=False) as index:
        found = index.request(request_id) if index else None
        if found and found.result:
            return found.result
        return next(
            (result for result, _ in unread(settings, index) if result.request_id == request_id),
            None,
        )


def unread(settings: Settings, index: "Index | None") -> Iterator[tuple[SpeechResult, datetime]]:
    """Yield results that are not in the index yet, all without one; and when each was written."""
    starts = index.next_offsets() if index else {}
    with TopicReader(settings, settings.topic(RESULTS), starts) as reader:
        for record in reader.to_end():
            if result := decode_readable(record):
                yield result, moment(record.timestamp_ms)


def note_lag(settings: Settings, index: "Index", note: Note) -> None:
    """Note how many results are not in the index yet, unless it has all of them."""
    try:
        count = behind(settings, index)
    except SeedcastError as error:
        note(f"how far the index is behind is not known: {error}")
        return
    if count:
        note(f"the index is {count:,} results behind: they are not in what follows")


def behind(settings: Settings, index: "Index") -> int:
    """Return how many records of the results topic are not in the index. Raises Kafka's errors."""
    offsets = GroupOffsets(_hasty(settings))
    # The positions first: what comes meanwhile counts as behind.
    positions = index.next_offsets()
    return count_after(offsets.bounds([settings.topic(RESULTS)]), positions)


def _current_campaign(
    settings: Settings, index: "Index", campaign_id: str, note: Note
) -> IndexedCampaign | None:
    topics = _campaign_topics(settings, note)
    found = index.campaign(campaign_id)
    return topics.one_of(campaign_id, found) if topics else found


def _campaign_topics(settings: Settings, note: Note) -> CampaignTopics | None:
    """Return what the topics of campaigns say; None, with a note, while they cannot be read."""
    try:
        return read_topics(_hasty(settings))
    except SeedcastError as error:
        note(f"campaigns are as the index has them, which may be behind: {error}")
        return None


def _hasty(settings: Settings) -> Settings:
    kafka = settings.kafka
    hasty = kafka.model_copy(update={"start_timeout": min(LOOK, kafka.start_timeout)})
    return settings.model_copy(update={"kafka": hasty})


def _note_problem(found: IndexedCampaign, note: Note) -> None:
    if found.list_state == "pending":
        note(
            f"of the list of {found.campaign_id} only rows with a result are known:"
            f" {found.list_problem}"
        )


def _opened(settings: Settings, note: Note) -> "Index | None":
    if not settings.index.url:
        note(_NONE)
        return None
    from seedcast.storage.index.reader import open_index

    try:
        index = open_index(settings)
    except IndexDamaged:
        raise
    except (IndexUnavailable, IndexMismatch) as error:
        note(f"the index cannot be read ({error}); {FROM_TOPICS}")
        return None
    if index is None:
        note(_NONE)
    return index
