"""The server's log on standard error: one event is one line, as text or as JSON.

As text, the lines of a traceback follow the line of its event; they are indented, lines of events are not.
"""

import asyncio
import json
import logging
from datetime import datetime

from logonscope.dispatch.audit import AUDIT_LOGGER
from logonscope.server.configuration import Settings

_ESCAPED_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), 127, *range(128, 160), 0x2028, 0x2029)}
_INDENT = "    "


def configure_log(settings: Settings) -> None:
    """Send the log to standard error; no text of a client can end a line, or forge another one."""
    handler = logging.StreamHandler()
    is_json = settings.log_format == "json"
    handler.setFormatter(_JsonFormatter() if is_json else _LineFormatter("%(asctime)s %(levelname)s %(message)s"))
    handler.addFilter(_is_not_cancellation)
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler], force=True)
    # The audit log is switched by `audit_log`, not by `log_level`.
    logging.getLogger(AUDIT_LOGGER).setLevel(logging.INFO)
    # Below ERROR, uvicorn logs each step of start and stop, and each malformed request.
    if settings.log_level != "debug":
        logging.getLogger("uvicorn").setLevel(logging.ERROR)


def _is_not_cancellation(record: logging.LogRecord) -> bool:
    """Return False for the traceback of a request that is cancelled at shutdown: uvicorn logs how many it cancels."""
    return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))


class _LineFormatter(logging.Formatter):
    """Formats an event as text, with control characters escaped; the lines of a traceback are indented."""

    def format(self, record: logging.LogRecord) -> str:
        # the text of an exception may come from a client, and may have lines that look like those of events
        event, *traceback = super().format(record).split("\n")
        return "\n".join((event, *(f"{_INDENT}{line.translate(_ESCAPED_CONTROLS)}" for line in traceback)))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 -- logging's name
        return super().formatMessage(record).translate(_ESCAPED_CONTROLS)


class _JsonFormatter(logging.Formatter):
    """Formats an event as a JSON object; an audit event is the value of its key ``audit``."""

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created).astimezone().isoformat(timespec="milliseconds")
        event = {"time": time, "level": record.levelname.lower(), "logger": record.name}
        if record.name == AUDIT_LOGGER:
            return json.dumps(event | {"audit": json.loads(record.getMessage())})
        event["message"] = record.getMessage()
        if record.exc_info:
            event["exception"] = self.formatException(record.exc_info)
        return json.dumps(event)
