"""Request ids on disk: runs that are sorted by hash, each written once and never changed.

A lookup reads the hashes of all runs. So it is for the few ids that a filter cannot tell, and for
many at once.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from tempfile import TemporaryFile
from typing import NamedTuple

import numpy as np

from seedcast.producers.staging.id_filter import Hashes

_RECORD = np.dtype([("digest", "V32"), ("row", np.int64), ("id", "S64")])


class Known(NamedTuple):
    """Where a request id came first."""

    digest: bytes  # SHA-256 of its content
    row: int


class IdRuns:
    """Methods raise OSError if the disk fails."""

    def __init__(self) -> None:
        self._file = TemporaryFile(prefix="seedcast-")  # noqa: SIM115
        self._runs: list[tuple[int, int]] = []  # offset and number of ids

    def close(self) -> None:
        self._file.close()

    def add(self, known: Mapping[str, Known], hashes: Hashes) -> None:
        """Write a run. `hashes`: of the ids, in their order; two may be equal."""
        records = np.empty(len(known), _RECORD)
        records["id"] = list(known)
        records["digest"] = np.frombuffer(b"".join(one.digest for one in known.values()), "V32")
        records["row"] = [one.row for one in known.values()]
        order = hashes.argsort()
        self._runs.append((self._file.seek(0, os.SEEK_END), len(known)))
        self._file.write(hashes[order].data)
        self._file.write(records[order].data)

    def find(self, ids: Sequence[str], hashes: Hashes) -> dict[str, Known]:
        """Return those that were added. `hashes`: of the ids."""
        return {
            one: Known(record["digest"].tobytes(), int(record["row"]))
            for start, count in self._runs
            for one, record in self._find_in(start, count, ids, hashes)
        }

    def _find_in(
        self, start: int, count: int, ids: Sequence[str], hashes: Hashes
    ) -> Iterator[tuple[str, np.void]]:
        run = self._read(start, count, np.dtype(np.int64))
        first, end = (run.searchsorted(hashes, side) for side in ("left", "right"))
        for index in map(int, np.flatnonzero(first < end)):
            records = start + run.nbytes + first[index] * _RECORD.itemsize
            for record in self._read(records, end[index] - first[index], _RECORD):
                if record["id"].decode() == ids[index]:  # another one may have the same hash
                    yield ids[index], record

    def _read(self, start: int, count: int, kind: np.dtype) -> np.ndarray:
        self._file.seek(start)
        return np.frombuffer(self._file.read(count * kind.itemsize), kind)
