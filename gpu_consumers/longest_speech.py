"""How long speech may be: so long that its waveform fits a record of the audio topics."""

import math

from seedcast.schemas.topics import KIB

LONGEST = 300  # seconds, where a record has room for more
# Bytes of a record beside its waveform: the request with the longest text, and what Kafka adds.
# Of a request that is larger, by its metadata, the broker's limit decides.
_REQUEST_ROOM = 64 * KIB
# FLAC cannot compress noise: 2 bytes per sample, at most 16 per frame of 4,096, and its header.
_BYTES_PER_SAMPLE, _HEADER = 2 + 16 / 4096, 512


def waveform_room(record_bytes: int) -> int:
    """Return how many bytes of a record a waveform may take, as FLAC."""
    return record_bytes - _REQUEST_ROOM


def longest_speech(record_bytes: int, sample_rate: int) -> int:
    """Return how many seconds of speech fit a record, whatever it sounds like."""
    samples = (waveform_room(record_bytes) - _HEADER) / _BYTES_PER_SAMPLE
    return min(LONGEST, math.floor(samples / sample_rate))
