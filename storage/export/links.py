"""Links to audio that anybody can fetch for a while."""

from datetime import timedelta

from seedcast.storage.export.lines import Sign
from seedcast.storage.objects import ObjectStore


def signing(store: ObjectStore, valid: timedelta) -> Sign:
    """Return what signs a link for an address. Raises InvalidInput if S3 signs none for so long."""
    store.presign(store.uri("a"), valid)  # raises for how long now, not in the midst
    ours, internal = store.uri(""), store.uri("_")

    def sign(uri: str) -> str | None:
        """Sign audio alone: whoever may write results must not get a list, or another bucket's."""
        is_audio = uri.startswith(ours) and not uri.startswith(internal)
        return store.presign(uri, valid) if is_audio else None

    return sign
