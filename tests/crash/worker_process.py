"""One worker under test: its process, its log, and how it is asked to leave."""

import signal
from dataclasses import dataclass
from pathlib import Path

from tests.builders.processes import ForkedProcess
from tests.builders.waiting import eventually

# Seconds from SIGTERM to the exit on a busy machine: draining, packing audio, leaving the group.
GRACE = 60.0
UNFINISHED = ("drain_incomplete", "stop_timed_out")  # log events of a worker that left work behind


@dataclass(frozen=True, eq=False)
class Worker:
    kind: str  # as `seedcast run` names it
    process: ForkedProcess
    log_file: Path

    @property
    def log(self) -> str:
        """Its log so far, with all white space as one space: errors for people span lines."""
        return " ".join(self.log_file.read_text(errors="replace").split())

    def wait_for_log(self, text: str) -> None:
        eventually(lambda: text in self.log, what=f"{text!r} in the log of the {self.kind}")

    def send_signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def shut_down(self) -> None:
        """Send SIGTERM; assert that it finishes its work and exits within the grace time."""
        self.send_signal(signal.SIGTERM)
        assert self.process.wait(GRACE) == 0, self.log[-2000:]
        assert not any(event in self.log for event in UNFINISHED), self.log[-2000:]
