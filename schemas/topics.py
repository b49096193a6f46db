"""The one table of topics: what each carries, its key, its partitions and its settings."""

from dataclasses import dataclass, field

KIB, MIB = 1024, 1024 * 1024
HOUR = 3_600_000  # milliseconds
DAY = 24 * HOUR

# Headers count towards Kafka's record limit, so a dead letter needs more room than what it quotes.
HEADER_ROOM = 64 * KIB


@dataclass(frozen=True)
class Topic:
    name: str  # without the deployment's prefix
    key: str
    value: str
    what: str
    max_bytes: int = MIB  # largest record batch the topic takes
    retention_ms: int = 7 * DAY
    compacted: bool = False
    partitioned: bool = True  # False: one partition, whatever the setting
    extra: dict[str, str] = field(default_factory=dict)

    def full_name(self, prefix: str) -> str:
        return f"{prefix}.{self.name}"

    def partitions(self, configured: int) -> int:
        return configured if self.partitioned else 1

    def config(self, replication: int = 1) -> dict[str, str]:
        """Topic-level settings, by Kafka's names. Of three replicas two hold a record before it counts as acknowledged."""
        kept = (
            {"cleanup.policy": "compact"}
            if self.compacted
            else {"cleanup.policy": "delete", "retention.ms": str(self.retention_ms)}
        )
        durable = {"min.insync.replicas": "2"} if replication > 2 else {}
        return {"max.message.bytes": str(self.max_bytes), **kept, **durable, **self.extra}


_REQUEST = ("voice seed, ASCII decimal", "SpeechRequest (JSON)")
_AUDIO = ("request id", "RawAudio or Rejected (MessagePack)")

REQUESTS = Topic("requests", *_REQUEST, "texts to speak")
REQUESTS_URGENT = Topic("requests.urgent", *_REQUEST, "texts to speak first")
REQUESTS_PARKED = Topic(
    "requests.parked", "campaign id", "SpeechRequest (JSON)", "requests of a paused campaign"
)
AUDIO = Topic(
    "audio", *_AUDIO, "waveforms and rejections", max_bytes=16 * MIB, retention_ms=2 * DAY
)
AUDIO_URGENT = Topic(
    "audio.urgent", *_AUDIO, "the same, first", max_bytes=16 * MIB, retention_ms=2 * DAY
)
RESULTS = Topic("results", "request id", "SpeechResult (JSON)", "how each request ended")
CAMPAIGNS = Topic(
    "campaigns",
    "campaign id",
    "Campaign (JSON)",
    "state of each campaign",
    compacted=True,
    partitioned=False,
)
DEAD_LETTERS = Topic(
    "dead-letters",
    "as it came",
    "the original bytes, or none and a reference to an object",
    "what has no readable request id",
    max_bytes=MIB + HEADER_ROOM,
    partitioned=False,
)

TOPICS = (
    REQUESTS,
    REQUESTS_URGENT,
    REQUESTS_PARKED,
    AUDIO,
    AUDIO_URGENT,
    RESULTS,
    CAMPAIGNS,
    DEAD_LETTERS,
)
