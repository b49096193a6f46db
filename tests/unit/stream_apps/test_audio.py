"""The whole chain: profiles, odd input, and the same bytes everywhere."""

import io
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import msgspec
import numpy as np
import pyloudnorm
import pytest
import soundfile

from seedcast.catalog import profiles
from seedcast.catalog.formats import Headerless
from seedcast.catalog.profiles import Profile
from seedcast.errors import InvalidRequest, InvalidSettings
from seedcast.settings import PostprocessSettings
from seedcast.stream_apps.audio import chain, noise, trim
from seedcast.stream_apps.audio.chain import (
    Rendered,
    chain_fingerprint,
    render,
    render_all,
    render_source,
    warm_up,
)
from seedcast.stream_apps.audio.resample import resample
from seedcast.stream_apps.audio.samples import Samples, db_to_amplitude, to_int16
from seedcast.stream_apps.audio.source import Source
from seedcast.stream_apps.inspect.decode import decode
from seedcast.waveforms import Waveform
from tests.builders.records import tone
from tests.builders.speech import (
    ENGLISH,
    MANDARIN,
    RATE,
    SHORT,
    between,
    noisy,
    silence,
    speech,
    true_peak,
    white,
)

TABLE = profiles.load(PostprocessSettings())
NAMES = sorted(TABLE)
EACH_FORMAT = sorted({TABLE[name].format: name for name in reversed(NAMES)}.values())
AS_SYNTHESISED = ["archive", "wav"]
MP3_EXTRA = 48  # samples that a player may give beyond the length
SHORTEST = {"web": MP3_EXTRA, "webm": 324}  # samples; a shorter WebM plays for 13.5 ms
TARGET, TELEPHONY = TABLE["speaker"].loudness, TABLE["telephony"].loudness
PROCESSED = [name for name in NAMES if name not in AS_SYNTHESISED]


def spoken(text: str = ENGLISH, seed: int = 1, lead: float = 0.4, tail: float = 0.6) -> Waveform:
    return to_int16(between(speech(text, seed), lead, tail), dither=False)


def decoded(rendered: Rendered) -> tuple[Samples, int]:
    headerless = Headerless.of(TABLE[rendered.profile].format, rendered.sample_rate)
    clip = decode(rendered.data, rendered.profile, headerless)
    assert clip.channels == 1
    return resample(clip.samples, clip.rate, rendered.sample_rate), rendered.sample_rate


@pytest.mark.sample(12)
@pytest.mark.parametrize("text", [ENGLISH, MANDARIN])
@pytest.mark.parametrize("name", PROCESSED)
def test_a_rendition_is_trimmed_levelled_and_under_its_ceiling_when_decoded(
    name: str, text: str
) -> None:
    profile, waveform = TABLE[name], spoken(text)
    rendered = render(waveform, RATE, profile)
    samples, rate = decoded(rendered)
    assert rate == rendered.sample_rate == profile.sample_rate
    assert 0 <= len(samples) - rendered.samples <= MP3_EXTRA * (profile.format == "mp3")
    padding = 2 * profile.padding
    assert rendered.duration == pytest.approx(len(speech(text)) / RATE + padding, abs=0.06)
    assert rendered.processed.trimmed.seconds == pytest.approx(1.0 - padding, abs=0.06)
    loudness = pyloudnorm.Meter(rate).integrated_loudness(samples.astype(float))
    assert abs(loudness - profile.loudness) <= 0.5  # type: ignore[operator]
    slack = {"flac": 0.02}.get(profile.format, 1.0)  # dB; what a lossy codec may add
    assert true_peak(samples, rate) <= db_to_amplitude(profile.true_peak + slack)  # type: ignore[operator]
    assert not rendered.processed.denoised


@pytest.mark.parametrize("source", [22_050, 24_000, 44_100])
@pytest.mark.parametrize("name", AS_SYNTHESISED)
def test_a_profile_that_keeps_the_synthesised_sound_gives_the_same_tone_at_its_exact_length(
    name: str, source: int
) -> None:
    rendered = render(tone(source + 7, source, 1000.0), source, TABLE[name])
    samples, rate = decoded(rendered)
    assert len(samples) == rendered.samples == -(-(source + 7) * rate // source)
    assert rendered.duration == rendered.samples / rate
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    assert abs(np.argmax(spectrum) * rate / len(samples) - 1000) < 3
    assert np.sqrt(np.mean(samples**2)) == pytest.approx(16_000 / 32_767 / np.sqrt(2), rel=0.02)


@pytest.mark.parametrize("name", AS_SYNTHESISED)
def test_at_the_same_rate_every_bit_is_kept(name: str) -> None:
    waveform = np.random.default_rng(1).integers(-32767, 32768, 24_000).astype("<i2")
    rendered = render(waveform, 24_000, TABLE[name])
    assert np.array_equal(soundfile.read(io.BytesIO(rendered.data), dtype="int16")[0], waveform)
    assert rendered.processed.level.loudness < 0  # measured all the same


def test_full_scale_survives_resampling_without_wrapping() -> None:
    square = np.repeat(np.tile(np.array([32767, -32768], "<i2"), 50), 200)
    read, _ = soundfile.read(io.BytesIO(render(square, 22_050, TABLE["wav"]).data))
    assert np.all(np.sign(read[20:200]) == 1)


def test_several_profiles_share_the_work_and_give_the_same_bytes_as_each_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clean = between(speech(SHORT, 2), 0.4, 0.6)
    waveform = to_int16(noisy(clean, white(len(clean)), 10), dither=False)
    alone = [render(waveform, RATE, TABLE[name]).sha256 for name in EACH_FORMAT]
    calls: list[str] = []
    for module, function in ((trim, "find_speech"), (noise, "estimate_snr"), (noise, "suppress")):
        work = getattr(module, function)
        monkeypatch.setattr(
            module,
            function,
            lambda *args, work=work, function=function, **named: (
                calls.append(function),
                work(*args, **named),
            )[1],
        )
    assert hashes(waveform) == alone
    assert sorted(calls) == ["estimate_snr", "find_speech", "suppress"]


def hashes(waveform: Waveform) -> list[str]:
    table = [TABLE[name] for name in EACH_FORMAT]
    return [rendered.sha256 for rendered in render_all(waveform, RATE, table)]


def clean_and_noisy() -> list[Waveform]:
    """Return a clean clip, and one so noisy that RNNoise is at work."""
    clean = between(speech(SHORT, 2), 0.3, 0.3)
    return [
        to_int16(clean, dither=False),
        to_int16(noisy(clean, white(len(clean)), 8), dither=False),
    ]


def test_the_same_waveform_gives_the_same_bytes_in_every_thread() -> None:
    waveforms = clean_and_noisy()
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(hashes, waveforms * 4))
    assert made == [hashes(waveform) for waveform in waveforms] * 4


@pytest.mark.parametrize("threads", [pytest.param("1", marks=pytest.mark.slow), "3"])
def test_the_same_waveform_gives_the_same_bytes_and_fingerprint_in_another_process(
    threads: str,
) -> None:
    script = (
        "from tests.unit.stream_apps.test_audio import *; "
        "print([hashes(w) for w in clean_and_noisy()], chain_fingerprint(TABLE))"
    )
    environment = os.environ | dict.fromkeys(
        ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), threads
    )
    other = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment
    )
    here = [hashes(w) for w in clean_and_noisy()]
    assert other.stdout.strip() == f"{here} {chain_fingerprint(TABLE)}"


def test_the_fingerprint_follows_the_profiles_and_not_their_order() -> None:
    changed = {**TABLE, "phone": msgspec.structs.replace(TABLE["phone"], padding=0.2)}
    reordered = dict(reversed(TABLE.items()))
    assert chain_fingerprint(profiles.Profiles(changed)) != chain_fingerprint(TABLE)
    assert chain_fingerprint(profiles.Profiles(reordered)) == chain_fingerprint(TABLE)
    patient = {name: msgspec.structs.replace(row, deliver_late=True) for name, row in TABLE.items()}
    assert chain_fingerprint(profiles.Profiles(patient)) == chain_fingerprint(TABLE)


def failure(waveform: Waveform, name: str, rate: int = RATE) -> str:
    with pytest.raises(InvalidRequest) as raised:
        render(waveform, rate, TABLE[name])
    return raised.value.code


@pytest.mark.parametrize("name", NAMES)
def test_a_waveform_without_samples_is_an_error_of_the_request(name: str) -> None:
    assert failure(tone(0), name) == "render_error"


@pytest.mark.parametrize("name", PROCESSED)
@pytest.mark.parametrize(
    "waveform",
    [
        np.zeros(RATE, "<i2"),
        np.array([1000], "<i2"),
        to_int16(white(RATE) * np.float32(0.1), dither=False),
    ],
)
def test_a_waveform_without_speech_is_an_error_and_not_an_empty_file(
    waveform: Waveform, name: str
) -> None:
    assert failure(waveform, name) == "no_speech"


@pytest.mark.parametrize("source", [8_000, 11_025, 22_050, 24_000, 24_001, 192_000])
@pytest.mark.parametrize("name", AS_SYNTHESISED)
def test_one_sample_and_odd_rates_are_rendered(name: str, source: int) -> None:
    rendered = render(np.array([1000], "<i2"), source, TABLE[name])
    assert len(decoded(rendered)[0]) == rendered.samples >= 1


@pytest.mark.parametrize("name", NAMES)
def test_one_sample_and_silence_are_rendered_if_the_profile_needs_no_speech(name: str) -> None:
    anything = msgspec.structs.replace(TABLE[name], trim="off", denoise="on")
    for waveform in (np.array([1000], "<i2"), np.zeros(RATE, "<i2")):
        rendered = render(waveform, RATE, anything)
        assert 0 <= len(decoded(rendered)[0]) - rendered.samples <= SHORTEST.get(name, 0)


@pytest.mark.parametrize("source", [8_000, 11_025, 24_001, 44_100, 96_000])
def test_an_odd_rate_gives_the_right_duration_and_loudness(source: int) -> None:
    waveform = to_int16(resample(between(speech(), 0.4, 0.6), RATE, source), dither=False)
    rendered = render(waveform, source, TABLE["speaker"])
    assert rendered.duration == pytest.approx(
        len(speech()) / RATE + 2 * TABLE["speaker"].padding, abs=0.06
    )
    assert rendered.processed.level.loudness == pytest.approx(TARGET, abs=0.2)


def test_an_offset_is_removed_and_costs_no_loudness() -> None:
    clean = between(speech() * np.float32(0.3), 0.4, 0.6)
    rendered = render(to_int16(clean + np.float32(0.2), dither=False), RATE, TABLE["speaker"])
    samples, _ = decoded(rendered)
    assert abs(samples.mean()) < 0.002
    assert rendered.processed.trimmed.seconds == pytest.approx(0.7, abs=0.06)
    assert rendered.processed.level.loudness == pytest.approx(TARGET, abs=0.2)


def test_clipped_speech_is_rendered_under_the_ceiling() -> None:
    rendered = render(to_int16(np.clip(speech() * 20, -1, 1), dither=False), RATE, TABLE["speaker"])
    samples, rate = decoded(rendered)
    assert true_peak(samples, rate) <= db_to_amplitude(-1 + 0.02)
    assert rendered.processed.level.loudness == pytest.approx(TARGET, abs=0.2)


@pytest.mark.parametrize(
    "samples",
    [
        np.array([0, np.nan], np.float32),
        np.array([np.inf], np.float32),
        np.zeros((10, 2), np.float32),
    ],
)
def test_samples_that_are_not_mono_or_not_finite_are_an_error_of_the_request(
    samples: Samples,
) -> None:
    with pytest.raises(InvalidRequest, match="expected mono, at least one sample, all finite"):
        render_source(Source(samples, RATE), TABLE["archive"])


def test_ten_minutes_are_rendered_whole() -> None:
    waveform = to_int16(between(np.resize(speech(), 600 * RATE), 0.5, 0.5), dither=False)
    rendered = render(waveform, RATE, TABLE["telephony"])
    assert rendered.duration == pytest.approx(600.2, abs=0.1)
    assert rendered.processed.level.loudness == pytest.approx(TELEPHONY, abs=0.2)


def test_long_pauses_are_shortened_if_a_profile_asks_for_it() -> None:
    waveform = to_int16(np.concatenate([speech(), silence(2.0), speech()]), dither=False)
    capped = Profile(name="kiosk", format="flac", sample_rate=24_000, max_pause=0.5)
    assert render(waveform, RATE, capped).processed.trimmed.pauses == pytest.approx(1.5, abs=0.15)
    assert render(waveform, RATE, TABLE["phone"]).processed.trimmed.pauses == 0


def test_a_lack_of_memory_is_not_an_error_of_the_request(monkeypatch: pytest.MonkeyPatch) -> None:
    def out_of_memory(*_: object, **__: object) -> bytes:
        raise MemoryError

    monkeypatch.setattr(chain, "encode", out_of_memory)
    with pytest.raises(MemoryError):
        render(spoken(), RATE, TABLE["phone"])


def test_warm_up_tells_each_profile_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []

    def encode(*_: object, **__: object) -> bytes:
        steps.append("done")
        return b""

    monkeypatch.setattr(chain, "encode", encode)
    warm_up(TABLE, steps.append)
    assert steps == [step for name in TABLE for step in (name, "done")]


def test_warm_up_names_a_profile_that_cannot_be_rendered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object, **__: object) -> bytes:
        raise ValueError("not at this rate")

    monkeypatch.setattr(chain, "encode", refuse)
    with pytest.raises(InvalidSettings, match=r"profile \[phone\].*not at this rate"):
        warm_up(TABLE)
