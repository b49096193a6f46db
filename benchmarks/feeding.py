"""The feeder's policy: `python -m benchmarks.feeding [--rounds 5]`.

On a simulated fleet and clock: how much of 512 slots idles; what 20,000 rows against 500 get at
weights 1:3 within a tenant, and of two tenants, and how long the 500 take against alone; when the
last row comes after a pause, also where post-processing is the bottleneck. On this machine's clock:
CPU per decision. Kafka, S3 and Parquet are not in it.

Figures go to benchmarks/results/feeding.json.
"""

import argparse
import json
import shlex
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from benchmarks.local_stack import machine
from benchmarks.simulated_fleet import Shape, SimulatedFleet, rows_of, seconds_by_campaign
from seedcast.producers.feeder.policy.fair_order import FairOrder, Terms, shares

OUT = Path(__file__).parent / "results" / "feeding.json"
SHAPE = Shape()
EVERYWHERE = range(SHAPE.partitions)
LARGE, SMALL = 20_000, 500  # rows
ARRIVAL = 60.0  # seconds after the large campaign the small one is submitted
RAMP = 20.0  # seconds after which idle slots count
PAUSE = 180.0  # seconds after its submission the large campaign is paused
DECISIONS = 20_000


@dataclass(frozen=True)
class Idle:
    feed_ahead: float  # seconds
    idle: float  # share of the slots' time, from RAMP on, until every row is read
    # Until every row is fed: at last only the partitions have rows that got more of them.
    idle_to_the_end: float
    seconds_ahead: float  # of the fleet's work that are fed and have no result, once all are read


@dataclass(frozen=True)
class Against:
    tenants: int  # 1: they share by weight; 2: equally
    weight_large: float
    weight_small: float
    seconds_alone: float  # from submission to the last result
    seconds: float
    bound: float  # alone, divided by the share, plus feed-ahead and 5 s
    share: float  # of the small one, by weight or tenant
    # Of the small one, in what is fed. A list of 500 has ten rows per partition, so once some
    # partitions have none of it left, it cannot use its share there.
    share_while_half_is_fed: float
    share_of_equal_lists: float  # both 20,000 rows, over a minute


@dataclass(frozen=True)
class Paused:
    feed_ahead: float
    rendered: float  # what post-processing is able to give, by what the slots speak
    ahead: int  # rows that were fed and had no result at the pause
    results_99: float  # seconds from the pause until 99 % of what was fed has its results
    last_result: float


@dataclass(frozen=True)
class Decision:
    campaigns: int
    pick_and_charge: float  # microseconds of CPU
    row: float  # of a whole turn, per row: look-ahead, depth and order
    empty_turn: float  # of one in which nothing has room


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5, help="of CPU figures; the median counts")
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args(argv)
    report = {
        "command": shlex.join(
            ["python", "-m", "benchmarks.feeding", *(sys.argv[1:] if argv is None else argv)]
        ),
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        "fleet": {**asdict(SHAPE), "hung": sorted(SHAPE.hung), "rendered": None},
        "idle": [asdict(idle(feed_ahead)) for feed_ahead in (30.0, 5.0)],
        "small_against_large": [
            asdict(against(1, 3)),
            asdict(against(3, 1)),
            asdict(against(3, 1, tenants=2)),
        ],
        "paused": [
            asdict(paused(feed_ahead, rendered))
            for feed_ahead in (30.0, 5.0)
            for rendered in (2.0, 0.5, 0.1)
        ],
        "cpu": [asdict(decision(number, arguments.rounds)) for number in (1, 10, 1000)],
    }
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))


def idle(feed_ahead: float) -> Idle:
    fleet = SimulatedFleet(SHAPE, feed_ahead)
    fleet.submit(rows_of("large", LARGE, EVERYWHERE), Terms(tenant="a"))
    while fleet.place("large").read < LARGE:
        fleet.run(1.0)
    depth, read_at = fleet.release.depth, fleet.now
    waiting = sum(depth.waiting(partition)[1] for partition in EVERYWHERE)
    ahead = waiting / depth.per_second(read_at)
    while not fleet.is_fed("large"):
        fleet.run(1.0)
    return Idle(
        feed_ahead,
        idle=round(fleet.idle(RAMP, read_at), 4),
        idle_to_the_end=round(fleet.idle(RAMP, fleet.now), 4),
        seconds_ahead=round(ahead, 1),
    )


def against(weight_large: float, weight_small: float, tenants: int = 1) -> Against:
    large = Terms(tenant="a", weight=weight_large)
    small = Terms(tenant="a" if tenants == 1 else "b", weight=weight_small)
    alone = _alone(small)
    fleet, came = _submitted(large, small, SMALL)
    seconds = fleet.run_until_done("small", SMALL) - came
    fed = [event.at for event in fleet.fed if event.row.campaign == "small"]
    share, _ = shares((small, large))
    equal, since = _submitted(large, small, LARGE)
    equal.run(60.0)
    return Against(
        tenants=tenants,
        weight_large=weight_large,
        weight_small=weight_small,
        seconds_alone=round(alone, 1),
        seconds=round(seconds, 1),
        bound=round(alone / share + 30 + 5, 1),
        share=share,
        share_while_half_is_fed=_share(fleet, came, fed[len(fed) // 2]),
        share_of_equal_lists=_share(equal, since, since + 60.0),
    )


def paused(feed_ahead: float, rendered: float) -> Paused:
    """`rendered`: what post-processing is able to give, by what the slots speak."""
    rows = rows_of("large", LARGE, EVERYWHERE)
    spoken = SHAPE.workers * SHAPE.slots * LARGE / sum(row.seconds for row in rows)  # per second
    fleet = SimulatedFleet(replace(SHAPE, rendered=rendered * spoken), feed_ahead)
    fleet.submit(rows, Terms(tenant="a"))
    fleet.run(PAUSE)
    ahead = len(fleet.release.depth)
    fleet.withdraw("large")
    fleet.run(PAUSE)
    waits = sorted(event.at - PAUSE for event in fleet.done if event.at > PAUSE)
    return Paused(
        feed_ahead, rendered, ahead, round(waits[int(len(waits) * 0.99)], 1), round(waits[-1], 1)
    )


def decision(campaigns: int, rounds: int) -> Decision:
    return Decision(
        campaigns,
        pick_and_charge=_microseconds(lambda: _pick(campaigns), rounds),
        row=_microseconds(lambda: _turn(campaigns), rounds),
        empty_turn=_microseconds(lambda: _empty_turns(campaigns), rounds),
    )


def _alone(small: Terms) -> float:
    fleet = SimulatedFleet(SHAPE)
    fleet.submit(rows_of("small", SMALL, EVERYWHERE), small)
    return fleet.run_until_done("small", SMALL)


def _submitted(large: Terms, small: Terms, rows: int) -> tuple[SimulatedFleet, float]:
    """Return a fleet that is busy with a large campaign, and when a second one came."""
    fleet = SimulatedFleet(SHAPE)
    fleet.submit(rows_of("large", LARGE, EVERYWHERE), large)
    fleet.run(ARRIVAL)
    fleet.submit(rows_of("small", rows, EVERYWHERE), small)
    return fleet, fleet.now


def _share(fleet: SimulatedFleet, since: float, until: float) -> float:
    seconds = seconds_by_campaign(fleet.fed, since, until)
    return round(seconds["small"] / sum(seconds.values()), 4)


def _microseconds(measured: Callable[[], tuple[float, int]], rounds: int) -> float:
    """Return the median of CPU microseconds per decision."""
    runs = [measured() for _ in range(rounds)]
    return round(median(seconds / count * 1e6 for seconds, count in runs), 2)


def _pick(campaigns: int) -> tuple[float, int]:
    order = FairOrder()
    names = [f"c{number}" for number in range(campaigns)]
    order.set_flows({name: Terms(tenant=name[-1]) for name in names})
    for name in names:
        order.wake(name)
    start = time.process_time()
    for _ in range(DECISIONS):
        picked = order.pick()
        assert picked
        order.charge(picked, 5.0)
    return time.process_time() - start, DECISIONS


def _turn(campaigns: int) -> tuple[float, int]:
    fleet = _full(campaigns, DECISIONS // campaigns)
    fleet.release.depth.set_fleet(DECISIONS, [EVERYWHERE])
    start = time.process_time()
    rows = sum(1 for _ in fleet.release.turn(0.0))
    return time.process_time() - start, rows


def _empty_turns(campaigns: int) -> tuple[float, int]:
    fleet = _full(campaigns, 100)
    list(fleet.release.turn(0.0))
    start = time.process_time()
    for _ in range(20):
        assert not list(fleet.release.turn(0.0))
    return time.process_time() - start, 20


def _full(campaigns: int, rows: int) -> SimulatedFleet:
    fleet = SimulatedFleet(Shape(workers=1, slots=48))
    for number in range(campaigns):
        name = f"c{number}"
        fleet.submit(rows_of(name, rows, EVERYWHERE), Terms(tenant=name[-1]))
    return fleet


if __name__ == "__main__":
    main()
