"""An event loop whose time is simulated, so that an hour passes at once and every run is the same.

Nothing else may decide what happens when: work meant for threads runs in the loop, and where there
is nothing left to do and no timer to wait for, the loop says so instead of hanging.
"""

import asyncio
import selectors
from collections.abc import Callable
from concurrent.futures import Executor, Future
from datetime import UTC, datetime, timedelta
from typing import Any, Final, ParamSpec, TypeVar

START: Final = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)

P = ParamSpec("P")
T = TypeVar("T")


class _JumpingSelector(selectors.DefaultSelector):
    """Where the loop would wait, time passes instead."""

    elapsed = 0.0

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready and timeout != 0:
            assert timeout is not None, "the simulation waits for something that never comes"
            self.elapsed += max(timeout, 0.0)
        return ready


class InlineExecutor(Executor):
    """Does at once, in the caller's thread, what it is given."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001 - the caller is told, as by any executor
            future.set_exception(error)
        return future


class VirtualLoop(asyncio.SelectorEventLoop):
    """Starts at time zero; has no threads."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.elapsed

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, func: Callable[..., T], *args: Any
    ) -> "asyncio.Future[T]":
        del executor
        return asyncio.wrap_future(InlineExecutor().submit(func, *args), loop=self)


class SimulatedClock:
    """Follows the loop's time. ``leap`` corrects the calendar, either way; nothing notices else."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._leapt = timedelta(0)

    def now(self) -> datetime:
        return START + self._leapt + timedelta(seconds=self._loop.time())

    def monotonic(self) -> float:
        return self._loop.time()

    def leap(self, seconds: float) -> None:
        """Set the calendar forward, or back if negative."""
        self._leapt += timedelta(seconds=seconds)
