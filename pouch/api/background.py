"""Work that outlives its request, as Sanic background tasks that nothing cancels."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from sanic import Sanic

from pouch.domain.ports import Clock

_log = logging.getLogger("pouch.background")


class BackgroundTasks:
    """Strongly referenced, unknown to Sanic's own shutdown, drained by ours."""

    def __init__(self, app: "Sanic[Any, Any]", clock: Clock) -> None:
        self._app = app
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def spawn(self, work: Coroutine[Any, Any, None], *, name: str) -> None:
        """See ``pouch.domain.ports.Background``."""
        # A registered task would be cancelled at once by SIGTERM.
        task = self._app.add_task(work, name=name, register=False)
        assert isinstance(task, asyncio.Task)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def drain(self, timeout_s: float) -> bool:
        """Wait for all work, also for what starts meanwhile; whether none is left."""
        deadline = self._clock.monotonic() + timeout_s
        while self._tasks and (left_s := deadline - self._clock.monotonic()) > 0:
            await asyncio.wait(set(self._tasks), timeout=left_s)
        return not self._tasks

    async def cancel(self) -> None:
        """End what is left unfinished; it is logged by name."""
        left = set(self._tasks)
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            _log.error("%s was cancelled", task.get_name())
        elif error := task.exception():
            _log.error("%s failed", task.get_name(), exc_info=error)
