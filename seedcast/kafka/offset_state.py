"""What is kept in the metadata of a committed offset, and what it belongs to. Pure.

Others copy metadata to where it is wrong: MirrorMaker 2 writes a group's metadata beside the offset
that it has translated for another cluster. So state is stamped with the offset, the partition and
the ids of cluster and topic, and it is believed beside exactly those. Elsewhere it counts as
absent, and the work that it would have spared is repeated.
"""

import msgspec

MAX_METADATA = 4095  # bytes; a broker's default limit is 4,096, exclusive (measured)
STAMP_ROOM = 223  # bytes; a stamp takes about 80, and more with longer ids of other vendors
MAX_STATE = MAX_METADATA - STAMP_ROOM

_VERSION = "2:"  # version 1 was a bitmap without a stamp


class Place(msgspec.Struct, frozen=True, array_like=True):
    """The committed offset that a state belongs to."""

    offset: int
    partition: int
    cluster: str  # id
    topic: str  # id: another one if a topic was deleted and created again

    def __str__(self) -> str:
        return (
            f"offset {self.offset} of partition {self.partition}, "
            f"topic id {self.topic}, cluster {self.cluster}"
        )


_place = msgspec.json.Decoder(Place)


def stamp(state: str, place: Place) -> str:
    """Return the metadata for a commit. Without a state, or if it does not fit, it is empty."""
    if not state:
        return ""
    # JSON escapes a line break, so the first one ends the stamp.
    metadata = f"{_VERSION}{msgspec.json.encode(place).decode()}\n{state}"
    return metadata if len(metadata.encode()) <= MAX_METADATA else ""


def split(metadata: str) -> tuple[Place | None, str]:
    """Return the place that the state belongs to, and the state; None if it has no stamp."""
    head, _, state = metadata.partition("\n")
    if not head.startswith(_VERSION):
        return None, ""
    try:
        return _place.decode(head.removeprefix(_VERSION)), state
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None, ""


def describe(metadata: str) -> str:
    """Say what metadata belongs to. What it holds is not quoted: it may be another tool's."""
    place, _ = split(metadata)
    return f"state of {place}" if place else f"{len(metadata)} characters without a stamp"
