"""The servers that a benchmark measures or needs, each a child process on cores of its own."""

import atexit
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.benchmarks import accounting

START_S: Final = 60
STOP_S: Final = 60
ROOT: Final = Path(__file__).resolve().parents[2]
CHAT: Final = "/v1/chat/completions"

NGINX: Final = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr error;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_max_body_size 16m;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  keepalive_requests 1000000;
  upstream provider {{ server 127.0.0.1:{upstream}; keepalive 1024; }}
  server {{
    listen 127.0.0.1:{port} backlog=2048;
    location / {{
      proxy_pass http://provider;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
    }}
  }}
}}
"""


@contextmanager
def on_cores(cores: set[int]) -> Iterator[None]:
    """What this thread starts inside the block runs there, and so does all that it starts."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class Server:
    """A child process, ended with this one; what it costs is counted with its own children."""

    def __init__(
        self,
        command: Sequence[str],
        cores: set[int],
        folder: Path,
        environment: Mapping[str, str] | None = None,
        *,
        keep_errors: bool = True,
    ) -> None:
        self._output = folder / f"output-{free_port()}"
        with self._output.open("wb") as output, on_cores(cores):
            self.process = subprocess.Popen(
                command,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT if keep_errors else subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})},
            )
        # A benchmark that fails half-way leaves nothing running.
        atexit.register(self.process.kill)

    def read_until(self, pattern: str) -> str:
        """What the first group of ``pattern`` matches in the server's output."""
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and self.process.poll() is None:
            if found := re.search(pattern, self.output(), re.MULTILINE):
                return found.group(1)
            time.sleep(0.02)
        raise RuntimeError(f"{self.process.args!r} did not start: {self.output()[-2000:]}")

    def wait_for_port(self, port: int) -> None:
        """Until the server accepts connections."""
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and self.process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.02)
        raise RuntimeError(f"{self.process.args!r} did not start: {self.output()[-2000:]}")

    def output(self) -> str:
        """What it has printed so far."""
        return self._output.read_text(encoding="utf-8", errors="replace")

    def pids(self) -> list[int]:
        """It and everything it has started."""
        return accounting.tree(self.process.pid)

    def rss_mb(self) -> float:
        """Resident memory, in MB."""
        return accounting.rss_mb(self.pids())

    def stop(self) -> int:
        """SIGTERM, or SIGKILL if that does not end it in time; the exit code."""
        self.process.terminate()
        try:
            return self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


def start_upstream(folder: Path, core: int) -> tuple[Server, int]:
    """The scripted provider, and its port."""
    server = Server([sys.executable, "-m", "tests.benchmarks.upstream"], {core}, folder)
    return server, int(server.read_until(r"^(\d+)$"))


def nginx_path() -> str | None:
    """Where nginx is, if it is installed."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")


def start_nginx(nginx: str, folder: Path, upstream: int, core: int) -> tuple[Server, str]:
    """nginx as a reverse proxy, and its chat URL."""
    folder.mkdir()
    port = free_port()
    config = folder / "nginx.conf"
    config.write_text(NGINX.format(folder=folder, upstream=upstream, port=port), encoding="utf-8")
    server = Server([nginx, "-p", str(folder), "-c", str(config)], {core}, folder)
    server.wait_for_port(port)
    return server, f"http://127.0.0.1:{port}{CHAT}"


def start_sanic(folder: Path, core: int) -> tuple[Server, str]:
    """Sanic, answering by itself: what its own part of a request costs; and its chat URL."""
    folder.mkdir()
    port = free_port()
    command = [sys.executable, "-m", "tests.benchmarks.sanic_alone", str(port)]
    server = Server(command, {core}, folder)
    server.wait_for_port(port)
    return server, f"http://127.0.0.1:{port}{CHAT}"


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
