"""Structured logs on stderr: JSON for machines, columns for people. Never a request's text."""

import logging
import sys

import structlog

from seedcast.settings import LogSettings


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
    render: structlog.typing.Processor = structlog.dev.ConsoleRenderer() if console else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render])
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for chatty in ("aiokafka", "faust", "mode", "asyncio", "numba"):
        logging.getLogger(chatty).setLevel(max(level, logging.WARNING))
    logging.getLogger("urllib3").setLevel(logging.ERROR)  # it warns of every repetition; who called it says how it ended
    structlog.contextvars.bind_contextvars(**context)
