"""A client that sees every byte of an answer, and can hang up in its middle.

One request a connection. It tells whether an answer looks whole to a client of OpenAI: a document
with choices of the length that was announced, or a stream that ends with ``[DONE]`` and with the
mark that ends its transfer, and in which nothing says that it failed.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

ANSWER_S: Final = 60.0
KEPT_BYTES_MAX: Final = 256 * 1024
CHAT: Final = "/v1/chat/completions"

_DONE: Final = b"data: [DONE]"
_LAST_CHUNK: Final = b"0\r\n\r\n"
_READ_BYTES: Final = 65_536


@dataclass(slots=True)
class Answer:
    """What a client got. ``status`` is ``None`` where there was no answer at all."""

    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes = b""
    hung_up: bool = False

    @property
    def request_id(self) -> str | None:
        """The gateway's name for the request."""
        return self.headers.get("x-request-id")

    @property
    def error(self) -> str | None:
        """The code of a refusal."""
        document = self._document()
        error = document.get("error")
        return str(error.get("code")) if isinstance(error, dict) else None

    @property
    def looks_whole(self) -> bool:
        """A client would take it for all that the model had to say."""
        if self.status != 200 or self.hung_up:  # noqa: PLR2004
            return False
        if self.headers.get("transfer-encoding") == "chunked" and _is_stream(self.headers):
            return (
                self.raw.endswith(_LAST_CHUNK) and _DONE in self.raw and b'"error"' not in self.raw
            )
        return "choices" in self._document()

    @property
    def usage(self) -> tuple[int, int] | None:
        """Input and output tokens that the answer reports."""
        documents = [self._document()]
        if _is_stream(self.headers):
            documents = [
                _decoded(line[5:]) for line in self.raw.splitlines() if b'usage":{' in line
            ]
        for document in reversed(documents):
            usage = document.get("usage")
            if isinstance(usage, dict):
                return _tokens(usage)
        return None

    def _document(self) -> dict[str, object]:
        whole = len(self.raw) == int(self.headers.get("content-length", "-1"))
        return _decoded(self.raw) if whole else {}


def _is_stream(headers: Mapping[str, str]) -> bool:
    return headers.get("content-type", "").startswith("text/event-stream")


def _tokens(usage: Mapping[str, object]) -> tuple[int, int] | None:
    given = usage.get("prompt_tokens"), usage.get("completion_tokens")
    match given:
        case (int(into), int(out)) if into >= 0 <= out:
            return into, out
    return None


def _decoded(text: bytes) -> dict[str, object]:
    try:
        document = json.loads(text)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


async def ask(
    port: int, secret: str, body: Mapping[str, object], *, hang_up_after: int | None
) -> Answer:
    """Send a chat completion; what came of it.

    ``hang_up_after`` is a number of chunks of the answer; at 0 the client only waits a moment.
    """
    content = json.dumps(body).encode()
    head = _head("POST", CHAT, f"authorization: Bearer {secret}", f"content-length: {len(content)}")
    answer = Answer()
    try:
        async with asyncio.timeout(ANSWER_S):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(head + content)
                await writer.drain()
                await _read(reader, answer, hang_up_after)
            finally:
                writer.transport.abort()
    except (OSError, EOFError, TimeoutError):
        # What came until then is what the client has.
        return answer
    return answer


async def get_status(port: int, path: str) -> int | None:
    """The status of a ``GET``; ``None`` if nobody answers."""
    try:
        async with asyncio.timeout(ANSWER_S):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(_head("GET", path))
                answer = Answer()
                await _read_head(reader, answer)
                return answer.status
            finally:
                writer.transport.abort()
    except (OSError, EOFError, TimeoutError):
        return None


def _head(method: str, path: str, *headers: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "host: 127.0.0.1", "connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode()


async def _read(reader: asyncio.StreamReader, answer: Answer, hang_up_after: int | None) -> None:
    if hang_up_after == 0:
        # The server has had time to take the request up, and the mock none to answer it.
        await asyncio.sleep(0.1)
        answer.hung_up = True
        return
    await _read_head(reader, answer)
    parts = 0
    while part := await reader.read(_READ_BYTES):
        if len(answer.raw) < KEPT_BYTES_MAX:
            answer.raw += part
        else:
            answer.raw = answer.raw[: KEPT_BYTES_MAX // 2] + answer.raw[-_READ_BYTES:] + part
        parts += 1
        if parts == hang_up_after:
            answer.hung_up = True
            return


async def _read_head(reader: asyncio.StreamReader, answer: Answer) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").strip().split("\r\n")
    pairs = (line.partition(":") for line in lines)
    answer.headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    answer.status = int(first.split(" ")[1])
