"""How many requests are fed and not delivered yet, of all campaigns together."""

from seedcast.kafka import GroupOffsets
from seedcast.schemas.topics import GPU_CONSUMERS, POSTPROCESS
from seedcast.settings import Settings


def count_in_flight(settings: Settings) -> int:
    """Count what the requests and audio topics hold above the offsets that workers committed.

    It is an upper bound: a worker commits a little later than it has sent what it made, and its
    commits say nothing of what is done out of order. Raises SeedcastError and TimeoutError.
    """
    offsets = GroupOffsets(settings)
    return sum(
        offsets.unread(settings.group(group.name), [*map(settings.topic, group.topics)])
        for group in (GPU_CONSUMERS, POSTPROCESS)
    )
