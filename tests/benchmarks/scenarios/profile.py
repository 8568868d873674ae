"""Where the time of the serving process goes, by samples of its threads' Python stacks.

py-spy is run from where it is installed, else from a throw-away environment. A sample belongs to
the innermost frame that a part below claims; time in the kernel belongs to whoever called.
"""

import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.benchmarks.bench import Bench
from tests.benchmarks.measure import Case, measure

SECONDS: Final = 8
RATE_HZ: Final = 500
CASES: Final = (Case("whole", 64, 6000), Case("stream", 64, 1500))
PARTS: Final = {
    "ledger, in the writer's thread": r"pouch/infra/sqlite/",
    "logging, in its thread": r"logging/|pouch/infra/logging",
    "client to the provider": r"pouch/infra/http/|httptools",
    "httpx objects": r"site-packages/httpx/",
    "steps": r"(pouch/)?middlewares/",
    "provider": r"(pouch/)?providers/",
    "Sanic": r"site-packages/sanic",
    "API: authentication, parsing, relay": r"pouch/api/",
    "service: chain, exchange, meter, settlement": r"pouch/service/",
    "domain: prices, money": r"pouch/domain/",
    "token counting": r"pouch/infra/",
    "event loop": r"asyncio/|uvloop|concurrent/",
}
FUNCTIONS_SHOWN: Final = 12
# Threads that wait for work, which py-spy does not always know from such as run.
_WAITING: Final = re.compile(
    r"(_worker|_connection_worker_thread|(QueueListener\.)?dequeue|(Condition\.)?wait"
    r"|_Output\._run|WorkerThread\._run) "
)
_FRAME: Final = re.compile(r"(?P<name>.+) \((?P<path>[^()]+?)(:\d+)?\)")


def run(bench: Bench) -> None:
    """A table of parts for each case, and the functions that have most by themselves."""
    spy = _py_spy(bench.folder)
    if spy is None:
        bench.report.note("py-spy cannot be installed, so there is no profile.")
        return
    bench.report.heading("Where the time goes")
    shares: list[Counter[str]] = []
    functions: list[Counter[str]] = []
    for case in CASES:
        stacks = _stacks(bench, spy, case)
        shares.append(_counted(stacks, _part))
        functions.append(_counted(stacks, _function))
    bench.report.note(
        f"Samples of running threads, {RATE_HZ} a second for {SECONDS} s, 64 connections."
    )
    columns = ["", *("whole answers" if c.kind == "whole" else "streams" for c in CASES)]
    for counters, shown in ((shares, len(PARTS)), (functions, FUNCTIONS_SHOWN)):
        totals = [sum(counter.values()) or 1 for counter in counters]
        names = [name for name, _ in sum(counters, Counter()).most_common(shown + 1)]
        rows = [
            [name, *(f"{c[name] / t:.1%}" for c, t in zip(counters, totals, strict=True))]
            for name in names
        ]
        bench.report.table(columns, rows)
        columns = ["function, by itself", *columns[1:]]


def _py_spy(folder: Path) -> str | None:
    beside = Path(sys.executable).with_name("py-spy")
    if found := shutil.which("py-spy") or (str(beside) if beside.exists() else None):
        return found
    environment = folder / "py-spy"
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    command = [str(environment / "bin" / "pip"), "install", "--quiet", "py-spy"]
    done = subprocess.run(command, check=False)
    return None if done.returncode else str(environment / "bin" / "py-spy")


def _stacks(bench: Bench, spy: str, case: Case) -> list[tuple[list[str], int]]:
    """Stacks, outermost frame first, and how often each was seen."""
    output = bench.new_folder("profile")
    with bench.pouch() as (pouch, system):
        pid = str(pouch.server.process.pid)
        # By the time that it begins to sample, the load has begun.
        command = [spy, "record", "--format", "raw", "--full-filenames", "--output", str(output)]
        command += ["--rate", str(RATE_HZ), "--duration", str(SECONDS), "--pid", pid]
        with subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        ) as recording:
            while recording.poll() is None:
                measure(system, case, bench.other)
            assert recording.stderr is not None
            if recording.returncode:
                raise RuntimeError(f"py-spy: {recording.stderr.read()}")
    stacks = []
    for line in output.read_text(encoding="utf-8").splitlines():
        stack, _, count = line.rpartition(" ")
        frames = stack.split(";")
        if not _WAITING.match(frames[-1]):
            stacks.append((frames, int(count)))
    return stacks


def _counted(stacks: list[tuple[list[str], int]], name: Callable[[list[str]], str]) -> Counter[str]:
    counted: Counter[str] = Counter()
    for stack, count in stacks:
        counted[name(stack)] += count
    return counted


def _part(stack: list[str]) -> str:
    for frame in reversed(stack):
        for part, pattern in PARTS.items():
            if re.search(pattern, frame):
                return part
    return "other"


def _function(stack: list[str]) -> str:
    found = _FRAME.fullmatch(stack[-1])
    if found is None:
        return stack[-1]
    return f"`{found['name']}`, {'/'.join(Path(found['path']).parts[-2:])}"
