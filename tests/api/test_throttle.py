from collections.abc import Sequence

from pouch.api.throttle import ADDRESSES_MAX, FAILURES_MAX, WINDOW_S, FailureThrottle
from pouch.domain.errors import RateLimitError
from tests.fakes.clock import FakeClock


def failures_admitted(throttle: FailureThrottle, addresses: Sequence[str]) -> int:
    admitted = 0
    for address in addresses:
        try:
            throttle.check(address)
        except RateLimitError:
            continue
        throttle.failed(address)
        admitted += 1
    return admitted


def test_each_address_has_a_bucket_of_its_own() -> None:
    throttle = FailureThrottle(FakeClock())

    assert failures_admitted(throttle, ["192.0.2.1"] * 50) == FAILURES_MAX
    assert failures_admitted(throttle, ["192.0.2.2"] * 50) == FAILURES_MAX


def test_one_customers_ipv6_network_is_one_address() -> None:
    throttle = FailureThrottle(FakeClock())
    addresses = [f"2001:db8::{n:x}" for n in range(50)]

    assert failures_admitted(throttle, addresses) == FAILURES_MAX
    assert failures_admitted(throttle, ["[2001:db8::ffff]"]) == 0
    assert failures_admitted(throttle, ["2001:db8:0:1::1"]) == 1


def test_buckets_are_forgotten_before_they_fill_the_memory() -> None:
    throttle = FailureThrottle(FakeClock())
    addresses = [f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}" for n in range(ADDRESSES_MAX + 100)]

    assert failures_admitted(throttle, addresses) == len(addresses)
    assert len(throttle._empty_at) == ADDRESSES_MAX


def test_a_bucket_empties_at_a_constant_rate() -> None:
    clock = FakeClock()
    throttle = FailureThrottle(clock)
    failures_admitted(throttle, ["192.0.2.1"] * 50)

    clock.advance(WINDOW_S / 2)

    assert failures_admitted(throttle, ["192.0.2.1"] * 50) == FAILURES_MAX / 2
