"""Encoded files: G.711's tables, rates, channels and lengths; they hold nothing but audio."""

import io
import struct

import av
import msgspec
import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from seedcast.catalog import formats, profiles
from seedcast.catalog.formats import Format
from seedcast.catalog.profiles import Profile
from seedcast.settings import PostprocessSettings
from seedcast.stream_apps.audio.chain import render
from seedcast.stream_apps.audio.encode import encode
from seedcast.stream_apps.audio.resample import resample
from seedcast.stream_apps.audio.samples import Samples, from_int16, to_int16
from seedcast.stream_apps.inspect.decode import decode
from tests.builders.decoders import decoders
from tests.builders.speech import RATE, speech

TABLE = profiles.load(PostprocessSettings())
OPUS_DECODES_AT = 48_000  # Hz
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


# Samples at the end that a player may add, and dB that a codec may take from the whole level.
MORE: dict[Format, int] = {"mp3": 48, "webm-opus": 2 * 960, "m4a-aac": 1023}
LESS: dict[Format, float] = {"ogg-opus": 0.5, "webm-opus": 0.5, "m4a-aac": 0.2}
G722_DELAY = 22  # samples of its two filters, which a file without a header cannot tell


@pytest.mark.parametrize("name", TABLE)
def test_two_decoders_of_other_makers_read_the_same_length_rate_and_level(name: str) -> None:
    profile = TABLE[name]
    samples = np.resize(speech() * np.float32(0.5), profile.sample_rate * 3 + 8)
    written = encode(samples, profile, dither=True)
    read_by = decoders(profile.format, profile.sample_rate)
    assert len(read_by) == 2
    for decoder, read in read_by.items():
        decoded, rate = read(written)
        assert rate in (profile.sample_rate, OPUS_DECODES_AT), decoder
        at_rate = resample(decoded.astype(np.float32), rate, profile.sample_rate)
        assert 0 <= len(at_rate) - len(samples) <= MORE.get(profile.format, 0), decoder
        assert lag(at_rate, samples) <= (G722_DELAY if profile.format == "g722" else 2), decoder
        change = 10 * np.log10(np.sum(np.square(at_rate)) / np.sum(np.square(samples)))
        assert abs(change) <= LESS.get(profile.format, 0.1), decoder


def lag(read: Samples, written: Samples) -> int:
    """Return the samples between both."""
    size = 2 * max(len(read), len(written))
    correlation = np.fft.irfft(np.fft.rfft(read, size) * np.conj(np.fft.rfft(written, size)))
    shift = int(np.argmax(correlation))
    return min(shift, size - shift)


@pytest.mark.parametrize("name", ["raw-ulaw", "raw-alaw", "raw-s16-8k"])
def test_a_headerless_file_is_the_payload_of_the_same_wav(name: str) -> None:
    samples = np.resize(speech() * np.float32(0.5), 4000)
    of_wav = {"raw-ulaw": "telephony", "raw-alaw": "telephony-alaw", "raw-s16-8k": "wav-8k"}[name]
    wav = payload(encode(samples, TABLE[of_wav], dither=True))
    assert encode(samples, TABLE[name], dither=True) == wav.tobytes()


@pytest.mark.parametrize(
    ("name", "silence"),
    [("telephony", 0xFF), ("raw-ulaw", 0xFF), ("telephony-alaw", 0xD5), ("raw-alaw", 0xD5)],
)
def test_an_odd_length_is_filled_with_the_code_of_silence(name: str, silence: int) -> None:
    profile = msgspec.structs.replace(TABLE[name], trim="off", denoise="off")
    rendered = render((speech()[:8001] * 32767).astype("<i2"), 8000, profile)
    is_raw = profile.format.startswith("raw")
    codes = rendered.data if is_raw else payload(rendered.data).tobytes()
    assert len(codes) == rendered.samples == 8002
    assert codes[-1] == silence
    if not is_raw:  # nothing follows the chunk
        assert rendered.data.endswith(codes)


def test_the_padding_of_g711_is_silence_in_its_code() -> None:
    waveform = (np.pad(speech(), (RATE, RATE)) * 32767).astype("<i2")
    for name, silence in (("raw-ulaw", 0xFF), ("raw-alaw", 0xD5)):
        codes = render(waveform, RATE, TABLE[name]).data
        ends = codes[:160] + codes[-160:]  # 20 ms of the padding's 100 ms
        assert set(ends) <= {silence, 0x7F if silence == 0xFF else 0x55}  # and the other zero
        assert len(codes) % 2 == 0


@pytest.mark.parametrize("count", [1, 100, 1024, 24_000, 24_001])
def test_the_edit_list_of_an_m4a_file_has_the_delay_and_the_exact_length(count: int) -> None:
    written = encode(np.resize(speech(), count), TABLE["m4a"], dither=False)
    entry = written.index(b"elst") + 4
    version, entries, length, begin = struct.unpack_from(">IIIi", written, entry)
    assert (version, entries, length, begin) == (0, 1, count, 1024)
    movie_timescale = struct.unpack_from(">I", written, written.index(b"mvhd") + 16)[0]
    assert movie_timescale == TABLE["m4a"].sample_rate
    assert len(decode(written, "m4a").samples) == count


OF_THE_FORMAT = {
    "DURATION",
    "language",
    "handler_name",
    "major_brand",
    "minor_version",
    "compatible_brands",
}


@pytest.mark.parametrize("name", ["phone", "web", "webm", "m4a"])
def test_a_file_holds_nothing_but_audio(name: str) -> None:
    """What differs by recipient or by build would give another hash for the same sound.

    MP3 names its encoder, as each frame's filling.
    """
    written = encode(np.resize(speech(), 24_000), TABLE[name], dither=False)
    assert not any(word in written for word in (b"Lavf6", b"Lavc", b"libopus", b"ID3", b"TAG"))
    with av.open(io.BytesIO(written)) as container:
        facts = {**container.metadata, **container.streams.audio[0].metadata}
    assert facts.keys() <= {"encoder", *OF_THE_FORMAT}


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


@pytest.mark.sample(20)
@pytest.mark.parametrize("bitrate", formats.MP3_BITRATES)
@pytest.mark.parametrize("rate", formats.MP3_RATES)
def test_mp3_has_every_rate_and_bitrate_that_a_profile_may_have(rate: int, bitrate: int) -> None:
    profile = Profile(name="any", format="mp3", sample_rate=rate, bitrate=bitrate)
    samples = resample(speech()[: RATE // 2] * np.float32(0.5), RATE // 2, rate)
    written = encode(samples, profile, dither=False)
    read, read_rate = soundfile.read(io.BytesIO(written))
    assert (read_rate, len(read)) == (rate, rate)
    change = 10 * np.log10(np.mean(np.square(read)) / np.mean(np.square(samples)))
    # dB; LAME's scale is 0.45. At 32 kbit/s it leaves out the highest frequencies, too.
    assert abs(change) <= (0.1 if bitrate > 32_000 else 0.15)


@pytest.mark.parametrize("name", ["phone", "webm"])
def test_opus_is_encoded_as_speech(name: str) -> None:
    """In Opus's mode for music, the same profile takes 39 % more bytes for espeak's speech."""
    written = encode(speech() * np.float32(0.5), TABLE[name], dither=False)
    bitrate = len(written) * 8 / (len(speech()) / RATE)
    assert bitrate <= 1.1 * TABLE[name].bitrate
