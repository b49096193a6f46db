"""`inspect`, for a request and for a file, and `profiles`."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from seedcast.catalog import profiles
from seedcast.codec import encode_synthesis
from seedcast.schemas.topics import AUDIO, RESULTS
from seedcast.settings import PostprocessSettings, Settings
from seedcast.stream_apps.audio.chain import render, render_source
from seedcast.stream_apps.audio.samples import to_int16
from seedcast.stream_apps.audio.source import Source
from seedcast.stream_apps.inspect.decode import decode
from tests.builders.deployments import Spawn, run
from tests.builders.records import audio, sounds, tone
from tests.builders.speech import RATE, between, noisy, speech, white
from tests.builders.topics import delete, read, send
from tests.builders.waiting import eventually, terminate

pytestmark = pytest.mark.integration


def test_a_request_is_shown_before_and_after_while_its_waveform_is_kept(
    settings: Settings, seedcast: Spawn, tmp_path: Path
) -> None:
    send(settings, AUDIO, sounds(range(3), profiles=("phone", "telephony")))
    send(settings, AUDIO, [(b"request-00009", encode_synthesis(audio(9, tone(22_050, 22_050))))])
    worker = seedcast(["run", "postprocess"], settings)
    eventually(lambda: len(read(settings, RESULTS)) == 4, what="the results")
    assert terminate(worker) == 0
    picture = tmp_path / "before and after.png"
    shown = run(
        settings, "inspect", "request-00001", "--profile", "telephony", "-o", picture, "--json"
    )
    assert shown.returncode == 0, shown.stderr
    facts = json.loads(shown.stdout)
    assert facts["profile"] == "telephony"
    assert (facts["notes"], facts["rendered again here"]) == ([], "the same bytes")
    assert facts["loudness"].endswith("(target -20)")
    assert "300–3400 Hz" in facts["band"]
    assert facts["resampling"] == "22,050 → 8,000 Hz by soxr"
    assert picture.read_bytes().startswith(b"\x89PNG")
    failed = run(settings, "inspect", "request-00009")
    assert failed.returncode == 1
    assert "the request ended as failed: no_speech" in failed.stdout
    delete(settings, AUDIO)
    later = run(settings, "inspect", "request-00001", "-o", picture)
    assert later.returncode == 0, later.stderr
    assert "no longer keep the waveform" in later.stdout
    assert "LUFS" in later.stdout  # from the manifest


def test_a_file_with_two_channels_is_put_through_the_chain(tmp_path: Path) -> None:
    clean = between(speech(), 0.5, 0.7)
    noise = noisy(clean, white(len(clean)), 10)
    soundfile.write(tmp_path / "call.wav", np.stack([noise, noise], axis=1), RATE, subtype="FLOAT")
    picture = tmp_path / "call.svg"
    options = ("-o", picture, "--profile", "speaker", "--json")
    shown = run(Settings(home=tmp_path), "inspect", tmp_path / "call.wav", *options)
    assert shown.returncode == 0, shown.stderr
    facts = json.loads(shown.stdout)
    assert facts["noise suppression"] == "RNNoise (auto, under 20 dB)"
    assert abs(float(facts["SNR"].removesuffix(" dB")) - 10) < 3
    assert "at 48,000 Hz" in facts["rendition"]
    assert "<svg" in picture.read_text()


@pytest.mark.sample(1)
@pytest.mark.parametrize("kind", ["wav", "flac"])
def test_a_file_of_16_bits_is_rendered_to_the_same_bytes_as_in_the_pipeline(
    tmp_path: Path, kind: str
) -> None:
    waveform = to_int16(between(speech(), 0.3, 0.3), dither=False)
    phone = profiles.load(PostprocessSettings())["phone"]
    soundfile.write(tmp_path / f"a.{kind}", waveform, RATE, subtype="PCM_16")
    clip = decode((tmp_path / f"a.{kind}").read_bytes(), "a")
    from_file = render_source(Source(clip.samples, clip.rate), phone)
    assert from_file.sha256 == render(waveform, RATE, phone).sha256


def test_a_file_without_samples_is_shown_as_empty(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "empty.wav", np.zeros(0, np.float32), RATE)
    shown = run(
        Settings(home=tmp_path), "inspect", tmp_path / "empty.wav", "-o", tmp_path / "picture"
    )
    assert shown.returncode == 1, shown.stderr
    assert "at least one sample" in shown.stdout
    # The file that the command names, without an ending.
    assert (tmp_path / "picture").read_bytes().startswith(b"\x89PNG")


def test_an_error_names_what_cannot_be_inspected(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "no.wav").write_bytes(b"RIFF")
    soundfile.write(tmp_path / "a.wav", speech(), RATE)
    for arguments, word in (
        (["request-that-never-was"], "an id with a result"),
        ([tmp_path / "no.wav"], "audio as WAV"),
        ([tmp_path / "a.wav", "--profile", "gramophone"], "telephony-alaw"),
        ([tmp_path / "a.wav", "-o", tmp_path / "a.text"], "a picture file"),
    ):
        refused = run(settings, "inspect", *arguments)
        assert refused.returncode == 2
        assert word in refused.stderr


def test_profiles_lists_the_built_in_rows_and_those_of_the_settings(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(
        '[kiosk]\nformat = "flac"\nsample_rate = 44100\nmax_pause = 0.4\n'
    )
    env = {"SEEDCAST_POSTPROCESS_PROFILES": str(tmp_path / "mine.toml")}
    listed = run(Settings(home=tmp_path), "profiles", "--json", **env)
    rows = {row["name"]: row for row in map(json.loads, listed.stdout.splitlines())}
    built_in = profiles.load(PostprocessSettings())
    assert rows.keys() == {*built_in, "kiosk"}
    assert rows["telephony"]["band"] == [300, 3400]
    table = run(Settings(home=tmp_path), "profiles", COLUMNS="200", **env)
    assert table.returncode == 0
    assert "pauses 0.4" in table.stdout
    phone = next(line for line in table.stdout.splitlines() if line.startswith("phone"))
    assert "0.01" in phone  # its fade
