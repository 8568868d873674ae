"""``make bench``: what the gateway adds, measured beside going direct, in one run.

The gateway alone on one core; a scripted provider and the load generator on another. CPU is the
gateway's own, by the operating system's account. Rounds of direct and gateway alternate, and the
medians are printed: these machines are noisy, so read the ratios.
"""

import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from tests.benchmarks.upstream import CHUNKS

ROUNDS: Final = 3
START_S: Final = 30
ROOT: Final = Path(__file__).resolve().parents[2]

CONFIG: Final = """
server: {{port: {port}, concurrent_requests_max: 2000}}
store: {{url: "sqlite:///bench.db", synchronous: {synchronous}}}
http: {{transport: {transport}}}
providers:
  bench: {{use: openai, base_url: "http://127.0.0.1:{upstream}/v1", requires_key: false}}
models:
  bench: bench/bench
  bench-paced: bench/bench-paced
pricing:
  tables:
    bench: {{"*": {{input: "0.15", output: "0.60", max_output_tokens: 16384}}}}
middlewares:
  - {{use: rate_limit, requests: 1000000000, per_s: 60}}
  - {{use: budget_reset}}
  - {{use: key_validation}}
  - {{use: usage_tracking}}
"""


@dataclass(frozen=True, slots=True)
class Case:
    """One row of the table."""

    kind: str
    connections: int
    requests: int

    @property
    def name(self) -> str:
        return f"{self.kind} c={self.connections}"


CASES: Final = (
    Case("whole", 1, 1000),
    Case("whole", 8, 4000),
    Case("whole", 64, 8000),
    Case("stream", 1, 300),
    Case("stream", 64, 2000),
    Case("paced", 64, 128),
)


@dataclass(frozen=True, slots=True)
class Sample:
    """One run of one case."""

    per_second: float
    p50_us: float
    p99_us: float
    first_p50_us: float
    cpu_us: float


class Server:
    """A child process on a core of its own, ended with this one."""

    def __init__(self, command: Sequence[str], core: int, folder: Path) -> None:
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        os.sched_setaffinity(self.process.pid, {core})

    def read_until(self, pattern: str) -> str:
        assert self.process.stdout is not None
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            line = self.process.stdout.readline()
            if found := re.search(pattern, line):
                return found.group(1)
            if not line:
                break
        raise RuntimeError("a server did not start")

    def cpu_s(self) -> float:
        times = psutil.Process(self.process.pid).cpu_times()
        return float(times.user + times.system)

    def rss_mb(self) -> float:
        return float(psutil.Process(self.process.pid).memory_info().rss) / 2**20

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(START_S)


def measure(url: str, key: str, case: Case, core: int, server: Server | None) -> Sample:
    before = server.cpu_s() if server else 0.0
    command = [sys.executable, "-m", "tests.benchmarks.load", url, key, case.kind]
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
        raise RuntimeError(f"{case.name}: {done.stderr[-2000:]}")
    result = json.loads(done.stdout)
    if result["failures"]:
        raise RuntimeError(f"{case.name}: {result['failures']}")
    used = (server.cpu_s() - before) if server else 0.0
    latencies = result["latencies_s"]
    return Sample(
        per_second=result["requests"] / result["elapsed_s"],
        p50_us=statistics.median(latencies) * 1e6,
        p99_us=latencies[int(len(latencies) * 0.99)] * 1e6,
        first_p50_us=statistics.median(result["first_bytes_s"]) * 1e6,
        cpu_us=used / result["requests"] * 1e6,
    )


def median(samples: Sequence[Sample]) -> Sample:
    return Sample(
        *(
            statistics.median(getattr(sample, name) for sample in samples)
            for name in Sample.__dataclass_fields__
        )
    )


def report(case: Case, direct: Sample, gateway: Sample) -> str:
    chunks = f"{gateway.per_second * CHUNKS:9,.0f}" if case.kind != "whole" else " " * 9
    return (
        f"{case.name:13} {direct.per_second:9,.0f} {gateway.per_second:9,.0f} "
        f"{gateway.cpu_us:8,.0f} {gateway.p50_us - direct.p50_us:9,.0f} "
        f"{gateway.p99_us - direct.p99_us:9,.0f} "
        f"{gateway.first_p50_us - direct.first_p50_us:9,.0f} {chunks}"
    )


def start_gateway(folder: Path, upstream: int, **options: str) -> tuple[Server, str, str]:
    """A gateway with a key that has a budget: the server, its chat URL, the key."""
    port = free_port()
    config = folder / "pouch.yaml"
    config.write_text(CONFIG.format(port=port, upstream=upstream, **options), encoding="utf-8")
    pouch = [sys.executable, "-m", "pouch.cli"]
    created = subprocess.run(
        [*pouch, "keys", "create", "bench", "--limit", "1000000", "--config", str(config)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    found = re.search(r"pouch-[\w-]{43}", created.stdout)
    assert found is not None
    server = Server([*pouch, "serve", "--config", str(config)], core=0, folder=folder)
    server.read_until(r"(listens)")
    return server, f"http://127.0.0.1:{port}/v1/chat/completions", found.group()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> None:
    cores = sorted(os.sched_getaffinity(0))
    other = cores[1] if len(cores) > 1 else cores[0]
    out = sys.stdout.write
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        upstream = Server([sys.executable, "-m", "tests.benchmarks.upstream"], other, ROOT)
        port = int(upstream.read_until(r"^(\d+)$"))
        gateway, url, key = start_gateway(folder, port, synchronous="full", transport="lean")
        direct = f"http://127.0.0.1:{port}/v1/chat/completions"
        out(f"gateway on core {cores[0]}, provider and load on core {other}; synchronous=FULL\n")
        out(f"{'':13} {'direct/s':>9} {'pouch/s':>9} {'cpu us':>8} {'+p50 us':>9} ")
        out(f"{'+p99 us':>9} {'+first us':>9} {'chunks/s':>9}\n")
        measure(url, key, Case("whole", 8, 500), other, gateway)
        for case in CASES:
            pairs = [
                (
                    measure(direct, key, case, other, None),
                    measure(url, key, case, other, gateway),
                )
                for _ in range(ROUNDS)
            ]
            out(report(case, median([a for a, _ in pairs]), median([b for _, b in pairs])) + "\n")
            sys.stdout.flush()
        measure(url, key, Case("whole", 64, 10_000), other, gateway)
        out(f"RSS after 10,000 more requests: {gateway.rss_mb():.0f} MB\n")
        status = gateway.stop()
        upstream.stop()
        verified = subprocess.run(
            [sys.executable, "-m", "pouch.cli", "verify", "--config", str(folder / "pouch.yaml")],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        out(f"exit code {status}; {verified.stdout.strip() or verified.stderr.strip()}\n")


if __name__ == "__main__":
    main()
