import io
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import av
import numpy as np
import pytest
import soundfile

from seedcast import profiles
from seedcast.codec import Waveform
from seedcast.errors import InvalidRequest
from seedcast.profiles import Profile
from seedcast.settings import PostprocessSettings
from stream_apps.audio.chain import Rendered, chain_fingerprint, render
from stream_apps.audio.resample import resample
from tests.unit.stream_apps.records import tone

TABLE = profiles.load(PostprocessSettings())
NAMES = sorted(TABLE)


def decoded(rendered: Rendered) -> tuple[np.ndarray, int]:  # type: ignore[type-arg]
    """By a library that did not write it; PyAV gives Opus at 48 kHz, whatever its rate was."""
    if rendered.format != "ogg-opus":
        with av.open(io.BytesIO(rendered.data)) as container:
            assert container.streams.audio[0].channels == 1
            frames = [frame.to_ndarray().reshape(-1) for frame in container.decode(audio=0)]
            samples = np.concatenate(frames)
            return samples / (2 ** (8 * samples.itemsize - 1)), container.streams.audio[0].rate
    samples, rate = soundfile.read(io.BytesIO(rendered.data))
    assert samples.ndim == 1
    return samples, rate


def loudest(samples: np.ndarray, rate: int) -> float:  # type: ignore[type-arg]
    """Hz."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum) * rate / len(samples))


@pytest.mark.parametrize("source", [22_050, 24_000, 44_100])
@pytest.mark.parametrize("name", NAMES)
def test_a_rendition_decodes_to_the_same_tone_at_its_rate_and_exact_length(name: str, source: int) -> None:
    rendered = render(tone(source + 7, source, 1000.0), source, TABLE[name])
    samples, rate = decoded(rendered)
    assert rate == rendered.sample_rate == TABLE[name].sample_rate
    assert len(samples) == rendered.samples == -(-(source + 7) * rate // source)
    assert rendered.duration == rendered.samples / rate
    assert abs(loudest(samples, rate) - 1000) < 3
    assert np.sqrt(np.mean(samples**2)) == pytest.approx(16_000 / 32_767 / np.sqrt(2), rel=0.02)


@pytest.mark.parametrize("name", ["speaker", "archive", "wav"])
def test_a_lossless_rendition_at_the_same_rate_keeps_every_bit(name: str) -> None:
    profile = TABLE[name]
    waveform = np.random.default_rng(1).integers(-32768, 32768, 10_000).astype("<i2")
    data = render(waveform, profile.sample_rate, profile).data
    assert np.array_equal(soundfile.read(io.BytesIO(data), dtype="int16")[0], waveform)


def test_mu_law_is_within_its_own_error_of_the_waveform() -> None:
    waveform = tone(8_000, 8_000)
    samples, _ = soundfile.read(io.BytesIO(render(waveform, 8_000, TABLE["telephony"]).data), dtype="int16")
    error = np.abs(samples.astype(int) - waveform)
    assert np.all(error <= np.maximum(4, np.abs(waveform.astype(int)) / 16))  # half a step of ITU-T G.711


def test_resampling_lets_nothing_alias() -> None:
    aliased = resample(tone(48_000, 24_000, 5_000.0), 24_000, 8_000)  # above the new Nyquist frequency; it would come out at 3 kHz
    assert np.max(np.abs(aliased[400:-400])) <= 2


def test_full_scale_survives_resampling_without_wrapping() -> None:
    square = np.repeat(np.tile(np.array([32767, -32768], "<i2"), 50), 200)
    changed = resample(square, 24_000, 48_000)
    assert np.all(np.sign(changed[100:300].astype(int)) == 1)


def hashes(waveform: Waveform) -> list[str]:
    return [render(waveform, 22_050, TABLE[name]).sha256 for name in NAMES]


def test_the_same_waveform_gives_the_same_bytes_in_every_thread() -> None:
    waveform = tone(22_050, 22_050)
    with ThreadPoolExecutor(8) as pool:
        assert len({tuple(found) for found in pool.map(lambda _: hashes(waveform), range(24))}) == 1


def test_the_same_waveform_gives_the_same_bytes_and_fingerprint_in_another_process() -> None:
    script = "from tests.unit.stream_apps.test_audio import *; print(hashes(tone(22_050, 22_050)), chain_fingerprint(TABLE))"
    other = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == f"{hashes(tone(22_050, 22_050))} {chain_fingerprint(TABLE)}"


def test_the_fingerprint_follows_the_profiles_and_not_their_order() -> None:
    changed = Profile(name="phone", format="ogg-opus", sample_rate=24_000, bitrate=24_000)
    assert chain_fingerprint(profiles.Profiles({**TABLE, "phone": changed})) != chain_fingerprint(TABLE)
    assert chain_fingerprint(profiles.Profiles(dict(reversed(TABLE.items())))) == chain_fingerprint(TABLE)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_to_render_is_an_error_of_the_request(name: str) -> None:
    with pytest.raises(InvalidRequest, match="expected at least one sample") as raised:
        render(tone(0), 24_000, TABLE[name])
    assert raised.value.code == "render_error"


@pytest.mark.parametrize("source", [8_000, 11_025, 22_050, 24_000, 24_001, 192_000])
@pytest.mark.parametrize("name", NAMES)
def test_one_sample_and_odd_rates_are_rendered(name: str, source: int) -> None:
    rendered = render(np.array([1000], "<i2"), source, TABLE[name])
    assert rendered.samples >= 1
    assert len(decoded(rendered)[0]) == rendered.samples


def test_nothing_but_audio_is_in_a_file() -> None:
    """What differs by recipient or by build would give another hash for the same sound."""
    opus = render(tone(24_000), 24_000, TABLE["phone"]).data
    assert not any(name in opus for name in (b"Lavf", b"Lavc", b"libopus"))
    with av.open(io.BytesIO(opus)) as container:
        assert {**container.metadata, **container.streams.audio[0].metadata}.keys() <= {"encoder"}
