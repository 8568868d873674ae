"""What is asked in a drill, and what goes wrong, drawn from a seed.

The same seed and numbers make the same plan; when a request meets a kill is up to the machine.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from pouch.domain.ledger import Evidence

KEYS: Final = 8
# One more, with room for two requests of a rush or a few more, and never for all.
RUSH_KEY: Final = KEYS
RUSH: Final = 16
RUSH_OUTPUT_TOKENS: Final = 200
REQUESTS_MIN: Final = 50
# Events of an answer that is to break in its middle.
_CHUNKS: Final = 12
# Mostly named: one request without a limit may take all that is left in a pouch.
_LIMITS: Final = (None, 30, 40, 60, 100, 150, 200, 1000)
# What is charged in full by a fault shall leave something for the others.
_HELD_LIMIT: Final = 60

_COUNTED: Final = frozenset({Evidence.COUNTED})
_HELD: Final = frozenset({Evidence.HELD_FULL})
_REPORTED: Final = frozenset({Evidence.PROVIDER_USAGE})
_ABANDONED: Final = _COUNTED | _REPORTED
_BEYOND: Final = frozenset({Evidence.COUNTED, Evidence.OVERRUN, Evidence.PROVIDER_USAGE})
_REFUSED: Final = frozenset({Evidence.REFUSED})


@dataclass(frozen=True, slots=True)
class Fault:
    """One way for a request to end.

    ``mock`` is what the mock is told to do. ``evidence`` are the ends that are right for a priced
    model, once the request has been sent. ``stream`` is ``None`` where it may be one or not.
    ``breaks`` says that the answer must not look whole. ``hang_up_after`` is the number of chunks
    after which the client hangs up; 0 is before any answer, ``None`` never. ``output_limit`` is
    what the client asks for; ``None`` leaves it to chance.
    """

    name: str
    evidence: frozenset[Evidence]
    mock: Mapping[str, object] = field(default_factory=dict)
    stream: bool | None = None
    breaks: bool = False
    hang_up_after: int | None = None
    output_limit: int | None = None

    def right_ends(self, *, hidden_reasoning: bool) -> frozenset[Evidence]:
        """``evidence``; but what hides a part of its output is held in full and never counted."""
        if hidden_reasoning and Evidence.COUNTED in self.evidence:
            return self.evidence - _COUNTED | _HELD
        return self.evidence


FAULTS: Final = (
    Fault("none", _REPORTED),
    Fault("slow", _REPORTED, {"delay_s": 0.2, "chunks": 8, "chunk_delay_s": 0.02}),
    Fault("cut stream", _COUNTED, {"chunks": _CHUNKS, "cut_after": 3}, stream=True, breaks=True),
    Fault(
        "cut document", _HELD, {"cut_after": 1}, stream=False, breaks=True, output_limit=_HELD_LIMIT
    ),
    Fault(
        "stall",
        _COUNTED | _HELD,
        {"chunks": _CHUNKS, "stall_after": 1, "stall_s": 0.4},
        breaks=True,
    ),
    Fault("no usage", _COUNTED, {"usage": "none"}),
    Fault("wrong usage", _COUNTED, {"usage": "wrong"}),
    Fault("error event", _COUNTED, {"chunks": _CHUNKS, "error_after": 3}, stream=True, breaks=True),
    Fault("too much output", _BEYOND, {"output_tokens": 600}, output_limit=20),
    Fault("429", _REFUSED, {"status": 429}, breaks=True),
    Fault("500", _REFUSED, {"status": 500}, breaks=True),
    Fault("web page", _REFUSED, {"strange": True}, breaks=True),
    Fault("unreachable", frozenset({Evidence.NOT_SENT}), {"connection": "refused"}, breaks=True),
    Fault("lost", _HELD, {"connection": "lost"}, breaks=True, output_limit=_HELD_LIMIT),
    Fault(
        "timeout",
        _HELD,
        {"connection": "timeout", "delay_s": 0.2},
        breaks=True,
        output_limit=_HELD_LIMIT,
    ),
    Fault("hang-up before the answer", _ABANDONED | _HELD, {"delay_s": 0.2}, hang_up_after=0),
    Fault(
        "hang-up in the answer",
        _ABANDONED,
        {"chunks": 30, "chunk_delay_s": 0.02},
        stream=True,
        hang_up_after=3,
    ),
)
_RUSHED: Final = Fault("none, in a rush", _REPORTED, {"delay_s": 0.3})
_SOUND_SHARE: Final = 0.4
_STREAM_SHARE: Final = 0.6
# Priced, free and unpriced models.
_KIND_WEIGHTS: Final = (84, 8, 8)


@dataclass(frozen=True, slots=True)
class Models:
    """What can be asked for, by what it costs: names that clients use."""

    priced: Sequence[str]
    free: Sequence[str]
    unpriced: Sequence[str]


@dataclass(frozen=True, slots=True)
class Planned:
    """One request: which of the drill's keys asks, for what, and what is to go wrong."""

    number: int
    key: int
    body: Mapping[str, object]
    fault: Fault

    @property
    def model(self) -> str:
        """The name that is asked for."""
        return str(self.body["model"])

    @property
    def user(self) -> str:
        """How the request is known again where it arrives."""
        return str(self.body["user"])


@dataclass(frozen=True, slots=True)
class Plan:
    """``kills`` are (after so many requests have begun, wait so many seconds) for each SIGKILL."""

    requests: Sequence[Planned]
    kills: Sequence[tuple[int, float]]


def plan(seed: int, models: Models, *, requests: int, kills: int) -> Plan:
    """The plan of ``seed``: a rush on a pouch that cannot hold it, and then what chance brings."""
    assert requests >= REQUESTS_MIN
    chance = random.Random(seed)  # noqa: S311 - no secret depends on it
    planned = [
        request_for(
            models.priced[0],
            number,
            key=RUSH_KEY,
            fault=_RUSHED,
            output_limit=RUSH_OUTPUT_TOKENS,
        )
        for number in range(RUSH)
    ]
    # Whatever chance leaves out.
    for model in (models.unpriced[0], models.free[0]):
        planned.append(request_for(model, len(planned), key=0))
    planned += [_request(chance, number, models) for number in range(len(planned), requests)]
    moments = sorted(chance.randint(RUSH, requests - 1) for _ in range(kills))
    return Plan(planned, [(moment, chance.uniform(0, 0.1)) for moment in moments])


def request_for(
    model: str,
    number: int,
    *,
    key: int,
    fault: Fault = FAULTS[0],
    stream: bool = False,
    words: int = 1,
    output_limit: int | None = None,
) -> Planned:
    """A request under a number of its own, with a text that no other request has."""
    body: dict[str, object] = {
        "model": model,
        "user": f"drill-{number}",
        "messages": [
            {"role": "system", "content": "word " * words},
            {"role": "user", "content": f"Drill request {number}: say something."},
        ],
        "stream": stream,
        "mock": dict(fault.mock),
    }
    if stream:
        body["stream_options"] = {"include_usage": True}
    if output_limit is not None:
        body["max_tokens"] = output_limit
    return Planned(number, key, body, fault)


def _request(chance: random.Random, number: int, models: Models) -> Planned:
    sound = chance.random() < _SOUND_SHARE
    fault = FAULTS[0] if sound else chance.choice(FAULTS[1:])
    streamed = chance.random() < _STREAM_SHARE
    return request_for(
        _model(chance, models),
        number,
        key=chance.randrange(KEYS),
        fault=fault,
        stream=streamed if fault.stream is None else fault.stream,
        words=chance.choice([1, 20, 300]),
        output_limit=fault.output_limit or chance.choice(_LIMITS),
    )


def _model(chance: random.Random, models: Models) -> str:
    [kind] = chance.choices([models.priced, models.free, models.unpriced], _KIND_WEIGHTS)
    return chance.choice(kind)
