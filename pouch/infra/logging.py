"""Log lines as JSON on standard error, one a line, written by a thread of their own.

A record's ``fields`` (an ``extra`` of that name) become members of the line. Secrets never get
here: nothing that holds one is logged.
"""

import atexit
import json
import logging
from datetime import UTC, datetime
from logging.handlers import QueueHandler, QueueListener
from queue import SimpleQueue
from typing import Any


class JsonLines(logging.Formatter):
    """``{"time", "level", "logger", "message", ...fields, "exception"?}``."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        fields = getattr(record, "fields", None)
        if isinstance(fields, dict):
            line |= fields
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


class _Unformatted(QueueHandler):
    """Hands a record over as it is: formatting is the listener's work, off the event loop."""

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        return record


def configure(level: str = "info") -> None:
    """Send what ``pouch`` logs at ``level`` and above to stderr, of others only warnings.

    Once in a process; doing it again changes nothing.
    """
    if any(isinstance(handler, _Unformatted) for handler in logging.getLogger("pouch").handlers):
        return
    output = logging.StreamHandler()
    output.setFormatter(JsonLines())
    queue: SimpleQueue[logging.LogRecord] = SimpleQueue()
    listener = QueueListener(queue, output)
    listener.start()
    atexit.register(listener.stop)
    for name in ("pouch", "sanic", "asyncio"):
        logger = logging.getLogger(name)
        logger.handlers = [_Unformatted(queue)]
        logger.setLevel(level.upper() if name == "pouch" else "WARNING")
        logger.propagate = False
