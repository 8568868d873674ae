"""How often a key may ask."""

import sys
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pouch.domain.errors import RateLimitError
from pouch.domain.key import RateLimit as Limit
from pouch.domain.pipeline import Request, Response
from pouch.middlewares.rate_limit import (
    GROUPS_MAX,
    KEYS_BEFORE_SWEEP,
    Config,
    RateLimit,
    Window,
    duration,
)
from tests.fakes.chat import Handler, a_key, a_request, ports
from tests.fakes.clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def limited_to(
    requests: int, clock: FakeClock, *, per_s: float = 60, handler: Handler | None = None
) -> Callable[[Request], Awaitable[Response]]:
    step = RateLimit(Config(requests=requests, per_s=per_s), ports(clock=clock))
    end = handler or Handler()
    return lambda request: step(request, end)


async def test_the_third_of_two_allowed_requests_is_refused(clock: FakeClock) -> None:
    handler = Handler()
    call = limited_to(2, clock, handler=handler)
    await call(a_request())
    await call(a_request())
    with pytest.raises(RateLimitError) as refusal:
        await call(a_request())
    assert refusal.value.retry_after_s == 60
    assert (refusal.value.limit, refusal.value.per_s) == (2, 60)
    assert len(handler.seen) == 2


async def test_after_the_told_wait_one_more_is_let_through_and_no_sooner(clock: FakeClock) -> None:
    call = limited_to(2, clock)
    await call(a_request())
    clock.advance(10)
    await call(a_request())
    with pytest.raises(RateLimitError) as refusal:
        await call(a_request())
    assert refusal.value.retry_after_s == 50
    clock.advance(49.9)
    with pytest.raises(RateLimitError):
        await call(a_request())
    clock.advance(0.1)
    await call(a_request())
    with pytest.raises(RateLimitError):
        await call(a_request())


async def test_a_refused_request_does_not_count(clock: FakeClock) -> None:
    call = limited_to(1, clock)
    await call(a_request())
    for _ in range(5):
        clock.advance(10)
        with pytest.raises(RateLimitError):
            await call(a_request())
    clock.advance(10)
    assert (await call(a_request())).status == 200


async def test_keys_do_not_share_a_limit(clock: FakeClock) -> None:
    call = limited_to(1, clock)
    await call(a_request(key=a_key(id="one")))
    await call(a_request(key=a_key(id="two")))
    with pytest.raises(RateLimitError):
        await call(a_request(key=a_key(id="one")))


async def test_the_keys_own_limit_wins_over_the_steps_in_both_directions(clock: FakeClock) -> None:
    call = limited_to(1, clock)
    generous = a_key(id="generous", rate_limit=Limit(requests=3, per_s=10))
    strict = a_key(id="strict", rate_limit=Limit(requests=1, per_s=1000))
    for _ in range(3):
        await call(a_request(key=generous))
    with pytest.raises(RateLimitError) as refusal:
        await call(a_request(key=generous))
    assert (refusal.value.limit, refusal.value.per_s) == (3, 10)
    await call(a_request(key=strict))
    clock.advance(999)
    with pytest.raises(RateLimitError):
        await call(a_request(key=strict))


async def test_a_limit_that_was_lowered_binds_at_once(clock: FakeClock) -> None:
    call = limited_to(9, clock)
    for _ in range(5):
        clock.advance(1)
        await call(a_request(key=a_key(rate_limit=Limit(5, 60))))
    with pytest.raises(RateLimitError) as refusal:
        await call(a_request(key=a_key(rate_limit=Limit(2, 60))))
    assert refusal.value.retry_after_s == 59.0  # when the fourth of the five has left


async def test_the_calendar_has_no_say(clock: FakeClock) -> None:
    call = limited_to(1, clock)
    await call(a_request())
    clock.set_back(86_400)
    clock.advance(60)
    assert (await call(a_request())).status == 200


async def test_the_answer_tells_what_is_left_in_openais_headers(clock: FakeClock) -> None:
    theirs = [("x-ratelimit-remaining-requests", "9999"), ("x-request-id", "abc")]
    call = limited_to(5, clock, handler=Handler(theirs))
    await call(a_request())
    response = await call(a_request())
    assert response.headers == [
        ("x-request-id", "abc"),
        ("x-ratelimit-limit-requests", "5"),
        ("x-ratelimit-remaining-requests", "3"),
        ("x-ratelimit-reset-requests", "1m0s"),
    ]


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0.0004, "1ms"),
        (0.25, "250ms"),
        (1, "1s"),
        (59.2, "1m0s"),
        (360, "6m0s"),
        (3600, "1h0m0s"),
        (90_061, "25h1m1s"),
    ],
)
def test_a_duration_is_written_as_openai_writes_it(seconds: float, written: str) -> None:
    assert duration(seconds) == written


@given(
    steps=st.lists(st.floats(min_value=0, max_value=20), max_size=60),
    limit=st.integers(min_value=1, max_value=8),
)
def test_no_window_ever_holds_more_than_the_limit_and_none_is_refused_without_need(
    steps: list[float], limit: int
) -> None:
    window, now = Window(), 0.0
    admitted: list[float] = []
    for step in steps:
        now += step
        within = [moment for moment in admitted if moment + 60 > now]
        if len(within) < limit:
            window.admit(Limit(limit, 60), now)
            admitted.append(now)
        else:
            with pytest.raises(RateLimitError):
                window.admit(Limit(limit, 60), now)


def test_a_great_limit_is_kept_without_a_memory_of_every_request() -> None:
    limit = Limit(requests=100_000, per_s=60)
    window, now = Window(), 0.0
    for _ in range(limit.requests):
        now += 0.0005
        window.admit(limit, now)
    with pytest.raises(RateLimitError) as refusal:
        window.admit(limit, now)
    assert len(window._groups) <= GROUPS_MAX + 1
    assert sys.getsizeof(window._groups) < 10_000
    first_leaves_in_s = 0.0005 + 60 - now
    late_s = refusal.value.retry_after_s - first_leaves_in_s
    assert 0 <= late_s <= 60 / GROUPS_MAX
    window.admit(limit, now + refusal.value.retry_after_s)


async def test_keys_that_went_idle_are_forgotten(clock: FakeClock) -> None:
    step = RateLimit(Config(requests=5, per_s=60), ports(clock=clock))
    handler = Handler()
    for number in range(KEYS_BEFORE_SWEEP):
        await step(a_request(key=a_key(id=f"old-{number}")), handler)
    clock.advance(30)
    await step(a_request(key=a_key(id="old-0")), handler)
    clock.advance(30)
    await step(a_request(key=a_key(id="new")), handler)
    assert set(step._windows) == {"old-0", "new"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"requests": 0},
        {"requests": -1},
        {"requests": 1, "per_s": 0},
        {"requests": 1, "per_s": float("inf")},
        {"requests": 1, "per_s": float("nan")},
        {"requests": 1, "burst": 2},
        {},
    ],
)
def test_a_config_that_limits_nothing_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Config.model_validate(wrong)


async def test_minted_keys_share_the_limit_of_the_key_that_minted_them(clock: FakeClock) -> None:
    call = limited_to(100, clock)
    boss = a_key(id="boss", rate_limit=Limit(3, 60))
    agents = [a_key(id=f"agent-{n}", rate_limit=Limit(3, 60), parents=(boss,)) for n in range(3)]
    for agent in agents:
        await call(a_request(key=agent))
    with pytest.raises(RateLimitError) as refusal:
        await call(a_request(key=agents[0]))
    assert refusal.value.limit == 3
    with pytest.raises(RateLimitError):
        await call(a_request(key=boss))
