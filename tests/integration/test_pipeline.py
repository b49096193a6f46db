"""The whole pipeline through the public Python API, with two workers of each kind."""

import hashlib
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
import soundfile

from seedcast.campaigns.subscription import subscribe
from seedcast.campaigns.waiting import wait
from seedcast.producers.staging.options import SubmitOptions
from seedcast.producers.staging.submit import submit_requests
from seedcast.schemas.messages import SpeechResult
from seedcast.settings import Settings
from seedcast.storage.list_ids import ids_reader
from seedcast.storage.s3 import S3Store
from tests.builders.deployments import Spawn, environment

pytestmark = pytest.mark.integration

PROFILES = ("telephony", "archive")
ROWS = 60  # that both lists have


def people(count: int, offset: int = 0) -> list[dict[str, str]]:
    return [
        {"id": f"p-{n}", "text": f"Dear customer {n}, thank you.", "voice": str(n % 4)}
        for n in range(offset, offset + count)
    ]


@pytest.fixture
def workers(settings: Settings, seedcast: Spawn) -> None:
    for _ in range(2):
        seedcast(["run", "feeder"], settings)
        seedcast(["run", "gpu-consumer"], settings)
        seedcast(["run", "postprocess"], settings)


@pytest.mark.usefixtures("workers")
def test_every_request_ends_once_and_the_same_request_sounds_the_same(settings: Settings) -> None:
    # On Tuesday the same rows come in another order, after rows with other ids.
    lists = {
        "monday": people(ROWS),
        "tuesday": [*people(20, offset=500), *reversed(people(ROWS))],
    }
    read_ids = ids_reader(settings.s3)
    results: dict[str, list[SpeechResult]] = defaultdict(list)
    for campaign, rows in lists.items():
        report = submit_requests(
            settings, rows, SubmitOptions(campaign=campaign, id_column="id", profiles=PROFILES)
        )
        assert (report.accepted, report.rejected) == (len(rows), 0)
        progress = wait(settings, campaign, read_ids)
        assert (progress.accepted, progress.succeeded, progress.failed) == (len(rows), len(rows), 0)
        results[campaign] = list(subscribe(settings, f"reader-{campaign}", read_ids, campaign))
        assert Counter(r.metadata["id"] for r in results[campaign]) == Counter(
            row["id"] for row in rows
        )
    assert_same_waveforms(results["monday"], results["tuesday"])
    assert_objects_are_what_manifests_say(settings, results["monday"][:20])


def assert_same_waveforms(first: list[SpeechResult], second: list[SpeechResult]) -> None:
    hashes = [
        {r.metadata["id"]: r.receipt.waveform_sha256 for r in results if r.receipt}
        for results in (first, second)
    ]
    common = hashes[0].keys() & hashes[1].keys()
    assert len(common) == ROWS
    assert all(hashes[0][name] == hashes[1][name] for name in common)


def assert_objects_are_what_manifests_say(settings: Settings, results: list[SpeechResult]) -> None:
    import io

    store = S3Store(settings.s3)
    for result in results:
        assert [r.profile for r in result.renditions] == list(PROFILES)
        for rendition in result.renditions:
            data = store.get(rendition.uri)
            assert (len(data), hashlib.sha256(data).hexdigest()) == (
                rendition.bytes,
                rendition.sha256,
            )
            samples, rate = soundfile.read(io.BytesIO(data))
            assert (rate, len(samples) / rate) == (
                rendition.sample_rate,
                pytest.approx(rendition.duration, abs=1e-3),
            )
            assert 0.5 < rendition.duration < 10
            assert np.abs(samples).max() > 0.05


@pytest.mark.usefixtures("workers")
def test_the_example_in_the_readme_runs_unchanged(
    settings: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (Path(__file__).parents[2] / "README.md").read_text()
    example = page.split("```python\n")[1].split("```")[0]
    for name, value in environment(settings).items():
        monkeypatch.setenv(name, value)
    exec(compile(example, "README.md", "exec"), {})  # noqa: S102
    assert sorted(capsys.readouterr().out.splitlines()) == [
        "b-1 succeeded True",
        "b-2 succeeded True",
    ]
