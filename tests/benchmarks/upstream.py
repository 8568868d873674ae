"""A scripted provider that costs next to nothing: it looks for words, and writes bytes it made.

``"stream":true`` gets 64 chunks, usage and ``[DONE]``, each event written by itself (TCP_NODELAY)
as soon as every other stream has got its own, as a server does that computes its streams in
batches; with the model ``bench-first`` the first event, and 5 ms later all others; with
``bench-paced`` one event every 20 ms; with ``bench-slow`` ten a second for 20 s, each with the
moment it was written (``MOMENT``, nanoseconds of the machine's monotonic clock) in place of its
text. Everything else gets one answer of about 600 bytes. Prints its port.
"""

import asyncio
import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from typing import Final, cast

import uvloop

CHUNKS: Final = 64
PACE_S: Final = 0.02
PAUSE_S: Final = 0.005
SLOW_CHUNKS: Final = 200
SLOW_PACE_S: Final = 0.1
MOMENT: Final = b"at:%019d "


def _event(data: bytes) -> bytes:
    line = b"data: " + data + b"\n\n"
    return b"%x\r\n%s\r\n" % (len(line), line)


def _chunk(text: str | None, **changed: object) -> bytes:
    delta = {} if text is None else {"content": text}
    choice = {"index": 0, "delta": delta, "finish_reason": None if text else "stop"}
    chunk = {
        "id": "chatcmpl-bench",
        "object": "chat.completion.chunk",
        "created": 1_700_000_000,
        "model": "bench",
        "system_fingerprint": "fp_0123456789",
        "choices": [choice],
        "usage": None,
        **changed,
    }
    return json.dumps(chunk, separators=(",", ":")).encode()


_USAGE: Final = {"prompt_tokens": 20, "completion_tokens": 64, "total_tokens": 84}
_LAST: Final = (
    _event(_chunk(None)),
    _event(_chunk(None, choices=[], usage=_USAGE)),
    _event(b"[DONE]"),
)
_EVENTS: Final = (*(_event(_chunk(f"word{i} ")) for i in range(CHUNKS)), *_LAST)
EVENT_BYTES: Final = min(map(len, _EVENTS[:CHUNKS]))
_STAMPED: Final = _event(_chunk((MOMENT % 0).decode())).split(MOMENT % 0)
_HEAD: Final = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
)
_END: Final = b"0\r\n\r\n"
_PIECES: Final = (_HEAD, *_EVENTS[:-1], _EVENTS[-1] + _END)
BODY: Final = json.dumps(
    {
        "id": "chatcmpl-bench",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": "bench",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "word " * 60},
                "finish_reason": "stop",
            }
        ],
        "usage": _USAGE,
    }
).encode()
_ANSWER: Final = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(BODY)
) + BODY


class Upstream(asyncio.Protocol):
    """Answers one request after the other on a connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are of no class of asyncio's; they set TCP_NODELAY.
        self._transport = cast(asyncio.Transport, transport)
        self._descriptor: int = transport.get_extra_info("socket").fileno()
        self._buffer = bytearray()
        self._pacing: asyncio.Task[None] | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        if self._pacing is not None:
            self._pacing.cancel()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._buffer[:end]).lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self._buffer) < end + 4 + length:
                return
            body = bytes(self._buffer[end + 4 : end + 4 + length])
            del self._buffer[: end + 4 + length]
            self._answer(body)

    def _answer(self, body: bytes) -> None:
        if b'"stream":true' not in body and b'"stream": true' not in body:
            self._transport.write(_ANSWER)
        elif b"bench-first" in body:
            self._transport.write(_HEAD + _EVENTS[0])
            loop, rest = asyncio.get_running_loop(), b"".join(_EVENTS[1:]) + _END
            loop.call_later(PAUSE_S, self._transport.write, rest)
        elif b"bench-paced" in body:
            self._pacing = asyncio.ensure_future(self._paced())
        elif b"bench-slow" in body:
            self._pacing = asyncio.ensure_future(self._slow())
        else:
            self._burst(iter(_PIECES))

    def _burst(self, left: Iterator[bytes]) -> None:
        """Write the next event, and one in each turn of the loop after this.

        Past the transport, which would collect the writes of one turn.
        """
        piece = next(left, b"")
        try:
            sent = os.write(self._descriptor, piece)
        except BlockingIOError:
            sent = 0
        except ConnectionError:
            return
        if sent < len(piece):
            self._transport.write(piece[sent:] + b"".join(left))
        elif piece:
            asyncio.get_running_loop().call_soon(self._burst, left)

    async def _paced(self) -> None:
        loop = asyncio.get_running_loop()
        self._transport.write(_HEAD)
        due = loop.time()
        for event in _EVENTS:
            self._transport.write(event)
            due += PACE_S
            await asyncio.sleep(due - loop.time())
        self._transport.write(_END)

    async def _slow(self) -> None:
        loop = asyncio.get_running_loop()
        before, after = _STAMPED
        self._transport.write(_HEAD)
        due = loop.time()
        for _ in range(SLOW_CHUNKS):
            self._transport.write(before + MOMENT % time.monotonic_ns() + after)
            due += SLOW_PACE_S
            await asyncio.sleep(due - loop.time())
        self._transport.write(b"".join(_LAST) + _END)


async def main() -> None:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = await asyncio.get_running_loop().create_server(Upstream, sock=listener, backlog=2048)
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
