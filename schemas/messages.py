"""Every message that crosses a process boundary, defined once.

The messages are frozen, keyword-only structs. Decoding validates types, bounds and patterns. It
ignores unknown fields, so that an older reader can read a newer writer's messages. The constructor
does not validate: decode everything that comes from outside with `seedcast.codec`.
"""

from datetime import datetime
from typing import Annotated, Literal, get_args

from msgspec import UNSET, Meta, Struct, UnsetType, field

from seedcast.schemas.locales import Locale

# characters; about an hour of speech, far more than an engine accepts as one request
MAX_TEXT = 10_000
MAX_VOICE_SEED = 2**53 - 1  # the largest integer that every JSON reader reads exactly

# In Python `$` alone also matches before a final newline; the look-ahead excludes that.
_END = r"$(?!\n)"
RequestId = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{7,63}" + _END,
        description="identifies one request for ever: 8 to 64 letters, digits, '_' and '-'",
    ),
]
CampaignId = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}" + _END,
        description="1 to 64 letters, digits, '.', '_' and '-'; begins with a letter or a digit",
    ),
]
ProfileName = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,31}" + _END)]
Text = Annotated[
    str, Meta(min_length=1, max_length=MAX_TEXT, description="the text to speak; personal data")
]
VoiceSeed = Annotated[
    int, Meta(ge=0, le=MAX_VOICE_SEED, description="determines the voice and every random draw")
]
Speaker = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=8192,
        description="a ChatTTS speaker string; replaces the voice of the seed",
    ),
]
Speed = Annotated[
    float,
    Meta(
        ge=0.5,
        le=2.0,
        description="ratio to the voice's normal pace; each engine maps it to its own scale",
    ),
]
Tenant = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}" + _END)]
Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}" + _END)]
Instant = Annotated[datetime, Meta(tz=True)]
Deadline = Annotated[
    datetime,
    Meta(
        tz=True,
        description=(
            "the result must be sent by then; judged before synthesis, before rendering, before "
            "objects are stored and before the result is sent; what is late ends as expired, "
            "without audio; where the campaign or every profile asked for says deliver_late, "
            "judged before synthesis only"
        ),
    ),
]
Metadata = Annotated[
    dict[str, str], Meta(max_length=32, description="opaque; copied to the result")
]
Priority = Literal["normal", "urgent"]
TextFormat = Literal["plain", "markup"]
Status = Literal["succeeded", "failed", "expired", "cancelled"]
STATUSES: tuple[Status, ...] = get_args(Status)
CampaignState = Literal["open", "sealed", "completed", "paused", "cancelled"]
WorkerId = Annotated[
    str, Meta(pattern=r"^[!-~]{1,255}" + _END, description="one process, of whatever kind")
]
WorkerKind = Literal["gpu-consumer", "postprocess", "feeder", "indexer", "gateway"]
WorkerState = Literal[
    "starting",  # it takes no work yet
    "standby",  # it takes over when the active one of its kind is gone
    "ready",
    "draining",  # it finishes what it has, and takes nothing new
]
ErrorCode = Literal[
    "invalid_request",  # its id is readable; a field is missing, mistyped or out of bounds
    "nothing_to_speak",  # the text has no letter and no digit
    "text_too_long",  # for the engine, or for a record of the audio topic
    "unknown_profile",
    "expired",  # its deadline passed before its result was sent
    "cancelled",
    "unstable",  # no draw of the engine gave a plausible waveform
    "audio_too_large",  # a record of the audio topic cannot hold the waveform and the metadata
    "engine_error",  # the engine cannot speak this request
    "no_speech",  # the waveform has no speech, and the profile trims to speech
    "corrupt_audio",  # the waveform on the audio topic does not match its hash
    "render_error",  # a rendition cannot be made from this waveform
]


class Style(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the engine speaks; None keeps the engine's default.

    oral, laugh and break control how the engine rewrites the text, so each of them turns refine on.
    """

    temperature: Annotated[float, Meta(gt=0, le=2)] | None = None
    top_p: Annotated[float, Meta(gt=0, le=1)] | None = None
    top_k: Annotated[int, Meta(ge=1, le=100)] | None = None
    repetition_penalty: Annotated[float, Meta(ge=1, le=2)] | None = None
    refine: bool = False  # the engine first rewrites the text, with pauses and laughter
    oral: Annotated[int, Meta(ge=0, le=9)] | None = None
    laugh: Annotated[int, Meta(ge=0, le=2)] | None = None
    break_: Annotated[int, Meta(ge=0, le=7)] | None = field(default=None, name="break")


class SpeechRequest(Struct, frozen=True, kw_only=True):
    """One text to speak. On `requests` and `requests.urgent`, as JSON, keyed by voice seed."""

    request_id: RequestId
    campaign_id: CampaignId
    text: Text
    voice_seed: VoiceSeed
    profiles: Annotated[tuple[ProfileName, ...], Meta(min_length=1, max_length=16)]
    submitted_at: Instant
    speaker: Speaker | None = None
    speed: Speed = 1.0
    style: Style = Style()
    priority: Priority = "normal"
    deadline: Deadline | None = None
    metadata: Metadata = {}
    # These two are written only where they say something, so that a request without them has the
    # bytes, and the digest in its list, that it always had.
    text_format: (
        Annotated[
            TextFormat,
            Meta(description="plain if absent: never parsed; markup: see docs/texts.md"),
        ]
        | UnsetType
    ) = UNSET
    locale: (
        Annotated[
            Locale,
            Meta(description="decides what the text leaves open, such as 12/05/2026"),
        ]
        | UnsetType
    ) = UNSET


class RequestError(Struct, frozen=True, kw_only=True):
    """Why a request did not succeed. The message never contains the request's text."""

    code: ErrorCode
    message: str


class RawAudio(Struct, frozen=True, kw_only=True, tag="audio"):
    """A waveform as synthesised: mono, int16, little-endian PCM, encoded as FLAC."""

    request: SpeechRequest
    flac: bytes
    sample_rate: Annotated[int, Meta(gt=0)]  # Hz
    samples: Annotated[int, Meta(ge=0)]
    clipped: Annotated[int, Meta(ge=0)]  # samples that were beyond full scale before quantisation
    waveform_sha256: Sha256  # of the PCM bytes
    engine_fingerprint: str
    draw: Annotated[int, Meta(ge=0)]  # number of the draw that succeeded; 0 is the first
    # characters of the text that the engine has no sound for
    unspoken: Annotated[int, Meta(ge=0)] = 0


class Rejected(Struct, frozen=True, kw_only=True, tag="rejected"):
    """A request that ends without audio. Contains no text: the request may be unreadable."""

    request_id: RequestId
    campaign_id: CampaignId | None  # None if it is unreadable in the record
    status: Literal["failed", "expired", "cancelled"]
    error: RequestError
    metadata: Metadata = {}


# On `audio` and `audio.urgent`, as MessagePack, keyed by request id.
Synthesis = RawAudio | Rejected


class Rendition(Struct, frozen=True, kw_only=True):
    """One audio object, made from the waveform for one device profile."""

    profile: ProfileName
    uri: str  # s3://bucket/key; the key ends in the hash of the object
    format: str
    sample_rate: int  # Hz
    duration: float  # seconds
    bytes: int
    sha256: Sha256
    # Each field below is None if it was not recorded.
    loudness: float | None = None  # LUFS (EBU R128)
    true_peak: float | None = None  # dBTP, before encoding
    snr: float | None = None  # dB, of the waveform; at most 60
    denoised: bool | None = None  # True if noise was suppressed
    trimmed: float | None = None  # seconds of silence removed, less what was added
    # of the code of the audio chain; the receipt's chain_fingerprint covers the rest
    chain_version: int | None = None


class Receipt(Struct, frozen=True, kw_only=True):
    """What is needed to synthesise the request again and compare the waveforms."""

    voice_seed: VoiceSeed
    text_digest: Sha256  # HMAC-SHA-256 with the deployment's key
    waveform_sha256: Sha256
    engine_fingerprint: str
    chain_fingerprint: str
    draw: int


class SpeechResult(Struct, frozen=True, kw_only=True):
    """How a request ended: the manifest. On `results`, as JSON, keyed by request id.

    That of an urgent request is on `results.urgent`, too, afterwards.
    """

    request_id: RequestId
    campaign_id: CampaignId | None
    status: Status
    renditions: tuple[Rendition, ...] = ()
    receipt: Receipt | None = None
    error: RequestError | None = None
    unspoken: int = 0  # characters of the text that the engine has no sound for
    metadata: Metadata = {}


class ListPart(Struct, frozen=True, kw_only=True):
    """One Parquet object of a staged list."""

    rows: Annotated[int, Meta(gt=0)]
    bytes: Annotated[int, Meta(gt=0)]
    sha256: Sha256


class StagedList(Struct, frozen=True, kw_only=True):
    """A campaign's whole list: where it lies in the object store, and how to know it again.

    Part N is the object `_lists/CAMPAIGN/STAGING/part-N.parquet`; N has five digits, from 00000.
    """

    staging: Annotated[str, Meta(pattern=r"^[0-9a-f]{16}" + _END)]  # one run of `submit`
    parts: tuple[ListPart, ...]  # in the list's order
    digest: Annotated[
        Sha256, Meta(description="of what the list asks for, whatever the order of its rows")
    ]
    ids_digest: Annotated[Sha256, Meta(description="of its request ids, whatever their order")]
    rejected: Annotated[int, Meta(ge=0)] = 0  # rows; they lie beside the parts
    duplicates: Annotated[int, Meta(ge=0)] = 0  # rows equal to an earlier one of the same id
    spread: Annotated[int, Meta(ge=0)] | None = None  # partitions that one voice may spread over
    # What it was submitted with, for people; each request has its own values.
    options: dict[str, str] = {}


class Output(Struct, frozen=True, kw_only=True):
    """An object that says how a list ended: `_lists/CAMPAIGN/NAME`."""

    name: str
    bytes: Annotated[int, Meta(ge=0)]
    sha256: Sha256


class Outputs(Struct, frozen=True, kw_only=True):
    """What a list's end is written down in, once every row has its result."""

    results: Annotated[Output, Meta(description="Parquet: a line per row and rendition")]
    errors: Annotated[Output, Meta(description="JSON lines: the rows that did not succeed")]
    summary: Annotated[Output, Meta(description="JSON: the counts")]


class Campaign(Struct, frozen=True, kw_only=True):
    """The state of a campaign. On `campaigns`, compacted, as JSON, keyed by campaign id.

    The first record of a list stays: a later one with another list changes nothing.
    """

    campaign_id: CampaignId
    state: CampaignState
    created_at: Instant
    accepted: Annotated[int, Meta(ge=0)] | None = None  # distinct request ids; known once sealed
    deadline: Instant | None = None
    deliver_late: Annotated[
        bool, Meta(description="what was begun by its deadline is delivered, however late")
    ] = False
    # the campaign whose failed and expired requests this one submits again
    retry_of: CampaignId | None = None
    # None: a campaign of events, or one from before lists were staged
    staged: StagedList | None = None
    # Tenants with requests share the fleet equally, and a tenant's campaigns by their weights.
    tenant: Tenant = "default"
    weight: Annotated[float, Meta(gt=0)] = 1.0
    rate: Annotated[float, Meta(gt=0, description="requests per second, at most")] | None = None
    start_at: Instant | None = None  # nothing is fed before
    # Times of day at which it is fed, such as 20:00-06:00, and the IANA zone that they are in.
    window: str | None = None
    zone: str | None = None
    # Written only where it says something, as in a request.
    outputs: (
        Annotated[Outputs, Meta(description="the list has ended, and these say how")] | UnsetType
    ) = UNSET


class Cursor(Struct, frozen=True, kw_only=True, tag="cursor"):
    """How far the feeder has fed a list. On `cursors`, compacted, as JSON, keyed by campaign id.

    Of two with the same key the one of the higher generation holds; of equal ones, the later.
    """

    campaign_id: CampaignId
    staging: str
    fed: Annotated[
        int, Meta(ge=0, description="the requests topics have the rows before this, from 0")
    ]
    # Rows before `fed`, by index, that they do not have: their partitions are full.
    unfed: tuple[int, ...] = ()
    generation: Annotated[int, Meta(ge=1)]
    held: Annotated[
        str | None, Meta(description="why the rest cannot be fed at present, and what to do")
    ] = None
    rendering: Annotated[
        int,
        Meta(ge=0, description="requests that are spoken and have no result yet, seconds ago"),
    ] = 0


class FeederTerm(Struct, frozen=True, kw_only=True, tag="term"):
    """A feeder becomes the active one. On `cursors`, keyed `_feeder`; the first of a generation."""

    generation: Annotated[int, Meta(ge=1)]
    feeder: str  # one process


FeederRecord = Cursor | FeederTerm


class Worker(Struct, frozen=True, kw_only=True):
    """What a worker says of itself. On `workers`, compacted, as JSON, keyed by worker id.

    It is written every few seconds, and when it changes; a tombstone says that the worker has
    ended. One that fell silent is gone, too. Judge that by the record's timestamp, which is the
    broker's: machines' clocks differ.
    """

    worker_id: WorkerId
    kind: WorkerKind
    # consumer group, with the deployment's prefix; empty for a kind that reads without one
    group: str
    version: str  # of Seedcast
    state: WorkerState
    started_at: Instant
    heartbeat: Instant  # when this was written, by the worker's clock
    # Each field below is None for a kind that has no such thing, or while it is not known yet.
    engine: str | None = None  # its name in the settings
    fingerprint: str | None = None  # of the engine, or of the post-process chain
    slots: Annotated[int, Meta(ge=0)] | None = None  # how much it does at a time
    busy: Annotated[int, Meta(ge=0)] | None = None  # how many of these are taken


class VoiceLock(Struct, frozen=True, kw_only=True):
    """How the workers of one consumer group must sound. In the object store, as JSON.

    It is written when an engine is blessed, and read by each worker when it starts.
    """

    group: str  # consumer group
    engine: str  # its name in the settings
    engine_fingerprint: str
    # golden request id → SHA-256 of its waveform, or its error code
    utterances: dict[str, Annotated[str, Meta(pattern=r"^([0-9a-f]{64}|[a-z_]+)" + _END)]]
    blessed_at: Instant
    # The fingerprint is a hash of these, by dotted name. Empty in a lock from an older version.
    facts: dict[str, str] = {}
