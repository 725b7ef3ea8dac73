"""The service's log, in which no key and no token ever stands."""

import logging
import re

LOG = logging.getLogger("cinematrix.service")
REQUESTS = LOG.getChild("requests")
"""A line a request, of nothing but what `guard` writes; what a client sent is redacted there."""

SECRET = re.compile(r"\b(cm[xt]_)[\w-]{8,}")
"""Keys and tokens, or what a client sent that looks like them."""


def redacted(text: str) -> str:
    """The text without the secrets in it."""
    return SECRET.sub(r"\1…", text)


class Redaction(logging.Filter):
    """Takes secrets out of messages and tracebacks, wherever an exception may have picked them up."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always lets the record pass."""
        record.msg, record.args = redacted(record.getMessage()), None
        if record.exc_info:
            record.exc_text = redacted(logging.Formatter().formatException(record.exc_info))
            record.exc_info = None
        return True


LOG.addFilter(Redaction())
