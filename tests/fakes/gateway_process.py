"""A real ``pouch serve`` in a process of its own, with a store of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

ADMIN_TOKEN = "an-admin-token-for-tests"
START_S = 30
STOP_S = 30

CONFIG = """
server: {{port: {port}, drain_s: {drain_s}, workers: {workers}}}
store: {{url: "sqlite:///pouch.db"}}
settlement: {{drain_s: 2}}
providers:
  mock: {{use: mock}}
  scripted: {{use: openai, base_url: "{upstream}", api_key: sk-upstream-secret}}
models:
  mock: mock/mock
  paid-mock: mock/paid
  gpt-4o-mini: scripted/gpt-4o-mini
  unpriced: scripted/unheard-of
pricing:
  tables:
    scripted:
      gpt-4o-mini: {{input: "0.15", cached_input: "0.075", output: "0.60",
        max_output_tokens: 16384, context_window: 128000}}
    mock:
      paid: {{input: "1", output: "10", max_output_tokens: 1000, encoding: o200k_base}}
      "*": {{input: "0", output: "0"}}
middlewares:
{steps}
"""
STEPS = """
  - {use: rate_limit, requests: 100000, per_s: 60}
  - {use: budget_reset}
  - {use: key_validation}
  - {use: usage_tracking}
  - {use: mock, enabled: false}
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True, slots=True)
class Finished:
    """A command that has run."""

    code: int
    output: str


class GatewayProcess:
    """Starts in ``folder``; a second one there shares the store but listens elsewhere."""

    def __init__(
        self,
        folder: Path,
        *,
        upstream: str = "http://127.0.0.1:9/v1",
        steps: str = STEPS,
        workers: int = 1,
        drain_s: float = 20,
    ) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.folder = folder
        self.config = folder / f"pouch-{self.port}.yaml"
        self.log = folder / f"log-{self.port}.txt"
        self.config.write_text(
            CONFIG.format(
                port=self.port, upstream=upstream, steps=steps, workers=workers, drain_s=drain_s
            ),
            encoding="utf-8",
        )
        self.command = [sys.executable, "-m", "pouch.cli"]
        self.process: subprocess.Popen[bytes] | None = None
        self.admin = httpx.Client(
            base_url=self.url, headers={"authorization": f"Bearer {ADMIN_TOKEN}"}, timeout=20
        )

    def start(self, environ: Mapping[str, str] | None = None) -> "GatewayProcess":
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.command, "serve", "--config", str(self.config)],
                cwd=self.folder,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "POUCH_ADMIN_TOKEN": ADMIN_TOKEN, **(environ or {})},
            )
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                if httpx.get(f"{self.url}/ready", timeout=5).status_code == 200:
                    return self
            except httpx.TransportError:
                time.sleep(0.05)
        raise RuntimeError(f"the gateway did not start:\n{self.log.read_text()}")

    def create_key(self, name: str = "app", limit_usd: str | None = None, **more: Any) -> str:
        """A new key's secret."""
        body: dict[str, Any] = {"name": name, **more}
        if limit_usd is not None:
            body["budget"] = {"limit_usd": limit_usd}
        answer = self.admin.post("/api/keys", json=body)
        assert answer.status_code == 201, answer.text
        secret = answer.json()["key"]
        assert isinstance(secret, str)
        return secret

    def key(self, name: str = "app") -> dict[str, Any]:
        """The key object of the newest key of this name."""
        listed = self.admin.get("/api/keys", params={"limit": 500}).json()["data"]
        return next(key for key in listed if key["name"] == name)

    def requests(self, key: str = "app") -> list[dict[str, Any]]:
        """The requests that the key of this name made, newest first."""
        query = {"key": self.key(key)["id"]}
        data = self.admin.get("/api/requests", params=query).json()["data"]
        assert isinstance(data, list)
        return data

    def settled(self, count: int, key: str = "app") -> list[dict[str, Any]]:
        """The same, as soon as there are ``count`` and nothing of the key is reserved."""
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            # In this order: what is settled between the two is in the log.
            settled = self.key(key)["pouch"]["reserved_usd"] == "0.00"
            log = self.requests(key)
            if settled and len(log) >= count:
                return log
            time.sleep(0.05)
        raise AssertionError(f"not settled: {self.requests(key)}")

    def at_work(self, count: int, key: str = "app") -> list[dict[str, Any]]:
        """What the key of this name has at work, as soon as ``count`` have been sent."""
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            live = self.admin.get("/api/live").json()["data"]
            mine = [each for each in live if each["key_name"] == key and each["reserved_usd"]]
            if len(mine) >= count:
                return mine
            time.sleep(0.05)
        raise AssertionError(f"nothing of {key} is at work")

    def kill(self) -> None:
        """SIGKILL."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(STOP_S)

    def terminate(self) -> None:
        """SIGTERM, without waiting."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)

    def wait(self) -> int:
        assert self.process is not None
        return self.process.wait(STOP_S)

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.terminate()
        return self.wait()

    def pouch(self, *arguments: str, environ: Mapping[str, str] | None = None) -> Finished:
        """Run another ``pouch`` command on the same configuration."""
        done = subprocess.run(
            [*self.command, *arguments, "--config", str(self.config)],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env={**os.environ, **(environ or {})},
        )
        return Finished(done.returncode, done.stdout + done.stderr)

    def close(self) -> None:
        """Whatever has become of it, it is gone now."""
        self.admin.close()
        if self.process is not None and self.process.poll() is None:
            self.kill()
