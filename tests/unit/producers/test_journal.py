"""The journal after crashes: what was noted stays, what is in doubt is asked of the topic."""

from pathlib import Path

import pytest

from producers.submit.journal import Entry, Journal
from seedcast.errors import LocalResource


def entries(*names: str) -> list[Entry]:
    return [Entry(name, name.encode(), place) for place, name in enumerate(names, start=1)]


def test_accepted_is_what_was_acknowledged(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    first, _ = journal.intend(entries("a", "b")), journal.intend(entries("c"))
    journal.acknowledge([first])
    assert (journal.accepted, journal.in_doubt) == (2, True)
    journal.close()
    assert Journal(tmp_path / "journal").accepted == 2


def test_what_is_in_doubt_is_settled_by_what_the_topic_has(tmp_path: Path) -> None:
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


def test_another_campaign_of_the_same_name_begins_anew(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    journal.rebuild("cluster one", entries("a"))
    journal.rebuild("cluster two", ())
    assert (journal.accepted, journal.identity) == (0, "cluster two")


def test_a_rebuild_that_is_interrupted_leaves_the_doubt(tmp_path: Path) -> None:
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


def test_a_folder_that_cannot_be_written_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LocalResource, match="--state-dir"):
        Journal(tmp_path / "file" / "journal")


def test_what_is_no_journal_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "journal").write_bytes(b"somebody's notes" * 100)
    with pytest.raises(LocalResource, match="remove it"):
        Journal(tmp_path / "journal")
    assert (tmp_path / "journal").read_bytes().startswith(b"somebody's notes")
