"""What the load generator takes for an answer, and what for a failure."""

import asyncio
from collections.abc import Callable
from typing import cast

from tests.benchmarks.load import Load, Result, run

HEAD = b"HTTP/1.1 200 OK\r\n"
# It ends as the body of a chunked answer does.
CHUNKED = HEAD + b"transfer-encoding: chunked\r\nx-remaining: 10\r\n\r\n"
WHOLE = HEAD + b"content-length: 4\r\n\r\nbody"
STREAM = b"5\r\nhello\r\n0\r\n\r\n"


class Answering(asyncio.Protocol):
    """Answers each request as it was told to."""

    def __init__(self, answer: Callable[[asyncio.Transport], None]) -> None:
        self._answer = answer
        self._received = b""
        self.closed = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed.set()

    def data_received(self, data: bytes) -> None:
        self._received += data
        if self._received.endswith(b"}"):
            self._received = b""
            self._answer(self._transport)


async def loaded(
    answer: Callable[[asyncio.Transport], None], *, stream: bool = True, body_bytes_min: int = 0
) -> Result:
    """Ten requests over two connections to a server that answers so."""
    connections: list[Answering] = []

    def accepted() -> Answering:
        connections.append(Answering(answer))
        return connections[-1]

    server = await asyncio.get_running_loop().create_server(accepted, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    try:
        return await run(Load(url, ["key"], "bench", stream, 2, 10, body_bytes_min=body_bytes_min))
    finally:
        server.close()
        await asyncio.gather(*(connection.closed.wait() for connection in connections))


async def test_every_request_gets_its_answer() -> None:
    result = await loaded(lambda transport: transport.write(WHOLE), stream=False)

    assert (result.requests, result.failures) == (10, [])


async def test_a_header_that_ends_as_a_body_does_is_not_taken_for_the_body() -> None:
    def answer(transport: asyncio.Transport) -> None:
        transport.write(CHUNKED)
        asyncio.get_running_loop().call_soon(transport.write, STREAM)

    result = await loaded(answer, body_bytes_min=len(STREAM))

    assert (result.requests, result.failures) == (10, [])


async def test_an_answer_that_was_cut_short_is_a_failure() -> None:
    result = await loaded(
        lambda transport: transport.write(CHUNKED + STREAM), body_bytes_min=len(STREAM) + 1
    )

    assert "only 15 bytes" in result.failures[0]


async def test_a_connection_that_is_closed_amid_an_answer_is_a_failure() -> None:
    def answer(transport: asyncio.Transport) -> None:
        transport.write(CHUNKED)
        transport.close()

    result = await loaded(answer)

    assert result.requests == 0
    assert "connection lost" in result.failures[0]


async def test_an_error_status_is_a_failure() -> None:
    error = WHOLE.replace(b"200 OK", b"503 No")

    result = await loaded(lambda transport: transport.write(error), stream=False)

    assert result.failures[0].startswith("HTTP/1.1 503")
