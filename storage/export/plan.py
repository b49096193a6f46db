"""Which files a campaign's audio becomes: known whole before the first is fetched."""

import sqlite3
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from seedcast.errors import InvalidInput, LocalResource
from seedcast.schemas.messages import Rendition
from seedcast.storage.export.lines import own_id
from seedcast.storage.export.names import Named, NameTemplate, folded

if TYPE_CHECKING:
    from seedcast.storage.index.indexed import IndexedRequest


class Audio(NamedTuple):
    name: str  # path below the folder
    uri: str
    sha256: str
    bytes: int
    whose: str


class Plan:
    """A temporary table, so that memory stays flat; results that come later are not in it."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("")  # a file without a name, which its end removes
        self._database.execute(
            "CREATE TABLE audio (folded TEXT PRIMARY KEY, name, uri, sha256, bytes, whose)"
        )
        self.files = self.bytes = 0
        self.without = dict[str, int]()  # status → requests without audio

    def close(self) -> None:
        self._database.close()

    def add(
        self,
        requests: Iterable["IndexedRequest"],
        template: NameTemplate,
        profiles: frozenset[str] = frozenset(),
    ) -> None:
        """Add the audio of these profiles; of all, if there are none.

        Raises InvalidInput where two names are one, on any system, and LocalResource.
        """
        try:
            for request in requests:
                self._add_request(request, template, profiles)
        except sqlite3.OperationalError as error:
            raise LocalResource(
                "the temporary table of file names",
                expected="room in the folder of temporary files (TMPDIR)",
                got=str(error),
            ) from error

    def __iter__(self) -> Iterator[Audio]:
        query = "SELECT name, uri, sha256, bytes, whose FROM audio ORDER BY rowid"
        yield from map(Audio._make, self._database.execute(query))

    def _add_request(
        self, request: "IndexedRequest", template: NameTemplate, profiles: frozenset[str]
    ) -> None:
        result = request.result
        own = own_id(request, result)
        named = Named(request.campaign_id, request.request_id, own, request.row)
        renditions = result.renditions if result else ()
        wanted = [r for r in renditions if not profiles or r.profile in profiles]
        if not wanted:
            status = request.status or "waiting"
            self.without[status] = self.without.get(status, 0) + 1
        for rendition in wanted:
            self._add_audio(named, rendition, template.name(named, rendition))

    def _add_audio(self, named: Named, audio: Rendition, name: str) -> None:
        whose = f"{named}, profile {audio.profile}"
        row = (folded(name), name, audio.uri, audio.sha256, audio.bytes, whose)
        query = "INSERT INTO audio VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
        if not self._database.execute(query, row).rowcount:
            raise self._collision(row[0], name, whose)
        self.files += 1
        self.bytes += audio.bytes

    def _collision(self, key: str, name: str, whose: str) -> InvalidInput:
        query = "SELECT name, whose FROM audio WHERE folded = ?"
        other, first = self._database.execute(query, (key,)).fetchone()
        same = name if name == other else f"{other} and {name}, which not every system tells apart"
        return InvalidInput(
            f"two files of one name: {same}",
            expected="a name of its own for each audio",
            got=f"the same for {first}, and for {whose}",
            remedy="give them others by --name, such as '{request_id}.{profile}.{ext}', or"
            " choose one --profile; nothing was fetched",
        )
