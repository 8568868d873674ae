"""The Sanic application: its limits, its blueprints, its error table, its life."""

from dataclasses import dataclass
from typing import Final

import msgspec
from sanic import Sanic

from pouch.api import allowances, dashboard, errors, health, lifecycle, openai, quote
from pouch.api.lifecycle import App, OpenGateway

# Sanic's inactivity timer must not fire before the provider's own timeouts do.
RESPONSE_MARGIN_S: Final = 60
# A paused transport does not notice that its client has gone; so a whole body must fit the buffer.
BUFFER_MARGIN_BYTES: Final = 65_536


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """``quiet_s`` is the longest that a provider may say nothing."""

    body_bytes_max: int
    quiet_s: float


def create_app(open_gateway: OpenGateway, limits: ServerLimits) -> App:
    """The application; ``open_gateway`` is awaited in its event loop before it serves."""
    app: App = Sanic(
        "pouch",
        dumps=lambda content: msgspec.json.encode(content).decode(),
        configure_logging=False,
    )
    app.config.update(
        {
            "AUTO_EXTEND": False,
            "FALLBACK_ERROR_FORMAT": "json",
            "REQUEST_MAX_SIZE": limits.body_bytes_max,
            "REQUEST_BUFFER_SIZE": limits.body_bytes_max + BUFFER_MARGIN_BYTES,
            "REQUEST_MAX_HEADER_SIZE": 16_384,
            "REQUEST_TIMEOUT": 60,
            "RESPONSE_TIMEOUT": limits.quiet_s + RESPONSE_MARGIN_S,
            "KEEP_ALIVE_TIMEOUT": 75,
            "GRACEFUL_SHUTDOWN_TIMEOUT": 5,
            "ACCESS_LOG": False,
        }
    )
    errors.install(app)
    lifecycle.install(app, open_gateway)
    for blueprint in (
        openai.blueprint,
        quote.blueprint,
        allowances.blueprint,
        health.blueprint,
    ):
        app.blueprint(blueprint)
    dashboard.install(app)

    return app
