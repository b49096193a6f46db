"""Every message that crosses a process boundary, once.

Frozen, keyword-only structs. Decoding validates types, bounds and patterns; unknown fields are
ignored, so that an older reader survives a newer writer. Constructing one in Python does not
validate: what comes from outside goes through `seedcast.codec`.
"""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

MAX_TEXT = (
    10_000  # characters; about an hour of speech, far over what an engine accepts as one request
)
MAX_VOICE_SEED = 2**53 - 1  # the largest integer that every JSON reader keeps exactly

# `$` alone would also match before a final newline in Python; the look-ahead closes that.
_END = r"$(?!\n)"
RequestId = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{7,63}" + _END,
        description="names one request for ever: 8 to 64 letters, digits, '_' and '-'",
    ),
]
CampaignId = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}" + _END,
        description="1 to 64 letters, digits, '.', '_' and '-', the first a letter or a digit",
    ),
]
ProfileName = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,31}" + _END)]
Text = Annotated[
    str, Meta(min_length=1, max_length=MAX_TEXT, description="what to say; personal data")
]
VoiceSeed = Annotated[
    int, Meta(ge=0, le=MAX_VOICE_SEED, description="picks the voice and every random draw")
]
Speaker = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=8192,
        description="a ChatTTS speaker string, instead of the seed's own voice",
    ),
]
Speed = Annotated[
    float, Meta(ge=0.5, le=2.0, description="ratio to the voice's own pace; each engine maps it")
]
Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}" + _END)]
Instant = Annotated[datetime, Meta(tz=True)]
Metadata = Annotated[
    dict[str, str], Meta(max_length=32, description="opaque; echoed in the result")
]
Priority = Literal["normal", "urgent"]
Status = Literal["succeeded", "failed", "expired", "cancelled"]
CampaignState = Literal["open", "sealed", "completed", "paused", "cancelled"]
ErrorCode = Literal[
    "invalid_request",  # readable id, but a field is missing, of the wrong type or out of bounds
    "nothing_to_speak",  # no letter and no digit in the text
    "text_too_long",
    "unknown_profile",
    "expired",  # its deadline passed before synthesis began
    "cancelled",
    "unstable",  # the engine found no plausible waveform within its draws
    "audio_too_large",  # the waveform does not fit into a record of the audio topic
    "engine_error",  # the engine cannot speak this request
    "no_speech",  # the waveform holds none, and the profile trims to it
    "corrupt_audio",  # the waveform on the audio topic is not what its hash says
    "render_error",  # a rendition cannot be made from this waveform
]


class Style(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the engine speaks; None leaves the engine's default. oral, laugh and break steer the refining of the text, and so switch it on."""

    temperature: Annotated[float, Meta(gt=0, le=2)] | None = None
    top_p: Annotated[float, Meta(gt=0, le=1)] | None = None
    top_k: Annotated[int, Meta(ge=1, le=100)] | None = None
    repetition_penalty: Annotated[float, Meta(ge=1, le=2)] | None = None
    refine: bool = False  # let the engine rewrite the text first, with pauses and laughter
    oral: Annotated[int, Meta(ge=0, le=9)] | None = None
    laugh: Annotated[int, Meta(ge=0, le=2)] | None = None
    break_: Annotated[int, Meta(ge=0, le=7)] | None = field(default=None, name="break")


class SpeechRequest(Struct, frozen=True, kw_only=True):
    """One text to be spoken. On `requests` and `requests.urgent`, as JSON, keyed by voice seed."""

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
    deadline: Instant | None = None  # latest moment to begin synthesis
    metadata: Metadata = {}


class RequestError(Struct, frozen=True, kw_only=True):
    """Why a request did not succeed. The message never holds the request's text."""

    code: ErrorCode
    message: str


class RawAudio(Struct, frozen=True, kw_only=True, tag="audio"):
    """A waveform as synthesised: mono int16 little-endian PCM, carried as FLAC."""

    request: SpeechRequest
    flac: bytes
    sample_rate: Annotated[int, Meta(gt=0)]  # Hz
    samples: Annotated[int, Meta(ge=0)]
    clipped: Annotated[int, Meta(ge=0)]  # samples beyond full scale before quantisation
    waveform_sha256: Sha256  # of the PCM bytes
    engine_fingerprint: str
    draw: Annotated[int, Meta(ge=0)]  # which draw succeeded; 0 is the first
    unspoken: Annotated[int, Meta(ge=0)] = (
        0  # characters of the text that the engine has no sound for
    )


class Rejected(Struct, frozen=True, kw_only=True, tag="rejected"):
    """A request that ends without audio. Holds no text: the request itself may not be readable."""

    request_id: RequestId
    campaign_id: CampaignId | None  # None where the record's is unreadable
    status: Literal["failed", "expired", "cancelled"]
    error: RequestError
    metadata: Metadata = {}


Synthesis = (
    RawAudio | Rejected
)  # on `audio` and `audio.urgent`, as MessagePack, keyed by request id


class Rendition(Struct, frozen=True, kw_only=True):
    """One audio object made from the waveform for one device profile."""

    profile: ProfileName
    uri: str  # s3://bucket/key; the key ends in the object's own hash
    format: str
    sample_rate: int  # Hz
    duration: float  # seconds
    bytes: int
    sha256: Sha256
    loudness: float | None = (
        None  # LUFS (EBU R128); None where it was not measured, as in what follows
    )
    true_peak: float | None = None  # dBTP, before encoding
    snr: float | None = None  # dB, of the waveform; 60 where it is cleaner
    denoised: bool | None = None  # whether noise was suppressed
    trimmed: float | None = None  # seconds of silence removed
    chain_version: int | None = (
        None  # of the code that made it; the receipt's chain_fingerprint has the rest
    )


class Receipt(Struct, frozen=True, kw_only=True):
    """What it takes to synthesise the request again and compare."""

    voice_seed: VoiceSeed
    text_digest: Sha256  # HMAC-SHA-256 with the deployment's key
    waveform_sha256: Sha256
    engine_fingerprint: str
    chain_fingerprint: str
    draw: int


class SpeechResult(Struct, frozen=True, kw_only=True):
    """How a request ended: the manifest. On `results`, as JSON, keyed by request id."""

    request_id: RequestId
    campaign_id: CampaignId | None
    status: Status
    renditions: tuple[Rendition, ...] = ()
    receipt: Receipt | None = None
    error: RequestError | None = None
    unspoken: int = 0  # characters of the text that the engine has no sound for
    metadata: Metadata = {}


class Campaign(Struct, frozen=True, kw_only=True):
    """The state of a campaign. On `campaigns`, compacted, as JSON, keyed by campaign id."""

    campaign_id: CampaignId
    state: CampaignState
    created_at: Instant
    accepted: Annotated[int, Meta(ge=0)] | None = None  # distinct request ids; known once sealed
    deadline: Instant | None = None
    retry_of: CampaignId | None = None  # whose failed and expired requests these are again


class VoiceLock(Struct, frozen=True, kw_only=True):
    """How the workers of one consumer group must sound. In the object store, as JSON: written when it is blessed, read by each worker at its start."""

    group: str  # consumer group
    engine: str  # by the name that settings give it
    engine_fingerprint: str
    utterances: dict[
        str, Annotated[str, Meta(pattern=r"^([0-9a-f]{64}|[a-z_]+)" + _END)]
    ]  # golden request id → its waveform's SHA-256, or its error code
    blessed_at: Instant
    facts: dict[
        str, str
    ] = {}  # what the fingerprint is a hash of, by dotted name; empty in a lock that was written without
