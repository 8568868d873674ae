"""Requests with an Idempotency-Key, to real gateways."""

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


def knows(gateway: GatewayProcess, key: str) -> bool:
    headers = {"authorization": f"Bearer {key}"}
    return httpx.get(f"{gateway.url}/v1/models", headers=headers).status_code == 200
