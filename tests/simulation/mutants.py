"""Gateways with one mistake each, which the simulation has to catch."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final, TypeAlias

import pytest

from pouch.domain.demand import Demand
from pouch.domain.errors import StoreUnavailableError
from pouch.domain.ledger import (
    Evidence,
    Hold,
    RequestRecord,
    Reservation,
    Settlement,
    Verdict,
)
from pouch.domain.money import ZERO, Money
from pouch.domain.pipeline import Request
from pouch.domain.pricing import Price, Rates
from pouch.domain.provider import UpstreamRequest
from pouch.infra.sqlite import movements, schema
from pouch.infra.sqlite.balances import Balance
from pouch.infra.sqlite.ledger import SqliteLedger
from pouch.middlewares import usage_tracking
from pouch.providers.openai import OpenAI
from pouch.service import exchange, settlement, verdicts
from pouch.service.settlement import Ending, Settlements

Mutate: TypeAlias = Callable[[pytest.MonkeyPatch], None]


def the_guard_is_off_by_one(patch: pytest.MonkeyPatch) -> None:
    """In both places: what is granted, and the table's CHECK."""
    tightest = movements._tightest

    def one_more(chain: Sequence[Balance]) -> tuple[Balance, int | None]:
        balance, room = tightest(chain)
        return balance, None if room is None else room + 1

    patch.setattr(movements, "_tightest", one_more)
    guard = "<= limit_nanos + excess_nanos"
    scripts = [_changed(script, guard) for script in schema.MIGRATIONS[:1]]
    patch.setattr(schema, "MIGRATIONS", (*scripts, *schema.MIGRATIONS[1:]))


def _changed(statement: str, guard: str) -> str:
    assert guard in statement, "the statement has changed; so must this mutant"
    return statement.replace(guard, f"{guard} + 1")


def a_settlement_is_dropped(patch: pytest.MonkeyPatch) -> None:
    settle_all = SqliteLedger.settle_all
    ended = 0

    async def most(self: SqliteLedger, ends: Sequence[Settlement | RequestRecord]) -> None:
        nonlocal ended
        numbered = enumerate(ends, ended + 1)
        ended += len(ends)
        await settle_all(self, [end for number, end in numbered if number % 7])

    patch.setattr(SqliteLedger, "settle_all", most)


def what_is_not_settled_at_once_is_forgotten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Settlements, "_by_itself", lambda *_: None)


def a_hang_up_is_not_settled(patch: pytest.MonkeyPatch) -> None:
    later = Settlements.later

    def unless_gone(self: Settlements, request: Request, ending: Ending) -> None:
        if ending.error != "client_gone":
            later(self, request, ending)

    patch.setattr(Settlements, "later", unless_gone)


def a_broken_stream_costs_nothing(patch: pytest.MonkeyPatch) -> None:
    judge = verdicts.judge

    def kind(request: Request) -> Verdict | None:
        known = judge(request)
        return Verdict(Evidence.REFUSED, ZERO) if known is None else known

    patch.setattr(settlement, "judge", kind)


def an_overrun_is_clipped(patch: pytest.MonkeyPatch) -> None:
    by_usage = verdicts._by_usage

    def clipped(cost: Money, usage: Any, reservation: Reservation | None) -> Verdict:
        most = cost if reservation is None else reservation.amount
        return by_usage(min(cost, most), usage, reservation)

    patch.setattr(verdicts, "_by_usage", clipped)


def the_bound_is_not_sent_upstream(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Request, "bounded", lambda request, _: request)


def more_choices_are_not_reserved_for(patch: pytest.MonkeyPatch) -> None:
    cost = Demand.cost

    def of_one(demand: Demand, output_tokens: int) -> Money:
        return cost(replace(demand, body=replace(demand.body, choices=1)), output_tokens)

    patch.setattr(Demand, "cost", of_one)


def a_store_that_fails_lets_requests_through(patch: pytest.MonkeyPatch) -> None:
    reserve = SqliteLedger.reserve

    async def or_so(self: SqliteLedger, hold: Hold) -> Reservation:
        try:
            return await reserve(self, hold)
        except StoreUnavailableError:
            return Reservation(hold.id, hold.pouch_id, hold.most, None)

    patch.setattr(SqliteLedger, "reserve", or_so)


def an_unpriced_model_is_free(patch: pytest.MonkeyPatch) -> None:
    price_of = usage_tracking._price_of

    def or_nothing(request: Request) -> Price:
        return price_of(request) if request.route.price else Price(Rates(0, 0), "nowhere")

    patch.setattr(usage_tracking, "_price_of", or_nothing)


def what_the_dead_left_stays_reserved(patch: pytest.MonkeyPatch) -> None:
    async def nothing(self: SqliteLedger) -> Sequence[str]:
        del self
        return []

    patch.setattr(SqliteLedger, "recover", nothing)


def what_a_client_left_while_reserving_stays_reserved(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(movements.Movements, "release", lambda *_: None)


def a_secret_is_logged(patch: pytest.MonkeyPatch) -> None:
    prepare = OpenAI.prepare

    def and_tell(self: OpenAI, request: Request) -> UpstreamRequest:
        outgoing = prepare(self, request)
        logging.getLogger("pouch.provider").debug("sending %s", outgoing.headers)
        return outgoing

    patch.setattr(OpenAI, "prepare", and_tell)


def an_error_quotes_the_providers_secret(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(exchange, "_without_secrets", lambda body, _: body)


MUTANTS: Final[tuple[Mutate, ...]] = (
    the_guard_is_off_by_one,
    a_settlement_is_dropped,
    what_is_not_settled_at_once_is_forgotten,
    a_hang_up_is_not_settled,
    a_broken_stream_costs_nothing,
    an_overrun_is_clipped,
    the_bound_is_not_sent_upstream,
    more_choices_are_not_reserved_for,
    a_store_that_fails_lets_requests_through,
    an_unpriced_model_is_free,
    what_the_dead_left_stays_reserved,
    what_a_client_left_while_reserving_stays_reserved,
    a_secret_is_logged,
    an_error_quotes_the_providers_secret,
)
