"""The live line of a campaign: outcomes over accepted, audio seconds, rate, time left."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from seedcast.campaigns.progress import Progress as CampaignProgress
from seedcast.cli.base import err
from seedcast.producers.submit.options import SubmitProgress


class Line:
    """Two bars: one for the submission, one for the outcomes. Each is hidden until it begins."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._submit = bar.add_task("submitting", total=None, detail="", visible=False)
        self._speak = bar.add_task("speaking", total=None, detail="", visible=False)

    def submitted(self, progress: SubmitProgress) -> None:
        """Show how far the submission is."""
        detail = (
            f"{progress.rows:,} rows, {progress.acknowledged:,} of {progress.new:,} acknowledged,"
            f" {progress.rejected:,} rejected"
        )
        self._bar.update(self._submit, visible=True, completed=progress.acknowledged, detail=detail)

    def spoken(self, progress: CampaignProgress) -> None:
        """Show how many requests have their outcome. A sealed campaign completes the first bar."""
        if progress.accepted is not None:
            self._bar.update(self._submit, total=progress.accepted, completed=progress.accepted)
        self._bar.update(
            self._speak,
            visible=True,
            total=progress.accepted,
            completed=progress.finished,
            detail=f"{describe(progress)} · {self._rate(progress.finished):.0f}/s",
        )

    def _rate(self, finished: int) -> float:
        elapsed = self._bar.tasks[self._speak].elapsed
        return finished / elapsed if elapsed else 0.0


def describe(progress: CampaignProgress) -> str:
    """Return the outcomes and the audio seconds in a few words."""
    unhappy = progress.failed + progress.expired + progress.cancelled
    return (
        f"{progress.succeeded:,} succeeded, {unhappy:,} not"
        f" · {progress.audio_seconds:,.0f} s of audio"
    )


@contextmanager
def live() -> Iterator[Line]:
    """Show a Line on stderr while the block runs."""
    columns = (
        TextColumn("{task.description:<10}"),
        BarColumn(bar_width=12),
        TextColumn("{task.fields[detail]}"),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err) as bar:
        yield Line(bar)
