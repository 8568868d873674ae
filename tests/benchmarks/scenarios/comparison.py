"""Pouch beside going direct, nginx, Sanic alone and stock httpx: rounds interleaved, medians.

Every round starts every system anew, since two launches of one program can differ by a third.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Final, TypeAlias

from tests.benchmarks.bench import Bench
from tests.benchmarks.gateway import Settings
from tests.benchmarks.measure import (
    Case,
    FailedRequestError,
    Sample,
    System,
    measure,
    median,
)
from tests.benchmarks.servers import CHAT, nginx_path, start_nginx, start_sanic

ROUNDS: Final = 3
CASES: Final = (
    Case("whole", 1, 1000),
    Case("whole", 8, 3000),
    Case("whole", 64, 8000),
    Case("stream", 1, 300),
    Case("first", 1, 300),
    Case("stream", 64, 1500),
    Case("limited", 64, 1000),
    Case("paced", 64, 64),
)
SATURATED: Final = 0.9
# Characters of what a foreign system that fails has to say.
WHY_MAX: Final = 120

Launch: TypeAlias = Callable[[], AbstractContextManager[System]]
Figures: TypeAlias = dict[tuple[str, str], Sample]
"""The medians, by the names of a case and a system."""


@dataclass(frozen=True, slots=True)
class Entrant:
    """A system to compare, and how much to ask of it: all cases, or only some of them, shorter.

    A foreign one may fail requests, which is told.
    """

    name: str
    launch: Launch
    cases: tuple[Case, ...] = CASES
    foreign: bool = False


def entrants(bench: Bench) -> list[Entrant]:
    """Those that need nothing but what is installed."""

    @contextmanager
    def direct() -> Iterator[System]:
        yield System("direct", f"http://127.0.0.1:{bench.upstream}{CHAT}")

    @contextmanager
    def sanic() -> Iterator[System]:
        server, url = start_sanic(bench.new_folder("sanic"), bench.core)
        yield System("Sanic alone", url, server)
        server.stop()

    whole = tuple(case for case in CASES if case.kind == "whole")
    few = (Case("whole", 1, 200), Case("whole", 64, 1500), Case("stream", 64, 400))
    normal, stock = Settings(synchronous="normal"), Settings(transport="httpx")
    found = [Entrant("direct", direct)]
    if nginx := nginx_path():
        found.append(Entrant("nginx", lambda: _nginx(bench, nginx)))
    else:
        bench.report.note("nginx is not installed, so there is nothing to compare with.")
    return [
        *found,
        Entrant("Sanic alone", sanic, whole),
        Entrant("Pouch", lambda: _pouch(bench, "Pouch", Settings())),
        Entrant("Pouch NORMAL", lambda: _pouch(bench, "Pouch NORMAL", normal)),
        Entrant("Pouch httpx", lambda: _pouch(bench, "Pouch httpx", stock), few),
    ]


@contextmanager
def _nginx(bench: Bench, path: str) -> Iterator[System]:
    server, url = start_nginx(path, bench.new_folder("nginx"), bench.upstream, bench.core)
    yield System("nginx", url, server)
    server.stop()


@contextmanager
def _pouch(bench: Bench, name: str, settings: Settings) -> Iterator[System]:
    with bench.pouch(name, settings) as (_, system):
        yield system


def run(bench: Bench, others: tuple[Entrant, ...] = ()) -> None:
    """Measure all, print the table, and hold it against the targets."""
    bench.report.heading("Beside others")
    bench.report.note(
        f"Each system alone on core {bench.core}, the provider and the load generator on core "
        f"{bench.other}; medians of {ROUNDS} rounds, each with new processes. The `+` columns are "
        "over going direct. A system whose core was not busy was waiting for the load generator: "
        "its CPU time counts, its requests a second do not."
    )
    rows = [*entrants(bench), *others]
    samples: dict[tuple[str, str], list[Sample]] = {}
    failed: dict[str, None] = {}
    for number in range(ROUNDS):
        for entrant in _rotated(rows, number):
            with entrant.launch() as system:
                for case in entrant.cases:
                    try:
                        sample = measure(system, case, bench.other)
                    except FailedRequestError as error:
                        if not entrant.foreign:
                            raise
                        failed[" ".join(str(error).split())[:WHY_MAX]] = None
                    else:
                        samples.setdefault((case.name, entrant.name), []).append(sample)
    for why in failed:
        bench.report.note(f"Left out, since it failed: {why} ...")
    figures = {which: median(several) for which, several in samples.items()}
    _print(bench, [entrant.name for entrant in rows], figures)
    _judge(bench, figures)


def _rotated(rows: list[Entrant], by: int) -> list[Entrant]:
    by %= len(rows)
    return rows[by:] + rows[:by]


def _print(bench: Bench, names: list[str], figures: Figures) -> None:
    cells = []
    for case in CASES:
        nginx, direct = figures.get((case.name, "nginx")), figures[case.name, "direct"]
        for name in names:
            if sample := figures.get((case.name, name)):
                ratio = f"{sample.cpu_us / nginx.cpu_us:.1f}" if nginx and sample.cpu_us else ""
                cells.append([f"{case.name}: {name}", *_row(sample, direct, case, ratio)])
    columns = ["connections: system", "req/s", "CPU", "x nginx", "CPU per chunk"]
    bench.report.table([*columns, "core busy", "+ p50", "+ p99", "+ first byte"], cells)


def _row(sample: Sample, direct: Sample, case: Case, ratio: str) -> list[str]:
    has_cpu, paced = sample.cpu_us > 0, case.kind == "paced"
    added = (
        sample.p50_us - direct.p50_us,
        sample.p99_us - direct.p99_us,
        sample.first_p50_us - direct.first_p50_us,
    )
    return [
        f"{sample.per_second:,.0f}",
        f"{sample.cpu_us:,.0f}" if has_cpu else "",
        ratio,
        f"{sample.cpu_us / case.chunks:,.1f}" if has_cpu and case.chunks > 1 else "",
        f"{sample.busy:.0%}" if has_cpu else "",
        *(f"{each:,.0f}" if has_cpu and not paced else "" for each in added),
    ]


def _judge(bench: Bench, figures: Figures) -> None:
    report = bench.report
    for kind, most_us, most_ratio in (("whole", 280, 12), ("stream", 520, 1.4), ("paced", 58, 3)):
        case = next(c for c in CASES if c.kind == kind and c.connections == 64)
        unit = case.chunks if kind == "paced" else 1
        pouch = figures[case.name, "Pouch"].cpu_us
        what = {"whole": "request", "stream": "stream of 64", "paced": "event of a paced stream"}
        report.at_most(f"CPU per {what[kind]}, 64 connections", pouch / unit, most_us, "us")
        if nginx := figures.get((case.name, "nginx")):
            report.at_most("the same, over nginx", pouch / nginx.cpu_us, most_ratio, "x")
    direct, whole = figures["whole, 1", "direct"], "whole, 1"
    normal = figures[whole, "Pouch NORMAL"]
    p50, p99 = normal.p50_us - direct.p50_us, normal.p99_us - direct.p99_us
    report.at_most("added at 1 connection, p50, NORMAL", p50 / 1000, 0.6, "ms")
    report.at_most("added at 1 connection, p99, NORMAL", p99 / 1000, 3, "ms")
    first = [figures["first, 1", name].first_p50_us for name in ("Pouch NORMAL", "direct")]
    added = (first[0] - first[1]) / 1000
    report.at_most("time to first chunk added, p50, NORMAL", added, 0.6, "ms")
    busy = figures["whole, 64", "Pouch"].busy
    if busy < SATURATED:
        report.note(
            f"At 64 connections Pouch had its core for {busy:.0%} of the time only: something else "
            "ran on it, or the load generator was too slow."
        )
