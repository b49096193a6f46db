"""`inspect`: what post-processing made of one waveform, step by step, as a table and as a picture."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from schemas.messages import SpeechResult
from seedcast.cli.base import Json, app, connected, emit, err, out, quiet_logs
from seedcast.errors import InvalidInput, InvalidRequest
from seedcast.settings import Settings, load
from stream_apps.inspect.inspection import Clip, Inspection, decode, steps

if TYPE_CHECKING:
    from seedcast.catalog.profiles import Profile


@app.command(rich_help_panel="Daily work")
def inspect(
    what: Annotated[
        str,
        typer.Argument(
            metavar="REQUEST_ID|FILE", help="As `seedcast results` shows it, or an audio file."
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Picture to write: PNG, or SVG or PDF by its ending."),
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(help="Which profile; default: the request's first, or phone for a file."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show what post-processing did: a waveform before and after, and each step's figures.

    The waveform before is read from the audio topics, which keep it for two days. A file is put through the chain, here.
    """
    quiet_logs()
    found = _of_file(Path(what), profile) if Path(what).exists() else _of_request(what, profile)
    if as_json:
        emit(
            {
                "name": found.name,
                "profile": found.profile.name,
                "notes": list(found.notes),
                **dict(steps(found)),
            }
        )
    else:
        _print(found)
    if output:
        _draw(found, output)


def _of_file(path: Path, name: str | None) -> Inspection:
    profile = _profile(load(), name or "phone")
    try:
        before = decode(path.read_bytes(), str(path))
    except OSError as error:
        raise InvalidInput(str(path), expected="a file that can be read", got=str(error)) from error
    return _rendered(Inspection(path.name, profile, before=before))


def _of_request(request_id: str, name: str | None) -> Inspection:
    from storage.s3 import S3Store

    settings = connected()
    result = _result(settings, request_id)
    with err.status("reading the audio topics"):
        before = _before(settings, request_id)
    kept = (
        ()
        if before
        else (
            "the audio topics no longer keep the waveform before: what follows is the manifest's word",
        )
    )
    if not result.renditions:
        failed = f"it {result.status}" + (
            f": {result.error.code}: {result.error.message}" if result.error else ""
        )
        return Inspection(
            request_id, _profile(settings, name or "phone"), before=before, notes=(failed, *kept)
        )
    manifest = next((r for r in result.renditions if name in (None, r.profile)), None)
    if manifest is None:
        raise InvalidInput(
            "--profile",
            expected=f"one of {', '.join(r.profile for r in result.renditions)}",
            got=str(name),
        )
    data = S3Store(settings.s3).get(manifest.uri)
    sound = (
        ()
        if hashlib.sha256(data).hexdigest() == manifest.sha256
        else ("the object is not what its manifest says",)
    )
    found = Inspection(
        request_id,
        _profile(settings, manifest.profile),
        before,
        decode(data, manifest.uri),
        None,
        manifest,
        (*sound, *kept),
    )
    return _rendered(found)


def _rendered(found: Inspection) -> Inspection:
    """With the chain's own word, where there is a waveform to ask it of."""
    from stream_apps.audio.chain import render_source
    from stream_apps.audio.source import Source

    if not found.before:
        return found
    try:
        made = render_source(Source(found.before.samples, found.before.rate), found.profile)
    except InvalidRequest as error:
        return replace(found, notes=(*found.notes, f"{error.code}: {error}"))
    return replace(found, made=made, after=found.after or decode(made.data, found.name))


def _profile(settings: Settings, name: str) -> "Profile":
    from seedcast.catalog import profiles

    table = profiles.load(settings.postprocess)
    if name not in table:
        raise InvalidInput("--profile", expected=f"one of {', '.join(table)}", got=name)
    return table[name]


def _result(settings: Settings, request_id: str) -> SpeechResult:
    from seedcast.campaigns.subscription import read_results

    found = next((r for r in read_results(settings) if r.request_id == request_id), None)
    if found is None:
        raise InvalidInput(
            request_id,
            expected="a file, or an id with a result",
            got="neither",
            remedy="`seedcast results` lists them",
        )
    return found


def _before(settings: Settings, request_id: str) -> Clip | None:
    from schemas.messages import RawAudio
    from schemas.topics import AUDIO, AUDIO_URGENT
    from seedcast.codec import decode_flac, decode_synthesis
    from seedcast.kafka import TopicReader
    from stream_apps.audio.samples import from_int16

    for topic in (AUDIO_URGENT, AUDIO):
        with TopicReader(settings, settings.topic(topic)) as reader:
            value = next(
                (record.value for record in reader.to_end() if record.key == request_id.encode()),
                None,
            )
        if value and isinstance(audio := decode_synthesis(value), RawAudio):
            waveform, rate = decode_flac(audio.flac)
            return Clip(from_int16(waveform), rate)
    return None


def _draw(found: Inspection, output: Path) -> None:
    from stream_apps.inspect.picture import draw

    figure = draw(found)
    try:
        figure.savefig(output, dpi=110)
    except (
        OSError,
        ValueError,
    ) as error:  # matplotlib names the endings that it knows by a ValueError
        raise InvalidInput(
            str(output), expected="a picture file that can be written", got=str(error)
        ) from error
    err.print(f"{output} written", soft_wrap=True)


def _print(found: Inspection) -> None:
    out.print(f"[bold]{found.name}[/] for {found.profile.name}", soft_wrap=True)
    for note in found.notes:
        out.print(note, markup=False, soft_wrap=True)
    table = Table(show_header=False, box=None, pad_edge=False)
    for step, did in steps(found):
        table.add_row(f"[dim]{step}[/]", Text(str(did)))
    out.print(table)
