"""A gateway under hostile traffic, its provider, a key, and the memory that the gateway takes."""

from pathlib import Path
from typing import Any

import httpx

from tests.acceptance.asking import ASK
from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.upstream import Upstream

MIB = 2**20


class Hostile:
    """A gateway, its provider, a key with a budget, and the memory that the gateway takes."""

    def __init__(self, gateway: GatewayProcess, provider: Upstream) -> None:
        self.gateway = gateway
        self.provider = provider
        self.secret = gateway.create_key("hostile", "1000")
        self.client = httpx.Client(base_url=f"{gateway.url}/v1", headers=self.headers, timeout=60)

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.secret}"}

    def ask(self, **fields: Any) -> httpx.Response:
        return self.client.post("/chat/completions", json={**ASK, **fields})

    def memory(self) -> int:
        """Resident, in bytes."""
        return self._status("VmRSS")

    def most_memory(self) -> int:
        """The most that it ever was, in bytes."""
        return self._status("VmHWM")

    def _status(self, name: str) -> int:
        assert self.gateway.process is not None
        status = Path(f"/proc/{self.gateway.process.pid}/status").read_text()
        [line] = [line for line in status.splitlines() if line.startswith(name)]
        return int(line.split()[1]) * 1024

    def files(self) -> int:
        assert self.gateway.process is not None
        return len(list(Path(f"/proc/{self.gateway.process.pid}/fd").iterdir()))

    def raw(self, body: bytes) -> bytes:
        """A request as it goes over the wire."""
        head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n"
        authorization = f"authorization: Bearer {self.secret}\r\n\r\n"
        return (head + "content-type: application/json\r\n" + authorization).encode() + body
