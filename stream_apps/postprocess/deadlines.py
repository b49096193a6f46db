"""Which results come too late. Pure."""

from datetime import UTC, datetime

from seedcast.catalog.profiles import Profiles
from seedcast.schemas.messages import RequestError, SpeechRequest

BEFORE_ALL = datetime.min.replace(tzinfo=UTC)  # a moment at which no deadline has passed


class TooLate(Exception):
    """A deadline has passed. `uncertain`: a manifest of success may have been sent by then."""

    def __init__(self, *, uncertain: bool = False) -> None:
        super().__init__()
        self.uncertain = uncertain


def delivery_deadline(
    request: SpeechRequest, profiles: Profiles, *, campaign_delivers_late: bool
) -> datetime | None:
    """Return the moment by which the result must be sent; None if it may be late.

    It may be if the campaign says so, or if every profile that is asked for does.
    """
    asked = [profiles.get(name) for name in request.profiles]
    if campaign_delivers_late or all(profile and profile.deliver_late for profile in asked):
        return None
    return request.deadline


def has_passed(deadline: datetime | None, now: datetime) -> bool:
    return deadline is not None and now > deadline


def too_late(deadline: datetime | None) -> RequestError:
    """Describe a result that comes too late. It is the same whenever that is noticed."""
    moment = deadline.isoformat() if deadline else "its deadline"
    return RequestError(code="expired", message=f"expected the result to be sent by {moment}")
