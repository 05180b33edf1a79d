"""One JSON object per line on standard output, with nothing in it that is nobody's business."""

import logging
import re
import sys
import traceback
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson

from kit.telemetry.tracing import trace_and_span_id

REDACTED = "[redacted]"
_SECRET_KEY = re.compile(
    r"passw|secret|token|authoriz|cookie|api_?key|credential|totp|e_?mail|phone|card_?number",
    re.IGNORECASE,
)
_SECRET_VALUES = re.compile(
    r"eyJ[\w-]{8,}\.[\w-]+\.[\w-]*"  # a JSON web token
    r"|ffk_[0-9a-f]{8,}"  # an API key
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"  # a password in an address
    r"|(?i:bearer|basic)\s+[\w.~+/=-]{8,}"
    r"|[\w.+-]+@[\w-]+\.[\w.-]+"  # mail
    r"|(?<![\w.-])\+\d[\d ()/-]{6,16}\d"  # phone
    r"|(?<![\w.-])(?:\d[ -]?){12,18}\d(?![\w-])"  # card
)

_bound: ContextVar[Mapping[str, str] | None] = ContextVar("log_fields", default=None)


class Log:
    """Says what happened: a fixed snake_case event, and fields for everything that varies."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)

    def info(self, event: str, **fields: Any) -> None:
        """A turn in the life of the process."""
        self._write(logging.INFO, event, fields)

    def warning(self, event: str, *, error: BaseException | None = None, **fields: Any) -> None:
        """Something is not as it should be, and we go on."""
        self._write(logging.WARNING, event, fields, error)

    def error(self, event: str, *, error: BaseException | None = None, **fields: Any) -> None:
        """Something was not done; with its error the line carries the stack."""
        self._write(logging.ERROR, event, fields, error)

    def _write(
        self, level: int, event: str, fields: dict[str, Any], error: BaseException | None = None
    ) -> None:
        if self._logger.isEnabledFor(level):
            self._logger.log(level, event, extra={"fields": fields}, exc_info=error)


def bind(fields: Mapping[str, str]) -> None:
    """Every line written from here on, in this task, carries these fields."""
    _bound.set(fields)


def write_json(*, service: str, version: str, env: str, level: str) -> None:
    """Make every logger of the process, ours and the libraries', write our lines."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines(service=service, version=version, env=env))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.captureWarnings(True)


class JsonLines(logging.Formatter):
    """The shape of a line."""

    def __init__(self, *, service: str, version: str, env: str) -> None:
        super().__init__()
        self._origin = {"service": service, "version": version, "env": env}

    def format(self, record: logging.LogRecord) -> str:
        """One line, redacted."""
        line: dict[str, Any] = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            **redact(_said(record)),
            **self._origin,
            **_trace(),
            **(_bound.get() or {}),
            **redact(_error(record)),
        }
        return orjson.dumps(line, default=str).decode()


def redact(value: Any, key: str = "") -> Any:
    """The value without what must not be written down, recognised by its name or by its looks."""
    if isinstance(value, Mapping):
        return {str(name): redact(inner, str(name)) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [redact(inner, key) for inner in value]
    if value is None or isinstance(value, bool):
        return value
    if _is_secret(key):
        return REDACTED
    if isinstance(value, int | float):
        return value
    return _SECRET_VALUES.sub(REDACTED, str(value))


@lru_cache(1024)
def _is_secret(key: str) -> bool:
    return _SECRET_KEY.search(key) is not None


def _said(record: logging.LogRecord) -> dict[str, Any]:
    fields: dict[str, Any] | None = getattr(record, "fields", None)
    if fields is not None:
        return {"event": record.msg, **fields}
    return {"event": "library_message", "logger": record.name, "message": record.getMessage()}


def _trace() -> dict[str, str]:
    ids = trace_and_span_id()
    return {"trace_id": ids[0], "span_id": ids[1]} if ids else {}


def _error(record: logging.LogRecord) -> dict[str, str]:
    if not record.exc_info or record.exc_info[1] is None:
        return {}
    error = record.exc_info[1]
    return {
        "error.type": type(error).__name__,
        "error.stack": "".join(traceback.format_exception(error)),
    }
