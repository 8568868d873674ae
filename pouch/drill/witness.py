"""The provider of a drill: the misbehaving mock, and a witness of all that reaches it.

It runs in the drilled server, and writes each request down, with what the store then holds in
reserve for it, before the mock answers. What is written survives a kill of the server.
"""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict

from pouch.domain.pipeline import Request
from pouch.domain.plugin import BuiltProvider, ProviderPlugin, ProviderPorts
from pouch.domain.ports import Clock
from pouch.domain.provider import UpstreamRequest, UpstreamResponse
from pouch.infra.sqlite.reader import Reader
from pouch.infra.sqlite.reports import SqliteReports
from pouch.providers.mock import Config as Behaviour
from pouch.providers.mock import Mock, MockTransport

REQUEST_ID: Final = "x-drill-request"
OPEN_MAX: Final = 10_000
BUSY_TIMEOUT_S: Final = 5.0


class Config(BaseModel):
    """``{use: "pouch.drill.witness:PLUGIN", journal: FILE, store: FILE}``."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    journal: Path
    store: Path


@dataclass(frozen=True, slots=True)
class Sighting:
    """A request that reached the mock. ``reserved`` is what the store held for it, if anything."""

    request_id: str
    reserved: int | None
    content: str

    @property
    def body(self) -> dict[str, object]:
        """The body that was sent."""
        body = json.loads(self.content)
        assert isinstance(body, dict)
        return body


def read_journal(path: Path) -> Sequence[Sighting]:
    """Every sighting, in order. A line that a kill has cut short was not answered: left out."""
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").split("\n")[:-1]
    return [Sighting(*json.loads(line)) for line in lines]


class WitnessedMock(Mock):
    """Tells the transport which request it sends."""

    def prepare(self, request: Request) -> UpstreamRequest:
        prepared = super().prepare(request)
        return replace(prepared, headers=(*prepared.headers, (REQUEST_ID, request.id)))


class WitnessTransport:
    """Writes down, then lets the mock answer."""

    def __init__(self, config: Config, clock: Clock) -> None:
        self._config = config
        self._mock = MockTransport(Behaviour(), clock)
        self._opening = asyncio.Lock()
        self._reader: Reader | None = None

    async def send(self, request: UpstreamRequest) -> UpstreamResponse:
        request_id = dict(request.headers)[REQUEST_ID]
        reserved = await self._reserved(request_id)
        line = json.dumps([request_id, reserved, request.content.decode()]) + "\n"
        # One write to the end of the file: several processes share it.
        with self._config.journal.open("ab", buffering=0) as journal:
            journal.write(line.encode())
        return await self._mock.send(request)

    async def aclose(self) -> None:
        if self._reader is not None:
            await self._reader.close()

    async def _reserved(self, request_id: str) -> int | None:
        async with self._opening:
            if self._reader is None:
                self._reader = await Reader.open(self._config.store, busy_timeout_s=BUSY_TIMEOUT_S)
        held = await SqliteReports(self._reader).open_reservations(limit=OPEN_MAX)
        return next((one.amount.nanos for one in held if one.request_id == request_id), None)


def _build(config: Config, ports: ProviderPorts) -> BuiltProvider:
    return BuiltProvider(WitnessedMock(), WitnessTransport(config, ports.clock))


# Not free, unlike the mock: what has no price must be refused, and an unmetered chain too.
PLUGIN = ProviderPlugin("witness", Config, _build)
