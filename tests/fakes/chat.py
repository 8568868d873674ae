"""Keys, chat bodies and requests, with everything that a test does not care about filled in."""

import json
from typing import Any, cast

import msgspec

from pouch.domain.chat import ChatBody
from pouch.domain.key import Key
from pouch.domain.ledger import Ledger
from pouch.domain.pipeline import Ports, Request, Response, Route
from pouch.domain.ports import Clock, KeyFreezing, KeyRenewal, TokenCounter
from tests.fakes.clock import START, FakeClock


def a_key(**fields: Any) -> Key:
    """A key that may do everything; ``fields`` are those of ``Key``."""
    standard: dict[str, Any] = {
        "id": "key-1",
        "name": "ci-bot",
        "prefix": "pouch-abcdef",
        "created_at": START,
        "pouches": (),
    }
    return Key(**{**standard, **fields})


def a_body(text: str = "Say hello.", **fields: Any) -> ChatBody:
    """The parsed form of the JSON body with ``fields``, such as a client would send it."""
    content = {
        "model": "gpt-4o-mini",
        "messages": [{"role": "user", "content": text}],
        **fields,
    }
    raw = json.dumps(content).encode()
    limits = [content.get("max_tokens"), content.get("max_completion_tokens")]
    named = [limit for limit in limits if limit is not None]
    return ChatBody(
        fields=msgspec.json.decode(raw, type=dict[str, msgspec.Raw]),
        size_bytes=len(raw),
        model=content["model"],
        messages=content["messages"],
        tools=content.get("tools") or (),
        stream=bool(content.get("stream")),
        include_usage=bool((content.get("stream_options") or {}).get("include_usage")),
        output_limit=max(named) if named else None,
        choices=content.get("n") or 1,
    )


def a_request(
    *,
    key: Key | None = None,
    body: ChatBody | None = None,
    route: Route | None = None,
    output_bound: int | None = None,
) -> Request:
    """A request for ``openai/gpt-4o-mini``, without a price."""
    return Request(
        id="req-1",
        key=key or a_key(),
        body=body or a_body(),
        route=route or Route("gpt-4o-mini", "openai", "gpt-4o-mini", price=None),
        endpoint="/v1/chat/completions",
        started_at=START,
        started=0.0,
        output_bound=output_bound,
    )


def ports(
    *,
    clock: Clock | None = None,
    ledger: object = None,
    keys: object = None,
    tokens: object = None,
    freezing: object = None,
) -> Ports:
    """What a middleware may ask for; what a test leaves out fails as soon as it is used."""
    return Ports(
        clock=clock or FakeClock(),
        ledger=cast(Ledger, ledger),
        keys=cast(KeyRenewal, keys),
        tokens=cast(TokenCounter, tokens),
        freezing=cast(KeyFreezing, freezing),
    )


class Handler:
    """The end of a chain: remembers what reached it, and answers 200."""

    def __init__(self, headers: list[tuple[str, str]] | None = None) -> None:
        self.seen: list[Request] = []
        self._headers = headers or []

    async def __call__(self, request: Request) -> Response:
        self.seen.append(request)
        return Response(200, list(self._headers), b"{}")
