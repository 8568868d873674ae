"""The connections to one origin: so many at most, kept for reuse, queued for in order."""

import asyncio
import ssl
from collections import deque
from dataclasses import dataclass

import httpx

from pouch.infra.http.connection import Connection
from pouch.infra.http.timeouts import Timeouts


@dataclass(frozen=True, slots=True)
class Origin:
    """Where connections lead; ``tls`` is ``None`` for plain HTTP."""

    host: str
    port: int
    tls: ssl.SSLContext | None


class Pool:
    """See the module. ``_open`` counts connections and the permissions to make one.

    While there are waiters, no connection is idle and none may be made: what becomes free goes
    to the first in the queue.
    """

    def __init__(
        self, origin: Origin, timeouts: Timeouts, *, connections_max: int, keepalive_s: float
    ) -> None:
        self._origin = origin
        self._timeouts = timeouts
        self._connections_max = connections_max
        self._keepalive_s = keepalive_s
        self._idle: deque[Connection] = deque()
        self._all: set[Connection] = set()
        self._waiters: deque[asyncio.Future[Connection | None]] = deque()
        self._open = 0
        self._closed = False
        self._emptied: asyncio.Future[None] | None = None

    def take(self) -> Connection | None:
        """An idle connection, the one used last first; ``None`` if there is none."""
        idle = self._idle
        while idle:
            connection = idle.pop()
            if connection.usable:
                return connection
            connection.abort()
        return None

    async def connect(self) -> Connection:
        """A connection without a request on it: new, or freed by another request.

        Raises:
            httpx.ConnectError: none can be made; ``ConnectTimeout`` if that takes too long.
            httpx.PoolTimeout: all are in use for too long.
        """
        if self._closed:
            raise httpx.ConnectError("the transport is closed")
        if self._permitted():
            return await self._connect()
        try:
            async with asyncio.timeout(self._timeouts.pool_s):
                freed = await self._freed()
        except TimeoutError:
            message = f"no connection became free within {self._timeouts.pool_s:g} s"
            raise httpx.PoolTimeout(message) from None
        return freed or await self._connect()

    def released(self, connection: Connection) -> None:
        """See ``Owner``."""
        if self._closed:
            connection.abort()
            return
        waiter = self._next_waiter()
        if waiter is None:
            self._idle.append(connection)
        else:
            waiter.set_result(connection)

    def lost(self, connection: Connection) -> None:
        """See ``Owner``."""
        if connection not in self._all:
            return
        self._all.remove(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        self._give_up_permission()
        if not self._all and self._emptied is not None and not self._emptied.done():
            self._emptied.set_result(None)

    async def aclose(self) -> None:
        """Close every connection, and refuse who waits for one."""
        self._closed = True
        while (waiter := self._next_waiter()) is not None:
            waiter.set_exception(httpx.ConnectError("the transport is closed"))
        for connection in list(self._all):
            connection.abort()
        if self._all:
            self._emptied = self._emptied or asyncio.get_running_loop().create_future()
            await asyncio.shield(self._emptied)

    async def _freed(self) -> Connection | None:
        """Wait in the queue; ``None`` is the permission to make a connection.

        A connection that has died between its release and this task's turn leaves its permission
        by itself, so the wait begins again, at the head of the queue.
        """
        add = self._waiters.append
        while not self._permitted():
            waiter: asyncio.Future[Connection | None] = asyncio.get_running_loop().create_future()
            add(waiter)
            try:
                freed = await waiter
            except asyncio.CancelledError:
                self._give_back(waiter)
                raise
            if freed is None or freed.usable:
                return freed
            freed.abort()
            add = self._waiters.appendleft
        return None

    def _give_back(self, waiter: asyncio.Future[Connection | None]) -> None:
        """Who was cancelled may have been given something in the same moment."""
        if not waiter.done() or waiter.cancelled():
            if waiter in self._waiters:
                self._waiters.remove(waiter)
        elif waiter.exception() is None:
            freed = waiter.result()
            if freed is None:
                self._give_up_permission()
            elif freed.usable:
                self.released(freed)
            else:
                freed.abort()

    async def _connect(self) -> Connection:
        origin = self._origin
        loop = asyncio.get_running_loop()
        made = False
        try:
            async with asyncio.timeout(self._timeouts.connect_s):
                _, connection = await loop.create_connection(
                    lambda: Connection(self, self._timeouts, self._keepalive_s, loop),
                    origin.host,
                    origin.port,
                    ssl=origin.tls,
                    server_hostname=origin.host if origin.tls else None,
                )
            if connection.closed or self._closed:
                connection.abort()
                raise httpx.ConnectError("the connection was closed as soon as it was made")
            made = True
        except TimeoutError:
            message = f"no connection within {self._timeouts.connect_s:g} s"
            raise httpx.ConnectTimeout(message) from None
        except (OSError, UnicodeError, OverflowError) as error:
            raise httpx.ConnectError(str(error)) from error
        finally:
            if not made:
                self._give_up_permission()
        self._all.add(connection)
        return connection

    def _permitted(self) -> bool:
        """Take the permission to make a connection, if there is room for one."""
        if self._open >= self._connections_max:
            return False
        self._open += 1
        return True

    def _give_up_permission(self) -> None:
        """One connection less; the first in the queue may make another."""
        waiter = self._next_waiter()
        if waiter is None:
            self._open -= 1
        else:
            waiter.set_result(None)

    def _next_waiter(self) -> asyncio.Future[Connection | None] | None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                return waiter
        return None
