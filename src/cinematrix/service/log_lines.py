"""Forms of log lines: a JSON object a line for programs, a text for people. Both name the request and hide secrets."""

import json
import logging
import re
import sys
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

SECRET_PATTERN = re.compile(r"\b(cm[xtis]_)[\w-]{8,}")
"""Keys, tokens, invitations and sessions, or text from a client that looks like them."""

SECRET_PREFIXES = ("cmx_", "cmt_", "cmi_", "cms_")
"""Prefixes of these secrets, which are looked for first."""


@dataclass(slots=True)
class RequestFacts:
    """Facts about a request that every log line written for it has.

    Attributes:
        id: ID of the request.
        client: address of the client.
        role: role of the caller, once it is known.
        key: name of the caller's key.
        user: keyed hash of the user whom the request is about, or whose token it has.
        trace: ID of the request's trace.
    """

    id: str
    client: str
    role: str | None = None
    key: str | None = None
    user: str | None = None
    trace: str | None = None


REQUEST: ContextVar[RequestFacts | None] = ContextVar("request", default=None)
"""Request that this context works for; None in background tasks."""


def redact(text: str) -> str:
    """Return the text with keys, tokens, invitations and sessions cut to their prefix."""
    return SECRET_PATTERN.sub(r"\1…", text) if any(prefix in text for prefix in SECRET_PREFIXES) else text


class JsonFormatter(logging.Formatter):
    """Formatter of a record as a JSON object: time, level, logger, message, the request, and the traceback.

    Members without a value are left out. `extra={"fields": {…}}` of a log call adds members.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, Any] = {
            "time": time.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if (request := REQUEST.get()) is not None:
            facts = ("request", request.id), ("client", request.client), ("role", request.role), ("key", request.key)
            line.update(facts, user=request.user, trace=request.trace)
        line |= getattr(record, "fields", {})
        if record.exc_info or record.stack_info:
            line["traceback"] = self._traceback(record)
        return redact(json.dumps({name: value for name, value in line.items() if value is not None}))

    def _traceback(self, record: logging.LogRecord) -> str:
        parts = [self.formatException(record.exc_info)] if record.exc_info else []
        return "\n".join([*parts, *([record.stack_info] if record.stack_info else [])])


class TextFormatter(logging.Formatter):
    """Formatter of a record as a text, for a terminal."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, and the traceback in further ones."""
        return redact(super().format(record))


def make_formatter(form: str) -> logging.Formatter:
    """Return the formatter of one of `settings.LOG_FORMS`; `auto` is text if stderr is a terminal, and else JSON."""
    is_text = form == "text" or (form == "auto" and sys.stderr.isatty())
    return TextFormatter() if is_text else JsonFormatter()
