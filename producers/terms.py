"""The terms on which a campaign is fed, as people write them: read, checked and changed."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from typing import Any

import msgspec

from seedcast.campaigns import campaign_state, schedule
from seedcast.campaigns.daily_window import parse_window
from seedcast.campaigns.opening import schedule_of
from seedcast.errors import InvalidInput
from seedcast.producers.feeder.policy.fair_order import checked_weight
from seedcast.producers.feeder.policy.rate_limit import checked_rate, parse_rate
from seedcast.producers.rows import values
from seedcast.producers.rows.values import InvalidValue
from seedcast.producers.staging.options import SubmitOptions
from seedcast.schemas.messages import Campaign, Tenant

NONE, AT_ONCE = "none", "now"  # what takes a term away


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What is asked for, as SubmitOptions has it; None: it stays as it is."""

    tenant: str | None = None
    weight: float | None = None
    rate: str | float | None = None
    start_at: str | datetime | None = None
    window: str | None = None
    zone: str | None = None
    # Of the campaign, not of its requests; a submission has it from its list's options.
    deadline: str | datetime | None = None

    @property
    def asked(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value is not None}


def of_options(options: SubmitOptions) -> Terms:
    return Terms(
        tenant=options.tenant,
        weight=options.weight,
        rate=options.rate,
        start_at=options.start_at,
        window=options.window,
        zone=options.zone,
    )


def fields_of(terms: Terms, since: datetime) -> dict[str, Any]:
    """Return what is asked for as fields of the record. Raises InvalidInput if a term is wrong.

    `since`: what a duration counts from.
    """
    fields = {name: _READ[name](value, since) for name, value in terms.asked.items()}
    return fields | {"zone": None} if terms.window == NONE else fields


def with_terms(campaign: Campaign, terms: Terms, since: datetime) -> Campaign:
    """Return the campaign with what is asked for. Raises InvalidInput if it does not fit."""
    record = msgspec.structs.replace(campaign, **fields_of(terms, since))
    _require_pair(record)
    schedule_of(record)
    return record


def changed(campaign: Campaign, terms: Terms, now: datetime) -> Campaign:
    """Return the campaign as somebody wants it who changes it while it runs.

    Raises InvalidInput if a term is wrong, or if the campaign has ended or has no list.
    """
    campaign_state.require_feeding(campaign)
    record = with_terms(campaign, terms, now)
    if terms.deadline is not None and record.deadline and record.deadline <= now:
        raise InvalidInput("deadline", expected="a moment to come", got=record.deadline.isoformat())
    if terms.asked.keys() & {"deadline", "start_at", "window", "zone"}:
        require_opening(record, now)
    return record


def require_opening(campaign: Campaign, now: datetime) -> None:
    """Raises InvalidInput if nothing could be fed before a deadline that is still to come."""
    deadline = campaign.deadline
    if deadline and deadline > now:
        schedule.require_opening(schedule_of(campaign), now.timestamp(), deadline.timestamp())


def differing(terms: Terms, wanted: Campaign, campaign: Campaign) -> tuple[str, ...]:
    """Return the terms that were asked for and that the campaign does not have."""
    return tuple(name for name in terms.asked if getattr(wanted, name) != getattr(campaign, name))


def _require_pair(campaign: Campaign) -> None:
    if campaign.window is None and campaign.zone is not None:
        raise InvalidInput(
            "zone",
            expected="a window, whose times of day are those of the zone's clocks",
            got=f"{campaign.zone!r} without a window",
            remedy="add a window, such as --window 20:00-06:00",
        )
    if campaign.window is not None and campaign.zone is None:
        raise InvalidInput(
            "window",
            expected="a zone beside it, whose clocks show its times of day",
            got=f"{campaign.window!r} without a zone",
            remedy="add a zone, such as --zone Asia/Shanghai",
        )


def _tenant(value: object, _: datetime) -> str:
    try:
        return msgspec.convert(value, Tenant)
    except msgspec.ValidationError:
        raise InvalidInput(
            "tenant",
            expected="1 to 64 letters, digits, '.', '_' and '-', the first a letter or a digit",
            got=values.printable(value),
        ) from None


def _weight(value: float, _: datetime) -> float:
    return checked_weight(value)


def _rate(value: str | float, _: datetime) -> float | None:
    if value == NONE:
        return None
    return parse_rate(value) if isinstance(value, str) else checked_rate(value)


def _instant(what: str, nothing: str, value: object, since: datetime) -> datetime | None:
    if value == nothing:
        return None
    try:
        return values.deadline(value, since)
    except InvalidValue as error:
        raise error.of_input(what) from None


def _window(value: str, _: datetime) -> str | None:
    if value == NONE:
        return None
    parse_window(value, "UTC")
    return value


def _zone(value: str, _: datetime) -> str | None:
    if value == NONE:
        return None
    parse_window("00:00-12:00", value)
    return value


_READ: dict[str, Callable[[Any, datetime], Any]] = {
    "tenant": _tenant,
    "weight": _weight,
    "rate": _rate,
    "start_at": partial(_instant, "start", AT_ONCE),
    "window": _window,
    "zone": _zone,
    "deadline": partial(_instant, "deadline", NONE),
}
