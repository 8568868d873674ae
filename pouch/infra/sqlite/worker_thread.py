"""A thread that does one thing after another and tells the event loop how each ended.

An executor does that, too, with a future, a lock and two conditions for each thing, which with one
request at a time takes longer than a small transaction.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")


class WorkerThread:
    """Belongs to ``loop``. It ends with ``stop``, or with the process, whatever it is doing."""

    def __init__(self, loop: asyncio.AbstractEventLoop, name: str) -> None:
        self._loop = loop
        self._waiting: SimpleQueue[tuple[Callable[[], Any], Callable[[Any], None]] | None]
        self._waiting = SimpleQueue()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def do(self, work: Callable[[], T], then: Callable[[T], None]) -> None:
        """Do ``work``, which must not raise, and call ``then`` with its result in the loop.

        Raises:
            RuntimeError: it was stopped.
        """
        if self._stopped:
            raise RuntimeError(f"the thread {self._thread.name} has ended")
        if self._thread.ident is None:
            self._thread.start()
        self._waiting.put((work, then))

    def stop(self) -> None:
        """Do what waits, then nothing more; returns when the thread has ended."""
        self._stopped = True
        self._waiting.put(None)
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        while (next_one := self._waiting.get()) is not None:
            work, then = next_one
            result = work()
            # Where the loop is closed, nobody waits any more.
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(then, result)
            # While it waits, it holds nothing of what it did last.
            del next_one, work, then, result
