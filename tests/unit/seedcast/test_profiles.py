"""A profile that no device could use is refused where it is read, by its row and its field."""

from pathlib import Path

import pytest

from seedcast.catalog import profiles
from seedcast.errors import InvalidSettings
from seedcast.settings import PostprocessSettings


def load(folder: Path, content: str) -> profiles.Profiles:
    (folder / "mine.toml").write_text(content)
    return profiles.load(PostprocessSettings(profiles=str(folder / "mine.toml")))


@pytest.mark.parametrize(
    ("row", "named"),
    [
        ("loudness = 3", "loudness"),
        ("loudness = 'loud'", "loudness"),
        ("true_peak = 1", "true_peak"),
        ("padding = -0.1", "padding"),
        ("padding = 0.01\nfade = 0.02", "fade"),
        ("band = [3400, 300]", "band"),
        ("band = [300, 12000]", "band"),
        ("band = [300]", "band"),
        ("denoise = 'sometimes'", "denoise"),
        ("trim = true", "trim"),
        ("speech = 1.5", "speech"),
        ("resampler = 'linear'", "resampler"),
        ("complexity = 11", "complexity"),
        ("compression = 0.5", "compression"),
        ("max_pause = 0", "max_pause"),
        ("colour = 'red'", "colour"),
        ("name = 'phone'", "name"),
        ("sample_rate = 88201", "whole tens"),
    ],
)
def test_a_wrong_field_is_named_with_its_row(tmp_path: Path, row: str, named: str) -> None:
    with pytest.raises(InvalidSettings) as raised:
        load(
            tmp_path,
            f"[kiosk]\nformat = 'flac'\n{row}\n"
            + ("" if "sample_rate" in row else "sample_rate = 16000\n"),
        )
    assert "profile [kiosk]" in str(raised.value)
    assert named in raised.value.got


@pytest.mark.parametrize(
    "row",
    ["format = 'mp3'\nsample_rate = 8000", "format = 'mp3'\nsample_rate = 24000\nbitrate = 65000"],
)
def test_what_mp3_cannot_be_is_refused(tmp_path: Path, row: str) -> None:
    with pytest.raises(InvalidSettings, match="for MP3"):
        load(tmp_path, f"[kiosk]\n{row}\n")


@pytest.mark.parametrize(
    ("rate", "bitrate", "said"),
    [(44_100, 32_000, "sample_rate of .* for Opus"), (24_000, 256_001, "at most 256000 for Opus")],
)
def test_what_opus_cannot_be_is_refused(tmp_path: Path, rate: int, bitrate: int, said: str) -> None:
    with pytest.raises(InvalidSettings, match=said):
        load(tmp_path, f"[kiosk]\nformat = 'ogg-opus'\nsample_rate = {rate}\nbitrate = {bitrate}\n")


def test_every_step_can_be_switched_off_and_a_short_row_has_them_all(tmp_path: Path) -> None:
    table = load(
        tmp_path,
        "[bare]\nformat = 'flac'\nsample_rate = 16000\ntrim = 'off'\ndenoise = 'off'\nloudness = 'off'\ntrue_peak = 'off'\n"
        "[short]\nformat = 'flac'\nsample_rate = 16000\n",
    )
    assert (
        table["bare"].trim,
        table["bare"].denoise,
        table["bare"].loudness,
        table["bare"].true_peak,
    ) == ("off", "off", "off", "off")
    assert (
        table["short"].trim,
        table["short"].denoise,
        table["short"].loudness,
        table["short"].true_peak,
    ) == ("auto", "auto", -19, -1)


def test_the_example_takes_every_sound_for_speech() -> None:
    table = profiles.load(
        PostprocessSettings(profiles=str(Path(__file__).parents[3] / "examples" / "profiles.toml"))
    )
    assert {name for name, profile in table.items() if profile.speech == 0} == {
        "phone",
        "telephony",
    }
