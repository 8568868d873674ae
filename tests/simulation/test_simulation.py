"""The whole gateway under seeded plans of requests and faults; and proof that this can fail.

``make sim SEEDS=10000`` runs more of them, ``make sim SEED=123`` replays one.
"""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.simulation.gateway import Installation
from tests.simulation.mutants import MUTANTS, Mutate
from tests.simulation.plan import simulate
from tests.simulation.promises import BrokenPromiseError

SEEDS = 200
BATCH = 25


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    return Installation.make(tmp_path_factory.mktemp("simulation"))


def run_all(seeds: Iterable[int], folder: Path, installed: Installation) -> Counter[str]:
    """The counts of all runs.

    Raises:
        BrokenPromiseError: saying which seed replays it.
    """
    counts: Counter[str] = Counter()
    for seed in seeds:
        try:
            counts += simulate(seed, folder, installed)
        except BaseException as error:
            error.add_note(f"replay it with: make sim SEED={seed}")
            raise
    return counts


@pytest.mark.parametrize("first", range(0, SEEDS, BATCH))
def test_every_promise_holds_after_every_step(
    first: int, tmp_path: Path, installed: Installation
) -> None:
    counts = run_all(range(first, first + BATCH), tmp_path, installed)
    print(dict(sorted(counts.items())))
    # A plan in which nothing happens would hold anything.
    for evidence in ("provider_usage", "counted", "held_full", "not_sent", "refused", "free"):
        assert counts[evidence] > 0, evidence
    assert counts["crash"] > 0
    assert counts["fail"] > 0


def test_a_seed_replays_what_it_did(tmp_path: Path, installed: Installation) -> None:
    (tmp_path / "again").mkdir()
    once = simulate(7, tmp_path, installed)
    assert simulate(7, tmp_path / "again", installed) == once


@pytest.mark.parametrize("mutate", MUTANTS, ids=lambda mutate: mutate.__name__)
def test_a_gateway_that_loses_money_is_caught(
    mutate: Mutate, tmp_path: Path, installed: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    mutate(monkeypatch)
    with pytest.raises(BrokenPromiseError) as caught:
        run_all(range(SEEDS), tmp_path, installed)
    assert "make sim SEED=" in caught.value.__notes__[0]
