"""A transport without a network: it answers from memory what a provider would answer."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, cycle, islice
from typing import Annotated, Any, Final

import msgspec
from pydantic import ValidationError

from pouch.domain.chat import CHOICES_MAX, ChatBody
from pouch.domain.errors import UpstreamError, UpstreamTimeoutError
from pouch.domain.mock_answer import (
    MockAnswer,
    answer_to,
    default_text,
    pieces_of,
    usage_report,
    words_in,
)
from pouch.domain.ports import Clock
from pouch.domain.provider import UpstreamRequest, UpstreamResponse
from pouch.providers.mock.behaviour import Config
from pouch.providers.mock.body import MockBody, Tally

NONSENSE: Final = {"prompt_tokens": -1, "completion_tokens": "many", "total_tokens": 0.5}


class _StreamOptions(msgspec.Struct):
    include_usage: bool | None = None


class _Asked(msgspec.Struct):
    """What the mock reads of a body."""

    model: str
    messages: list[dict[str, Any]]
    tools: list[dict[str, Any]] | None = None
    tool_choice: Any = None
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    max_tokens: Annotated[int, msgspec.Meta(ge=1)] | None = None
    max_completion_tokens: Annotated[int, msgspec.Meta(ge=1)] | None = None
    n: Annotated[int, msgspec.Meta(ge=1, le=CHOICES_MAX)] | None = None
    mock: dict[str, Any] | None = None


_asked: Final = msgspec.json.Decoder(_Asked)


class MockTransport:
    """Answers at once, or as the config or the body's ``mock`` object says; the latter wins."""

    def __init__(self, config: Config, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self.tally = Tally()

    async def send(self, request: UpstreamRequest) -> UpstreamResponse:
        if request.method == "GET":
            return await self._models()
        self.tally.requests += 1
        self.tally.last_request = request
        try:
            asked = _asked.decode(request.content)
            behaviour = self._behaviour(asked)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(["mock", *map(str, first["loc"])])
            return self._refusal(400, f"{where}: {first['msg']}")
        except (ValueError, RecursionError) as error:
            return self._refusal(400, f"Not a chat completion: {error}")
        await asyncio.sleep(behaviour.delay_s)
        return self._answer(asked, behaviour)

    async def aclose(self) -> None:
        """There is no connection to close."""

    async def _models(self) -> UpstreamResponse:
        """A list of no models, or what the config has it answer instead."""
        await asyncio.sleep(self._config.delay_s)
        if self._config.connection is not None:
            raise _no_answer(self._config.connection)
        if self._config.status is not None:
            return self._refusal(self._config.status, "The mock refuses, as it was asked to.")
        empty = b'{"object": "list", "data": []}'
        return self._response(200, "application/json", [empty], Config())

    def _behaviour(self, asked: _Asked) -> Config:
        """The configured behaviour, with what the request wishes otherwise."""
        if not asked.mock:
            return self._config
        return Config.model_validate({**self._config.model_dump(exclude_unset=True), **asked.mock})

    def _answer(self, asked: _Asked, behaviour: Config) -> UpstreamResponse:
        if behaviour.connection is not None:
            raise _no_answer(behaviour.connection)
        if behaviour.status is not None:
            return self._refusal(behaviour.status, "The mock refuses, as it was asked to.")
        if behaviour.strange:
            return self._response(200, "text/html", [b"<html>A page, no answer.</html>"], behaviour)
        answer = self._composed(asked, behaviour)
        if asked.stream:
            events = _with_error(answer.events(), behaviour)
            return self._response(200, "text/event-stream; charset=utf-8", events, behaviour)
        if behaviour.error_after is not None:
            return self._response(200, "application/json", [_error("The mock failed.")], behaviour)
        document = answer.document()
        breaks = behaviour.cut_after is not None or behaviour.stall_after is not None
        middle = len(document) // 2 if breaks else len(document)
        parts = [part for part in (document[:middle], document[middle:]) if part]
        return self._response(200, "application/json", parts, behaviour)

    def _composed(self, asked: _Asked, behaviour: Config) -> MockAnswer:
        body = _chat_body(asked)
        text = behaviour.text
        if text is None and behaviour.chunks is not None:
            text = "word " * behaviour.chunks
        answer = answer_to(
            body,
            answer_id=f"chatcmpl-mock-{self.tally.requests}",
            created=int(self._clock.now().timestamp()),
            text=text,
            tool_choice=asked.tool_choice,
        )
        if behaviour.output_tokens is not None and answer.tool is None:
            words = _words(default_text(body) if text is None else text, behaviour.output_tokens)
            usage = usage_report(words_in(body), len(words) * body.choices)
            answer = replace(answer, pieces=words, finish_reason="stop", usage=usage)
        if behaviour.chunks is not None:
            answer = replace(answer, pieces=_grouped(answer.pieces, behaviour.chunks))
        return _reporting(answer, behaviour)

    def _refusal(self, status: int, message: str) -> UpstreamResponse:
        return self._response(status, "application/json", [_error(message)], Config())

    def _response(
        self, status: int, content_type: str, parts: list[bytes] | Iterator[bytes], how: Config
    ) -> UpstreamResponse:
        headers = (
            ("content-type", content_type),
            ("x-request-id", f"req-mock-{self.tally.requests}"),
        )
        return UpstreamResponse(status, headers, MockBody(iter(parts), how, self.tally))


def _no_answer(connection: str) -> UpstreamError:
    if connection == "refused":
        return UpstreamError("The mock could not be reached.", reached=False)
    if connection == "timeout":
        return UpstreamTimeoutError("The mock did not answer in time.")
    return UpstreamError("The mock broke off before it answered.")


def _chat_body(asked: _Asked) -> ChatBody:
    limits = [n for n in (asked.max_tokens, asked.max_completion_tokens) if n is not None]
    options = asked.stream_options
    return ChatBody(
        fields={},
        size_bytes=0,
        model=asked.model,
        messages=asked.messages,
        tools=asked.tools or (),
        stream=bool(asked.stream),
        include_usage=bool(options and options.include_usage),
        output_limit=min(limits) if limits else None,
        choices=asked.n or 1,
    )


def _words(text: str, count: int) -> tuple[str, ...]:
    """``count`` words, taken from ``text`` over and over."""
    words = [f"{piece.strip()} " for piece in pieces_of(text)] or ["word "]
    return tuple(islice(cycle(words), count))


def _grouped(pieces: tuple[str, ...], groups: int) -> tuple[str, ...]:
    """``pieces`` joined into ``groups`` parts of about one size, or fewer if there are fewer."""
    groups = min(groups, len(pieces))
    edges = [len(pieces) * number // groups for number in range(groups + 1)] if groups else [0]
    return tuple("".join(pieces[edges[i] : edges[i + 1]]) for i in range(groups))


def _reporting(answer: MockAnswer, behaviour: Config) -> MockAnswer:
    """``answer`` with the usage that it is to report."""
    if behaviour.usage is None:
        return answer
    if behaviour.usage == "none":
        return replace(answer, usage=None)
    return replace(answer, usage=NONSENSE if behaviour.usage == "wrong" else behaviour.usage)


def _with_error(events: Iterator[bytes], behaviour: Config) -> Iterator[bytes]:
    """``events``, or the first of them and then an error, without the terminator."""
    if behaviour.error_after is None:
        return events
    failure = b"data: " + _error("The mock failed.") + b"\n\n"
    return chain(islice(events, behaviour.error_after), [failure])


def _error(message: str) -> bytes:
    error = {"message": message, "type": "mock_error", "param": None, "code": None}
    return msgspec.json.encode({"error": error})
