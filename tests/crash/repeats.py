"""How often a request may be processed: once, and once more for each fault that allows it."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from seedcast.codec import decode_request
from seedcast.kafka import Partition, Record


@dataclass(frozen=True)
class RepeatAllowance:
    """One fault: it allows a repeat of what was not committed but had already left the stage."""

    kind: str  # the stage, as `seedcast run` names its worker
    done: dict[Partition, set[int]]  # the offsets that its group had committed as done
    until_ms: float  # since the epoch; infinite if output that leaves later may repeat as well

    def covers(self, source: Record, left_ms: float) -> bool:
        """Return True if it allows one more output of this source record."""
        committed = self.done.get(source.partition, ())
        return source.offset not in committed and left_ms <= self.until_ms


def assert_bounded(
    allowances: Iterable[RepeatAllowance],
    kind: str,
    verb: str,
    sources: list[Record],
    outputs: list[Record],
) -> None:
    """Assert that each request left the stage once per source record and covering allowance."""
    ours = [allowance for allowance in allowances if allowance.kind == kind]
    left_ms, bounds = _first_times(outputs), Counter[str]()
    for source in sources:
        request_id = _request_id(kind, source)
        covering = sum(allowance.covers(source, left_ms[request_id]) for allowance in ours)
        bounds[request_id] += 1 + covering
    for request_id, times in Counter(map(key_of, outputs)).items():
        assert times <= bounds[request_id], (
            f"{request_id} was {verb} {times} times, expected at most {bounds[request_id]}"
        )


def _first_times(outputs: list[Record]) -> dict[str, float]:
    """When the first output of each request left its producer, in milliseconds."""
    first: dict[str, float] = {}
    for record in outputs:
        first[key_of(record)] = min(record.timestamp_ms, first.get(key_of(record), math.inf))
    return first


def _request_id(kind: str, source: Record) -> str:
    """The key of audio is the request id; that of a request is its voice."""
    return key_of(source) if kind == "postprocess" else decode_request(source.value).request_id


def key_of(record: Record) -> str:
    return (record.key or b"").decode()


def values_by_key(records: Iterable[Record]) -> dict[str, list[bytes]]:
    values = defaultdict(list)
    for record in records:
        values[key_of(record)].append(record.value)
    return values


def count_repeats(values: dict[str, list[bytes]]) -> int:
    """Return the number of records beyond one per key."""
    return sum(len(repeats) - 1 for repeats in values.values())
