"""`say`: one utterance without Kafka, the quickest way to hear."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from schemas.messages import MAX_VOICE_SEED, SpeechRequest
from seedcast.cli.base import app, err, out
from seedcast.errors import InvalidInput
from seedcast.settings import Settings, load

if TYPE_CHECKING:
    from gpu_consumers.engines import Engine
    from seedcast.codec import Waveform


@app.command(rich_help_panel="Daily work")
def say(
    text: Annotated[str, typer.Argument(help="What to say, Mandarin or English.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Audio file to write.")] = Path("out.wav"),
    voice: Annotated[int, typer.Option(min=0, max=MAX_VOICE_SEED, help="Voice seed.")] = 2222,
    speed: Annotated[float, typer.Option(min=0.5, max=2.0, help="Ratio to the voice's own pace.")] = 1.0,
    profile: Annotated[str | None, typer.Option(help="Device profile; default: by the file's ending.")] = None,
    engine: Annotated[str | None, typer.Option(help="Engine; default: SEEDCAST_GPU_ENGINE.")] = None,
) -> None:
    """Speak one text into a file, through engine and post-process, without Kafka."""
    from gpu_consumers import engines
    from seedcast import profiles
    from seedcast.cli.run import with_engine
    from stream_apps.audio.chain import render

    settings = with_engine(load(), engine)
    table = profiles.load(settings.postprocess)
    chosen = table.get(profile or _by_ending(output))
    if chosen is None:
        raise InvalidInput("--profile", expected=f"one of {', '.join(table)}", got=str(profile))
    with err.status("speaking"):
        loaded = engines.load(settings.gpu)
        waveform = _speak(loaded, _request(text, voice, speed, chosen.name, settings))
        rendered = render(waveform, loaded.sample_rate, chosen)
    try:
        output.write_bytes(rendered.data)
    except OSError as error:
        raise InvalidInput(str(output), expected="a file that can be written", got=str(error)) from error
    out.print(f"{output}  {rendered.duration:.2f} s  {chosen.format} {chosen.sample_rate} Hz  voice {voice}", soft_wrap=True)


def _by_ending(output: Path) -> str:
    return {".ogg": "phone", ".opus": "phone", ".flac": "archive"}.get(output.suffix.lower(), "wav")


def _request(text: str, voice: int, speed: float, profile: str, settings: Settings) -> SpeechRequest:
    from gpu_consumers.outcome import validate
    from seedcast import profiles
    from seedcast.errors import InvalidRequest

    request = SpeechRequest(
        request_id="say-00000000", campaign_id="say", text=text, voice_seed=voice, speed=speed, profiles=(profile,), submitted_at=datetime.now(UTC)
    )
    try:
        validate(request, profiles.load(settings.postprocess))
    except InvalidRequest as error:
        raise InvalidInput("text", expected=error.expected, got=error.got) from error
    return request


def _speak(engine: "Engine", request: SpeechRequest) -> "Waveform":
    engine.admit(1, request)
    while not (finished := engine.step()):
        continue
    utterance = finished[0]
    if utterance.waveform is None:
        raise InvalidInput("text", got=utterance.error.message if utterance.error else "no waveform")
    return utterance.waveform
