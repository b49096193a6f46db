"""An invalid profile is refused when it is read, and the error names its row and field."""

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
def test_an_error_names_the_invalid_field_and_its_row(tmp_path: Path, row: str, named: str) -> None:
    sample_rate = "" if "sample_rate" in row else "sample_rate = 16000\n"
    with pytest.raises(InvalidSettings) as raised:
        load(tmp_path, f"[kiosk]\nformat = 'flac'\n{row}\n{sample_rate}")
    assert "profile [kiosk]" in str(raised.value)
    assert named in raised.value.got


@pytest.mark.parametrize(
    "row",
    ["format = 'mp3'\nsample_rate = 8000", "format = 'mp3'\nsample_rate = 24000\nbitrate = 65000"],
)
def test_a_rate_or_bitrate_that_mp3_does_not_have_is_refused(tmp_path: Path, row: str) -> None:
    with pytest.raises(InvalidSettings, match="for MP3"):
        load(tmp_path, f"[kiosk]\n{row}\n")


@pytest.mark.parametrize(
    ("rate", "bitrate", "message"),
    [(44_100, 32_000, "sample_rate of .* for Opus"), (24_000, 256_001, "at most 256000 for Opus")],
)
def test_a_rate_or_bitrate_that_opus_does_not_have_is_refused(
    tmp_path: Path, rate: int, bitrate: int, message: str
) -> None:
    with pytest.raises(InvalidSettings, match=message):
        load(tmp_path, f"[kiosk]\nformat = 'ogg-opus'\nsample_rate = {rate}\nbitrate = {bitrate}\n")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("format = 'raw-ulaw'\nsample_rate = 16000", "sample_rate of 8000 for headerless G.711"),
        ("format = 'g722'\nsample_rate = 8000", "sample_rate of 16000 for G.722"),
        ("format = 'm4a-aac'\nsample_rate = 24001", "sample_rate of .* for AAC"),
        (
            "format = 'm4a-aac'\nsample_rate = 8000\nbitrate = 64000",
            "at most 48000 for AAC at 8000 Hz",
        ),
        ("format = 'webm-opus'\nsample_rate = 44100", "sample_rate of .* for Opus"),
    ],
)
def test_a_rate_that_a_format_does_not_have_is_refused(
    tmp_path: Path, row: str, message: str
) -> None:
    with pytest.raises(InvalidSettings, match=message):
        load(tmp_path, f"[kiosk]\n{row}\n")


def test_every_step_is_applied_by_default_and_can_be_switched_off(tmp_path: Path) -> None:
    table = load(
        tmp_path,
        "[bare]\nformat = 'flac'\nsample_rate = 16000\n"
        "trim = 'off'\ndenoise = 'off'\nloudness = 'off'\ntrue_peak = 'off'\n"
        "[short]\nformat = 'flac'\nsample_rate = 16000\n",
    )
    assert steps(table["bare"]) == ("off", "off", "off", "off")
    assert steps(table["short"]) == ("auto", "auto", -19, -1)


def steps(profile: profiles.Profile) -> tuple[str, str, float | str, float | str]:
    return profile.trim, profile.denoise, profile.loudness, profile.true_peak


def test_the_example_counts_every_sound_as_speech() -> None:
    example = Path(__file__).parents[3] / "examples" / "profiles.toml"
    table = profiles.load(PostprocessSettings(profiles=str(example)))
    counting_all = {name for name, profile in table.items() if profile.speech == 0}
    assert counting_all == {"phone", "telephony"}
