"""Requests that may be sent again without being charged again.

A client names a request; under the same key the name stands for one body, one charge and one
answer until its record expires. A record belongs to a key: the same name under another key is
another record. What is answered with an error leaves no record, so that it may be tried again.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from pouch.domain.errors import InvalidRequestError
from pouch.domain.money import Money

IDEMPOTENCY_KEY: Final = "idempotency-key"
NAME_LENGTH_MAX: Final = 255


@dataclass(frozen=True, slots=True)
class Claim:
    """One attempt to be the request that a name stands for.

    ``fingerprint`` is what two requests must share to be the same. ``request_id`` tells this
    attempt from any other under the name.
    """

    key_id: str
    name: str
    fingerprint: str
    request_id: str


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer as its client got it: ``body`` holds the very bytes, of a stream too."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(frozen=True, slots=True)
class Record:
    """What is known under a name.

    ``pending``: the request is at work. ``void``: it died with its process, or its time is over, so
    the name may be claimed again. ``answer`` is ``None`` while it is pending, and where it was too
    large to be kept. ``cost`` is what the request was charged, ``None`` until that is settled.
    """

    fingerprint: str
    request_id: str
    pending: bool
    void: bool
    answer: KeptAnswer | None
    cost: Money | None


class IdempotencyStore(Protocol):
    """Where records are kept, for all processes. Every method raises ``StoreUnavailableError`` if
    the store cannot be used, and then nothing has changed.
    """

    async def claim(self, claim: Claim) -> bool:
        """Take the name; ``False`` if another request has it.

        Durable when it returns. If the caller is cancelled while it waits, the name stays free.
        """
        ...

    async def find(self, key_id: str, name: str) -> Record | None:
        """The record of a name, if there is one."""
        ...

    async def complete(
        self, claim: Claim, answer: KeptAnswer | None, *, expires_at: datetime
    ) -> bool:
        """Keep the answer (``None``: only that there was one) until it expires.

        The oldest answers make room for it. ``False`` if the claim is not pending.
        """
        ...

    async def drop(self, claim: Claim) -> bool:
        """Free the name; ``False`` if the claim is not pending."""
        ...

    async def purge(self) -> int:
        """Forget some of what is void; how many records that was, 0 when none is left."""
        ...


def name_of(values: Sequence[str]) -> str | None:
    """The name that a request's ``Idempotency-Key`` headers give it; ``None`` without any.

    Raises:
        InvalidRequestError: there are several, or it is not 1 to 255 visible ASCII characters.
    """
    if not values:
        return None
    name = values[0]
    if len(values) > 1:
        problem = "must be sent once."
    elif not 1 <= len(name) <= NAME_LENGTH_MAX or not all("!" <= c <= "~" for c in name):
        problem = f"must be 1 to {NAME_LENGTH_MAX} visible ASCII characters."
    else:
        return name
    raise InvalidRequestError(f"Idempotency-Key {problem}", param=IDEMPOTENCY_KEY)


def fingerprint_of(endpoint: str, body: bytes) -> str:
    """The SHA-256 of the endpoint and of the body's raw bytes, in hexadecimal."""
    digest = hashlib.sha256(endpoint.encode() + b"\n")
    digest.update(body)
    return digest.hexdigest()
