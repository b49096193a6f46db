"""`check` and `submit --dry-run`: what a list will be, before a word is spoken."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile
from typer.testing import CliRunner, Result

from seedcast.cli import app
from seedcast.errors import InvalidInput
from tests.builders.files import a_file

RUNNER = CliRunner()
LIST = (
    "id,text,voice\na,Hello 7627.,7\nb,Hello 7627.,7\nc,Привет Anna.,8\nd,您好，请付11元。,7\n"
    "e,…,7\nf,Bye.,x\nd,您好，请付11元。,7\n"
)


def run(*arguments: object) -> Result:
    return RUNNER.invoke(app, [str(argument) for argument in arguments])


@pytest.mark.parametrize("command", [["check"], ["submit", "--campaign", "night", "--dry-run"]])
def test_a_list_is_counted_and_shown_as_it_will_be_said(tmp_path: Path, command: list[str]) -> None:
    done = run(*command, a_file(tmp_path, LIST), "--id-column", "id", "--json")
    assert done.exit_code == 1
    found = json.loads(done.stdout)
    assert (found["rows"], found["right"], found["rejected"]) == (7, 5, 2)
    assert (found["accepted"], found["duplicates"]) == (4, 1)
    assert [(reason["field"], reason["rows"]) for reason in found["reasons"]] == [
        ("text", 1),
        ("voice", 1),
    ]
    assert found["equal_share"] == 0.25
    assert (found["unspoken"], found["with_unspoken"]) == (6, 1)
    assert found["voices"] == {"7": 3, "8": 1}
    said = {sample["row"]: sample["spoken"] for sample in found["samples"]}
    assert list(said) == [1, 2, 3, 4]
    assert said[1] == "Hello seven thousand six hundred and twenty seven."
    assert said[4] == "您好，请付十一元。"
    assert 2 < found["predicted"]["audio_seconds"] < 20
    assert found["predicted"]["kafka_bytes"] > 24_000
    assert list(found["predicted"]["s3_bytes"]) == ["phone"]


def test_a_person_sees_the_same(tmp_path: Path) -> None:
    path = a_file(tmp_path, LIST)
    done = run("check", path, "--id-column", "id", "--profile", "phone", "--profile", "telephony")
    assert done.exit_code == 1
    lines = " ".join(done.stdout.split())
    assert f"{path}: nothing was submitted; 4 valid, 1 duplicates, 2 rejected, of 7 rows" in lines
    assert "equal requests 25.0%" in lines
    assert "without a sound 6 characters in 1 texts" in lines
    assert "voices 7 × 3, 8 × 1" in lines
    assert "row 4, voice 7: 您好，请付11元。 said: 您好，请付十一元。" in lines
    assert "on S3, roughly phone" in lines
    assert "1 × field voice: expected an integer" in " ".join(done.stderr.split())


def test_a_text_is_shown_on_one_line_and_of_a_long_one_its_start(tmp_path: Path) -> None:
    path = a_file(tmp_path, 'text\n"one\ntwo"\n' + "long " * 300 + "\n")
    done = run("check", path, "--voice", 7)
    assert "  row 1, voice 7: one\\ntwo\n" in done.stdout
    assert "… (1,500 characters)" in done.stdout
    assert max(map(len, done.stdout.splitlines())) < 500


def test_right_lists_end_with_zero_and_one_wrong_list_with_one(tmp_path: Path) -> None:
    right, wrong = (
        a_file(tmp_path, "text\nHello.\n", "a.csv"),
        a_file(tmp_path, "text\n…\n", "b.csv"),
    )
    assert run("check", right, "--voice", 7).exit_code == 0
    done = run("check", wrong, right, "--voice", 7, "--json")
    assert done.exit_code == 1
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(one["file"], one["right"]) for one in found] == [(str(wrong), 0), (str(right), 1)]


@pytest.mark.parametrize(
    ("name", "content"),
    [("l.csv", "text\n"), ("l.csv", "\n\n"), ("l.csv", ""), ("l.jsonl", "\n\n"), ("l.jsonl", "")],
)
def test_an_empty_list_is_refused(tmp_path: Path, name: str, content: str) -> None:
    done = run("check", a_file(tmp_path, content, name), "--voice", 7)
    assert isinstance(done.exception, InvalidInput)
    assert "expected at least one" in str(done.exception) or "has no rows" in str(done.exception)


def test_texts_are_spoken_into_files(tmp_path: Path) -> None:
    path = a_file(tmp_path, "text\nHello.\n您好。\nGood evening.\n")
    done = run(
        "check", path, "--voice", 7, "--profile", "wav", "--speak", 2, "-o", tmp_path, "--json"
    )
    assert done.exit_code == 0
    files = json.loads(done.stdout)["spoken"]
    assert len(files) == 2
    assert all(0.2 < soundfile.info(file).duration < 5 for file in files)
    assert all(Path(file).name.startswith("list-row-") for file in files)


BAD_NAME = os.fsdecode("a\x1b[2J\x9b\nforged \u202eb\x7f".encode() + b"\xff.csv")
SHOWN_NAME = "a\\x1b[2J\\x9b\\nforged \\u202eb\\x7f\\udcff.csv"


@pytest.mark.sample(4)
@pytest.mark.parametrize("content", ["text\n…\n", "text,text\n", None], ids=["rows", "file", "no"])
@pytest.mark.parametrize("more", [[], ["--json"]], ids=["person", "json"])
@pytest.mark.parametrize("command", [["check"], ["submit", "--campaign", "night", "--dry-run"]])
def test_no_output_obeys_a_file_name(
    tmp_path: Path, command: list[str], content: str | None, more: list[str]
) -> None:
    """Neither that of a list with wrong rows, nor the error of one that is wrong or not there."""
    if content is not None:
        a_file(tmp_path, content, BAD_NAME)
    done = subprocess.run(
        [sys.executable, "-m", "seedcast.cli", *command, BAD_NAME, "--voice", "7", *more],
        cwd=tmp_path,
        capture_output=True,
        timeout=60,
        check=False,
    )
    said = (done.stdout + done.stderr).decode()  # UTF-8, whatever the name is
    assert done.returncode == (1 if content == "text\n…\n" else 2)
    assert not set("\x1b\x9b\u202e\x7f") & set(said)
    assert (SHOWN_NAME.replace("\\x", "\\u00") if more else SHOWN_NAME) in said


def test_a_file_name_is_shown_and_not_obeyed(tmp_path: Path) -> None:
    done = run("check", a_file(tmp_path, "text\n…\n", "a\x1b[2Jb.csv"), "--voice", 7)
    assert "\x1b" not in done.stdout + done.stderr
    assert "\\x1b[2Jb.csv: nothing was submitted" in "".join(done.stdout.splitlines())
    assert "\\x1b[2Jb.csv.rejected.jsonl" in "".join(done.stderr.splitlines())


@pytest.mark.parametrize("other", ["there/list.csv", "list.xlsx"])
def test_texts_of_two_lists_of_one_name_are_not_spoken_into_the_same_files(
    tmp_path: Path, other: str
) -> None:
    done = run("check", tmp_path / "list.csv", tmp_path / other, "--speak", 1, "-o", tmp_path)
    assert isinstance(done.exception, InvalidInput)
    assert "lists of different names" in done.exception.expected
