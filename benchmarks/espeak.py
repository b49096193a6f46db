"""The espeak engine alone: `python -m benchmarks.espeak`.

It speaks the texts of the table of readings (tests/fixtures/readings), each by another voice, and
prints a table in Markdown. CPU is that of this process, of the process that speaks, and of its
forks; a first round, which starts it, is not counted.
"""

import argparse
import csv
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import psutil

from seedcast.gpu_consumers.engines.espeak.engine import EspeakEngine
from seedcast.gpu_consumers.engines.espeak.process import SAMPLE_RATE
from seedcast.schemas.messages import SpeechRequest

READINGS = Path(__file__).parents[1] / "tests" / "fixtures" / "readings"
KINDS = {"English": "english_words", "Mandarin": "mandarin", "mixed": "mixed"}


def requests(kind: str) -> list[SpeechRequest]:
    with (READINGS / f"{kind}.tsv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [
        SpeechRequest(
            request_id=f"{kind}-{number}",
            campaign_id="benchmark",
            text=row["text"],
            voice_seed=number,
            profiles=("archive",),
            submitted_at=datetime.now(UTC),
        )
        for number, row in enumerate(rows)
    ]


def speak(engine: EspeakEngine, texts: Sequence[SpeechRequest]) -> float:
    """Return the seconds of audio."""
    samples = 0
    for ticket, request in enumerate(texts):
        engine.admit(ticket, request)
        (utterance,) = engine.step()
        samples += 0 if utterance.waveform is None else len(utterance.waveform)
    return samples / SAMPLE_RATE


def cpu_seconds() -> float:
    processes = [psutil.Process(), *psutil.Process().children()]
    return sum(sum(process.cpu_times()[:4]) for process in processes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="of every text")
    rounds = parser.parse_args().rounds
    engine = EspeakEngine(slots=1)
    print("| texts | utterances/s | CPU ms per utterance | audio s/s |\n|---|---:|---:|---:|")
    for name, kind in KINDS.items():
        texts = requests(kind)
        speak(engine, texts)
        cpu, start = cpu_seconds(), time.perf_counter()
        audio = sum(speak(engine, texts) for _ in range(rounds))
        wall, count = time.perf_counter() - start, rounds * len(texts)
        used = 1000 * (cpu_seconds() - cpu) / count
        print(f"| {name} | {count / wall:.0f} | {used:.1f} | {audio / wall:.0f} |")


if __name__ == "__main__":
    main()
