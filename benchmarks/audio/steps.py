"""The CPU seconds of each step, of the current thread."""

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager


class Steps:
    """Adds up the CPU seconds of `with steps("name"):` blocks."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        began = time.thread_time()
        try:
            yield
        finally:
            self.seconds[name] += time.thread_time() - began
