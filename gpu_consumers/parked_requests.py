"""Refuses to start beside requests that an older version has parked.

Until lists were fed ahead by seconds only, GPU consumers moved the requests of a paused campaign to
a topic of their own, and put them back when it was resumed. Nobody reads that topic any more.
"""

from seedcast.errors import TopicMismatch
from seedcast.kafka import GroupOffsets
from seedcast.retry import retry
from seedcast.settings import Settings

TOPIC, GROUP = "requests.parked", "parking"  # without the deployment's prefix


def refuse_parked(settings: Settings) -> None:
    """Raises TopicMismatch if the topic holds requests that its group has not put back.

    Without a right to describe the topic, it is taken as not there: that is what Kafka says.
    Raises AccessDenied if the topic may be described, and the group may not.
    """
    topic, group = f"{settings.kafka.prefix}.{TOPIC}", settings.group(GROUP)
    parked = retry(
        lambda: GroupOffsets(settings).unread(group, [topic]), seconds=settings.kafka.start_timeout
    )
    if parked:
        raise TopicMismatch(
            f"topic {topic} holds requests of paused campaigns, which this version does not read",
            expected=f"none that the group {group} has not put back",
            got=f"{parked:,}",
            remedy="run GPU consumers of the version before, `seedcast resume` or `cancel` those "
            "campaigns, and start this version when that group has no lag; or delete the topic, "
            "and these requests are never answered",
        )
