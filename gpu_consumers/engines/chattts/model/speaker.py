"""Voices of ChatTTS: from a seed, from a speaker string, and as the model takes them. A speaker string comes from outside, so decoding it is bounded."""

import lzma
import re

import numpy as np
import pybase16384
import torch
from ChatTTS.model.speaker import Speaker
from torch.nn.functional import normalize

from seedcast.errors import InvalidRequest

MAX_CHARACTERS = 8192  # as schemas.messages.Speaker; 768 random float16 take 879
# Base16384: four ideographs are seven bytes; what is left of seven is told by a mark at the end. Given others, the C decoder
# makes something up, or computes a negative size (a mark of 6 alone): it sees nothing but these.
_SYMBOLS = re.compile("([\u4e00-\u8dff]+)([\u3d01-\u3d06]?)")
_REST = (
    0,
    1,
    2,
    2,
    3,
    3,
    0,
)  # ideographs beyond a multiple of four, by bytes beyond a multiple of seven


def sample(seed: int, hidden: int, statistics: str) -> torch.Tensor:
    """The voice of a seed, (hidden,) float16: as upstream's on a CPU after `torch.manual_seed(seed)`, without touching torch's own generator.

    `statistics` is `ChatTTS.config.Config.spk_stat`. The CPU's generator (a Mersenne twister) takes 32 bits: seeds that are equal
    modulo 2³² have one voice, and their draws differ.
    """
    speaker = Speaker(hidden, statistics)
    generator = torch.Generator().manual_seed(seed)
    return (
        torch.randn(hidden, generator=generator, dtype=speaker.std.dtype)
        .mul_(speaker.std)
        .add_(speaker.mean)
    )


def encode(voice: torch.Tensor) -> str:
    """A speaker string of (hidden,), as upstream's."""
    return str(Speaker._encode(voice))


def decode(string: str, hidden: int) -> torch.Tensor:
    """A speaker string to (hidden,) float16, as upstream's. Raises InvalidRequest, which quotes nothing of it."""
    voice = torch.from_numpy(
        np.frombuffer(_unpacked(_bytes(string), 2 * hidden), dtype="<f2").copy()
    )
    if not torch.isfinite(voice).all():
        raise _wrong("finite values", "infinite ones, or not a number")
    if not voice.any() or not torch.isfinite(torch.linalg.vector_norm(voice)):
        raise _wrong("a length that float16 can hold, over 0", "none")
    return voice


def embedding(voice: torch.Tensor) -> torch.Tensor:
    """(hidden,) to unit length, float32, rounded as upstream's `Speaker.apply` does: normalised in the voice's own type."""
    return normalize(voice, p=2.0, dim=0, eps=1e-12).to(torch.float32)


def _bytes(string: str) -> bytes:
    if len(string) > MAX_CHARACTERS:
        raise _wrong(f"at most {MAX_CHARACTERS:,} characters", f"{len(string):,}")
    found = _SYMBOLS.fullmatch(string)
    if found is None:
        raise _wrong(
            "characters of base16384 (U+4E00 to U+8DFF, one of U+3D01 to U+3D06 at the end)",
            "others",
        )
    rest = ord(found[2]) - 0x3D00 if found[2] else 0
    if len(found[1]) % 4 != _REST[rest]:
        raise _wrong("a whole base16384 string", "one that was cut, or added to")
    return bytes(pybase16384.decode_from_string(string))


def _unpacked(packed: bytes, size: int) -> bytes:
    # A window as small as the voice is enough for it, and keeps the decoder from reserving upstream's 64 MiB.
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": max(4096, size)}]
    decompressor = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters)
    try:
        found = decompressor.decompress(packed, max_length=size + 1)
    except lzma.LZMAError:
        raise _wrong("an LZMA2 stream", "another, or a damaged one") from None
    if len(found) != size:
        raise _wrong(f"{size:,} bytes", f"{len(found):,}" if len(found) < size else "more")
    if not decompressor.eof or decompressor.unused_data:
        raise _wrong(
            "an LZMA2 stream that ends with the voice", "one without an end, or with more behind it"
        )
    return found


def _wrong(expected: str, got: str) -> InvalidRequest:
    return InvalidRequest(
        "invalid_request",
        "field speaker",
        expected=f"a ChatTTS speaker string: {expected}",
        got=got,
    )
