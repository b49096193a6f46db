"""`seedcast audit` as an operator runs it: its verdict, its speed and its memory, and whether it names what was broken."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal

from benchmarks.night.fabricate import Night
from benchmarks.night.memory import watch
from benchmarks.night.spoil import Expected

Objects = Literal["hash", "size", "none"]
OPTIONS: dict[Objects, list[str]] = {"hash": [], "size": ["--sizes"], "none": ["--no-objects"]}


@dataclass(frozen=True)
class Audited:
    exit_code: int
    ok: bool
    seconds: float
    requests_per_second: float
    resident_mib: dict[str, float]  # at 10, 50 and 100 % of the seconds, and at most
    findings: dict[str, int]  # how many of each
    caught: dict[
        str, bool
    ]  # what was broken, in words: whether it was found once, under its name, with its id or address
    unexpected: tuple[str, ...]  # breaches and what is unfinished, beyond what was broken

    @property
    def right(self) -> bool:
        """Whether it says what is so, no more and no less, and its exit code agrees."""
        return (
            all(self.caught.values())
            and not self.unexpected
            and self.exit_code == (0 if self.ok else 1)
        )


def audited(
    night: Night, objects: Objects = "hash", expected: Collection[Expected] = ()
) -> Audited:
    """Raises RuntimeError where the command comes to no verdict."""
    done = watch(night.settings, ["audit", night.campaign, "--json", *OPTIONS[objects]])
    if done.exit_code not in (0, 1) or not done.stdout:
        raise RuntimeError(f"seedcast audit ended with {done.exit_code}: {done.stderr}")
    report = json.loads(done.stdout)
    found = {
        finding["name"]: finding for check in report["checks"] for finding in check["findings"]
    }
    wrong = {name for name, finding in found.items() if finding["kind"] != "note"}
    return Audited(
        exit_code=done.exit_code,
        ok=report["ok"],
        seconds=round(done.seconds, 1),
        requests_per_second=round(report["accepted"] / done.seconds, 1),
        resident_mib=done.mib,
        findings={name: finding["count"] for name, finding in found.items()},
        caught={owed.broken: _names(found.get(owed.finding), owed) for owed in expected},
        unexpected=tuple(sorted(wrong - {owed.finding for owed in expected})),
    )


def _names(finding: dict[str, Any] | None, owed: Expected) -> bool:
    return (
        finding is not None
        and finding["count"] == 1
        and owed.names in " ".join(finding["examples"])
    )
