"""Records of named requests in memory; what SQLite's must do, in a page."""

from dataclasses import dataclass, replace
from datetime import datetime

from pouch.domain.errors import StoreUnavailableError
from pouch.domain.idempotency import Claim, KeptAnswer, Record
from pouch.domain.ports import Clock


@dataclass(frozen=True, slots=True)
class _Kept:
    claim: Claim
    expires_at: datetime | None = None
    answer: KeptAnswer | None = None


class FakeIdempotencyStore:
    """Behaves as a store does. The next ``failures`` calls fail; ``claims`` counts what came."""

    def __init__(self, clock: Clock) -> None:
        self.failures = 0
        self.claims = 0
        self._clock = clock
        self._kept: dict[tuple[str, str], _Kept] = {}

    async def claim(self, claim: Claim) -> bool:
        self._check()
        self.claims += 1
        place = (claim.key_id, claim.name)
        if place in self._kept and not self._is_void(self._kept[place]):
            return False
        self._kept[place] = _Kept(claim)
        return True

    async def find(self, key_id: str, name: str) -> Record | None:
        self._check()
        kept = self._kept.get((key_id, name))
        if kept is None:
            return None
        return Record(
            fingerprint=kept.claim.fingerprint,
            request_id=kept.claim.request_id,
            pending=kept.expires_at is None,
            void=self._is_void(kept),
            answer=kept.answer,
            cost=None,
        )

    async def complete(
        self, claim: Claim, answer: KeptAnswer | None, *, expires_at: datetime
    ) -> bool:
        self._check()
        place = (claim.key_id, claim.name)
        kept = self._kept.get(place)
        if kept is None or kept.claim != claim or kept.expires_at is not None:
            return False
        self._kept[place] = replace(kept, expires_at=expires_at, answer=answer)
        return True

    async def drop(self, claim: Claim) -> bool:
        self._check()
        kept = self._kept.get((claim.key_id, claim.name))
        if kept is None or kept.claim != claim or kept.expires_at is not None:
            return False
        del self._kept[claim.key_id, claim.name]
        return True

    async def purge(self) -> int:
        self._check()
        void = [place for place, kept in self._kept.items() if self._is_void(kept)]
        for place in void:
            del self._kept[place]
        return len(void)

    def _is_void(self, kept: _Kept) -> bool:
        return kept.expires_at is not None and kept.expires_at <= self._clock.now()

    def _check(self) -> None:
        if self.failures:
            self.failures -= 1
            raise StoreUnavailableError("busy")
