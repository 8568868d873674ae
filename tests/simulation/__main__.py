"""``make sim SEEDS=10000`` runs so many plans, ``make sim SEED=123`` one of them."""

import argparse
import sys
import tempfile
import traceback
from collections import Counter
from pathlib import Path

from tests.simulation.gateway import Installation
from tests.simulation.plan import simulate


def main() -> int:
    parser = argparse.ArgumentParser(prog="make sim")
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--seed", type=int)
    asked = parser.parse_args()
    seeds = range(asked.seeds) if asked.seed is None else [asked.seed]
    counts: Counter[str] = Counter()
    failed: list[int] = []
    with tempfile.TemporaryDirectory() as folder:
        installed = Installation.make(Path(folder))
        for seed in seeds:
            try:
                counts += simulate(seed, Path(folder), installed)
            except Exception:  # noqa: BLE001 - the other seeds have their turn, too
                failed.append(seed)
                traceback.print_exc()
                print(f"replay it with: make sim SEED={seed}", flush=True)
            for path in Path(folder).glob(f"{seed}.db*"):
                if path.is_file():
                    path.unlink()
    print(f"{len(seeds)} runs, {len(failed)} with a broken promise {failed or ''}")
    for what, count in sorted(counts.items()):
        print(f"{count:9d}  {what}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
