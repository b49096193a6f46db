"""Structured logs on stderr: JSON for machines, columns for people. Never log a request's text."""

import logging
import math
import re
import sys
import time
from collections import OrderedDict
from collections.abc import Callable
from threading import RLock

import structlog

from seedcast.printing import visible
from seedcast.settings import LogSettings

# While a broker is unavailable these log it up to 1,600 times per second.
LIBRARIES = ("aiokafka", "faust", "mode", "librdkafka", "kafka", "urllib3")
REPEAT_INTERVAL = 5.0  # seconds between two lines of one kind
MAX_KINDS = 256  # kinds of lines that are remembered
_KIND_LENGTH = 300  # characters of a message that determine its kind
_VARIABLE_WORD = re.compile(r"\S*\d\S*")  # a word with a digit: address, offset, time


def configure(settings: LogSettings, **context: str) -> None:
    """Routes structlog and the standard library (Faust, aiokafka, minio) through one renderer.

    `context` is added to every line of structlog.
    """
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
    render: list[structlog.typing.Processor] = (
        [_made_visible, structlog.dev.ConsoleRenderer()]
        if console
        else [structlog.processors.JSONRenderer()]
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
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
        )
    )
    handler.addFilter(RepeatFilter())
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for verbose in ("aiokafka", "alembic", "faust", "mode", "asyncio", "numba"):
        logging.getLogger(verbose).setLevel(max(level, logging.WARNING))
    # urllib3 warns of each retry; its caller logs how the call ended.
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    structlog.contextvars.bind_contextvars(**context)


def _made_visible(
    _logger: object, _method: str, line: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """JSON escapes what a terminal would obey; columns do not."""
    return {
        name: visible(value) if isinstance(value, str) else value for name, value in line.items()
    }


class RepeatFilter(logging.Filter):
    """Passes one line of each kind per REPEAT_INTERVAL, for the loggers of LIBRARIES only.

    The next line of that kind carries as `repeated` how many were dropped. A kind is a logger, a
    level and the message without its variable words, so a new error passes at once.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._lock = RLock()  # reentrant, because a signal handler may log, too
        # By kind: when a line last passed, and how many were dropped since. The oldest is first.
        self._seen: OrderedDict[tuple[str, int, str], tuple[float, int]] = OrderedDict()

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.partition(".")[0] not in LIBRARIES:
            return True
        kind = record.name, record.levelno, _kind(record)
        with self._lock:
            now = self._clock()
            passed_at, dropped = self._seen.get(kind, (-math.inf, 0))
            if now - passed_at < REPEAT_INTERVAL:
                self._seen[kind] = passed_at, dropped + 1
                return False
            self._seen[kind] = now, 0
            self._seen.move_to_end(kind)
            if len(self._seen) > MAX_KINDS:
                self._seen.popitem(last=False)
        if dropped:
            record.repeated = dropped
        return True


def _kind(record: logging.LogRecord) -> str:
    try:
        message = record.getMessage()
    except (TypeError, ValueError):  # the template does not fit its values; the handler reports it
        message = str(record.msg)
    exception = record.exc_info[0] if record.exc_info else None
    kind = _VARIABLE_WORD.sub("", message[:_KIND_LENGTH])
    return kind + exception.__name__ if exception else kind
