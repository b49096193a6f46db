"""A worker without room on its disk: it needs none, so that only its log is lost."""

import resource

import pytest

from tests.crash.night import GROUPS, Night

pytestmark = pytest.mark.integration

REQUESTS = 40


def full() -> None:
    """No file may grow: neither a temporary one nor the log, as on a full disk."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def test_workers_whose_disk_is_full_do_all_their_work(night: Night) -> None:
    night.submit(REQUESTS)
    with (
        night.recovery("disk full: postprocess", "postprocess"),
        night.recovery("disk full: gpu-consumer"),
    ):
        workers = [night.start(kind, before=full) for kind in GROUPS]
    night.completes(REQUESTS)
    night.holds(REQUESTS)
    for worker in workers:
        worker.finishes()
        assert not worker.said, "the disk was not full"
