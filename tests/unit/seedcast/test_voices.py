"""The voices file: an invalid voice is fatal, and the error names it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from seedcast.catalog import voices
from seedcast.catalog.voices import Voice, Voices
from seedcast.cli.base import app
from seedcast.errors import InvalidSettings
from seedcast.schemas.messages import Style
from seedcast.settings import Settings

EXAMPLE = Path(__file__).parents[3] / "examples" / "voices.toml"


def load(folder: Path, toml: str) -> Voices:
    (folder / "voices.toml").write_text(toml, encoding="utf-8")
    return voices.load(Settings(voices=str(folder / "voices.toml")))


def test_without_a_file_there_are_no_voices() -> None:
    assert voices.load(Settings()) == {}


def test_a_voice_is_a_seed_or_a_speaker_or_both(tmp_path: Path) -> None:
    table = load(
        tmp_path,
        '[a]\nseed = 7\n[b]\nspeaker = "\u4e00"\n'
        '["\u5c0f\u660e"]\nseed = 3\nspeaker = "\u4e00"\nspeed = 2\nlanguage = "zh"',
    )
    assert table["a"].fields() == {"voice_seed": 7, "speaker": None}
    assert table["b"].fields() == {"voice_seed": 0, "speaker": "\u4e00"}
    assert table["\u5c0f\u660e"].fields() == {"voice_seed": 3, "speaker": "\u4e00", "speed": 2.0}


def test_a_voices_style_parameters_override_those_of_the_list() -> None:
    voice = Voice(name="a", seed=1, style={"break": 3, "refine": False, "top_k": 5})
    assert voice.override_style(Style(refine=True, temperature=0.5, top_k=9)) == Style(
        refine=False, temperature=0.5, top_k=5, break_=3
    )


def test_style_values_have_the_types_that_decoding_gives_them(tmp_path: Path) -> None:
    table = load(tmp_path, "[a]\nseed = 1\nstyle = { temperature = 1, top_k = 5, break = 2 }")
    style = table["a"].override_style(Style())
    # Compare by repr: 1 == 1.0, but they are encoded differently.
    assert repr(style) == repr(Style(temperature=1.0, top_k=5, break_=2))


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("[anna]", "voice 'anna'.*a seed, a speaker or both, got neither"),
        ("[anna]\nsede = 1", "voice 'anna'.*sede"),
        ("[anna]\nseed = -1", "voice 'anna'.*seed"),
        ("[anna]\nseed = 9007199254740992", "voice 'anna'.*seed"),
        ("[anna]\nseed = '1'", "voice 'anna'.*seed"),
        ("[anna]\nspeaker = ''", "voice 'anna'.*speaker"),
        ("[anna]\nspeaker = '" + "x" * 8193 + "'", "voice 'anna'.*speaker"),
        ("[anna]\nseed = 1\nspeed = 3.0", "voice 'anna'.*speed"),
        ("[anna]\nseed = 1\nlanguage = 'fr'", "voice 'anna'.*fr"),
        ("[anna]\nseed = 1\nstyle = 3", "voice 'anna'.*style"),
        ("[anna.style]\ntemperature = 9.0\n[anna]\nseed = 1", "voice 'anna'.*style.*temperature"),
        (
            "[anna]\nseed = 1\nstyle = { tempo = 1 }",
            "voice 'anna'.*a style of temperature, .*break, got tempo",
        ),
        ("[anna]\nseed = 1\nstyle = { break_ = 1 }", "voice 'anna'.*got break_"),
        ("[anna]\nseed = 1\nname = 'bob'", "voice 'anna'.*its name only in the brackets"),
        ("[7]\nseed = 1", "voice '7'.*name"),
        ("['a b']\nseed = 1", "voice 'a b'.*name"),
        ("anna = 1", "TOML of"),
        ("[anna", "TOML of"),
    ],
)
def test_an_invalid_voice_is_fatal_and_named(tmp_path: Path, toml: str, message: str) -> None:
    with pytest.raises(InvalidSettings, match=message):
        load(tmp_path, toml)


def test_a_file_that_is_missing_or_not_text_is_fatal(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match=r"SEEDCAST_VOICES; expected a readable TOML file"):
        voices.load(Settings(voices=str(tmp_path / "nowhere.toml")))
    (tmp_path / "voices.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidSettings, match="TOML of"):
        voices.load(Settings(voices=str(tmp_path / "voices.toml")))


def test_the_command_lists_the_voices_of_the_example() -> None:
    env = {"SEEDCAST_VOICES": str(EXAMPLE), "COLUMNS": "200"}
    printed = CliRunner().invoke(app, ["voices"], env=env)
    assert printed.exit_code == 0
    as_json = CliRunner().invoke(app, ["voices", "--json"], env=env)
    listed = [json.loads(line) for line in as_json.output.splitlines()]
    assert len(listed) == len(voices.load(Settings(voices=str(EXAMPLE)))) > 0
    assert all(voice["name"] in printed.output for voice in listed)
