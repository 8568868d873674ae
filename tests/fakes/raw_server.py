"""A server that writes the bytes it is told to, whether they are HTTP or not."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Peer:
    """One connection, as its server sees it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    heads: list[bytes] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    async def request(self) -> None:
        """Read a request to its end."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        length = next((int(x[15:]) for x in lines if x.startswith(b"content-length:")), 0)
        self.bodies.append(await self.reader.readexactly(length))
        self.heads.append(head)

    async def write(self, *pieces: bytes) -> None:
        """Write the pieces so that each can be a read of its own."""
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
            if len(pieces) > 1:
                await asyncio.sleep(0)

    async def answer(self, *pieces: bytes) -> None:
        await self.request()
        await self.write(*pieces)

    async def gone(self) -> None:
        """Wait until the other side has closed, or reset, the connection."""
        with contextlib.suppress(ConnectionError):
            while await self.reader.read(65536):
                pass

    def reset(self) -> None:
        """Close with an RST in place of a FIN."""
        connected = self.writer.get_extra_info("socket")
        connected.setsockopt(*RESET_ON_CLOSE)
        self.writer.transport.abort()


Script = Callable[[Peer], Awaitable[None]]

_SOCKET, _LINGER = 1, 13
RESET_ON_CLOSE = (_SOCKET, _LINGER, b"\1\0\0\0\0\0\0\0")


@dataclass(slots=True)
class RawServer:
    """Runs ``script`` on every connection, and closes the connection at its end."""

    script: Script
    url: str = ""
    peers: list[Peer] = field(default_factory=list)
    tasks: list["asyncio.Task[None]"] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer)
        self.peers.append(peer)
        self.tasks.append(asyncio.ensure_future(self._serve(peer)))
        self.arrived.set()

    async def _serve(self, peer: Peer) -> None:
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                await self.script(peer)
        finally:
            peer.writer.close()


@contextlib.asynccontextmanager
async def raw_server(
    script: Script, *, tls: ssl.SSLContext | None = None, limit: int = 2**16
) -> AsyncIterator[RawServer]:
    """A running server on loopback. A script's own mistakes are raised at the end."""
    raw = RawServer(script)
    server = await asyncio.start_server(raw.accept, "127.0.0.1", 0, ssl=tls, limit=limit)
    port = server.sockets[0].getsockname()[1]
    raw.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}/v1/chat"
    try:
        yield raw
    finally:
        server.close()
        for task, peer in zip(raw.tasks, raw.peers, strict=True):
            if not task.done():
                peer.writer.transport.abort()
                task.cancel()
        for result in await asyncio.gather(*raw.tasks, return_exceptions=True):
            if isinstance(result, Exception):
                raise result


def keep_answering(*pieces: bytes) -> Script:
    """Answer every request on the connection alike."""

    async def script(peer: Peer) -> None:
        while True:
            await peer.answer(*pieces)

    return script


def answer_once(*pieces: bytes) -> Script:
    """Answer the first request, then close."""

    async def script(peer: Peer) -> None:
        await peer.answer(*pieces)

    return script


def answer_and_stay(*pieces: bytes) -> Script:
    """Answer the first request, then say nothing until the other side has gone."""

    async def script(peer: Peer) -> None:
        await peer.answer(*pieces)
        await peer.gone()

    return script
