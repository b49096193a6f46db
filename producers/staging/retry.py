"""Submits the failed and expired requests of a campaign again, as a campaign of their own."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, count, islice

from msgspec.structs import replace

from seedcast.campaigns.campaign_topic import find_campaign, read_campaigns
from seedcast.catalog import profiles
from seedcast.errors import InvalidInput
from seedcast.producers.rows.build import Builder
from seedcast.producers.staging.failed_requests import OtherRetries, copy_to, failed_requests
from seedcast.producers.staging.options import OnProgress, SubmitOptions, SubmitReport
from seedcast.producers.staging.submit import submit_requests
from seedcast.schemas.messages import Campaign
from seedcast.settings import Settings
from seedcast.storage.campaign_rows import as_row, rows_of
from seedcast.storage.staged_lists import StagedRow

NAMED = 10  # ids of missing requests in the report


@dataclass(frozen=True, kw_only=True)
class RetryOptions:
    campaign: str
    # The new campaign; None: CAMPAIGN-retry-1, or the next number that is free.
    name: str | None = None
    # As SubmitOptions.deadline. The old deadline is dropped in any case.
    deadline: str | datetime | None = None
    dry_run: bool = False  # everything but sending


@dataclass(frozen=True, kw_only=True)
class RetryReport:
    """The sum of `asked` is spoken + under_way + missing + the rows of `submitted`."""

    campaign_id: str  # the new one
    retry_of: str
    asked: Mapping[str, int]  # failed and expired requests of the old one, by error code
    spoken: int  # left out: an earlier retry has spoken them
    under_way: int  # left out: an earlier retry has them under way
    missing: int  # requests that cannot be found or read any more
    missing_ids: tuple[str, ...]  # the first of them
    strays: int  # failed results that are not of its list; not among those asked for
    deadline: datetime | None
    submitted: SubmitReport | None  # None: nothing was left to submit


def retry(
    settings: Settings, options: RetryOptions, on_progress: OnProgress | None = None
) -> RetryReport:
    """Submit what is not spoken yet, with its metadata. Repeating the call sends nothing twice.

    A row gets the request id that it has in the new campaign. Of several results of a request the
    first counts. Requests that another retry of the campaign, or of its family, has spoken or has
    under way are left out. A retry that exists already keeps its deadline.
    It is fed with the tenant, weight and rate of the old one, and begins at once.
    Memory: the ids of the campaign and of those retries, about 150 bytes each.
    Raises InvalidInput if there is no such campaign, if the name belongs to another campaign, or
    if not one request can be found; otherwise raises as `submit_requests` does.
    """
    records = read_campaigns(settings)
    find_campaign(records, options.campaign)
    name = retry_name(records, options)
    deadline = _deadline(settings, options, name, records.get(name))
    selection = _Selection(settings, options, name, deadline, records)
    return selection.report(_submit(settings, selection, on_progress))


def _submit(
    settings: Settings, selection: "_Selection", on_progress: OnProgress | None
) -> SubmitReport | None:
    """Return None if nothing is left to submit."""
    rows = selection.rows()
    if (first := next(rows, None)) is None:
        selection.refuse_if_none_found()
        return None
    return submit_requests(settings, chain([first], rows), selection.submit_options, on_progress)


class _Selection:
    """The requests to submit, counted while they stream."""

    def __init__(
        self,
        settings: Settings,
        options: RetryOptions,
        name: str,
        deadline: datetime | None,
        records: Mapping[str, Campaign],
    ) -> None:
        self._settings, self._options = settings, options
        self._name, self._deadline = name, deadline
        self._now = datetime.now(UTC)
        # Error codes, by request id. What a whole list does not have are strays.
        self._missing = dict(failed_requests(settings, options.campaign))
        self._others = OtherRetries(settings, records, options.campaign, name, self._missing)
        self._found: Counter[str] = Counter()  # by error code
        self._left_out: Counter[str] = Counter()
        self._retried = records[options.campaign]
        fed_as = records.get(name, self._retried)  # a retry that exists has terms of its own
        self.submit_options = SubmitOptions(
            campaign=name,
            deadline=deadline,
            deliver_late=self._retried.deliver_late,
            spread=self._retried.staged.spread if self._retried.staged else None,
            retry_of=options.campaign,
            dry_run=options.dry_run,
            tenant=fed_as.tenant,
            weight=fed_as.weight,
            rate=fed_as.rate,
        )

    def rows(self) -> Iterator[StagedRow]:
        """Yield the rows as they are found. `_missing` then holds those that were not."""
        for row in self._find():
            request = row.request
            if status := self._others.status_of(request):
                self._left_out[status] += 1
            else:
                copy = copy_to(request, self._name)
                copy = replace(copy, deadline=self._deadline, submitted_at=self._now)
                yield as_row(copy, row.source)

    def refuse_if_none_found(self) -> None:
        """Raises InvalidInput if there is something to retry, and none of it can be found."""
        if not self._missing or self._left_out or self._retried.staged:
            return
        raise InvalidInput(
            f"retry of {self._options.campaign}",
            expected="requests that the topics still have",
            got=f"none of {len(self._missing):,}",
            remedy="submit the list again as another campaign",
        )

    def report(self, submitted: SubmitReport | None) -> RetryReport:
        strays = self._missing if self._retried.staged else {}
        missing = {} if self._retried.staged else self._missing
        return RetryReport(
            campaign_id=self._name,
            retry_of=self._options.campaign,
            asked=dict(self._found + Counter(missing.values())),
            spoken=self._left_out["spoken"],
            under_way=self._left_out["under_way"],
            missing=len(missing),
            missing_ids=tuple(islice(missing, NAMED)),
            strays=len(strays),
            deadline=self._deadline,
            submitted=submitted,
        )

    def _find(self) -> Iterator[StagedRow]:
        """Yield the first row of each id that is asked for."""
        rows = rows_of(self._settings, self._retried)
        while self._missing and (row := next(rows, None)):
            if code := self._missing.pop(row.request_id, None):
                self._found[code] += 1
                yield row


def retry_name(records: Mapping[str, Campaign], options: RetryOptions) -> str:
    """Return the new campaign's name. Raises InvalidInput if it belongs to another campaign."""
    old = options.campaign
    numbered = (f"{old}-retry-{number}" for number in count(1))
    name = options.name or next(name for name in numbered if name not in records)
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
    """Return the deadline of the retry. Raises InvalidInput if the option is not a deadline.

    A duration counts from now. A retry that exists keeps the deadline that it was submitted with,
    because it must give the same requests; that of its campaign may have been changed since.
    """
    if record is not None and record.staged is not None:
        submitted = record.staged.options.get("deadline")
        return datetime.fromisoformat(submitted) if submitted else None
    if record is not None:
        return record.deadline
    submit_options = SubmitOptions(campaign=name, deadline=options.deadline)
    table = profiles.load(settings.postprocess)
    return Builder(submit_options, datetime.now(UTC), table).deadline
