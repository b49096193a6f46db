"""The rows that were wrong, one JSON object a line, for the person who submitted the file: here alone a row shows its text."""

from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import msgspec

from producers.options import Rejection
from schemas.messages import SpeechRequest
from seedcast.errors import InvalidRow, LocalResource

KEPT = 100  # in the report; the file has all


class Rejected:
    """Raises LocalResource where the file cannot be written. Without a path it only counts."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.count = 0
        self.first: list[Rejection] = []
        self._file: BinaryIO | None = None
        if path is not None:
            try:
                path.unlink(missing_ok=True)  # an earlier run's
            except OSError as error:
                raise _failed(path, error) from error

    def add(self, error: InvalidRow, came: Mapping[str, object] | SpeechRequest | str) -> None:
        rejection = Rejection(row=error.row, field=error.field, expected=error.expected, got=error.got)
        self.count += 1
        if len(self.first) < KEPT:
            self.first.append(rejection)
        if self.path is None:
            return
        line = msgspec.json.encode({**msgspec.to_builtins(rejection), "came": came}, enc_hook=str)
        try:
            self._file = self._file or self.path.open("wb")
            self._file.write(line + b"\n")
        except OSError as problem:
            raise _failed(self.path, problem) from problem

    def close(self) -> None:
        if self._file:
            self._file.close()


def _failed(path: Path, error: OSError) -> LocalResource:
    return LocalResource(
        f"rejected rows {path}", expected="a folder to write to", got=str(error), remedy="choose another with --state-dir (SubmitOptions.state_dir)"
    )
