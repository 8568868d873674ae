"""A prompt of 40 KB, with a budget that holds its bytes as tokens, and one that only holds it
counted exactly: what it costs, and how long the event loop keeps others waiting.
"""

import statistics
import time
from typing import Final

from tests.benchmarks.bench import Bench
from tests.benchmarks.measure import Case, Sample, System, measure, median
from tests.benchmarks.ping import Waits, pinging

PROMPT_BYTES: Final = 40_000
AMPLE: Final = Case("whole", 64, 1500, PROMPT_BYTES)
AMPLE_ALONE: Final = Case("whole", 1, 300, PROMPT_BYTES)
TIGHT: Final = Case("whole", 1, 60, PROMPT_BYTES)
# With a limit of 1,000 tokens, 40 KB as tokens cost 6.6 thousandths of a dollar, counted exactly
# 2.2; each of the 90 answers, a third of them to warm up, costs 0.04.
TIGHT_LIMIT_USD: Final = "0.0062"
ROUNDS: Final = 3
IDLE_S: Final = 2


def run(bench: Bench) -> None:
    """Measure both budgets, three times, and pings to /health beside each."""
    ample: list[Sample] = []
    alone: list[Sample] = []
    tight: list[Sample] = []
    waits: dict[str, list[Waits]] = {"idle": [], "ample": [], "tight": []}
    with bench.pouch() as (pouch, system):
        for _ in range(ROUNDS):
            ample.append(measure(system, AMPLE, bench.other))
            with pinging(pouch.port, pouch.server.process.pid, bench.other) as idle:
                time.sleep(IDLE_S)
            with pinging(pouch.port, pouch.server.process.pid, bench.other) as beside_ample:
                alone.append(measure(system, AMPLE_ALONE, bench.other))
            # The key's budget has no room for the bytes: were it not counted, it would be refused.
            keys = pouch.keys(1, TIGHT_LIMIT_USD)
            poor = System("Pouch, budget tight", system.url, system.server, keys)
            with pinging(pouch.port, pouch.server.process.pid, bench.other) as beside_tight:
                tight.append(measure(poor, TIGHT, bench.other))
            for name, each in zip(waits, (idle, beside_ample, beside_tight), strict=True):
                waits[name].append(each)
    _print(bench, median(ample), [None, median(alone), median(tight)], waits)


def _print(
    bench: Bench, ample: Sample, samples: list[Sample | None], waits: dict[str, list[Waits]]
) -> None:
    report = bench.report
    report.heading("A prompt of 40 KB")
    report.note(
        f"With 64 connections and an ample budget {ample.cpu_us:,.0f} us of CPU per request. With "
        "one connection, and pings to `/health` over another one, whose waits, in milliseconds, "
        "show how long the event loop does nothing else; `loop ran` is the longest that its thread "
        "ran without once going to sleep, by the kernel's account and so without the waits for a "
        "core; medians of three:"
    )
    rows = []
    for (name, several), sample in zip(waits.items(), samples, strict=True):
        rows.append(
            [
                {"idle": "no other request", "ample": "budget ample", "tight": "counted exactly"}[
                    name
                ],
                f"{sample.cpu_us:,.0f}" if sample else "",
                f"{sample.p50_us:,.0f}" if sample else "",
                f"{sum(each.count for each in several):,}",
                f"{statistics.median(each.p50_ms for each in several):.2f}",
                f"{statistics.median(each.p99_ms for each in several):.2f}",
                f"{statistics.median(each.max_ms for each in several):.2f}",
                f"{statistics.median(each.longest_run_ms for each in several):.2f}",
            ]
        )
    columns = [
        "beside",
        "CPU us",
        "p50 us",
        "pings",
        "ping p50",
        "ping p99",
        "ping max",
        "loop ran",
    ]
    report.table(columns, rows)
    report.at_most("CPU per request, 40 KB prompt, budget ample", ample.cpu_us, 450, "us")
    longest = statistics.median(each.longest_run_ms for each in waits["tight"])
    report.at_most("longest run of the event loop while prompts are counted", longest, 10, "ms")
