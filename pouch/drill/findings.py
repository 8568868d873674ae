"""What a drill did and saw, in one place, for its promises to be judged by."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from pouch.domain.ledger import Evidence
from pouch.domain.pouch import Pouch
from pouch.domain.pricing import Price
from pouch.domain.reports import LoggedRequest, OpenReservation
from pouch.drill.load import Attempt, Watch
from pouch.drill.plan import Models
from pouch.drill.witness import Sighting

# More than a drill asks, so that one page holds all.
LOGGED_MAX: Final = 100_000


@dataclass(frozen=True)
class Findings:
    """``during_standstill`` are the attempts made while the store could not be written.

    ``chains`` are the pouches that each key draws on. ``files`` are what may hold no secret.
    ``unknown_step`` is what was said of a configuration with a step that there is not; ``None`` if
    it was taken. ``gives_up`` is why the chain reserves nothing, or ``None``.
    """

    attempts: Sequence[Attempt]
    during_standstill: Sequence[Attempt]
    kills: int
    watch: Watch
    sightings: Sequence[Sighting]
    logged: Mapping[str, LoggedRequest]
    left_open: Sequence[OpenReservation]
    pouches: Sequence[Pouch]
    chains: Mapping[str, Sequence[str]]
    models: Models
    prices: Mapping[str, Price]
    files: Sequence[Path]
    secrets: Sequence[str]
    unknown_step: str | None
    gives_up: str | None

    @property
    def all_attempts(self) -> Sequence[Attempt]:
        """Those of the load, and those while the store stood still."""
        return [*self.attempts, *self.during_standstill]

    @cached_property
    def by_user(self) -> Mapping[str, Attempt]:
        """Attempts by what they are known by where they arrive."""
        return {attempt.planned.user: attempt for attempt in self.all_attempts}

    def of(self, sighting: Sighting) -> Attempt:
        """The attempt that reached the mock."""
        return self.by_user[str(sighting.body["user"])]

    def costs(self, attempt: Attempt) -> bool:
        """It asks for a model that costs something."""
        price = self.prices.get(attempt.planned.model)
        return price is not None and not price.is_free

    @property
    def overruns(self) -> Mapping[str, int]:
        """By pouch: nano-dollars that the provider billed above what was reserved."""
        over: Counter[str] = Counter()
        for request in self.logged.values():
            if request.evidence is Evidence.OVERRUN and request.reserved is not None:
                for pouch_id in self.chains.get(request.key_id, ()):
                    over[pouch_id] += request.cost.nanos - request.reserved.nanos
        return over
