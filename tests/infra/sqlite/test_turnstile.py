"""Writers of one database take turns, and none waits for a turn that does not come."""

import errno
import fcntl
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from pouch.infra.sqlite.turnstile import Turnstile

DEADLINE_S = 10

HOLD = """
import sys
from pathlib import Path
from pouch.infra.sqlite.turnstile import Turnstile
with Turnstile(Path(sys.argv[1])):
    print("mine", flush=True)
    sys.stdin.readline()
"""


def wait_until_somebody_waits(folder: Path) -> None:
    descriptor = os.open(folder / "gate", os.O_RDWR)
    deadline = time.monotonic() + DEADLINE_S
    try:
        while time.monotonic() < deadline:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        raise AssertionError("nobody waits")
    finally:
        os.close(descriptor)


def test_who_waits_comes_before_the_one_that_comes_again(tmp_path: Path) -> None:
    often, seldom = Turnstile(tmp_path), Turnstile(tmp_path)
    turns: list[str] = []

    def once() -> None:
        with seldom:
            turns.append("seldom")

    other = threading.Thread(target=once)
    with often:
        turns.append("often")
        other.start()
        wait_until_somebody_waits(tmp_path)
    with often:
        turns.append("often")
    other.join(DEADLINE_S)
    assert turns == ["often", "seldom", "often"]


def test_a_turn_that_does_not_come_is_not_waited_for(tmp_path: Path) -> None:
    with Turnstile(tmp_path), Turnstile(tmp_path, looks=3):
        pass
    with Turnstile(tmp_path, looks=1):
        pass


def test_a_kernel_without_locks_to_spare_stops_no_transaction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", no_locks)
    applied = False
    with Turnstile(tmp_path):
        applied = True
    assert applied


def test_a_process_that_dies_gives_its_turn_back(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "mine\n"
    descriptor = os.open(tmp_path / "turn", os.O_RDWR)
    try:
        holder.kill()
        holder.communicate(timeout=DEADLINE_S)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        os.close(descriptor)
