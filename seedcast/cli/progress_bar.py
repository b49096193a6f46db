"""Progress bars on stderr whose text is never cut, and which say how long, only if it is known."""

from rich.console import Console
from rich.progress import BarColumn, Progress, Task, TextColumn, TimeRemainingColumn
from rich.table import Column
from rich.text import Text

from seedcast.cli.base import err

PIPE_WIDTH = 1000  # columns; a log has no width, and gets the last state on one line


class TimeLeft(TimeRemainingColumn):
    """`0:01:30 left`; nothing where the end is not in sight, or is reached."""

    def render(self, task: Task) -> Text:
        if task.finished or not task.time_remaining:
            return Text()
        return Text.assemble(super().render(task), " left")


def progress_bar(*, transient: bool = False) -> Progress:
    """Return bars with a description, the field `detail` and the time left."""
    columns = (
        TextColumn("{task.description:<10}"),
        BarColumn(bar_width=12),
        TextColumn("{task.fields[detail]}", table_column=Column(overflow="fold")),
        TimeLeft(),
    )
    console = err if err.is_terminal else Console(stderr=True, highlight=False, width=PIPE_WIDTH)
    return Progress(*columns, console=console, transient=transient, disable=err.quiet)
