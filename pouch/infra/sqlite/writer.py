"""The one writer of a process: what is queued together is committed together.

Operations wait in a queue; a flush takes all of them to the writer's thread in one hop and applies
them in one transaction. So a burst costs one commit, and a lone operation waits for no one.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeAlias, TypeVar

from pouch.domain.errors import PouchError, StoreUnavailableError

QUEUE_MAX: Final = 10_000

T = TypeVar("T")
Work: TypeAlias = Callable[[sqlite3.Connection], T]
"""Changes the database inside a transaction; if it raises a ``PouchError``, it changed nothing."""

_log = logging.getLogger("pouch.store")


@dataclass(slots=True)
class _Queued(Generic[T]):
    """Work, who waits for it, and what undoes it if by then nobody does."""

    work: Work[T]
    done: "asyncio.Future[T]"
    undo: Work[Any] | None


class Writer:
    """Applies work to the database, in order, in a thread of its own.

    A caller that is cancelled while its work waits takes it back; if the work is already applied,
    its ``undo`` follows at once.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="pouch-writer")
        self._queue: list[_Queued[Any]] = []
        self._flushing: asyncio.Task[None] | None = None
        self._closed = False

    async def run(self, work: Work[T], *, undo: Work[Any] | None = None) -> T:
        """Apply ``work``; durable when this returns.

        Raises:
            StoreUnavailableError: nothing was changed, for the store cannot be written.
            PouchError: what ``work`` itself raised.
        """
        if self._closed:
            raise StoreUnavailableError("The store is closed.")
        if len(self._queue) >= QUEUE_MAX:
            raise StoreUnavailableError(f"{QUEUE_MAX} writes wait for the store.")
        return await self._enqueue(work, undo)

    async def close(self) -> None:
        """Apply what is queued, then let the thread and the connection go."""
        self._closed = True
        while self._flushing is not None:
            await asyncio.wait([self._flushing])
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, self._connection.close)
        self._thread.shutdown()

    def _enqueue(self, work: Work[T], undo: Work[Any] | None) -> "asyncio.Future[T]":
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        self._queue.append(_Queued(work, done, undo))
        if self._flushing is None:
            self._flushing = loop.create_task(self._flush())
        return done

    async def _flush(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._queue:
                batch = [queued for queued in self._queue if not queued.done.cancelled()]
                self._queue.clear()
                if batch:
                    works = [queued.work for queued in batch]
                    outcomes = await loop.run_in_executor(self._thread, self._apply, works)
                    for queued, outcome in zip(batch, outcomes, strict=True):
                        self._tell(queued, outcome)
        finally:
            self._flushing = None

    def _tell(self, queued: _Queued[Any], outcome: object) -> None:
        if queued.done.cancelled():
            if queued.undo is not None and not isinstance(outcome, BaseException):
                undone = self._enqueue(queued.undo, None)
                undone.add_done_callback(_report)
        elif isinstance(outcome, BaseException):
            queued.done.set_exception(outcome)
        else:
            queued.done.set_result(outcome)

    def _apply(self, works: Sequence[Work[Any]]) -> list[object]:
        """Everything in one transaction; if one work is at fault, each in its own."""
        try:
            return self._transaction(works)
        except (sqlite3.OperationalError, sqlite3.NotSupportedError) as error:
            return [unavailable(error) for _ in works]
        except Exception:  # noqa: BLE001 - a bug in one work must not take the others with it
            return [self._alone(work) for work in works]

    def _alone(self, work: Work[Any]) -> object:
        try:
            return self._transaction([work])[0]
        except sqlite3.IntegrityError as error:
            return error
        except sqlite3.Error as error:
            return unavailable(error)
        except Exception as error:  # noqa: BLE001 - it is told to whoever asked for this work
            return error

    def _transaction(self, works: Sequence[Work[Any]]) -> list[object]:
        connection = self._connection
        outcomes: list[object] = []
        connection.execute("BEGIN IMMEDIATE")
        try:
            for work in works:
                try:
                    outcomes.append(work(connection))
                except PouchError as refusal:
                    outcomes.append(refusal)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return outcomes


def unavailable(error: sqlite3.Error) -> StoreUnavailableError:
    """What a caller learns of a store that fails."""
    return StoreUnavailableError(f"The store cannot be used now: {error}")


def _report(undone: "asyncio.Future[Any]") -> None:
    if not undone.cancelled() and (error := undone.exception()):
        # The reservation stays; the next start charges it in full.
        _log.error("an abandoned reservation could not be released: %s", error)
