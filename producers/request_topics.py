"""Where a request goes: its topic, its key and its partition. One place for all who send."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seedcast.embedded import is_embedded
from seedcast.errors import TopicMismatch
from seedcast.kafka import Admin, partitioner
from seedcast.schemas.messages import SpeechRequest
from seedcast.schemas.rights import Role
from seedcast.schemas.topics import LANES
from seedcast.settings import Settings

if TYPE_CHECKING:  # it imports pyarrow, 45 MiB that who sends events has no use for
    from seedcast.storage.staged_lists import StagedRow


@dataclass(frozen=True)
class Place:
    topic: str  # its full name
    key: bytes
    partition: int


class RequestTopics:
    def __init__(
        self, settings: Settings, partitions: Mapping[str, int], spread: int | None = None
    ) -> None:
        """`partitions`: how many each topic has, by full name, as `find_topics` returns.

        `spread`: partitions that one voice may use, 0 for all; None: the setting kafka.spread.
        """
        self._topics = {priority: settings.topic(lane.requests) for priority, lane in LANES.items()}
        self._partitions = partitions
        self._spread = settings.kafka.spread if spread is None else spread

    def place(self, request: "SpeechRequest | StagedRow") -> Place:
        topic, key = self._topics[request.priority], partitioner.key(request.voice_seed)
        request_id, partitions = request.request_id.encode(), self._partitions[topic]
        return Place(topic, key, partitioner.partition(key, request_id, self._spread, partitions))


def find_topics(admin: Admin, settings: Settings, role: Role) -> dict[str, int]:
    """Wait for the brokers; return how many partitions each topic has, by full name.

    Topics are created only on the embedded stack. Elsewhere the deployment creates them: the right
    settings, such as replication, are not known here.

    Raises Unreachable, CredentialsRefused, AccessDenied if a right of the role is missing, and
    TopicMismatch if one of its topics is.
    """
    admin.cluster_id()
    if is_embedded(settings):
        admin.ensure_topics()
    admin.require(role)
    existing = admin.existing()
    if missing := [name for name in map(settings.topic, role.topics) if name not in existing]:
        remedy = (
            "run `seedcast topics create` or a worker, with the deployment's "
            "SEEDCAST_KAFKA_PARTITIONS and SEEDCAST_KAFKA_REPLICATION, or correct "
            "SEEDCAST_KAFKA_PREFIX"
        )
        what = "a topic is missing" if len(missing) == 1 else "topics are missing"
        raise TopicMismatch(what, expected=", ".join(missing), remedy=remedy)
    return existing
