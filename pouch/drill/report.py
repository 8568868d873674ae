"""What a drill prints: a bar while it runs, and a table of promises when it has."""

import textwrap
from collections import Counter
from collections.abc import Sequence
from typing import Final, TextIO

from pouch.drill.judge import State, Verdict
from pouch.drill.load import Attempt

BAR_WIDTH: Final = 30
WIDTH: Final = 100
BROKEN_SHOWN_MAX: Final = 5
_LINES: Final = 4


class Progress:
    """A bar on a terminal; elsewhere a line for every quarter."""

    def __init__(self, output: TextIO, *, requests: int) -> None:
        self._output = output
        self._requests = requests
        self._is_terminal = output.isatty()

    def __call__(self, done: int, kills: int) -> None:
        """So many requests have ended, and the server was killed so often."""
        state = f"{done}/{self._requests} requests, {kills} kills"
        if self._is_terminal:
            filled = BAR_WIDTH * done // self._requests
            bar = "#" * filled + "." * (BAR_WIDTH - filled)
            self._write(f"\r[{bar}] {state}" + ("\n" if done == self._requests else ""))
        elif done * _LINES // self._requests > (done - 1) * _LINES // self._requests:
            self._write(f"{state}\n")

    def _write(self, text: str) -> None:
        self._output.write(text)
        self._output.flush()


def table(verdicts: Sequence[Verdict]) -> list[str]:
    """Each promise with its verdict, what was tried, and what broke it."""
    lines = []
    for verdict in verdicts:
        lines.append(f"{verdict.promise:24}{verdict.state:12}{verdict.tried}")
        shown = verdict.broken[:BROKEN_SHOWN_MAX]
        for what in shown:
            lines += textwrap.wrap(what, WIDTH, initial_indent="    ! ", subsequent_indent="      ")
        if more := len(verdict.broken) - len(shown):
            lines.append(f"    ! and {more} more")
    return lines


def faults(attempts: Sequence[Attempt]) -> list[str]:
    """How often each fault was met, and what clients got."""
    planned = Counter(attempt.planned.fault.name for attempt in attempts)
    got = Counter(_got(attempt) for attempt in attempts)
    return [*_counted("Faults: ", planned), *_counted("Clients got: ", got)]


def summary(verdicts: Sequence[Verdict]) -> str:
    """One line about all promises."""
    states = Counter(verdict.state for verdict in verdicts)
    return ", ".join(f"{states[state]} {state}" for state in State if states[state])


def _got(attempt: Attempt) -> str:
    answer = attempt.answer
    if answer.hung_up:
        return "what they waited for, and hung up"
    if answer.status is None:
        return "no answer"
    return f"{answer.status} {answer.error}" if answer.error else str(answer.status)


def _counted(title: str, counts: Counter[str]) -> list[str]:
    text = ", ".join(f"{count} {name}" for name, count in counts.most_common())
    return textwrap.wrap(title + text, WIDTH, subsequent_indent="  ")
