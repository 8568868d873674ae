"""The real gateway, from its composition root to its chat endpoint, without sockets and threads.

Only what touches the world is another: the clock, the connection to the database, the transport
to the provider, and Sanic's request object, which ``Http`` plays.
"""

import asyncio
import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, cast

import pytest
import tiktoken
from sanic import Blueprint, HTTPResponse
from sanic.compat import Header

from pouch import bootstrap
from pouch.api import errors, openai
from pouch.api.gateway import Gateway
from pouch.bootstrap import gateway as composed
from pouch.bootstrap import parts
from pouch.config import Config
from pouch.domain.errors import PouchError
from pouch.infra.tokens import vocabulary
from pouch.infra.tokens.counter import Tokens
from pouch.service.routes import Routes
from tests.simulation.provider import SECRET, ScriptedTransport
from tests.simulation.store import MortalStore
from tests.simulation.virtual_time import InlineExecutor, SimulatedClock

ADMIN_TOKEN: Final = "the-token-of-the-administrator"
CONFIG: Final = f"""
store: {{url: "sqlite:///pouch.db"}}
settlement: {{drain_s: 30}}
providers:
  up: {{use: openai, base_url: "http://127.0.0.1:9/v1", api_key: {SECRET}}}
models: {{cheap: up/cheap, dear: up/dear, free: up/free, unpriced: up/unheard-of}}
pricing:
  tables:
    up:
      cheap: {{input: "0.15", cached_input: "0.075", output: "0.60", max_output_tokens: 400,
        encoding: o200k_base}}
      dear: {{input: "3", output: "15", max_output_tokens: 200}}
      free: {{input: "0", output: "0"}}
middlewares:
  - {{use: rate_limit, requests: 100000, per_s: 60}}
  - {{use: budget_reset}}
  - {{use: key_validation}}
  - {{use: usage_tracking}}
  - {{use: mock, enabled: false}}
"""
# Nano-dollars per million tokens in and out, as the configuration says in its own words.
RATES: Final = {
    "cheap": (150_000_000, 600_000_000),
    "dear": (3_000_000_000, 15_000_000_000),
    "free": (0, 0),
}


def price_of(model: str, tokens_in: int, tokens_out: int) -> int:
    """Nano-dollars, rounded up once."""
    rate_in, rate_out = RATES[model]
    return -(-(tokens_in * rate_in + tokens_out * rate_out) // 1_000_000)


@dataclass(frozen=True, slots=True)
class Installation:
    """What is the same for every life of every gateway: made once, since it takes a while."""

    settings: Config
    routes: Routes
    tokens: Tokens
    encoding: tiktoken.Encoding

    @classmethod
    def make(cls, folder: Path) -> "Installation":
        path = folder / "pouch.yaml"
        path.write_text(CONFIG, encoding="utf-8")
        settings = bootstrap.load_config(path)
        tokens = Tokens()
        tokens._pool = InlineExecutor()  # type: ignore[assignment]
        routes = bootstrap.routes_of(settings)
        return cls(settings, routes, tokens, vocabulary.load("o200k_base"))

    def openai_counts(self, text: str) -> int:
        """Input tokens of one message: its text, four around it, and three begin the answer."""
        return len(self.encoding.encode_ordinary(text)) + 7

    @contextlib.contextmanager
    def wired(self, clock: SimulatedClock, transport: ScriptedTransport) -> Iterator[None]:
        """What the composition root takes from the world is replaced for as long."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(bootstrap.ADMIN_TOKEN_VARIABLE, ADMIN_TOKEN)
            patch.setattr(composed, "SystemClock", lambda: clock)
            patch.setattr(composed, "Tokens", lambda: self.tokens)
            patch.setattr(parts, "make_transport", lambda *_, **__: transport)
            # No one administers over HTTP here, and its schemas take longer than all the rest.
            patch.setattr(composed, "admin_blueprint", lambda _: Blueprint("admin"))
            yield


class _App:
    """What the services ask of Sanic's application."""

    def __init__(self) -> None:
        self.ctx = SimpleNamespace(drain=None, gateway=None)

    def add_task(self, work: Any, *, name: str, register: bool) -> "asyncio.Task[None]":
        assert not register, "Sanic would cancel it"
        return asyncio.get_running_loop().create_task(work, name=name)


@dataclass(slots=True)
class Http:
    """One request of a client, and what the client has received."""

    app: Any
    body: bytes
    headers: Header
    read_s: float = 0.0
    ctx: SimpleNamespace = field(default_factory=SimpleNamespace)
    status: int | None = None
    received: bytearray = field(default_factory=bytearray)
    received_headers: dict[str, str] = field(default_factory=dict)
    closed: bool = False
    ended: bool = False

    client_ip: str = "127.0.0.1"

    @property
    def transport(self) -> "Http":
        return self

    def close(self) -> None:
        self.closed = True

    async def respond(self, response: HTTPResponse) -> "Http":
        self.begin(response)
        return self

    def begin(self, response: HTTPResponse) -> None:
        """Status and headers have come."""
        self.status = response.status
        headers = response.processed_headers
        self.received_headers = {name.decode().lower(): value.decode() for name, value in headers}

    async def send(self, data: bytes) -> None:
        """A slow client takes ``read_s`` for each chunk."""
        await asyncio.sleep(self.read_s)
        self.received += data

    async def eof(self) -> None:
        self.ended = True

    @property
    def request_id(self) -> str | None:
        return getattr(self.ctx, "request_id", None)

    @property
    def outcome(self) -> str:
        """What the client knows in the end."""
        if self.status is None:
            return "nothing"
        if self.status == 200:
            return "200, whole" if self.ended else "200, broken"
        return f"{self.status} {json.loads(self.received)['error']['code']}"


class Life:
    """One process: from its start to its death."""

    def __init__(self, path: Path, clock: SimulatedClock, installed: Installation) -> None:
        self._installed = installed
        self._app = _App()
        self._mortal = MortalStore(path, clock)
        self.connection = self._mortal.connection
        self.store = self._mortal.store

    @property
    def gateway(self) -> Gateway:
        return cast(Gateway, self._app.ctx.gateway)

    async def start(self) -> None:
        """What a dead predecessor has left is settled when this returns."""
        self._app.ctx.gateway = await composed.gateway_on(
            self.store, cast(Any, self._app), self._installed.settings, self._installed.routes
        )

    def http(self, secret: str, body: object, *, read_s: float = 0.0, **headers: str) -> Http:
        """A chat request, not yet sent."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        content = json.dumps(body).encode()
        return Http(
            self._app,
            content,
            Header({"authorization": f"Bearer {secret}", **named}),
            read_s=read_s,
        )

    async def serve(self, http: Http) -> None:
        """What Sanic does with a request: call the handler, render what it raises."""
        try:
            answer = await cast(Any, openai.chat)(http)
        except PouchError as error:
            http.status, http.received_headers, body = errors.render(error)
            http.received += body
        else:
            if isinstance(answer, HTTPResponse):
                http.begin(answer)
                http.received += answer.body or b""
        http.ended = True

    async def die(self) -> None:
        """Everything is dropped where it stands; nothing that it does afterwards has an effect."""
        self._mortal.die()
        me = asyncio.current_task()
        while left := asyncio.all_tasks() - {me}:
            for task in left:
                task.cancel()
            await asyncio.wait(left)
