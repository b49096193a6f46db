"""How a campaign stands: what people want to know of it at a glance. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from seedcast.campaigns.activity import Doing, activity
from seedcast.producers.feeder.policy.fair_order import Terms, shares
from seedcast.schemas.messages import Campaign, CampaignState, Cursor
from seedcast.storage.index.indexed import IndexedCampaign

ENDED: tuple[Doing, ...] = ("completed", "cancelled")
FED: tuple[Doing, ...] = ("staged", "feeding")  # what shares the fleet
LONGEST = timedelta(days=365)  # a finish beyond is none


@dataclass(frozen=True, kw_only=True)
class Standing:
    found: IndexedCampaign
    record: Campaign
    doing: Doing
    opens_at: datetime | None
    share: float | None  # of the fleet, while it is fed
    finish: datetime | None  # at the rate so far
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


def standings(found: Iterable[IndexedCampaign], now: datetime) -> list[Standing]:
    """Return every campaign with a record: late ones first, then by deadline; ended ones last."""
    known = [(each, each.campaign) for each in found if each.campaign is not None]
    doing = [activity(record, _cursor(each), now, _state(each, record)) for each, record in known]
    fed = [record for (_, record), does in zip(known, doing, strict=True) if does.doing in FED]
    share = iter(shares(Terms(tenant=each.tenant, weight=each.weight) for each in fed))
    rows = [
        _standing(
            each, record, does.doing, does.opens_at, next(share) if does.doing in FED else None, now
        )
        for (each, record), does in zip(known, doing, strict=True)
    ]
    return sorted(rows, key=_order)


def _standing(
    found: IndexedCampaign,
    record: Campaign,
    doing: Doing,
    opens_at: datetime | None,
    share: float | None,
    now: datetime,
) -> Standing:
    finish = None if doing in (*ENDED, "paused", "held") else _finish(found, now)
    expected = finish or now
    is_late = bool(doing not in ENDED and record.deadline and expected > record.deadline)
    return Standing(
        found=found,
        record=record,
        doing=doing,
        opens_at=opens_at,
        share=share,
        finish=finish,
        is_late=is_late,
    )


def _finish(found: IndexedCampaign, now: datetime) -> datetime | None:
    seconds = found.progress.seconds_left
    return (
        now + timedelta(seconds=seconds) if seconds and seconds < LONGEST.total_seconds() else None
    )


def _state(found: IndexedCampaign, record: Campaign) -> CampaignState:
    """Whoever has every result is done, also before the indexer has written so."""
    is_done = found.progress.complete and record.state == "sealed"
    return "completed" if is_done else record.state


def _cursor(found: IndexedCampaign) -> Cursor | None:
    """Return what the index has of the feeder's cursor. A list that cannot be read is held, too."""
    record = found.campaign
    held = found.held or (found.list_problem if record and record.state != "completed" else None)
    if record is None or record.staged is None or not (found.fed or held):
        return None
    return Cursor(
        campaign_id=found.campaign_id,
        staging=record.staged.staging,
        fed=found.fed,
        generation=1,
        held=held,
    )


def _order(row: Standing) -> tuple[bool, bool, float, float]:
    deadline = row.record.deadline
    newest_first = -row.record.created_at.timestamp()
    by = deadline.timestamp() if deadline and not row.has_ended else float("inf")
    return row.has_ended, not row.is_late, by, newest_first
