"""The post-process chain beside the naive one: `python -m benchmarks.postprocess [--clips 8] [--seconds 8]`.

espeak's speech of about 10 s a clip; both chains in one process, clip by clip in turn, in CPU seconds of one thread. Then the
whole chain over one and two processes, noise suppression beside three noises, and the resamplers' measured filters. Figures go to benchmarks/results:
postprocess.json, postprocess.md and postprocess.png.
"""

import argparse
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from benchmarks.audio import filters, naive, noises, ours, report
from benchmarks.audio.corpus import Recording, recordings
from benchmarks.audio.steps import Steps
from seedcast.catalog.profiles import Profile

Chain = Callable[[bytes, Profile, Steps], bytes]


@dataclass(frozen=True)
class Run:
    """One chain, one profile: audio seconds a CPU second of one thread, whole and by step."""

    profile: str
    format: str
    naive: float
    ours: float
    naive_steps: dict[str, float]  # CPU seconds for a second of audio
    our_steps: dict[str, float]


def main(arguments: list[str] | None = None) -> None:
    options = _parser().parse_args(arguments)
    began = time.perf_counter()
    clips, names = recordings(options.clips), list(ours.TABLE)
    found: dict[str, Any] = {
        "command": f"python -m benchmarks.postprocess {' '.join(sys.argv[1:] if arguments is None else arguments)}".strip(),
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        "load_before": psutil.getloadavg()[0],
        "audio_seconds": round(sum(clip.seconds for clip in clips), 1),
        "runs": [asdict(_run(ours.TABLE[name], clips)) for name in names],
        "denoised": asdict(_denoised(ours.TABLE["speaker"], options.clips)),
        "processes": {
            count: round(ours.throughput(count, ["phone", "telephony"], options.seconds), 1)
            for count in (1, 2)
        },
        "noises": [asdict(one) for one in noises.measure(options.clips, ours.TABLE["phone"])],
        "filters": [asdict(one) for one in filters.measure()],
    }
    report.write(
        options.out,
        found
        | {"load_after": psutil.getloadavg()[0], "seconds": round(time.perf_counter() - began)},
    )


def machine() -> str:
    facts = (line.partition(":") for line in Path("/proc/cpuinfo").read_text().splitlines())
    name = next(
        (value.strip() for key, _, value in facts if key.strip() == "model name"),
        platform.machine(),
    )
    return f"{name}, {psutil.cpu_count()} cores, Python {platform.python_version()}"


def _run(profile: Profile, clips: list[Recording]) -> Run:
    ours.check(clips[0], profile)
    theirs, mine = Steps(), Steps()
    for chain in (naive.render, ours.render):  # imports, models and plans are not timed
        chain(clips[0].flac, profile, Steps())
    for clip in clips:  # in turn, so that a busy moment of the machine meets both
        naive.render(clip.flac, profile, theirs)
        for _ in range(5):
            ours.render(clip.flac, profile, mine)
    audio = sum(clip.seconds for clip in clips)
    naive_steps = {step: seconds / audio for step, seconds in theirs.seconds.items()}
    our_steps = {step: seconds / audio / 5 for step, seconds in mine.seconds.items()}
    return Run(
        profile.name,
        profile.format,
        1 / sum(naive_steps.values()),
        1 / sum(our_steps.values()),
        naive_steps,
        our_steps,
    )


def _denoised(profile: Profile, count: int) -> Run:
    return _run(ours.forced(profile), recordings(count, snr=12.0))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.postprocess",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--clips", type=int, default=8, help="of about 10 s")
    parser.add_argument(
        "--seconds", type=float, default=8.0, help="of each measurement over processes"
    )
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    return parser


if __name__ == "__main__":
    main()
