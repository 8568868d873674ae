"""The load of a drill: clients ask as planned, the server is killed, the books are watched."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pouch.domain.ledger import Discrepancy
from pouch.drill.client import Answer, ask
from pouch.drill.plan import Plan, Planned
from pouch.drill.server import Server
from pouch.infra.sqlite import SqliteStore

CONCURRENCY: Final = 16
POLL_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class Attempt:
    """A request that was sent. ``kills`` is how many there had been when it was begun."""

    planned: Planned
    answer: Answer
    kills: int


@dataclass(slots=True)
class Watch:
    """What was seen of the books while the load ran.

    ``excess`` is, by pouch, the most nano-dollars by which spent and reserved exceeded the limit
    (negative: always below it).
    """

    polls: int = 0
    excess: dict[str, int] = field(default_factory=dict)
    negative: list[str] = field(default_factory=list)
    discrepancies: list[Discrepancy] = field(default_factory=list)
    audits: int = 0

    async def look(self, store: SqliteStore) -> None:
        """One look at all pouches at one moment."""
        for pouch in await store.keys.pouches():
            if min(pouch.spent.nanos, pouch.reserved.nanos) < 0:
                self.negative.append(pouch.name)
            if pouch.limit is not None:
                over = pouch.spent.nanos + pouch.reserved.nanos - pouch.limit.nanos
                self.excess[pouch.id] = max(self.excess.get(pouch.id, over), over)
        self.polls += 1

    async def audit(self, store: SqliteStore) -> None:
        """Prove the books, as ``pouch verify`` does."""
        audit = await store.ledger.verify()
        self.discrepancies += audit.discrepancies
        self.audits += 1

    async def go_on(self, store: SqliteStore) -> None:
        """Look for ever."""
        while True:
            await self.look(store)
            await asyncio.sleep(POLL_S)


class Load:
    """Runs a plan. ``secrets`` are the keys, by number; ``progress`` is told of each end."""

    def __init__(
        self,
        server: Server,
        store: SqliteStore,
        secrets: Sequence[str],
        progress: Callable[[int, int], None],
    ) -> None:
        self.attempts: list[Attempt] = []
        self.kills = 0
        self.watch = Watch()
        self._server = server
        self._store = store
        self._secrets = secrets
        self._progress = progress
        self._begun = 0
        self._more_begun = asyncio.Condition()
        self._up = asyncio.Event()
        self._up.set()

    async def run(self, plan: Plan) -> None:
        """Every request once, sixteen at a time.

        Raises:
            PouchError: the server does not come back, or the store cannot be read.
        """
        left = iter(plan.requests)
        watching = asyncio.create_task(self.watch.go_on(self._store), name="watch of the books")
        clients = [asyncio.create_task(self._client(left)) for _ in range(CONCURRENCY)]
        work = [*clients, asyncio.create_task(self._kill_as(plan))]
        ended = asyncio.ensure_future(asyncio.wait(work, return_when=asyncio.FIRST_EXCEPTION))
        try:
            await asyncio.wait({ended, watching}, return_when=asyncio.FIRST_COMPLETED)
            for task in (watching, *work):
                if task.done():
                    task.result()
        finally:
            await _end([watching, *work, ended])

    async def send(self, planned: Planned) -> Attempt:
        """One request, and what came of it."""
        kills = self.kills
        answer = await ask(
            self._server.port,
            self._secrets[planned.key],
            planned.body,
            hang_up_after=planned.fault.hang_up_after,
        )
        return Attempt(planned, answer, kills)

    async def _client(self, left: Iterator[Planned]) -> None:
        for planned in left:
            await self._up.wait()
            async with self._more_begun:
                self._begun += 1
                self._more_begun.notify_all()
            self.attempts.append(await self.send(planned))
            self._progress(len(self.attempts), self.kills)

    async def _kill_as(self, plan: Plan) -> None:
        for after, wait_s in plan.kills:
            async with self._more_begun:
                while self._begun <= after:
                    await self._more_begun.wait()
            await asyncio.sleep(wait_s)
            self._up.clear()
            self.kills += 1
            await self._server.kill()
            await self._server.start()
            await self.watch.audit(self._store)
            self._up.set()


async def _end(tasks: Sequence[asyncio.Future[Any]]) -> None:
    """Cancel what is still under way, and wait for it."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
