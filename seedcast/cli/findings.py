"""What `check` and `submit --dry-run` say of a list beyond its rows."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.filesize import decimal

from seedcast.cli.base import err, out
from seedcast.cli.exit_codes import Exit
from seedcast.printing import one_line
from seedcast.schemas.messages import SpeechRequest

if TYPE_CHECKING:
    from seedcast.catalog.voices import Voices
    from seedcast.gpu_consumers.text import Reader, Reading
    from seedcast.producers.staging.options import OnRequest, SubmitOptions, SubmitReport
    from seedcast.producers.staging.survey import Findings
    from seedcast.settings import Settings

SHOWN = 5  # texts
LONGEST = 400  # characters of a text that are printed
VOICES = REASONS = 10  # that are printed


@dataclass(frozen=True)
class Checked:
    report: "SubmitReport"
    findings: "Findings"
    said: Callable[[SpeechRequest], str]  # the words of a text

    @property
    def exit_code(self) -> Exit:
        return Exit.INCOMPLETE if self.report.rejected else Exit.OK


def check_file(
    settings: "Settings", file: Path, options: "SubmitOptions", shown: int = SHOWN
) -> Checked:
    """Check each row of a list without sending any, under a live line."""
    from seedcast.cli.progress_line import live
    from seedcast.producers.staging.submit import submit_file

    dry = replace(options, dry_run=True)
    with live(is_check=True) as line:
        return check_by(
            settings, lambda add: submit_file(settings, file, dry, line.submitted, add), shown
        )


def check_by(
    settings: "Settings",
    dry_run: "Callable[[OnRequest], SubmitReport]",
    shown: int = SHOWN,
) -> Checked:
    """Check a list by a dry run, which is given what takes each request."""
    from seedcast.catalog import profiles
    from seedcast.gpu_consumers.text.reader import of_settings
    from seedcast.producers.staging.survey import Survey

    sounds = _Sounds(of_settings(settings))
    survey = Survey(profiles.load(settings.postprocess), sounds.unspoken, sounds.said)
    report = dry_run(survey.add)
    return Checked(report, survey.findings(shown), sounds.said)


def facts(checked: Checked) -> dict[str, object]:
    """Return the findings for programs."""
    report, findings = checked.report, checked.findings
    samples = [
        {
            "row": int(request.metadata["row"]),
            "text": request.text,
            "spoken": checked.said(request),
            "voice_seed": request.voice_seed,
        }
        for request in findings.samples
    ]
    return {
        "right": report.accepted + report.duplicates,
        "equal_share": round(findings.equal, 4),
        "unspoken": findings.unspoken,
        "with_unspoken": findings.with_unspoken,
        "voices": {str(seed): count for seed, count in findings.voices},
        "samples": samples,
        "predicted": {
            "audio_seconds": round(findings.audio_seconds),
            "kafka_bytes": round(findings.kafka_bytes),
            "s3_bytes": {name: round(size) for name, size in findings.s3_bytes.items()},
        },
    }


def show(settings: "Settings", checked: Checked) -> None:
    """Print the findings for a person."""
    for reason in checked.report.reasons[:REASONS]:
        line = f"  {reason.rows:,} × field {reason.field or '–'}: expected {reason.expected}"
        err.print(line, markup=False)
    if not checked.findings.requests:
        return
    for name, value in _lines(settings, checked.findings):
        out.print(f"  {name:<18} {value}", markup=False)
    for request in checked.findings.samples:
        row, text = request.metadata["row"], _line(request.text)
        out.print(f"  row {row}, voice {request.voice_seed}: {text}", markup=False)
        out.print(f"    said: {_line(checked.said(request))}", markup=False)


def _line(text: str) -> str:
    """Return the start of a text, on one line."""
    more = f"… ({len(text):,} characters)" if len(text) > LONGEST else ""
    return one_line(text[:LONGEST]) + more


def _lines(settings: "Settings", findings: "Findings") -> Iterator[tuple[str, str]]:
    from seedcast.catalog import voices

    yield "equal requests", f"{findings.equal:.1%}"
    yield "without a sound", f"{findings.unspoken:,} characters in {findings.with_unspoken:,} texts"
    yield "voices", _voices(findings, voices.load(settings))
    hours = findings.audio_seconds / 3600
    yield "audio, roughly", f"{findings.audio_seconds:,.0f} s ({hours:,.1f} h)"
    yield "on Kafka, roughly", f"{decimal(round(findings.kafka_bytes))} in each replica"
    sizes = (f"{name} {decimal(round(size))}" for name, size in findings.s3_bytes.items())
    yield "on S3, roughly", ", ".join(sizes)


def _voices(findings: "Findings", named: "Voices") -> str:
    names = {voice.seed: voice.name for voice in named.values()}
    shown = (
        f"{names[seed]} ({seed})" if seed in names else str(seed)
        for seed, _ in findings.voices[:VOICES]
    )
    counts = (count for _, count in findings.voices)
    parts = [f"{name} × {count:,}" for name, count in zip(shown, counts, strict=False)]
    more = len(findings.voices) - len(parts)
    return ", ".join([*parts, f"{more:,} more"] if more else parts)


class _Sounds:
    """What the front end makes of texts. It reads only those with a character without a sound."""

    def __init__(self, reader: "Reader") -> None:
        self._reader = reader
        self._sounding = set[str]()  # characters

    def said(self, request: SpeechRequest) -> str:
        return self._read(request).spoken

    def unspoken(self, request: SpeechRequest) -> int:
        from seedcast.gpu_consumers.text import characters

        if not (doubtful := set(request.text) - self._sounding):
            return 0
        fine = {character for character in doubtful if not characters.fold(character).dropped}
        self._sounding |= fine
        return self._read(request).unspoken if doubtful - fine else 0

    def _read(self, request: SpeechRequest) -> "Reading":
        return self._reader.read(
            request.text, request.text_format or "plain", request.locale or None
        )
