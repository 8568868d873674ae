"""Answer in the provider's place: no upstream, no cost. For trying things out, and for tests."""

from collections.abc import AsyncIterator
from fnmatch import fnmatchcase

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from pouch.domain.mock_answer import MockAnswer, answer_to
from pouch.domain.pipeline import Handler, Ports, Request, Response
from pouch.domain.plugin import MiddlewarePlugin


class Config(BaseModel):
    """``{use: mock, reply: "Out of office.", match: ["openai/*"]}``."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    reply: str | None = Field(
        default=None,
        max_length=16_384,
        description="What to answer; without it, an echo of what the user said last.",
    )
    match: tuple[str, ...] = Field(
        default=("*",),
        min_length=1,
        description="Globs of model names or of provider/model; others pass on to the provider.",
    )


class Mock:
    """Answers whole or as a stream, as the client asked, within the output bound."""

    def __init__(self, config: Config, ports: Ports) -> None:
        self._config = config
        self._clock = ports.clock

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        if not self._matches(request):
            return await call_next(request)
        answer = answer_to(
            request.body,
            answer_id=f"chatcmpl-{request.id}",
            created=int(self._clock.now().timestamp()),
            text=self._config.reply,
            tool_choice=_tool_choice(request),
            output_bound=request.output_bound,
        )
        if request.body.stream:
            return Response(200, [("content-type", "text/event-stream")], _stream(answer))
        return Response(200, [("content-type", "application/json")], answer.document())

    def _matches(self, request: Request) -> bool:
        route = request.route
        names = (route.alias, f"{route.provider}/{route.model}")
        return any(fnmatchcase(name, glob) for glob in self._config.match for name in names)


def _tool_choice(request: Request) -> object:
    raw = request.body.fields.get("tool_choice")
    return msgspec.json.decode(raw) if isinstance(raw, msgspec.Raw) else raw


async def _stream(answer: MockAnswer) -> AsyncIterator[bytes]:
    for event in answer.events():
        yield event


PLUGIN = MiddlewarePlugin("mock", Config, Mock, quotes=False)
