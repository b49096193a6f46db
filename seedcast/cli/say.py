"""`say`: one utterance without Kafka, the quickest way to hear."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from schemas.messages import SpeechRequest
from seedcast.cli import style_options
from seedcast.cli.base import app, err, out, quiet_logs
from seedcast.errors import InvalidInput
from seedcast.settings import Settings, load

if TYPE_CHECKING:
    from gpu_consumers.engines import Engine
    from seedcast.codec import Waveform


@app.command(rich_help_panel="Daily work")
def say(
    context: typer.Context,
    text: Annotated[str, typer.Argument(help="What to say, Mandarin or English.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Audio file to write.")] = Path(
        "out.wav"
    ),
    voice: style_options.Voice = "2222",
    speaker: style_options.Speaker = None,
    speed: Annotated[
        float | None,
        typer.Option(
            min=0.5,
            max=2.0,
            help="Ratio to the voice's own pace; default: 1, or what a named voice says.",
        ),
    ] = None,
    profile: Annotated[
        str | None, typer.Option(help="Device profile; default: by the file's ending.")
    ] = None,
    temperature: style_options.Temperature = None,
    top_p: style_options.TopP = None,
    top_k: style_options.TopK = None,
    repetition_penalty: style_options.RepetitionPenalty = None,
    refine: style_options.Refine = None,
    oral: style_options.Oral = None,
    laugh: style_options.Laugh = None,
    break_: style_options.Break = None,
    engine: Annotated[
        str | None, typer.Option(help="Engine; default: SEEDCAST_GPU_ENGINE.")
    ] = None,
) -> None:
    """Speak one text into a file, through engine and post-process, without Kafka."""
    from gpu_consumers import engines
    from seedcast.catalog import profiles
    from seedcast.cli.run import with_engine
    from stream_apps.audio.chain import render

    quiet_logs()
    settings = with_engine(load(), engine)
    table = profiles.load(settings.postprocess)
    chosen = table.get(profile or _by_ending(output))
    if chosen is None:
        raise InvalidInput("--profile", expected=f"one of {', '.join(table)}", got=str(profile))
    request = _request(
        {
            "text": text,
            "voice": voice,
            "speaker": speaker,
            "speed": speed,
            "profile": chosen.name,
            **style_options.asked(context),
        },
        settings,
    )
    with err.status("speaking"):
        loaded = engines.load(settings)
        err.print(loaded.description, style="dim", soft_wrap=True)
        waveform = _speak(loaded, request)
        rendered = render(waveform, loaded.sample_rate, chosen)
    try:
        output.write_bytes(rendered.data)
    except OSError as error:
        raise InvalidInput(
            str(output), expected="a file that can be written", got=str(error)
        ) from error
    out.print(
        f"{output}  {rendered.duration:.2f} s  {chosen.format} {chosen.sample_rate} Hz  voice {voice}",
        soft_wrap=True,
    )


def _by_ending(output: Path) -> str:
    return {".ogg": "phone", ".opus": "phone", ".flac": "archive", ".mp3": "web"}.get(
        output.suffix.lower(), "wav"
    )


def _request(row: Mapping[str, object], settings: Settings) -> SpeechRequest:
    """A list of one row: options mean what they mean as columns, and so go before the defaults of a named voice."""
    from gpu_consumers.triage import validate
    from producers import SubmitOptions
    from producers.rows.build import Builder
    from seedcast.catalog import profiles, voices
    from seedcast.errors import InvalidRequest, InvalidRow

    now, table = datetime.now(UTC), profiles.load(settings.postprocess)
    try:
        request = Builder(
            SubmitOptions(campaign="say"), now, table, voices=voices.load(settings)
        ).build(1, row, now)
        validate(request, table)
    except InvalidRow as error:
        raise InvalidInput(error.field, expected=error.expected, got=error.got) from error
    except InvalidRequest as error:
        raise InvalidInput("text", expected=error.expected, got=error.got) from error
    return request


def _speak(engine: "Engine", request: SpeechRequest) -> "Waveform":
    engine.admit(1, request)
    while not (finished := engine.step()):
        continue
    utterance = finished[0]
    if utterance.waveform is None:
        raise InvalidInput(
            "text", got=utterance.error.message if utterance.error else "no waveform"
        )
    return utterance.waveform
