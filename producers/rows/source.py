"""The bytes of a text file, unpacked where it is packed, and bounded."""

import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

from seedcast.errors import InvalidInput
from seedcast.producers.rows.bounds import most_unpacked
from seedcast.producers.rows.rows import BLOCK

if TYPE_CHECKING:
    import pyarrow

# Arrow's, by packing
_CODECS: dict[str, Literal["gzip", "zstd"]] = {".gz": "gzip", ".zst": "zstd"}


@dataclass(frozen=True)
class Source:
    path: Path
    packing: str = ""  # of `list_format.PACKINGS`, or ''

    def open(self) -> BinaryIO:
        """Return the unpacked bytes. Reading raises InvalidInput if they are damaged or a bomb."""
        if not self.packing:
            return self.path.open("rb")
        return io.BufferedReader(_Unpacked(self, self.open_natively()), BLOCK)

    def open_natively(self) -> "pyarrow.NativeFile":
        """Return the unpacked bytes as a file without Python in it, and without a bound.

        Arrow's threads read ahead, also while the process ends: Python, called by them then, ends
        it with SIGABRT.
        """
        import pyarrow

        path = os.fsencode(self.path)  # a name may be no text
        file = pyarrow.OSFile(path)  # type: ignore[call-arg,arg-type]  # its stub lacks both
        return pyarrow.CompressedInputStream(file, _CODECS[self.packing]) if self.packing else file


class _Unpacked(io.RawIOBase):
    """Counts what was unpacked, and names the file in the errors of the unpackers."""

    def __init__(self, source: Source, stream: "pyarrow.NativeFile") -> None:
        self._source, self._stream, self._count = source, stream, 0
        self._most = most_unpacked(source.path.stat().st_size)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            chunk = self._stream.read(len(buffer))
        except OSError as error:
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
