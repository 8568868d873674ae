"""What a key may do is looked at for every request."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from pouch.domain.errors import (
    KeyDisabledError,
    KeyExpiredError,
    KeyFrozenError,
    ModelNotAllowedError,
    PermissionDeniedError,
)
from pouch.domain.key import Freeze, Key
from pouch.domain.pipeline import Request, Route
from pouch.middlewares.key_validation import Config, KeyValidation
from tests.fakes.chat import Handler, a_key, a_request, ports
from tests.fakes.clock import START, FakeClock


class Renewals:
    """Extends keys by a day, unless ``stored`` says what the store holds."""

    def __init__(self, stored: dict[str, Any] | None = None) -> None:
        self.renewed: list[Key] = []
        self._stored = stored or {"expires_at": START + timedelta(days=1)}

    async def renew(self, key: Key) -> Key:
        self.renewed.append(key)
        return replace(key, **self._stored)


async def passed(request: Request, renewals: Renewals | None = None) -> Request:
    """What reaches the handler of ``request``."""
    handler = Handler()
    step = KeyValidation(Config(), ports(clock=FakeClock(), keys=renewals))
    try:
        await step(request, handler)
    except PermissionDeniedError:
        assert handler.seen == []
        raise
    (seen,) = handler.seen
    return seen


async def test_a_key_without_restrictions_passes_unchanged() -> None:
    request = a_request()
    assert await passed(request) is request


async def test_a_disabled_key_is_refused() -> None:
    with pytest.raises(KeyDisabledError, match="'ci-bot' is disabled"):
        await passed(a_request(key=a_key(disabled=True)))


async def test_a_key_is_good_until_the_moment_it_expires_and_no_longer() -> None:
    just_good = a_key(expires_at=START + timedelta(microseconds=1))
    just_over = a_key(expires_at=START)
    assert (await passed(a_request(key=just_good))).key is just_good
    with pytest.raises(KeyExpiredError, match=r"expired at 2026-01-15T12:00:00\+00:00"):
        await passed(a_request(key=just_over))


async def test_a_key_that_renews_itself_goes_on_with_its_new_expiry() -> None:
    renewals = Renewals()
    old = a_key(expires_at=START, auto_renew=True, lifetime=timedelta(days=1))
    request = a_request(key=old)
    seen = await passed(request, renewals)
    assert renewals.renewed == [old]
    assert seen.key.expires_at == START + timedelta(days=1)
    assert seen.meter is request.meter


async def test_a_key_is_not_renewed_before_its_time() -> None:
    renewals = Renewals()
    key = a_key(expires_at=START + timedelta(seconds=1), auto_renew=True)
    await passed(a_request(key=key), renewals)
    assert renewals.renewed == []


async def test_a_disabled_key_is_not_renewed() -> None:
    renewals = Renewals()
    key = a_key(expires_at=START, auto_renew=True, disabled=True)
    with pytest.raises(KeyDisabledError):
        await passed(a_request(key=key), renewals)
    assert renewals.renewed == []


@pytest.mark.parametrize(
    ("stored", "refusal"),
    [
        ({"expires_at": START}, KeyExpiredError),
        ({"disabled": True, "expires_at": None}, KeyDisabledError),
        ({"models": ("other",), "expires_at": None}, ModelNotAllowedError),
    ],
)
async def test_a_renewed_key_is_judged_as_it_is_stored_by_then(
    stored: dict[str, Any], refusal: type[Exception]
) -> None:
    key = a_key(expires_at=START, auto_renew=True)
    with pytest.raises(refusal):
        await passed(a_request(key=key), Renewals(stored))


@pytest.mark.parametrize(
    "models",
    [("gpt-4o-mini",), ("gpt-*",), ("openai/*",), ("other", "openai/gpt-4o-mini")],
)
async def test_a_model_is_allowed_by_alias_or_target_or_glob(models: tuple[str, ...]) -> None:
    await passed(a_request(key=a_key(models=models)))


async def test_a_refusal_names_the_model_and_what_the_key_may_use() -> None:
    key = a_key(models=("mock", "gpt-4o"), provider="mock")
    route = Route("cheap", "openai", "gpt-4o-mini", price=None)
    with pytest.raises(ModelNotAllowedError) as refusal:
        await passed(a_request(key=key, route=route))
    assert str(refusal.value) == (
        "Key 'ci-bot' may not use model cheap (openai/gpt-4o-mini); "
        "it may use provider 'mock', models mock, gpt-4o."
    )


async def test_a_key_bound_to_a_provider_may_not_use_another() -> None:
    with pytest.raises(ModelNotAllowedError, match="it may use provider 'mock'"):
        await passed(a_request(key=a_key(provider="mock")))
    await passed(a_request(key=a_key(provider="openai")))


async def test_a_key_with_an_empty_list_of_models_may_use_none() -> None:
    with pytest.raises(ModelNotAllowedError, match=r"models none\."):
        await passed(a_request(key=a_key(models=())))


async def test_a_refusal_does_not_list_a_thousand_models() -> None:
    key = a_key(models=tuple(f"model-{number}" for number in range(1000)))
    with pytest.raises(ModelNotAllowedError) as refusal:
        await passed(a_request(key=key))
    assert str(refusal.value).endswith("model-19 and 980 more.")


async def test_a_frozen_key_is_refused_until_the_freeze_is_over() -> None:
    later = START + timedelta(microseconds=1)
    with pytest.raises(KeyFrozenError, match="too fast"):
        await passed(a_request(key=a_key(freeze=Freeze(START, "too fast", later))))
    thawed = a_key(freeze=Freeze(START, "too fast", START))
    assert (await passed(a_request(key=thawed))).key is thawed


async def test_a_minted_key_stops_with_the_one_that_it_descends_from() -> None:
    boss = a_key(name="boss", disabled=True)
    with pytest.raises(KeyDisabledError, match="'boss', which is disabled"):
        await passed(a_request(key=a_key(parents=(boss,))))


async def test_a_right_that_a_parent_has_lost_is_lost_to_its_keys() -> None:
    boss = a_key(name="boss", models=("o3",))
    with pytest.raises(ModelNotAllowedError, match=r"'boss' may not use model .* models o3"):
        await passed(a_request(key=a_key(models=("gpt-4o-mini",), parents=(boss,))))
