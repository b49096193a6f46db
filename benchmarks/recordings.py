"""What the chain does to recordings of people: `python -m benchmarks.recordings [--against REV]`.

Some 2,800 prompts in five languages, and laughter after a sentence. It counts what the trim loses
of sound within 20 dB of a clip's peak, and how far words are from sentences in level. With
--against, another revision of this repository does the same in turn, and both are printed.
Times are CPU time, the least of several rounds, in which the revisions take turns. The prompts are
fetched first (240 MB, by apt-get; nothing is installed).
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from scipy import signal

from benchmarks.audio import corpus, prompts
from benchmarks.audio.prompts import Prompt
from seedcast.catalog import profiles
from seedcast.errors import InvalidRequest
from seedcast.settings import PostprocessSettings
from seedcast.stream_apps.audio.chain import render
from seedcast.stream_apps.audio.process import process
from seedcast.stream_apps.audio.resample import resample
from seedcast.stream_apps.audio.samples import Samples
from seedcast.stream_apps.audio.source import Source

HOP = 0.005  # seconds
LOUD = 20.0  # dB under the loudest frame, down to which sound counts
CUT = 0.03  # seconds of it that make a cut
WORD, SENTENCE = 1.5, 2.0  # seconds: a word is shorter, a sentence longer
RATE = 24_000  # Hz, of a sentence with laughter
ROWS = {
    "clips": "prompts",
    "no_speech": "… taken for no speech",
    "cut": "… that lose 30 ms or more of sound within 20 dB of their peak",
    "most": "… the most that one loses, ms",
    "laughs": "laughs after a sentence",
    "laughs_cut": "… that lose 30 ms or more",
    "laughs_most": "… the most that one loses, ms",
    "words": "words' level over sentences', dB, mean",
    "words_over": "… words that are over 1.5 dB from it",
    "limited": "… the most that the limiter takes, dB",
    "trim_ms": "CPU of the trim, ms per prompt",
    "telephony_ms": "CPU of a rendition of 10 s of espeak, telephony, ms",
    "phone_ms": "… phone, ms",
}


def measure(limit: int) -> dict[str, Any]:
    """Return the figures of this revision over every `limit`-th prompt."""
    clips = list(prompts.prompts())[::limit]
    began = time.process_time()
    lost = [_lost(clip.samples, clip.rate) for clip in clips]
    trim = (time.process_time() - began) / len(clips)
    known = [seconds for seconds in lost if seconds is not None]
    laughing = [_lost(*_after_a_sentence(laugh, clips)) or 0.0 for laugh in prompts.laughs()]
    return {
        "clips": len(clips),
        "no_speech": len(lost) - len(known),
        "cut": sum(seconds >= CUT for seconds in known),
        "most": round(1000 * max(known)),
        "laughs": len(laughing),
        "laughs_cut": sum(seconds >= CUT for seconds in laughing),
        "laughs_most": round(1000 * max(laughing)),
        **_levels(clips[::4]),
        "trim_ms": round(1000 * trim, 2),
        **{f"{name}_ms": round(1000 * _rendition(name), 1) for name in ("telephony", "phone")},
    }


def _lost(samples: Samples, rate: int) -> float | None:
    """Return the seconds of loud sound that the trim removes; None for no speech."""
    source = Source(samples, rate)
    try:
        edges = source.find_speech(0.5)
    except InvalidRequest:
        return None
    hop, padding = round(HOP * rate), round(0.1 * rate)
    frames = samples[: len(samples) // hop * hop].reshape(-1, hop)
    energy = np.square(frames, dtype=np.float64).mean(axis=1)
    loud = np.flatnonzero(energy > energy.max() * 10 ** (-LOUD / 10)) * hop
    outside = (loud + hop <= edges.start - padding) | (loud >= edges.end + padding)
    return float(outside.sum()) * HOP


def _after_a_sentence(laugh: Prompt, clips: list[Prompt]) -> tuple[Samples, int]:
    """Return an English sentence, a pause, the laugh at the sentence's level, and silence."""
    sentence = next(clip for clip in clips if 2 < clip.seconds < 4)
    parts = [resample(each.samples, each.rate, RATE) for each in (sentence, laugh)]
    level = np.sqrt(np.mean(np.square(parts[0])) / np.mean(np.square(parts[1])))
    pause = np.zeros(RATE // 4, np.float32)
    joined: Samples = np.concatenate([parts[0], pause, parts[1] * np.float32(level), pause])
    return joined / np.float32(max(1.0, np.abs(joined).max())), RATE


def _levels(clips: Iterable[Prompt]) -> dict[str, float]:
    """Return how far words are from sentences after the chain, by telephony's profile."""
    profile = profiles.load(PostprocessSettings())["telephony"]
    words, sentences, limited = list[float](), list[float](), 0.0
    for clip in clips:
        if WORD <= clip.seconds <= SENTENCE:
            continue
        try:
            made = process(Source(clip.samples, clip.rate), profile)
        except InvalidRequest:
            continue
        level = _active_level(made.samples, profile.sample_rate)
        (words if clip.seconds < WORD else sentences).append(level)
        limited = max(limited, made.level.limited)
    reference = float(np.mean(sentences))
    distances = np.array(words) - reference
    return {
        "words": round(float(distances.mean()), 2),
        "words_over": int((np.abs(distances) > 1.5).sum()),
        "limited": round(limited, 1),
    }


def _rendition(name: str) -> float:
    """Return the CPU seconds of a rendition of one of corpus's recordings, without the decoding."""
    profile, clips = profiles.load(PostprocessSettings())[name], corpus.recordings(6)
    render(clips[0].waveform, clips[0].rate, profile)  # filters and codecs are made once
    began = time.process_time()
    for clip in clips:
        render(clip.waveform, clip.rate, profile)
    return (time.process_time() - began) / len(clips)


def _active_level(samples: Samples, rate: int) -> float:
    """Return the active level of ITU-T P.56 in dB, over frames of 20 ms, high-passed at 200 Hz."""
    heard = signal.sosfilt(signal.butter(2, 200, "high", fs=rate, output="sos"), samples)
    frame = rate // 50
    powers = np.square(heard[: len(heard) // frame * frame].reshape(-1, frame)).mean(axis=1)
    active = powers.max()
    for _ in range(20):
        active = powers[powers >= active * 10**-1.59].mean()
    return float(10 * np.log10(active))


def main(arguments: list[str] | None = None) -> None:
    options = _parser().parse_args(arguments)
    if options.measure:
        print(json.dumps(measure(options.every)))
        return
    prompts.fetch()
    with ExitStack() as stack:
        trees = {"this": Path.cwd()}
        if options.against:
            trees = {options.against: stack.enter_context(_checkout(options.against))} | trees
        rounds = [
            {name: _run(tree, options.every) for name, tree in trees.items()}
            for _ in range(options.rounds)
        ]
    columns = {name: _least([figures[name] for figures in rounds]) for name in trees}
    given = " ".join(sys.argv[1:] if arguments is None else arguments)
    print(f"`python -m benchmarks.recordings {given}`, {datetime.now(UTC).date()}\n")
    print("| |", " | ".join(columns), "|\n|---|", "---:|" * len(columns))
    for key, label in ROWS.items():
        print(f"| {label} |", " | ".join(f"{figures[key]:g}" for figures in columns.values()), "|")


@contextmanager
def _checkout(revision: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        git = ("git", "worktree")
        subprocess.run([*git, "add", "-q", "--detach", folder, revision], check=True)
        try:
            yield Path(folder)
        finally:
            subprocess.run([*git, "remove", "--force", folder], check=True)


def _least(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the figures of a round, with the least time of all; all else is alike in each."""
    return {
        key: min(figures[key] for figures in rounds) if key.endswith("_ms") else value
        for key, value in rounds[0].items()
    }


def _run(tree: Path, every: int) -> dict[str, Any]:
    """Return the figures of the chain in `tree`, measured by this file."""
    # Run there, Python takes the packages of `tree`; this folder's benchmarks stand for its own.
    program = (
        "import runpy, sys; import seedcast, benchmarks;"
        f"benchmarks.__path__ = [{str(Path(__file__).parent)!r}];"
        f"sys.argv = ['recordings', '--measure', '--every', '{every}'];"
        "runpy.run_module('benchmarks.recordings', run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tree,
        env=os.environ | {"PYTHONPATH": str(tree)},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.recordings",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--against", metavar="REV", help="a revision to compare with")
    parser.add_argument("--rounds", type=int, default=3, help="how often each revision measures")
    parser.add_argument("--every", type=int, default=1, help="take every n-th prompt")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    main()
