"""The one table of rights: what each role may do on Kafka and on the object store, and no more.

Kafka's operations imply others: who may read or write a topic may describe it.

On the object store a campaign's audio lies under its name, which begins with a letter or a digit.
Texts lie under `_lists/`, `_uploads/` and `_dead-letters/`, so that "Deny" on `_*` leaves audio.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from seedcast.schemas.topics import (
    AUDIO,
    AUDIO_URGENT,
    CAMPAIGNS,
    CURSORS,
    DEAD_LETTERS,
    FEEDERS,
    GPU_CONSUMERS,
    GROUPS,
    INDEXERS,
    POSTPROCESS,
    REQUESTS,
    REQUESTS_URGENT,
    RESULTS,
    RESULTS_URGENT,
    TOPICS,
    WORKERS,
    Topic,
)

Resource = Literal["Topic", "Group"]
Operation = Literal["Create", "Describe", "DescribeConfigs", "Read", "Write"]
OWN_GROUP = "GROUP"  # stands for the group that a subscriber names


@dataclass(frozen=True)
class Right:
    """One entry of an access control list."""

    operation: Operation
    resource: Resource
    name: str  # without the deployment's prefix

    def __str__(self) -> str:
        return f"{self.operation} on {self.resource} {self.name}"


@dataclass(frozen=True, eq=False)
class Role:
    """One kind of user."""

    name: str
    who: str  # in the command's words, or the SDK's
    topics: Mapping[Topic, tuple[Operation, ...]]
    groups: Mapping[str, tuple[Operation, ...]] = field(default_factory=dict)
    # S3 actions and what they are on; those that begin with "Deny" outweigh the others.
    objects: tuple[str, ...] = ()

    def rights(self, prefix: str, group: str = OWN_GROUP) -> Iterator[Right]:
        """Yield every right, with full names; `group` is the one that a subscriber names."""
        for topic, operations in self.topics.items():
            yield from (Right(each, "Topic", topic.full_name(prefix)) for each in operations)
        for name, operations in self.groups.items():
            full = f"{prefix}.{group if name == OWN_GROUP else name}"
            yield from (Right(each, "Group", full) for each in operations)


OUTPUTS = ("results.parquet", "errors.jsonl", "summary.json")  # under `_lists/CAMPAIGN/`
_READ_LISTS = "s3:GetObject on BUCKET/_lists/*"  # people's texts
_OF_UPLOADS = ("PutObject", "DeleteObject", "AbortMultipartUpload")
_PROBE = "s3:PutObject on BUCKET/_seedcast/*"  # an empty object, at a process's start
SUBMITTER = Role(
    "submitter",
    "`submit`, `Client.submit`",
    {CAMPAIGNS: ("Read", "Write")},
    objects=("s3:PutObject on BUCKET/_lists/*",),
)
RETRIER = Role(
    "retrier",
    "`retry`",
    {
        CAMPAIGNS: ("Read", "Write"),
        RESULTS: ("Read",),
        # Of campaigns whose lists were never staged.
        **dict.fromkeys((REQUESTS, REQUESTS_URGENT), ("Read",)),
    },
    objects=(*SUBMITTER.objects, _READ_LISTS),
)
SENDER = Role(
    "sender",
    "`Client.sender`",
    {
        REQUESTS: ("Write",),
        REQUESTS_URGENT: ("Write",),
        CAMPAIGNS: ("Read", "Write"),  # it opens the campaign of each day
    },
)
OPERATOR = Role(
    "operator",
    "`pause`, `resume`, `cancel`, `campaigns set`",
    {
        CAMPAIGNS: ("Read", "Write"),
        # How much of a paused campaign still comes.
        **dict.fromkeys((REQUESTS, REQUESTS_URGENT, AUDIO, AUDIO_URGENT), ("Describe",)),
    },
    {GPU_CONSUMERS.name: ("Describe",), POSTPROCESS.name: ("Describe",)},
)
WAITER = Role(
    "waiter",
    "`--wait`",
    {CAMPAIGNS: ("Read",), RESULTS: ("Read",)},
    objects=(_READ_LISTS,),
)
OBSERVER = Role(
    "observer",
    "`campaigns`",
    {CAMPAIGNS: ("Read",), CURSORS: ("Read",), RESULTS: ("Read",)},
)
READER = Role(
    "reader",
    "`results`, `fetch`, `Client.results`, `Client.audio`",
    {RESULTS: ("Read",), CAMPAIGNS: ("Read",)},
    objects=("s3:GetObject on BUCKET/*", "Deny s3:GetObject on BUCKET/_*"),
)
EXPORTER = Role(
    "exporter",
    "`export`, `fetch CAMPAIGN DIR`",
    {RESULTS: ("Read",), CAMPAIGNS: ("Read",), CURSORS: ("Read",)},
    # The list says which results are its own; with the index only --with-columns needs it.
    objects=("s3:GetObject on BUCKET/*",),
)
SUBSCRIBER = Role(
    "subscriber",
    "`Client.subscribe`; with a campaign, a reader's, too",
    {RESULTS: ("Read",)},
    {OWN_GROUP: ("Read",)},
)
AUDITOR = Role(
    "auditor",
    "`audit`, `verify`, `inspect`, `where`, `dead-letters list`",
    {topic: ("Read",) for topic in TOPICS if topic not in (RESULTS_URGENT, WORKERS)},
    {group.name: ("Describe",) for group in GROUPS},
    ("s3:GetObject on BUCKET/*", "s3:ListBucket on BUCKET"),
)
WATCHER = Role(
    "watcher",
    "`status`",
    {**dict.fromkeys(TOPICS, ("Describe",)), WORKERS: ("Read",)},
    {GPU_CONSUMERS.name: ("Describe",), POSTPROCESS.name: ("Describe",)},
    ("s3:ListBucket on BUCKET",),
)
GPU_CONSUMER = Role(
    "GPU consumer",
    "`run gpu-consumer`",
    {
        REQUESTS: ("Read",),
        REQUESTS_URGENT: ("Read",),
        AUDIO: ("Write",),
        AUDIO_URGENT: ("Write",),
        CAMPAIGNS: ("Read",),
        WORKERS: ("Write",),
        DEAD_LETTERS: ("Write",),
    },
    {
        GPU_CONSUMERS.name: ("Read",),
        POSTPROCESS.name: ("Describe",),  # how much audio waits
    },
    (
        _PROBE,
        "s3:PutObject on BUCKET/_dead-letters/*",
        "s3:GetObject on BUCKET/_locks/*",
        "s3:ListBucket on BUCKET",  # without it S3 calls a lock that is not there forbidden
    ),
)
POSTPROCESSOR = Role(
    "post-processing",
    "`run postprocess`",
    {
        AUDIO: ("Read",),
        AUDIO_URGENT: ("Read",),
        CAMPAIGNS: ("Read",),
        RESULTS: ("Write",),
        RESULTS_URGENT: ("Write",),
        WORKERS: ("Write",),
        DEAD_LETTERS: ("Write",),
    },
    {POSTPROCESS.name: ("Read",)},
    (
        "s3:PutObject on BUCKET/*",
        "Deny s3:PutObject on BUCKET/_lists/*",
        "Deny s3:PutObject on BUCKET/_uploads/*",
        "Deny s3:PutObject on BUCKET/_locks/*",
    ),
)
FEEDER = Role(
    "feeder",
    "`run feeder`",
    {
        # Read: which rows an earlier feeder has fed that have no result yet.
        REQUESTS: ("Read", "Write"),
        REQUESTS_URGENT: ("Read", "Write"),
        AUDIO: ("Read",),
        AUDIO_URGENT: ("Read",),
        RESULTS: ("Read",),
        # Write: where two submissions of one name raced, the first is written again.
        CAMPAIGNS: ("Read", "Write"),
        CURSORS: ("Read", "Write"),
        # Write: it announces itself, and removes those that died long ago.
        WORKERS: ("Read", "Write"),
    },
    {
        FEEDERS.name: ("Read",),
        GPU_CONSUMERS.name: ("Describe",),
        POSTPROCESS.name: ("Describe",),
    },
    (
        _PROBE,
        _READ_LISTS,
        "s3:DeleteObject on BUCKET/_lists/*",  # of abandoned stagings
        "s3:ListBucket on BUCKET",
    ),
)
INDEXER = Role(
    "indexer",
    "`run indexer`",
    {
        RESULTS: ("Read",),
        # Write: it completes them.
        CAMPAIGNS: ("Read", "Write"),
        CURSORS: ("Read",),
        # Write: it announces itself, and removes those that died long ago.
        WORKERS: ("Read", "Write"),
    },
    {INDEXERS.name: ("Read",)},
    (
        _PROBE,
        _READ_LISTS,
        *(f"s3:PutObject on BUCKET/_lists/*/{name}" for name in OUTPUTS),
        "s3:ListBucket on BUCKET",  # without it S3 calls an object that is not there forbidden
    ),
)
GATEWAY = Role(
    "gateway",
    "`run gateway`",
    {
        **OPERATOR.topics,
        CAMPAIGNS: ("Read", "Write"),
        # Write: it sends. Read: retries of campaigns whose lists were never staged.
        **dict.fromkeys((REQUESTS, REQUESTS_URGENT), ("Read", "Write")),
        RESULTS_URGENT: ("Read",),
        # What failed, for retries; and where there is no index.
        RESULTS: ("Read",),
        CURSORS: ("Read",),
        # Read: what could speak at present. Write: it announces itself.
        WORKERS: ("Read", "Write"),
    },
    OPERATOR.groups,
    # Lists: its processes stage them, retries and the columns that a list came with read them.
    (
        _PROBE,
        *SUBMITTER.objects,
        *EXPORTER.objects,
        "Deny s3:GetObject on BUCKET/_dead-letters/*",
        "Deny s3:GetObject on BUCKET/_locks/*",
        *(f"s3:{action} on BUCKET/_uploads/*" for action in _OF_UPLOADS),
    ),
)
REDRIVER = Role(
    "redriver",
    "`dead-letters redrive`",
    {
        DEAD_LETTERS: ("Read",),
        **dict.fromkeys((REQUESTS, REQUESTS_URGENT, AUDIO, AUDIO_URGENT), ("Write",)),
    },
    objects=("s3:GetObject on BUCKET/_dead-letters/*",),
)
BLESSER = Role(
    "blesser",
    "`models bless`",
    {},
    objects=(
        _PROBE,
        "s3:PutObject on BUCKET/_locks/*",
        "s3:GetObject on BUCKET/_locks/*",
        "s3:ListBucket on BUCKET",
    ),
)
CHECKER = Role(
    "topic checker", "`topics check`", dict.fromkeys(TOPICS, ("Describe", "DescribeConfigs"))
)
ADMINISTRATOR = Role(
    "administrator",
    "`topics create`",
    dict.fromkeys(TOPICS, ("Create", "Describe", "DescribeConfigs")),
)
ROLES = (
    SUBMITTER,
    SENDER,
    RETRIER,
    OPERATOR,
    WAITER,
    OBSERVER,
    READER,
    EXPORTER,
    SUBSCRIBER,
    WATCHER,
    FEEDER,
    GPU_CONSUMER,
    POSTPROCESSOR,
    INDEXER,
    GATEWAY,
    AUDITOR,
    REDRIVER,
    BLESSER,
    CHECKER,
    ADMINISTRATOR,
)
