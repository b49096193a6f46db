"""`dead-letters`: what could not be decoded, why, and putting it back."""

from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from schemas.topics import DEAD_LETTERS
from seedcast.cli.base import Json, app, connected, emit, err, out, quiet_logs
from seedcast.errors import InvalidInput, Undecodable
from seedcast.settings import Settings

if TYPE_CHECKING:
    from storage.dead_letters import DeadLetter

letters = typer.Typer(no_args_is_help=True, help="Records without a readable request id.")
app.add_typer(letters, name="dead-letters", rich_help_panel="Operations")

Offset = Annotated[
    int, typer.Argument(min=0, help="Its offset on the dead-letter topic, as `list` shows it.")
]


@letters.command("list")
def list_letters(as_json: Json = False) -> None:
    """Each with its offset, where it came from, how often it failed and why."""
    quiet_logs()
    none = True
    for letter in _letters(connected()):
        none = False
        if as_json:
            emit(_facts(letter))
        else:
            out.print(
                f"{letter.position:>6}  {letter.topic}[{letter.partition}]@{letter.offset}  {letter.stage}  {letter.delivery_count}×  {letter.message}",
                markup=False,
                soft_wrap=True,
            )
    if none and not as_json:
        err.print("no dead letters")


@letters.command()
def show(offset: Offset) -> None:
    """One, with all that is known, and its bytes as they came (up to 2,000)."""
    from storage.dead_letters import original
    from storage.s3 import S3Store

    quiet_logs()
    settings = connected()
    letter = _find(settings, offset)
    for name, value in _facts(letter).items():
        out.print(Text.assemble((f"{name:>18}", "dim"), f" {value}"), soft_wrap=True)
    _, value, _ = original(letter, S3Store(settings.s3))
    typer.echo(repr((value or b"")[:2000]))


@letters.command()
def redrive(
    offset: Annotated[int | None, typer.Argument(min=0, help="Which one.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
) -> None:
    """Put one back, or all, on the topic it came from, with its key and bytes as they were.

    A letter stays in the list. --all puts each record back once, however often it has failed; what it put back before, it puts back again.
    """
    from seedcast.kafka import Producer
    from storage.dead_letters import original
    from storage.s3 import S3Store

    if (offset is None) != everything:
        raise InvalidInput(
            "redrive", expected="an offset, or --all", got="both" if everything else "neither"
        )
    quiet_logs()
    settings = connected()
    producer, store = Producer(settings), S3Store(settings.s3)
    for letter in [_find(settings, offset)] if offset is not None else _all(settings):
        key, value, headers = original(letter, store)
        producer.deliver(letter.topic, key=key, value=value, headers=headers)
        out.print(f"{letter.position} is back on {letter.topic}")


def _all(settings: Settings) -> Iterator["DeadLetter"]:
    chosen = newest(_letters(settings))
    return (letter for letter in _letters(settings, warn=False) if letter.position in chosen)


def newest(letters: Iterable["DeadLetter"]) -> set[int]:
    """The position of each record's last letter: one that was put back and failed again has another for each time."""
    return set({_identity(letter): letter.position for letter in letters}.values())


def _identity(letter: "DeadLetter") -> bytes:
    """What a letter that was put back and fails again has in common with its first."""
    facts = (letter.topic, letter.first_failure, letter.key, letter.key_object, letter.value_object)
    return blake2b(repr(facts).encode() + letter.value, digest_size=16).digest()


def _letters(settings: Settings, warn: bool = True) -> Iterator["DeadLetter"]:
    from seedcast.kafka import TopicReader
    from storage.dead_letters import parse

    with TopicReader(settings, settings.topic(DEAD_LETTERS)) as reader:
        for record in reader.to_end():
            try:
                yield parse(record)
            except Undecodable as error:  # somebody else's record must not hide ours
                if warn:
                    err.print(Text.assemble(("left out", "yellow"), f" {error}"), soft_wrap=True)


def _find(settings: Settings, offset: int) -> "DeadLetter":
    for letter in _letters(settings):
        if letter.position == offset:
            return letter
    raise InvalidInput(
        f"dead letter {offset}",
        expected="an offset that `seedcast dead-letters list` shows",
        got="none there",
    )


def _facts(letter: "DeadLetter") -> dict[str, object]:
    from dataclasses import asdict

    return {
        name: value
        for name, value in asdict(letter).items()
        if name not in ("key", "value", "headers")
    }
