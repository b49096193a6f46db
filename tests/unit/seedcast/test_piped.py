"""`-`: a list on a pipe is read as a file is, and leaves nothing behind."""

import gzip
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from seedcast.cli import app, piped
from seedcast.errors import InvalidInput
from tests.builders.files import parquet
from tests.builders.workbooks import a_list

CSV = b"id,text\na,Hello.\nb,\n"
SEEDCAST = [sys.executable, "-m", "seedcast.cli"]


@pytest.fixture(autouse=True)
def _folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in one empty folder, with another for temporary files."""
    for folder in ("here", "temporary"):
        (tmp_path / folder).mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))


def run(content: bytes, *arguments: object) -> Result:
    given = [str(argument) for argument in arguments]
    return CliRunner().invoke(app, [*given, "--voice", "7"], input=content)


@pytest.mark.parametrize("command", [["check"], ["submit", "--campaign", "night", "--dry-run"]])
@pytest.mark.parametrize("format_", ["csv", "csv.gz", "jsonl", "parquet", "xlsx"])
def test_a_list_on_a_pipe_is_read_as_a_file_is(
    tmp_path: Path, command: list[str], format_: str
) -> None:
    content = {
        "csv": CSV,
        "csv.gz": gzip.compress(CSV),
        "jsonl": b'{"id": "a", "text": "Hello."}\n{"id": "b", "text": ""}\n',
        "parquet": parquet(tmp_path, {"id": ["a", "b"], "text": ["Hello.", ""]}).read_bytes(),
        "xlsx": a_list(tmp_path, ["id", "text"], ["a", "Hello."], ["b", ""]).read_bytes(),
    }[format_]
    done = run(content, *command, "-", "--format", format_, "--id-column", "id", "--json")
    assert done.exit_code == 1, done.exception
    found = json.loads(done.stdout)
    assert (found["file"], found["rows"], found["right"], found["rejected"]) == ("-", 2, 1, 1)
    assert os.listdir() == [found["rejected_file"]] == ["list.rejected.jsonl"]
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_person_reads_its_name_and_where_the_wrong_rows_are(tmp_path: Path) -> None:
    done = run(CSV, "check", "-", "--format", "csv", "--rejected", tmp_path / "wrong.jsonl")
    assert done.stdout.startswith("standard input: nothing was submitted; 1 valid")
    assert f"all 1 are in {tmp_path}/wrong.jsonl" in done.stderr
    assert os.listdir() == []


def test_its_texts_are_spoken_into_files(tmp_path: Path) -> None:
    done = run(CSV, "check", "-", "--format", "csv", "--profile", "wav", "--speak", 1, "--json")
    assert json.loads(done.stdout)["spoken"] == ["list-row-1.wav"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "standard input is empty"),
        (b"text\n\xff\n", "standard input, line 2: not UTF-8"),
        (b"PAR1", "standard input; expected a text file; got Parquet"),
    ],
)
def test_an_error_names_standard_input_and_not_its_copy(
    tmp_path: Path, content: bytes, message: str
) -> None:
    done = run(content, "check", "-", "--format", "csv")
    assert isinstance(done.exception, InvalidInput)
    assert message in str(done.exception)
    assert str(tmp_path) not in str(done.exception)
    assert done.exception.what.startswith("standard input")
    assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [([], "expected the format of the list"), (["--format", "excel"], "option format; expected")],
)
def test_its_format_is_asked_for_before_it_is_read(arguments: list[str], message: str) -> None:
    read, write = os.pipe()  # nobody writes, and nobody closes it
    try:
        done = subprocess.run(
            [*SEEDCAST, "check", "-", *arguments, "--json"],
            stdin=read,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        os.close(read)
        os.close(write)
    assert done.returncode == 2
    error = json.loads(done.stderr)
    assert message in f"{error['what']}; expected {error['expected']}"


def test_a_terminal_is_refused_at_once() -> None:
    terminal, its_end = os.openpty()
    try:
        done = subprocess.run(
            [*SEEDCAST, "check", "-", "--format", "csv"],
            stdin=its_end,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        os.close(terminal)
        os.close(its_end)
    assert done.returncode == 2
    assert "expected a list on a pipe" in done.stderr
    assert "got a terminal" in done.stderr


def test_a_closed_standard_input_is_refused() -> None:
    command = ["sh", "-c", 'exec "$0" -m seedcast.cli check - --format csv <&-', sys.executable]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, "got nothing: it is closed" in done.stderr) == (2, True)


def test_a_disk_without_room_for_it_is_named(tmp_path: Path) -> None:
    command = ["sh", "-c", 'ulimit -f 3000; exec "$0" -m seedcast.cli check - --format csv']
    done = subprocess.run(
        [*command, sys.executable],
        input=b"text\n" + b"a" * 1_800_000,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 3
    said = " ".join(done.stderr.decode().split())
    assert f"the copy of standard input in {tmp_path}/temporary" in said
    assert "expected room for the whole list" in said
    assert "set TMPDIR to a folder with more room" in said
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_list_without_an_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(piped, "MOST", len(CSV))
    assert run(CSV, "check", "-", "--format", "csv").exit_code == 1
    done = run(CSV + b"c,Hi.\n", "check", "-", "--format", "csv")
    assert isinstance(done.exception, InvalidInput)
    assert f"at most {len(CSV)} bytes; got more; write it into a file" in str(done.exception)


def test_no_file_with_a_name_holds_its_texts(tmp_path: Path) -> None:
    """What no folder lists is gone with its process, also when that is killed."""
    with subprocess.Popen(
        [*SEEDCAST, "check", "-", "--format", "csv"], stdin=subprocess.PIPE
    ) as process:
        assert process.stdin
        process.stdin.write(b"text\n" + b"Hello.\n" * 1_000_000)
        process.stdin.flush()  # a pipe holds 64 KiB: the rest is read, and copied
        files = [path for path in (tmp_path / "temporary").rglob("*") if path.is_file()]
        process.kill()
    assert files == []
