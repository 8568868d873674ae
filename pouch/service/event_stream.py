"""A provider's event stream on its way to the client: whole events, as bytes, metered in passing.

No event is parsed unless it can hold usage, which a search for the word tells. Only whole events
are handed on, so that the usage event which nobody asked for can be left out.
"""

from collections.abc import AsyncIterator
from typing import Final

from pouch.domain.errors import UpstreamError
from pouch.domain.meter import Meter
from pouch.domain.ports import Clock
from pouch.domain.provider import Provider, UpstreamBody
from pouch.domain.sse import event_end, event_start, naming
from pouch.service.live_meter import LiveMeter

# An event longer than this passes through unread, in the pieces it comes in.
EVENT_BYTES_MAX: Final = 1024 * 1024

_USAGE: Final = naming(b"usage")
# Of most blocks a cheaper search tells that they name none.
_USAGE_NAME: Final = b'"usage"'
_EMPTY_LINE: Final = b"\n\n"
_BOUNDARY_LENGTH_MAX: Final = 4


class EventStream:
    """Iterates over bytes that hold whole events; a cancelled read loses nothing.

    ``strip_usage`` leaves out events that report usage and nothing else. ``keep`` remembers what
    was relayed, for counting. ``live`` cuts off what goes beyond its output limit.
    """

    def __init__(
        self,
        body: UpstreamBody,
        *,
        meter: Meter,
        provider: Provider,
        clock: Clock,
        strip_usage: bool,
        keep: bool,
        live: LiveMeter | None = None,
    ) -> None:
        self._body = body
        self._meter = meter
        self._provider = provider
        self._clock = clock
        self._strip = strip_usage
        self._keep = keep
        self._live = live
        self._tail = bytearray()
        self._ended = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        while not self._ended:
            if self._live is not None:
                if self._live.behind:
                    await self._live.caught_up()
                if self._live.must_stop:
                    return await self._cut(self._live)
            try:
                block = await self._body.__anext__()
            except (UpstreamError, StopAsyncIteration) as end:
                if rest := await self._end(end):
                    return rest
                break
            if self._meter.first_byte is None:
                self._meter.first_byte = self._clock.monotonic()
            if events := self._take(block):
                return events
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Give the connection up, wherever the stream is."""
        self._ended = True
        if self._live is not None:
            self._live.stop()
        await self._body.aclose()

    async def _end(self, end: UpstreamError | StopAsyncIteration) -> bytes:
        """The last bytes for the client, now that the provider has ended the stream.

        Raises:
            UpstreamError: it broke off.
        """
        if self._live is not None:
            if self._live.must_stop:
                return await self._cut(self._live)
            self._live.stop()
        self._ended = True
        if isinstance(end, UpstreamError):
            raise end
        self._meter.complete = True
        rest = self._pass(bytes(self._tail)) if self._tail else b""
        self._tail.clear()
        return rest

    async def _cut(self, live: LiveMeter) -> bytes:
        """Break the stream off; what ends it properly for the client."""
        self._ended = True
        self._meter.cut = True
        self._tail.clear()
        await self._body.aclose()
        return await live.ending()

    def _take(self, block: bytes) -> bytes:
        """What can go on now that ``block`` has come: everything up to the last event's end."""
        if not self._tail and block.endswith(_EMPTY_LINE):
            return self._pass(block)
        if self._tail:
            searched = max(len(self._tail) - _BOUNDARY_LENGTH_MAX, 0)
            self._tail += block
            end = event_start(self._tail, len(self._tail), searched)
            if end == searched:
                end = 0
            data = bytes(self._tail[:end])
            del self._tail[:end]
        else:
            end = event_start(block, len(block))
            data = block[:end]
            self._tail += block[end:]
        if len(self._tail) > EVENT_BYTES_MAX:
            data += bytes(self._tail)
            self._tail.clear()
            self._meter.uncountable = True
            self._meter.more_followed = self._meter.usage is not None
            return data
        return self._pass(data) if data else b""

    def _pass(self, events: bytes) -> bytes:
        found = _USAGE.search(events) if _USAGE_NAME in events else None
        meter = self._meter
        if found is not None:
            events = self._read_usage(events, found.start())
        elif meter.usage is not None:
            self._look_for_more(events)
        meter.bytes_relayed += len(events)
        if self._keep:
            meter.keep(events, self._text_in)
        if self._live is not None:
            self._live.saw(events)
        return events

    def _read_usage(self, events: bytes, position: int) -> bytes:
        """Read the events that name usage, the first around ``position``; what the client gets."""
        passed: list[bytes] = []
        done = 0
        while position >= 0:
            start, end = event_start(events, position, done), event_end(events, position)
            if before := events[done:start]:
                self._look_for_more(before)
                passed.append(before)
            event = events[start:end]
            if not self._is_usage_alone(event):
                passed.append(event)
            done = end
            found = _USAGE.search(events, end)
            position = -1 if found is None else found.start()
        if after := events[done:]:
            self._look_for_more(after)
            passed.append(after)
        return b"".join(passed)

    def _is_usage_alone(self, event: bytes) -> bool:
        """Take the usage out of ``event``; whether the client must not see it."""
        reported = self._provider.usage_in(data_of(event))
        if reported is None:
            self._look_for_more(event)
            return False
        self._meter.usage = reported.usage
        self._meter.more_followed = False
        if self._live is not None and not reported.alone:
            self._live.reported(reported.usage)
        return self._strip and reported.alone

    def _look_for_more(self, events: bytes) -> None:
        """Whether text comes after the usage, which then does not cover it."""
        if self._keep and self._meter.usage is not None and self._text_in(events):
            self._meter.more_followed = True

    def _text_in(self, events: bytes) -> str:
        return self._provider.text_in(events, stream=True)


def data_of(event: bytes) -> bytes:
    """The data of one server-sent event: its ``data:`` lines, joined."""
    lines = (line[5:].strip() for line in event.splitlines() if line.startswith(b"data:"))
    return b"\n".join(lines)
