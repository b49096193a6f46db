"""Recordings of people, from Debian's packages: telephone prompts, words, letters, and laughter.

They are fetched, and not part of the repository. Asterisk's prompts are 8 kHz, in five languages;
the voices of Hedgewars, a game, are 44.1 kHz.
"""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from seedcast.stream_apps.audio.samples import Samples

FOLDER = Path(__file__).parents[2] / ".tools" / "recordings"
LANGUAGES = ("en", "es", "fr", "it", "ru")
PACKAGES = (*(f"asterisk-core-sounds-{language}-wav" for language in LANGUAGES), "hedgewars-data")
PROMPTS = "usr/share/asterisk/sounds"
VOICES = "usr/share/games/hedgewars/Data/Sounds/voices"
# Tones, silences, and a recording of monkeys.
NO_SPEECH = ("beep", "silence/", "tone", "confbridge-join", "confbridge-leave", "tt-monkeys")
LONGEST = 20.0  # seconds


@dataclass(frozen=True)
class Prompt:
    name: str
    samples: Samples  # (samples,)
    rate: int  # Hz

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate


def fetch(folder: Path = FOLDER) -> Path:
    """Download and unpack what is not there yet, by apt-get; nothing is installed."""
    folder.mkdir(parents=True, exist_ok=True)
    for package in PACKAGES:
        unpacked = folder / package
        if not unpacked.exists():
            subprocess.run(["apt-get", "download", "-q", package], cwd=folder, check=True)
            [archive] = folder.glob(f"{package}_*.deb")
            subprocess.run(["dpkg", "-x", archive, unpacked.with_suffix(".part")], check=True)
            unpacked.with_suffix(".part").rename(unpacked)
            archive.unlink()
    return folder


def prompts(folder: Path = FOLDER) -> Iterator[Prompt]:
    """Yield Asterisk's prompts that hold speech, in the order of their names."""
    for language in LANGUAGES:
        base = folder / f"asterisk-core-sounds-{language}-wav" / PROMPTS
        for file in sorted(base.rglob("*.wav")):
            name = str(file.relative_to(base))
            if not any(word in name for word in NO_SPEECH):
                prompt = _read(name, file)
                if 0 < prompt.seconds < LONGEST:
                    yield prompt


def laughs(folder: Path = FOLDER) -> Iterator[Prompt]:
    """Yield the game's voices laughing, without silence at their ends."""
    base = folder / "hedgewars-data" / VOICES
    for file in sorted(base.glob("*/Laugh.ogg")):
        laugh = _read(f"{file.parent.name} laughing", file)
        loud = np.flatnonzero(np.abs(laugh.samples) > np.abs(laugh.samples).max() / 100)
        yield Prompt(laugh.name, laugh.samples[loud[0] : loud[-1] + 1], laugh.rate)


def _read(name: str, file: Path) -> Prompt:
    samples, rate = soundfile.read(file, dtype="float32", always_2d=True)
    return Prompt(name, samples.mean(axis=1), rate)
