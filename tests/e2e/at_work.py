"""Requests that take their time, and what the API tells of them."""

import threading

import httpx

from tests.fakes.gateway_process import GatewayProcess

# As a worker tells of a request that another one has.
FAR: dict[str, object] = {
    "id": "req_1",
    "key": "key_1",
    "key_name": "far away",
    "model": "paid-mock",
    "provider": "mock",
    "stream": None,
    "started_at": "2026-01-01T00:00:00Z",
    "age_s": 75,
    "phase": None,
    "reserved_usd": "0.05",
    "bytes_relayed": None,
    "tokens_estimate": None,
    "cost_estimate_usd": None,
    "here": False,
}


def listed(*rows: object) -> dict[str, object]:
    """The answer of ``/api/live``."""
    return {"data": rows, "next_cursor": None}


class Asking:
    """A client that reads a stream to its end, in a thread."""

    def __init__(self, gateway: GatewayProcess, secret: str, **mock: object) -> None:
        self._gateway = gateway
        self._secret = secret
        self._mock = mock
        self.heard = ""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        body = {
            "model": "paid-mock",
            "stream": True,
            "messages": [{"role": "user", "content": "Take your time"}],
            "mock": self._mock,
        }
        headers = {"authorization": f"Bearer {self._secret}"}
        url = f"{self._gateway.url}/v1/chat/completions"
        try:
            with httpx.stream("POST", url, headers=headers, json=body, timeout=30) as answer:
                for text in answer.iter_text():
                    self.heard += text
        except httpx.RemoteProtocolError:
            # A stream that is stopped ends without its terminator.
            return

    def ended(self) -> str:
        self._thread.join(30)
        assert not self._thread.is_alive()
        return self.heard
