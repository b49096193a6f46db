"""The rejected rows, one JSON object per line, for the person who submitted the file.

Only this file shows the text of a row.
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import msgspec

from seedcast.errors import InvalidRow, LocalResource
from seedcast.producers.rows.values import printable
from seedcast.producers.submit.options import Rejection
from seedcast.schemas.messages import SpeechRequest

REPORTED = 100  # rejections in the report; the file has all of them


class Rejected:
    """Counts rejected rows and writes them to a file. Without a path it only counts.

    Other runs of the same list may be under way, so the rows go to a file with the process id in
    its name. `close` renames that file over the one of an earlier run.
    Methods raise LocalResource if the file cannot be written.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.count = 0
        self.first: list[Rejection] = []
        self._part = path and path.with_name(f"{path.name}.{os.getpid()}")
        self._file: BinaryIO | None = None

    def add(self, error: InvalidRow, row: Mapping[str, object] | SpeechRequest | str) -> None:
        rejection = Rejection(
            row=error.row, field=error.field, expected=error.expected, got=error.got
        )
        self.count += 1
        if len(self.first) < REPORTED:
            self.first.append(rejection)
        if self._part is None:
            return
        try:
            self._file = self._file or self._part.open("wb")
            self._file.write(_line(rejection, row))
        except OSError as problem:
            raise _failed(self._part, problem) from problem

    def close(self) -> None:
        if self.path is None or self._part is None:
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
        return msgspec.json.encode({**fields, "came": row}, enc_hook=str) + b"\n"
    except (TypeError, ValueError, RecursionError):  # a value made in Python may not fit JSON
        return msgspec.json.encode({**fields, "came": printable(row)}) + b"\n"


def _failed(path: Path, error: OSError) -> LocalResource:
    return LocalResource(
        f"rejected rows {path}",
        expected="a folder to write to",
        got=str(error),
        remedy="choose another with --state-dir (SubmitOptions.state_dir)",
    )
