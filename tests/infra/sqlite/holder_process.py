"""A process that holds reservations in a store: told what to do on stdin, answers on stdout.

``reserve PREFIX COUNT AMOUNT`` answers with the ids of what was admitted, ``settle ID COST`` with
whether it was, ``recover`` with the ids; ``close`` closes the store and ends. If stdin ends, it
dies without a word to the store.
"""

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

from pouch.domain.errors import BudgetExceededError
from pouch.infra.clock import SystemClock
from pouch.infra.sqlite import SqliteStore
from tests.infra.sqlite.books import hold, settlement

ROOT = Path(__file__).resolve().parents[3]


class HolderProcess:
    """Its other end."""

    def __init__(self, path: Path) -> None:
        command = [sys.executable, "-m", "tests.infra.sqlite.holder_process", str(path)]
        self._process = Popen(command, cwd=ROOT, stdin=PIPE, stdout=PIPE, text=True)

    def tell(self, *words: object) -> None:
        """Have it begin to do something."""
        assert self._process.stdin is not None
        self._process.stdin.write(" ".join(str(word) for word in words) + "\n")
        self._process.stdin.flush()

    def answer(self) -> Any:
        """What it answers to what it was told."""
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())

    def ask(self, *words: object) -> Any:
        self.tell(*words)
        return self.answer()

    def kill(self) -> None:
        """SIGKILL, and gone."""
        self._process.kill()
        self._process.communicate(timeout=20)

    def end(self) -> int:
        """Its exit status, after what it was told last."""
        self._process.communicate(timeout=20)
        return self._process.returncode


async def _reserve(store: SqliteStore, prefix: str, count: int, amount: int) -> list[str]:
    admitted: list[str] = []

    async def one(number: int) -> None:
        with suppress(BudgetExceededError):
            made = await store.ledger.reserve(hold(f"{prefix}{number}", amount))
            admitted.append(made.id)

    await asyncio.gather(*(one(number) for number in range(count)))
    return admitted


async def _obey(store: SqliteStore, words: Sequence[str]) -> object:
    match words:
        case ["reserve", prefix, count, amount]:
            return await _reserve(store, prefix, int(count), int(amount))
        case ["settle", reservation, cost]:
            return await store.ledger.settle(settlement(reservation, int(cost)))
        case ["recover"]:
            return await store.ledger.recover()
        case _:
            raise AssertionError(words)


async def _serve(path: Path) -> None:
    store = await SqliteStore.open(path, SystemClock(), busy_timeout_s=10)
    print(json.dumps("open"), flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        if line == "close\n":
            await store.close()
            return
        print(json.dumps(await _obey(store, line.split())), flush=True)
    os._exit(1)


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1])))
