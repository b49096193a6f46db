"""A file's name never lies about what is in it: its ending chooses, or the command refuses."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from seedcast.catalog import profiles
from seedcast.catalog.profiles import Profiles
from seedcast.cli import app
from seedcast.cli.fetch import _rendition
from seedcast.cli.file_names import choose, require_ending
from seedcast.cli.say import _target
from seedcast.errors import InvalidInput
from seedcast.schemas.messages import Rendition, SpeechResult
from seedcast.settings import PostprocessSettings

BUILT_IN = profiles.load(PostprocessSettings())
ENDINGS = {"phone": "ogg", "telephony": "wav", "wav": "wav", "web": "mp3"}


def result(*names: str) -> SpeechResult:
    return SpeechResult(
        request_id="c7",
        campaign_id=None,
        status="succeeded" if names else "cancelled",
        renditions=tuple(
            Rendition(
                profile=name,
                uri=f"s3://audio/c/00/00.{ENDINGS[name]}",
                format=BUILT_IN[name].format,
                sample_rate=8000,
                duration=1.0,
                bytes=1,
                sha256="0" * 64,
            )
            for name in names
        ),
        metadata={},
    )


@pytest.mark.parametrize(
    ("file", "wanted", "chosen"),
    [
        ("c7.wav", None, "telephony"),
        ("c7.WAV", None, "telephony"),
        ("c7.wav", "wav", "wav"),
        ("c7.mp3", None, "web"),
        ("c7.ogg", None, "phone"),
        ("c7.opus", None, "phone"),
        ("c7", None, "phone"),  # no ending says nothing
        ("c7", "web", "web"),
    ],
)
def test_the_ending_chooses_the_rendition(file: str, wanted: str | None, chosen: str) -> None:
    assert _rendition(result(*ENDINGS), Path(file), wanted).profile == chosen


def test_no_rendition_is_written_under_another_ending() -> None:
    with pytest.raises(InvalidInput) as refused:
        _rendition(result("phone", "web"), Path("c7.wav"), None)
    assert refused.value.exit_code == 2
    assert refused.value.got == ".wav"
    assert "phone (.ogg, .oga, .opus), web (.mp3)" in refused.value.expected


def test_a_named_profile_does_not_override_the_ending() -> None:
    with pytest.raises(InvalidInput) as refused:
        _rendition(result(*ENDINGS), Path("c7.wav"), "phone")
    assert "phone (.ogg, .oga, .opus)" in refused.value.expected
    assert "web" not in refused.value.expected
    assert "telephony or wav" in refused.value.remedy


def test_an_unknown_ending_is_refused_even_for_the_first_rendition() -> None:
    with pytest.raises(InvalidInput, match=r"\.aac"):
        _rendition(result("phone"), Path("c7.aac"), None)


def test_a_missing_rendition_is_still_said() -> None:
    with pytest.raises(InvalidInput, match="the request ended as cancelled"):
        _rendition(result(), Path("c7.wav"), None)
    with pytest.raises(InvalidInput, match="expected one of phone; got car"):
        _rendition(result("phone"), Path("c7.ogg"), "car")


@pytest.mark.parametrize(
    ("output", "wanted", "profile", "written"),
    [
        (None, None, "wav", "out.wav"),
        (None, "phone", "phone", "out.ogg"),
        ("x.wav", None, "wav", "x.wav"),
        ("x.wav", "telephony", "telephony", "x.wav"),
        ("x.ogg", None, "phone", "x.ogg"),
        ("x.opus", None, "phone", "x.opus"),
        ("x.flac", None, "archive", "x.flac"),
        ("x.mp3", None, "web", "x.mp3"),
        ("x.ulaw", None, "raw-ulaw", "x.ulaw"),
        ("x.PCMA", None, "raw-alaw", "x.PCMA"),
        ("x.sln", None, "raw-s16-8k", "x.sln"),
        ("x.sln16", None, "raw-s16-16k", "x.sln16"),
        (None, "raw-s16-16k", "raw-s16-16k", "out.sln16"),
        ("x.g722", None, "g722", "x.g722"),
        ("x.m4a", None, "m4a", "x.m4a"),
        ("x.webm", None, "webm", "x.webm"),
        ("x.wav", "wav-8k", "wav-8k", "x.wav"),
        ("x", None, "wav", "x"),
    ],
)
def test_say_writes_what_the_name_promises(
    output: str | None, wanted: str | None, profile: str, written: str
) -> None:
    chosen, path = _target(BUILT_IN, wanted, output and Path(output))
    assert (chosen.name, path) == (profile, Path(written))


@pytest.mark.parametrize(("output", "wanted"), [("x.wav", "phone"), ("x.aac", None)])
def test_say_refuses_a_name_that_would_lie(output: str, wanted: str | None) -> None:
    with pytest.raises(InvalidInput) as refused:
        _target(BUILT_IN, wanted, Path(output))
    assert "phone (.ogg, .oga, .opus)" in refused.value.expected


def test_say_follows_the_formats_of_the_profiles_in_force() -> None:
    changed = dict(BUILT_IN) | {
        "phone": profiles.Profile(name="phone", format="mp3", sample_rate=24000)
    }
    with pytest.raises(InvalidInput, match=r"\.ogg"):
        _target(Profiles(changed), None, Path("x.ogg"))
    assert _target(Profiles(changed), None, Path("x.mp3"))[0].name == "web"


def test_the_preferred_profile_wins_where_it_fits() -> None:
    assert choose(Path("x.wav"), ENDINGS, None, prefer="wav") == "wav"
    assert choose(Path("x.mp3"), ENDINGS, None, prefer="wav") == "web"


def test_other_files_than_audio_are_named_after_what_they_hold(tmp_path: Path) -> None:
    require_ending(Path("all.parquet"), ".parquet")
    require_ending(Path("all"), ".parquet")
    with pytest.raises(InvalidInput, match=r"expected .*\.parquet; got \.csv"):
        require_ending(Path("all.csv"), ".parquet")
    # Refused before the topics are read, which may take long.
    read = CliRunner().invoke(app, ["results", "--parquet", str(tmp_path / "all.csv")])
    assert isinstance(read.exception, InvalidInput)
    assert ".csv" in str(read.exception)
