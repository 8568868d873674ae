"""What a test of processes waits for, and what must hold of their books at the end."""

import time
from collections.abc import Callable

from tests.fakes.gateway_process import GatewayProcess


def eventually(condition: Callable[[], bool], within_s: float = 10) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.02)


def books_balance(gateway: GatewayProcess) -> bool:
    verified = gateway.pouch("verify")
    assert verified.code == 0, verified.output
    return "balance" in verified.output
