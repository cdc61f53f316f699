"""Log lines on standard error, ours and the libraries' in one shape: text for people, or one JSON object a line.

No line carries an uploaded text, nor a key: requests leave their route, not their path; exceptions leave what
`tracebacks` lets through; and `LOG_LEVEL=debug` is about our own packages, for libraries print there what they handle.
"""

from __future__ import annotations

import logging
import sys
import threading
from types import TracebackType
from typing import Any, cast

import structlog
from structlog.typing import EventDict, ExcInfo, WrappedLogger

from app.settings import Settings
from app.telemetry.tracebacks import describe, format_traceback

_OWN = ("app", "worker", "ltp", "migrations")
_QUIET = ("alembic", "celery", "httpx", "filelock", "asyncio")
"""Libraries that say too much at `info`."""


def configure(settings: Settings) -> None:
    """Set up logging for this process. Calling it again replaces the set-up."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.ExceptionRenderer(_trace),
                _renderer(settings),
            ],
        )
    )
    level = logging.getLevelName(settings.log_level.upper())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(logging.INFO, level))
    for name in _OWN:
        logging.getLogger(name).setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, level))
    _take_over()


def _renderer(settings: Settings) -> structlog.types.Processor:
    if settings.log_format == "json":
        return structlog.processors.JSONRenderer(ensure_ascii=False)
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())


def _take_over() -> None:
    """Have everything else that Python writes to standard error go through the log."""
    logging.captureWarnings(capture=True)

    def uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
        else:
            _last.critical("uncaught", exc_info=error)

    def in_thread(failure: threading.ExceptHookArgs) -> None:
        if not issubclass(failure.exc_type, SystemExit):
            name = failure.thread.name if failure.thread else None
            _last.critical("uncaught in a thread", thread=name, exc_info=failure.exc_value)

    def unraisable(failure: Any) -> None:
        _last.error("ignored", where=failure.err_msg, exc_info=failure.exc_value)

    sys.excepthook, threading.excepthook, sys.unraisablehook = uncaught, in_thread, unraisable


def _trace(exc_info: ExcInfo) -> str:
    return format_traceback(exc_info[1])


def _name_errors(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Write an exception given as a value by its name and, where that is safe, its message."""
    for name, value in event.items():
        if isinstance(value, BaseException) and name != "exc_info":
            event[name] = describe(value)
    return event


_SHARED: tuple[structlog.types.Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    _name_errors,
)
_last = cast(structlog.stdlib.BoundLogger, structlog.get_logger(__name__))
