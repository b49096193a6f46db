"""`inspect` reads every format that a profile writes, and says what it did to channels."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import soundfile
from matplotlib.patches import Patch
from matplotlib.text import Text

from seedcast.catalog import profiles
from seedcast.errors import InvalidInput
from seedcast.schemas.messages import Rendition
from seedcast.settings import PostprocessSettings, Settings
from seedcast.stream_apps.audio.chain import Rendered, render
from seedcast.stream_apps.audio.samples import Samples, to_int16
from seedcast.stream_apps.inspect.decode import decode
from seedcast.stream_apps.inspect.find import headerless_object, inspect_file
from seedcast.stream_apps.inspect.inspection import Inspection
from seedcast.stream_apps.inspect.picture import draw
from tests.builders.speech import RATE, SHORT, between, speech

TABLE = profiles.load(PostprocessSettings())


def sound() -> Samples:
    return between(speech(SHORT, 2), 0.3, 0.3)


@cache
def rendered_by(name: str) -> Rendered:
    return render(to_int16(sound(), dither=False), RATE, TABLE[name])


@pytest.mark.parametrize("name", TABLE)
def test_what_a_profile_writes_is_read_by_the_ending_of_its_file(name: str, tmp_path: Path) -> None:
    rendered = rendered_by(name)
    file = tmp_path / f"call.{rendered.suffix}"
    file.write_bytes(rendered.data)
    inspection = inspect_file(Settings(home=tmp_path), file, "speaker")
    assert inspection.before is not None
    assert inspection.before.seconds == pytest.approx(rendered.duration, abs=0.002)
    assert inspection.rendered is not None
    loudness = inspection.rendered.processed.level.before
    assert loudness == pytest.approx(rendered.processed.level.loudness, abs=0.5)
    assert not inspection.is_error


@pytest.mark.parametrize("name", TABLE)
def test_the_object_of_a_manifest_is_read_at_its_rate(name: str) -> None:
    rendered = rendered_by(name)
    manifest = Rendition(
        profile=name,
        uri=f"s3://audio/c/00/00.{rendered.suffix}",
        format=rendered.format,
        sample_rate=rendered.sample_rate,
        duration=rendered.duration,
        bytes=len(rendered.data),
        sha256=rendered.sha256,
    )
    clip = decode(rendered.data, manifest.uri, headerless_object(manifest))
    assert clip.seconds == pytest.approx(rendered.duration, abs=0.002)


def test_a_headerless_file_may_have_another_rate(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.ul", sound(), 16_000, format="RAW", subtype="ULAW")
    settings = Settings(home=tmp_path)
    assert inspect_file(settings, tmp_path / "a.ul", None).before.rate == 8000
    assert inspect_file(settings, tmp_path / "a.ul", None, 16_000).before.rate == 16_000


@pytest.mark.parametrize(("file", "word"), [("a.wav", "headerless"), ("a.g722", "16000 for G.722")])
def test_a_rate_that_a_file_does_not_need_is_refused(tmp_path: Path, file: str, word: str) -> None:
    soundfile.write(tmp_path / "a.wav", sound(), RATE)
    (tmp_path / "a.g722").write_bytes(bytes(1000))
    with pytest.raises(InvalidInput, match=word):
        inspect_file(Settings(home=tmp_path), tmp_path / file, None, 8000)


@pytest.mark.parametrize(
    ("right", "said"),
    [(1.0, "2 channels were mixed to one"), (-0.9, "2 channels were mixed to one, and cancel")],
)
def test_mixed_channels_are_said(tmp_path: Path, right: float, said: str) -> None:
    both = np.stack([sound(), sound() * np.float32(right)], axis=1)
    soundfile.write(tmp_path / "a.wav", both, RATE)
    [note] = inspect_file(Settings(home=tmp_path), tmp_path / "a.wav", None).notes
    assert note.startswith(said)
    assert ("26 dB" in note) == (right < 0)


def test_channels_that_cancel_out_are_an_error_that_says_so(tmp_path: Path) -> None:
    both = np.stack([sound(), -sound()], axis=1)
    soundfile.write(tmp_path / "a.wav", both, RATE, subtype="FLOAT")
    inspection = inspect_file(Settings(home=tmp_path), tmp_path / "a.wav", None)
    assert inspection.is_error
    assert "cancel each other" in inspection.notes[0]
    assert inspection.notes[1].startswith("no_speech")


@pytest.mark.parametrize("data", [b"RIFF", b"not audio at all", bytes(range(256)) * 8])
def test_a_file_that_is_no_audio_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput, match="audio as WAV, FLAC, Ogg, MP3, M4A or WebM"):
        decode(data, "a.wav")


@pytest.mark.parametrize("data", [b"", b"not audio at all"])
def test_the_error_of_a_file_without_audio_says_so_in_words(data: bytes) -> None:
    with pytest.raises(InvalidInput, match="got no audio that is known"):
        decode(data, "a.wav")


def test_a_clean_clip_without_sound_is_not_said_to_lack_a_probability(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(RATE), RATE)
    [note] = inspect_file(Settings(home=tmp_path), tmp_path / "a.wav", None).notes
    assert "expected sound for 30 ms" in note
    assert "probability" not in note


def drawn(inspection: Inspection) -> str:
    """Return all that is written in the picture."""
    figure = draw(inspection)
    return "\n".join(text.get_text() for text in figure.findobj(Text))


def test_the_picture_says_what_was_cut_and_limited_and_where_the_ceiling_is(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", between(speech(), 0.6, 0.0), RATE)
    inspection = inspect_file(Settings(home=tmp_path), tmp_path / "a.wav", "telephony")
    written = drawn(inspection)
    trimmed = inspection.rendered.processed.trimmed
    assert trimmed.lead > 0 > trimmed.tail
    assert f"cut: {trimmed.lead * 1000:.0f} ms" in written
    assert f"silence added: {-trimmed.tail * 1000:.0f} ms" in written
    assert "ceiling\n-2 dBTP" in written
    assert "probability of speech (from 0.5 on)" in written
    assert "amplitude" in written
    level = inspection.rendered.processed.level
    assert level.limited > 0
    assert -20 * np.log10(level.limiter_gains.min()) == pytest.approx(level.limited)


def test_the_picture_of_an_error_has_its_note_and_no_rendition(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(RATE), RATE)
    inspection = inspect_file(Settings(home=tmp_path), tmp_path / "a.wav", None)
    written = drawn(inspection)
    assert "not made" in written
    assert "no_speech" in written


def test_the_picture_shades_the_cut_names_its_axis_and_has_both_curves(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", between(speech(), 0.6, 0.0), RATE)
    inspection = inspect_file(Settings(home=tmp_path), tmp_path / "a.wav", "telephony")
    axes = draw(inspection).axes
    lead = inspection.rendered.processed.trimmed.lead
    shaded = [axis for axis in axes if any(is_from_0_to(lead, patch) for patch in axis.patches)]
    assert [axis.get_ylabel() for axis in shaded] == ["before: amplitude", "frequency, kHz"]
    names = [axis.get_xlabel() for axis in axes if axis.get_xlabel()]
    assert names == ["seconds from the beginning of the waveform before", "seconds"]
    curves = {
        title: max(len(line.get_xdata()) for line in axis.lines)
        for axis in axes
        if (title := axis.get_title(loc="left")) and axis.lines
    }
    assert list(curves) == ["probability of speech (from 0.5 on)", "gain of the limiter, dB"]
    assert min(curves.values()) > 50


def is_from_0_to(end: float, patch: Patch) -> bool:
    box = patch.get_extents().transformed(patch.axes.transData.inverted())
    return bool(np.allclose([box.x0, box.x1], [0, end]))
