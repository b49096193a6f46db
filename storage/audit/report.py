"""What an audit says: checks, each with how much it looked at and what it found."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from schemas.messages import CampaignState

Kind = Literal["breach", "unfinished", "note"]
Verdict = Literal["proven", "breach", "unfinished", "skipped"]


@dataclass(frozen=True)
class Finding:
    """One kind of thing, however often it was found."""

    name: str  # the same in every version, for programs
    kind: Kind
    count: int
    what: str  # of one of them
    examples: tuple[str, ...] = ()  # ids and places: the first of them
    more: int = 0  # that are not among the examples

    def __str__(self) -> str:
        more = ", …" if self.more else ""
        return f"{self.count:,} × {self.what}" + (
            f": {', '.join(self.examples)}{more}" if self.examples else ""
        )


@dataclass(frozen=True)
class Check:
    name: str  # the same in every version, for programs
    what: str  # the sentence that it proves
    checked: int | None  # how many it looked at; None: it was not asked for
    findings: tuple[Finding, ...] = ()

    @property
    def verdict(self) -> Verdict:
        if self.checked is None:
            return "skipped"
        kinds = {finding.kind for finding in self.findings}
        return (
            "breach" if "breach" in kinds else "unfinished" if "unfinished" in kinds else "proven"
        )


@dataclass(frozen=True, kw_only=True)
class Report:
    campaign_id: str
    state: CampaignState | None  # None: its record is not there
    sealed: int | None  # accepted, by the campaign's record
    accepted: int  # distinct request ids that the requests topics have
    outcomes: Mapping[str, int]  # first results, by status
    repeats: int  # results beyond the first of a request
    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Whether all that was asked for is proven."""
        return not self.breaches and not self.unfinished

    @property
    def breaches(self) -> tuple[Finding, ...]:
        return self._of("breach")

    @property
    def unfinished(self) -> tuple[Finding, ...]:
        """What is neither proven nor refuted: it waits, or can no longer be told."""
        return self._of("unfinished")

    @property
    def notes(self) -> tuple[Finding, ...]:
        return self._of("note")

    def _of(self, kind: Kind) -> tuple[Finding, ...]:
        """Once each: a finding may bear on two checks."""
        return tuple(
            dict.fromkeys(
                finding
                for check in self.checks
                for finding in check.findings
                if finding.kind == kind
            )
        )
