"""The one writer of a process: what is queued together is committed together.

Operations wait in a queue; a flush takes all of them to the writer's thread in one hop and applies
them in one transaction. So a burst costs one commit, and a lone operation waits for no one. A burst
that still grows is let grow for a few turns of the event loop, which goes on working meanwhile. No
task carries a flush, so that nothing can cancel one.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any, Final, Generic, Protocol, TypeAlias, TypeVar

from pouch.domain.errors import PouchError, StoreUnavailableError
from pouch.infra.sqlite.turnstile import Turnstile
from pouch.infra.sqlite.worker_thread import WorkerThread

QUEUE_MAX: Final = 10_000
# How long work that nobody waits for lets others catch up with it, for a commit in common.
PATIENCE_S: Final = 0.005

# A burst is so much work, and grows for at most so many turns of the event loop.
BURST_MIN: Final = 8
BURST_TURNS_MAX: Final = 8

T = TypeVar("T")
Work: TypeAlias = Callable[[sqlite3.Connection], T]
"""Changes the database inside a transaction; if it raises a ``PouchError``, it changed nothing.

It may be called twice, if the first transaction was rolled back.
"""

_log = logging.getLogger("pouch.store")


@dataclass(slots=True)
class _Queued(Generic[T]):
    """Work, who waits for it, and what undoes it if by then nobody does."""

    work: Work[T]
    done: "asyncio.Future[T]"
    undo: Work[Any] | None


@dataclass(slots=True)
class Movement(Generic[T]):
    """Work that leaves its rows to a ``Journal``; ``about`` are the ids of its reservations, and
    ``joins`` says that it may wait for a burst to end.
    """

    apply: Work[T]
    about: Sequence[str] = ()
    joins: bool = False

    def __call__(self, connection: sqlite3.Connection) -> T:
        return self.apply(connection)


@dataclass(slots=True)
class _Burst:
    """How a queue grows until it is flushed. ``joined``: all that is urgent in it may wait."""

    joined: bool = True
    size: int = BURST_MIN - 1
    turns: int = 0

    def grows(self, size: int) -> bool:
        """It has grown since this was asked last, and may go on."""
        if not self.joined or size <= self.size or self.turns == BURST_TURNS_MAX:
            return False
        self.size = size
        self.turns += 1
        return True


class Journal(Protocol):
    """What movements add up to, written once, before other work or at the transaction's end."""

    def begin(self, connection: sqlite3.Connection, reservation_ids: Sequence[str]) -> None:
        """A transaction begins; an earlier one may have been rolled back."""
        ...

    def write(self, connection: sqlite3.Connection) -> None:
        """Write what has added up, in the transaction of the work that it comes from."""
        ...


class Writer:
    """Applies work to the database, in order, in a thread of its own. Belongs to the event loop in
    which it is made.

    A caller that is cancelled while its work waits takes it back; if the work is already applied,
    its ``undo`` follows at once. An undo that the store does not take is tried again with whatever
    is written next.
    """

    def __init__(self, connection: sqlite3.Connection, turnstile: Turnstile | None = None) -> None:
        self._connection = connection
        self._turnstile = turnstile
        self._queue: list[_Queued[Any]] = []
        self._owed: list[Work[Any]] = []
        self._loop = asyncio.get_running_loop()
        self._thread = WorkerThread(self._loop, "pouch-writer")
        self._idle = asyncio.Event()
        self._idle.set()
        self._urgent = False
        self._burst = _Burst()
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False
        self._journal: Journal | None = None

    def keep(self, journal: Journal) -> None:
        """Have ``journal`` written in every transaction."""
        self._journal = journal

    async def run(
        self, work: Work[T], *, undo: Work[Any] | None = None, patient: bool = False
    ) -> T:
        """Apply ``work``; durable when this returns. ``patient`` work goes with what comes next, or
        alone ``PATIENCE_S`` later.

        Raises:
            StoreUnavailableError: nothing was changed, for the store cannot be written.
            PouchError: what ``work`` itself raised.
        """
        if self._closed:
            raise StoreUnavailableError("The store is closed.")
        if len(self._queue) >= QUEUE_MAX:
            raise StoreUnavailableError(f"{QUEUE_MAX} writes wait for the store.")
        if self._owed:
            owed, self._owed = self._owed, []
            for late in owed:
                self._undo(late)
        done = self._enqueue(work, undo, patient=patient)
        try:
            return await done
        except asyncio.CancelledError:
            # The answer was there, and the cancellation came before the caller could take it.
            if not done.cancelled() and done.exception() is None and undo is not None:
                self._undo(undo)
            raise
        finally:
            # A refusal's traceback holds this frame, and the future in it the refusal: together
            # they would keep the whole request until the collector of cycles comes by.
            del done

    async def close(self) -> None:
        """Apply what is queued, then let the thread and the connection go."""
        if self._closed:
            return
        self._closed = True
        await self._idle.wait()
        while self._queue:
            self._begin()
            await self._idle.wait()
        closed: asyncio.Future[None] = self._loop.create_future()
        self._thread.do(self._connection.close, closed.set_result)
        await closed
        self._thread.stop()
        if self._turnstile is not None:
            self._turnstile.close()

    def _enqueue(
        self, work: Work[T], undo: Work[Any] | None, *, patient: bool = False
    ) -> "asyncio.Future[T]":
        done: asyncio.Future[T] = self._loop.create_future()
        self._queue.append(_Queued(work, done, undo))
        if not patient:
            self._burst.joined &= isinstance(work, Movement) and work.joins
            self._begin()
        elif self._timer is None and self._idle.is_set():
            self._timer = self._loop.call_later(PATIENCE_S, self._begin)
        return done

    def _begin(self) -> None:
        """Apply what is queued, now or after the batch that is under way."""
        self._urgent = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._idle.is_set():
            self._idle.clear()
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        if not self._urgent:
            self._idle.set()
            if self._queue:
                self._timer = self._loop.call_later(PATIENCE_S, self._begin)
            return
        if self._burst.grows(len(self._queue)):
            self._loop.call_soon(self._flush)
            return
        self._urgent = False
        self._burst = _Burst()
        batch = [queued for queued in self._queue if not queued.done.cancelled()]
        self._queue.clear()
        if not batch:
            self._idle.set()
            return
        try:
            self._thread.do(partial(self._apply, batch), partial(self._told, batch))
        except RuntimeError as error:
            gone = StoreUnavailableError(f"The store is closed: {error}.")
            self._told(batch, [gone] * len(batch))

    def _told(self, batch: Sequence[_Queued[Any]], outcomes: Sequence[object]) -> None:
        for queued, outcome in zip(batch, outcomes, strict=True):
            if queued.done.cancelled():
                if queued.undo is not None and not isinstance(outcome, BaseException):
                    self._undo(queued.undo)
            elif isinstance(outcome, BaseException):
                queued.done.set_exception(outcome)
            else:
                queued.done.set_result(outcome)
        # Whoever has been told now may ask again before the next batch leaves.
        self._loop.call_soon(self._flush)

    def _undo(self, undo: Work[Any]) -> None:
        self._enqueue(undo, None).add_done_callback(partial(self._undone, undo))

    def _undone(self, undo: Work[Any], done: "asyncio.Future[Any]") -> None:
        error = done.exception()
        if isinstance(error, StoreUnavailableError) and not self._closed:
            self._owed.append(undo)
        elif error is not None:
            # The reservation stays; who recovers this process's charges it in full.
            _log.error("an abandoned reservation could not be released: %s", error)

    def _apply(self, batch: list[_Queued[Any]]) -> list[object]:
        """Everything in one transaction; if one work is at fault, each in its own."""
        with self._turnstile or nullcontext(enter_result=False) as waited:
            if waited:
                # What came meanwhile; the loop only adds to the queue until this batch is told.
                late = self._queue[:]
                del self._queue[: len(late)]
                batch += [queued for queued in late if not queued.done.cancelled()]
            works = [queued.work for queued in batch]
            try:
                return self._commit(works)
            except (sqlite3.OperationalError, sqlite3.NotSupportedError) as error:
                return [unavailable(error) for _ in works]
            except BaseException:  # noqa: BLE001, S110 - a bug in one must not take the others along
                pass
        return [self._alone(work) for work in works]

    def _alone(self, work: Work[Any]) -> object:
        try:
            with self._turnstile or nullcontext():
                return self._commit([work])[0]
        except (sqlite3.Error, OverflowError) as error:
            if not isinstance(error, sqlite3.OperationalError):
                _log.exception("the store does not take a write")
            return unavailable(error)
        except BaseException as error:  # noqa: BLE001 - it is told to whoever asked for this work
            return error

    def _commit(self, works: Sequence[Work[Any]]) -> list[object]:
        connection, journal = self._connection, self._journal
        outcomes: list[object] = []
        connection.execute("BEGIN IMMEDIATE")
        try:
            if journal is not None:
                about = [work.about for work in works if isinstance(work, Movement)]
                journal.begin(connection, list(chain.from_iterable(about)))
            for work in works:
                if journal is not None and not isinstance(work, Movement):
                    journal.write(connection)
                try:
                    outcomes.append(work(connection))
                except PouchError as refusal:
                    # Where it was raised is known; its frames would hold the batch, and it them.
                    outcomes.append(refusal.with_traceback(None))
            if journal is not None:
                journal.write(connection)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return outcomes


def unavailable(error: sqlite3.Error | OverflowError) -> StoreUnavailableError:
    """What a caller learns of a store that fails, or that cannot hold so large a number; why is for
    the log.
    """
    refused = StoreUnavailableError("The store cannot be used now.")
    refused.__cause__ = error
    return refused
