"""The terms on which a campaign is fed, as options of `submit` and of `campaigns set`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seedcast.cli.style_options import NewListOptions

if TYPE_CHECKING:
    from seedcast.producers.staging.options import SubmitOptions


def _option(text: str) -> Any:
    return typer.Option(rich_help_panel="Sharing the fleet", help=text)


Weight = Annotated[
    float | None,
    _option("Share among the tenant's campaigns: 0.01 to 100, where 1 is usual."),
]
Tenant = Annotated[
    str | None,
    _option("Who shares the fleet equally with the other tenants; 'default' if not given."),
]
Rate = Annotated[str | None, _option("At most so many requests: 200/s, 30/min, 5/h, or 'none'.")]
StartAt = Annotated[
    str | None,
    _option("Nothing is fed before: ISO 8601 with zone, '2h' from now, or 'now'."),
]
Window = Annotated[
    str | None,
    _option("Times of day at which it is fed, such as 20:00-06:00, or 'none'. Needs a zone."),
]
Zone = Annotated[str | None, _option("Time zone of the window, such as Asia/Shanghai.")]


@dataclass(frozen=True, kw_only=True)
class FedListOptions(NewListOptions):
    """How a list is read, spoken and fed."""

    weight: Weight = None
    tenant: Tenant = None
    rate: Rate = None
    start_at: StartAt = None
    window: Window = None
    zone: Zone = None

    def submit_options(self, campaign: str, **others: Any) -> "SubmitOptions":
        return super().submit_options(
            campaign,
            weight=self.weight,
            tenant=self.tenant,
            rate=self.rate,
            start_at=self.start_at,
            window=self.window,
            zone=self.zone,
            **others,
        )
