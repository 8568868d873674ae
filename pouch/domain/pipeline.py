"""A request passes through middlewares, outermost first, to a handler."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeAlias

from pouch.domain.chat import ChatBody
from pouch.domain.key import Key
from pouch.domain.ledger import RequestFacts, Reserving
from pouch.domain.meter import Meter
from pouch.domain.money import Money
from pouch.domain.ports import Clock, KeyFreezing, KeyRenewal, TokenCounter
from pouch.domain.pricing import Price
from pouch.domain.value import value


@dataclass(frozen=True, slots=True)
class Route:
    """Where a model leads. ``alias`` is what the client asked for; ``price`` is ``None`` where no
    table has one.
    """

    alias: str
    provider: str
    model: str
    price: Price | None


@value
class Request:
    """One chat completion, authenticated and parsed.

    ``output_bound`` is the most output tokens per choice that the provider is to be asked for;
    ``None`` until a step has set it. ``max_cost`` is the most that the caller lets it cost.
    ``started`` is the monotonic clock's.
    """

    id: str
    key: Key
    body: ChatBody
    route: Route
    endpoint: str
    started_at: datetime
    started: float
    output_bound: int | None = None
    max_cost: Money | None = None
    meter: Meter = field(default_factory=Meter)

    @property
    def price(self) -> Price | None:
        """The price in the service tier that it asks for; ``None`` if that has none."""
        price = self.route.price
        return price.for_service_tier(self.body.service_tier) if price else None

    @property
    def facts(self) -> RequestFacts:
        """What the ledger and the request log keep of it."""
        route = self.route
        return RequestFacts(
            request_id=self.id,
            key_id=self.key.id,
            model=route.alias,
            provider=route.provider,
            endpoint=self.endpoint,
            stream=self.body.stream,
            started_at=self.started_at,
            price_source=route.price.source if route.price else "",
        )

    def bounded(self, output_bound: int) -> "Request":
        """The same request, with the output bound that was reserved."""
        # Not by dataclasses.replace, which takes three times as long, once per request.
        return Request(
            id=self.id,
            key=self.key,
            body=self.body,
            route=self.route,
            endpoint=self.endpoint,
            started_at=self.started_at,
            started=self.started,
            output_bound=output_bound,
            max_cost=self.max_cost,
            meter=self.meter,
        )


@dataclass(slots=True)
class Response:
    """An answer on its way to the client: a whole body, or bytes as they come.

    Header names are in lower case; a step may append to ``headers``.
    """

    status: int
    headers: list[tuple[str, str]]
    body: bytes | AsyncIterator[bytes]


Handler: TypeAlias = Callable[[Request], Awaitable[Response]]


class Middleware(Protocol):
    """One step of the pipeline. Built once, at start-up; called for every request."""

    async def __call__(self, request: Request, call_next: Handler, /) -> Response:
        """Refuse by raising, answer, or return what ``call_next(request)`` answers."""
        ...


@dataclass(frozen=True, slots=True)
class Step:
    """A middleware under the name that the configuration gives it."""

    name: str
    middleware: Middleware


def compose(steps: Sequence[Step], handler: Handler, clock: Clock) -> Handler:
    """Nest ``steps`` around ``handler``; the first is outermost.

    Each call leaves ``(name, seconds)`` in the request's meter, innermost first, where the seconds
    include the steps inside it.
    """
    for step in reversed(steps):
        handler = _bind(step, handler, clock)
    return handler


def _bind(step: Step, call_next: Handler, clock: Clock) -> Handler:
    middleware, name, monotonic = step.middleware, step.name, clock.monotonic

    async def call(request: Request) -> Response:
        started = monotonic()
        try:
            return await middleware(request, call_next)
        finally:
            request.meter.steps.append((name, monotonic() - started))

    return call


@dataclass(frozen=True, slots=True)
class Ports:
    """What a middleware may ask of its host."""

    clock: Clock
    ledger: Reserving
    keys: KeyRenewal
    tokens: TokenCounter
    freezing: KeyFreezing
