"""Pouches as a transaction finds them, and as its movements leave them."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from pouch.domain.errors import NotFoundError, Shortfall
from pouch.domain.ledger import Hold
from pouch.domain.money import Money
from pouch.infra.sqlite.rows import optional_moment

# Pouches inside pouches, at most.
DEPTH_MAX: Final = 16

_POUCH: Final = (
    "SELECT id, name, parent_id, limit_nanos, spent_nanos, reserved_nanos, excess_nanos, "
    "resets_at, alerted_percent FROM pouches WHERE id = ?"
)
# The table's CHECK refuses what stands above the limit by more than the excess.
_SET: Final = (
    "UPDATE pouches SET spent_nanos = ?, reserved_nanos = ?, excess_nanos = ? WHERE id = ?"
)


@dataclass(slots=True)
class Balance:
    """One pouch, in nano-dollars."""

    id: str
    name: str
    parent_id: str | None
    limit: int | None
    spent: int
    reserved: int
    excess: int
    resets_at: int | None
    alerted_percent: int
    changed: bool = False

    @property
    def room(self) -> int | None:
        """What can still be reserved; ``None`` without a limit. Of a pouch that an overrun has
        filled, nothing.
        """
        return None if self.limit is None else max(self.limit - self.spent - self.reserved, 0)

    def reserve(self, amount: int) -> None:
        """Set ``amount``, which there is room for, aside."""
        self.reserved += amount
        self.changed = True

    def settle(self, amount: int, cost: int) -> None:
        """Replace a reservation of ``amount`` by what it cost.

        Only an overrun raises the excess; whatever lowers the total lowers the excess with it.
        """
        self.reserved -= amount
        self.spent += cost
        over = 0 if self.limit is None else self.spent + self.reserved - self.limit
        self.excess = max(0, min(over, self.excess + max(0, cost - amount)))
        self.changed = True


class Balances:
    """Reads each pouch once in a transaction, where nobody else can write, and writes it once."""

    def __init__(self) -> None:
        self._read: dict[str, Balance] = {}

    def forget(self) -> None:
        """Read again whatever is asked for next."""
        self._read.clear()

    def chain(self, connection: sqlite3.Connection, pouch_id: str) -> list[Balance]:
        """The pouch and every pouch around it, own first.

        Raises:
            NotFoundError: there is no such pouch.
        """
        chain: list[Balance] = []
        following: str | None = pouch_id
        while following is not None:
            chain.append(self.of(connection, following))
            assert len(chain) <= DEPTH_MAX, "pouches lie in a circle"
            following = chain[-1].parent_id
        return chain

    def of(self, connection: sqlite3.Connection, pouch_id: str) -> Balance:
        """One pouch.

        Raises:
            NotFoundError: there is none.
        """
        balance = self._read.get(pouch_id)
        if balance is None:
            row: Sequence[Any] | None = connection.execute(_POUCH, (pouch_id,)).fetchone()
            if row is None:
                raise NotFoundError(f"There is no pouch {pouch_id!r}.")
            balance = self._read[pouch_id] = Balance(*row)
        return balance

    def write(self, connection: sqlite3.Connection) -> None:
        """Write what has changed."""
        for balance in self._read.values():
            if balance.changed:
                balance.changed = False
                values = (balance.spent, balance.reserved, balance.excess, balance.id)
                written = connection.execute(_SET, values)
                assert written.rowcount == 1, "a pouch went in the writer's own transaction"


def shortfall(balance: Balance, hold: Hold) -> Shortfall:
    """Why ``hold`` does not fit."""
    assert balance.limit is not None
    return Shortfall(
        pouch_id=balance.id,
        pouch_name=balance.name,
        limit=Money(balance.limit),
        spent=Money(balance.spent),
        reserved=Money(balance.reserved),
        required=hold.least,
        resets_at=optional_moment(balance.resets_at),
    )
