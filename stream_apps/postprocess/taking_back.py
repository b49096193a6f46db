"""Stores the objects of a delivery, and takes them back if its result comes too late.

The key of an object is the hash of its content, so requests of a campaign that sound the same share
it. Taken back is only what this delivery created, what no other delivery of this process has used
meanwhile, and what nobody has stored again since, such as a worker that took over the partition.
Any other object stays, and the audit counts it as an orphan if no result names it.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime

import structlog

from seedcast.errors import CredentialsRefused, Retryable
from seedcast.storage.objects import ObjectInfo, ObjectStore
from seedcast.stream_apps.postprocess.render import AudioObject

log = structlog.get_logger(__name__)

Created = dict[str, datetime]  # when each object was stored that was not there before, by its URI


class Uses:
    """Counts, for keys that are in use, the deliveries that have used them since they are."""

    def __init__(self) -> None:
        self._under_way, self._ever = Counter[str](), Counter[str]()

    @contextmanager
    def of(self, objects: Iterable[AudioObject]) -> Iterator[None]:
        keys = {audio.key for audio in objects}
        self._under_way.update(keys)
        self._ever.update(keys)
        try:
            yield
        finally:
            self._under_way.subtract(keys)
            for key in keys:
                if not self._under_way[key]:
                    del self._under_way[key], self._ever[key]

    def shared(self, audio: AudioObject) -> bool:
        return self._ever[audio.key] > 1


def store(objects: ObjectStore, audio: AudioObject, created: Created | None) -> None:
    """Store one object; note it in `created` if it was not there. None: it is never taken back.

    Raises StoreUnavailable.
    """
    uri = objects.uri(audio.key)
    new = created is not None and _is_missing(objects, uri)
    objects.put(audio.key, audio.data, audio.content_type)
    if created is not None and new and (found := objects.stat(uri)):
        created[uri] = found.modified


def take_back(objects: ObjectStore, uris: Iterable[str], created: Created) -> None:
    """Delete these objects, if they are as this delivery created them.

    What cannot be deleted now stays: a result does not wait for that.
    """
    for uri in uris:
        try:
            if uri in created and _is_ours(objects.stat(uri), created[uri]):
                objects.delete(uri)
        except (Retryable, CredentialsRefused) as error:
            log.warning("object_left", uri=uri, problem=str(error), next="the audit names it")


def _is_missing(objects: ObjectStore, uri: str) -> bool:
    """False, too, if it may not be looked up: storing needs no right to read."""
    try:
        return objects.stat(uri) is None
    except CredentialsRefused:
        return False


def _is_ours(found: ObjectInfo | None, stored_at: datetime) -> bool:
    return found is not None and found.modified == stored_at
