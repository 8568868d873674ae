"""From bodies to what the service is asked for; an absent field becomes ``UNSET``."""

from typing import TypeVar

from pydantic import BaseModel

from pouch.api.admin.bodies import (
    AllowanceBody,
    BudgetBody,
    BudgetPatch,
    KeyBody,
    KeyPatch,
    PouchBody,
    PouchPatch,
    RateLimitBody,
    Seconds,
)
from pouch.domain.key import RateLimit
from pouch.domain.period import Unit
from pouch.service.allowances import NewAllowance
from pouch.service.key_terms import (
    UNSET,
    BudgetChange,
    Every,
    KeyChange,
    NewBudgetPouch,
    NewKey,
    PouchChange,
    Unset,
)

T = TypeVar("T")


def new_key(body: KeyBody) -> NewKey:
    """A key to be made."""
    return NewKey(
        name=body.name,
        budget=_budget(body.budget),
        parent_id=body.pouch,
        models=_models(body.models),
        provider=body.provider,
        rate_limit=_rate_limit(body.rate_limit),
        expires_at=body.expires_at,
        auto_renew=body.auto_renew,
        stream_cost=body.stream_cost,
    )


def new_allowance(body: AllowanceBody) -> NewAllowance:
    """A key to be minted by a key."""
    return NewAllowance(
        name=body.name,
        budget=_budget(body.budget),
        models=_models(body.models),
        provider=body.provider,
        rate_limit=_rate_limit(body.rate_limit),
        expires_at=body.expires_at,
    )


def key_change(body: KeyPatch) -> KeyChange:
    """What is to change of a key."""
    return KeyChange(
        name=_sent(body, "name", body.name),
        budget=_sent(body, "budget", _budget(body.budget)),
        parent_id=_sent(body, "pouch", body.pouch),
        models=_sent(body, "models", _models(body.models)),
        provider=_sent(body, "provider", body.provider),
        rate_limit=_sent(body, "rate_limit", _rate_limit(body.rate_limit)),
        expires_at=_sent(body, "expires_at", body.expires_at),
        auto_renew=_sent(body, "auto_renew", body.auto_renew),
        disabled=_sent(body, "disabled", body.disabled),
        stream_cost=_sent(body, "stream_cost", body.stream_cost),
    )


def new_pouch(body: PouchBody) -> NewBudgetPouch:
    """A pouch to be made."""
    return NewBudgetPouch(name=body.name, budget=_budget(body.budget), parent_id=body.pouch)


def pouch_change(body: PouchPatch) -> PouchChange:
    """What is to change of a pouch."""
    return PouchChange(
        name=_sent(body, "name", body.name),
        budget=_sent(body, "budget", _budget(body.budget)),
        parent_id=_sent(body, "pouch", body.pouch),
    )


def _sent(body: BaseModel, field: str, value: T) -> T | Unset:
    return value if field in body.model_fields_set else UNSET


def _budget(body: BudgetBody | BudgetPatch | None) -> BudgetChange | None:
    if body is None:
        return None
    return BudgetChange(
        limit=_sent(body, "limit_usd", body.limit_usd),
        every=_sent(body, "period", _every(body.period)),
        time_zone=_sent(body, "time_zone", body.time_zone),
    )


def _every(period: str | Seconds | None) -> Every | None:
    if isinstance(period, Seconds):
        return period.seconds
    return None if period is None else Unit(period)


def _models(models: list[str] | None) -> tuple[str, ...] | None:
    return None if models is None else tuple(models)


def _rate_limit(body: RateLimitBody | None) -> RateLimit | None:
    return None if body is None else RateLimit(body.requests, body.per_s)
