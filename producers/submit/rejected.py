"""The rows that were wrong, one JSON object a line, for the person who submitted the file: here alone a row shows its text."""

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import msgspec

from producers.rows.values import shown
from producers.submit.options import Rejection
from schemas.messages import SpeechRequest
from seedcast.errors import InvalidRow, LocalResource

KEPT = 100  # in the report; the file has all


class Rejected:
    """Written beside, under the process's number, and put in the place of an earlier run's by `close`: other runs of the same list may be under way.

    Raises LocalResource where the file cannot be written. Without a path it only counts.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.count = 0
        self.first: list[Rejection] = []
        self._part = path and path.with_name(f"{path.name}.{os.getpid()}")
        self._file: BinaryIO | None = None

    def add(self, error: InvalidRow, came: Mapping[str, object] | SpeechRequest | str) -> None:
        rejection = Rejection(
            row=error.row, field=error.field, expected=error.expected, got=error.got
        )
        self.count += 1
        if len(self.first) < KEPT:
            self.first.append(rejection)
        if self._part is None:
            return
        try:
            self._file = self._file or self._part.open("wb")
            self._file.write(_line(rejection, came))
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
                self.path.unlink(missing_ok=True)  # an earlier run's
        except OSError as error:
            with suppress(OSError):
                self._part.unlink()
            raise _failed(self.path, error) from error


def _line(rejection: Rejection, came: object) -> bytes:
    facts = msgspec.to_builtins(rejection)
    try:
        return msgspec.json.encode({**facts, "came": came}, enc_hook=str) + b"\n"
    except (TypeError, ValueError, RecursionError):  # what a program made may have no form in JSON
        return msgspec.json.encode({**facts, "came": shown(came)}) + b"\n"


def _failed(path: Path, error: OSError) -> LocalResource:
    return LocalResource(
        f"rejected rows {path}",
        expected="a folder to write to",
        got=str(error),
        remedy="choose another with --state-dir (SubmitOptions.state_dir)",
    )
