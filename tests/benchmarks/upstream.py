"""A scripted provider that costs next to nothing: it looks for words, and writes bytes it made.

``"stream":true`` gets 64 chunks, usage and ``[DONE]``, at once; with the model ``bench-paced`` one
event every 20 ms. Everything else gets one answer of about 600 bytes. Prints its port.
"""

import asyncio
import json
import socket
import sys
from typing import Final, cast

import uvloop

CHUNKS: Final = 64
PACE_S: Final = 0.02


def _event(content: object) -> bytes:
    data = b"data: " + json.dumps(content, separators=(",", ":")).encode() + b"\n\n"
    return b"%x\r\n%s\r\n" % (len(data), data)


def _chunk(text: str | None) -> dict[str, object]:
    delta = {} if text is None else {"content": text}
    choice = {"index": 0, "delta": delta, "finish_reason": None if text else "stop"}
    return {
        "id": "chatcmpl-bench",
        "object": "chat.completion.chunk",
        "created": 1_700_000_000,
        "model": "bench",
        "system_fingerprint": "fp_0123456789",
        "choices": [choice],
        "usage": None,
    }


_USAGE: Final = {"prompt_tokens": 20, "completion_tokens": 64, "total_tokens": 84}
_EVENTS: Final = [
    *(_event(_chunk(f"word{i} ")) for i in range(CHUNKS)),
    _event(_chunk(None)),
    _event({**_chunk(None), "choices": [], "usage": _USAGE}),
    b"e\r\ndata: [DONE]\n\n\r\n",
]
_HEAD: Final = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
)
_END: Final = b"0\r\n\r\n"
_BODY: Final = json.dumps(
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
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(_BODY)
) + _BODY
_BURST: Final = _HEAD + b"".join(_EVENTS) + _END


class Upstream(asyncio.Protocol):
    """Answers one request after the other on a connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are of no class of asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        self._buffer = b""
        self._pacing: asyncio.Task[None] | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        if self._pacing is not None:
            self._pacing.cancel()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self._buffer) < end + 4 + length:
                return
            body = self._buffer[end + 4 : end + 4 + length]
            self._buffer = self._buffer[end + 4 + length :]
            self._answer(body)

    def _answer(self, body: bytes) -> None:
        if b'"stream":true' not in body:
            self._transport.write(_ANSWER)
        elif b"bench-paced" in body:
            self._pacing = asyncio.ensure_future(self._paced())
        else:
            self._transport.write(_BURST)

    async def _paced(self) -> None:
        loop = asyncio.get_running_loop()
        self._transport.write(_HEAD)
        due = loop.time()
        for event in _EVENTS:
            self._transport.write(event)
            due += PACE_S
            await asyncio.sleep(due - loop.time())
        self._transport.write(_END)


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
