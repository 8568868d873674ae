"""``make bench``: what the gateway costs and adds, beside going direct and nginx, in one run.

Each system alone on one core; a scripted provider and the load generator on another. CPU is the
system's own, by the operating system's account, microseconds per request. Rounds of all systems
alternate and medians are printed: these machines are noisy, so read the ratios.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.benchmarks.servers import (
    CHAT,
    ROOT,
    Server,
    pouch,
    start_nginx,
    start_pouch,
    start_upstream,
)
from tests.benchmarks.upstream import CHUNKS

ROUNDS: Final = 3


@dataclass(frozen=True, slots=True)
class Case:
    """One row of the table."""

    kind: str
    connections: int
    requests: int

    @property
    def name(self) -> str:
        return f"{self.kind} c={self.connections}"

    @property
    def chunks(self) -> int:
        """Chunks of one answer; 1 for a whole one."""
        return CHUNKS if self.kind != "whole" else 1


CASES: Final = (
    Case("whole", 1, 1000),
    Case("whole", 8, 4000),
    Case("whole", 64, 8000),
    Case("stream", 1, 300),
    Case("stream", 64, 2000),
    Case("paced", 64, 128),
)


@dataclass(frozen=True, slots=True)
class System:
    """What is measured; without a server, going direct."""

    name: str
    url: str
    server: Server | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """One run of one case: requests a second, and microseconds."""

    per_second: float
    p50_us: float
    p99_us: float
    first_p50_us: float
    cpu_us: float


def measure(system: System, key: str, case: Case, core: int) -> Sample:
    """Run the load generator once.

    Raises:
        RuntimeError: a request failed.
    """
    before = system.server.cpu_s() if system.server else 0.0
    command = [sys.executable, "-m", "tests.benchmarks.load", system.url, key, case.kind]
    command += [str(case.connections), str(case.requests)]
    done = subprocess.run(
        command,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
    )
    if done.returncode:
        raise RuntimeError(f"{system.name}, {case.name}: {done.stderr[-2000:]}")
    result = json.loads(done.stdout)
    if result["failures"]:
        raise RuntimeError(f"{system.name}, {case.name}: {result['failures']}")
    used = (system.server.cpu_s() - before) if system.server else 0.0
    return Sample(
        per_second=result["requests"] / result["elapsed_s"],
        p50_us=result["p50_s"] * 1e6,
        p99_us=result["p99_s"] * 1e6,
        first_p50_us=result["first_p50_s"] * 1e6,
        cpu_us=used / result["requests"] * 1e6,
    )


def median(samples: Sequence[Sample]) -> Sample:
    return Sample(
        *(
            statistics.median(getattr(sample, name) for sample in samples)
            for name in Sample.__dataclass_fields__
        )
    )


def table(systems: Sequence[System], key: str, core: int) -> None:
    """Measure every case on every system, and print a line as soon as it is known."""
    say(
        f"{'':14}{'system':14}{'req/s':>8}{'cpu us':>8}{'x nginx':>8}"
        f"{'+p50 us':>9}{'+p99 us':>9}{'+first us':>10}{'chunks/s':>10}{'cpu us/chunk':>13}"
    )
    for case in CASES:
        rounds = [[measure(system, key, case, core) for system in systems] for _ in range(ROUNDS)]
        medians = [median(column) for column in zip(*rounds, strict=True)]
        direct = medians[0]
        nginx = next((m for s, m in zip(systems, medians, strict=True) if s.name == "nginx"), None)
        for system, sample in zip(systems, medians, strict=True):
            ratio = f"{sample.cpu_us / nginx.cpu_us:.1f}" if nginx and sample.cpu_us else ""
            say(
                f"{case.name:14}{system.name:14}{sample.per_second:8,.0f}{sample.cpu_us:8,.0f}"
                f"{ratio:>8}{sample.p50_us - direct.p50_us:9,.0f}"
                f"{sample.p99_us - direct.p99_us:9,.0f}"
                f"{sample.first_p50_us - direct.first_p50_us:10,.0f}"
                f"{sample.per_second * case.chunks:10,.0f}{sample.cpu_us / case.chunks:13,.1f}"
            )


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    cores = sorted(os.sched_getaffinity(0))
    core, other = cores[0], cores[-1]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        upstream, port = start_upstream(other)
        gateway, url, key = start_pouch(folder / "full", port, core)
        normal, normal_url, normal_key = start_pouch(
            folder / "normal", port, core, synchronous="normal"
        )
        stock, stock_url, stock_key = start_pouch(folder / "stock", port, core, transport="httpx")
        nginx = start_nginx(folder / "nginx", port, core)
        direct = System("direct", f"http://127.0.0.1:{port}{CHAT}")
        proxied = [System("nginx", nginx[1], nginx[0])] if nginx else []
        measured = System("pouch", url, gateway)
        say(
            f"each system alone on core {core}, provider and load on core {other}; medians of "
            f"{ROUNDS} rounds; ledger durable (synchronous=FULL)"
        )
        table([direct, *proxied, measured], key, other)
        say("\nbeside it, with synchronous=NORMAL, and with the stock httpx transport:")
        for system, its_key in (
            (System("pouch NORMAL", normal_url, normal), normal_key),
            (System("pouch httpx", stock_url, stock), stock_key),
        ):
            for case in (Case("whole", 1, 500), Case("whole", 64, 2000), Case("stream", 64, 500)):
                sample = measure(system, its_key, case, other)
                say(f"{case.name:14}{system.name:14}{sample.per_second:8,.0f}{sample.cpu_us:8,.0f}")
        measure(measured, key, Case("whole", 64, 10_000), other)
        say(f"\nRSS after 10,000 more requests: {gateway.rss_mb():.0f} MB")
        codes = [server.stop() for server in (gateway, normal, stock)]
        say(f"exit codes {codes}; pouch verify: {pouch(folder / 'full', 'verify').strip()}")
        for server in [upstream, *([nginx[0]] if nginx else [])]:
            server.stop()


if __name__ == "__main__":
    main()
