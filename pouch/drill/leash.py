"""Runs a command for as long as somebody holds the other end of standard input, and no longer.

Run by itself, as ``python leash.py COMMAND...``, so that a drilled server never outlives its drill,
whatever ends that. Let go of, it kills the command and all its children; SIGTERM it passes on.
"""

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from typing import Final

SIGNALLED: Final = 128


def main() -> int:
    """The command's exit code, as a shell would have it."""
    command = subprocess.Popen(  # noqa: S603 - what the drill asks for
        sys.argv[1:], stdin=subprocess.DEVNULL, start_new_session=True
    )
    signal.signal(signal.SIGTERM, lambda *_: command.terminate())
    threading.Thread(target=_kill_when_let_go, args=(command.pid,), daemon=True).start()
    code = command.wait()
    return code if code >= 0 else SIGNALLED - code


def _kill_when_let_go(group: int) -> None:
    # Not through sys.stdin, whose lock would be held when the interpreter ends.
    while os.read(0, 1):
        pass
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
