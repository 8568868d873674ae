"""Memory over many requests: flat from the first ten thousand on, or not."""

import statistics
from typing import Final

from tests.benchmarks.bench import Bench
from tests.benchmarks.measure import Case, measure

SLICE: Final = 10_000
CONNECTIONS: Final = 64
SHOWN: Final = 11


def run(bench: Bench, requests: int) -> None:
    """Sample the memory after every slice, and fit a line through all but the first sample."""
    case = Case("whole", CONNECTIONS, SLICE)
    rss: list[float] = []
    cpu: list[float] = []
    with bench.pouch() as (pouch, system):
        for _ in range(max(requests // SLICE, 3)):
            cpu.append(measure(system, case, bench.other).cpu_us)
            rss.append(pouch.server.rss_mb())
        database_mb = pouch.database.stat().st_size / 1e6
    slope, _ = statistics.linear_regression(range(1, len(rss)), rss[1:])
    per_million = slope * 1e6 / SLICE
    report = bench.report
    report.heading(f"Memory over {len(rss) * SLICE:,} requests")
    step = max((len(rss) - 1) // (SHOWN - 1), 1)
    report.table(
        ["requests", "RSS MB", "CPU us per request"],
        [
            [f"{(at + 1) * SLICE:,}", f"{rss[at]:,.1f}", f"{cpu[at]:,.0f}"]
            for at in range(0, len(rss), step)
        ],
    )
    report.note(
        f"The line through all samples but the first rises by {per_million:+.1f} MB per million "
        f"requests; highest {max(rss):,.1f} MB. The database has {database_mb:,.0f} MB."
    )
    growth = rss[-1] - rss[0]
    report.at_most("RSS grown from the first 10,000 requests to the last", growth, 10, "MB")
