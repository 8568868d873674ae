"""``pouch drill`` on real processes: it finds what is well, what is broken, and leaves nothing."""

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 120
CONFIG = """
server: {server}
providers:
  vendor: {{use: openai, api_key: "${{DRILLED_VENDOR_KEY}}"}}
models:
  gpt-4o-mini: vendor/gpt-4o-mini
  o4-mini: vendor/o4-mini
  oddity: vendor/a-model-without-a-price
settlement: {{drain_s: 5}}
middlewares:
  - {{use: rate_limit, requests: 60, per_s: 60}}
  - {{use: budget_reset}}
  - {{use: key_validation}}
{steps}
"""
RESERVING = "  - {use: usage_tracking}"


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    return folder


def command(folder: Path, steps: str, *options: str, server: str = "{workers: 1}") -> list[str]:
    config = folder / "pouch.yaml"
    config.write_text(CONFIG.format(steps=steps, server=server), encoding="utf-8")
    return [sys.executable, "-m", "pouch.cli", "drill", "--config", str(config), *options]


def environ(temporary: Path) -> dict[str, str]:
    without_keys = {name: value for name, value in os.environ.items() if "KEY" not in name}
    return {**without_keys, "TMPDIR": str(temporary)}


def drill(
    folder: Path,
    temporary: Path,
    steps: str = RESERVING,
    *options: str,
    server: str = "{workers: 1}",
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(folder, steps, *options, server=server),
        cwd=ROOT,
        env=environ(temporary),
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_S,
    )


def states(output: str) -> dict[str, str]:
    found = re.findall(r"^(\S[\w ,]+?) {2,}(kept|BROKEN|not tried) ", output, re.MULTILINE)
    return dict(found)


def test_a_sound_configuration_keeps_every_promise_through_kills(
    tmp_path: Path, temporary: Path
) -> None:
    options = ("--seed", "7", "--requests", "120", "--kills", "2")
    ran = drill(tmp_path, temporary, RESERVING, *options)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert states(ran.stdout) == dict.fromkeys(
        (
            "Reserved before sent",
            "Never over",
            "Exactly once",
            "The books balance",
            "No price, no call",
            "Fail closed",
            "Secrets stay",
            "What is cut looks cut",
        ),
        "kept",
    )
    assert "2 kills; ended as:" in ran.stdout
    assert "120/120 requests" in ran.stderr
    last = ran.stdout.splitlines()[-1]
    assert last.startswith("replay with: pouch drill --seed 7 --requests 120 --kills 2 --config ")
    assert list(temporary.iterdir()) == []


def test_several_workers_are_killed_and_drilled_together(tmp_path: Path, temporary: Path) -> None:
    options = ("--seed", "8", "--requests", "60", "--kills", "1")
    ran = drill(tmp_path, temporary, RESERVING, *options, server="{workers: 2}")
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize(
    ("steps", "broken"),
    [
        (
            RESERVING + "\n  - {use: 'tests.drill.sabotage:DENIAL'}",
            {"Exactly once"},
        ),
        (
            RESERVING + "\n  - {use: 'tests.drill.sabotage:FLATTERY'}",
            {"What is cut looks cut"},
        ),
        (
            "  - {use: 'tests.drill.sabotage:CHATTER'}\n" + RESERVING,
            {"Secrets stay"},
        ),
        (
            "  - {use: 'tests.drill.sabotage:DISCOUNT'}\n" + RESERVING,
            {"Reserved before sent", "No price, no call", "Fail closed"},
        ),
    ],
    ids=["denies what was sent", "mends cut answers", "logs secrets", "hides prices"],
)
def test_a_step_that_breaks_a_promise_is_found_out(
    tmp_path: Path, temporary: Path, steps: str, broken: set[str]
) -> None:
    ran = drill(tmp_path, temporary, steps, "--seed", "3", "--requests", "60", "--kills", "0")
    assert ran.returncode == 1
    found = {promise for promise, state in states(ran.stdout).items() if state == "BROKEN"}
    assert broken <= found, ran.stdout
    assert "replay with: pouch drill --seed 3 " in ran.stdout


def test_an_unmetered_chain_is_told_which_promise_it_gives_up(
    tmp_path: Path, temporary: Path
) -> None:
    options = ("--seed", "3", "--requests", "60", "--kills", "0")
    ran = drill(tmp_path, temporary, "", *options, server="{allow_unmetered: true}")
    assert ran.returncode == 1
    assert states(ran.stdout)["Reserved before sent"] == "BROKEN"
    told = " ".join(ran.stdout.split())
    assert "no enabled step reserves money, so this configuration gives the promise up" in told


def test_a_configuration_that_would_not_start_is_not_drilled(
    tmp_path: Path, temporary: Path
) -> None:
    ran = drill(tmp_path, temporary, "  - {use: usage_trucking}")
    assert ran.returncode == 1
    assert "no middleware 'usage_trucking'" in ran.stderr
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_the_server_does_not_outlive_its_drill(
    tmp_path: Path, temporary: Path, how: signal.Signals
) -> None:
    arguments = command(tmp_path, RESERVING, "--requests", "5000")
    with subprocess.Popen(
        arguments,
        cwd=ROOT,
        env=environ(temporary),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as running:
        server = _started_server(psutil.Process(running.pid))
        running.send_signal(how)
        running.wait(LIMIT_S)
    server.wait(30)
    assert not server.is_running()
    if how is signal.SIGINT:
        assert running.returncode == 130
        assert list(temporary.iterdir()) == []


def _started_server(running: psutil.Process) -> psutil.Process:
    """The process that serves, as soon as there is one."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for child in running.children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                if child.cmdline()[1:4] == ["-m", "pouch.cli", "serve"]:
                    return child
        time.sleep(0.02)
    raise AssertionError("no server was started")
