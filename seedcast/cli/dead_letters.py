"""`dead-letters`: what could not be decoded and why, and putting it back."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from seedcast.cli.base import Json, app, connected, emit, err, out, quiet_logs
from seedcast.cli.verbosity import App
from seedcast.errors import InvalidInput, Undecodable
from seedcast.schemas.topics import DEAD_LETTERS

if TYPE_CHECKING:
    from seedcast.settings import Settings
    from seedcast.storage.dead_letters import DeadLetter

letters = App(no_args_is_help=True, help="Records without a readable request id.")
app.add_typer(letters, name="dead-letters", rich_help_panel="Operations")

Offset = Annotated[
    int, typer.Argument(min=0, help="Its offset on the dead-letter topic, as `list` shows it.")
]

SHOWN_BYTES = 2000


@letters.command("list")
def list_letters(as_json: Json = False) -> None:
    """List the dead letters: offset, source topic, number of failures, and reason."""
    quiet_logs()
    count = 0
    for letter in _read(connected(store=False)):
        count += 1
        if as_json:
            emit(_facts(letter))
        else:
            _print(letter)
    if not count and not as_json:
        err.print("no dead letters")


@letters.command()
def show(offset: Offset, as_json: Json = False) -> None:
    """Show one with everything that is known, and up to 2,000 of its original bytes."""
    from seedcast.storage.dead_letters import original
    from seedcast.storage.s3 import S3Store

    quiet_logs()
    settings = connected()
    letter = _find(settings, offset)
    _, value, _ = original(letter, S3Store(settings.s3))
    shown = repr((value or b"")[:SHOWN_BYTES])
    if as_json:
        emit({**_facts(letter), "value": shown})
        return
    for name, fact in _facts(letter).items():
        out.print(Text.assemble((f"{name:>18}", "dim"), f" {fact}"))
    typer.echo(shown)


@letters.command()
def redrive(
    offset: Annotated[int | None, typer.Argument(min=0, help="Which one.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    as_json: Json = False,
) -> None:
    """Put one or all back on the topic they came from, with key and bytes unchanged.

    A letter stays in the list.
    --all puts each record back once, however often it has failed.
    A second run sends the same records a second time.
    """
    from seedcast.kafka import Producer
    from seedcast.storage.dead_letters import original
    from seedcast.storage.s3 import S3Store

    if (offset is None) != everything:
        got = "both" if everything else "neither"
        raise InvalidInput("redrive", expected="an offset, or --all", got=got)
    quiet_logs()
    settings = connected()
    producer, store = Producer(settings), S3Store(settings.s3)
    chosen = [_find(settings, offset)] if offset is not None else _newest(settings)
    for letter in chosen:
        key, value, headers = original(letter, store)
        producer.deliver(letter.topic, key=key, value=value, headers=headers)
        if as_json:
            emit({"position": letter.position, "topic": letter.topic})
        else:
            out.print(f"{letter.position} is back on {letter.topic}")


def _newest(settings: "Settings") -> Iterator["DeadLetter"]:
    """Yield the last letter of each record. Reads the topic twice, so that none is held."""
    from seedcast.storage.dead_letters import newest

    positions = newest(_read(settings))
    return (letter for letter in _read(settings, warn=False) if letter.position in positions)


def _read(settings: "Settings", warn: bool = True) -> Iterator["DeadLetter"]:
    """Yield the letters of the topic. What cannot be read is reported if `warn`, and left out."""
    from seedcast.kafka import TopicReader
    from seedcast.storage.dead_letters import parse

    with TopicReader(settings, settings.topic(DEAD_LETTERS)) as reader:
        for record in reader.to_end():
            try:
                yield parse(record)
            except Undecodable as error:  # another program's record must not hide ours
                if warn:
                    err.print(Text.assemble(("left out", "yellow"), f" {error}"))


def _find(settings: "Settings", offset: int) -> "DeadLetter":
    for letter in _read(settings):
        if letter.position == offset:
            return letter
    raise InvalidInput(
        f"dead letter {offset}",
        expected="an offset that `seedcast dead-letters list` shows",
        got="none there",
    )


def _print(letter: "DeadLetter") -> None:
    out.print(
        f"{letter.position:>6}  {letter.topic}[{letter.partition}]@{letter.offset}"
        f"  {letter.stage}  {letter.delivery_count}×  {letter.message}",
        markup=False,
    )


def _facts(letter: "DeadLetter") -> dict[str, object]:
    """Return the fields that can be printed: not key, value and headers, which are bytes."""
    hidden = ("key", "value", "headers")
    return {name: value for name, value in asdict(letter).items() if name not in hidden}
