"""Whether each request that reached the mock was settled as what the drill knows of it demands."""

from collections.abc import Iterator, Sequence

from pouch.domain.ledger import Evidence
from pouch.domain.reports import LoggedRequest
from pouch.domain.usage import Usage
from pouch.drill.findings import Findings
from pouch.drill.load import Attempt
from pouch.infra.sqlite.ledger import DIED_ERROR


def settled_wrongly(findings: Findings) -> Sequence[str]:
    """What is wrong, a line each."""
    wrong: list[str] = []
    for sighting in findings.sightings:
        attempt = findings.of(sighting)
        logged = findings.logged.get(sighting.request_id)
        name = f"{attempt.planned.user} ({attempt.planned.fault.name})"
        if logged is not None:
            wrong += [f"{name} {what}" for what in _wrong(findings, attempt, logged)]
        elif findings.costs(attempt) or findings.kills == attempt.kills:
            # What cost nothing may be forgotten when the process is killed, and nothing else.
            wrong.append(f"{name} was sent, and is not in the books")
    known = findings.logged.keys()
    for attempt in findings.attempts:
        answer = attempt.answer
        if answer.looks_whole and findings.costs(attempt) and answer.request_id not in known:
            wrong.append(f"{attempt.planned.user} was answered, and is not in the books")
    return wrong


def _wrong(findings: Findings, attempt: Attempt, logged: LoggedRequest) -> Iterator[str]:
    if not findings.costs(attempt):
        if logged.cost.nanos or logged.reserved is not None:
            yield "costs nothing, and was charged"
        return
    if logged.error == DIED_ERROR:
        yield from _died_wrongly(findings, attempt, logged)
        return
    hidden = findings.prices[attempt.planned.model].hidden_reasoning
    right = attempt.planned.fault.right_ends(hidden_reasoning=hidden)
    if logged.evidence not in right:
        yield f"was settled as {logged.evidence}; right is {' or '.join(sorted(right))}"
        return
    if logged.reserved is None:
        yield f"was charged {logged.cost} USD without a reservation"
        return
    yield from _cost_wrongly(findings, attempt, logged)


def _died_wrongly(findings: Findings, attempt: Attempt, logged: LoggedRequest) -> Iterator[str]:
    if attempt.kills == findings.kills:
        yield "was settled as one whose process died, and none died"
    if logged.evidence is not Evidence.HELD_FULL or logged.cost != logged.reserved:
        yield f"died with its process, and was charged {logged.cost} of {logged.reserved} USD"


def _cost_wrongly(findings: Findings, attempt: Attempt, logged: LoggedRequest) -> Iterator[str]:
    assert logged.reserved is not None
    match logged.evidence:
        case Evidence.NOT_SENT | Evidence.REFUSED:
            right = logged.cost.nanos == 0
        case Evidence.HELD_FULL:
            right = logged.cost == logged.reserved
        case Evidence.COUNTED:
            right = 0 < logged.cost.nanos <= logged.reserved.nanos
        case Evidence.OVERRUN:
            right = logged.cost > logged.reserved
        case _:
            right = logged.cost <= logged.reserved
    if not right:
        yield f"({logged.evidence}) was charged {logged.cost} of {logged.reserved} USD"
    seen = attempt.answer.usage
    by_usage = logged.evidence in {Evidence.PROVIDER_USAGE, Evidence.OVERRUN}
    if by_usage and seen is not None and attempt.answer.looks_whole:
        bill = findings.prices[attempt.planned.model].cost(Usage(*seen))
        if bill != logged.cost:
            yield f"was charged {logged.cost} USD, and its usage costs {bill}"
