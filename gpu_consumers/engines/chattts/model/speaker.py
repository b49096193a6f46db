"""Voices of ChatTTS: from a seed, from a speaker string, and as the embedding that the model reads.

A speaker string comes from outside. So decoding it uses bounded memory and refuses what is not a
voice.
"""

import lzma
import re

import numpy as np
import numpy.typing as npt
import pybase16384
import torch
from ChatTTS.model.speaker import Speaker
from torch.nn.functional import normalize

from seedcast.errors import InvalidRequest

Embedding = npt.NDArray[np.float32]  # (hidden,), of unit length
MAX_CHARACTERS = 8192  # as seedcast.schemas.messages.Speaker; 768 random float16 take 879
# Base16384 writes seven bytes as four ideographs. A mark at the end tells how many bytes remain
# beyond a multiple of seven. On other characters the C decoder makes up a result, or computes a
# negative size (from a mark of 6 alone). So it receives only strings that match this pattern.
_SYMBOLS = re.compile("([\u4e00-\u8dff]+)([\u3d01-\u3d06]?)")
# Ideographs beyond a multiple of four, by bytes beyond a multiple of seven.
_REST = (0, 1, 2, 2, 3, 3, 0)


def sample(seed: int, hidden: int, statistics: str) -> torch.Tensor:
    """Return the voice of a seed, (hidden,) float16.

    It is the voice that upstream draws on a CPU after `torch.manual_seed(seed)`, but torch's own
    generator is left alone. `statistics` is `ChatTTS.config.Config.spk_stat`.

    The CPU's generator (a Mersenne twister) takes 32 bits: seeds that are equal modulo 2³² have the
    same voice, but different draws.
    """
    speaker = Speaker(hidden, statistics)
    generator = torch.Generator().manual_seed(seed)
    voice = torch.randn(hidden, generator=generator, dtype=speaker.std.dtype)
    return voice.mul_(speaker.std).add_(speaker.mean)


def encode(voice: torch.Tensor) -> str:
    """Return the speaker string of a voice (hidden,) float16, as upstream does."""
    return str(Speaker._encode(voice))


def decode(string: str, hidden: int) -> torch.Tensor:
    """Return the voice of a speaker string, (hidden,) float16, as upstream does.

    Raises InvalidRequest if the string is not one; the error quotes nothing of the string.
    """
    data = _unpacked(_bytes(string), 2 * hidden)
    voice = torch.from_numpy(np.frombuffer(data, dtype="<f2").copy())
    if not torch.isfinite(voice).all():
        raise _wrong("finite values", "an infinite value, or one that is not a number")
    if not voice.any() or not torch.isfinite(torch.linalg.vector_norm(voice)):
        raise _wrong("a length that float16 can hold, over 0", "zero or an overflow")
    return voice


def embedding(voice: torch.Tensor) -> Embedding:
    """Return the embedding of a voice: (hidden,) float16 to (hidden,) float32 of unit length.

    It is rounded as in upstream's `Speaker.apply`: normalised in the voice's own dtype.
    """
    unit: Embedding = normalize(voice, p=2.0, dim=0, eps=1e-12).to(torch.float32).numpy()
    return unit


def _bytes(string: str) -> bytes:
    """Return the bytes of a base16384 string. Raises InvalidRequest if it is not one."""
    if len(string) > MAX_CHARACTERS:
        raise _wrong(f"at most {MAX_CHARACTERS:,} characters", f"{len(string):,}")
    match = _SYMBOLS.fullmatch(string)
    if match is None:
        raise _wrong(
            "characters of base16384 (U+4E00 to U+8DFF, one of U+3D01 to U+3D06 at the end)",
            "other characters",
        )
    rest = ord(match[2]) - 0x3D00 if match[2] else 0
    if len(match[1]) % 4 != _REST[rest]:
        raise _wrong("a whole base16384 string", "one that is cut off or has extra characters")
    return bytes(pybase16384.decode_from_string(string))


def _unpacked(packed: bytes, size: int) -> bytes:
    """Return the bytes of a raw LZMA2 stream. Raises InvalidRequest unless it has `size` bytes."""
    # A window of the voice's size is enough. Upstream's would make the decoder reserve 64 MiB.
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": max(4096, size)}]
    decompressor = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters)
    try:
        data = decompressor.decompress(packed, max_length=size + 1)
    except lzma.LZMAError:
        raise _wrong("an LZMA2 stream", "another format, or a damaged stream") from None
    if len(data) != size:
        raise _wrong(f"{size:,} bytes", f"{len(data):,}" if len(data) < size else "more")
    if not decompressor.eof or decompressor.unused_data:
        raise _wrong(
            "an LZMA2 stream that ends with the voice",
            "one without an end, or with more bytes after it",
        )
    return data


def _wrong(expected: str, got: str) -> InvalidRequest:
    return InvalidRequest(
        "invalid_request",
        "field speaker",
        expected=f"a ChatTTS speaker string: {expected}",
        got=got,
    )
