"""A thousand streams at once, ten chunks a second each: how late each chunk is, and the memory."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Final

from tests.benchmarks.bench import Bench
from tests.benchmarks.load import Result
from tests.benchmarks.measure import Case, System, load_of, run_load
from tests.benchmarks.servers import CHAT, nginx_path, start_nginx
from tests.benchmarks.upstream import SLOW_CHUNKS, SLOW_PACE_S

STREAMS: Final = 1000
SAMPLE_S: Final = 0.5


def run(bench: Bench) -> None:
    """Measure it through nginx, or else going direct, and through Pouch."""
    seconds = SLOW_CHUNKS * SLOW_PACE_S
    bench.report.heading("Open streams")
    bench.report.note(
        f"{STREAMS:,} streams begun within a second, a chunk every {SLOW_PACE_S * 1000:.0f} ms for "
        f"{seconds:.0f} s. Lateness is from the moment that the provider writes a chunk, which the "
        "chunk says, to the moment that the client has it, in milliseconds."
    )
    if nginx := nginx_path():
        server, url = start_nginx(nginx, bench.new_folder("nginx"), bench.upstream, bench.core)
        system = System("nginx", url, server)
        rows = [_row(system, *_measured(bench, system))]
        server.stop()
    else:
        direct = System("direct", f"http://127.0.0.1:{bench.upstream}{CHAT}")
        rows = [_row(direct, *_measured(bench, direct))]
    with bench.pouch() as (_, system):
        result, rss = _measured(bench, system)
        rows.append(_row(system, result, rss))
    bench.report.table(
        ["system", "late p50", "late p99", "late max", "CPU us per chunk", "core busy", "RSS MB"],
        rows,
    )
    bench.report.at_most("a chunk's lateness, p99", result.late_p99_s * 1000, 50, "ms")
    bench.report.at_most(f"RSS with {STREAMS:,} open streams", rss, 200, "MB")


def _measured(bench: Bench, system: System) -> tuple[Result, float]:
    """What the load generator saw, and the most memory at any moment."""
    load = dataclasses.replace(load_of(system, Case("slow", STREAMS, STREAMS)), spread_s=1)
    most = 0.0
    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(run_load, load, {bench.other}, f"{system.name}, open streams")
        while not running.done():
            if system.server:
                most = max(most, system.server.rss_mb())
            wait([running], SAMPLE_S)
        return running.result(), most


def _row(system: System, result: Result, rss: float) -> list[str]:
    cpu_s = sum(result.cpu_s)
    return [
        system.name,
        *(f"{s * 1000:,.1f}" for s in (result.late_p50_s, result.late_p99_s, result.late_max_s)),
        f"{cpu_s / (STREAMS * SLOW_CHUNKS) * 1e6:,.1f}" if system.server else "",
        f"{cpu_s / result.elapsed_s:.0%}" if system.server else "",
        f"{rss:,.0f}" if system.server else "",
    ]
