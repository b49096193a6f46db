"""The record that makes a staged campaign exist: the only point where a submission commits."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from seedcast.campaigns.campaign_topic import read_campaigns, write_campaign
from seedcast.errors import InvalidInput, Retryable
from seedcast.failpoints import failpoint
from seedcast.kafka import Admin, Producer
from seedcast.producers.request_topics import find_topics
from seedcast.retry import retry
from seedcast.schemas.messages import Campaign
from seedcast.schemas.rights import SUBMITTER
from seedcast.settings import Settings
from seedcast.storage.staged_lists import ABANDONED

# Later, what was stored first might be swept away before the record is written.
STAGED_WITHIN = ABANDONED - timedelta(hours=4)


def find_record(settings: Settings, campaign: str) -> tuple[str, Campaign | None]:
    """Return the cluster's id, and the campaign of that name. Waits for the brokers.

    Raises Unreachable, CredentialsRefused, AccessDenied, TopicMismatch, and InvalidInput if the
    campaign has no list, or was cancelled.
    """
    admin = Admin(settings)
    find_topics(admin, settings, SUBMITTER)
    record = read_campaigns(settings).get(campaign)
    _refuse(record)
    return admin.cluster_id(), record


def commit(
    settings: Settings, campaign: Campaign, on_outage: Callable[[Retryable | None], None]
) -> Campaign:
    """Write the campaign's record; return that of the first submission of its name.

    Waits while the broker is unavailable, until STAGED_WITHIN is over; then raises its error.
    `on_outage`: told each error that is waited out, and None when the broker answers.
    """
    remaining = campaign.created_at + STAGED_WITHIN - datetime.now(UTC)
    if remaining <= timedelta():
        raise _too_late(campaign.campaign_id)
    producer = Producer(settings)

    def attempt() -> Campaign:
        try:
            return write_campaign(settings, producer, campaign)
        except Retryable as error:
            on_outage(error)
            raise

    failpoint("submit.committing")
    record = retry(attempt, seconds=remaining.total_seconds())
    failpoint("submit.committed")
    on_outage(None)
    _refuse(record)
    return record


def refuse_another_list(record: Campaign, accepted: int, digest: str, name: str) -> None:
    """Raises InvalidInput if the campaign's list is not the one with this count and digest."""
    staged = record.staged
    if staged and (record.accepted, staged.digest) == (accepted, digest):
        return
    theirs = f"{record.accepted or 0:,} requests with digest {staged.digest[:16] if staged else ''}"
    raise InvalidInput(
        f"campaign {record.campaign_id}",
        expected=f"the list that it was submitted with: {theirs}",
        got=f"{accepted:,} requests with digest {digest[:16]} in {name}",
        remedy=(
            "submit it under another name; the digest differs where a row, an option, the voices "
            "file or the lexicon differs"
        ),
    )


def _refuse(record: Campaign | None) -> None:
    if record is None:
        return
    what = f"campaign {record.campaign_id}"
    if record.state == "cancelled":
        raise InvalidInput(
            what,
            expected="one that was not cancelled",
            got="cancelled",
            remedy="submit the list as another campaign",
        )
    if record.staged is None:
        raise InvalidInput(
            what,
            expected="a new name, or that of a list",
            got="a campaign of events, or of an older version",
            remedy="use another campaign",
        )


def _too_late(campaign: str) -> InvalidInput:
    return InvalidInput(
        f"campaign {campaign}",
        expected=f"a list that is stored within {STAGED_WITHIN}",
        got="more: what is older without a campaign may be swept away",
        remedy="run the same command again",
    )
