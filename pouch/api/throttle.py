"""Slows down whoever guesses: failures per client address, in bounded memory."""

import ipaddress
from typing import Final

from pouch.domain.errors import RateLimitError
from pouch.domain.ports import Clock

FAILURES_MAX: Final = 10
WINDOW_S: Final = 60.0
ADDRESSES_MAX: Final = 10_000


class FailureThrottle:
    """A bucket of failures for each address, which empties at a constant rate."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        # By address: when the last of its failures will be forgotten.
        self._empty_at: dict[str, float] = {}

    def check(self, address: str) -> None:
        """Let an attempt pass.

        Raises:
            RateLimitError: as many failures as are allowed lie in the bucket.
        """
        wait_s = self._fill(_network(address)) + WINDOW_S / FAILURES_MAX - WINDOW_S
        if wait_s > 0:
            raise RateLimitError(limit=FAILURES_MAX, per_s=WINDOW_S, retry_after_s=wait_s)

    def failed(self, address: str) -> None:
        """Count a failure."""
        network = _network(address)
        fill_s = self._fill(network) + WINDOW_S / FAILURES_MAX
        self._empty_at.pop(network, None)
        if len(self._empty_at) >= ADDRESSES_MAX:
            del self._empty_at[next(iter(self._empty_at))]
        self._empty_at[network] = self._clock.monotonic() + fill_s

    def _fill(self, network: str) -> float:
        """How many seconds the bucket needs to be empty again."""
        empty_at = self._empty_at.get(network)
        return 0.0 if empty_at is None else max(empty_at - self._clock.monotonic(), 0.0)


def _network(address: str) -> str:
    """The address, or the /64 around it: that much of IPv6 belongs to one customer."""
    if ":" not in address:
        return address
    try:
        plain = address.strip("[]").partition("%")[0]
        return str(ipaddress.ip_network((plain, 64), strict=False))
    except ValueError:
        return address
