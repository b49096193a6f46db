"""Encoded files: G.711's tables, rates, channels and lengths; they hold nothing but audio."""

import io
import struct

import av
import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from seedcast.catalog import profiles
from seedcast.catalog.profiles import Profile
from seedcast.settings import PostprocessSettings
from seedcast.stream_apps.audio.encode import encode
from seedcast.stream_apps.audio.resample import resample
from seedcast.stream_apps.audio.samples import from_int16, to_int16
from tests.builders.speech import RATE, speech

TABLE = profiles.load(PostprocessSettings())
Values = npt.NDArray[np.int64]


def mu_law() -> Values:
    """Return (256,): the value of each code, at 16 bits.

    ITU-T G.711, table 2: eight segments of 16 steps, 14 bits, codes inverted.
    """
    code = ~np.arange(256) & 0xFF
    magnitude = (((code & 0xF) * 2 + 33) << (code >> 4 & 7)) - 33
    return np.where(code & 0x80, -magnitude, magnitude) * 4


def a_law() -> Values:
    """Return (256,): the same by table 1.

    13 bits, even bits inverted, the sign bit set for positive values.
    """
    code = np.arange(256) ^ 0x55
    segment, step = code >> 4 & 7, code & 0xF
    magnitude = np.where(segment == 0, step * 2 + 1, (step * 2 + 33) << np.maximum(segment - 1, 0))
    return np.where(code & 0x80, magnitude, -magnitude) * 8


def payload(wav: bytes) -> npt.NDArray[np.uint8]:
    chunk = wav.index(b"data")
    (size,) = struct.unpack_from("<I", wav, chunk + 4)
    return np.frombuffer(wav, np.uint8, size, chunk + 8)


@pytest.mark.parametrize(("name", "table"), [("telephony", mu_law()), ("telephony-alaw", a_law())])
def test_g711_codes_have_the_values_of_the_standard(name: str, table: Values) -> None:
    written = encode(from_int16(table.astype("<i2")), TABLE[name], dither=True)
    codes = payload(written)
    assert np.array_equal(table[codes], table)
    assert len(set(codes.tolist())) >= 255  # μ-law has two codes for 0
    assert np.array_equal(soundfile.read(io.BytesIO(written), dtype="int16")[0], table)


def mu_law_decisions() -> tuple[Values, Values]:
    """Return (256,) twice: the lowest and highest magnitude, at 14 bits, of each code."""
    segment, step = ~np.arange(256) >> 4 & 7, ~np.arange(256) & 0xF
    return ((16 + step) << (segment + 1)) - 33, ((17 + step) << (segment + 1)) - 33


def a_law_decisions() -> tuple[Values, Values]:
    """Return (256,) twice: the same at 13 bits."""
    segment, step = (np.arange(256) ^ 0x55) >> 4 & 7, (np.arange(256) ^ 0x55) & 0xF
    low = np.where(segment == 0, step * 2, (step * 2 + 32) << np.maximum(segment - 1, 0))
    return low, low + (2 << np.maximum(segment - 1, 0))


@pytest.mark.parametrize(
    ("name", "decisions", "unit"),
    [("telephony", mu_law_decisions(), 4), ("telephony-alaw", a_law_decisions(), 8)],
)
def test_every_sample_gets_the_code_whose_decision_values_enclose_it(
    name: str, decisions: tuple[Values, Values], unit: int
) -> None:
    every = np.arange(-32_767, 32_768)
    codes = payload(encode(from_int16(every.astype("<i2")), TABLE[name], dither=True))
    low, high = (bound[codes] for bound in decisions)
    magnitude = np.abs(every) / unit
    assert np.all(magnitude >= low - 1)  # one step of the standard's own input
    assert np.all((magnitude <= high + 1) | (high == high.max()))
    assert np.all((codes & 0x80 != 0) == (every >= 0))


@pytest.mark.parametrize("name", TABLE)
def test_other_readers_see_the_right_codec_rate_channel_and_length(name: str) -> None:
    profile = TABLE[name]
    samples = np.resize(speech() * np.float32(0.5), profile.sample_rate * 3 + 7)
    written = encode(samples, profile, dither=True)
    with av.open(io.BytesIO(written)) as container:
        stream = container.streams.audio[0]
        assert len(container.streams) == 1
        assert stream.channels == 1
        is_opus = profile.format == "ogg-opus"
        assert stream.rate == (48_000 if is_opus else profile.sample_rate)  # Opus reads at 48 kHz
        codecs = {
            "wav-pcm16": "pcm_s16le",
            "wav-ulaw": "pcm_mulaw",
            "wav-alaw": "pcm_alaw",
            "flac": "flac",
            "ogg-opus": "opus",
            "mp3": "mp3",
        }
        assert stream.codec_context.codec.canonical_name.startswith(codecs[profile.format])
    read, rate = soundfile.read(io.BytesIO(written))
    assert (rate, read.ndim) == (profile.sample_rate, 1)
    assert len(samples) <= len(read) <= len(samples) + (48 if profile.format == "mp3" else 0)


@pytest.mark.parametrize("name", ["phone", "web"])
def test_a_lossy_codec_does_not_shift_the_sound(name: str) -> None:
    profile = TABLE[name]
    samples = np.resize(speech() * np.float32(0.5), 3 * profile.sample_rate)
    read, _ = soundfile.read(io.BytesIO(encode(samples, profile, dither=False)))
    size = 2 * len(samples)
    correlation = np.fft.irfft(np.fft.rfft(read, size) * np.conj(np.fft.rfft(samples, size)))
    shift = int(np.argmax(correlation))
    assert min(shift, size - shift) <= 2


@pytest.mark.parametrize("name", ["phone", "web"])
def test_a_file_holds_nothing_but_audio(name: str) -> None:
    """What differs by recipient or by build would give another hash for the same sound.

    MP3 names its encoder, as each frame's filling.
    """
    written = encode(np.resize(speech(), 24_000), TABLE[name], dither=False)
    assert not any(word in written for word in (b"Lavf6", b"Lavc", b"libopus", b"ID3", b"TAG"))
    with av.open(io.BytesIO(written)) as container:
        assert {**container.metadata, **container.streams.audio[0].metadata}.keys() <= {"encoder"}


def test_dither_turns_the_distortion_of_rounding_into_noise() -> None:
    """A sine of less than a bit is lost by rounding alone; with dither it survives, under noise."""
    sine = (0.4 / 32767 * np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE)).astype(np.float32)
    assert not to_int16(sine, dither=False).any()
    spectrum = np.abs(np.fft.rfft(to_int16(sine, dither=True)))
    assert np.argmax(spectrum) == 1000
    assert np.array_equal(to_int16(sine, dither=True), to_int16(sine, dither=True))
    assert np.abs(to_int16(np.zeros(RATE, np.float32), dither=True)).max() == 1


@pytest.mark.parametrize("name", ["speaker", "archive", "wav"])
def test_undithered_samples_keep_every_bit_in_a_lossless_file(name: str) -> None:
    waveform = np.random.default_rng(1).integers(-32767, 32768, 10_000).astype("<i2")
    written = encode(from_int16(waveform), TABLE[name], dither=False)
    assert np.array_equal(soundfile.read(io.BytesIO(written), dtype="int16")[0], waveform)


@pytest.mark.parametrize("bitrate", profiles.MP3_BITRATES)
@pytest.mark.parametrize("rate", profiles.MP3_RATES)
def test_mp3_has_every_rate_and_bitrate_that_a_profile_may_have(rate: int, bitrate: int) -> None:
    profile = Profile(name="any", format="mp3", sample_rate=rate, bitrate=bitrate)
    samples = resample(speech()[: RATE // 2] * np.float32(0.5), RATE // 2, rate)
    written = encode(samples, profile, dither=False)
    read, read_rate = soundfile.read(io.BytesIO(written))
    assert (read_rate, len(read)) == (rate, rate)
    change = 10 * np.log10(np.mean(np.square(read)) / np.mean(np.square(samples)))
    assert abs(change) <= 0.1  # dB; LAME alone takes 0.45


def test_opus_is_encoded_as_speech() -> None:
    """In Opus's mode for music, the same profile takes 39 % more bytes for espeak's speech."""
    written = encode(speech() * np.float32(0.5), TABLE["phone"], dither=False)
    bitrate = len(written) * 8 / (len(speech()) / RATE)
    assert bitrate <= 1.1 * TABLE["phone"].bitrate
