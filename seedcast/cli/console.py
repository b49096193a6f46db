"""The console of all commands: it prints what rows and servers hold, and a terminal obeys none."""

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from seedcast.printing import visible


class SafeConsole(Console):
    """Shows `visible` text; styles and the cursor's movements remain Rich's own."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            text, style, control = segment
            yield segment if control else Segment(visible(text), style)


# A row that contains ":x:" is shown as it is, and a line stays one line, for whoever reads a pipe.
# Results go to stdout, everything else to stderr.
out = SafeConsole(highlight=False, emoji=False, soft_wrap=True)
err = SafeConsole(stderr=True, highlight=False, emoji=False, soft_wrap=True)
