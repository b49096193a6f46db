"""`say` tells whose characters nobody will hear."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from seedcast.cli import main

Say = Callable[..., tuple[int, str, str]]


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Say:
    def run(text: str, *options: str) -> tuple[int, str, str]:
        """Return the exit code, what is printed, and the errors."""
        file = tmp_path / "said.wav"
        arguments = ["say", text, "--voice", "2", "--engine", "espeak", "-o", str(file), *options]
        monkeypatch.setattr(sys, "argv", ["seedcast", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), *capsys.readouterr()

    return run


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Anna, привет", "6 characters have no sound here (Cyrillic 6)"),
        ("Hello مرحبا", "5 characters have no sound here (Arabic 5)"),
        ("Hello สวัสดี ひ", "7 characters have no sound here (Thai 6, Hiragana 1)"),
        ("您好 안녕 カ", "3 characters have no sound here (Hangul 2, Katakana 1)"),
        ("您好 辻", "1 character has no sound here (others 1)"),
        ("您好 🙂", "1 character has no sound here (signs 1)"),
    ],
)
def test_characters_without_a_sound_are_a_warning(say: Say, text: str, said: str) -> None:
    code, printed, warned = say(text)
    assert code == 0
    assert said in warned
    assert "said.wav" in printed


def test_a_text_without_any_sound_names_its_script(say: Say) -> None:
    code, _, error = say("Привет")
    assert code == 2
    assert "6 characters have no sound here (Cyrillic 6)" in error


def test_a_program_reads_how_many(say: Say) -> None:
    assert json.loads(say("Hi ж привет", "--json")[1])["unspoken"] == 7
    _, printed, warned = say("Hi Anna 您好", "--json")
    assert json.loads(printed)["unspoken"] == 0
    assert "no sound" not in warned
