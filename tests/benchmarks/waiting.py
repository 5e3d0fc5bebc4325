"""How OpenMP's threads should wait: one small training alone, twice at once, and beside processes that never rest.

    python tests/benchmarks/waiting.py [ROUNDS]

Medians over the rounds, in which the settings take turns, so that a drift of the machine meets all of them. For Intel's
runtime, install ``intel-openmp`` and put its ``libiomp5.so`` into LD_PRELOAD.
"""

from __future__ import annotations

import statistics
import subprocess
import sys

from dlcourse import WAITING
from dlcourse.install.waiting import ONE_THREAD, SPINNING, training_seconds
from dlcourse.table import Table

SETTINGS = {
    "threads spin (the runtime's default)": SPINNING,
    "the course at full scale": WAITING,
    "OMP_WAIT_POLICY=PASSIVE": {"OMP_WAIT_POLICY": "PASSIVE"},
    **{f"GOMP_SPINCOUNT={count}": {"GOMP_SPINCOUNT": str(count)} for count in (300, 1000, 10000, 30000)},
    **{f"KMP_BLOCKTIME={time}": {"KMP_BLOCKTIME": str(time)} for time in (0, 1)},
    "one thread, the course at quick scale": ONE_THREAD,
}


def main(rounds: int) -> None:
    """Print the table."""
    quiet: dict[str, list[float]] = {name: [] for name in SETTINGS}
    two: dict[str, list[float]] = {name: [] for name in SETTINGS}
    busy: dict[str, list[float]] = {name: [] for name in SETTINGS}
    for _ in range(rounds):
        for name, variables in SETTINGS.items():
            quiet[name] += training_seconds(1, variables, steps=400)
            two[name] += training_seconds(2, variables, steps=400)
            others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(3)]
            try:
                busy[name] += training_seconds(1, variables, steps=100)
            finally:
                for process in others:
                    process.kill()
                    process.wait()
            print(f"{name}: {quiet[name][-1]:.2f} s, two {max(two[name][-2:]):.2f} s", file=sys.stderr, flush=True)
    rows = []
    for name in SETTINGS:
        alone, pair, beside = (statistics.median(part[name]) for part in (quiet, two, busy))
        first = statistics.median(quiet["threads spin (the runtime's default)"])
        rows.append([name, f"{alone:.2f}", f"{alone / first:.2f}", f"{pair / alone:.2f}", f"{4 * beside / alone:.2f}"])
    header = ["setting", "quiet (s)", "over default", "two at once, over alone", "beside three busy, over alone"]
    print(Table(header, rows))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
