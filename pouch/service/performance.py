"""A request carried out apart from the client that asked: it goes on when that client has gone.

The answer is recorded while it is passed on, up to a bound. Below it the client's pace does not
matter; above it nothing is recorded, the client's pace is the provider's, and without a client the
answer is broken off.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Final

from pouch.domain.errors import DrainingError, PouchError
from pouch.domain.idempotency import KeptAnswer
from pouch.domain.pipeline import Request, Response
from pouch.service.proxy import ProxyService

Keep = Callable[[KeptAnswer | None], None]
"""Is told the answer, or that it is too large to be kept. Never waits, never raises."""

_OK: Final = range(200, 300)
# True of one moment or of one sending, so that it is not said again.
_NOT_KEPT: Final = frozenset({"x-pouch-cost", "x-pouch-remaining"})
_NOT_KEPT_START: Final = "x-ratelimit-"


class _Tape:
    """Chunks on their way to one listener, and all of them so far if they are few enough."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._size = 0
        self._waiting: deque[bytes] = deque()
        self._turn = asyncio.Event()
        self._error: PouchError | None = None
        self._ended = False
        self._left = False
        self.recorded: list[bytes] | None = []

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        """The next chunk, for the listener. Raises what the answer broke off with."""
        while not self._waiting:
            if self._error is not None:
                raise self._error
            if self._ended:
                raise StopAsyncIteration
            await self._turned()
        chunk = self._waiting.popleft()
        self._turn.set()
        return chunk

    async def add(self, chunk: bytes) -> bool:
        """Pass ``chunk`` on; ``False`` if it is neither recorded nor listened to."""
        self._size += len(chunk)
        if self.recorded is not None:
            if self._size <= self._bytes_max:
                self.recorded.append(chunk)
            else:
                self.recorded = None
        if not self._left:
            self._waiting.append(chunk)
            self._turn.set()
        while self.recorded is None and self._waiting:
            await self._turned()
        return not (self.recorded is None and self._left)

    def end(self, error: PouchError | None) -> None:
        """Nothing follows; the listener is told so after what it has not taken yet."""
        self._ended, self._error = True, error
        self._turn.set()

    def leave(self) -> None:
        """The listener has gone."""
        self._left = True
        self._waiting.clear()
        self._turn.set()

    async def _turned(self) -> None:
        # Either end waits only while the other has something to do, so one event serves both.
        self._turn.clear()
        await self._turn.wait()


class Performance:
    """``run`` carries the request out and has it settled; ``response`` is for its client."""

    def __init__(
        self,
        proxy: ProxyService,
        request: Request,
        keep: Keep,
        drop: Callable[[], None],
        *,
        answer_bytes_max: int,
    ) -> None:
        self._proxy = proxy
        self._request = request
        self._keep = keep
        self._drop = drop
        self._answer_bytes_max = answer_bytes_max
        self._tape = _Tape(answer_bytes_max)
        self._answered: asyncio.Future[Response] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        """To the end of the answer. Whatever happens, the request is settled, and its record kept
        or dropped.
        """
        try:
            response = await self._proxy.handle(self._request)
        except PouchError as error:
            self._refuse(error)
        except asyncio.CancelledError:
            self._refuse(DrainingError("The server shut down before the answer came."))
            raise
        except BaseException as error:
            self._refuse(error)
            raise
        else:
            if isinstance(response.body, bytes):
                self._finish_whole(response, response.body)
            else:
                await self._pass_on(response, response.body)

    async def response(self) -> Response:
        """The answer as it comes; if its client is cancelled, it comes to no one.

        Raises:
            PouchError: the request was refused.
        """
        try:
            return await asyncio.shield(self._answered)
        except asyncio.CancelledError:
            self._tape.leave()
            raise

    def finish(self, request: Request, response: Response, broken: BaseException | None) -> None:
        """The client has the answer, or has gone; the request is settled without it."""
        del request, response, broken
        self._tape.leave()

    def stopped(self, request: Request) -> PouchError | None:
        """Nothing: the request is stopped apart from its client, who learns it from the answer."""
        del request
        return None

    def cost_comment(self, request: Request) -> bytes:
        """Nothing: it is a part of the answer, so that it comes again with it."""
        del request
        return b""

    def _refuse(self, error: BaseException) -> None:
        self._drop()
        self._answered.set_exception(error)
        # Seen, even if the client that it is for has gone.
        self._answered.exception()

    def _finish_whole(self, response: Response, body: bytes) -> None:
        if response.status in _OK:
            self._keep(self._kept(response, body))
        else:
            self._drop()
        self._proxy.finish(self._request, response, None)
        self._answered.set_result(response)

    async def _pass_on(self, response: Response, body: AsyncIterator[bytes]) -> None:
        request, tape = self._request, self._tape
        if not any(name == "content-type" for name, _ in response.headers):
            response.headers.append(("content-type", "text/event-stream"))
        broken: BaseException | None = None
        self._answered.set_result(Response(response.status, response.headers, tape))
        try:
            async for chunk in body:
                if not await tape.add(chunk):
                    broken = asyncio.CancelledError()
                    break
            else:
                if request.key.stream_cost and (comment := self._proxy.cost_comment(request)):
                    await tape.add(comment)
        except PouchError as error:
            broken = error
        except asyncio.CancelledError as error:
            broken = self._proxy.stopped(request)
            if broken is None:
                broken = error
                raise
        except BaseException as error:
            broken = error
            raise
        finally:
            self._finish_stream(response, broken)

    def _finish_stream(self, response: Response, broken: BaseException | None) -> None:
        recorded = self._tape.recorded
        if isinstance(broken, PouchError) or response.status not in _OK:
            self._drop()
        elif recorded is None:
            self._keep(None)
        elif broken is None:
            self._keep(self._kept(response, b"".join(recorded)))
        else:
            self._drop()
        self._proxy.finish(self._request, response, broken)
        if broken is None or isinstance(broken, PouchError):
            self._tape.end(broken)
        else:
            self._tape.end(DrainingError("The server shut down in the middle of the answer."))

    def _kept(self, response: Response, body: bytes) -> KeptAnswer | None:
        if len(body) > self._answer_bytes_max:
            return None
        headers = tuple(
            (name, value)
            for name, value in response.headers
            if name not in _NOT_KEPT and not name.startswith(_NOT_KEPT_START)
        )
        return KeptAnswer(response.status, headers, body)
