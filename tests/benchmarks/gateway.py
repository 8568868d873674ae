"""A Pouch to measure: its configuration, its process, its keys, and the proof of its books."""

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.benchmarks.servers import CHAT, ROOT, Server, free_port

CONFIG: Final = """
server: {{port: {port}, workers: {workers}, concurrent_requests_max: 2000}}
store: {{url: "sqlite:///bench.db", synchronous: {synchronous}}}
http: {{transport: {transport}, connections_max: 2000}}
providers:
  bench: {{use: openai, base_url: "http://127.0.0.1:{upstream}/v1", requires_key: false}}
models: {{"*": "bench/*"}}
pricing:
  tables:
    bench:
      "*": {{input: "0.15", output: "0.60", max_output_tokens: 16384, encoding: o200k_base}}
middlewares:
  - {{use: rate_limit, requests: 1000000000, per_s: 60}}
  - {{use: budget_reset}}
  - {{use: key_validation}}
  - {{use: usage_tracking}}
"""
ADMIN: Final = "an-admin-token-for-the-benchmark"
ENVIRONMENT: Final = {"POUCH_ADMIN_TOKEN": ADMIN}


class NotProvenError(Exception):
    """The books of a gateway do not balance after it was measured, or it did not end well."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How a Pouch differs from the default."""

    synchronous: str = "full"
    transport: str = "lean"
    workers: int = 1


class Pouch:
    """A gateway in a folder of its own; ``url`` is where it takes chat completions."""

    def __init__(
        self, folder: Path, upstream: int, cores: set[int], settings: Settings | None = None
    ) -> None:
        settings = settings or Settings()
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}{CHAT}"
        self.database = folder / "bench.db"
        self._cores = cores
        self._config = folder / "pouch.yaml"
        self._config.write_text(
            CONFIG.format(
                port=self.port,
                upstream=upstream,
                workers=settings.workers,
                synchronous=settings.synchronous,
                transport=settings.transport,
            ),
            encoding="utf-8",
        )

    def launch(self) -> Server:
        """Start the process, without waiting for it."""
        self.server = Server(
            [*COMMAND, "serve", "--config", str(self._config)],
            self._cores,
            self.folder,
            ENVIRONMENT,
            keep_errors=False,
        )
        return self.server

    def start(self) -> Server:
        """Start, and wait until it listens."""
        server = self.launch()
        server.read_until("(listens)")
        return server

    def keys(self, count: int, limit_usd: str = "1000000") -> list[str]:
        """New keys, each with a budget."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        secrets = []
        for number in range(count):
            body = json.dumps({"name": f"bench {number}", "budget": {"limit_usd": limit_usd}})
            headers = {"authorization": f"Bearer {ADMIN}", "content-type": "application/json"}
            connection.request("POST", "/api/keys", body, headers)
            answer = connection.getresponse()
            text = answer.read().decode()
            if answer.status != 201:
                raise RuntimeError(f"a key could not be made: {answer.status} {text}")
            secrets.append(str(json.loads(text)["key"]))
        connection.close()
        return secrets

    def stop_and_verify(self) -> str:
        """End it, and prove its books; what ``pouch verify`` says.

        Raises:
            NotProvenError: they do not balance, or it did not end well.
        """
        code = self.server.stop()
        done = self.command("verify")
        said = " ".join((done.stdout + done.stderr).split())
        if code or done.returncode:
            raise NotProvenError(f"{self.folder.name}: exit code {code}; pouch verify: {said}")
        return said

    def command(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """A ``pouch`` command about this gateway's configuration."""
        return run_command([*arguments, "--config", str(self._config)], self.folder, ENVIRONMENT)


COMMAND: Final = (sys.executable, "-m", "pouch.cli")


def run_command(
    arguments: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """What a ``pouch`` command says."""
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})},
    )
