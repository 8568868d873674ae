"""A whole gateway in the test's own event loop, before a scripted provider."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from pouch import bootstrap
from pouch.api.gateway import Gateway
from pouch.domain.key import Key, hash_of
from pouch.service.key_terms import NewKey
from tests.fakes.gateway_process import ADMIN_TOKEN, CONFIG, STEPS
from tests.fakes.server import serve
from tests.fakes.upstream import Upstream, upstream

HELLO = [{"role": "user", "content": "Hello"}]
ASK: dict[str, Any] = {"model": "gpt-4o-mini", "messages": HELLO, "max_tokens": 100}
PATIENCE_S = 10


@dataclass(slots=True)
class Running:
    """A gateway in the test's own loop, its scripted provider, and a key."""

    gateway: Gateway
    provider: Upstream
    url: str
    key: Key
    secret: str
    admin: httpx.AsyncClient
    connections: list[asyncio.StreamWriter] = field(default_factory=list)

    async def post(self, **fields: Any) -> httpx.Response:
        async with httpx.AsyncClient(base_url=self.url, timeout=PATIENCE_S) as client:
            return await client.post(
                "/v1/chat/completions",
                json={**ASK, **fields},
                headers={"authorization": f"Bearer {self.secret}"},
            )

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection, which is closed when the gateway is."""
        port = httpx.URL(self.url).port
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        self.connections.append(writer)
        return reader, writer

    def raw(self, *headers: str, version: str = "1.1", **fields: Any) -> bytes:
        """The bytes of a request."""
        body = json.dumps({**ASK, **fields}).encode()
        lines = [
            f"POST /v1/chat/completions HTTP/{version}",
            "host: x",
            f"authorization: Bearer {self.secret}",
            f"content-length: {len(body)}",
            *headers,
        ]
        return "\r\n".join([*lines, "", ""]).encode() + body

    async def idle(self) -> None:
        """Wait until nothing is worked on and everything is settled."""
        async with asyncio.timeout(PATIENCE_S):
            while self.gateway.relays or len(self.gateway.background):
                await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def running(folder: Path, server: str = "") -> AsyncIterator[Running]:
    config = folder / "pouch.yaml"
    async with upstream() as provider:
        text = CONFIG.format(port=0, upstream=provider.url, steps=STEPS, workers=1, drain_s=1)
        config.write_text(text.replace("workers: 1", f"workers: 1{server}"))
        store = await bootstrap.open_store(bootstrap.load_config(config))
        await store.set_setting(bootstrap.ADMIN_TOKEN_HASH, hash_of(ADMIN_TOKEN))
        await store.close()
        app = bootstrap.build_app(config)
        token = {"authorization": f"Bearer {ADMIN_TOKEN}"}
        async with (
            serve(app) as url,
            httpx.AsyncClient(base_url=url, headers=token, timeout=PATIENCE_S) as admin,
        ):
            gateway: Gateway = app.ctx.gateway
            issued = await gateway.keys.create(NewKey("app"))
            service = Running(gateway, provider, url, issued.stored.key, issued.secret, admin)
            yield service
            for connection in service.connections:
                connection.close()
                with contextlib.suppress(ConnectionError):
                    await connection.wait_closed()
