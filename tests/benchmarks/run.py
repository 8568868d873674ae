"""``make bench``: what the gateway costs and adds, beside going direct and nginx, in one run.

Each system alone on one core; a scripted provider and the load generator on another. CPU is the
system's own, by the scheduler's account. Fails if a request failed or books do not balance; a
missed target is reported. These machines are noisy, so read the ratios.
"""

import argparse
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.benchmarks.accounting import Neighbours
from tests.benchmarks.bench import Bench
from tests.benchmarks.gateway import NotProvenError
from tests.benchmarks.measure import FailedRequestError
from tests.benchmarks.report import Report
from tests.benchmarks.scenarios import (
    comparison,
    curves,
    open_streams,
    peers,
    profile,
    prompts,
    soak,
    start,
    workers,
)
from tests.benchmarks.servers import start_upstream

DEFAULT: Final[dict[str, Callable[[Bench], None]]] = {
    "comparison": comparison.run,
    "prompts": prompts.run,
    "start": start.run,
    "workers": workers.run,
    "open_streams": open_streams.run,
}


def main() -> int:
    """Run what was asked for; the exit code."""
    arguments = _arguments()
    # Whoever ends it ends what it has started too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    cores = sorted(os.sched_getaffinity(0))
    report, neighbours = Report(), Neighbours()
    with tempfile.TemporaryDirectory(prefix="pouch-bench-") as name:
        folder = Path(name)
        upstream, port = start_upstream(folder, cores[-1])
        bench = Bench(folder, cores[0], cores[-1], port, report)
        try:
            for scenario in _scenarios(arguments):
                scenario(bench)
        except (FailedRequestError, NotProvenError) as error:
            sys.stderr.write(f"FAILED: {error}\n")
            return 1
        finally:
            upstream.stop()
        report.note(
            f"`pouch verify` after each of the {len(bench.proofs)} Pouches measured: the books "
            "balance. No request failed. Meanwhile other programs, or other machines on the same "
            f"processor, kept {neighbours.cores():.2f} of the {len(cores)} cores busy."
        )
    report.finish()
    if arguments.markdown:
        report.write_into(arguments.markdown)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure Pouch.")
    parser.add_argument("--only", nargs="*", choices=DEFAULT, help="of what is measured by default")
    parser.add_argument("--curves", action="store_true", help="the cost as load grows")
    parser.add_argument("--peers", action="store_true", help="LiteLLM and Portkey beside it")
    parser.add_argument("--profile", action="store_true", help="where the time goes")
    parser.add_argument("--soak", type=int, metavar="N", help="memory over so many requests")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="where to write the tables")
    return parser.parse_args()


def _scenarios(arguments: argparse.Namespace) -> list[Callable[[Bench], None]]:
    chosen = dict(DEFAULT)
    if arguments.only is not None:
        chosen = {name: chosen[name] for name in arguments.only}
    if arguments.peers:
        chosen["comparison"] = peers.run
    found = list(chosen.values())
    if arguments.curves:
        found.append(curves.run)
    if arguments.profile:
        found.append(profile.run)
    if arguments.soak:
        found.append(lambda bench: soak.run(bench, arguments.soak))
    return found


if __name__ == "__main__":
    sys.exit(main())
