"""The ledger without a gateway: one process that reserves and settles as fast as it can.

``python -m tests.benchmarks.ledger_alone DATABASE TASKS SECONDS NAME`` says ``ready``, begins when
it reads a line, and prints a ``Rate`` as JSON. Each task reserves in a pouch, then settles; both
are durable before it goes on.
"""

import asyncio
import dataclasses
import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pouch.infra.clock import SystemClock
from pouch.infra.sqlite import SqliteStore
from tests.benchmarks import accounting
from tests.benchmarks.load import quantile
from tests.benchmarks.servers import ROOT, on_cores
from tests.infra.sqlite.books import hold, pouch, settlement


@dataclass(frozen=True, slots=True)
class Rate:
    """Reservations with their settlements a second; how long a reservation took."""

    per_second: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    cpu_us: float


async def _work(store: SqliteStore, name: str, until: float, numbers: Iterator[int]) -> list[float]:
    took = []
    while time.perf_counter() < until:
        started = time.perf_counter()
        made = await store.ledger.reserve(hold(f"{name}-{next(numbers):012}", 1000, of=name))
        took.append((time.perf_counter() - started) * 1000)
        await store.ledger.settle(settlement(made.id, 400))
    return took


async def main(path: Path, tasks: int, seconds: float, name: str) -> Rate:
    store = await SqliteStore.open(path, SystemClock())
    await store.keys.create_pouch(pouch(name, 10**15))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.readline)
    numbers = itertools.count()
    before, started = accounting.cpu_s(os.getpid()), time.perf_counter()
    until = started + seconds
    all_took = await asyncio.gather(*(_work(store, name, until, numbers) for _ in range(tasks)))
    took = list(itertools.chain.from_iterable(all_took))
    elapsed, used = time.perf_counter() - started, accounting.cpu_s(os.getpid()) - before
    await store.close()
    return Rate(
        len(took) / elapsed,
        quantile(took, 0.5),
        quantile(took, 0.99),
        quantile(took, 1),
        used / len(took) * 1e6,
    )


def run_beside_each_other(path: Path, cores: list[int], tasks: int, seconds: float) -> list[Rate]:
    """A process on each of the cores, all on one database, begun together."""
    command = [sys.executable, "-m", "tests.benchmarks.ledger_alone", str(path)]
    processes = []
    for number, core in enumerate(cores):
        with on_cores({core}):
            process = subprocess.Popen(
                [*command, str(tasks), str(seconds), f"process-{number}"],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        processes.append(process)
    for process in processes:
        assert process.stdout is not None
        if process.stdout.readline() != "ready\n":
            raise RuntimeError("the ledger's process did not start")
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    return [
        Rate(**json.loads(process.communicate(timeout=seconds + 60)[0])) for process in processes
    ]


if __name__ == "__main__":
    arguments = sys.argv[1:]
    rate = asyncio.run(
        main(Path(arguments[0]), int(arguments[1]), float(arguments[2]), arguments[3])
    )
    sys.stdout.write(json.dumps(dataclasses.asdict(rate)) + "\n")
