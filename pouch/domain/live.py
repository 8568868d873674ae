"""Requests that are at work now, as an administrator sees them and stops them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from pouch.domain.money import Money


class Phase(StrEnum):
    """How far a request at work has come."""

    WAITING = "waiting"
    """It passes the steps, or the provider has not begun to answer."""
    ANSWERING = "answering"
    """The provider answers."""
    SETTLING = "settling"
    """The client has its answer, or has gone; what it cost is being found out and written."""


@dataclass(frozen=True, slots=True)
class LiveRequest:
    """One request at work. What is not known is ``None``; of another process's that is much.

    ``bytes_relayed`` and what is estimated from it are of the provider's answer so far: its tokens,
    and their cost with the input at four bytes a token, never above what is reserved. ``here`` says
    that this process has it.
    """

    id: str
    key_id: str
    key_name: str | None
    model: str
    provider: str
    stream: bool | None
    started_at: datetime
    age_s: float
    phase: Phase | None
    reserved: Money | None
    bytes_relayed: int | None
    tokens_estimate: int | None
    cost_estimate: Money | None
    here: bool


class StopRequests(Protocol):
    """Wishes to stop requests that other processes have, in the store that they share.

    Every method raises ``StoreUnavailableError``.
    """

    async def ask(self, request_id: str) -> None:
        """Wish that whichever process has the request stops it."""
        ...

    async def wishes(self) -> Sequence[str]:
        """The requests that are to be stopped, and have not been taken."""
        ...

    async def take(self, request_id: str) -> bool:
        """Take a wish out; ``False`` if it is not there any more."""
        ...
