"""How a campaign stands: what people want to know of it at a glance. Pure."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from seedcast.campaigns.activity import Doing, activity
from seedcast.producers.feeder.policy.fair_order import Terms, shares
from seedcast.producers.gateway.page.prediction import Rest, seconds_left
from seedcast.schemas.messages import Campaign, CampaignState
from seedcast.storage.index.indexed import IndexedCampaign

ENDED: tuple[Doing, ...] = ("completed", "cancelled")
FED: tuple[Doing, ...] = ("staged", "feeding")  # what shares the fleet
PREDICTED: tuple[Doing, ...] = ("feeding", "fed")
LONGEST = timedelta(days=365)  # a finish beyond is none


@dataclass(frozen=True, kw_only=True)
class Standing:
    found: IndexedCampaign
    record: Campaign
    doing: Doing
    opens_at: datetime | None
    share: float | None  # of the fleet, while it is fed
    rate: float | None  # requests per second, lately; None: nothing ends, or it is not known
    finish: datetime | None  # as things go lately
    is_late: bool

    @property
    def waiting(self) -> int | None:
        """How many have no outcome; None where it is not known how many there are."""
        if self.record.accepted is None:
            return None
        return max(0, self.record.accepted - self.found.progress.finished)

    @property
    def waiting_known(self) -> int:
        return self.waiting or 0

    @property
    def done(self) -> float | None:
        accepted = self.record.accepted
        return min(1.0, self.found.progress.finished / accepted) if accepted else None

    @property
    def has_ended(self) -> bool:
        return self.doing in ENDED

    @property
    def state(self) -> str:
        """What is shown: lateness goes before what else it does."""
        return "late" if self.is_late else self.doing


def standings(
    found: Iterable[IndexedCampaign], now: datetime, rate_of: Callable[[str], float | None]
) -> list[Standing]:
    """Return every campaign with a record: late ones first, then by deadline; ended ones last.

    `rate_of` returns the requests of a campaign that ended per second lately.
    """
    known = [(each, each.campaign) for each in found if each.campaign is not None]
    doing = [activity(record, each.cursor, now, _state(each, record)) for each, record in known]
    fed = [record for (_, record), does in zip(known, doing, strict=True) if does.doing in FED]
    share = iter(shares(Terms(tenant=each.tenant, weight=each.weight) for each in fed))
    rows = [
        Standing(
            found=each,
            record=record,
            doing=does.doing,
            opens_at=does.opens_at,
            share=next(share) if does.doing in FED else None,
            rate=None if does.doing in ENDED else rate_of(each.campaign_id),
            finish=None,
            is_late=False,
        )
        for (each, record), does in zip(known, doing, strict=True)
    ]
    return sorted(_predicted(rows, now), key=_order)


def _predicted(rows: list[Standing], now: datetime) -> Iterable[Standing]:
    """Yield the rows with what can be told of their end."""
    left = seconds_left(rest for row in rows if (rest := _rest(row)))
    for row in rows:
        seconds = left.get(row.found.campaign_id, LONGEST.total_seconds())
        finish = None if seconds >= LONGEST.total_seconds() else now + timedelta(seconds=seconds)
        deadline = row.record.deadline
        is_late = bool(not row.has_ended and deadline and (finish or now) > deadline)
        yield replace(row, finish=finish, is_late=is_late)


def _rest(row: Standing) -> Rest | None:
    if row.doing not in PREDICTED or not row.rate or not row.waiting:
        return None
    return Rest(
        name=row.found.campaign_id,
        waiting=row.waiting,
        rate=row.rate,
        is_bounded=row.record.rate is not None,
    )


def _state(found: IndexedCampaign, record: Campaign) -> CampaignState:
    """Whoever has every result is done, also before the indexer has written so."""
    is_done = found.progress.complete and record.state == "sealed"
    return "completed" if is_done else record.state


def _order(row: Standing) -> tuple[bool, bool, float, float]:
    deadline = row.record.deadline
    newest_first = -row.record.created_at.timestamp()
    by = deadline.timestamp() if deadline and not row.has_ended else float("inf")
    return row.has_ended, not row.is_late, by, newest_first
