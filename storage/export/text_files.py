"""Lists as CSV and as JSON Lines."""

import csv
from collections.abc import Sequence
from datetime import datetime
from io import TextIOWrapper
from typing import BinaryIO

import msgspec

from seedcast.storage.export.cells import harmless, text_of
from seedcast.storage.export.columns import Column, Line


class CsvFile:
    """RFC 4180. Cells that a spreadsheet might run are harmless."""

    def __init__(self, file: BinaryIO, columns: Sequence[Column], *, mark: bool) -> None:
        """`mark`: begin with a byte order mark, without which Excel does not take it for UTF-8."""
        encoding = "utf-8-sig" if mark else "utf-8"
        self._text = TextIOWrapper(file, encoding, newline="", write_through=False)
        self._writer = csv.writer(self._text)
        self._is_text = [column.kind == "text" for column in columns]
        self._writer.writerow([harmless(column.name) for column in columns])

    def write(self, line: Line) -> None:
        self._writer.writerow(
            [
                harmless(text_of(value)) if is_text else text_of(value)
                for is_text, value in zip(self._is_text, line, strict=True)
            ]
        )

    def close(self) -> None:
        self._text.detach()  # which writes what is left, and leaves the file open

    def abandon(self) -> None:
        pass


class JsonLines:
    """One object per line, with every column; values of the list's own columns as they were."""

    def __init__(self, file: BinaryIO, columns: Sequence[Column]) -> None:
        self._file = file
        self._names = [column.name for column in columns]
        self._encode = msgspec.json.Encoder().encode

    def write(self, line: Line) -> None:
        values = (text_of(v) if isinstance(v, datetime) else v for v in line)
        self._file.write(self._encode(dict(zip(self._names, values, strict=True))) + b"\n")

    def close(self) -> None:
        self._file.flush()

    def abandon(self) -> None:
        pass
