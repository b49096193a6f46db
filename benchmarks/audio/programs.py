"""Other programs' chains: ffmpeg and sox, as one would call them for the same device.

Both trim by level, and suppress no noise. ffmpeg's `loudnorm` measures EBU R128, sox only the peak.
They read a WAV, and their CPU includes the start of a process for each clip.
"""

import resource
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import soundfile

from benchmarks.audio.corpus import Recording
from seedcast.catalog.formats import Headerless
from seedcast.catalog.profiles import Profile
from seedcast.stream_apps.audio.loudness import measure_loudness
from seedcast.stream_apps.inspect.decode import decode

SOURCE, TARGET = "source.wav", "target"
TRIM_DB = -38
SILENCE = f"silenceremove=start_periods=1:start_threshold={TRIM_DB}dB:start_silence=0.1"
FFMPEG_CODECS = {
    "wav-pcm16": "-c:a pcm_s16le -f wav",
    "wav-ulaw": "-c:a pcm_mulaw -f wav",
    "wav-alaw": "-c:a pcm_alaw -f wav",
    "flac": "-c:a flac -sample_fmt s16 -f flac",
    "ogg-opus": "-c:a libopus -application voip -f ogg",
    "mp3": "-c:a libmp3lame -f mp3",
}
# What Debian's sox writes without its plugins.
SOX_FORMATS = {
    "wav-pcm16": "-t wav -b 16",
    "wav-ulaw": "-t wav -e mu-law",
    "wav-alaw": "-t wav -e a-law",
}


def ffmpeg(profile: Profile) -> list[str] | None:
    if isinstance(profile.loudness, str) or profile.format not in FFMPEG_CODECS:
        return None
    filters = f"{SILENCE},areverse,{SILENCE},areverse"
    if profile.band:
        filters += f",highpass=f={profile.band[0]},lowpass=f={profile.band[1]}"
    filters += f",loudnorm=I={profile.loudness}:TP={profile.true_peak}:LRA=11"
    codec = FFMPEG_CODECS[profile.format].split()
    rate, bitrate = str(profile.sample_rate), str(profile.bitrate)
    command = ["ffmpeg", "-v", "error", "-threads", "1", "-i", SOURCE, "-af", filters]
    return [*command, "-ar", rate, "-b:a", bitrate, *codec, TARGET]


def sox(profile: Profile) -> list[str] | None:
    if isinstance(profile.true_peak, str) or profile.format not in SOX_FORMATS:
        return None
    trim = ["silence", "1", "0.03", f"{TRIM_DB}d", "reverse"]
    band = ["sinc", "-".join(f"{edge:g}" for edge in profile.band)] if profile.band else []
    rate = ["rate", "-v", str(profile.sample_rate)]
    level = ["gain", "-n", f"{profile.true_peak:g}"]
    kind = SOX_FORMATS[profile.format].split()
    return ["sox", "-V1", SOURCE, *kind, TARGET, *trim, *trim, *rate, *band, *level]


COMMANDS: dict[str, Callable[[Profile], list[str] | None]] = {"ffmpeg": ffmpeg, "sox": sox}


def installed(profile: Profile) -> dict[str, list[str]]:
    """Return the commands for a profile, of those programs that are installed and write it."""
    found = {name: of(profile) for name, of in COMMANDS.items() if shutil.which(name)}
    return {name: command for name, command in found.items() if command}


def run(command: list[str], clip: Recording) -> tuple[bytes, float]:
    """Return the file, and the CPU seconds of the process."""
    with tempfile.TemporaryDirectory() as folder:
        soundfile.write(Path(folder) / SOURCE, clip.waveform, clip.rate)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, cwd=folder, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        written = (Path(folder) / TARGET).read_bytes()
    return written, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def loudness(written: bytes, profile: Profile) -> float:
    """Return the LUFS of a file."""
    clip = decode(written, profile.name, Headerless.of(profile.format, profile.sample_rate))
    return measure_loudness(clip.samples, clip.rate)
