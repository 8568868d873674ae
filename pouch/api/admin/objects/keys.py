"""Keys as the API shows them."""

from datetime import datetime

from pouch.api.admin.objects import Listing, Shape, TimeText, optional_time, time_text
from pouch.api.admin.objects.pouches import KeyPouchObject, key_pouch_object
from pouch.domain.key import KeyStatus, RateLimit
from pouch.domain.ports import StoredKey
from pouch.service.keys import IssuedKey, status_of


class RateLimitObject(Shape):
    """Requests per window."""

    requests: int
    per_s: float


class KeyObject(Shape):
    """A key, without its secret. ``parent_key`` is the key that minted it."""

    id: str
    name: str
    prefix: str
    status: KeyStatus
    created_at: TimeText
    last_used_at: TimeText | None
    frozen_reason: str | None
    frozen_until: TimeText | None
    expires_at: TimeText | None
    auto_renew: bool
    models: list[str] | None
    provider: str | None
    rate_limit: RateLimitObject | None
    stream_cost: bool
    parent_key: str | None
    pouch: KeyPouchObject


class IssuedKeyObject(KeyObject):
    """A key with its secret: the only time that it is shown."""

    key: str


class KeyList(Listing[KeyObject]):
    """Keys."""


def key_object(stored: StoredKey, now: datetime) -> KeyObject:
    """A key as the API shows it."""
    key, rate = stored.key, stored.key.rate_limit
    freeze = key.frozen(now)
    return KeyObject(
        id=key.id,
        name=key.name,
        prefix=key.prefix,
        status=status_of(stored, now),
        created_at=time_text(key.created_at),
        last_used_at=optional_time(stored.last_used_at),
        frozen_reason=freeze.reason if freeze else None,
        frozen_until=optional_time(freeze.until) if freeze else None,
        expires_at=optional_time(key.expires_at),
        auto_renew=key.auto_renew,
        models=None if key.models is None else list(key.models),
        provider=key.provider,
        rate_limit=None if rate is None else _rate_limit(rate),
        stream_cost=key.stream_cost,
        parent_key=key.parents[0].id if key.parents else None,
        pouch=key_pouch_object(stored.pouches[0]),
    )


def issued_key_object(issued: IssuedKey, now: datetime) -> IssuedKeyObject:
    """A key as it is shown once."""
    shown = key_object(issued.stored, now)
    return IssuedKeyObject(**dict(shown), key=issued.secret)


def _rate_limit(limit: RateLimit) -> RateLimitObject:
    return RateLimitObject(requests=limit.requests, per_s=limit.per_s)
