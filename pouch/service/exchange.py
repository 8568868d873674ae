"""One exchange with a provider: sent, answered, and brought to an end even if the client is gone.

The exchange runs in a task of its own, so that a client that hangs up before the answer begins
does not take with it the only way to learn what the answer cost.
"""

import asyncio
from typing import Final

from pouch.domain.errors import UpstreamError
from pouch.domain.pipeline import Request, Response
from pouch.domain.plugin import BuiltProvider
from pouch.domain.ports import Clock, TokenCounter
from pouch.domain.provider import UpstreamBody, UpstreamRequest, UpstreamResponse
from pouch.service.event_stream import EventStream
from pouch.service.live_meter import LiveMeter

# Headers that belong to one connection, or that this server sets by itself.
_NOT_RELAYED: Final = frozenset(
    {
        "alt-svc",
        "api-key",
        "authorization",
        "connection",
        "content-length",
        "date",
        "keep-alive",
        "openai-organization",
        "openai-project",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "server",
        "set-cookie",
        "strict-transport-security",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "www-authenticate",
        "x-api-key",
    }
)
# Where a request carries a provider's secret, and where it carries none. An operator may name
# further headers, any of which may hold one.
_SECRET: Final = frozenset({"api-key", "authorization", "x-api-key"})
_OPEN: Final = frozenset({"accept", "accept-encoding", "content-type", "user-agent"})
# To mask a shorter value of a further header would spoil what an error says, and hide no secret.
SECRET_LENGTH_MIN: Final = 8
_OK: Final = range(200, 300)
_REDIRECT: Final = range(300, 400)


class ProviderExchange:
    """Sends at once; ``response`` waits for the answer, and may be cancelled without harm."""

    def __init__(
        self,
        request: Request,
        outgoing: UpstreamRequest,
        through: BuiltProvider,
        clock: Clock,
        tokens: TokenCounter,
        answer_bytes_max: int,
    ) -> None:
        self._request = request
        self._through = through
        self._clock = clock
        self._tokens = tokens
        self._answer_bytes_max = answer_bytes_max
        self._stream: EventStream | None = None
        self._waiting: asyncio.Future[None] | None = None
        loop = asyncio.get_running_loop()
        # Apart from the task, so that who waits for it may be cancelled and the task goes on.
        self._answered: asyncio.Future[Response] = loop.create_future()
        self._task = loop.create_task(self._run(outgoing))

    async def response(self) -> Response:
        """The answer: a whole body, or a stream whose head has come. To be asked for once.

        Raises:
            UpstreamError: there is none, or it makes no sense.
        """
        return await self._answered

    async def finish(self, *, wait_s: float, drain: bool) -> None:
        """See ``pouch.domain.meter.Exchange``."""
        self._waiting = asyncio.ensure_future(self._wait(wait_s, drain=drain))
        await asyncio.wait([self._waiting])
        if not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task])
        if self._answered.done() and not self._answered.cancelled():
            # Retrieved, or asyncio would report it as lost.
            error = self._answered.exception()
            if isinstance(error, UpstreamError):
                # Where nobody was told of it, its frames hold this exchange, and all that was read.
                error.__traceback__ = None
        if self._stream is not None:
            await self._stream.aclose()

    def abort(self) -> None:
        """See ``pouch.domain.meter.Exchange``."""
        (self._waiting or self._task).cancel()

    async def _wait(self, wait_s: float, *, drain: bool) -> None:
        """Until everything is known that may be waited for."""
        try:
            async with asyncio.timeout(wait_s):
                await asyncio.wait([self._task])
                if drain and self._stream is not None:
                    async for _ in self._stream:
                        pass
        except (TimeoutError, UpstreamError):
            return  # What the meter saw up to here is what there is.

    async def _run(self, outgoing: UpstreamRequest) -> None:
        """To the answer, for whoever still waits for it."""
        answered = self._answered
        try:
            response = await self._answer(outgoing)
        except asyncio.CancelledError:
            # Not raised to the task, which would hold its frames, and they the request.
            answered.cancel()
        except BaseException as error:  # noqa: BLE001 - it is raised where the answer is awaited
            if not answered.done():
                answered.set_exception(error)
        else:
            if not answered.done():
                answered.set_result(response)

    async def _answer(self, outgoing: UpstreamRequest) -> Response:
        meter = self._request.meter
        try:
            head = await self._through.transport.send(outgoing)
        except UpstreamError as error:
            meter.sent = error.reached
            raise
        meter.status = head.status
        # The provider's own request id goes on under a name that is not this gateway's.
        headers = [
            ("x-upstream-request-id" if name == "x-request-id" else name, value)
            for name, value in head.headers
            if name not in _NOT_RELAYED and not name.startswith("x-pouch-")
        ]
        if head.status in _OK and _media_type(head) == "text/event-stream":
            meter.streamed = True
            # The provider was asked not to compress; what it did compress passes unread.
            meter.uncountable = head.header("content-encoding").lower() not in {"", "identity"}
            self._stream = self._metered(head.body)
            return Response(head.status, headers, self._stream)
        try:
            body = await self._whole(head.body)
        finally:
            await head.body.aclose()
        if head.status in _REDIRECT:
            raise UpstreamError(f"The provider answered with a redirect ({head.status}).")
        if head.status not in _OK:
            return Response(head.status, headers, _without_secrets(body, outgoing))
        self._read(head, body)
        return Response(head.status, headers, body)

    def _metered(self, body: UpstreamBody) -> EventStream:
        request, provider = self._request, self._through.provider
        live = None
        if request.meter.reservation is not None and request.output_bound is not None:
            live = LiveMeter(request, provider, self._tokens, body.aclose)
        return EventStream(
            body,
            meter=request.meter,
            provider=provider,
            clock=self._clock,
            strip_usage=not request.body.include_usage,
            keep=request.meter.reservation is not None,
            live=live,
        )

    async def _whole(self, body: UpstreamBody) -> bytes:
        parts: list[bytes] = []
        size = 0
        async for part in body:
            if not parts:
                self._request.meter.first_byte = self._clock.monotonic()
            parts.append(part)
            size += len(part)
            if size > self._answer_bytes_max:
                raise UpstreamError(
                    f"The provider's answer exceeds {self._answer_bytes_max} bytes."
                )
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _read(self, head: UpstreamResponse, body: bytes) -> None:
        """Meter a whole answer whose status says that all is well.

        Raises:
            UpstreamError: it is no JSON object.
        """
        meter, provider = self._request.meter, self._through.provider
        if not provider.is_answer(body):
            if _media_type(head) == "text/html":
                meter.strange = True
                raise UpstreamError("The provider answered with a web page.")
            raise UpstreamError("The provider's answer is not a JSON object.")
        meter.complete = True
        reported = provider.usage_in(body)
        if reported is not None:
            meter.usage = reported.usage
        elif meter.reservation is not None:
            meter.keep(body, lambda answer: provider.text_in(answer, stream=False))


def _media_type(head: UpstreamResponse) -> str:
    return head.header("content-type").partition(";")[0].strip().lower()


def _without_secrets(body: bytes, outgoing: UpstreamRequest) -> bytes:
    """A provider's error without the secrets that it was sent: some quote what they refuse."""
    for name, value in outgoing.headers:
        if name in _OPEN:
            continue
        least = 1 if name in _SECRET else SECRET_LENGTH_MIN
        for secret in (value, value.rpartition(" ")[2]):
            if len(secret) >= least:
                body = body.replace(secret.encode(), b"***")
    return body
