"""How a plugin declares itself: a name, a config model, and a way to build it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

from pouch.domain.pipeline import Middleware, Ports
from pouch.domain.ports import Clock
from pouch.domain.provider import Provider, Transport, UpstreamRequest

C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class MiddlewarePlugin(Generic[C]):
    """A middleware that ``pouch.yaml`` can name. ``config`` is a pydantic model class.

    ``reserves`` says that the step sets money aside before it calls on; ``calls_upstream`` that it
    can spend money by itself. The check of the chain at start-up rests on both. ``quotes`` is
    false for a step that acts on what it sees or answers by itself: it takes no part in a quote.
    """

    name: str
    config: type[C]
    build: Callable[[C, Ports], Middleware]
    reserves: bool = False
    calls_upstream: bool = False
    quotes: bool = True


@dataclass(frozen=True, slots=True)
class ProviderPorts:
    """What a provider may ask of its host. ``transport`` is the shared HTTP transport."""

    clock: Clock
    transport: Transport


@dataclass(frozen=True, slots=True)
class BuiltProvider:
    """A provider and what carries its requests: the shared transport, or one of its own.

    ``probe`` is a request that costs nothing, by which an administrator sees whether the provider
    answers and takes its secret; ``None`` where there is none.
    """

    provider: Provider
    transport: Transport
    probe: UpstreamRequest | None = None


@dataclass(frozen=True, slots=True)
class ProviderPlugin(Generic[C]):
    """A provider that ``pouch.yaml`` can name.

    ``off`` says why a provider with this config cannot serve (its secret is missing), or ``None``.
    ``base_url`` is where it sends to, from which the vendor whose prices apply is known; ``None``
    if it sends nowhere. ``is_free`` says that nothing it does can ever cost money.
    """

    name: str
    config: type[C]
    build: Callable[[C, ProviderPorts], BuiltProvider]
    off: Callable[[C], str | None] = lambda _: None
    base_url: Callable[[C], str | None] = lambda _: None
    is_free: bool = False


AnyMiddlewarePlugin: TypeAlias = MiddlewarePlugin[Any]
AnyProviderPlugin: TypeAlias = ProviderPlugin[Any]
