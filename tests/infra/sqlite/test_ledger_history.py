"""Any history of a ledger, with crashes and clocks that go back, against a model of a page."""

import asyncio
import shutil
import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from pouch.domain.errors import BudgetExceededError, ConflictError, NotFoundError
from pouch.domain.ledger import Evidence
from pouch.domain.money import Money
from pouch.infra.sqlite import SqliteStore
from tests.fakes.clock import FakeClock
from tests.infra.sqlite.books import crash, discrepancies, hold, pouch, settlement

PARENTS: dict[str, str | None] = {"company": None, "team": "company", "app": "team", "bot": "team"}
POUCHES = st.sampled_from(list(PARENTS))
AMOUNTS = st.integers(0, 60)
WITHIN = (Evidence.PROVIDER_USAGE, Evidence.COUNTED, Evidence.HELD_FULL)


class Model:
    """What should stand in the books. ``excess`` is what an overrun or a lower limit explains."""

    def __init__(self) -> None:
        self.parent = dict(PARENTS)
        self.limit: dict[str, int | None] = dict.fromkeys(PARENTS, 100)
        self.spent = dict.fromkeys(PARENTS, 0)
        self.excess = dict.fromkeys(PARENTS, 0)
        self.open: dict[str, tuple[int, list[str]]] = {}
        # What can be given back of each charge, and which pouches still count it.
        self.left: dict[str, int] = {}
        self.counted_by: dict[str, set[str]] = {}

    def chain(self, name: str) -> list[str]:
        parent = self.parent[name]
        return [name, *(self.chain(parent) if parent else [])]

    def reserved(self, name: str) -> int:
        return sum(amount for amount, chain in self.open.values() if name in chain)

    def over(self, name: str) -> int:
        limit = self.limit[name]
        total = self.spent[name] + self.reserved(name)
        return 0 if limit is None else max(0, total - limit)

    def room(self, name: str) -> int | None:
        rooms = [
            max(0, limit - self.spent[p] - self.reserved(p))
            for p in self.chain(name)
            if (limit := self.limit[p]) is not None
        ]
        return min(rooms, default=None)

    def end(self, reservation: str, cost: int) -> None:
        amount, chain = self.open.pop(reservation)
        self.left[reservation] = cost
        self.counted_by[reservation] = set(chain)
        for name in chain:
            self.spent[name] += cost
            self.excess[name] += max(0, cost - amount)

    def zero(self, name: str) -> None:
        self.spent[name] = 0
        for counting in self.counted_by.values():
            counting.discard(name)

    def refund(self, reservation: str, amount: int) -> None:
        self.left[reservation] -= amount
        for name in self.counted_by[reservation]:
            self.spent[name] = max(0, self.spent[name] - amount)


class History(RuleBasedStateMachine):
    """The store is a real file; a step is one call."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.runner = asyncio.Runner()
        self.clock = FakeClock()
        self.model = Model()
        self.made: list[str] = []
        self.due = dict.fromkeys(PARENTS, self.clock.now())

    def open(self) -> SqliteStore:
        opening = SqliteStore.open(self.folder / "p.db", self.clock, synchronous="normal")
        return self.runner.run(opening)

    @initialize()
    def begin(self) -> None:
        self.store = self.open()
        for name, parent in PARENTS.items():
            new = pouch(name, 100, inside=parent, resets_at=self.due[name])
            self.runner.run(self.store.keys.create_pouch(new))

    @rule(name=POUCHES, least=AMOUNTS, more=AMOUNTS)
    def reserve(self, name: str, least: int, more: int) -> None:
        new = f"r{len(self.made)}"
        wanted = hold(new, least + more, least=least, of=name)
        room, chain = self.model.room(name), self.model.chain(name)
        if room is not None and room < least:
            with pytest.raises(BudgetExceededError) as refusal:
                self.runner.run(self.store.ledger.reserve(wanted))
            assert refusal.value.shortfall.remaining == Money(room)
            return
        made = self.runner.run(self.store.ledger.reserve(wanted))
        amount = least + more if room is None else min(least + more, room)
        assert (made.amount, made.remaining) == (
            Money(amount),
            None if room is None else Money(room - amount),
        )
        self.made.append(new)
        self.model.open[new] = (amount, chain)

    @precondition(lambda self: self.made)
    @rule(which=st.integers(0))
    def reserve_again(self, which: int) -> None:
        with pytest.raises(ConflictError):
            self.runner.run(self.store.ledger.reserve(hold(self.one_of(which), 0)))

    @precondition(lambda self: self.made)
    @rule(which=st.integers(0), share=st.floats(0, 1), evidence=st.sampled_from(Evidence))
    def settle(self, which: int, share: float, evidence: Evidence) -> None:
        ended = self.one_of(which)
        amount = self.model.open.get(ended, (50, []))[0]
        cost = 0
        if evidence is Evidence.OVERRUN:
            cost = amount + 1 + int(share * 50)
        elif evidence in WITHIN:
            cost = int(share * amount)
        done = self.runner.run(self.store.ledger.settle(settlement(ended, cost, evidence)))
        assert done == (ended in self.model.open)
        if done:
            self.model.end(ended, cost)

    @rule(name=POUCHES, late=st.booleans())
    def roll_over(self, name: str, *, late: bool) -> None:
        due = self.due[name] - timedelta(hours=1) if late else self.due[name]
        following = self.due[name] + timedelta(days=1)
        rolling = self.store.ledger.roll_over(name, due=due, next_reset=following)
        assert self.runner.run(rolling) != late
        if not late:
            self.due[name] = following
            self.model.zero(name)

    @rule(name=POUCHES)
    def reset(self, name: str) -> None:
        assert self.runner.run(self.store.ledger.reset(name, reason="asked"))
        self.model.zero(name)

    @precondition(lambda self: self.made)
    @rule(which=st.integers(0), amount=st.none() | st.integers(1, 60))
    def refund(self, which: int, amount: int | None) -> None:
        charged = self.one_of(which)
        wanted = None if amount is None else Money(amount)
        refunding = self.store.ledger.refund(f"request of {charged}", wanted, reason="asked")
        left = self.model.left.get(charged)
        given = left if amount is None else amount
        if left is None or given is None or not 0 < given <= left:
            with pytest.raises(NotFoundError if left is None else ConflictError):
                self.runner.run(refunding)
            return
        assert self.runner.run(refunding) == Money(given)
        self.model.refund(charged, given)

    @rule(name=POUCHES, amount=st.integers(-60, 60))
    def adjust(self, name: str, amount: int) -> None:
        adjusting = self.store.ledger.adjust(name, Money(amount), reason="asked")
        limit, spent = self.model.limit[name], self.model.spent[name] + amount
        above = limit is not None and spent + self.model.reserved(name) > limit
        if spent < 0 or (amount > 0 and above):
            with pytest.raises(ConflictError):
                self.runner.run(adjusting)
            return
        assert self.runner.run(adjusting)
        self.model.spent[name] = spent

    @rule(name=POUCHES, limit=st.none() | st.integers(0, 200))
    def change_limit(self, name: str, limit: int | None) -> None:
        fields = {"limit": None if limit is None else Money(limit)}
        assert self.runner.run(self.store.keys.change_pouch(name, fields))
        self.model.limit[name] = limit
        self.model.excess[name] = self.model.over(name)

    @rule(name=POUCHES, parent=st.none() | POUCHES)
    def move(self, name: str, parent: str | None) -> None:
        changing = self.store.keys.change_pouch(name, {"parent_id": parent})
        if parent is not None and name in self.model.chain(parent):
            with pytest.raises(ConflictError):
                self.runner.run(changing)
            return
        assert self.runner.run(changing)
        self.model.parent[name] = parent

    @rule()
    def crash(self) -> None:
        self.runner.run(crash(self.store))
        self.store = self.open()
        assert sorted(self.runner.run(self.store.ledger.recover())) == sorted(self.model.open)
        for reservation, (amount, _) in list(self.model.open.items()):
            self.model.end(reservation, amount)

    @rule()
    def recover_the_living(self) -> None:
        assert self.runner.run(self.store.ledger.recover()) == []

    @rule(seconds=st.integers(1, 100_000), back=st.booleans())
    def let_time_pass(self, seconds: int, *, back: bool) -> None:
        (self.clock.set_back if back else self.clock.advance)(seconds)

    @invariant()
    def the_books_say_what_happened(self) -> None:
        for found in self.runner.run(self.store.keys.pouches()):
            name = found.id
            assert found.spent.nanos == self.model.spent[name]
            assert found.reserved.nanos == self.model.reserved(name)
            assert self.model.over(name) <= self.model.excess[name]
            self.model.excess[name] = self.model.over(name)
        assert self.runner.run(discrepancies(self.store)) == []

    def one_of(self, which: int) -> str:
        return self.made[which % len(self.made)]

    def teardown(self) -> None:
        self.runner.run(self.store.close())
        self.runner.close()
        shutil.rmtree(self.folder)


TestHistory = History.TestCase
TestHistory.settings = settings(max_examples=40, stateful_step_count=30)
