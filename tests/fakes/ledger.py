"""A ledger in memory; what SQLite's must do, in a page."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from pouch.domain.errors import (
    BudgetExceededError,
    ConflictError,
    NotFoundError,
    Shortfall,
    StoreUnavailableError,
)
from pouch.domain.ledger import (
    Audit,
    Discrepancy,
    Evidence,
    Hold,
    RequestRecord,
    Reservation,
    Settlement,
)
from pouch.domain.money import ZERO, Money
from pouch.domain.ports import Clock, NewPouch
from pouch.domain.pouch import Pouch


@dataclass(frozen=True, slots=True)
class _Held:
    """A reservation: where it was set aside, and how it ended."""

    reservation: Reservation
    chain: tuple[str, ...]
    request_id: str
    end: Settlement | None = None
    refunded: Money = ZERO
    zeroed: frozenset[str] = frozenset()
    """The pouches that have started afresh since it was charged."""


class FakeLedger:
    """Behaves as a store does. ``down`` makes every call fail.

    ``settled``, ``recorded`` and ``corrections`` tell what was written, in order.
    """

    def __init__(self, clock: Clock, pouches: Iterable[NewPouch] = ()) -> None:
        self.settled: list[Settlement] = []
        self.recorded: list[RequestRecord] = []
        self.resets: list[tuple[str, str]] = []
        self.corrections: list[tuple[str, Money, str]] = []
        self.down = False
        self._clock = clock
        self._pouches: dict[str, Pouch] = {}
        self._held: dict[str, _Held] = {}
        self._entries = 0
        for pouch in pouches:
            self.add(pouch)

    def add(self, pouch: NewPouch) -> None:
        """Make an empty pouch."""
        assert pouch.parent_id is None or pouch.parent_id in self._pouches
        self._pouches[pouch.id] = Pouch(
            id=pouch.id,
            name=pouch.name,
            parent_id=pouch.parent_id,
            limit=pouch.limit,
            period=pouch.period,
            resets_at=pouch.resets_at,
            spent=ZERO,
            reserved=ZERO,
            created_at=self._clock.now(),
        )

    def pouch(self, pouch_id: str) -> Pouch:
        """The pouch as it stands now."""
        return self._pouches[pouch_id]

    async def reserve(self, hold: Hold) -> Reservation:
        self._check()
        chain = self._chain(hold.pouch_id)
        limited = [(pouch.remaining, pouch) for pouch in chain if pouch.remaining is not None]
        room, tightest = min(limited, key=lambda found: found[0], default=(None, None))
        amount = hold.most if room is None else min(hold.most, room)
        if amount < hold.least:
            assert tightest is not None
            raise BudgetExceededError(_shortfall(tightest, hold))
        if hold.id in self._held:
            raise ConflictError("this reservation has been made")
        for pouch in chain:
            self._move(pouch.id, ZERO, amount)
        remaining = None if room is None else room - amount
        reservation = Reservation(hold.id, hold.pouch_id, amount, remaining)
        self._held[hold.id] = _Held(
            reservation, tuple(pouch.id for pouch in chain), hold.facts.request_id
        )
        return reservation

    async def settle(self, settlement: Settlement) -> bool:
        self._check()
        held = self._held.get(settlement.reservation_id)
        if held is None or held.end is not None:
            return False
        amount = held.reservation.amount
        assert settlement.cost <= amount or settlement.outcome.evidence is Evidence.OVERRUN
        for pouch_id in held.chain:
            self._move(pouch_id, settlement.cost, ZERO - amount)
        self._held[settlement.reservation_id] = replace(held, end=settlement)
        self.settled.append(settlement)
        return True

    async def settle_all(self, ends: Sequence[Settlement | RequestRecord]) -> None:
        self._check()
        for end in ends:
            if isinstance(end, Settlement):
                await self.settle(end)
            else:
                self.recorded.append(end)

    async def roll_over(self, pouch_id: str, *, due: datetime, next_reset: datetime) -> bool:
        self._check()
        pouch = self._pouches.get(pouch_id)
        if pouch is None or pouch.resets_at != due:
            return False
        self._zero(pouch_id)
        self._pouches[pouch_id] = replace(self._pouches[pouch_id], resets_at=next_reset)
        return True

    async def reset(self, pouch_id: str, *, reason: str) -> bool:
        self._check()
        if pouch_id not in self._pouches:
            return False
        self._zero(pouch_id)
        self.resets.append((pouch_id, reason))
        return True

    async def refund(self, request_id: str, amount: Money | None, *, reason: str) -> Money:
        self._check()
        held = next((h for h in self._held.values() if h.request_id == request_id and h.end), None)
        if held is None or held.end is None:
            raise NotFoundError("no such request has ended")
        left = held.end.cost - held.refunded
        wanted = left if amount is None else amount
        if not ZERO < wanted <= left:
            raise ConflictError("that much was not charged, or has been given back")
        counting = [pouch_id for pouch_id in held.chain if pouch_id not in held.zeroed]
        for pouch_id in counting:
            self._move(pouch_id, ZERO - min(wanted, self._pouches[pouch_id].spent), ZERO)
        self._entries += len(held.chain) - len(counting)
        self._held[held.reservation.id] = replace(held, refunded=held.refunded + wanted)
        self.corrections.append((request_id, wanted, reason))
        return wanted

    async def adjust(self, pouch_id: str, spent: Money, *, reason: str) -> bool:
        self._check()
        pouch = self._pouches.get(pouch_id)
        if pouch is None:
            return False
        after = pouch.spent + spent
        above = pouch.limit is not None and after + pouch.reserved > pouch.limit
        if after < ZERO or (spent > ZERO and above):
            raise ConflictError("it must stay between nothing and its limit")
        self._move(pouch_id, spent, ZERO)
        self.corrections.append((pouch_id, spent, reason))
        return True

    async def recover(self) -> Sequence[str]:
        """Nothing: its one holder lives as long as it does."""
        self._check()
        return []

    async def verify(self) -> Audit:
        self._check()
        open_now = [held for held in self._held.values() if held.end is None]
        found = []
        for pouch in self._pouches.values():
            held = [h.reservation.amount.nanos for h in open_now if pouch.id in h.chain]
            if sum(held) != pouch.reserved.nanos:
                found.append(Discrepancy(f"pouch {pouch.id}: reserved {pouch.reserved}"))
        return Audit(len(self._pouches), self._entries, len(self._held), len(open_now), found)

    def _zero(self, pouch_id: str) -> None:
        self._move(pouch_id, ZERO - self._pouches[pouch_id].spent, ZERO)
        for reservation_id, held in self._held.items():
            if held.end is not None:
                self._held[reservation_id] = replace(held, zeroed=held.zeroed | {pouch_id})

    def _check(self) -> None:
        if self.down:
            raise StoreUnavailableError("the store is down")

    def _chain(self, pouch_id: str) -> list[Pouch]:
        if pouch_id not in self._pouches:
            raise NotFoundError("no such pouch")
        chain = [self._pouches[pouch_id]]
        while (parent_id := chain[-1].parent_id) is not None:
            chain.append(self._pouches[parent_id])
        return chain

    def _move(self, pouch_id: str, spent: Money, reserved: Money) -> None:
        pouch = self._pouches[pouch_id]
        self._pouches[pouch_id] = replace(
            pouch, spent=pouch.spent + spent, reserved=pouch.reserved + reserved
        )
        self._entries += 1


def _shortfall(pouch: Pouch, hold: Hold) -> Shortfall:
    assert pouch.limit is not None
    return Shortfall(
        pouch_id=pouch.id,
        pouch_name=pouch.name,
        limit=pouch.limit,
        spent=pouch.spent,
        reserved=pouch.reserved,
        required=hold.least,
        resets_at=pouch.resets_at,
    )
