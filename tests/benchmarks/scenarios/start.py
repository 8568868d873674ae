"""How long ``pouch serve`` takes until it is ready, and ``pouch --help``."""

import http.client
import statistics
import time
from typing import Final

from tests.benchmarks.bench import Bench
from tests.benchmarks.gateway import Pouch, run_command

SERVE_ROUNDS: Final = 5
HELP_ROUNDS: Final = 9
DEADLINE_S: Final = 60


def run(bench: Bench) -> None:
    """Medians; the first start also makes the store, the others open it."""
    cores = {bench.core, bench.other}
    pouch = Pouch(bench.new_folder("start"), bench.upstream, cores)
    ready, proofs = [], []
    for _ in range(SERVE_ROUNDS):
        ready.append(_serve_s(pouch))
        proofs.append(pouch.stop_and_verify())
    bench.proofs.append(proofs[-1])
    helped = [_help_s(bench) for _ in range(HELP_ROUNDS)]
    bench.report.heading("Start")
    bench.report.table(
        ["seconds", "median", "least", "most"],
        [
            ["`pouch serve` until `/ready` says 200, first start", f"{ready[0]:.2f}", "", ""],
            ["`pouch serve` until `/ready` says 200, later", *_three(ready[1:])],
            ["`pouch --help`", *_three(helped)],
        ],
    )
    bench.report.at_most("`pouch serve` to ready", statistics.median(ready[1:]), 1, "s")
    bench.report.at_most("`pouch --help`", statistics.median(helped), 0.2, "s")


def _serve_s(pouch: Pouch) -> float:
    started = time.perf_counter()
    server = pouch.launch()
    while time.perf_counter() - started < DEADLINE_S and server.process.poll() is None:
        if _is_ready(pouch.port):
            return time.perf_counter() - started
        time.sleep(0.005)
    raise RuntimeError("pouch serve did not become ready")


def _is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/ready")
        return connection.getresponse().status == 200
    except (ConnectionError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _help_s(bench: Bench) -> float:
    started = time.perf_counter()
    done = run_command(["--help"], bench.folder)
    assert done.returncode == 0, done.stderr
    return time.perf_counter() - started


def _three(seconds: list[float]) -> list[str]:
    return [f"{each:.2f}" for each in (statistics.median(seconds), min(seconds), max(seconds))]
