"""A provider that does what the plan says, and holds the gateway to its word when it is called.

What it bills is known here, and so is what the gateway must come to charge.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from pouch.domain.errors import UpstreamError, UpstreamTimeoutError
from pouch.domain.provider import UpstreamRequest, UpstreamResponse

SECRET: Final = "sk-the-providers-own-secret"
STALL_S: Final = 120.0


class Behaviour(StrEnum):
    """What becomes of a request that reaches the provider."""

    GOOD = "good"
    NO_USAGE = "no usage"
    NONSENSE_USAGE = "wrong usage"
    OVERRUN = "more output than it was allowed"
    CUT = "cut"
    STALL = "stall"
    REFUSE = "refuse"
    UNREACHABLE = "unreachable"
    LOST = "lost before any answer"
    WEB_PAGE = "a web page"


@dataclass(slots=True)
class Answer:
    """What is planned for one request, and what has come of it.

    ``billed`` is ``(input, output)`` tokens, as soon as the gateway was told; ``refused`` says that
    it was told of an error instead.
    """

    behaviour: Behaviour
    status: int
    words: int
    pause_s: float
    input_tokens: int
    sent: int = 0
    billed: tuple[int, int] | None = None
    refused: bool = False
    output_bound: int | None = None
    choices: int = 1
    stream: tuple[bytes, ...] = ()
    """What to stream in the place of what ``behaviour`` says."""
    whole: bytes = b""
    """What to answer in the place of what ``behaviour`` says."""


OnCall = Callable[[str, Answer, dict[str, Any]], None]


@dataclass(slots=True)
class ScriptedTransport:
    """The one transport of the simulated gateway. A request says in ``user`` which one it is."""

    answers: dict[str, Answer] = field(default_factory=dict)
    on_call: OnCall = lambda *_: None

    async def send(self, request: UpstreamRequest) -> UpstreamResponse:
        document = json.loads(request.content)
        answer = self.answers[document["user"]]
        if answer.behaviour is Behaviour.UNREACHABLE:
            await asyncio.sleep(answer.pause_s)
            raise UpstreamError("The provider cannot be reached.", reached=False)
        answer.sent += 1
        limits = [document.get("max_tokens"), document.get("max_completion_tokens")]
        answer.output_bound = max((limit for limit in limits if limit is not None), default=None)
        answer.choices = document.get("n") or 1
        self.on_call(document["user"], answer, document)
        await asyncio.sleep(answer.pause_s)
        return _respond(answer, stream=bool(document.get("stream")))

    async def aclose(self) -> None:
        return


def _respond(answer: Answer, *, stream: bool) -> UpstreamResponse:
    """Raises ``UpstreamError`` where there is no answer."""
    if answer.behaviour is Behaviour.LOST:
        raise UpstreamError("The connection broke before the answer.")
    if answer.behaviour is Behaviour.REFUSE:
        answer.refused = True
        error = {"error": {"message": f"{SECRET} was refused", "type": "x", "code": "y"}}
        return _whole(answer, answer.status, "application/json", json.dumps(error).encode())
    if answer.behaviour is Behaviour.WEB_PAGE:
        return _whole(answer, 200, "text/html", b"<html>Maintenance</html>")
    if answer.stream:
        events = [("content-type", "text/event-stream")]
        return UpstreamResponse(200, events, _Parts(answer, answer.stream))
    if answer.whole:
        return _whole(answer, 200, "application/json", answer.whole)
    if stream:
        return UpstreamResponse(200, [("content-type", "text/event-stream")], _Stream(answer))
    return _whole(answer, 200, "application/json", json.dumps(_completion(answer)).encode())


def _said(answer: Answer) -> int:
    """Output tokens over all choices; an honest provider keeps to the bound that it was sent."""
    bound = answer.output_bound if answer.output_bound is not None else answer.words
    if answer.behaviour is Behaviour.OVERRUN:
        return (bound + answer.words) * answer.choices
    return min(answer.words, bound) * answer.choices


def _usage(answer: Answer) -> dict[str, object] | None:
    if answer.behaviour is Behaviour.NO_USAGE:
        return None
    if answer.behaviour is Behaviour.NONSENSE_USAGE:
        return {"prompt_tokens": -1, "completion_tokens": "many"}
    return {"prompt_tokens": answer.input_tokens, "completion_tokens": _said(answer)}


def _completion(answer: Answer) -> dict[str, Any]:
    text = "word " * min(answer.words, _said(answer))
    choices = [{"index": 0, "message": {"role": "assistant", "content": text}}]
    usage = _usage(answer)
    return {"choices": choices, **({"usage": usage} if usage else {})}


def _event(document: object) -> bytes:
    return b"data: " + json.dumps(document, separators=(",", ":")).encode() + b"\n\n"


def _whole(answer: Answer, status: int, content_type: str, content: bytes) -> UpstreamResponse:
    body = _Parts(answer, [content[: len(content) // 2], content[len(content) // 2 :]], status)
    return UpstreamResponse(status, [("content-type", content_type)], body)


class _Parts:
    """A body in parts, after each of which time passes; a cancelled read loses none."""

    def __init__(self, answer: Answer, parts: Sequence[bytes], status: int = 200) -> None:
        self._answer = answer
        self._parts = list(parts)
        self._left = list(parts)
        self._status = status

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        await asyncio.sleep(self._answer.pause_s)
        await self._break(len(self._parts) - len(self._left))
        if not self._left:
            self._ended()
            raise StopAsyncIteration
        part = self._left.pop(0)
        self._told(part)
        return part

    async def aclose(self) -> None:
        self._left.clear()

    async def _break(self, passed: int) -> None:
        if passed < len(self._parts) // 2:
            return
        if self._answer.behaviour is Behaviour.CUT:
            raise UpstreamError("The answer broke off.")
        if self._answer.behaviour is Behaviour.STALL:
            await asyncio.sleep(STALL_S)
            raise UpstreamTimeoutError("The provider said nothing for too long.")

    def _told(self, part: bytes) -> None:
        """The gateway has ``part``."""

    def _ended(self) -> None:
        """The gateway knows that it has all of a whole answer."""
        if self._answer.behaviour is Behaviour.WEB_PAGE:
            self._answer.refused = True
        elif self._status == 200:
            self._bill()

    def _bill(self) -> None:
        if self._answer.behaviour in {Behaviour.GOOD, Behaviour.OVERRUN}:
            self._answer.billed = (self._answer.input_tokens, _said(self._answer))


class _Stream(_Parts):
    """The words of an answer, its usage, and the mark of its end, as server-sent events."""

    def __init__(self, answer: Answer) -> None:
        said = [
            _event({"choices": [{"index": 0, "delta": {"content": "word "}}]})
            for _ in range(min(answer.words, _said(answer)))
        ]
        usage = _usage(answer)
        end = [_event({"choices": [], "usage": usage})] if usage else []
        super().__init__(answer, [*said, *end, b"data: [DONE]\n\n"])

    def _told(self, part: bytes) -> None:
        if b'"usage"' in part:
            self._bill()

    def _ended(self) -> None:
        """What it bills it has said before."""
