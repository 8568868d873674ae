"""Plugins that take every kind of setting and do nothing."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from pouch.domain.pipeline import Handler, Middleware, Ports, Request, Response
from pouch.domain.plugin import (
    AnyMiddlewarePlugin,
    AnyProviderPlugin,
    BuiltProvider,
    MiddlewarePlugin,
    ProviderPlugin,
    ProviderPorts,
)


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Limit(Closed):
    requests: int = Field(gt=0)
    per_s: float = Field(default=60, gt=0)


class Nothing(Closed):
    pass


class Rule(Closed):
    match: str
    weight: int = 1


class Router(Closed):
    rules: list[Rule] = []
    mode: Literal["first", "best"] = "first"
    webhook_token: str = ""
    callback: str = ""

    @field_validator("webhook_token", "callback")
    @classmethod
    def _is_lower(cls, value: str) -> str:
        if value != value.lower():
            raise ValueError(f"{value!r} is not in lower case")
        return value


class Open(BaseModel):
    """Would let what it does not know pass unread."""

    size: int = Field(default=1, validation_alias="size_bytes")


class Named(Closed):
    name: str = ""


class Vendor(Closed):
    api_key: SecretStr = SecretStr("")
    base_url: str = "https://example.com/v1"

    @field_validator("base_url")
    @classmethod
    def _is_url(cls, value: str) -> str:
        if not value.startswith("https://"):
            raise ValueError(f"{value} does not begin with https://")
        return value


def no_step(config: BaseModel, ports: Ports) -> Middleware:
    async def step(request: Request, call_next: Handler) -> Response:
        return await call_next(request)

    return step


def no_provider(config: BaseModel, ports: ProviderPorts) -> BuiltProvider:
    raise NotImplementedError


def _off(config: Vendor) -> str | None:
    return None if config.api_key.get_secret_value() else "no api_key"


MIDDLEWARES: tuple[AnyMiddlewarePlugin, ...] = (
    MiddlewarePlugin("limit", Limit, no_step),
    MiddlewarePlugin("reserve", Nothing, no_step, reserves=True),
    MiddlewarePlugin("retry", Nothing, no_step, calls_upstream=True),
    MiddlewarePlugin("router", Router, no_step),
    MiddlewarePlugin("open", Open, no_step),
    MiddlewarePlugin("named", Named, no_step),
    MiddlewarePlugin("schemaless", dict, no_step),
)
PROVIDERS: tuple[AnyProviderPlugin, ...] = (
    ProviderPlugin("paid", Vendor, no_provider, off=_off),
    ProviderPlugin("free", Nothing, no_provider, is_free=True),
)
