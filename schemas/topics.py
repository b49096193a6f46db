"""The one table of topics, of the lanes they form, and of the consumer groups that read them."""

from dataclasses import dataclass, field

from seedcast.schemas.messages import Priority

KIB, MIB = 1024, 1024 * 1024
HOUR = 3_600_000  # milliseconds
DAY = 24 * HOUR

# Headers count towards Kafka's record limit, so a dead letter needs more room than the record that
# it quotes.
HEADER_ROOM = 64 * KIB
AUDIO_BYTES = 16 * MIB  # of the audio topics' largest record: five minutes of noise at 24 kHz


@dataclass(frozen=True)
class Topic:
    name: str  # without the deployment's prefix
    key: str
    value: str
    what: str
    max_bytes: int = MIB  # the largest record batch that the topic accepts
    audio: bool = False  # then that is a setting, and `max_bytes` its default
    retention_ms: int = 7 * DAY
    compacted: bool = False
    partitioned: bool = True  # False: one partition, whatever the setting says
    extra: dict[str, str] = field(default_factory=dict, hash=False)

    def full_name(self, prefix: str) -> str:
        return f"{prefix}.{self.name}"

    def partitions(self, configured: int) -> int:
        return configured if self.partitioned else 1

    def largest(self, configured: int) -> int:
        """Return the bytes of the largest record batch; `configured` is for the audio topics."""
        return configured if self.audio else self.max_bytes

    def config(self, replication: int = 1, record_bytes: int = AUDIO_BYTES) -> dict[str, str]:
        """Returns the topic-level settings, by Kafka's names.

        With three replicas or more, two must have a record before it counts as acknowledged.
        `record_bytes` is the configured size of the audio topics' largest record.
        """
        size = {"max.message.bytes": str(self.largest(record_bytes))}
        durability = {"min.insync.replicas": "2"} if replication > 2 else {}
        return size | self._cleanup() | durability | self.extra

    def _cleanup(self) -> dict[str, str]:
        if self.compacted:
            return {"cleanup.policy": "compact"}
        return {"cleanup.policy": "delete", "retention.ms": str(self.retention_ms)}


_REQUEST = ("voice seed, ASCII decimal", "SpeechRequest (JSON)")
_AUDIO = ("request id", "RawAudio or Rejected (MessagePack)")

REQUESTS = Topic("requests", *_REQUEST, "texts to speak")
REQUESTS_URGENT = Topic("requests.urgent", *_REQUEST, "texts to speak before all others")
AUDIO = Topic(
    "audio",
    *_AUDIO,
    "waveforms and rejections",
    max_bytes=AUDIO_BYTES,
    audio=True,
    retention_ms=2 * DAY,
)
AUDIO_URGENT = Topic(
    "audio.urgent",
    *_AUDIO,
    "waveforms and rejections of urgent requests",
    max_bytes=AUDIO_BYTES,
    audio=True,
    retention_ms=2 * DAY,
)
RESULTS = Topic("results", "request id", "SpeechResult (JSON)", "how each request ended")
RESULTS_URGENT = Topic(
    "results.urgent",
    "request id",
    "SpeechResult (JSON)",
    "how each urgent request ended, once more, for gateways: somebody waits for it",
    retention_ms=HOUR,
    partitioned=False,  # each gateway reads all of it
    # The segment that is written to is kept whole; by default, for a week.
    extra={"segment.ms": str(4 * HOUR)},  # less than this some clusters refuse
)
CAMPAIGNS = Topic(
    "campaigns",
    "campaign id",
    "Campaign (JSON)",
    "state of each campaign",
    compacted=True,
    partitioned=False,
)
CURSORS = Topic(
    "cursors",
    "campaign id",
    "Cursor or FeederTerm (JSON)",
    "how far each list is fed",
    compacted=True,
    partitioned=False,
)
WORKERS = Topic(
    "workers",
    "worker id",
    "Worker (JSON)",
    "which workers there are, and what they do",
    compacted=True,
    partitioned=False,
    extra={
        # A worker is judged by when the broker got its record: machines' clocks differ.
        "message.timestamp.type": "LogAppendTime",
        # The segment that is written to is never compacted; by default, for a week.
        "segment.ms": str(4 * HOUR),  # less than this some clusters refuse
        "delete.retention.ms": str(HOUR),  # nobody needs to learn later that a worker has ended
    },
)
DEAD_LETTERS = Topic(
    "dead-letters",
    "the original key",
    "the original bytes, or empty with a reference to an object",
    "records without a readable request id",
    max_bytes=MIB + HEADER_ROOM,
    partitioned=False,
)

TOPICS = (
    REQUESTS,
    REQUESTS_URGENT,
    AUDIO,
    AUDIO_URGENT,
    RESULTS,
    RESULTS_URGENT,
    CAMPAIGNS,
    CURSORS,
    WORKERS,
    DEAD_LETTERS,
)


@dataclass(frozen=True)
class Lane:
    """The topics that requests of one priority pass through.

    `SpeechRequest.priority` picks the lane once, when a request is submitted. From then on the
    topic of a record is the only thing that says which lane it is in.
    """

    requests: Topic
    audio: Topic


NORMAL = Lane(REQUESTS, AUDIO)
URGENT = Lane(REQUESTS_URGENT, AUDIO_URGENT)
LANES: dict[Priority, Lane] = {"normal": NORMAL, "urgent": URGENT}


@dataclass(frozen=True)
class ConsumerGroup:
    """A group of Seedcast's own workers, and every topic that it commits offsets for."""

    name: str  # without the deployment's prefix
    topics: tuple[Topic, ...]


GPU_CONSUMERS = ConsumerGroup("gpu-consumers", (REQUESTS, REQUESTS_URGENT))
POSTPROCESS = ConsumerGroup("postprocess", (AUDIO, AUDIO_URGENT))
# Its members take turns: the owner of the one partition is the active feeder.
FEEDERS = ConsumerGroup("feeders", (CAMPAIGNS,))
# Likewise the active indexer. Where it goes on is in its database; it commits the offsets of
# `results` for its lag alone.
INDEXERS = ConsumerGroup("indexers", (CAMPAIGNS, RESULTS))
GROUPS = (GPU_CONSUMERS, POSTPROCESS, FEEDERS, INDEXERS)
