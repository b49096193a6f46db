"""The live line of a campaign: outcomes over accepted, audio seconds, rate, time left."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import Progress, TaskID

from seedcast.campaigns.progress import Progress as CampaignProgress
from seedcast.cli.progress_bar import progress_bar
from seedcast.producers.staging.options import SubmitProgress


class Line:
    """A bar for the submission, and one for the outcomes of each campaign, when it begins."""

    def __init__(self, bar: Progress, is_check: bool = False) -> None:
        """`is_check`: nothing is submitted, only checked."""
        self._bar, self._right = bar, "right" if is_check else "accepted"
        name = "checking" if is_check else "submitting"
        self._submit = bar.add_task(name, total=None, detail="", visible=False)
        self._speak: dict[str, TaskID] = {}  # by name
        self._before: dict[str, int] = {}  # outcomes of earlier runs

    def submitted(self, progress: SubmitProgress) -> None:
        """Show how far the submission is."""
        self._bar.update(
            self._submit,
            visible=True,
            completed=progress.rows,
            detail=describe_submission(progress, self._right),
        )

    def spoken(self, progress: CampaignProgress, name: str = "speaking") -> None:
        """Show how many requests have their outcome. A sealed campaign completes the first bar."""
        if name not in self._speak:
            self._speak[name] = self._bar.add_task(name, total=None, detail="")
            self._before[name] = progress.finished
        if progress.accepted is not None:
            self._bar.update(self._submit, total=1, completed=1)
        self._bar.update(
            self._speak[name],
            total=progress.accepted,
            completed=progress.finished,
            detail=f"{describe(progress)} · {self._rate(name, progress.finished):.0f}/s",
        )

    def _rate(self, name: str, finished: int) -> float:
        """Return outcomes per second of this run."""
        task = next(task for task in self._bar.tasks if task.id == self._speak[name])
        seconds = task.finished_time or task.elapsed
        return (finished - self._before[name]) / seconds if seconds else 0.0


def describe_submission(progress: SubmitProgress, right: str = "accepted") -> str:
    """Return how many rows were read, how many were `right`, and what is waited for."""
    text = f"{progress.rows:,} rows, {progress.accepted:,} {right}, {progress.rejected:,} rejected"
    return f"{text}; waiting: {progress.waiting}" if progress.waiting else text


def describe(progress: CampaignProgress) -> str:
    """Return the outcomes and the audio seconds in a few words."""
    unhappy = progress.failed + progress.expired + progress.cancelled
    return (
        f"{progress.succeeded:,} succeeded, {unhappy:,} not"
        f" · {progress.audio_seconds:,.0f} s of audio"
    )


@contextmanager
def live(is_check: bool = False) -> Iterator[Line]:
    """Show a Line on stderr while the block runs."""
    with progress_bar() as bar:
        yield Line(bar, is_check)
