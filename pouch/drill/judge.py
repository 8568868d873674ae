"""Each promise against what the drill itself did and saw.

A promise that nothing put to the test is not kept but untried, which is as bad: a drill vouches
only for what it has seen.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pouch.domain.usage import Usage
from pouch.drill.findings import Findings
from pouch.drill.settled import settled_wrongly
from pouch.drill.witness import Sighting

REFUSED_FROM: Final = 400
UNAVAILABLE: Final = 503


class State(StrEnum):
    """What became of a promise."""

    KEPT = "kept"
    BROKEN = "BROKEN"
    UNTRIED = "not tried"


@dataclass(frozen=True, slots=True)
class Verdict:
    """``tried`` says what put the promise to the test, ``broken`` what broke it."""

    promise: str
    tried: str
    tests: int
    broken: Sequence[str]

    @property
    def state(self) -> State:
        """Kept only if it was tried."""
        if self.broken:
            return State.BROKEN
        return State.KEPT if self.tests else State.UNTRIED


def judge(findings: Findings) -> Sequence[Verdict]:
    """A verdict on each promise, in the order of the design."""
    return [each(findings) for each in _JUDGES]


def _reserved_before_sent(findings: Findings) -> Verdict:
    sent = [one for one in findings.sightings if findings.costs(findings.of(one))]
    broken = [what for one in sent for what in _unreserved(findings, one)]
    if broken and findings.gives_up:
        broken.insert(0, findings.gives_up)
    tried = f"{len(sent)} priced requests seen by the provider, each with the store beside it"
    return Verdict("Reserved before sent", tried, len(sent), broken)


def _unreserved(findings: Findings, sighting: Sighting) -> Iterator[str]:
    attempt, body = findings.of(sighting), sighting.body
    name = f"{attempt.planned.user} ({sighting.request_id})"
    if sighting.reserved is None:
        yield f"{name} was sent, and nothing was reserved for it"
        return
    limits = [body[key] for key in ("max_tokens", "max_completion_tokens") if key in body]
    bounds = [limit for limit in limits if isinstance(limit, int)]
    if not bounds:
        yield f"{name} was sent without an output limit"
        return
    price = findings.prices[attempt.planned.model]
    most = price.cost(Usage(_words_in(body), min(bounds)))
    if most.nanos > sighting.reserved:
        yield f"{name} can cost {most} USD, and {sighting.reserved} nano-USD were reserved"


def _words_in(body: dict[str, object]) -> int:
    """What the mock counts as input."""
    messages = body["messages"]
    assert isinstance(messages, list)
    return sum(len(str(message["content"]).split()) for message in messages)


def _never_over(findings: Findings) -> Verdict:
    watch, overruns = findings.watch, findings.overruns
    names = {pouch.id: pouch.name for pouch in findings.pouches}
    broken = [
        f"pouch {names.get(pouch_id, pouch_id)!r} was {over} nano-USD over its limit"
        for pouch_id, over in watch.excess.items()
        if over > overruns.get(pouch_id, 0)
    ]
    broken += [f"pouch {name!r} had less than nothing spent or reserved" for name in watch.negative]
    refused = sum(attempt.answer.error == "budget_exceeded" for attempt in findings.attempts)
    tried = (
        f"{len(watch.excess)} limited pouches looked at {watch.polls} times, {refused} requests "
        f"refused for want of budget, {len(overruns)} pouches with an overrun of the provider's"
    )
    return Verdict("Never over", tried, refused and watch.polls, broken)


def _exactly_once(findings: Findings) -> Verdict:
    broken = [f"reservation {one.id} is still open" for one in findings.left_open]
    times = Counter(sighting.request_id for sighting in findings.sightings)
    broken += [f"{name} was sent {count} times" for name, count in times.items() if count > 1]
    broken += settled_wrongly(findings)
    ends = Counter(
        findings.logged[name].evidence.value for name in times if name in findings.logged
    )
    told = ", ".join(f"{count} {evidence}" for evidence, count in ends.most_common())
    tried = f"{len(times)} requests sent, {findings.kills} kills; ended as: {told or 'nothing'}"
    return Verdict("Exactly once", tried, len(times), broken)


def _books_balance(findings: Findings) -> Verdict:
    broken = [found.what for found in findings.watch.discrepancies]
    charged: Counter[str] = Counter()
    for request in findings.logged.values():
        if request.reserved is not None:
            for pouch_id in findings.chains.get(request.key_id, ()):
                charged[pouch_id] += request.cost.nanos
    broken += [
        f"pouch {pouch.name!r} has spent {pouch.spent} USD, and its requests cost "
        f"{charged[pouch.id]} nano-USD"
        for pouch in findings.pouches
        if pouch.spent.nanos != charged[pouch.id]
    ]
    tried = (
        f"verified {findings.watch.audits} times; {len(findings.pouches)} balances compared "
        f"with {len(findings.logged)} requests"
    )
    return Verdict("The books balance", tried, sum(charged.values()), broken)


def _no_price_no_call(findings: Findings) -> Verdict:
    asked = [a for a in findings.attempts if a.planned.model in findings.models.unpriced]
    answered = [a for a in asked if a.answer.status is not None]
    broken = [
        f"{a.planned.user} asked for {a.planned.model}, which has no price, and got a "
        f"{a.answer.status}"
        for a in answered
        if a.answer.status is not None and a.answer.status < REFUSED_FROM
    ]
    seen = [findings.of(one) for one in findings.sightings]
    broken += [
        f"{a.planned.user} reached the provider of {a.planned.model}, which has no price"
        for a in seen
        if a.planned.model in findings.models.unpriced
    ]
    free = [r for r in findings.logged.values() if r.model in findings.models.free]
    broken += [
        f"{r.id} asked for {r.model}, which is free, and touched a budget"
        for r in free
        if r.reserved is not None or r.cost.nanos
    ]
    tried = f"{len(asked)} requests for models without a price, {len(free)} for free ones"
    return Verdict("No price, no call", tried, len(answered), broken)


def _fail_closed(findings: Findings) -> Verdict:
    users = {attempt.planned.user for attempt in findings.during_standstill}
    broken = [
        f"{findings.of(one).planned.user} reached the provider while the store was locked"
        for one in findings.sightings
        if findings.of(one).planned.user in users
    ]
    refused = 0
    for attempt in findings.during_standstill:
        status = attempt.answer.status
        refused += status == UNAVAILABLE
        if status is not None and status < REFUSED_FROM:
            broken.append(f"{attempt.planned.user} got a {status} while the store was locked")
    if findings.unknown_step is None:
        broken.append("a configuration with an unknown step is taken")
    tried = f"{len(users)} requests while the store was locked, {refused} of them got a 503; "
    tried += "a configuration with an unknown step"
    return Verdict("Fail closed", tried, refused, broken)


def _secrets_stay(findings: Findings) -> Verdict:
    broken = []
    for path in findings.files:
        content = path.read_bytes()
        broken += [
            f"{path.name} holds the secret that begins with {secret[:12]!r}"
            for secret in findings.secrets
            if secret.encode() in content
        ]
    answers = [attempt.answer for attempt in findings.all_attempts]
    for answer in answers:
        got = f"{answer.headers}{answer.raw!r}"
        if any(secret in got for secret in findings.secrets):
            broken.append(f"the answer to {answer.request_id} holds a secret")
    names = ", ".join(path.name for path in findings.files)
    tried = f"{len(findings.secrets)} secrets looked for in {names} and {len(answers)} answers"
    return Verdict("Secrets stay", tried, len(findings.secrets), broken)


def _cut_looks_cut(findings: Findings) -> Verdict:
    users = {str(sighting.body["user"]) for sighting in findings.sightings}
    cut = [a for a in findings.attempts if a.planned.fault.breaks and a.planned.user in users]
    broken = [
        f"{a.planned.user}: the provider broke off ({a.planned.fault.name}), and the client's "
        "answer looks whole"
        for a in cut
        if a.answer.looks_whole
    ]
    whole = sum(a.answer.looks_whole for a in findings.attempts)
    tried = f"{len(cut)} answers that broke off or never came, beside {whole} that are whole"
    return Verdict("What is cut looks cut", tried, len(cut), broken)


_JUDGES: Final[Sequence[Callable[[Findings], Verdict]]] = (
    _reserved_before_sent,
    _never_over,
    _exactly_once,
    _books_balance,
    _no_price_no_call,
    _fail_closed,
    _secrets_stay,
    _cut_looks_cut,
)
