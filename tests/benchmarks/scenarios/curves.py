"""What a request costs as something grows: connections, keys, the prompt, the ledger."""

from typing import Final

from tests.benchmarks.bench import Bench
from tests.benchmarks.bulk import fill
from tests.benchmarks.measure import Case, Sample, System, measure, median
from tests.benchmarks.servers import nginx_path, start_nginx

ROUNDS: Final = 3
CONNECTIONS: Final = {1: 1000, 8: 3000, 64: 6000, 256: 6000, 1000: 8000}
KEYS: Final = (1, 100, 1000, 10_000)
PROMPTS: Final = {1_000: 5000, 10_000: 4000, 100_000: 1000, 1_000_000: 200}
LEDGER_REQUESTS: Final = 5_000_000
"""Two entries each: a reservation's and its settlement's."""


def run(bench: Bench) -> None:
    bench.report.heading("As load grows")
    bench.report.note("Whole answers; CPU and latency in microseconds; medians of three.")
    _connections(bench)
    _keys(bench)
    _prompts(bench)
    _ledger(bench)


def _repeated(bench: Bench, system: System, case: Case) -> Sample:
    return median([measure(system, case, bench.other) for _ in range(ROUNDS)])


def _row(label: str, sample: Sample) -> list[str]:
    figures = (sample.per_second, sample.cpu_us, sample.p50_us, sample.p99_us)
    return [label, *(f"{figure:,.0f}" for figure in figures)]


def _connections(bench: Bench) -> None:
    cases = [Case("whole", count, requests) for count, requests in CONNECTIONS.items()]
    nginx: list[Sample] = []
    if path := nginx_path():
        server, url = start_nginx(path, bench.new_folder("nginx"), bench.upstream, bench.core)
        nginx = [_repeated(bench, System("nginx", url, server), case) for case in cases]
        server.stop()
    with bench.pouch() as (_, system):
        ours = [_repeated(bench, system, case) for case in cases]
    rows = [
        [
            *_row(f"{case.connections:,}", sample),
            f"{nginx[at].cpu_us:,.0f}" if nginx else "",
            f"{sample.cpu_us / nginx[at].cpu_us:.1f}" if nginx else "",
        ]
        for at, (case, sample) in enumerate(zip(cases, ours, strict=True))
    ]
    columns = ["connections", "req/s", "CPU", "p50", "p99", "nginx's CPU", "x nginx"]
    bench.report.table(columns, rows)


def _keys(bench: Bench) -> None:
    rows = []
    with bench.pouch() as (pouch, system):
        keys = list(system.keys)
        for count in KEYS:
            keys += pouch.keys(count - len(keys))
            several = System(f"Pouch, {count} keys", system.url, system.server, keys)
            # Each key once before, so that all are in the cache.
            measure(several, Case("whole", 64, max(count, 1000)), bench.other)
            rows.append(_row(f"{count:,}", _repeated(bench, several, Case("whole", 64, 10_000))))
    bench.report.table(["keys, in turn", "req/s", "CPU", "p50", "p99"], rows)


def _prompts(bench: Bench) -> None:
    rows = []
    with bench.pouch() as (_, system):
        for size, requests in PROMPTS.items():
            case = Case("whole", 16, requests, size)
            rows.append(_row(f"{size // 1000:,} KB", _repeated(bench, system, case)))
    columns = ["prompt, 16 connections", "req/s", "CPU", "p50", "p99"]
    bench.report.table(columns, rows)


def _ledger(bench: Bench) -> None:
    rows = []
    with bench.pouch() as (pouch, system):
        for filled in (False, True):
            if filled:
                fill(pouch.database, LEDGER_REQUESTS)
            for connections, requests in ((1, 1000), (64, 6000)):
                sample = _repeated(bench, system, Case("whole", connections, requests))
                entries = f"{2 * LEDGER_REQUESTS:,} entries" if filled else "empty"
                rows.append(_row(f"{entries}; {connections}", sample))
        megabytes = pouch.database.stat().st_size / 1e6
    bench.report.table(["ledger; connections", "req/s", "CPU", "p50", "p99"], rows)
    bench.report.note(f"The full ledger's file has {megabytes:,.0f} MB.")
