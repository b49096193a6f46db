"""A worker whose disk is full works on: it writes nothing but its log."""

import resource

import pytest

from tests.crash.deployment import GROUPS, Deployment

pytestmark = pytest.mark.integration

REQUESTS = 40


def fill_disk() -> None:
    """Let no file grow, as on a full disk: neither a temporary one nor the log."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


@pytest.mark.slow
def test_workers_whose_disk_is_full_do_all_their_work(deployment: Deployment) -> None:
    deployment.submit(REQUESTS, profiles=("telephony",))  # the chain with most of the libraries
    with (
        deployment.recovery("disk full: postprocess", "postprocess") as successors,
        deployment.recovery("disk full: gpu-consumer"),
    ):
        workers = [deployment.start_worker(kind, preexec=fill_disk) for kind in GROUPS]
        successors += workers
    assert [worker.process.poll() for worker in workers] == [None, None]  # their log is lost
    deployment.wait_for_completion(REQUESTS)
    deployment.assert_invariants(REQUESTS)
    for worker in workers:
        worker.shut_down()
        assert not worker.log, "the disk was not full"
