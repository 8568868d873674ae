"""What lies provably within the rights of a key."""

from datetime import timedelta
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pouch.domain.allowance import (
    check_parents,
    check_usable,
    is_no_faster,
    is_within,
    last_moment,
)
from pouch.domain.errors import KeyDisabledError, KeyExpiredError, KeyFrozenError
from pouch.domain.key import Freeze, RateLimit
from pouch.middlewares.rate_limit import Window
from tests.fakes.chat import a_key
from tests.fakes.clock import START

DAY = timedelta(days=1)
PATTERNS = st.text("ab*?[]", min_size=1, max_size=4)


@pytest.mark.parametrize(
    ("pattern", "patterns", "within"),
    [
        ("gpt-4o", ("gpt-4o",), True),
        ("gpt-4o", ("claude-*", "gpt-*"), True),
        ("openai/gpt-4o", ("openai/*",), True),
        ("gpt-*", ("gpt-*",), True),
        ("gpt-4*", ("gpt-*",), False),
        ("*", ("gpt-*",), False),
        ("gpt-4?", ("gpt-*",), False),
        ("[g]pt", ("gpt",), False),
        ("GPT-4o", ("gpt-*",), False),
        ("gpt-4o", (), False),
    ],
)
def test_a_name_lies_within_what_matches_it_and_a_glob_within_itself(
    pattern: str, patterns: tuple[str, ...], within: bool
) -> None:
    assert is_within(pattern, patterns) == within


@given(PATTERNS, st.lists(PATTERNS, max_size=3), st.text("ab*?[]", max_size=4))
def test_nothing_that_is_within_allows_more(pattern: str, patterns: list[str], name: str) -> None:
    if is_within(pattern, patterns) and fnmatchcase(name, pattern):
        assert any(fnmatchcase(name, other) for other in patterns)


@pytest.mark.parametrize(
    ("limit", "faster"),
    [
        (RateLimit(60, 60), False),
        (RateLimit(61, 60), True),
        (RateLimit(1, 1), False),
        (RateLimit(2, 1), True),
        (RateLimit(60, 120), False),
        (RateLimit(61, 120), True),
        (RateLimit(30, 59), False),
        (RateLimit(31, 59), True),
    ],
)
def test_a_rate_is_compared_over_any_window(limit: RateLimit, faster: bool) -> None:
    assert is_no_faster(limit, RateLimit(60, 60)) != faster


@given(
    st.builds(RateLimit, st.integers(1, 5), st.integers(1, 8)),
    st.builds(RateLimit, st.integers(1, 9), st.integers(1, 8)),
    st.lists(st.integers(0, 3), max_size=40),
)
def test_who_keeps_to_a_slower_limit_is_never_refused_by_the_faster(
    limit: RateLimit, than: RateLimit, pauses: list[int]
) -> None:
    if not is_no_faster(limit, than):
        return
    own, other, now = Window(), Window(), 0
    for pause in pauses:
        now += pause
        if own.count < limit.requests or now >= own.expires:
            own.admit(limit, now)
            other.admit(than, now)


def test_a_key_without_parents_has_nothing_to_fear_from_them() -> None:
    check_parents(a_key(disabled=True), START)
    assert last_moment(a_key(expires_at=START)) is None


@pytest.mark.parametrize(
    ("parent", "refusal"),
    [
        ({"disabled": True}, KeyDisabledError),
        ({"expires_at": START}, KeyExpiredError),
        ({"freeze": Freeze(START, "too fast", None)}, KeyFrozenError),
    ],
)
@pytest.mark.parametrize("above", [0, 1])
def test_a_key_may_do_nothing_while_one_above_it_may_not(
    parent: dict[str, object], refusal: type[Exception], above: int
) -> None:
    family = [a_key(id="key-a"), a_key(id="key-b")]
    family[above] = a_key(id="key-x", name="boss", **parent)
    with pytest.raises(refusal, match="boss"):
        check_parents(a_key(parents=tuple(family)), START)


def test_a_parent_that_renews_itself_is_alive_when_it_has_expired() -> None:
    renewing = a_key(expires_at=START, auto_renew=True)
    check_parents(a_key(parents=(renewing,)), START + DAY)


def test_the_last_moment_is_that_of_the_first_parent_to_end_for_good() -> None:
    ends = [START + 3 * DAY, START + DAY, None]
    family = (*(a_key(expires_at=end) for end in ends), a_key(expires_at=START, auto_renew=True))
    assert last_moment(a_key(parents=family)) == START + DAY


def test_a_key_allows_only_what_all_above_it_allow() -> None:
    parent = a_key(models=("gpt-*",), provider="openai")
    child = a_key(parents=(parent,))
    assert child.allows(alias="gpt-4o", provider="openai", model="gpt-4o-2024")
    assert not child.allows(alias="gpt-4o", provider="azure", model="gpt-4o")
    assert not child.allows(alias="o3", provider="openai", model="o3")


def test_a_frozen_key_is_not_usable_and_one_that_renews_itself_is_as_the_caller_says() -> None:
    frozen = a_key(freeze=Freeze(START, "too fast", None))
    with pytest.raises(KeyFrozenError):
        check_usable(frozen, START, renewable=True)
    expired = a_key(expires_at=START, auto_renew=True)
    check_usable(expired, START, renewable=True)
    with pytest.raises(KeyExpiredError):
        check_usable(expired, START, renewable=False)
