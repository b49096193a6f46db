"""The rejected rows, one JSON object per line, for the person who submitted the file.

Only this file shows the text of a row.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, cast

import msgspec

from seedcast.errors import InvalidRow, LocalResource
from seedcast.private_files import create, unfinished
from seedcast.producers.rows.values import printable
from seedcast.producers.staging.options import OnRejected, Reason, Rejection

LONGEST = 100_000  # bytes of a line
KEPT = 1024  # bytes of a value: lists are of people, and this file has many of their rows
REPORTED = 100  # rejections and reasons in the report; the file has all of them


class Rejected:
    """Counts rejected rows and writes them to a file, a temporary one if there is no path.

    Other runs of the same list may be under way, so the rows go to a file with a name of its own.
    `close` renames that file over the one of an earlier run.
    Methods raise LocalResource if the file cannot be written.
    """

    def __init__(self, path: Path | None, on_rejected: OnRejected | None = None) -> None:
        self.path, self._on_rejected = path, on_rejected
        self.count = 0
        self.first: list[Rejection] = []
        self._reasons = Counter[tuple[str, str]]()
        self._part = path and unfinished(path)
        self._file: BinaryIO | None = None

    def add(self, error: InvalidRow, row: object) -> None:
        rejection = Rejection(
            row=error.row,
            field=_cut(error.field),
            expected=_cut(error.expected),
            got=_cut(error.got),
        )
        self.count += 1
        reason = rejection.field, rejection.expected
        if reason in self._reasons or len(self._reasons) < REPORTED:
            self._reasons[reason] += 1
        if len(self.first) < REPORTED:
            self.first.append(rejection)
        if self._on_rejected:
            self._on_rejected(error)
        with self._mapped():
            self._file = self._file or self._open()
            self._file.write(_line(rejection, row))

    def lines(self) -> BinaryIO | None:
        """Return the file, to read it from its beginning; None if no row was rejected."""
        if self._file:
            with self._mapped():
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
        try:
            with self._mapped():
                if self._file:
                    self._file.close()
                if self.path and self._part:
                    self._replace(self.path, self._part)
        except LocalResource:
            with suppress(OSError):
                if self._part:
                    self._part.unlink()
            raise

    def _replace(self, path: Path, part: Path) -> None:
        """Replace the file of an earlier run; remove it if no row was rejected in this one."""
        if self._file:
            part.replace(path)
        elif not self.count:
            with suppress(FileNotFoundError, NotADirectoryError):
                path.unlink()

    @contextmanager
    def _mapped(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise LocalResource(
                f"rejected rows {self.path or '(temporary)'}",
                expected="a file that can be written",
                got=str(error),
                remedy="choose another file with --rejected (SubmitOptions.rejected)",
            ) from error


def _line(rejection: Rejection, row: object) -> bytes:
    fields = msgspec.to_builtins(rejection)
    try:
        came = msgspec.to_builtins(row, enc_hook=str, str_keys=True)
        line = msgspec.json.encode({**fields, "came": _shortened(came)})
    except (TypeError, ValueError, RecursionError):  # a value made in Python may not fit JSON
        return msgspec.json.encode({**fields, "came": _cut(printable(row))}) + b"\n"
    if len(line) > LONGEST:
        line = msgspec.json.encode({**fields, "came": _cut(_json(came))})
    return line + b"\n"


def _shortened(row: object) -> object:
    """Return the row with the start of each name and value."""
    if not isinstance(row, Mapping):
        return _value(row)
    return {_cut(str(name)): _value(value) for name, value in row.items()}


def _value(value: object) -> object:
    """Return a value as it is if it is short, and otherwise its start, as text."""
    if isinstance(value, bool | float | None):
        return value
    text = value if isinstance(value, str) else _json(value)
    return value if (cut := _cut(text)) == text else cut


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _cut(text: str) -> str:
    """Return the text, or its start, in KEPT bytes of UTF-8 with a note of its length."""
    data = text.encode(errors="backslashreplace")  # half a character has no bytes of its own
    if len(data) <= KEPT:
        return data.decode()
    note = f"… ({len(text):,} characters)"
    return data[: KEPT - len(note.encode())].decode(errors="ignore") + note
