"""The speaker codec: upstream's voices bit for bit, and harmless refusals of everything else."""

import lzma
import random
import tracemalloc

import numpy as np
import pybase16384
import pytest
import torch
from ChatTTS.config import Config
from ChatTTS.model.speaker import Speaker
from hypothesis import given
from hypothesis import strategies as st

from seedcast.errors import InvalidRequest
from seedcast.gpu_consumers.engines.chattts.model.speaker import (
    _bytes,
    decode,
    embedding,
    encode,
    sample,
)
from seedcast.schemas.messages import MAX_VOICE_SEED

HIDDEN = 768
SEEDS = (
    0,
    1,
    42,
    2222,
    2**31,
    2**32 - 1,
    2**32,
    2**32 + 1,
    2**53 - 2,
    MAX_VOICE_SEED,
    *random.Random(0).sample(range(2**53), 40),
)
LZMA2 = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME}]


def packed(data: bytes) -> str:
    return str(
        pybase16384.encode_to_string(lzma.compress(data, format=lzma.FORMAT_RAW, filters=LZMA2))
    )


def voice(*values: float) -> bytes:
    """Return a voice as bytes: the first values, then zeros."""
    return np.array([*values, *[0.0] * (HIDDEN - len(values))], dtype="<f2").tobytes()


def statistics(hidden: int) -> str:
    """Return upstream's standard deviations and means, the first `hidden` of each."""
    original = pybase16384.decode_from_string(Config().spk_stat)
    both = np.frombuffer(original, dtype=np.float16).reshape(2, -1)
    return str(pybase16384.encode_to_string(both[:, :hidden].tobytes()))


@pytest.mark.parametrize("hidden", [HIDDEN, 64])
def test_the_voice_of_a_seed_is_upstreams_and_leaves_torchs_generator_alone(hidden: int) -> None:
    table = statistics(hidden)
    for seed in SEEDS:
        torch.manual_seed(seed)
        expected = Speaker(hidden, table)._sample_random()
        torch.manual_seed(~seed & 0xFFFF)
        before = torch.get_rng_state()
        drawn = sample(seed, hidden, table)
        assert torch.equal(torch.get_rng_state(), before)
        assert drawn.dtype == expected.dtype == torch.float16
        assert torch.equal(drawn.view(torch.int16), expected.view(torch.int16)), seed


def test_the_voice_of_a_seed_repeats_after_32_bits() -> None:
    first, again, other = (sample(seed, HIDDEN, Config().spk_stat) for seed in (5, 5 + 2**32, 6))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_speaker_string_is_upstreams_in_both_directions() -> None:
    for seed in SEEDS[:10]:
        drawn = sample(seed, HIDDEN, Config().spk_stat)
        string = encode(drawn)
        assert string == Speaker._encode(drawn)
        assert torch.equal(decode(string, HIDDEN), drawn)
        assert torch.equal(decode(string, HIDDEN), torch.from_numpy(Speaker._decode(string)))


def test_the_embedding_is_what_upstream_writes_into_the_prompt() -> None:
    speaker = Speaker(HIDDEN, Config().spk_stat)
    ids = torch.tensor([[[9], [7]]])  # (batch, tokens, codebooks); 7 stands for the speaker
    for seed in SEEDS:
        drawn = sample(seed, HIDDEN, Config().spk_stat)
        written = speaker.apply(torch.zeros(1, 2, HIDDEN), drawn, ids, 7, torch.device("cpu"))
        assert embedding(drawn).dtype == np.float32
        assert embedding(drawn).tobytes() == written[0, 1].numpy().tobytes()
        assert not written[0, 0].any()


def test_a_decompression_bomb_is_refused_without_being_unpacked() -> None:
    bomb = packed(bytes(40 * 1024 * 1024))
    assert len(bomb) <= 8192  # so that the schema lets it through
    tracemalloc.start()
    try:
        with pytest.raises(InvalidRequest, match=r"expected .*1,536 bytes; got more"):
            decode(bomb, HIDDEN)
        assert tracemalloc.get_traced_memory()[1] < 2**20  # upstream's window alone is 64 MiB
    finally:
        tracemalloc.stop()


REAL = encode(sample(42, HIDDEN, Config().spk_stat))


@pytest.mark.parametrize(
    ("string", "expected"),
    [
        ("", "characters of base16384"),
        ("\u3d06", "characters of base16384"),  # a negative size in the C decoder
        ("not a speaker", "characters of base16384"),
        (REAL + "\n", "characters of base16384"),
        ("\ufeff" + REAL, "characters of base16384"),
        ("\ud800", "characters of base16384"),
        ("😀" * 4, "characters of base16384"),
        ("\u3d01" + REAL, "characters of base16384"),
        ("\u4e00" * 8193, "at most 8,192 characters"),
        (REAL[1:], "a whole base16384 string"),
        ("\u4e00" + "\u3d02", "a whole base16384 string"),
        ("\u8dff" * 4, "an LZMA2 stream"),
        ("\u4e00" * 4, "1,536 bytes"),  # a stream that ends at once
        (packed(voice(1.0)[:-1]), "1,536 bytes"),
        (packed(voice(1.0) + b"\0"), "1,536 bytes"),
        (packed(b""), "1,536 bytes"),
        (packed(voice(float("nan"))), "finite values"),
        (packed(voice(1.0, float("inf"))), "finite values"),
        (packed(voice()), "a length that float16 can hold"),
        (packed(voice(-0.0)), "a length that float16 can hold"),
        (packed(voice(60000.0, 60000.0)), "a length that float16 can hold"),
    ],
)
def test_other_strings_are_refused_without_being_quoted(string: str, expected: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        decode(string, HIDDEN)
    error = caught.value
    assert (error.code, error.what) == ("invalid_request", "field speaker")
    assert expected in error.expected
    assert not string or string not in str(error)


def test_a_stream_must_end_with_the_voice() -> None:
    stream = lzma.compress(voice(1.0), format=lzma.FORMAT_RAW, filters=LZMA2)
    for changed in (stream[:-1], stream + b"\0"):  # without an end; with more bytes after it
        with pytest.raises(InvalidRequest, match="ends with the voice"):
            decode(str(pybase16384.encode_to_string(changed)), HIDDEN)


def test_a_voice_of_another_model_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="128 bytes"):
        decode(REAL, 64)


symbols = st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x8DFF), max_size=40)
marks = st.sampled_from(["", *map(chr, range(0x3D00, 0x3D09))])


@given(
    st.one_of(
        st.text(max_size=40),
        st.text(st.characters(), max_size=9),
        st.builds(lambda body, mark: body + mark, symbols, marks),
    )
)
def test_any_random_string_is_refused(string: str) -> None:
    with pytest.raises(InvalidRequest):
        decode(string, HIDDEN)


@given(st.integers(0, len(REAL) - 1), st.integers(0x4E00, 0x8DFF))
def test_a_damaged_string_is_a_voice_or_refused(index: int, symbol: int) -> None:
    try:
        damaged = decode(REAL[:index] + chr(symbol) + REAL[index + 1 :], HIDDEN)
    except InvalidRequest:
        return
    assert damaged.shape == (HIDDEN,)
    assert np.isfinite(embedding(damaged)).all()


@given(st.binary(min_size=1, max_size=200))
def test_bytes_that_were_encoded_are_decoded_unchanged(data: bytes) -> None:
    assert _bytes(str(pybase16384.encode_to_string(data))) == data
