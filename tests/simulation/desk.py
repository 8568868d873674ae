"""One gateway in simulated time, for stories that a test tells step by step."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pouch.domain.money import Money
from pouch.domain.pouch import Pouch
from pouch.service.key_terms import BudgetChange, NewKey
from tests.simulation.gateway import Http, Installation, Life
from tests.simulation.provider import Answer, Behaviour, ScriptedTransport
from tests.simulation.virtual_time import SimulatedClock, VirtualLoop

# Longer than any stall, drain or pause of a settlement that waits for the store.
AFTERWARDS_S: Final = 600.0
TEXT: Final = "Tell me a story."


@dataclass(frozen=True, slots=True)
class Logged:
    """A request in the gateway's books; amounts in nano-dollars."""

    evidence: str
    cost: int
    reserved: int | None
    input_tokens: int | None
    output_tokens: int | None


@dataclass(frozen=True, slots=True)
class Holder:
    """A key, and the pouch that is its own."""

    key_id: str
    secret: str
    pouch_id: str


class Desk:
    """``calls`` are the bodies that reached the provider."""

    def __init__(self, path: Path, installed: Installation) -> None:
        self.clock = SimulatedClock(asyncio.get_running_loop())
        self.transport = ScriptedTransport()
        self.transport.on_call = self._called
        self.calls: list[Mapping[str, Any]] = []
        self.open_when_called: list[int] = []
        self._path = path
        self._installed = installed
        self.life = Life(path, self.clock, installed)

    async def key(self, limit: int | None = None, **more: Any) -> Holder:
        """A key whose own pouch holds ``limit`` nano-dollars."""
        every = more.pop("every", None)
        budget = BudgetChange(limit=None if limit is None else Money(limit), every=every)
        issued = await self.life.gateway.keys.create(NewKey("app", budget, **more))
        stored = issued.stored
        return Holder(stored.key.id, issued.secret, stored.pouches[0].id)

    def send(
        self,
        holder: Holder,
        behaviour: Behaviour = Behaviour.GOOD,
        *,
        answer: Mapping[str, Any] | None = None,
        **body: Any,
    ) -> "tuple[Http, asyncio.Task[None]]":
        """A request on its way; 10 tokens in and 12 out where nothing else is said."""
        user = str(len(self.transport.answers))
        planned: dict[str, Any] = {"status": 401, "words": 12, "pause_s": 0.1, "input_tokens": 10}
        self.transport.answers[user] = Answer(behaviour, **{**planned, **(answer or {})})
        messages = [{"role": "user", "content": TEXT}]
        content = {"model": "cheap", "messages": messages, "user": user, **body}
        http = self.life.http(holder.secret, content)
        return http, asyncio.ensure_future(self.life.serve(http))

    async def ask(self, holder: Holder, *behaviour: Behaviour, **more: Any) -> Http:
        """A request, answered."""
        http, serving = self.send(holder, *behaviour, **more)
        await serving
        return http

    async def hang_up(self, serving: "asyncio.Task[None]", *, after_s: float) -> None:
        await asyncio.sleep(after_s)
        serving.cancel()
        await asyncio.wait([serving])

    async def settled(self) -> list[Logged]:
        """All requests, oldest first, when everything has come to its end; the books balance."""
        await asyncio.sleep(AFTERWARDS_S)
        audit = await self.life.store.ledger.verify()
        assert audit.discrepancies == []
        assert audit.open_reservations == 0
        query = (
            "SELECT evidence, cost_nanos, reserved_nanos, input_tokens, output_tokens "
            "FROM requests ORDER BY id"
        )
        return [Logged(*row) for row in self._rows(query)]

    async def pouch(self, holder: Holder) -> Pouch:
        return await self.life.gateway.keys.pouches.get(holder.pouch_id)

    async def restart(self) -> None:
        """SIGKILL, and another process on the same file."""
        await self.life.die()
        self.life = Life(self._path, self.clock, self._installed)
        await self.life.start()

    def _called(self, user: str, answer: Answer, document: Mapping[str, Any]) -> None:
        del user, answer
        self.calls.append(document)
        [(held,)] = self._rows(
            "SELECT coalesce(sum(amount_nanos), 0) FROM reservations WHERE state = 'reserved'"
        )
        self.open_when_called.append(held)

    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self._path.as_uri() + "?mode=ro", uri=True)) as connection:
            return connection.execute(query).fetchall()


Story = Callable[[Desk], Awaitable[None]]
Play = Callable[[Story], None]


def play(story: Story, path: Path, installed: Installation) -> None:
    """Tell ``story`` at a desk of its own, in simulated time."""

    async def main() -> None:
        desk = Desk(path, installed)
        with installed.wired(desk.clock, desk.transport):
            await desk.life.start()
            try:
                await story(desk)
            finally:
                await desk.life.die()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(main())
