"""Once a minute a worker's log says what was taken and finished, how fast, and what is left."""

from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from seedcast import metrics
from seedcast.errors import BrokerUnavailable
from seedcast.kafka import Committed, GroupOffsets, Partition
from seedcast.settings import KafkaSettings, LogSettings, Settings
from seedcast.worker_progress import Progress, logged_progress
from tests.builders.waiting import eventually

SETTINGS = Settings(
    kafka=KafkaSettings(bootstrap="127.0.0.1:1", prefix="night"), log=LogSettings(progress=0.01)
)
TOPICS = ["night.requests", "night.requests.urgent"]


def test_the_rate_is_that_since_the_last_look() -> None:
    finished, times = iter([10, 70, 70, 75]), iter([0.0, 60.0, 120.0, 122.5])
    progress = Progress(lambda: 80, lambda: next(finished), lambda: next(times))
    looks = [progress.look() for _ in range(3)]
    assert [look["rate"] for look in looks] == [1.0, 0.0, 2.0]
    assert looks[0] == {"taken": 80, "finished": 70, "rate": 1.0}


def test_a_counter_with_labels_is_counted_whole() -> None:
    before = metrics.total(metrics.RESULTS)
    metrics.RESULTS.labels("succeeded").inc(2)
    metrics.RESULTS.labels("failed").inc()
    assert metrics.total(metrics.RESULTS) == before + 3


def test_what_a_partition_holds_and_nobody_committed_is_unread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    committed = {
        Partition("night.requests", 0): Committed(7, ""),
        Partition("night.requests", 2): Committed(5, ""),
    }
    bounds = {
        Partition("night.requests", 0): (3, 10),
        Partition("night.requests", 1): (2, 4),
        Partition("night.requests", 2): (6, 6),  # retention has deleted what was not read
    }
    monkeypatch.setattr(GroupOffsets, "committed", lambda *_: committed)
    monkeypatch.setattr(GroupOffsets, "bounds", lambda *_: bounds)
    assert GroupOffsets(SETTINGS).unread("night.gpu-consumers", TOPICS) == 3 + 2


def lines(monkeypatch: pytest.MonkeyPatch, answers: Iterator[int]) -> list[EventDict]:
    """Return the lines of a worker's progress, with these answers to the question for the lag."""

    def unread(_: GroupOffsets, group: str, topics: list[str]) -> int:
        assert (group, topics) == ("night.gpu-consumers", TOPICS)
        if answer := next(answers, 0):
            return answer
        raise BrokerUnavailable("asking", got="no answer")

    monkeypatch.setattr(GroupOffsets, "unread", unread)
    progress = Progress(lambda: 5, lambda: 4)
    with capture_logs() as logged, logged_progress(SETTINGS, "gpu-consumers", TOPICS, progress):
        eventually(lambda: sum(line["event"] == "progress" for line in logged) >= 3, 30)
    return [line for line in logged if line["event"] == "progress"]


def test_progress_is_logged_with_the_lag_and_without_it_while_the_brokers_are_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    logged = lines(monkeypatch, iter([12, 11]))
    assert [line["lag"] for line in logged[:3]] == [12, 11, None]
    assert {(line["taken"], line["finished"]) for line in logged} == {(5, 4)}
    assert all("rate" in line for line in logged)
