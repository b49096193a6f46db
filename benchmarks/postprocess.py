"""The post-process chain beside a naive one: `python -m benchmarks.postprocess [--clips 8]`.

The clips are espeak speech of about 10 s. Both chains run in one process, clip by clip in turn, and
are measured in CPU seconds of one thread; between them, ffmpeg and sox where they are installed.
Then come the whole chain in one and two processes, noise
suppression beside three noises, and the resamplers' measured filters. The figures go to
benchmarks/results: postprocess.json, postprocess.md and postprocess.png.
"""

import argparse
import platform
import sys
import time
from collections import defaultdict
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks.audio import filters, naive, noises, ours, programs, report
from benchmarks.audio.corpus import Recording, recordings
from benchmarks.audio.steps import Steps
from seedcast.catalog.profiles import Profile

OUR_RUNS = 5  # of our chain for one of the naive chain, which takes longer


@dataclass(frozen=True)
class Run:
    """Both chains with one profile: audio seconds per CPU second of one thread, and each step."""

    profile: str
    format: str
    naive: float
    ours: float
    naive_steps: dict[str, float]  # CPU seconds per second of audio
    our_steps: dict[str, float]
    programs: dict[str, float]  # audio seconds per CPU second, by program
    loudness: dict[str, float]  # mean distance from the profile's in LU, of ours and theirs


def main(arguments: list[str] | None = None) -> None:
    options = _parser().parse_args(arguments)
    began = time.perf_counter()
    clips = recordings(options.clips)
    names = [name for name, profile in ours.TABLE.items() if profile.format in naive.FORMATS]
    given = " ".join(sys.argv[1:] if arguments is None else arguments)
    figures: dict[str, Any] = {
        "command": f"python -m benchmarks.postprocess {given}".strip(),
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        "load_before": psutil.getloadavg()[0],
        "audio_seconds": round(sum(clip.seconds for clip in clips), 1),
        "runs": [asdict(_compare(ours.TABLE[name], clips)) for name in names],
        "denoised": asdict(_compare_denoising(ours.TABLE["speaker"], options.clips)),
        "processes": {
            count: round(ours.throughput(count, ["phone", "telephony"], options.seconds), 1)
            for count in (1, 2)
        },
        "noises": [asdict(row) for row in noises.measure(options.clips, ours.TABLE["phone"])],
        "filters": [asdict(row) for row in filters.measure()],
        "load_after": psutil.getloadavg()[0],
        "seconds": round(time.perf_counter() - began),
    }
    report.write(options.out, figures)


def machine() -> str:
    facts = (line.partition(":") for line in Path("/proc/cpuinfo").read_text().splitlines())
    models = (value.strip() for key, _, value in facts if key.strip() == "model name")
    name = next(models, platform.machine())
    return f"{name}, {psutil.cpu_count()} cores, Python {platform.python_version()}"


def _compare(profile: Profile, clips: list[Recording]) -> Run:
    ours.check(clips[0], profile)
    naive_clock, our_clock = Steps(), Steps()
    for chain in (naive.render, ours.render):  # imports, models and plans are not timed
        chain(clips[0].flac, profile, Steps())
    commands = programs.installed(profile)
    theirs: dict[str, float] = dict.fromkeys(commands, 0.0)
    missed: dict[str, list[float]] = defaultdict(list)
    for clip in clips:  # in turn, so that a busy moment of the machine meets all of them
        naive.render(clip.flac, profile, naive_clock)
        for _ in range(OUR_RUNS):
            written = ours.render(clip.flac, profile, our_clock)
        missed["Seedcast"].append(_missed(written, profile))
        for name, command in commands.items():
            written, seconds = programs.run(command, clip)
            theirs[name] += seconds
            missed[name].append(_missed(written, profile))
    audio = sum(clip.seconds for clip in clips)
    naive_steps = {step: seconds / audio for step, seconds in naive_clock.seconds.items()}
    our_steps = {step: seconds / audio / OUR_RUNS for step, seconds in our_clock.seconds.items()}
    return Run(
        profile=profile.name,
        format=profile.format,
        naive=1 / sum(naive_steps.values()),
        ours=1 / sum(our_steps.values()),
        naive_steps=naive_steps,
        our_steps=our_steps,
        programs={name: audio / seconds for name, seconds in theirs.items()},
        loudness={name: float(np.mean(values)) for name, values in missed.items()},
    )


def _missed(written: bytes, profile: Profile) -> float:
    """Return the distance from the profile's loudness in LU; 0 where it has none."""
    if isinstance(profile.loudness, str):
        return 0.0
    return abs(programs.loudness(written, profile) - profile.loudness)


def _compare_denoising(profile: Profile, count: int) -> Run:
    return _compare(ours.with_denoising(profile), recordings(count, snr=12.0))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.postprocess",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--clips", type=int, default=8, help="number of clips of about 10 s")
    parser.add_argument(
        "--seconds", type=float, default=8.0, help="length of each measurement in processes"
    )
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).parent / "results", help="folder for the results"
    )
    return parser


if __name__ == "__main__":
    main()
