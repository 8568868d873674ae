"""Log lines as JSON on standard error, one a line, written by a thread of their own.

A record's ``fields`` (an ``extra`` of that name) become members of the line. Secrets never get
here: nothing that holds one is logged.
"""

import atexit
import json
import logging
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from logging.handlers import QueueHandler
from queue import Empty, SimpleQueue
from typing import Any, Final, TextIO, TypeAlias

import msgspec

# Lines that are written together, if so many wait.
LINES_MAX: Final = 256
# How long the first of them waits for others. A writer that slept after each line would have to be
# woken for each, which costs the event loop more than the line does.
GATHER_S: Final = 0.02

_Queue: TypeAlias = "SimpleQueue[logging.LogRecord | None]"

_encode: Final = msgspec.json.Encoder(enc_hook=str).encode


class JsonLines(logging.Formatter):
    """``{"time", "level", "logger", "message", ...fields, "exception"?}``."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        return self.encoded(record).decode()

    def encoded(self, record: logging.LogRecord) -> bytes:
        """The line in UTF-8, without its end."""
        line: dict[str, Any] = {
            "time": _time(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        fields = getattr(record, "fields", None)
        if isinstance(fields, dict):
            line |= fields
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        try:
            return _encode(line)
        except (ValueError, OverflowError):
            # Half a character, or a number beyond 64 bits: rare, and the slow encoder takes it.
            return json.dumps(line, default=str).encode()


@lru_cache(maxsize=1)
def _time(created: float) -> str:
    """A moment such as ``2026-01-15T12:00:00.250+00:00``. Requests that are settled together have
    the same.
    """
    second = int(created)
    # Rounded as datetime does, so that no time is a millisecond early.
    more, microseconds = divmod(round((created - second) * 1_000_000), 1_000_000)
    return f"{_second(second + more)}.{microseconds // 1000:03d}+00:00"


@lru_cache(maxsize=1)
def _second(second: int) -> str:
    """What the lines of one second share; to write it takes as long as all the rest."""
    return datetime.fromtimestamp(second, UTC).isoformat()[:19]


class _Unformatted(QueueHandler):
    """Hands a record over as it is: formatting is the writer's work, off the event loop."""

    def handle(self, record: logging.LogRecord) -> bool:
        # It has no filters, and the queue a lock of its own.
        self.queue.put_nowait(record)
        return True


class _Output(logging.StreamHandler[TextIO]):
    """Writes what waits in a queue, in a thread of its own, until ``stop``."""

    def __init__(self, queue: _Queue) -> None:
        super().__init__(sys.stderr)
        self._lines = JsonLines()
        self._queue = queue
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pouch-log", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Write what waits, then nothing more."""
        self._stopping.set()
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        stopped = False
        while not stopped:
            waiting = [self._queue.get()]
            self._stopping.wait(GATHER_S)
            with suppress(Empty):
                while len(waiting) < LINES_MAX:
                    waiting.append(self._queue.get_nowait())
            records = [record for record in waiting if record is not None]
            stopped = len(records) < len(waiting)
            self._write(records)

    def _write(self, records: Sequence[logging.LogRecord]) -> None:
        lines = []
        for record in records:
            try:
                lines.append(self._lines.encoded(record))
            except Exception:  # noqa: BLE001 - a line that cannot be made must not end the log
                self.handleError(record)
        # As one piece, since each piece is a call of the system. Where nobody can read it, the
        # server goes on without a log.
        with suppress(OSError, ValueError):
            self.stream.buffer.write(b"\n".join([*lines, b""]))
            self.stream.buffer.flush()


def configure(level: str = "info") -> None:
    """Send what ``pouch`` logs at ``level`` and above to stderr, of others only warnings.

    Once in a process; doing it again changes nothing.
    """
    if any(isinstance(handler, _Unformatted) for handler in logging.getLogger("pouch").handlers):
        return
    # What no line shows is not looked up for each of them; the manual of logging names all four.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None
    queue: _Queue = SimpleQueue()
    atexit.register(_Output(queue).stop)
    for name in ("pouch", "sanic", "asyncio"):
        logger = logging.getLogger(name)
        logger.handlers = [_Unformatted(queue)]
        logger.setLevel(level.upper() if name == "pouch" else "WARNING")
        logger.propagate = False
