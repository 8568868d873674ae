"""What the scenarios share: cores, the scripted provider, the report, and Pouches to measure."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks.gateway import Pouch, Settings
from tests.benchmarks.measure import System
from tests.benchmarks.report import Report


@dataclass(slots=True)
class Bench:
    """``core`` is for what is measured, ``other`` for the provider and the load generator."""

    folder: Path
    core: int
    other: int
    upstream: int
    report: Report
    proofs: list[str] = field(default_factory=list)
    _folders: int = 0

    def new_folder(self, name: str) -> Path:
        """A path that nothing has yet."""
        self._folders += 1
        return self.folder / f"{name.replace(' ', '-')}-{self._folders}"

    @contextmanager
    def pouch(
        self, name: str = "Pouch", settings: Settings | None = None, cores: set[int] | None = None
    ) -> Iterator[tuple[Pouch, System]]:
        """A gateway that runs, with a key; its books are proven at the end.

        Raises:
            NotProvenError: they do not balance, or it did not end well.
        """
        pouch = Pouch(self.new_folder(name), self.upstream, cores or {self.core}, settings)
        pouch.start()
        yield pouch, System(name, pouch.url, pouch.server, pouch.keys(1))
        self.proofs.append(pouch.stop_and_verify())
