"""The journal after crashes: acknowledged entries stay; the topic settles those in doubt."""

from pathlib import Path

import pytest

from seedcast.errors import LocalResource
from seedcast.producers.staging.journal import Entry, Journal


def entries(*names: str) -> list[Entry]:
    return [Entry(name, name.encode(), row) for row, name in enumerate(names, start=1)]


def test_only_acknowledged_requests_are_accepted(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    first, _ = journal.intend(entries("a", "b")), journal.intend(entries("c"))
    journal.acknowledge([first])
    assert (journal.accepted, journal.in_doubt) == (2, True)
    journal.close()
    assert Journal(tmp_path / "journal").accepted == 2


def test_the_topic_settles_batches_in_doubt(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    journal.rebuild("here", ())
    journal.acknowledge([journal.intend(entries("a"))])
    journal.intend(entries("b", "c"))
    journal.rebuild("here", entries("a", "b"))
    assert (journal.accepted, journal.in_doubt, sorted(journal.find(["a", "b", "c"]))) == (
        2,
        False,
        ["a", "b"],
    )


def test_another_campaign_of_the_same_name_starts_empty(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    journal.rebuild("cluster one", entries("a"))
    journal.rebuild("cluster two", ())
    assert (journal.accepted, journal.identity) == (0, "cluster two")


def test_an_interrupted_rebuild_leaves_the_batch_in_doubt(tmp_path: Path) -> None:
    def broken() -> list[Entry]:
        raise KeyboardInterrupt

    journal = Journal(tmp_path / "journal")
    journal.rebuild("here", ())
    journal.intend(entries("a"))
    with pytest.raises(KeyboardInterrupt):
        journal.rebuild("here", (entry for entry in broken()))
    assert journal.in_doubt


def test_a_second_process_is_refused(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    with pytest.raises(LocalResource, match="another process submits this campaign"):
        Journal(tmp_path / "journal")
    journal.close()
    Journal(tmp_path / "journal")


def test_an_unwritable_folder_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LocalResource, match="--state-dir"):
        Journal(tmp_path / "file" / "journal")


def test_a_file_that_is_no_journal_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "journal").write_bytes(b"somebody's notes" * 100)
    with pytest.raises(LocalResource, match="remove it"):
        Journal(tmp_path / "journal")
    assert (tmp_path / "journal").read_bytes().startswith(b"somebody's notes")
