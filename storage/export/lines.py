"""Requests of a campaign as lines of a list. Pure, but for the links that it is given."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seedcast.schemas.messages import Rendition, SpeechResult
from seedcast.storage.export.columns import WAITING, Line

if TYPE_CHECKING:
    from seedcast.storage.index.indexed import IndexedRequest

Sign = Callable[[str], str | None]  # a link for an address; None: it is no audio of ours
_NO_AUDIO = (None, None, None, None, None, None, None)


@dataclass(frozen=True, kw_only=True)
class LineOptions:
    profiles: frozenset[str] = frozenset()  # empty: all
    sign: Sign | None = None  # None: the lines have no links

    def lines(self, request: "IndexedRequest") -> Iterator[Line]:
        """Yield a line for each rendition of these profiles; without any, a line without audio.

        So each request is in the list, whatever became of it.
        """
        result = request.result
        head = _head(request, result)
        tail = (result.unspoken if result else None, request.ended_at)
        has_audio = False
        for rendition in result.renditions if result else ():
            if not self.profiles or rendition.profile in self.profiles:
                has_audio = True
                yield (*head, *self._audio(rendition), *tail)
        if not has_audio:
            yield (*head, *(_NO_AUDIO if self.sign is None else (*_NO_AUDIO, None)), *tail)

    def count(self, request: "IndexedRequest") -> int:
        """Return how many lines the request has, without signing links."""
        renditions = request.result.renditions if request.result else ()
        return max(1, sum(not self.profiles or r.profile in self.profiles for r in renditions))

    def _audio(self, audio: Rendition) -> Line:
        link = () if self.sign is None else (self.sign(audio.uri),)
        about = (audio.duration, audio.bytes, audio.sha256, audio.format, audio.sample_rate)
        return (audio.profile, audio.uri, *link, *about)


def own_id(request: "IndexedRequest", result: SpeechResult | None) -> str | None:
    """Return the row's own id, as its result has it: PostgreSQL holds no U+0000."""
    return result.metadata.get("id", request.own_id) if result else request.own_id


def _head(request: "IndexedRequest", result: SpeechResult | None) -> Line:
    error = result.error if result else None
    return (
        own_id(request, result),
        request.row,
        request.request_id,
        request.status or WAITING,
        error.code if error else None,
        error.message if error else None,
    )
