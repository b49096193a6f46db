"""The fleet as `status` shows it: one line per worker, and groups whose workers would differ."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from seedcast.cli.base import err, out
from seedcast.cli.tables import show
from seedcast.errors import SeedcastError

if TYPE_CHECKING:
    from seedcast.fleet.fleet import Seen
    from seedcast.settings import Settings

COLUMNS = ("kind", "id", "state", "version", "slots", "busy", "fingerprint", "seen s ago")
STACKED_FIRST = ("version", "fingerprint", "state")
DIGITS = 8  # of a fingerprint


@dataclass(frozen=True)
class Shown:
    """What `status` shows of the fleet."""

    workers: "Sequence[Seen]" = ()
    mixed: dict[str, dict[str, int]] = field(default_factory=dict)  # group → fingerprint → workers

    def as_json(self) -> dict[str, Any]:
        import msgspec

        workers = [
            msgspec.to_builtins(seen.worker) | {"seen_seconds_ago": round(seen.seconds, 1)}
            for seen in self.workers
        ]
        return {"workers": workers, "mixed_fingerprints": self.mixed}


def read(settings: "Settings") -> Shown:
    """Raises SeedcastError."""
    from seedcast.fleet.fleet import mixed_fingerprints
    from seedcast.fleet.fleet_topic import read_fleet

    live = read_fleet(settings).live()
    return Shown(live, mixed_fingerprints(seen.worker for seen in live))


def print_fleet(shown: Shown) -> None:
    if not shown.workers:
        out.print("[dim]workers: none[/]")
        return
    out.print("[italic]workers[/]")
    show(COLUMNS, map(_cells, shown.workers), stacked_first=STACKED_FIRST)
    for group, counts in shown.mixed.items():
        err.print(_difference(group, counts.items()), markup=False, style="yellow")


def print_summary(settings: "Settings") -> None:
    """Print a line: how many workers are alive, and the slots of the GPU consumers among them."""
    try:
        print_line(read(settings))
    except SeedcastError as error:
        err.print(f"the fleet is not known: {error}", markup=False)


def print_line(shown: Shown) -> None:
    workers = [seen.worker for seen in shown.workers]
    consumers = [each for each in workers if each.kind == "gpu-consumer"]
    slots = sum(each.slots or 0 for each in consumers)
    busy = sum(each.busy or 0 for each in consumers)
    line = f"fleet: {len(workers):,} workers; GPU slots: {slots:,}, {busy:,} busy"
    out.print(line, highlight=False)


def _cells(seen: "Seen") -> list[str]:
    worker = seen.worker
    return [
        worker.kind,
        worker.worker_id,
        worker.state,
        worker.version,
        _count(worker.slots),
        _count(worker.busy),
        _short(worker.fingerprint or ""),
        f"{seen.seconds:.0f}",
    ]


def _count(number: int | None) -> str:
    return "" if number is None else f"{number:,}"


def _short(fingerprint: str) -> str:
    """Return the name of an engine in front of it, and the first digits."""
    name, dash, digits = fingerprint.rpartition("-")
    return name + dash + digits[:DIGITS]


def _difference(group: str, counts: Iterable[tuple[str, int]]) -> str:
    each = ", ".join(f"{_short(fingerprint)} ({count})" for fingerprint, count in counts)
    return (
        f"{group}: workers of several fingerprints: {each}. What a request becomes depends on which"
        " of them takes it; give all the same version, settings and kind of machine"
    )
