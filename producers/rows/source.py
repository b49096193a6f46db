"""The bytes of a text file, unpacked where it is packed, and bounded."""

import gzip
import io
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from seedcast.errors import InvalidInput
from seedcast.producers.rows.bounds import most_unpacked
from seedcast.producers.rows.rows import BLOCK


@dataclass(frozen=True)
class Source:
    path: Path
    packing: str = ""  # of `list_format.PACKINGS`, or ''

    def open(self) -> BinaryIO:
        """Return the unpacked bytes. Reading raises InvalidInput if they are damaged or a bomb."""
        if not self.packing:
            return self.path.open("rb")
        return io.BufferedReader(_Unpacked(self, UNPACKERS[self.packing](self.path)), BLOCK)


def _open_gzip(path: Path) -> BinaryIO:
    return cast("BinaryIO", gzip.open(path))  # closed by its user


def _open_zstd(path: Path) -> BinaryIO:
    import pyarrow

    return cast("BinaryIO", pyarrow.input_stream(str(path), compression="zstd", buffer_size=BLOCK))


UNPACKERS: dict[str, Callable[[Path], BinaryIO]] = {
    ".gz": _open_gzip,
    ".zst": _open_zstd,
}


class _Unpacked(io.RawIOBase):
    """Counts what was unpacked, and names the file in the errors of the unpackers."""

    def __init__(self, source: Source, stream: BinaryIO) -> None:
        self._source, self._stream, self._count = source, stream, 0
        self._most = most_unpacked(source.path.stat().st_size)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            chunk = self._stream.read(len(buffer))
        except (EOFError, OSError, zlib.error) as error:
            raise InvalidInput(
                f"{self._source.path} is damaged",
                expected=f"a whole {self._source.packing} file",
                got=str(error),
                remedy="pack or copy it again",
            ) from error
        self._count += len(chunk)
        if self._count > self._most:
            raise InvalidInput(
                f"{self._source.path} unpacks to far more than a list",
                expected=f"at most {self._most:,} bytes unpacked",
                got="more",
                remedy="if it is a list, unpack it first",
            )
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def close(self) -> None:
        self._stream.close()
        super().close()
