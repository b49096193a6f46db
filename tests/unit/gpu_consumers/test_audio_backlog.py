"""When audio that nobody takes holds bulk requests back, and when they go on."""

import pytest

from gpu_consumers.audio_backlog import POSTPROCESS, AudioBacklog, Mean, Untaken
from schemas.topics import MIB
from seedcast.settings import GpuSettings, KafkaSettings, Settings
from stream_apps.postprocess.faust_app import GROUP


def a_backlog(mib: int, age: float = 0.0) -> AudioBacklog:
    """Records of half a MiB; nobody answers its own question."""
    nowhere = Settings(
        gpu=GpuSettings(backlog=mib, backlog_age=age), kafka=KafkaSettings(bootstrap="127.0.0.1:1")
    )
    mean = Mean()
    for size in (MIB // 4, 3 * MIB // 4):
        mean.add(size)
    return AudioBacklog(nowhere, mean)


def test_it_holds_back_over_the_limit_and_until_three_quarters() -> None:
    backlog = a_backlog(100)
    held = []
    for records in (0, 200, 201, 151, 150, 199, 201):
        backlog.judge(Untaken(records))
        held.append(backlog.over)
    backlog.close()
    assert held == [False, False, True, True, False, False, True]


def test_one_record_that_is_too_old_is_enough() -> None:
    backlog = a_backlog(0, age=3600.0)
    held = []
    for untaken in (Untaken(10**9), Untaken(2, old=1), Untaken(10**9, old=0)):
        backlog.judge(untaken)
        held.append(backlog.over)
    backlog.close()
    assert held == [False, True, False]


def test_each_change_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    backlog = a_backlog(1)
    for records in (10, 12, 12, 0, 0):
        backlog.judge(Untaken(records))
    backlog.close()
    said = capsys.readouterr().out
    assert (said.count("audio_backlog_over"), said.count("audio_backlog_under")) == (1, 1)
    assert "at most 1.0 MiB" in said
    assert "10 records, about 5.0 MiB" in said


def test_before_the_first_audio_nothing_is_estimated() -> None:
    assert Mean().value == 0


def test_the_group_is_the_one_that_post_processes() -> None:
    assert POSTPROCESS == GROUP
