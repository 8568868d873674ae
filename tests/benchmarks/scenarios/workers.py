"""Two workers on two cores beside one on one, and two processes on one ledger.

On a machine of two cores the provider and the load generator need a part of the cores that the
workers have, so that requests a second cannot double. What two workers cost per request says what
they would do with cores of their own.
"""

from typing import Final

from tests.benchmarks.bench import Bench
from tests.benchmarks.gateway import Settings
from tests.benchmarks.ledger_alone import Rate, run_beside_each_other
from tests.benchmarks.load import Result
from tests.benchmarks.measure import Case, load_of, run_load

CASE: Final = Case("whole", 128, 8000)
ROUNDS: Final = 3
LEDGER_TASKS: Final = 64
LEDGER_S: Final = 2
NAMES: Final = ("first", "second")


def run(bench: Bench) -> None:
    """Measure the gateway, then the ledger alone."""
    one, two = [], []
    for _ in range(ROUNDS):
        one.append(_measured(bench, 1))
        two.append(_measured(bench, 2))
    one.sort(key=_cpu_us)
    two.sort(key=_cpu_us)
    _print(bench, one[ROUNDS // 2], two[ROUNDS // 2])
    _ledger(bench)


def _measured(bench: Bench, workers: int) -> Result:
    cores = {bench.core, bench.other}
    with bench.pouch("Pouch workers", Settings(workers=workers), cores) as (_, system):
        return run_load(load_of(system, CASE), cores, f"{workers} workers")


def _cpu_us(result: Result) -> float:
    return sum(result.cpu_s) / result.requests * 1e6


def _shares(result: Result) -> list[float]:
    """Of the CPU time, by process; a parent of the workers uses next to none."""
    total = sum(result.cpu_s)
    return [each / total for each in result.cpu_s if each / total > 0.001]


def _print(bench: Bench, one: Result, two: Result) -> None:
    report = bench.report
    report.heading("Two workers")
    report.note(
        f"{CASE.connections} connections; workers, provider and load generator share both cores, "
        "so that the requests a second of two workers are held down by what they share with. From "
        "the CPU time per request follows what two workers would do with two cores to themselves."
    )
    rows = [
        [
            name,
            f"{result.requests / result.elapsed_s:,.0f}",
            f"{_cpu_us(result):,.0f}",
            f"{result.p99_s * 1000:,.1f}",
            f"{workers * 1e6 / _cpu_us(result):,.0f}",
            " ".join(f"{share:.0%}" for share in _shares(result)),
        ]
        for name, workers, result in (("1 worker", 1, one), ("2 workers", 2, two))
    ]
    columns = ["gateway", "req/s", "CPU us", "p99 ms", "req/s on own cores", "share by worker"]
    report.table(columns, rows)
    report.at_least("two workers over one, by CPU time", 2 * _cpu_us(one) / _cpu_us(two), 1.7, "x")


def _ledger(bench: Bench) -> None:
    alone: list[Rate] = []
    both: list[list[Rate]] = []
    for _ in range(ROUNDS):
        alone += _ledger_rates(bench, [bench.core])
        both.append(_ledger_rates(bench, [bench.core, bench.other]))
    alone.sort(key=lambda rate: rate.per_second)
    both.sort(key=lambda rates: sum(rate.per_second for rate in rates))
    first, pair = alone[ROUNDS // 2], both[ROUNDS // 2]
    bench.report.note(
        f"The ledger alone, {LEDGER_TASKS} tasks a process that reserve and settle for "
        f"{LEDGER_S} s, each process on a core of its own:"
    )
    rows = [_ledger_row("one process", first)]
    rows += [_ledger_row(f"two, the {name}", rate) for name, rate in zip(NAMES, pair, strict=True)]
    columns = ["processes", "reserved and settled a second", "CPU us"]
    bench.report.table([*columns, "reserve p50 ms", "p99 ms", "max ms"], rows)
    together = sum(rate.per_second for rate in pair)
    least = min(
        min(r.per_second for r in rates) / sum(r.per_second for r in rates) for rates in both
    )
    bench.report.note(f"Together {together / first.per_second:.2f} times as much as one.")
    bench.report.at_least("the lesser process's share of the ledger", least * 100, 25, "%")


def _ledger_rates(bench: Bench, cores: list[int]) -> list[Rate]:
    folder = bench.new_folder("ledger")
    folder.mkdir()
    return run_beside_each_other(folder / "pouch.db", cores, LEDGER_TASKS, LEDGER_S)


def _ledger_row(name: str, rate: Rate) -> list[str]:
    figures = (rate.per_second, rate.cpu_us)
    return [
        name,
        *(f"{figure:,.0f}" for figure in figures),
        *(f"{figure:,.1f}" for figure in (rate.p50_ms, rate.p99_ms, rate.max_ms)),
    ]
