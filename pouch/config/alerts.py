"""The section ``alerts``: what an operator is told, and where it is sent."""

import hashlib
import re
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from pouch.config.models import Section, Whole
from pouch.domain.alerts import THRESHOLDS, AlertKind, AlertPolicy, AlertTarget

_URL: Final = re.compile(r"https?://[^\s/?#]+[^\s]*", re.ASCII)
_SECRET_LENGTH_MIN: Final = 16


def _checked_url(url: SecretStr) -> SecretStr:
    """``url``; the address of a Slack webhook is a secret, so no message repeats it."""
    if not _URL.fullmatch(url.get_secret_value()):
        raise ValueError("must be a URL that begins with http:// or https://")
    return url


def _checked_secret(secret: SecretStr | None) -> SecretStr | None:
    if secret is not None and len(secret.get_secret_value()) < _SECRET_LENGTH_MIN:
        raise ValueError(f"must have at least {_SECRET_LENGTH_MIN} characters")
    return secret


def _checked_events(events: tuple[AlertKind, ...]) -> tuple[AlertKind, ...]:
    if not events:
        raise ValueError("must not be empty; leave it out for all")
    return events


def _checked_thresholds(thresholds: tuple[int, ...]) -> tuple[int, ...]:
    if list(thresholds) != sorted(set(thresholds)):
        raise ValueError("must rise, without one that comes twice")
    return thresholds


class Webhook(Section):
    """``{url: ${ALERTS_URL}, secret: ${ALERTS_SECRET}, format: json, events: [overrun]}``."""

    url: Annotated[SecretStr, AfterValidator(_checked_url)]
    secret: Annotated[SecretStr | None, AfterValidator(_checked_secret)] = Field(
        default=None, description="Signs what is sent; the receiver has it too."
    )
    format: Literal["json", "slack"] = "json"
    events: Annotated[tuple[AlertKind, ...], AfterValidator(_checked_events)] = Field(
        default=tuple(AlertKind), description="Which alerts it gets; all by default."
    )

    @property
    def id(self) -> str:
        """The same for the same URL, which it does not show."""
        return hashlib.sha256(self.url.get_secret_value().encode()).hexdigest()[:16]

    @property
    def secret_text(self) -> str | None:
        """The secret, in the clear."""
        return None if self.secret is None else self.secret.get_secret_value()

    @model_validator(mode="after")
    def _json_is_signed(self) -> Self:
        if self.format == "json" and self.secret is None:
            raise ValueError("a webhook of format 'json' needs a secret, by which it is signed")
        return self


class Alerts(Section):
    """Thresholds of budgets, in percent, and the webhooks that alerts go to."""

    webhooks: tuple[Webhook, ...] = Field(default=(), max_length=20)
    thresholds: Annotated[
        tuple[Annotated[Whole, Field(ge=1, le=100)], ...], AfterValidator(_checked_thresholds)
    ] = THRESHOLDS
    attempts_max: Whole = Field(
        default=20, ge=1, le=100, description="Tries before an alert is given up, over eight hours."
    )

    @model_validator(mode="after")
    def _webhooks_differ(self) -> Self:
        if len({hook.id for hook in self.webhooks}) < len(self.webhooks):
            raise ValueError("two webhooks have the same url; give one all the events")
        return self

    @property
    def policy(self) -> AlertPolicy:
        """What the store has to know."""
        targets = [AlertTarget(hook.id, frozenset(hook.events)) for hook in self.webhooks]
        return AlertPolicy(self.thresholds, tuple(targets))
