"""The drilled server: ``pouch serve`` in processes of its own, that can be killed."""

import asyncio
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from pouch.domain.errors import UnavailableError
from pouch.drill import leash
from pouch.drill.client import get_status

START_S: Final = 60.0
STOP_S: Final = 60.0
_PAUSE_S: Final = 0.05
_LOG_SHOWN_LENGTH: Final = 2000


def free_port() -> int:
    """A port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """Runs on a leash, in a process group of its own, so that it ends when this process does."""

    def __init__(self, config: Path, log: Path, port: int, environ: Mapping[str, str]) -> None:
        self.port = port
        self._config = config
        self._log = log
        self._environ = environ
        self._leash: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Start it, and wait until it is ready.

        Raises:
            UnavailableError: it does not get ready.
        """
        running = self._spawn()
        try:
            async with asyncio.timeout(START_S):
                while running.poll() is None:
                    if await get_status(self.port, "/ready") == 200:  # noqa: PLR2004
                        return
                    await asyncio.sleep(_PAUSE_S)
        except TimeoutError:
            pass
        said = self._log.read_text(encoding="utf-8", errors="replace")[-_LOG_SHOWN_LENGTH:]
        raise UnavailableError(f"the drilled server does not start:\n{said}")

    async def kill(self) -> None:
        """SIGKILL, to all its processes at once."""
        self.close()
        # Workers die each by itself, and until then hold the listening socket.
        while True:
            if await get_status(self.port, "/health") is None:
                return
            await asyncio.sleep(_PAUSE_S)

    async def stop(self) -> None:
        """SIGTERM; one that does not stop in time is killed."""
        assert self._leash is not None
        self._leash.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            await asyncio.to_thread(self._leash.wait, STOP_S)
        self.close()

    def close(self) -> None:
        """Whatever has become of it, it is gone now: SIGKILL."""
        if self._leash is not None:
            # Closes standard input, which is to let go, and waits.
            self._leash.communicate()
            self._leash = None

    def _spawn(self) -> "subprocess.Popen[bytes]":
        serve = [sys.executable, "-m", "pouch.cli", "serve", "--config", str(self._config)]
        with self._log.open("ab") as log:
            self._leash = subprocess.Popen(  # noqa: S603 - this very program
                [sys.executable, "-I", "-S", str(leash.__file__), *serve],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(self._environ),
                start_new_session=True,
            )
        return self._leash
