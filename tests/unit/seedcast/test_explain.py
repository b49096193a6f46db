"""`say --explain` tells what will be said, and why, and speaks nothing."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from seedcast.cli import app
from seedcast.cli import say as _say  # noqa: F401

RUNNER = CliRunner()


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def explained(*arguments: str) -> dict[str, object]:
    done = RUNNER.invoke(app, ["say", "--explain", "--json", *arguments])
    assert done.exit_code == 0, done.output
    [line] = done.stdout.splitlines()
    reading: dict[str, object] = json.loads(line)
    return reading


def test_a_program_gets_one_object_with_every_token() -> None:
    markup = 'Pay <say-as interpret-as="money" format="USD">5</say-as><break time="1s"/> now'
    reading = explained("--markup", markup)
    assert reading == {
        "spoken": "Pay five dollars now",
        "unspoken": 0,
        "tokens": [
            token("Pay ", "words", "Pay"),
            token("5", "money", "five dollars"),
            token("", "break", "", pause=1.0),
            token(" now", "words", "now"),
        ],
    }
    assert not list(Path.cwd().iterdir())


def token(source: str, kind: str, words: str, pause: float = 0.0) -> dict[str, object]:
    said = {"source": source, "kind": kind, "language": "en", "words": words}
    return {**said, "phonemes": "", "pause": pause}


def test_plain_text_is_not_parsed_and_what_has_no_sound_is_counted() -> None:
    assert explained("5 < 6 \N{GRINNING FACE}")["unspoken"] == 1


def test_locale_and_both_lexicons_decide() -> None:
    lexicon = Path("words.toml")
    lexicon.write_text('[[entry]]\nword = "W3C"\nreading = "the web"\n')
    assert explained("W3C", "--lexicon", str(lexicon))["spoken"] == "the web"
    markup = '<say-as interpret-as="date">12/05</say-as>'
    said = [
        explained("--markup", markup, "--locale", each)["spoken"] for each in ("en-US", "en-GB")
    ]
    assert "December" in str(said[0])
    assert "May" in str(said[1])


def test_a_deployments_lexicon_is_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("words.toml").write_text('[[entry]]\nword = "W3C"\nreading = "the web"\n')
    monkeypatch.setenv("SEEDCAST_LEXICON", "words.toml")
    assert explained("W3C")["spoken"] == "the web"


@pytest.mark.parametrize("engine", ["espeak", "chattts"])
def test_a_person_gets_a_table_for_either_engine(engine: str) -> None:
    done = RUNNER.invoke(app, ["say", "--explain", "Your order leaves today.", "--engine", engine])
    assert done.exit_code == 0
    assert "spoken    Your order leaves today." in done.output
    assert ("its tokenizer was not asked" in done.output) == (engine == "chattts")


def test_wrong_markup_is_an_error_with_its_place() -> None:
    done = RUNNER.invoke(app, ["say", "--explain", "--markup", "a <b>"])
    assert "got <b> at character 3" in str(done.exception)
    assert RUNNER.invoke(app, ["say", "a", "--explain", "-o", "a.wav"]).exit_code == 2


def test_it_loads_neither_torch_nor_the_chain_of_audio() -> None:
    program = (
        "import sys; from seedcast.cli import main\n"
        "sys.argv[1:] = ['say', '--explain', 'Hello 5', '--engine', 'chattts']\n"
        "try: main()\nexcept SystemExit: pass\n"
        "assert not {'torch', 'ChatTTS', 'librosa', 'confluent_kafka'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
