"""Workers that do not differ are one line, and nobody is named."""

from datetime import UTC, datetime
from typing import Any

from seedcast.producers.gateway.fleet_watch import grouped
from seedcast.schemas.messages import Worker


def a_worker(number: int, **fields: Any) -> Worker:
    now = datetime.now(UTC)
    given = {
        "worker_id": f"host-{number}",
        "kind": "gpu-consumer",
        "group": "seedcast.gpu-consumers",
        "version": "0.1.0",
        "state": "ready",
        "started_at": now,
        "heartbeat": now,
        "fingerprint": "espeak-1",
        "slots": 8,
        "busy": number,
    }
    return Worker(**(given | fields))


def test_workers_that_do_not_differ_are_counted_together() -> None:
    feeder = a_worker(9, kind="feeder", group="feeders", fingerprint=None, slots=None, busy=None)
    starting = a_worker(3, state="starting", fingerprint=None, slots=None, busy=None)
    found = grouped([a_worker(1), a_worker(2), feeder, starting])
    told = [(each.kind, each.state, each.count, each.busy, each.slots) for each in found]
    assert told == [
        ("feeder", "ready", 1, None, None),
        ("gpu-consumer", "starting", 1, None, None),
        ("gpu-consumer", "ready", 2, 3, 16),
    ]
    assert not any(each.is_mixed for each in found)
    assert "host" not in repr(found)


def test_a_group_with_several_fingerprints_is_marked() -> None:
    other = a_worker(1, kind="postprocess", group="seedcast.postprocess", fingerprint="chain")
    found = grouped([a_worker(1), a_worker(2, fingerprint="espeak-2"), other])
    assert [each.is_mixed for each in found] == [True, True, False]
