"""`models bless`: the voice lock of a consumer group, as an operator's explicit act."""

from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from seedcast.cli.base import connected, err, out, quiet_logs
from seedcast.cli.models import models
from seedcast.errors import VoiceLockBroken
from seedcast.settings import Settings

if TYPE_CHECKING:
    from schemas.messages import VoiceLock


@models.command()
def bless(
    engine: Annotated[
        str | None, typer.Option(help="Engine; default: SEEDCAST_GPU_ENGINE.")
    ] = None,
    group: Annotated[
        str | None,
        typer.Option(metavar="NAME", help=r"Consumer group. \[default: the GPU consumers' own]"),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Without asking.")] = False,
) -> None:
    """Record how this engine sounds now: from then on a GPU consumer that sounds otherwise takes no partitions."""
    from gpu_consumers.assignments import GROUP
    from gpu_consumers.verify import voice_lock
    from seedcast.cli.run import with_engine
    from storage.s3 import S3Store

    quiet_logs()
    settings = with_engine(connected(), engine)
    name = group or settings.group(GROUP)
    store = S3Store(settings.s3)
    store.ensure_bucket()
    try:
        was = voice_lock.read(store, name, settings.gpu.engine)
    except VoiceLockBroken as error:  # unreadable, and this is its remedy
        err.print(f"[red]what was there cannot be read[/]: {escape(error.got)}", soft_wrap=True)
        was = None
    will = _heard(settings, name)
    _show(was, will)
    if was and voice_lock.same(was, will):
        out.print("nothing changes: this is what was blessed")
        return
    if not yes:
        typer.confirm("Bless it?", abort=True)
    out.print(
        f"blessed: {voice_lock.write(store, will)}; workers that run go on as they are, and those that start must sound so",
        soft_wrap=True,
    )


def _heard(settings: Settings, group: str) -> "VoiceLock":
    from gpu_consumers import engines
    from gpu_consumers.verify import voice_lock

    with err.status("speaking the golden utterances"), closing(engines.load(settings)) as engine:
        return voice_lock.observe(engine, group, settings.gpu.engine)


def _show(was: "VoiceLock | None", will: "VoiceLock") -> None:
    from gpu_consumers.verify import voice_lock

    out.print(
        f"group {will.group}, engine {will.engine}; blessed before: {was.blessed_at.isoformat(timespec='seconds') if was else 'never'}",
        soft_wrap=True,
    )
    table = Table("", "was", "will be", box=None, pad_edge=False)
    table.add_row("fingerprint", was.engine_fingerprint if was else "–", will.engine_fingerprint)
    for found in voice_lock.differences(was, will) if was else ():
        table.add_row(*map(escape, (found.name, found.expected, found.got)))
    if was and not was.facts:
        table.add_row("its facts", "not kept", "kept")
    names = dict.fromkeys([*(was.utterances if was else ()), *will.utterances])
    for name in names:
        before, after = (
            was.utterances.get(name, "–") if was else "–",
            will.utterances.get(name, "–"),
        )
        table.add_row(name, before[:16], after[:16] if before != after else "[dim]the same[/]")
    out.print(table)
