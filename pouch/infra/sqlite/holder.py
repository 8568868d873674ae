"""Who holds open reservations: a process, known to be alive by the lock that it keeps.

Each process has a file of its own beside the database, and keeps an exclusive lock on it for as
long as it lives. The kernel frees the lock on any death, so that whoever gets it knows for sure
that its owner is gone; no clock is asked, and no time has to pass.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_TURNS: Final = "opening"


class HolderLock:
    """This process's own lock, or one that was taken over from the dead."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor: int | None = descriptor

    @classmethod
    def take(cls, folder: Path, holder_id: str) -> "HolderLock | None":
        """The lock of ``holder_id``; ``None`` while another has it, who is then alive.

        Raises:
            OSError: the folder cannot be written.
        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / f"{holder_id}.lock"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return cls(path, descriptor)

    def remove(self) -> None:
        """Let go, and leave no file: the holder needs no one to look after it."""
        self._path.unlink(missing_ok=True)
        self.release()

    def release(self) -> None:
        """Let go, and leave the file: whoever comes next finds the holder dead."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


@contextmanager
def turn(folder: Path) -> Iterator[None]:
    """Wait until no other process is opening the store: SQLite itself does not wait there.

    Raises:
        OSError: the folder cannot be written.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(folder / _TURNS, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
