"""What failed or expired in a campaign, submitted again as a campaign of its own that names the old one."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, count, islice
from pathlib import Path

from msgspec.structs import replace

from producers.rows.build import Builder
from producers.submit.options import OnProgress, SubmitOptions, SubmitReport
from producers.submit.rebuild import rebuild_file
from producers.submit.submit import submit_requests
from producers.submit.unspoken import Standings, again, unspoken
from schemas.messages import Campaign, SpeechRequest
from seedcast.campaigns.campaign_topic import find, read_campaigns
from seedcast.campaigns.requests import read_requests
from seedcast.catalog import profiles
from seedcast.errors import InvalidInput
from seedcast.settings import Settings

NAMED = 10  # ids of what cannot be found


@dataclass(frozen=True, kw_only=True)
class RetryOptions:
    campaign: str
    name: str | None = (
        None  # of the new campaign; None: CAMPAIGN-retry-1, or the next number that is free
    )
    deadline: str | datetime | None = (
        None  # as SubmitOptions.deadline; the old one is dropped in any case
    )
    source: Path | None = None  # the list that was submitted; None: what the requests topics keep
    listed: SubmitOptions | None = (
        None  # how that list was submitted: campaign, id column, template, voice, …
    )
    dry_run: bool = False  # everything but sending


@dataclass(frozen=True, kw_only=True)
class RetryReport:
    """Of what was asked: spoken + under_way + missing + the rows of `submitted`."""

    campaign_id: str  # the new one
    retry_of: str
    asked: Mapping[str, int]  # failed and expired requests of the old one, by error code
    spoken: int  # by an earlier retry: left out
    under_way: int  # in an earlier retry: left out
    missing: int  # requests that cannot be found, or read, any more
    missing_ids: tuple[str, ...]  # the first of them
    deadline: datetime | None
    submitted: SubmitReport | None  # None: nothing was left to submit


def retry(
    settings: Settings, options: RetryOptions, on_progress: OnProgress | None = None
) -> RetryReport:
    """Submits what is not spoken yet, with its metadata, under the ids that its rows have in the new campaign; the same call again sends nothing twice.

    First results count. What an earlier retry of this campaign, or of its family, has spoken, or still has in hand, is left out. A retry that was begun
    keeps the deadline it was opened with. Held are the ids of the campaign and of those retries, about 150 bytes each.
    Raises InvalidInput where there is no such campaign, the name is another's, or not one request can be found; else as `submit_requests`.
    """
    records = read_campaigns(settings)
    find(records, options.campaign)
    name = _name(records, options)
    deadline = _deadline(settings, options, name, records.get(name))
    rest = _Rest(settings, options, name, deadline, records)
    return rest.report(_submit(settings, rest, on_progress))


def _submit(
    settings: Settings, rest: "_Rest", on_progress: OnProgress | None
) -> SubmitReport | None:
    """None where nothing is left to submit."""
    requests = rest.requests()
    if (first := next(requests, None)) is None:
        rest.refuse_nothing()
        return None
    return submit_requests(settings, chain([first], requests), rest.submission, on_progress)


class _Rest:
    """The requests to submit, counted while they stream."""

    def __init__(
        self,
        settings: Settings,
        options: RetryOptions,
        name: str,
        deadline: datetime | None,
        records: Mapping[str, Campaign],
    ) -> None:
        self._settings, self._options, self._name, self._deadline = (
            settings,
            options,
            name,
            deadline,
        )
        self._now = datetime.now(UTC)
        self._wanted = dict(unspoken(settings, options.campaign))  # error codes, by request id
        self._asked = Counter(self._wanted.values())
        self._standings = Standings(settings, records, options.campaign, name, self._wanted)
        self._left_out: Counter[str] = Counter()
        self.submission = SubmitOptions(
            campaign=name, deadline=deadline, retry_of=options.campaign, dry_run=options.dry_run
        )

    def requests(self) -> Iterator[SpeechRequest]:
        """As they are found; what is left of `_wanted` at the end was not."""
        for request in self._found():
            if standing := self._standings.of(request):
                self._left_out[standing] += 1
            else:
                yield replace(
                    again(request, self._name), deadline=self._deadline, submitted_at=self._now
                )

    def refuse_nothing(self) -> None:
        """Raises InvalidInput where there is something to retry, and none of it is to be found."""
        if self._wanted and not self._left_out:
            remedy = "name the list that was submitted with --source, and the options it was submitted with"
            expected = (
                "requests that the topics still have"
                if self._options.source is None
                else f"requests of {self._options.campaign} in the list"
            )
            raise InvalidInput(
                f"retry of {self._options.campaign}",
                expected=expected,
                got=f"none of {len(self._wanted):,}",
                remedy=remedy,
            )

    def report(self, submitted: SubmitReport | None) -> RetryReport:
        return RetryReport(
            campaign_id=self._name,
            retry_of=self._options.campaign,
            asked=dict(self._asked),
            spoken=self._left_out["spoken"],
            under_way=self._left_out["under_way"],
            missing=len(self._wanted),
            missing_ids=tuple(islice(self._wanted, NAMED)),
            deadline=self._deadline,
            submitted=submitted,
        )

    def _found(self) -> Iterator[SpeechRequest]:
        """The first request of each id that is wanted."""
        options = self._options
        if options.source:
            requests = rebuild_file(
                self._settings,
                options.source,
                options.listed or SubmitOptions(campaign=options.campaign),
            )
        else:
            requests = read_requests(self._settings, options.campaign)
        while self._wanted and (request := next(requests, None)):
            if self._wanted.pop(request.request_id, None):
                yield request


def _name(records: Mapping[str, Campaign], options: RetryOptions) -> str:
    """An interrupted retry is gone on with. Raises InvalidInput where the name is another campaign's."""
    old = options.campaign
    begun = {
        name
        for name, record in records.items()
        if record.retry_of == old and record.state == "open"
    }
    numbered = (f"{old}-retry-{number}" for number in count(1))
    name = options.name or next(name for name in numbered if name not in records or name in begun)
    if name in records and records[name].retry_of != old:
        raise InvalidInput(
            f"campaign {name}",
            expected=f"a new name, or a retry of {old}",
            got="another campaign",
            remedy="choose another with --as",
        )
    return name


def _deadline(
    settings: Settings, options: RetryOptions, name: str, record: Campaign | None
) -> datetime | None:
    """Raises InvalidInput where it is none. A duration counts from now; a resumed retry must give the same requests, so it keeps its own."""
    if record is not None:
        return record.deadline
    return Builder(
        SubmitOptions(campaign=name, deadline=options.deadline),
        datetime.now(UTC),
        profiles.load(settings.postprocess),
    ).deadline
