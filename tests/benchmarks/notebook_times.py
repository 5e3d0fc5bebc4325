"""Is a notebook slower than it was when it was recorded?

    python tests/benchmarks/notebook_times.py [NOTEBOOK …]

Time is measured in units of a small fixed training in the same minute, so that another machine, or a busy one, can be
compared with the recorded runs in ``results/quick``.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

from dlcourse import results
from dlcourse.authoring.definitions import all_notebooks
from dlcourse.authoring.record import execute_copy, number_of
from dlcourse.install.waiting import ONE_THREAD, training_seconds
from dlcourse.table import Table


def main(paths: list[Path]) -> None:
    """Print for each notebook its seconds, its time in units of the workload, and that over the recorded one."""
    rows = []
    for path in paths or all_notebooks():
        before = training_seconds(1, ONE_THREAD)[0]
        start = time.perf_counter()
        execute_copy(path.resolve(), {"DLCOURSE_SCALE": "quick"})
        seconds = time.perf_counter() - start
        units = seconds / statistics.mean([before, training_seconds(1, ONE_THREAD)[0]])
        runs = results.load(number_of(path.resolve()), "quick")["runs"]
        recorded = statistics.median(run["seconds"] / run["workload"] for run in runs) if runs else float("nan")
        rows.append([number_of(path.resolve()), f"{seconds:.0f}", f"{units:.0f}", f"{units / recorded:.2f}"])
        print(*rows[-1], flush=True)
    print(Table(["notebook", "seconds", "in workloads", "over recorded"], rows))


if __name__ == "__main__":
    main([Path(word) for word in sys.argv[1:]])
