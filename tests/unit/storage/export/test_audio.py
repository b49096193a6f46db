"""A campaign's audio as files: each whole and right, and the others though one is not."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from seedcast.errors import InvalidInput, LocalResource, StoreUnavailable
from seedcast.storage.export.audio import UNFINISHED, FetchReport, fetch_audio
from seedcast.storage.export.names import DEFAULT, NameTemplate
from seedcast.storage.export.plan import Plan
from seedcast.storage.memory_store import MemoryStore
from tests.builders.outcomes import a_rendition, a_result, indexed


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


def plan_of(store: MemoryStore, sounds: Sequence[bytes], template: str = DEFAULT) -> Plan:
    """Return the plan of rows from 1 with these audios, which are stored."""
    plan = Plan()
    for row, data in enumerate(sounds, 1):
        uri = store.put(f"night/{row}.ogg", data, "audio/ogg")
        result = a_result(row, renditions=(a_rendition("phone", data, uri),))
        plan.add([indexed(result, row)], NameTemplate(template))
    return plan


def fetch(store: MemoryStore, plan: Plan, folder: Path) -> FetchReport:
    return fetch_audio(store, plan, folder, threads=3)


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_all_audio_comes_and_what_is_there_is_kept(store: MemoryStore, tmp_path: Path) -> None:
    folder = tmp_path / "audio" / "night"
    sounds = [f"sound {n}".encode() for n in range(1, 101)]
    plan = plan_of(store, sounds, "{profile}/{row}.{ext}")
    assert fetch(store, plan, folder).fetched == 100
    assert files(folder) == {f"phone/{n}.ogg": data for n, data in enumerate(sounds, 1)}
    (folder / "phone/50.ogg").unlink()
    again = fetch(store, plan, folder)
    assert (again.fetched, again.kept, again.failed) == (1, 99, 0)
    assert again.bytes == sum(map(len, sounds))
    assert files(folder)["phone/50.ogg"] == b"sound 50"


def test_what_is_missing_or_altered_is_a_problem_and_the_others_come(
    store: MemoryStore, tmp_path: Path
) -> None:
    plan = plan_of(store, [b"1", b"2", b"3", b"4"])
    store.delete("s3://memory/night/2.ogg")
    store.put("night/3.ogg", b"another", "audio/ogg")
    (tmp_path / "n-4.phone.ogg").write_bytes(b"mine")
    report = fetch(store, plan, tmp_path)
    assert (report.fetched, report.failed) == (1, 3)
    problems = {problem.name: problem for problem in report.problems}
    assert "there is no object" in problems["n-2.phone.ogg"].what
    assert "is altered" in problems["n-3.phone.ogg"].what
    assert "with other contents" in problems["n-4.phone.ogg"].what
    assert problems["n-2.phone.ogg"].whose.startswith("row 2, id 'n-2', request")
    assert files(tmp_path) == {"n-1.phone.ogg": b"1", "n-4.phone.ogg": b"mine"}


def test_what_a_killed_run_left_unfinished_is_not_taken_for_audio(
    store: MemoryStore, tmp_path: Path
) -> None:
    (tmp_path / UNFINISHED).mkdir()
    (tmp_path / UNFINISHED / "0").write_bytes(b"hal")
    fetch(store, plan_of(store, [b"half"]), tmp_path)
    assert files(tmp_path) == {"n-1.phone.ogg": b"half"}
    assert not (tmp_path / UNFINISHED).exists()


def test_an_outage_ends_it_and_leaves_nothing_half(store: MemoryStore, tmp_path: Path) -> None:
    plan = plan_of(store, [b"1", b"2", b"3"])
    store.fail(StoreUnavailable("the store is away"))
    with pytest.raises(StoreUnavailable):
        fetch(store, plan, tmp_path)
    assert set(files(tmp_path)) <= {f"n-{n}.phone.ogg" for n in (1, 2, 3)}
    assert fetch(store, plan, tmp_path).failed == 0
    assert len(files(tmp_path)) == 3


def test_a_link_in_the_folder_leads_nothing_out_of_it(store: MemoryStore, tmp_path: Path) -> None:
    folder, outside = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    outside.mkdir()
    (folder / "phone").symlink_to(outside)
    with pytest.raises(InvalidInput, match="a link that leads out of it"):
        fetch(store, plan_of(store, [b"1"], "{profile}/{row}"), folder)
    (folder / "1").symlink_to(outside / "not-there")
    fetch(store, plan_of(store, [b"1"], "{row}"), folder)
    assert not (folder / "1").is_symlink()
    assert files(outside) == {}


def test_two_do_not_fetch_into_one_folder(store: MemoryStore, tmp_path: Path) -> None:
    plan = plan_of(store, [b"1"])

    def meanwhile(_: FetchReport) -> None:
        with pytest.raises(LocalResource, match="another `seedcast fetch`"):
            fetch(store, plan_of(store, [b"1"]), tmp_path)

    assert fetch_audio(store, plan, tmp_path, 1, meanwhile).fetched == 1


def test_a_folder_that_is_a_file_is_refused(store: MemoryStore, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LocalResource, match="folder that can be written"):
        fetch(store, plan_of(store, [b"1"]), tmp_path / "file")
