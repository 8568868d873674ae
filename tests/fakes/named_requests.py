"""Requests with an Idempotency-Key, to real gateways."""

import time
from collections.abc import Callable
from typing import Any

import httpx

from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.streams import ASK

REPLAY = "x-pouch-idempotent-replay"


def post(gateway: GatewayProcess, key: str, name: str, **body: Any) -> httpx.Response:
    return httpx.post(
        f"{gateway.url}/v1/chat/completions",
        headers={"authorization": f"Bearer {key}", "idempotency-key": name},
        json={**ASK, **body},
        timeout=30,
    )


def eventually(condition: Callable[[], bool], within_s: float = 10) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.02)


def knows(gateway: GatewayProcess, key: str) -> bool:
    headers = {"authorization": f"Bearer {key}"}
    return httpx.get(f"{gateway.url}/v1/models", headers=headers).status_code == 200


def books_balance(gateway: GatewayProcess) -> bool:
    verified = gateway.pouch("verify")
    assert verified.code == 0, verified.output
    return "balance" in verified.output
