"""Streams that a test holds open, at the provider's end and at the client's."""

import asyncio
import threading
from types import TracebackType
from typing import Any

import httpx

from tests.fakes.upstream import Call, Script, completion, delta, tokens

WORDS = 64
LAST = "data: [DONE]\n\n"
ASK: dict[str, Any] = {
    "model": "gpt-4o-mini",
    "messages": [{"role": "user", "content": "Tell me a story."}],
    "max_tokens": 1000,
}


def until_released(release: threading.Event) -> Script:
    """Three words, then the rest when it is released; a whole answer only then."""

    async def script(call: Call) -> None:
        if not call.body.get("stream"):
            await _wait(release)
            await call.whole(completion(usage=tokens(10, 20)))
            return
        await call.head(content_type="text/event-stream")
        for i in range(WORDS):
            if i == 3:
                await _wait(release)
            await call.event(delta(f"word{i} "))
        await call.event({**delta(None), "choices": [], "usage": tokens(10, WORDS)})
        await call.event("[DONE]")
        await call.end()

    return script


async def _wait(release: threading.Event) -> None:
    while not release.is_set():
        await asyncio.sleep(0.01)


class OpenStream:
    """A streamed chat whose first event has come."""

    def __init__(self, client: httpx.Client, key: str, **body: Any) -> None:
        request = client.build_request(
            "POST",
            "/v1/chat/completions",
            headers={"authorization": f"Bearer {key}"},
            json={**ASK, "stream": True, **body},
        )
        self.response = client.send(request, stream=True)
        if self.response.status_code != 200:
            raise AssertionError(self.response.read().decode())
        self._text = self.response.iter_text()
        self._begun = next(self._text)

    def rest(self) -> str:
        """All of it, when it has ended.

        Raises:
            httpx.TransportError: it was cut off.
        """
        return self._begun + "".join(self._text)

    def __enter__(self) -> "OpenStream":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.response.close()
