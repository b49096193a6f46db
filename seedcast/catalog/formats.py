"""The formats of renditions: what each is called, and which rates and bitrates it has."""

from dataclasses import dataclass
from typing import Literal

Format = Literal[
    "wav-pcm16",
    "wav-ulaw",
    "wav-alaw",
    "raw-ulaw",
    "raw-alaw",
    "raw-s16",
    "g722",
    "flac",
    "ogg-opus",
    "webm-opus",
    "mp3",
    "m4a-aac",
]
_SUFFIX: dict[Format, str] = {
    "wav-pcm16": "wav",
    "wav-ulaw": "wav",
    "wav-alaw": "wav",
    "raw-ulaw": "ulaw",
    "raw-alaw": "alaw",
    "g722": "g722",
    "flac": "flac",
    "ogg-opus": "ogg",
    "webm-opus": "webm",
    "mp3": "mp3",
    "m4a-aac": "m4a",
}
# Asterisk's endings of headerless 16 bits, by rate in Hz.
_SLN = {
    8000: "sln",
    12000: "sln12",
    16000: "sln16",
    24000: "sln24",
    32000: "sln32",
    44100: "sln44",
    48000: "sln48",
    96000: "sln96",
    192000: "sln192",
}
# Other endings of the same content, in lower case.
OTHER_ENDINGS = {
    "alaw": ("al", "pcma"),
    "m4a": ("mp4",),
    "ogg": ("oga", "opus"),
    "sln": ("raw",),
    "ulaw": ("ul", "pcmu"),
    "wav": ("wave",),
    "webm": ("weba",),
}

HEADERLESS: tuple[Format, ...] = ("raw-ulaw", "raw-alaw", "raw-s16", "g722")
HAS_BITRATE: tuple[Format, ...] = ("ogg-opus", "webm-opus", "mp3", "m4a-aac")
# Two samples of G.722 are one byte. An odd number of bytes in a WAV is followed by a byte of 0,
# which is a click in μ-law and A-law; and devices read G.711 two samples at a time.
HAS_EVEN_LENGTH: tuple[Format, ...] = ("wav-ulaw", "wav-alaw", "raw-ulaw", "raw-alaw", "g722")

G722_RATE = 16_000  # Hz
G711_RAW_RATE = 8000  # Hz; nothing in a headerless file could say another
OPUS_RATES = (8000, 12000, 16000, 24000, 48000)  # RFC 6716
MAX_OPUS_BITRATE = 256_000  # of one channel; libopus accepts no more
MAX_FLAC_RATE = 65_535  # Hz; above it, a frame's header has tens of Hz only (RFC 9639)
MP3_RATES = (16000, 22050, 24000, 32000, 44100, 48000)  # MPEG-1 and MPEG-2, Layer III
# the bitrates that both of them have
MP3_BITRATES = tuple(k * 1000 for k in (32, 40, 48, 56, 64, 80, 96, 112, 128, 160))
AAC_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)  # ISO/IEC 14496-3
AAC_BITS = 6  # per sample and channel at most: 6,144 bits for a frame of 1,024


def suffix(format_: Format, rate: int) -> str:
    """Return the usual ending of a file, without the dot."""
    return _SLN.get(rate, "raw") if format_ == "raw-s16" else _SUFFIX[format_]


def endings(usual: str) -> tuple[str, ...]:
    """Return this ending and the others that mean the same, each without the dot."""
    return (usual, *OTHER_ENDINGS.get(usual, ()))


@dataclass(frozen=True)
class Headerless:
    """What a file does not say itself."""

    format: Format
    rate: int  # Hz

    @classmethod
    def of(cls, format_: Format, rate: int) -> "Headerless | None":
        """Return None for a format whose files have a header."""
        return cls(format_, rate) if format_ in HEADERLESS else None

    @classmethod
    def of_ending(cls, ending: str) -> "Headerless | None":
        """Return what an ending, without the dot, means; None for all others."""
        known = [cls("raw-s16", rate) for rate in _SLN]
        known += [cls(name, G711_RAW_RATE) for name in ("raw-ulaw", "raw-alaw")]
        known += [cls("g722", G722_RATE)]
        for each in known:
            if ending.lower() in endings(suffix(each.format, each.rate)):
                return each
        return None


def check(format_: Format, rate: int, bitrate: int) -> None:
    """Raise ValueError for a rate in Hz or a bitrate that the format does not have."""
    match format_:
        case "raw-ulaw" | "raw-alaw":
            _one_of(rate, (G711_RAW_RATE,), "sample_rate", "headerless G.711")
        case "g722":
            _one_of(rate, (G722_RATE,), "sample_rate", "G.722")
        case "ogg-opus" | "webm-opus":
            _one_of(rate, OPUS_RATES, "sample_rate", "Opus")
            _at_most(bitrate, MAX_OPUS_BITRATE, "Opus")
        case "mp3":
            _one_of(rate, MP3_RATES, "sample_rate", "MP3")
            _one_of(bitrate, MP3_BITRATES, "bitrate", "MP3")
        case "m4a-aac":
            _one_of(rate, AAC_RATES, "sample_rate", "AAC")
            _at_most(bitrate, AAC_BITS * rate, f"AAC at {rate} Hz")
        case "flac" if rate > MAX_FLAC_RATE and rate % 10:
            expected = f"a sample_rate of at most {MAX_FLAC_RATE}, or of whole tens, for FLAC"
            raise ValueError(f"expected {expected}, got {rate}")


def _one_of(value: int, known: tuple[int, ...], field: str, codec: str) -> None:
    if value not in known:
        one_of = known[0] if len(known) == 1 else known
        raise ValueError(f"expected a {field} of {one_of} for {codec}, got {value}")


def _at_most(bitrate: int, most: int, codec: str) -> None:
    if bitrate > most:
        raise ValueError(f"expected a bitrate of at most {most} for {codec}, got {bitrate}")
