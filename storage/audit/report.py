"""The report of an audit: checks, each with how many items it checked and what it found."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from seedcast.schemas.messages import CampaignState

Kind = Literal["breach", "unfinished", "note"]
Verdict = Literal["proven", "breach", "unfinished", "skipped"]


@dataclass(frozen=True)
class Finding:
    """One kind of problem or remark, with how often it was found."""

    name: str  # the same in every version, for programs
    kind: Kind
    count: int
    what: str  # a sentence about one of them
    examples: tuple[str, ...] = ()  # ids, positions or URIs of the first of them
    more: int = 0  # how many are not among the examples

    def __str__(self) -> str:
        text = f"{self.count:,} × {self.what}"
        if not self.examples:
            return text
        return f"{text}: {', '.join(self.examples)}{', …' if self.more else ''}"


@dataclass(frozen=True)
class Check:
    """One property of the campaign, with everything found that bears on it."""

    name: str  # the same in every version, for programs
    what: str  # the property, as a sentence
    checked: int | None  # how many items were checked; None: the check was not asked for
    findings: tuple[Finding, ...] = ()

    @property
    def verdict(self) -> Verdict:
        if self.checked is None:
            return "skipped"
        kinds = {finding.kind for finding in self.findings}
        if "breach" in kinds:
            return "breach"
        return "unfinished" if "unfinished" in kinds else "proven"


@dataclass(frozen=True, kw_only=True)
class Report:
    """What an audit concludes about one campaign."""

    campaign_id: str
    state: CampaignState | None  # None: the campaign has no record
    sealed: int | None  # requests accepted, by the campaign's record
    accepted: int  # distinct request ids of the list; without one, that the topics hold
    outcomes: Mapping[str, int]  # first results, by status
    repeats: int  # results beyond the first of each request
    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """True if every check that was asked for is proven."""
        return not self.breaches and not self.unfinished

    @property
    def breaches(self) -> tuple[Finding, ...]:
        return self._findings_of("breach")

    @property
    def unfinished(self) -> tuple[Finding, ...]:
        """Findings that neither prove nor refute: work is waiting, or the evidence is deleted."""
        return self._findings_of("unfinished")

    @property
    def notes(self) -> tuple[Finding, ...]:
        return self._findings_of("note")

    def _findings_of(self, kind: Kind) -> tuple[Finding, ...]:
        """Return each finding once, though it may bear on two checks."""
        findings = (finding for check in self.checks for finding in check.findings)
        return tuple(dict.fromkeys(finding for finding in findings if finding.kind == kind))
