"""What was measured: printed as soon as it is known, kept to be written as Markdown.

A table's first column is text, the others are numbers or empty. A target that is missed is said so
and is no failure: what a benchmark must not do is fail a request, or a proof of the books.
"""

import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tests.benchmarks.servers import ROOT

MARKER: Final = "<!-- What follows is written by make bench. -->"


@dataclass(frozen=True, slots=True)
class Target:
    """A figure beside what it is to be at most, or at least."""

    what: str
    target: str
    measured: str
    met: bool


class Report:
    """The tables of one run."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._targets: list[Target] = []
        self.note(
            f"{datetime.now(UTC):%Y-%m-%d}, commit {_commit()}, Python "
            f"{platform.python_version()}, {os.cpu_count()} cores ({_processor()}), "
            f"Linux {platform.release()}. Times in microseconds where nothing else is said."
        )

    def heading(self, title: str) -> None:
        _print(f"\n== {title}")
        self._parts.append(f"## {title}")

    def note(self, text: str) -> None:
        _print(text)
        self._parts.append(text)

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        widths = [max(map(len, column)) for column in zip(columns, *rows, strict=True)]
        for row in (columns, *rows):
            first, *others = (
                cell.ljust(width) if at == 0 else cell.rjust(width)
                for at, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            _print("  ".join([first, *others]))
        rule = ["---", *("--:" for _ in columns[1:])]
        lines = ["| " + " | ".join(cells) + " |" for cells in (columns, rule, *rows)]
        self._parts.append("\n".join(lines))

    def at_most(self, what: str, measured: float, target: float, unit: str) -> None:
        met = measured <= target
        self._target(what, f"at most {target:g} {unit}", f"{measured:,.3g} {unit}", met)

    def at_least(self, what: str, measured: float, target: float, unit: str) -> None:
        met = measured >= target
        self._target(what, f"at least {target:g} {unit}", f"{measured:,.3g} {unit}", met)

    def _target(self, what: str, target: str, measured: str, met: bool) -> None:
        _print(f"   {'met   ' if met else 'MISSED'} {what}: {measured} ({target})")
        self._targets.append(Target(what, target, measured, met))

    def finish(self) -> None:
        """The targets of the whole run in one table."""
        if self._targets:
            self.heading("Targets")
            self.table(
                ["what", "target", "measured", ""],
                [
                    [each.what, each.target, each.measured, "met" if each.met else "missed"]
                    for each in self._targets
                ],
            )

    def write_into(self, path: Path) -> None:
        """Replace what follows the marker in ``path``, or write a file that has none."""
        before = path.read_text(encoding="utf-8").partition(MARKER)[0] if path.exists() else ""
        text = "\n\n".join([MARKER, *self._parts])
        path.write_text(before + text + "\n", encoding="utf-8")


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _commit() -> str:
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--exclude", "*"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or "unknown"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
