"""Where a drill happens: a folder with a copy of the configuration, a store, keys and a server."""

import asyncio
import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pouch import bootstrap
from pouch.config import ConfigError
from pouch.domain.key import RateLimit
from pouch.domain.money import Money
from pouch.domain.reports import RequestFilter
from pouch.drill.copy import Copy, with_unknown_step
from pouch.drill.findings import LOGGED_MAX, Findings
from pouch.drill.load import Attempt, Load
from pouch.drill.plan import KEYS, RUSH_OUTPUT_TOKENS, Plan, request_for
from pouch.drill.server import Server
from pouch.drill.witness import read_journal
from pouch.infra.clock import SystemClock
from pouch.infra.sqlite import SqliteStore
from pouch.infra.sqlite.standstill import standstill
from pouch.service.key_terms import BudgetChange, NewBudgetPouch, NewKey
from pouch.service.keys import KeyService

DRAIN_S: Final = 60.0
LOCK_S: Final = 30.0
STANDSTILL_REQUESTS: Final = 4
# What a step limits by the minute would leave little to try.
_RATE: Final = RateLimit(requests=1_000_000, per_s=1)
_PAUSE_S: Final = 0.05
# Of the operator's environment, what a program needs to run, and nothing that could be a secret.
_KEPT_VARIABLES: Final = ("HOME", "LANG", "LC_ALL", "PATH", "PYTHONPATH", "TMPDIR", "VIRTUAL_ENV")
# Limits of the keys' own pouches, in requests of a middle size; ``None`` has none. The last three
# lie in a team's pouch.
_KEY_LIMITS: Final = (None, None, 1, 3, 40, 10, 10, None)
_IN_TEAM_FROM: Final = 5
_TEAM_LIMIT: Final = 30
_INPUT_TOKENS: Final = 500


@dataclass(frozen=True, slots=True)
class Keys:
    """The drill's keys: their secrets by number, and by id the pouches that each draws on."""

    secrets: Sequence[str]
    chains: Mapping[str, Sequence[str]]


class World:
    """One drill's folder, open. ``close`` ends all that runs in it."""

    def __init__(self, copy: Copy, store: SqliteStore, keys: Keys, port: int) -> None:
        self._copy = copy
        self._store = store
        self._keys = keys
        self._log = copy.path.with_name("server.log")
        # Stand where the operator's secrets would, so that a leak of them shows.
        self._canaries = {
            name: f"drill-{secrets.token_hex(16)}"
            for name in (*copy.variables, bootstrap.ADMIN_TOKEN_VARIABLE)
            if name not in _KEPT_VARIABLES
        }
        self._server = Server(copy.path, self._log, port, self._environ())

    @classmethod
    async def open(cls, copy: Copy, port: int) -> "World":
        """Make the store and its keys.

        Raises:
            StoreUnavailableError: the store cannot be made.
        """
        store = await bootstrap.open_store(copy.settings)
        try:
            return cls(copy, store, await _issue(store, _limits(copy)), port)
        except BaseException:
            await store.close()
            raise

    async def close(self) -> None:
        """End the server, whatever it does, and let go of the store."""
        self._server.close()
        await self._store.close()

    async def drill(self, plan: Plan, progress: Callable[[int, int], None]) -> Findings:
        """Carry ``plan`` out, let the server come to rest and end, and read the books.

        Raises:
            PouchError: the server does not start, or the store cannot be read.
        """
        load = Load(self._server, self._store, self._keys.secrets, progress)
        await self._server.start()
        await load.run(plan)
        during = await self._stand_still(load, first=len(plan.requests))
        await self._come_to_rest(load)
        await self._server.stop()
        await load.watch.look(self._store)
        await load.watch.audit(self._store)
        return await self._findings(load, during)

    async def _stand_still(self, load: Load, *, first: int) -> list[Attempt]:
        """Ask while the store cannot be written."""
        model = self._copy.models.priced[0]
        numbers = range(first, first + STANDSTILL_REQUESTS)
        asked = [request_for(model, number, key=0, output_limit=40) for number in numbers]
        with standstill(self._copy.settings.store.path, wait_s=LOCK_S):
            return await asyncio.gather(*map(load.send, asked))

    async def _come_to_rest(self, load: Load) -> None:
        """Until nothing is reserved, or it is certain that something will stay so."""
        try:
            async with asyncio.timeout(DRAIN_S):
                while await self._store.reports.open_reservations(limit=1):
                    await load.watch.look(self._store)
                    await asyncio.sleep(_PAUSE_S)
        except TimeoutError:
            return

    async def _findings(self, load: Load, during_standstill: list[Attempt]) -> Findings:
        reports, copy = self._store.reports, self._copy
        logged = await reports.requests(RequestFilter(), cursor=None, limit=LOGGED_MAX)
        store = copy.settings.store.path
        files = [self._log, store, store.with_name(store.name + "-wal"), copy.journal]
        return Findings(
            attempts=load.attempts,
            during_standstill=during_standstill,
            kills=load.kills,
            watch=load.watch,
            sightings=read_journal(copy.journal),
            logged={request.id: request for request in logged.items},
            left_open=await reports.open_reservations(limit=LOGGED_MAX),
            pouches=await self._store.keys.pouches(),
            chains=self._keys.chains,
            models=copy.models,
            prices=copy.prices,
            files=[path for path in files if path.exists()],
            secrets=[*self._keys.secrets, *self._canaries.values()],
            unknown_step=_said_of(with_unknown_step(copy)),
            gives_up=copy.gives_up,
        )

    def _environ(self) -> Mapping[str, str]:
        kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
        return {**self._canaries, **kept}


def _said_of(path: Path) -> str | None:
    """What is wrong with a configuration; ``None`` if it is taken."""
    try:
        bootstrap.load_config(path)
    except ConfigError as error:
        return str(error)
    return None


def _limits(copy: Copy) -> Sequence[Money | None]:
    """The limit of each key's own pouch, the rush's last, and then that of the team."""
    costs = [_cost(copy, name) for name in copy.models.priced]
    middle = sorted(costs)[len(costs) // 2]
    assert len(_KEY_LIMITS) == KEYS
    own = [None if times is None else _times(middle, times) for times in _KEY_LIMITS]
    return [*own, _times(costs[0], 2), _times(middle, _TEAM_LIMIT)]


def _cost(copy: Copy, model: str) -> Money:
    """The most that a request of a middle size can cost."""
    return copy.prices[model].bound(
        input_tokens=_INPUT_TOKENS, output_tokens=RUSH_OUTPUT_TOKENS, any_kind=False
    )


def _times(money: Money, factor: int) -> Money:
    return Money(money.nanos * factor)


async def _issue(store: SqliteStore, limits: Sequence[Money | None]) -> Keys:
    keys = KeyService(store.keys, SystemClock())
    *own, of_team = limits
    team = await keys.pouches.create(NewBudgetPouch("drill team", BudgetChange(limit=of_team)))
    issued = [
        await keys.create(
            NewKey(
                f"drill {number}",
                BudgetChange(limit=limit),
                parent_id=team.id if _IN_TEAM_FROM <= number < KEYS else None,
                rate_limit=_RATE,
            )
        )
        for number, limit in enumerate(own)
    ]
    chains = {one.stored.key.id: [pouch.id for pouch in one.stored.key.pouches] for one in issued}
    return Keys([one.secret for one in issued], chains)
