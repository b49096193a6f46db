"""The first download of the broker's jars is not silent."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from seedcast.cli.base import steps
from seedcast.embedded import broker


def test_a_download_reports_the_bytes_of_all_jars_together() -> None:
    said: list[str] = []
    download = broker.Download(said.append)
    for _ in range(3):
        with download.begin("a.jar", 3_000_000) as take:
            for _ in range(300):
                take(10_000)
    assert said == [
        f"downloading kafka, once: {megabytes} of {broker.JARS_MB} MB" for megabytes in (0, 4, 8)
    ]


def test_the_resolver_of_the_jars_reports_and_jars_that_are_there_are_not_spoken_of(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    said: list[str] = []
    resolvers: list[Any] = []
    (jar := tmp_path / "kafka.jar").write_bytes(b"PK\x05\x06" + bytes(18))  # an empty archive

    def build(_: str, *, resolver: Any) -> SimpleNamespace:
        resolvers.append(resolver)
        return SimpleNamespace(all_jars=[jar])

    import jgo

    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.setattr(jgo, "build", build)
    assert broker._jars(said.append) == [jar]
    assert said == []
    with resolvers[0].progress_callback("kafka.jar", 5_000_000) as take:
        take(5_000_000)
    assert said[-1] == f"downloading kafka, once: 5 of {broker.JARS_MB} MB"


def test_in_a_pipe_each_step_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with steps("starting") as step:
        step("starting kafka")
        step("kafka answers on [::1]:9092")
    assert capsys.readouterr().err == "starting kafka\nkafka answers on [::1]:9092\n"
