"""`say`: one utterance without Kafka, the quickest way to hear a voice."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seedcast.cli.base import EngineName, Json, app, emit, err, load, out, quiet_logs, with_engine
from seedcast.cli.file_names import choose
from seedcast.cli.style_options import UtteranceOptions, expand_options
from seedcast.errors import InvalidInput
from seedcast.schemas.messages import SpeechRequest

if TYPE_CHECKING:
    from seedcast.catalog.profiles import Profile, Profiles
    from seedcast.gpu_consumers.engines import Engine
    from seedcast.settings import Settings
    from seedcast.stream_apps.audio.chain import Rendered
    from seedcast.waveforms import Waveform

PROFILE_OF_SUFFIX = {".ogg": "phone", ".opus": "phone", ".flac": "archive", ".mp3": "web"}


@app.command(rich_help_panel="Daily work")
@expand_options
def say(
    *,
    text: Annotated[str, typer.Argument(help="What to say, in Mandarin or English.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            help=r"Audio file to write. \[default: out.wav, or the ending of --profile]",
        ),
    ] = None,
    spoken: UtteranceOptions,
    profile: Annotated[
        str | None,
        typer.Option(help="Device profile, which the ending must fit; default: by the ending."),
    ] = None,
    engine: EngineName = None,
    explain: Annotated[
        bool,
        typer.Option(
            "--explain", help="Print what would be said, and why; speak and write nothing."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Speak one text into a file, through the engine and post-processing, without Kafka."""
    quiet_logs()
    settings = with_engine(load(), engine)
    if explain:
        if output is not None:
            raise typer.BadParameter("expected --explain or --output, got both")
        from seedcast.cli.explain import explain as print_reading

        print_reading(_request(_row(text, spoken), settings, spoken.lexicon), settings, as_json)
        return
    _speak_into_file(settings, text, spoken, profile, output, as_json)


def _speak_into_file(
    settings: "Settings",
    text: str,
    spoken: UtteranceOptions,
    profile: str | None,
    output: Path | None,
    as_json: bool,
) -> None:
    from seedcast.catalog import profiles
    from seedcast.gpu_consumers import engines
    from seedcast.stream_apps.audio.chain import render

    chosen, file = _target(profiles.load(settings.postprocess), profile, output)
    request = _request(_row(text, spoken, chosen), settings, spoken.lexicon)
    with err.status("speaking"):
        loaded = engines.load(settings)
        err.print(loaded.description, style="dim")
        waveform, unspoken = speak(loaded, request)
        rendered = render(waveform, loaded.sample_rate, chosen)
    try:
        file.write_bytes(rendered.data)
    except OSError as error:
        raise InvalidInput(
            str(file), expected="a file that can be written", got=str(error)
        ) from error
    if unspoken:
        err.print(f"warning: {_without_a_sound(text, unspoken)}", style="yellow")
    if as_json:
        facts = {"file": str(file), **_facts(rendered), "voice": spoken.voice, "unspoken": unspoken}
        fingerprint = {"engine_fingerprint": loaded.fingerprint}
        emit(facts | {"voice_seed": request.voice_seed} | fingerprint)
        return
    out.print(
        f"{file}  {rendered.duration:.2f} s  {chosen.format} {chosen.sample_rate} Hz"
        f"  voice {spoken.voice}",
    )


def _facts(rendered: "Rendered") -> dict[str, object]:
    """Return what a manifest says of a rendition."""
    return {
        "profile": rendered.profile,
        "format": rendered.format,
        "sample_rate": rendered.sample_rate,
        "duration": rendered.duration,
        "bytes": len(rendered.data),
        "sha256": rendered.sha256,
    }


def _target(table: "Profiles", name: str | None, output: Path | None) -> tuple["Profile", Path]:
    """Return the profile and the file, whose ending fits it. Raises InvalidInput."""
    endings = {profile.name: profile.suffix for profile in table.values()}
    file = output or Path("out")
    chosen = choose(file, endings, name, PROFILE_OF_SUFFIX.get(file.suffix.lower(), "wav"))
    return table[chosen], output or file.with_suffix(f".{endings[chosen]}")


def _row(
    text: str, spoken: UtteranceOptions, profile: "Profile | None" = None
) -> dict[str, object]:
    return {
        "text": text,
        "text_format": "markup" if spoken.markup else None,
        "locale": spoken.locale,
        "voice": spoken.voice,
        "speaker": spoken.speaker,
        "speed": spoken.speed,
        "profile": profile and profile.name,
        **spoken.columns(),
    }


def _request(
    row: Mapping[str, object], settings: "Settings", lexicon: Path | None = None
) -> SpeechRequest:
    """Build a request as if from a list of one row. Raises InvalidInput.

    As columns of a row, the options override the defaults of a named voice.
    """
    from seedcast.catalog import lexicon as lexicons
    from seedcast.catalog import profiles, voices
    from seedcast.errors import InvalidRequest, InvalidRow
    from seedcast.gpu_consumers.triage import validate
    from seedcast.producers.rows.build import Builder
    from seedcast.producers.staging.options import SubmitOptions

    now, table = datetime.now(UTC), profiles.load(settings.postprocess)
    options = SubmitOptions(campaign="say")
    try:
        words = lexicons.of_list(lexicon)
        builder = Builder(options, now, table, voices=voices.load(settings), lexicon=words)
        request = builder.build(1, row, now)
        validate(request, table)
    except InvalidRow as error:
        raise InvalidInput(error.field, expected=error.expected, got=error.got) from error
    except InvalidRequest as error:
        raise InvalidInput("text", expected=error.expected, got=error.got) from error
    return request


def speak(engine: "Engine", request: SpeechRequest) -> "tuple[Waveform, int]":
    """Return the waveform of one request, and how many of its characters have no sound.

    Raises InvalidInput if the engine makes none.
    """
    from seedcast.gpu_consumers.verify.replay import synthesise

    [(_, utterance)] = synthesise(engine, [request])
    if utterance.waveform is None:
        message = utterance.error.message if utterance.error else "no waveform"
        lost = utterance.unspoken
        raise InvalidInput("text", got=_without_a_sound(request.text, lost) if lost else message)
    return utterance.waveform, utterance.unspoken


def _without_a_sound(text: str, unspoken: int) -> str:
    """Return how many characters of a text nobody will hear, with the scripts that they are of."""
    from seedcast.gpu_consumers.text.scripts import unspoken_scripts

    scripts = unspoken_scripts(text)
    if others := unspoken - sum(scripts.values()):
        scripts["others"] = others
    counts = ", ".join(f"{script} {count}" for script, count in scripts.items())
    plural = "characters have" if unspoken > 1 else "character has"
    return f"{unspoken} {plural} no sound here ({counts}): only Mandarin and English are spoken"
