"""One connection to a provider: sends a request at a time, watches over the time that it takes.

A connection whose answer was not complete, or whose request was not sent to its end, is closed
and never used again.
"""

import asyncio
import select
import socket
from contextlib import suppress
from enum import Enum, auto
from typing import Final, Protocol, cast

import httpx

from pouch.infra.http.answer_parser import AnswerParser
from pouch.infra.http.exchange import Exchange, Failure
from pouch.infra.http.timeouts import Timeouts

# What is sent in one piece with the head; a longer body is not copied for that.
JOINED_BYTES_MAX: Final = 64 * 1024
# No connection is kept for longer, whatever the provider allows.
KEEPALIVE_MAX_S: Final = 60.0
# What a connection is closed ahead of the time at which the provider says that it will.
KEEPALIVE_MARGIN_S: Final = 1.0
# The first probe of a silent connection, so that what is between does not forget it.
PROBE_AFTER_S: Final = 60


class Owner(Protocol):
    """The pool, as its connections see it."""

    def released(self, connection: "Connection") -> None:
        """The answer is complete, and another request may follow."""
        ...

    def lost(self, connection: "Connection") -> None:
        """It is closed."""
        ...


class Phase(Enum):
    """What the connection is waiting for."""

    IDLE = auto()
    SENDING = auto()
    HEAD = auto()
    BODY = auto()
    READER = auto()


class Connection(asyncio.Protocol):
    """See the module. Created by ``loop.create_connection``; owned by a pool."""

    def __init__(
        self,
        owner: Owner,
        timeouts: Timeouts,
        keepalive_s: float,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._owner = owner
        self._timeouts = timeouts
        self._keepalive_s = keepalive_s
        self._loop = loop
        self._parser = AnswerParser()
        self._phase = Phase.IDLE
        self._exchange: Exchange | None = None
        self._transport: asyncio.Transport
        self._readable = select.poll()
        self._lost = False
        self._blocked = False
        self._unsent = 0
        # One timer, mostly left alone: it fires, finds that the deadline has moved, goes on.
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0

    @property
    def closed(self) -> bool:
        """It is gone, or about to go."""
        return self._lost or self._transport.is_closing()

    @property
    def usable(self) -> bool:
        """It can take a request: open, idle, and the provider has said nothing since.

        What the loop has not read yet counts as said. So a request is never written to a
        connection whose end has already arrived.
        """
        return self._exchange is None and not self.closed and not self._readable.poll(0)

    def send(self, head: bytes, body: bytes, *, until: float, head_only: bool) -> Exchange:
        """Send a request. ``until`` is the loop's time at which the exchange has to be over."""
        assert self._exchange is None
        assert not self._lost
        exchange = self._exchange = Exchange(self, self._loop, until)
        self._parser.begin(head_only=head_only)
        transport = self._transport
        if len(body) <= JOINED_BYTES_MAX:
            transport.write(head + body)
        else:
            transport.write(head)
            transport.write(body)
        if self._blocked:
            self._unsent = transport.get_write_buffer_size()
            self._wait(Phase.SENDING, self._timeouts.write_s)
        else:
            self._wait(Phase.HEAD, self._timeouts.first_byte_s)
        return exchange

    def resume(self) -> None:
        """The reader has caught up."""
        if self._phase is Phase.READER and not self._lost:
            self._transport.resume_reading()
            self._wait(Phase.BODY, self._timeouts.read_s)

    def abort(self) -> None:
        """Close at once, whatever is under way."""
        self._break(httpx.ReadError, "the connection was given up")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not every loop's transports inherit from the class whose methods they have.
        transport = self._transport = cast("asyncio.Transport", transport)
        # With no room to linger in, all is written at once, and ``resume_writing`` says when the
        # last byte has gone. (With a limit of zero, TLS counts an empty buffer as full.)
        transport.set_write_buffer_limits(high=1, low=0)
        connected = transport.get_extra_info("socket")
        # One that has been reset already may refuse; its loss is reported by itself.
        with suppress(OSError):
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            if hasattr(socket, "TCP_KEEPIDLE"):
                connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, PROBE_AFTER_S)
        self._readable.register(connected.fileno(), select.POLLIN)

    def pause_writing(self) -> None:
        self._blocked = True

    def resume_writing(self) -> None:
        self._blocked = False
        if self._phase is Phase.SENDING:
            self._wait(Phase.HEAD, self._timeouts.first_byte_s)

    def data_received(self, data: bytes) -> None:
        exchange = self._exchange
        if exchange is None:
            # Nobody asked; whatever it means, the next answer could not be told from it.
            self.abort()
            return
        parser = self._parser
        body = parser.feed(data)
        if parser.head_complete:
            self._relay(exchange, parser, body)
        if parser.mistake is not None:
            self._break(httpx.RemoteProtocolError, parser.mistake)

    def eof_received(self) -> None:
        self._parser.end_of_connection()
        if self._exchange is not None and self._parser.complete:
            self._complete(self._exchange)

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._exchange is not None:
            where = "in the middle of its answer" if self._parser.head_complete else "unanswered"
            failure = httpx.RemoteProtocolError if exc is None else httpx.ReadError
            self._break(failure, f"the connection was closed {where}")
        self._owner.lost(self)

    def _relay(self, exchange: Exchange, parser: AnswerParser, body: bytes) -> None:
        wants_more = not body or exchange.arrived(body)
        if not exchange.status:
            exchange.began(parser.status, parser.headers)
        if parser.complete:
            self._complete(exchange)
        elif self._phase is Phase.READER:
            return
        elif not wants_more:
            self._transport.pause_reading()
            # The silence is the reader's own now, so only the whole exchange's limit counts.
            self._wait(Phase.READER, self._timeouts.total_s)
        elif self._phase is Phase.BODY:
            # Later than before, so the timer that is set will do.
            self._deadline = min(self._loop.time() + self._timeouts.read_s, exchange.until)
        else:
            self._wait(Phase.BODY, self._timeouts.read_s)

    def _complete(self, exchange: Exchange) -> None:
        """Let the answer go; keep the connection if all that was to be said on it is said."""
        exchange.completed()
        self._exchange = None
        keep_s = self._keeping_s(exchange.headers) if self._parser.keep_alive else 0
        if keep_s <= 0 or self._blocked:
            self.abort()
            return
        if self._phase is Phase.READER:
            self._transport.resume_reading()
        self._phase = Phase.IDLE
        self._set_deadline(self._loop.time() + keep_s)
        self._owner.released(self)

    def _keeping_s(self, headers: list[tuple[bytes, bytes]]) -> float:
        """How long the provider will surely wait for another request."""
        for name, value in headers:
            if name == b"keep-alive":
                promised = _promised_s(value)
                if promised is not None:
                    return min(promised - KEEPALIVE_MARGIN_S, KEEPALIVE_MAX_S)
        return self._keepalive_s

    def _break(self, failure: Failure, message: str) -> None:
        exchange, self._exchange = self._exchange, None
        self._phase = Phase.IDLE
        if exchange is not None:
            exchange.failed(failure, message)
        if not self._lost:
            self._transport.abort()

    def _wait(self, phase: Phase, limit_s: float) -> None:
        assert self._exchange is not None
        self._phase = phase
        self._set_deadline(min(self._loop.time() + limit_s, self._exchange.until))

    def _set_deadline(self, deadline: float) -> None:
        self._deadline = deadline
        if self._timer is None:
            self._arm()
        elif deadline < self._timer_at:
            self._timer.cancel()
            self._arm()

    def _arm(self) -> None:
        self._timer_at = self._deadline
        self._timer = self._loop.call_at(self._deadline, self._time_passed)

    def _time_passed(self) -> None:
        self._timer = None
        if self._loop.time() < self._deadline:
            self._arm()
            return
        timeouts, exchange = self._timeouts, self._exchange
        if exchange is None:
            self.abort()
        elif self._deadline >= exchange.until:
            self._break(httpx.ReadTimeout, f"it was not over after {timeouts.total_s:g} s")
        elif self._phase is Phase.SENDING:
            self._request_stalled()
        elif self._phase is Phase.HEAD:
            self._break(httpx.ReadTimeout, f"no answer began within {timeouts.first_byte_s:g} s")
        else:
            self._break(httpx.ReadTimeout, f"its answer stalled for {timeouts.read_s:g} s")

    def _request_stalled(self) -> None:
        unsent = self._transport.get_write_buffer_size()
        if unsent < self._unsent:
            self._unsent = unsent
            self._wait(Phase.SENDING, self._timeouts.write_s)
        else:
            limit_s = self._timeouts.write_s
            self._break(httpx.WriteTimeout, f"none of the request was taken for {limit_s:g} s")


def _promised_s(value: bytes) -> float | None:
    """The seconds in a ``keep-alive`` header such as ``timeout=5, max=100``."""
    for part in value.split(b","):
        name, _, seconds = part.partition(b"=")
        if name.strip().lower() == b"timeout" and seconds.strip().isdigit():
            return float(seconds)
    return None
