"""A scripted provider on loopback, spoken to over real HTTP, that remembers what it saw."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Call:
    """One request, and the connection to answer it on."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    writer: asyncio.StreamWriter
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the caller has closed the connection."""

    async def write(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def head(self, status: int = 200, content_type: str = "application/json") -> None:
        await self.write(
            f"HTTP/1.1 {status} X\r\ncontent-type: {content_type}\r\n"
            "transfer-encoding: chunked\r\nx-request-id: upstream-1\r\n\r\n".encode()
        )

    async def chunk(self, data: bytes) -> None:
        await self.write(b"%x\r\n%s\r\n" % (len(data), data))

    async def event(self, content: object) -> None:
        data = content if isinstance(content, str) else json.dumps(content, separators=(",", ":"))
        await self.chunk(f"data: {data}\n\n".encode())

    async def end(self) -> None:
        await self.write(b"0\r\n\r\n")

    async def whole(
        self, content: bytes, status: int = 200, content_type: str = "application/json"
    ) -> None:
        head = (
            f"HTTP/1.1 {status} X\r\ncontent-type: {content_type}\r\n"
            f"content-length: {len(content)}\r\nx-custom: kept\r\n\r\n"
        )
        await self.write(head.encode() + content)


Script = Callable[[Call], Awaitable[None]]


def completion(
    text: str = "Hello there.", usage: dict[str, Any] | None = None, **more: object
) -> bytes:
    """A chat completion as JSON."""
    document: dict[str, Any] = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": "upstream-model",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text},
                "finish_reason": "stop",
            }
        ],
        **more,
    }
    if usage is not None:
        document["usage"] = usage
    return json.dumps(document).encode()


def delta(text: str | None, **more: object) -> dict[str, Any]:
    """A chunk of a chat completion; without text the last one."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1_700_000_000,
        "model": "upstream-model",
        "choices": [
            {
                "index": 0,
                "delta": {} if text is None else {"content": text},
                "finish_reason": "stop" if text is None else None,
            }
        ],
        **more,
    }


def tokens(prompt: int, completion_tokens: int) -> dict[str, int]:
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt + completion_tokens,
    }


async def answer(call: Call) -> None:
    """What a well-behaved provider does: 10 tokens in, 20 out, streamed in four words if asked."""
    if not call.body.get("stream"):
        await call.whole(completion(usage=tokens(10, 20)))
        return
    await call.head(content_type="text/event-stream; charset=utf-8")
    for word in ("Hello ", "there ", "my ", "friend."):
        await call.event(delta(word))
    await call.event(delta(None))
    if (call.body.get("stream_options") or {}).get("include_usage"):
        await call.event({**delta(None), "choices": [], "usage": tokens(10, 20)})
    await call.event("[DONE]")
    await call.end()


class Upstream:
    """Set ``script`` to decide what the next requests get."""

    def __init__(self) -> None:
        self.script: Script = answer
        self.calls: list[Call] = []
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        pairs = (line.split(": ", 1) for line in head[1:] if line)
        headers = {name.lower(): value for name, value in pairs}
        content = await reader.readexactly(int(headers.get("content-length", 0)))
        call = Call(head[0].split(" ")[1], headers, json.loads(content or b"{}"), writer)
        self.calls.append(call)
        script = asyncio.ensure_future(_run(self.script, call))
        watch = asyncio.ensure_future(reader.read(1))
        await asyncio.wait([script, watch], return_when=asyncio.FIRST_COMPLETED)
        if script.done() and not writer.is_closing():
            # Kept alive: what was read ahead belongs to no one, so the client must not pipeline.
            script.result()
            early = await watch if watch.done() else b""
            if not early and not watch.done():
                return await self._go_on(reader, writer, watch)
        call.gone.set()
        script.cancel()
        watch.cancel()
        await asyncio.wait([script, watch])
        return False

    async def _go_on(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        watch: "asyncio.Future[bytes]",
    ) -> bool:
        first = await watch
        if not first:
            return False
        # The next request has begun: its first byte goes back to the front of the buffer.
        reader._buffer[:0] = first  # type: ignore[attr-defined]
        return True


async def _run(script: Script, call: Call) -> None:
    await script(call)


@contextlib.asynccontextmanager
async def upstream() -> AsyncIterator[Upstream]:
    """A running scripted provider; ``url`` is its base URL."""
    provider = Upstream()
    server = await asyncio.start_server(provider.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    provider.url = f"http://127.0.0.1:{port}/v1"
    try:
        yield provider
    finally:
        server.close()
        for call in provider.calls:
            call.writer.transport.abort()
