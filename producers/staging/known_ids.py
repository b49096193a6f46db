"""The request ids of a list so far: memory stays flat, however long the list is.

Nearly every id of a list is new, and a filter in memory says so of it at once. The few that it
cannot tell are looked for on the disk.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from seedcast.errors import LocalResource
from seedcast.producers.staging.id_filter import IdFilter, hashes_of
from seedcast.producers.staging.id_runs import IdRuns, Known

RECENT = 32_768  # ids in memory, before they go to the disk


class KnownIds:
    """Methods raise LocalResource if the disk fails."""

    def __init__(self) -> None:
        self._recent, self._filter = dict[str, Known](), IdFilter()
        with _mapped():
            self._runs = IdRuns()

    def close(self) -> None:
        with _mapped():  # it may have something left to write
            self._runs.close()

    def find(self, request_ids: Sequence[str]) -> dict[str, Known]:
        """Return those that are known, by request id."""
        recent = {one: self._recent[one] for one in request_ids if one in self._recent}
        hashes = hashes_of(request_ids)
        perhaps = self._filter.may_have(hashes)
        if not len(perhaps):
            return recent
        with _mapped():
            return recent | self._runs.find([request_ids[i] for i in perhaps], hashes[perhaps])

    def add(self, entries: Mapping[str, Known]) -> None:
        """Add ids that are not known yet."""
        self._recent |= entries
        if len(self._recent) < RECENT:
            return
        hashes = hashes_of(self._recent)
        with _mapped():
            self._runs.add(self._recent, hashes)
        self._filter.add(hashes)
        self._recent.clear()


@contextmanager
def _mapped() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise LocalResource(
            "temporary file of the submission",
            expected="room for the list's ids",
            got=str(error),
            remedy="free disk space, or set TMPDIR to a folder with more",
        ) from error
