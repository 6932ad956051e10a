"""Logs for people on a terminal and JSON elsewhere, ours and the libraries' in one shape; never a person in them.

Every request writes a line, so ours go from structlog to standard error with no `LogRecord` around them. The libraries'
come through `logging`; both end in one handler, and `logging` says from which level on either is heard.
"""

import json
import logging
import sys
from contextlib import suppress
from typing import Final, Literal

import structlog
from structlog.typing import Processor

_SHARED: Final[list[Processor]] = [
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
]
# Loggers remember both from their first line on: a second `configure` changes them, and makes no new ones.
_OURS: Final[list[Processor]] = []
_HANDLER: Final = logging.StreamHandler(sys.stderr)
_encode: Final = json.JSONEncoder(default=repr).encode
_named = structlog.stdlib.LoggerFactory(ignore_frame_names=[__name__])


class _Lines:
    """Where the finished lines of one of our modules go."""

    disabled = False

    def __init__(self, logger: logging.Logger) -> None:
        self.name, self.getEffectiveLevel = logger.name, logger.getEffectiveLevel

    def msg(self, line: str) -> None:
        """Write a line; when standard error is closed or full, nobody can be told, and work goes on."""
        _HANDLER.acquire()
        try:
            with suppress(OSError, ValueError):
                _HANDLER.stream.write(line + "\n")
                _HANDLER.stream.flush()
        finally:
            _HANDLER.release()

    debug = info = warning = error = critical = msg


def configure(shape: Literal["auto", "json", "console"], level: str) -> None:
    """Send every log line to standard error in one shape; `auto` is console on a terminal, else JSON."""
    console = shape == "console" or (shape == "auto" and sys.stderr.isatty())
    renderer: Processor = structlog.dev.ConsoleRenderer() if console else _json
    _OURS[:] = [structlog.stdlib.filter_by_level, *_SHARED, renderer]
    structlog.configure(
        processors=_OURS,
        wrapper_class=structlog.make_filtering_bound_logger("notset"),
        logger_factory=lambda *names: _Lines(_named(*names)),
        cache_logger_on_first_use=True,
    )
    _HANDLER.stream = sys.stderr
    _HANDLER.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(handlers=[_HANDLER], level=level.upper(), force=True)
    # Libraries speak when something is wrong; an activity's expected retry is ours to log.
    for name in ("temporalio", "uvicorn", "httpx", "httpcore", "asyncio", "aiosqlite", "alembic", "sqlalchemy"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("temporalio.activity").setLevel(logging.ERROR)


def _json(_logger: object, _method: str, line: structlog.typing.EventDict) -> str:
    """Return a line as JSON; an encoder that is made once is twice as fast as `json.dumps` with a `default`."""
    return _encode(line)
