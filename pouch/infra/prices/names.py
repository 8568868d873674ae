"""Which of a vendor's models a name means, beyond doubt.

The data matches generously: ``claude-sonnet-4-5-anything`` is a ``claude-sonnet-4-5`` to it. For
money that is too generous, as tomorrow's ``-anything`` may cost ten times as much. A name counts
here if the data spells it out, or if nothing but a date of release follows what it spells out.
"""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from genai_prices.types import MatchLogic, ModelInfo

_DATE: Final = re.compile(r"[-@]20\d\d(-?)(0[1-9]|1[0-2])\1(0[1-9]|[12]\d|3[01])$")
_OPEN_ENDED: Final = re.compile(r"[*+]|\{\d*,\d*\}|\(\?")


def undated(name: str) -> str:
    """``name`` without the date of its release: ``claude-opus-4-1-20250805``, ``o3-2025-04-16``."""
    return _DATE.sub("", name)


def is_named(model: "ModelInfo", name: str) -> bool:
    """Whether ``name`` means ``model`` and can mean no other that is not in the data yet."""
    name = _without_tuning(name.lower())
    if not model.is_match(name):
        return False
    return name == model.id.lower() or any(_names(rule, name) for rule in _rules(model.match))


def _without_tuning(name: str) -> str:
    """``ft:gpt-4o-2024-08-06`` of ``ft:gpt-4o-2024-08-06:organisation::id``; others as they are."""
    return ":".join(name.split(":")[:2]) if name.startswith("ft:") else name


def _rules(rule: "MatchLogic") -> "Iterator[MatchLogic]":
    """The alternatives, each of which is enough."""
    from genai_prices.types import ClauseOr  # noqa: PLC0415 - slow to import

    if isinstance(rule, ClauseOr):
        for alternative in rule.or_:
            yield from _rules(alternative)
    else:
        yield rule


def _names(rule: "MatchLogic", name: str) -> bool:
    from genai_prices.types import (  # noqa: PLC0415 - slow to import
        ClauseEquals,
        ClauseRegex,
        ClauseStartsWith,
    )

    if isinstance(rule, ClauseEquals):
        return name == rule.equals.lower()
    if isinstance(rule, ClauseStartsWith):
        start = rule.starts_with.lower()
        return name.startswith(start) and len(undated(name)) <= len(start)
    if isinstance(rule, ClauseRegex):
        return _is_closed(rule.regex) and re.search(rule.regex, name) is not None
    return False


def _is_closed(regex: str) -> bool:
    """It matches whole names, of lengths that it fixes."""
    return regex.startswith("^") and regex.endswith("$") and not _OPEN_ENDED.search(regex)
