"""Bulk requests wait while too much audio waits to be post-processed."""

import pytest

from seedcast.gpu_consumers.audio_backlog import (
    IDLE_INTERVAL,
    INTERVAL,
    AudioBacklog,
    Looks,
    Mean,
    Uncommitted,
)
from seedcast.schemas.topics import MIB
from seedcast.settings import GpuSettings, KafkaSettings, Settings


def a_backlog(mib: int, age: float = 0.0) -> AudioBacklog:
    """A backlog of records of half a MiB; no broker answers it."""
    nowhere = Settings(
        gpu=GpuSettings(backlog=mib, backlog_age=age), kafka=KafkaSettings(bootstrap="127.0.0.1:1")
    )
    mean = Mean()
    for size in (MIB // 4, 3 * MIB // 4):
        mean.add(size)
    return AudioBacklog(nowhere, mean, lambda: False)


def test_it_is_over_from_the_limit_down_to_three_quarters() -> None:
    backlog = a_backlog(100)
    over = []
    for records in (0, 200, 201, 151, 150, 199, 201):
        backlog.update(Uncommitted(records))
        over.append(backlog.over)
    backlog.close()
    assert over == [False, False, True, True, False, False, True]


def test_one_record_that_is_too_old_is_enough() -> None:
    backlog = a_backlog(0, age=3600.0)
    over = []
    for uncommitted in (Uncommitted(10**9), Uncommitted(2, old=1), Uncommitted(10**9, old=0)):
        backlog.update(uncommitted)
        over.append(backlog.over)
    backlog.close()
    assert over == [False, True, False]


def test_each_change_is_logged_once(capsys: pytest.CaptureFixture[str]) -> None:
    backlog = a_backlog(1)
    for records in (10, 12, 12, 0, 0):
        backlog.update(Uncommitted(records))
    backlog.close()
    output = capsys.readouterr().out
    assert (output.count("audio_backlog_over"), output.count("audio_backlog_under")) == (1, 1)
    assert "at most 1.0 MiB" in output
    assert "10 records, about 5.0 MiB" in output


def test_a_worker_looks_seldom_without_work_and_at_every_turn_with_work() -> None:
    turns = [INTERVAL * number for number in range(12)]
    working = {turns[1], turns[2], turns[8]}
    now = 0.0
    looks, looked = Looks(lambda: now in working, lambda: now), []
    for now in turns:
        looked += [now] * looks.due()
    assert looked == [turns[0], turns[1], turns[2], turns[2] + IDLE_INTERVAL, turns[8]]


def test_before_the_first_audio_nothing_is_estimated() -> None:
    assert Mean().value == 0
