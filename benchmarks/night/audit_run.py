"""Run `seedcast audit` as an operator does: its verdict, its speed, its memory, what it names."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal

from benchmarks.night.fabricate import Night
from benchmarks.night.faults import ExpectedFinding
from benchmarks.night.memory import watch

ObjectCheck = Literal["hash", "size", "none"]
OPTIONS: dict[ObjectCheck, list[str]] = {"hash": [], "size": ["--sizes"], "none": ["--no-objects"]}


@dataclass(frozen=True)
class AuditRun:
    """What one run of the command reported, took and held."""

    exit_code: int
    ok: bool
    seconds: float
    requests_per_second: float
    resident_mib: dict[str, float]  # at 10, 50 and 100 % of the seconds, and at the peak
    findings: dict[str, int]  # how many of each
    # By fault, in words: True if it was found once, under its name, with its id or URI.
    caught: dict[str, bool]
    unexpected: tuple[str, ...]  # breaches and unfinished findings that no fault explains

    @property
    def right(self) -> bool:
        """True if it names every fault and nothing else, and its exit code agrees."""
        exact = all(self.caught.values()) and not self.unexpected
        return exact and self.exit_code == (0 if self.ok else 1)


def run_audit(
    night: Night, objects: ObjectCheck = "hash", expected: Collection[ExpectedFinding] = ()
) -> AuditRun:
    """Audit a night. Raises RuntimeError if the command comes to no verdict."""
    done = watch(night.settings, ["audit", night.campaign, "--json", *OPTIONS[objects]])
    if done.exit_code not in (0, 1) or not done.stdout:
        raise RuntimeError(f"seedcast audit ended with {done.exit_code}: {done.stderr}")
    report = json.loads(done.stdout)
    findings = {
        finding["name"]: finding for check in report["checks"] for finding in check["findings"]
    }
    wrong = {name for name, finding in findings.items() if finding["kind"] != "note"}
    return AuditRun(
        exit_code=done.exit_code,
        ok=report["ok"],
        seconds=round(done.seconds, 1),
        requests_per_second=round(report["accepted"] / done.seconds, 1),
        resident_mib=done.mib,
        findings={name: finding["count"] for name, finding in findings.items()},
        caught={each.fault: _matches(findings.get(each.finding), each) for each in expected},
        unexpected=tuple(sorted(wrong - {each.finding for each in expected})),
    )


def _matches(finding: dict[str, Any] | None, expected: ExpectedFinding) -> bool:
    if finding is None or finding["count"] != 1:
        return False
    return expected.example in " ".join(finding["examples"])
