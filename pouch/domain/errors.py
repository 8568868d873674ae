"""Every way a request can be refused. The API layer renders each class once.

PouchError
├── InvalidRequestError            the body is not what the endpoint takes
│   └── BodyTooLargeError
├── AuthenticationError            no key, or none that is known
├── PermissionDeniedError
│   ├── KeyDisabledError
│   ├── KeyExpiredError
│   ├── KeyFrozenError
│   ├── ModelNotAllowedError
│   └── RightsExceededError
├── NotFoundError                  no such key, pouch, request, route
│   └── ModelNotFoundError
├── ConflictError                  the change contradicts what is stored
│   ├── IdempotencyKeyReusedError
│   ├── IdempotencyInProgressError
│   └── AnswerNotKeptError
├── PaymentRequiredError
│   ├── BudgetExceededError
│   ├── CostCeilingError
│   └── ModelNotPricedError
├── RateLimitError
├── StoppedError                   an administrator stopped the request
├── UpstreamError                  the provider could not be reached or made no sense
│   └── UpstreamTimeoutError
└── UnavailableError               this gateway cannot serve now
    ├── StoreUnavailableError
    ├── OverloadedError
    └── DrainingError
"""

from dataclasses import dataclass, replace
from datetime import datetime

from pouch.domain.money import Money


class PouchError(Exception):
    """A refusal the caller may be told about; its message holds no secret."""


class InvalidRequestError(PouchError):
    """The body is not what the endpoint takes. ``param`` names the field, dotted."""

    def __init__(self, message: str, *, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param


class BodyTooLargeError(InvalidRequestError):
    """More bytes than the server accepts."""


class AuthenticationError(PouchError):
    """No key, or none that is known."""


class PermissionDeniedError(PouchError):
    """The key is known but may not do this."""


class KeyDisabledError(PermissionDeniedError):
    """The key is switched off."""


class KeyExpiredError(PermissionDeniedError):
    """The key's time is over."""


class KeyFrozenError(PermissionDeniedError):
    """The key is frozen; without ``until`` an administrator has to thaw it."""

    def __init__(self, name: str, *, reason: str, until: datetime | None) -> None:
        end = "an administrator thaws it" if until is None else until.isoformat()
        super().__init__(f"Key {name!r} is frozen until {end}: {reason}.")
        self.reason = reason
        self.until = until


class ModelNotAllowedError(PermissionDeniedError):
    """The key may not use this model or its provider."""


class RightsExceededError(PermissionDeniedError):
    """A key asked for a key that would have more rights than itself. ``param`` names the field."""

    def __init__(self, message: str, *, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param


class NotFoundError(PouchError):
    """No such thing."""


class ModelNotFoundError(NotFoundError):
    """No model of this name is configured."""


class ConflictError(PouchError):
    """The change contradicts what is stored."""


class IdempotencyKeyReusedError(ConflictError):
    """The same key named another body with this name."""


class IdempotencyInProgressError(ConflictError):
    """The request of this name is still at work."""

    retry_after_s: float = 2


class AnswerNotKeptError(ConflictError):
    """The request of this name was answered and charged, and its answer is not there any more."""


class PaymentRequiredError(PouchError):
    """Money stands in the way."""


@dataclass(frozen=True, slots=True)
class Shortfall:
    """Why a reservation did not fit: the pouch that binds, and what would have."""

    pouch_id: str
    pouch_name: str
    limit: Money
    spent: Money
    reserved: Money
    required: Money
    resets_at: datetime | None
    largest_max_output_tokens: int | None = None

    @property
    def remaining(self) -> Money:
        """What could still be reserved; never below zero."""
        return Money(max(self.limit.nanos - self.spent.nanos - self.reserved.nanos, 0))


class BudgetExceededError(PaymentRequiredError):
    """The reservation would overdraw a pouch."""

    def __init__(self, shortfall: Shortfall) -> None:
        super().__init__(
            f"The request can cost up to {shortfall.required} USD; pouch "
            f"{shortfall.pouch_name!r} has {shortfall.remaining} USD left of {shortfall.limit}."
        )
        self.shortfall = shortfall

    def with_largest_output(self, tokens: int | None) -> "BudgetExceededError":
        """The same refusal, saying which output limit would have fit."""
        return BudgetExceededError(replace(self.shortfall, largest_max_output_tokens=tokens))


class CostCeilingError(PaymentRequiredError):
    """The request can cost more than the caller allowed it to."""

    def __init__(self, *, ceiling: Money, required: Money, largest_max_output_tokens: int) -> None:
        super().__init__(
            f"The request can cost {required} USD or more, and is allowed {ceiling} at most."
        )
        self.ceiling = ceiling
        self.required = required
        self.largest_max_output_tokens = largest_max_output_tokens


class ModelNotPricedError(PaymentRequiredError):
    """No table prices the model, so nothing could bound its cost."""


class RateLimitError(PouchError):
    """Too many requests in the window."""

    def __init__(self, *, limit: int, per_s: float, retry_after_s: float) -> None:
        super().__init__(
            f"Rate limit of {limit} requests per {per_s:g} s reached; "
            f"retry in {retry_after_s:.0f} s."
        )
        self.limit = limit
        self.per_s = per_s
        self.retry_after_s = retry_after_s


class StoppedError(PouchError):
    """An administrator stopped the request while it was at work."""


class UpstreamError(PouchError):
    """The provider could not be reached, broke off, or answered what makes no sense.

    ``reached`` is false only if it is certain that no byte of the request went out.
    """

    def __init__(self, message: str, *, reached: bool = True) -> None:
        super().__init__(message)
        self.reached = reached


class UpstreamTimeoutError(UpstreamError):
    """The provider did not answer in time."""


class UnavailableError(PouchError):
    """This gateway cannot serve now; the same request may succeed later."""

    retry_after_s: float = 1


class StoreUnavailableError(UnavailableError):
    """The store did not take a write, so nothing may be spent. What the database itself says is its
    cause, which no client is told.
    """

    @property
    def why(self) -> str:
        """The reason as the operator needs it."""
        return str(self.__cause__ or self)


class OverloadedError(UnavailableError):
    """A limit on concurrent work is reached."""


class DrainingError(UnavailableError):
    """The server is shutting down."""

    retry_after_s = 5
