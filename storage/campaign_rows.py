"""The requests of a campaign: from its staged list, or from the topics if it has none."""

from collections.abc import Iterator

from seedcast.campaigns.requests import read_requests
from seedcast.codec import encode_json
from seedcast.schemas.messages import Campaign, SpeechRequest
from seedcast.settings import Settings
from seedcast.storage.s3 import S3Store
from seedcast.storage.staged_lists import StagedRow, read_rows


def rows_of(settings: Settings, campaign: Campaign | str) -> Iterator[StagedRow]:
    """Yield the rows of a campaign: its record, or its id if it has none.

    A campaign of events, or of an older version, has no staged list: then yield what the
    requests topics still keep, repeats included, with `row` 0 where it is not known.
    Raises ListDamaged, StoreUnavailable, and the errors of Kafka.
    """
    if isinstance(campaign, Campaign):
        if campaign.staged:
            yield from read_rows(S3Store(settings.s3), campaign)
            return
        campaign = campaign.campaign_id
    yield from map(as_row, read_requests(settings, campaign))


def as_row(request: SpeechRequest, source: bytes | None = None) -> StagedRow:
    """Return a request as a row of a list. `source`: the columns that it was made from."""
    row = request.metadata.get("row", "")
    return StagedRow(
        row=int(row) if row.isascii() and row.isdigit() and len(row) < 19 else 0,
        request_id=request.request_id,
        voice_seed=request.voice_seed,
        priority=request.priority,
        value=encode_json(request),
        source=source,
    )
