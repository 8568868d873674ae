"""What happens in one simulated run, drawn from a seed: requests, faults, and the time between."""

import asyncio
import contextlib
import logging
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from pouch.domain.errors import ConflictError, StoreUnavailableError
from pouch.domain.money import Money
from pouch.service.key_terms import BudgetChange, KeyChange, NewBudgetPouch, NewKey, PouchChange
from tests.simulation.gateway import ADMIN_TOKEN, Installation, Life
from tests.simulation.promises import Attempt, LogCapture, Promises
from tests.simulation.provider import SECRET, Answer, Behaviour, ScriptedTransport
from tests.simulation.store import Fault
from tests.simulation.virtual_time import SimulatedClock, VirtualLoop

STEPS: Final = 40
KEYS: Final = 4
# More than a transaction takes, and less than anything in the plan: the loop comes to rest.
REST_S: Final = 0.02
# Longer than any stall, drain or pause of a settlement that waits for the store.
AFTERWARDS_S: Final = 300.0

_MODELS: Final = ("cheap", "cheap", "dear", "free", "unpriced")
_STATUSES: Final = (400, 401, 403, 404, 429, 500, 503)


class Simulation:
    """One run. Everything that is left to chance comes from ``seed``."""

    def __init__(self, seed: int, path: Path, installed: Installation) -> None:
        self._random = random.Random(seed)
        # Apart, so that to plan a stop changes nothing else of the plan.
        self._stops = random.Random(f"stops of {seed}")
        self._path = path
        self._installed = installed
        self._clock = SimulatedClock(asyncio.get_running_loop())
        self._transport = ScriptedTransport()
        self._log = LogCapture()
        self.promises = Promises(path, self._log, secrets=[SECRET, ADMIN_TOKEN])
        self._transport.on_call = self.promises.when_called
        self._broken: list[BaseException] = []
        self._clients: set[asyncio.Task[None]] = set()
        self._failures = 0
        self._healing: asyncio.TimerHandle | None = None
        self._keys: list[tuple[str, str]] = []
        self._pouches: list[str] = []

    async def run(self) -> Counter[str]:
        """The counts of what happened.

        Raises:
            BrokenPromiseError: one does not hold.
        """
        root = logging.getLogger("pouch")
        level = root.level
        root.addHandler(self._log)
        root.setLevel(logging.DEBUG)
        try:
            with self._installed.wired(self._clock, self._transport):
                await self._live()
        finally:
            root.removeHandler(self._log)
            root.setLevel(level)
        return self.promises.counts

    async def _live(self) -> None:
        self._life = Life(self._path, self._clock, self._installed)
        await self._life.start()
        try:
            await self._set_up()
            for _ in range(STEPS):
                await self._step()
            self._heal()
            if self._life.connection.statements_left is not None:
                await self._crash()
            await asyncio.sleep(AFTERWARDS_S)
            self._report()
            self.promises.check_end()
        finally:
            await self._life.die()

    async def _set_up(self) -> None:
        """Keys in pouches of their own, some of which lie in a team's, all tight."""
        chance = self._random
        team = await self._life.gateway.keys.pouches.create(
            NewBudgetPouch("team", BudgetChange(limit=self._some_money(), every=3600))
        )
        self._pouches.append(team.id)
        for i in range(KEYS):
            limit = self._some_money() if chance.random() < 0.8 else None
            every = chance.choice([None, None, 600, 86_400])
            issued = await self._life.gateway.keys.create(
                NewKey(
                    f"key {i}",
                    BudgetChange(limit=limit, every=every),
                    parent_id=team.id if chance.random() < 0.6 else None,
                    stream_cost=chance.random() < 0.3,
                )
            )
            self._keys.append((issued.stored.key.id, issued.secret))
            self._pouches.append(issued.stored.key.pouches[0].id)
            self.promises.secrets.append(issued.secret)

    def _some_money(self) -> Money:
        return Money(self._random.choice([1_000_000, 5_000_001, 30_000_000, 200_000_000]))

    async def _step(self) -> None:
        acts: list[tuple[Callable[[], Awaitable[None]], int]] = [
            (self._ask, 10),
            (self._ask_together, 3),
            (self._wait, 6),
            (self._fail, 2),
            (self._change_limit, 2),
            (self._switch_key, 1),
            (self._leap, 1),
            (self._crash, 1),
            (self._crash_in_a_transaction, 1),
        ]
        [act] = self._random.choices([a for a, _ in acts], [weight for _, weight in acts])
        self.promises.counts[act.__name__.strip("_").replace("_", " ")] += 1
        await act()
        await asyncio.sleep(REST_S)
        if self._life.connection.dead:
            await self._crash()
        self._report()
        self.promises.check()

    def _report(self) -> None:
        """What went wrong in a task of its own goes wrong here."""
        if self._broken:
            raise self._broken[0]

    async def _ask(self) -> None:
        self._send()

    async def _ask_together(self) -> None:
        for _ in range(self._random.randint(2, 8)):
            self._send()

    def _send(self) -> None:
        chance = self._random
        model = chance.choice(_MODELS)
        user = str(len(self.promises.attempts))
        _, secret = chance.choice(self._keys)
        text = "word " * chance.choice([1, 5, 60, 400])
        body: dict[str, Any] = {
            "model": model,
            "user": user,
            "messages": [{"role": "user", "content": text}],
            "stream": chance.random() < 0.6,
        }
        asked_for = chance.choice([None, None, 1, 20, 300, 5000])
        if asked_for is not None:
            body[chance.choice(["max_tokens", "max_completion_tokens"])] = asked_for
        if chance.random() < 0.2:
            body["n"] = chance.randint(2, 4)
        if chance.random() < 0.1:
            body["reasoning_effort"] = "low"
        max_cost = chance.choice([None, None, None, None, 0, 100_000, 5_000_000])
        more = {} if max_cost is None else {"x_pouch_max_cost": str(Money(max_cost))}
        read_s = chance.choice([0, 0, 0.5])
        http = self._life.http(secret, body, read_s=read_s, **more)
        attempt = Attempt(
            http,
            model,
            self._answer(model, text),
            asked_for,
            max_cost,
            self.promises.store_fails,
        )
        self.promises.attempts[user] = attempt
        self._transport.answers[user] = attempt.answer
        self._start(attempt)

    def _answer(self, model: str, text: str) -> Answer:
        chance = self._random
        plain = Answer(
            behaviour=chance.choice([Behaviour.GOOD, Behaviour.GOOD, *Behaviour]),
            status=chance.choice(_STATUSES),
            words=chance.choice([1, 3, 12, 40]),
            pause_s=chance.choice([0, 0.001, 0.3, 2]),
            input_tokens=len(text) + 20,
        )
        if model != "cheap":
            return plain
        return replace(plain, input_tokens=self._installed.openai_counts(text))

    def _start(self, attempt: Attempt) -> None:
        task = asyncio.ensure_future(self._life.serve(attempt.http))
        self._clients.add(task)
        task.add_done_callback(self._client_left)
        after_s = self._random.choice([None] * 9 + [0, 0.001, 0.0025, 0.004, 1, 10])
        if after_s is not None:
            self.promises.counts["hang-ups planned"] += 1
            asyncio.get_running_loop().call_later(after_s, task.cancel)
        stop_after_s = self._stops.choice([None] * 15 + [0.001, 0.003, 0.5, 2, 10])
        if stop_after_s is not None:
            asyncio.get_running_loop().call_later(stop_after_s, self._stop, attempt)

    def _stop(self, attempt: Attempt) -> None:
        """An administrator stops the request, if it has not ended."""
        live = self._life.gateway.proxy._live
        with contextlib.suppress(ConflictError):
            attempt.stopped |= live.stop(attempt.http.request_id or "")
            self.promises.counts["stops"] += attempt.stopped

    def _client_left(self, task: "asyncio.Task[None]") -> None:
        self._clients.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._broken.append(error)

    async def _wait(self) -> None:
        await asyncio.sleep(self._random.choice([0.001, 0.1, 1, 5, 40]))

    async def _fail(self) -> None:
        """The store fails for a while."""
        self._heal()
        self._failures += 1
        self.promises.store_fails = self._failures
        self._life.connection.fault = self._random.choice(list(Fault))
        self._healing = asyncio.get_running_loop().call_later(
            self._random.choice([0.001, 0.1, 5, 60]), self._heal
        )

    def _heal(self) -> None:
        if self._healing is not None:
            self._healing.cancel()
        self._life.connection.fault = None
        self.promises.store_fails = None

    async def _change_limit(self) -> None:
        pouch_id = self._random.choice(self._pouches)
        limit = self._some_money()
        with contextlib.suppress(StoreUnavailableError):
            pouch = await self._life.gateway.keys.pouches.get(pouch_id)
            used = pouch.spent.nanos + pouch.reserved.nanos
            self.promises.lowered[pouch_id] += max(used - limit.nanos, 0)
            await self._life.gateway.keys.pouches.change(
                pouch_id, PouchChange(budget=BudgetChange(limit=limit))
            )

    async def _switch_key(self) -> None:
        key_id, _ = self._random.choice(self._keys)
        with contextlib.suppress(StoreUnavailableError):
            await self._life.gateway.keys.change(
                key_id, KeyChange(disabled=self._random.random() < 0.3)
            )

    async def _leap(self) -> None:
        """The calendar jumps: over the end of a period, or back."""
        self._clock.leap(self._random.choice([700, 4000, 90_000, -3600]))

    async def _crash(self) -> None:
        """SIGKILL, and another process on the same file."""
        for attempt in self.promises.attempts.values():
            attempt.died = attempt.died or not self.promises.is_settled(attempt)
        self._heal()
        await self._life.die()
        self._life = Life(self._path, self._clock, self._installed)
        await self._life.start()

    async def _crash_in_a_transaction(self) -> None:
        """Some statements on, the process dies; what it was writing is half done."""
        self._life.connection.statements_left = self._random.randint(0, 12)
        self._send()


def simulate(seed: int, folder: Path, installed: Installation) -> Counter[str]:
    """One run from ``seed``, on a database of its own in ``folder``.

    Raises:
        BrokenPromiseError: one does not hold.
    """

    async def main() -> Counter[str]:
        return await Simulation(seed, folder / f"{seed}.db", installed).run()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main())
