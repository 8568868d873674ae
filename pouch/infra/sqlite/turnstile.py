"""Processes that write to one database take turns.

SQLite lets whoever comes next have the lock, and sends the others to sleep for longer and longer:
a busy process can keep one that seldom writes waiting for seconds. Here whoever waits for its turn
holds the gate, through which the one before it has to come again; so each gets a turn between two
of any other's. This is about fairness alone: what keeps the books is SQLite's own lock, so a turn
that does not come is not waited for.
"""

import fcntl
import os
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final

# How often a process looks whether it is its turn.
LOOK_S: Final = 0.0002
# After so many looks, about a second, it goes without: the one that has the turn may be stopped.
LOOKS: Final = 4000


class Turnstile:
    """``with turnstile as waited:`` around each transaction, in the thread that writes."""

    def __init__(self, folder: Path, *, looks: int = LOOKS) -> None:
        """Raises ``OSError`` if the folder cannot be written."""
        self._looks = looks
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._gate = _open(folder / "gate")
        self._turn = _open(folder / "turn")

    def __enter__(self) -> bool:
        """Whether it had to wait."""
        at_gate = _locked(self._gate, self._looks)
        if at_gate is None:
            return False
        at_turn = _locked(self._turn, self._looks)
        _unlock(self._gate)
        return bool(at_gate or at_turn)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        _unlock(self._turn)

    def close(self) -> None:
        """Take no more turns."""
        os.close(self._gate)
        os.close(self._turn)


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _unlock(descriptor: int) -> None:
    """Where that fails, others wait too long for their turns, which they can."""
    with suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_UN)


def _locked(descriptor: int, looks: int) -> int | None:
    """How often another had it when it was tried for; ``None`` without the lock, for another keeps
    it for too long, or there are no locks to be had.
    """
    for look in range(looks):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(LOOK_S)
        except OSError:
            return None
        else:
            return look
    return None
