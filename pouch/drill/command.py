"""``pouch drill``: from the command line to the exit code."""

import argparse
import asyncio
import secrets
import shlex
import shutil
import sys
import tempfile
import textwrap
from pathlib import Path
from typing import Final

from pouch.drill import report
from pouch.drill.copy import Copy, copy_of
from pouch.drill.findings import Findings
from pouch.drill.judge import State, judge
from pouch.drill.plan import plan
from pouch.drill.server import free_port
from pouch.drill.world import World

SEEDS: Final = 2**32


def drill(arguments: argparse.Namespace) -> int:
    """Drill the configuration that ``arguments`` name; 1 if a promise is broken or was not tried.

    Raises:
        ConfigError: a gateway would not start with it.
        PouchError: the drill itself could not be carried out.
    """
    seed = secrets.randbelow(SEEDS) if arguments.seed is None else arguments.seed
    folder = Path(tempfile.mkdtemp(prefix="pouch-drill-"))
    try:
        return _drill(arguments, seed, folder)
    finally:
        if arguments.keep:
            _say(f"kept: {folder}")
        else:
            shutil.rmtree(folder)


def _drill(arguments: argparse.Namespace, seed: int, folder: Path) -> int:
    port = free_port()
    copy = copy_of(arguments.config, folder, port)
    requests, kills = arguments.requests, arguments.kills
    _say(f"Drilling {arguments.config}: {requests} requests, {kills} kills, seed {seed}.")
    for note in copy.notes:
        _say(textwrap.fill(note, report.WIDTH))
    findings = asyncio.run(_run(copy, port, seed, requests=requests, kills=kills))
    verdicts = judge(findings)
    _say()
    for line in report.table(verdicts):
        _say(line)
    _say()
    for line in report.faults(findings.attempts):
        _say(line)
    _say(f"Promises: {report.summary(verdicts)}.")
    _say(f"replay with: {_replay(arguments, seed)}")
    return 0 if all(verdict.state is State.KEPT for verdict in verdicts) else 1


def _replay(arguments: argparse.Namespace, seed: int) -> str:
    same = ("--requests", arguments.requests, "--kills", arguments.kills)
    words = ["pouch", "drill", "--seed", seed, *same, "--config", arguments.config]
    return shlex.join(map(str, words))


async def _run(copy: Copy, port: int, seed: int, *, requests: int, kills: int) -> Findings:
    world = await World.open(copy, port)
    try:
        planned = plan(seed, copy.models, requests=requests, kills=kills)
        return await world.drill(planned, report.Progress(sys.stderr, requests=requests))
    finally:
        await world.close()


def _say(line: str = "") -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
