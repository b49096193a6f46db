"""`models bless`: set the voice lock of a consumer group, an operator's explicit act."""

from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.text import Text

from seedcast.cli.base import EngineName, connected, err, out, quiet_logs, with_engine
from seedcast.cli.models import models
from seedcast.cli.tables import Row, show
from seedcast.errors import VoiceLockBroken

if TYPE_CHECKING:
    from seedcast.schemas.messages import VoiceLock
    from seedcast.settings import Settings
    from seedcast.storage.objects import ObjectStore


@models.command()
def bless(
    engine: EngineName = None,
    group: Annotated[
        str | None,
        typer.Option(metavar="NAME", help=r"Consumer group. \[default: that of the GPU consumers]"),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Record how this engine sounds now, as the voice lock of a consumer group.

    From then on, a GPU consumer that sounds otherwise takes no partitions.
    """
    from seedcast.gpu_consumers.verify import voice_lock
    from seedcast.schemas.topics import GPU_CONSUMERS
    from seedcast.storage.s3 import S3Store

    quiet_logs()
    settings = with_engine(connected(), engine)
    name = group or settings.group(GPU_CONSUMERS.name)
    store = S3Store(settings.s3)
    store.ensure_bucket()
    before = _blessed(store, name, settings.gpu.engine)
    after = _observe(settings, name)
    _show(before, after)
    if before and voice_lock.is_unchanged(before, after):
        out.print("nothing changes: this is what was blessed")
        return
    if not yes:
        typer.confirm("Bless it?", abort=True)
    uri = voice_lock.write(store, after)
    out.print(
        f"blessed: {uri}. Workers that run continue as they are; those that start must sound so.",
    )


def _blessed(store: "ObjectStore", group: str, engine: str) -> "VoiceLock | None":
    """Return the lock in force. None if there is none, or if it is unreadable."""
    from seedcast.gpu_consumers.verify import voice_lock

    try:
        return voice_lock.read(store, group, engine)
    except VoiceLockBroken as error:  # blessing again is the remedy
        err.print(f"[red]the lock in force is unreadable[/]: {escape(error.got)}")
        return None


def _observe(settings: "Settings", group: str) -> "VoiceLock":
    from seedcast.gpu_consumers import engines
    from seedcast.gpu_consumers.verify import voice_lock

    with err.status("speaking the golden utterances"), closing(engines.load(settings)) as engine:
        return voice_lock.observe(engine, group, settings.gpu.engine)


def _show(before: "VoiceLock | None", after: "VoiceLock") -> None:
    """Print what the blessing changes."""
    from seedcast.gpu_consumers.verify import voice_lock

    when = before.blessed_at.isoformat(timespec="seconds") if before else "never"
    out.print(f"group {after.group}, engine {after.engine}; blessed before: {when}")
    fingerprint = before.engine_fingerprint if before else "–"
    rows: list[Row] = [["fingerprint", fingerprint, after.engine_fingerprint]]
    for fact in voice_lock.differing_facts(before, after) if before else ():
        rows.append([fact.name, fact.expected, fact.got])
    if before and not before.facts:
        rows.append(["its facts", "not kept", "kept"])
    rows += _utterances(before.utterances if before else {}, after.utterances)
    show(["", "was", "will be"], rows)


def _utterances(before: dict[str, str], after: dict[str, str]) -> Iterator[Row]:
    """Yield one row per golden utterance, with its hashes."""
    for name in dict.fromkeys([*before, *after]):
        was, will_be = before.get(name, "–"), after.get(name, "–")
        yield [name, was, will_be if was != will_be else Text("the same", "dim")]
