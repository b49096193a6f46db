"""A worker's record, for tests."""

from datetime import UTC, datetime

from seedcast.schemas.messages import Worker

MOMENT = datetime(2026, 11, 24, 2, 30, tzinfo=UTC)


def a_worker(worker_id: str = "node-7-1f2e3d", **changes: object) -> Worker:
    fields: dict[str, object] = {
        "worker_id": worker_id,
        "kind": "gpu-consumer",
        "group": "seedcast.gpu-consumers",
        "version": "0.1.0",
        "state": "ready",
        "started_at": MOMENT,
        "heartbeat": MOMENT,
        "engine": "espeak",
        "fingerprint": "espeak-" + "0f" * 16,
        "slots": 8,
        "busy": 0,
    }
    return Worker(**(fields | changes))  # type: ignore[arg-type]
