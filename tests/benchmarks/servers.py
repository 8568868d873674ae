"""The servers that a benchmark measures or needs, each a child process on a core of its own."""

import atexit
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import psutil

START_S: Final = 30
ROOT: Final = Path(__file__).resolve().parents[2]
CHAT: Final = "/v1/chat/completions"

CONFIG: Final = """
server: {{port: {port}, concurrent_requests_max: 2000}}
store: {{url: "sqlite:///bench.db", synchronous: {synchronous}}}
http: {{transport: {transport}}}
providers:
  bench: {{use: openai, base_url: "http://127.0.0.1:{upstream}/v1", requires_key: false}}
models:
  bench: bench/bench
  bench-paced: bench/bench-paced
pricing:
  tables:
    bench: {{"*": {{input: "0.15", output: "0.60", max_output_tokens: 16384}}}}
middlewares:
  - {{use: rate_limit, requests: 1000000000, per_s: 60}}
  - {{use: budget_reset}}
  - {{use: key_validation}}
  - {{use: usage_tracking}}
"""
NGINX: Final = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr error;
events {{ worker_connections 4096; }}
http {{
  access_log off;
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


class Server:
    """A child process, ended with this one; what it costs is counted with its own children."""

    def __init__(self, command: Sequence[str], core: int, folder: Path) -> None:
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        os.sched_setaffinity(self.process.pid, {core})
        # A benchmark that fails half-way leaves nothing running.
        atexit.register(self.process.kill)

    def read_until(self, pattern: str) -> str:
        """What the first group of ``pattern`` matches in a line of the server's output."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if found := re.search(pattern, line):
                return found.group(1)
        raise RuntimeError("a server did not start")

    def cpu_s(self) -> float:
        """Processor seconds used so far."""
        used = 0.0
        for process in self._processes():
            times = process.cpu_times()
            used += times.user + times.system
        return used

    def rss_mb(self) -> float:
        """Resident memory, in MiB."""
        return sum(process.memory_info().rss for process in self._processes()) / 2**20

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.process.terminate()
        return self.process.wait(START_S)

    def _processes(self) -> list[psutil.Process]:
        parent = psutil.Process(self.process.pid)
        return [parent, *parent.children(recursive=True)]


def start_upstream(core: int) -> tuple[Server, int]:
    """The scripted provider, and its port."""
    server = Server([sys.executable, "-m", "tests.benchmarks.upstream"], core, ROOT)
    return server, int(server.read_until(r"^(\d+)$"))


def start_pouch(
    folder: Path, upstream: int, core: int, *, synchronous: str = "full", transport: str = "lean"
) -> tuple[Server, str, str]:
    """A gateway with a key that has a budget: the server, its chat URL, the key."""
    folder.mkdir()
    port = free_port()
    config = folder / "pouch.yaml"
    config.write_text(
        CONFIG.format(port=port, upstream=upstream, synchronous=synchronous, transport=transport),
        encoding="utf-8",
    )
    created = pouch(folder, "keys", "create", "bench", "--limit", "1000000")
    found = re.search(r"pouch-[\w-]{43}", created)
    assert found is not None, created
    server = Server(
        [sys.executable, "-m", "pouch.cli", "serve", "--config", str(config)], core, folder
    )
    server.read_until(r"(listens)")
    return server, f"http://127.0.0.1:{port}{CHAT}", found.group()


def start_nginx(folder: Path, upstream: int, core: int) -> tuple[Server, str] | None:
    """nginx as a reverse proxy, and its chat URL; ``None`` if it is not installed."""
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if nginx is None:
        return None
    folder.mkdir()
    port = free_port()
    config = folder / "nginx.conf"
    config.write_text(NGINX.format(folder=folder, upstream=upstream, port=port), encoding="utf-8")
    server = Server([nginx, "-p", str(folder), "-c", str(config)], core, folder)
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return server, f"http://127.0.0.1:{port}{CHAT}"
        time.sleep(0.05)
    raise RuntimeError("nginx did not start")


def pouch(folder: Path, *arguments: str) -> str:
    """What a ``pouch`` command says about the configuration in ``folder``."""
    done = subprocess.run(
        [sys.executable, "-m", "pouch.cli", *arguments, "--config", str(folder / "pouch.yaml")],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    return done.stdout + done.stderr


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
