"""Structured logs on stderr: JSON for machines, columns for people. Never a request's text."""

import logging
import math
import re
import sys
import time
from collections import OrderedDict
from collections.abc import Callable
from threading import RLock

import structlog

from seedcast.settings import LogSettings

LIBRARIES = (
    "aiokafka",
    "faust",
    "mode",
    "librdkafka",
    "kafka",
    "urllib3",
)  # while a broker is away they say so up to 1,600 times a second
QUIET = 5.0  # seconds between two lines of one kind
KINDS = 256  # remembered
_HEAD = 300  # characters of a message that tell its kind
_VARIES = re.compile(r"\S*\d\S*")  # words with a digit: addresses, offsets, times


def configure(settings: LogSettings, **context: str) -> None:
    """Routes structlog and the standard library (Faust, aiokafka, minio) through one renderer."""
    console = settings.format == "console" or (settings.format == "auto" and sys.stderr.isatty())
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    foreign: list[structlog.typing.Processor] = [
        structlog.stdlib.ExtraAdder(allow=["repeated"]),
        *shared,
    ]
    render: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if console else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=foreign,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
        )
    )
    handler.addFilter(RepeatFilter())
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for chatty in ("aiokafka", "faust", "mode", "asyncio", "numba"):
        logging.getLogger(chatty).setLevel(max(level, logging.WARNING))
    logging.getLogger("urllib3").setLevel(
        logging.ERROR
    )  # it warns of every repetition; who called it says how it ended
    structlog.contextvars.bind_contextvars(**context)


class RepeatFilter(logging.Filter):
    """Of the libraries' lines one of each kind in QUIET seconds; the next of that kind says as `repeated` how many were left out.

    A kind is a logger, a level, and the message without what varies, so that a new error passes at once. Ours are never left out.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock, self._lock = clock, RLock()  # a signal's handler may log, too
        self._seen: OrderedDict[tuple[str, int, str], tuple[float, int]] = (
            OrderedDict()
        )  # when a line passed, and how many did not since; the oldest first

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.partition(".")[0] not in LIBRARIES:
            return True
        kind = record.name, record.levelno, _kind(record)
        with self._lock:
            now = self._clock()
            passed, left_out = self._seen.get(kind, (-math.inf, 0))
            if now - passed < QUIET:
                self._seen[kind] = passed, left_out + 1
                return False
            self._seen[kind] = now, 0
            self._seen.move_to_end(kind)
            if len(self._seen) > KINDS:
                self._seen.popitem(last=False)
        if left_out:
            record.repeated = left_out
        return True


def _kind(record: logging.LogRecord) -> str:
    try:
        said = record.getMessage()
    except (TypeError, ValueError):  # a template that does not fit its values: the handler says so
        said = str(record.msg)
    raised = record.exc_info[0] if record.exc_info else None
    return _VARIES.sub("", said[:_HEAD]) + (raised.__name__ if raised else "")
