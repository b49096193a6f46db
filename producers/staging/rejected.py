"""The rejected rows, one JSON object per line, for the person who submitted the file.

Only this file shows the text of a row.
"""

import os
import reprlib
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, cast

import msgspec

from seedcast.errors import InvalidRow, LocalResource
from seedcast.private_files import create
from seedcast.producers.rows.values import printable
from seedcast.producers.staging.options import Reason, Rejection

LONGEST = 100_000  # bytes of a line
KEPT = 1000  # characters of a value: lists are of people, and this file has many of their rows
REPORTED = 100  # rejections and reasons in the report; the file has all of them
_REPR = reprlib.Repr()
_REPR.maxstring = _REPR.maxother = KEPT


class Rejected:
    """Counts rejected rows and writes them to a file, a temporary one if there is no path.

    Other runs of the same list may be under way, so the rows go to a file with the process id in
    its name. `close` renames that file over the one of an earlier run.
    Methods raise LocalResource if the file cannot be written.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.count = 0
        self.first: list[Rejection] = []
        self._reasons = Counter[tuple[str, str]]()
        self._part = path and path.with_name(f"{path.name}.{os.getpid()}")
        self._file: BinaryIO | None = None

    def add(self, error: InvalidRow, row: object) -> None:
        rejection = Rejection(
            row=error.row,
            field=error.field[:KEPT],
            expected=error.expected[:KEPT],
            got=error.got[:KEPT],
        )
        self.count += 1
        reason = rejection.field, rejection.expected
        if reason in self._reasons or len(self._reasons) < REPORTED:
            self._reasons[reason] += 1
        if len(self.first) < REPORTED:
            self.first.append(rejection)
        try:
            self._file = self._file or self._open()
            self._file.write(_line(rejection, row))
        except OSError as problem:
            raise _failed(self._part, problem) from problem

    def lines(self) -> BinaryIO | None:
        """Return the file, to read it from its beginning; None if no row was rejected."""
        if self._file:
            self._file.flush()
            self._file.seek(0)
        return self._file

    def _open(self) -> BinaryIO:
        if self._part is None:
            return cast(BinaryIO, TemporaryFile(prefix="seedcast-"))
        return create(self._part, "w+b")

    @property
    def reasons(self) -> tuple[Reason, ...]:
        return tuple(
            Reason(field=field, expected=expected, rows=rows)
            for (field, expected), rows in self._reasons.most_common()
        )

    def close(self) -> None:
        if self.path is None or self._part is None:
            if self._file:
                self._file.close()
            return
        try:
            if self._file:
                self._file.close()
                self._part.replace(self.path)
            else:
                self.path.unlink(missing_ok=True)  # the file of an earlier run
        except OSError as error:
            with suppress(OSError):
                self._part.unlink()
            raise _failed(self.path, error) from error


def _line(rejection: Rejection, row: object) -> bytes:
    fields = msgspec.to_builtins(rejection)
    try:
        came = msgspec.to_builtins(row, enc_hook=str, str_keys=True)
        line = msgspec.json.encode({**fields, "came": _shortened(came)})
    except (TypeError, ValueError, RecursionError):  # a value made in Python may not fit JSON
        line = msgspec.json.encode({**fields, "came": _start(printable(row))})
    if len(line) > LONGEST:
        line = msgspec.json.encode({**fields, "came": _start(row)})
    return line + b"\n"


def _shortened(row: object) -> object:
    """Return the row with the first KEPT characters of each value."""
    if not isinstance(row, Mapping):
        return _start(row)
    return {str(name)[:KEPT]: _value(value) for name, value in row.items()}


def _value(value: object) -> object:
    """Return a value as it is if it is short."""
    is_flat = isinstance(value, bool | float | int | None)
    return value if is_flat else _start(value) if _is_long(value) else value


def _is_long(value: object) -> bool:
    return len(value if isinstance(value, str) else msgspec.json.encode(value)) > KEPT


def _start(value: object) -> str:
    if isinstance(value, str):
        return value if len(value) <= KEPT else f"{value[:KEPT]}… ({len(value):,} characters)"
    return _REPR.repr(value)


def _failed(path: Path | None, error: OSError) -> LocalResource:
    return LocalResource(
        f"rejected rows {path or '(temporary)'}",
        expected="a folder to write to",
        got=str(error),
        remedy="choose another file with --rejected (SubmitOptions.rejected)",
    )
