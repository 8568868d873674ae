"""One load on one system, and what came of it, in microseconds per request."""

import dataclasses
import json
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tests.benchmarks.load import Load, Result
from tests.benchmarks.servers import ROOT, Server, on_cores
from tests.benchmarks.upstream import CHUNKS, EVENT_BYTES, SLOW_CHUNKS

WARM_UP_MAX: Final = 500
# Stated by the client; 64 chunks have 84 tokens and 430 bytes, a slow stream's 200 far more.
_MAX_TOKENS: Final = {"limited": 100, "slow": 10_000}


class FailedRequestError(Exception):
    """A request of a benchmark was not answered as it must be."""


@dataclass(frozen=True, slots=True)
class System:
    """What is measured; without a server, going direct."""

    name: str
    url: str
    server: Server | None = None
    keys: Sequence[str] = ("none",)
    headers: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """One load. ``kind`` is ``whole``, ``stream`` (all at once), ``limited``, ``first`` (a pause
    after the first chunk), ``paced``, ``slow``.

    A limited stream has more bytes than it may have tokens, so that Pouch counts it on its way.
    """

    kind: str
    connections: int
    requests: int
    prompt_bytes: int = 400

    @property
    def name(self) -> str:
        return f"{self.kind}, {self.connections}"

    @property
    def chunks(self) -> int:
        """Chunks of one answer; 1 for a whole one."""
        return {"whole": 1, "slow": SLOW_CHUNKS}.get(self.kind, CHUNKS)


@dataclass(frozen=True, slots=True)
class Sample:
    """Requests a second; microseconds; ``busy`` is the share of its time that it had a core."""

    per_second: float
    p50_us: float
    p99_us: float
    first_p50_us: float
    cpu_us: float
    busy: float


def load_of(system: System, case: Case) -> Load:
    warm_up = 0 if case.kind in {"paced", "slow"} else min(case.requests // 2, WARM_UP_MAX)
    return Load(
        url=system.url,
        keys=system.keys,
        model=f"bench-{case.kind}" if case.kind in {"first", "paced", "slow"} else "bench",
        stream=case.kind != "whole",
        connections=case.connections,
        requests=case.requests,
        warm_up=warm_up,
        prompt_bytes=case.prompt_bytes,
        max_tokens=_MAX_TOKENS.get(case.kind, 1000),
        # A gateway may write an event anew, and shorter.
        body_bytes_min=case.chunks * EVENT_BYTES // 2 if case.kind != "whole" else 100,
        headers=system.headers,
        pids=system.server.pids() if system.server else [],
    )


def run_load(load: Load, cores: set[int], what: str) -> Result:
    """Let the load generator do it, on the given cores.

    Raises:
        FailedRequestError: not every request was answered with a 200, whole.
    """
    with on_cores(cores):
        done = subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.load"],
            cwd=ROOT,
            input=json.dumps(dataclasses.asdict(load)),
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise FailedRequestError(f"{what}: {done.stderr[-2000:]}")
    result = Result(**json.loads(done.stdout))
    if result.failures or result.requests != load.requests:
        raise FailedRequestError(f"{what}: {result.requests} answers; {result.failures}")
    return result


def measure(system: System, case: Case, core: int) -> Sample:
    """Run a case once, with the load generator on ``core``."""
    result = run_load(load_of(system, case), {core}, f"{system.name}, {case.name}")
    return sample_of(result)


def sample_of(result: Result) -> Sample:
    cpu_s = sum(result.cpu_s)
    return Sample(
        per_second=result.requests / result.elapsed_s,
        p50_us=result.p50_s * 1e6,
        p99_us=result.p99_s * 1e6,
        first_p50_us=result.first_p50_s * 1e6,
        cpu_us=cpu_s / result.requests * 1e6,
        busy=cpu_s / result.elapsed_s,
    )


def median(samples: Sequence[Sample]) -> Sample:
    return Sample(
        *(
            statistics.median(getattr(sample, name) for sample in samples)
            for name in Sample.__dataclass_fields__
        )
    )
