"""A list on a pipe: `-` in place of a file stands for standard input."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, TYPE_CHECKING

from seedcast.errors import InvalidInput, LocalResource, SeedcastError
from seedcast.printing import one_line
from seedcast.private_files import temporary, write_all
from seedcast.producers.rows.list_format import format_of

if TYPE_CHECKING:
    from seedcast.producers.staging.options import SubmitOptions

PIPE = Path("-")
NAME = "standard input"
REJECTED = Path("list.rejected.jsonl")
MOST = 16 * 2**30  # bytes of the copy; a list of a million rows has 0.2
_BLOCK = 1024 * 1024


def shown(file: Path) -> str:
    """Return the name of a list for a person, on one line."""
    return NAME if file == PIPE else one_line(str(file))


@contextmanager
def opened(file: Path, options: "SubmitOptions") -> Iterator[tuple[Path, "SubmitOptions"]]:
    """Yield the path of a list and the options to read it by.

    Lists are not read from front to end alone, so of standard input that is the path of a copy:
    a file without a name, of which nothing stays, however the process ends. What is written beside
    a list goes to the current folder. Raises InvalidInput and LocalResource.
    """
    if file != PIPE:
        yield file, options
        return
    pipe = _pipe(options.format)
    with ExitStack() as stack:
        path = _copied(pipe, stack)
        try:
            yield path, replace(options, rejected=options.rejected or REJECTED)
        except SeedcastError as error:
            _rename(error, str(path))
            raise


def _pipe(format_: str | None) -> IO[bytes]:
    """Return standard input, if a list may come from it."""
    if sys.stdin is None or sys.stdin.isatty():
        raise InvalidInput(
            NAME,
            expected="a list on a pipe",
            got="a terminal" if sys.stdin else "nothing: it is closed",
            remedy="pipe one, as in: zcat list.csv.gz | seedcast check - --format csv",
        )
    if format_ is None:
        raise InvalidInput(
            NAME,
            expected="the format of the list",
            got="a pipe, which has no suffix",
            remedy="name it with --format, such as --format csv",
        )
    format_of(PIPE, format_)
    return sys.stdin.buffer


def _copied(pipe: IO[bytes], stack: ExitStack) -> Path:
    """Return a path that leads to the copy until the stack is closed."""
    try:
        copy, target = temporary()
        stack.enter_context(copy)
        folder = stack.enter_context(TemporaryDirectory(prefix="seedcast-"))
        _copy(pipe, copy)
        path = Path(folder, "list")
        path.symlink_to(target)
        return path
    except OSError as error:
        raise LocalResource(
            f"the copy of {NAME} in {tempfile.tempdir}",
            expected="room for the whole list",
            got=str(error),
            remedy="set TMPDIR to a folder with more room, or write the list into a file",
        ) from error


def _copy(pipe: IO[bytes], copy: IO[bytes]) -> None:
    size = 0
    while chunk := pipe.read(_BLOCK):
        size += len(chunk)
        if size > MOST:
            raise InvalidInput(
                NAME,
                expected=f"a list of at most {MOST:,} bytes",
                got="more",
                remedy="write it into a file, and name that",
            )
        write_all(copy, chunk)


def _rename(error: SeedcastError, path: str) -> None:
    """Name standard input in an error, and not the path of its copy, which nobody can look up."""
    for part in ("what", "expected", "got", "remedy"):
        setattr(error, part, getattr(error, part).replace(path, NAME))
    error.args = tuple(str(part).replace(path, NAME) for part in error.args)
