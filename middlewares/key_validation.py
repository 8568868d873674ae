"""Refuse a key that is switched off, frozen, whose time is over, or that may not use the model."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from pydantic import BaseModel, ConfigDict

from pouch.domain.allowance import check_usable
from pouch.domain.errors import (
    ModelNotAllowedError,
)
from pouch.domain.key import Key
from pouch.domain.pipeline import Handler, Ports, Request, Response, Route
from pouch.domain.plugin import MiddlewarePlugin

# A refusal names no more models than a person would read.
NAMED_MAX: Final = 20


class Config(BaseModel):
    """``{use: key_validation}``: there is nothing to set."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class KeyValidation:
    """Checks the key of each request; one that renews itself is renewed on the way."""

    def __init__(self, config: Config, ports: Ports) -> None:
        self._clock = ports.clock
        self._keys = ports.keys

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        now = self._clock.now()
        key = request.key
        if key.auto_renew and not key.disabled and key.has_expired(now):
            key = await self._keys.renew(key)
            request = replace(request, key=key)
        # A renewed key is looked at again: it is as it is stored now.
        check_usable(key, now, renewable=False)
        route = request.route
        if not key.allows(alias=route.alias, provider=route.provider, model=route.model):
            raise ModelNotAllowedError(_refusal(_who_refuses(key, route), route))
        return await call_next(request)


def _who_refuses(key: Key, route: Route) -> Key:
    """The key, or the one that it descends from and that has fewer rights by now."""
    alias, provider, model = route.alias, route.provider, route.model
    for parent in key.parents:
        if not parent.allows(alias=alias, provider=provider, model=model):
            return parent
    return key


def _refusal(key: Key, route: Route) -> str:
    allowed = []
    if key.provider is not None:
        allowed.append(f"provider {key.provider!r}")
    if key.models is not None:
        allowed.append(f"models {_listed(key.models)}")
    target = f"{route.provider}/{route.model}"
    model = target if route.alias == target else f"{route.alias} ({target})"
    return f"Key {key.name!r} may not use model {model}; it may use {', '.join(allowed)}."


def _listed(models: Sequence[str]) -> str:
    named = ", ".join(models[:NAMED_MAX]) or "none"
    more = len(models) - NAMED_MAX
    return f"{named} and {more} more" if more > 0 else named


PLUGIN = MiddlewarePlugin("key_validation", Config, KeyValidation)
