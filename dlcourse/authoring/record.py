"""Run notebooks with several seeds and keep what they measured: ``python -m dlcourse record``.

Each finished run is written at once to ``results/<scale>/<chapter>.<number>.json``, so the same command goes on where
it was stopped. A run is done again when the notebook's code has changed since.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib.metadata
import json
import math
import os
import platform
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat

from dlcourse import results, runtime
from dlcourse.authoring import readme
from dlcourse.authoring.definitions import all_notebooks, code_cells
from dlcourse.install.waiting import ONE_THREAD, training_seconds
from dlcourse.table import Table

_ALTERNATIVE_TEXT = re.compile(r'\balt=(?:\s*f?"(?:[^"\\\n]|\\.)*")+')
RUN_SECONDS = 6 * 3600  # of one cell: full scale is slow, and only a hanging cell takes longer


def main(argv: Sequence[str]) -> int:
    """Record what is missing, print the margins of the bounds, write the tables of README; 1 when a run failed."""
    parser = argparse.ArgumentParser(prog="python -m dlcourse record", description=main.__doc__)
    parser.add_argument("notebooks", nargs="*", type=Path, metavar="NOTEBOOK", help="default: all")
    parser.add_argument("--seeds", type=int, default=5, help="runs of each notebook, with shifted seeds (default 5)")
    parser.add_argument("--scale", choices=runtime.SCALES, default="quick")
    options = parser.parse_args(list(argv))
    paths = [path.resolve() for path in options.notebooks] or all_notebooks()
    failed = 0
    try:
        for shift in range(options.seeds):
            for path in paths:
                failed += not _record(path, shift, options.scale)
    except KeyboardInterrupt:
        print("Interrupted; the same command goes on where it stopped.", file=sys.stderr)
        return 130
    print(margins(paths, options.scale))
    if not options.notebooks or all(path in all_notebooks() for path in paths):
        readme.write()
    return 1 if failed else 0


def number_of(path: Path) -> str:
    """Return a notebook's number as in its title: ``"1.3"``."""
    return f"{int(path.parent.name[:2])}.{int(path.name[:2])}"


def fingerprint(path: Path) -> str:
    """Return a hash of a notebook's code without its alternative texts, which change no result."""
    code = _ALTERNATIVE_TEXT.sub("alt=", "\0".join(code_cells(path)))
    return hashlib.sha256(code.encode()).hexdigest()[:16]


def _record(path: Path, shift: int, scale: str) -> bool:
    """Make one run unless it is there; return whether every check of it held."""
    name, file, code = number_of(path), results.file_of(number_of(path), scale), fingerprint(path)
    content = results.load(name, scale)
    if content.get("code") != code:
        if content["runs"]:
            print(f"{name}: its code has changed, so it is recorded anew.", flush=True)
        content = {"notebook": name, "scale": scale, "code": code, "runs": [], "results": {}}
    if any(run["seed"] == shift for run in content["runs"]):
        return True
    (workload,) = training_seconds(1, ONE_THREAD)  # how fast the machine is just now
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        lines = Path(folder) / "lines.jsonl"
        start = time.perf_counter()
        try:
            execute_copy(path, {"DLCOURSE_SEED": str(shift), "DLCOURSE_SCALE": scale, "DLCOURSE_RECORD": str(lines)})
        except Exception as error:
            print(f"{name}, seed {shift}: stopped ({_last_line(error)})", file=sys.stderr, flush=True)
            return False
        seconds = time.perf_counter() - start
        measured = [json.loads(line) for line in lines.read_text(encoding="utf-8").splitlines()]
    times = {"seconds": round(seconds, 1), "workload": round(workload, 3)}
    run = {"seed": shift, **times, "machine": machine(), "versions": versions()}
    content["runs"].append(run)
    failures = _merge(content["results"], measured, len(content["runs"]))
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_suffix(".part")
    temporary.write_text(_dumps(content), encoding="utf-8", newline="\n")
    temporary.replace(file)
    print(f"{name}, seed {shift}: {seconds:.0f} s, {len(measured)} results, {len(failures)} outside", flush=True)
    for failure in failures:
        print(f"    ✗ {failure}", flush=True)
    return not failures


def execute_copy(path: Path, variables: dict[str, str]) -> None:
    """Run a notebook in a kernel of its own with these environment variables; its file is not touched."""
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    client = NotebookClient(
        notebook, timeout=RUN_SECONDS, kernel_name="python3", record_timing=False,
        resources={"metadata": {"path": str(path.parent)}},
    )  # fmt: skip
    client.execute(env={**os.environ, **variables})


def _merge(table: dict[str, Any], measured: Sequence[dict[str, Any]], runs: int) -> list[str]:
    """Add one run's values to the table, and return the results that were outside of their bounds."""
    failures: list[str] = []
    seen: dict[str, int] = {}
    for entry in measured:
        seen[entry["name"]] = count = seen.get(entry["name"], 0) + 1
        name = entry["name"] if count == 1 else f"{entry['name']} ({count})"
        row = table.setdefault(name, {"bound": "", "limits": None, "values": []})
        row.update(bound=entry["bound"], limits=entry["limits"])
        row["values"] += [None] * (runs - 1 - len(row["values"])) + [entry["value"]]
        if not entry["passed"]:
            failures.append(f"{name}: {entry['value']}   ({entry['bound']})")
    for row in table.values():
        row["values"] += [None] * (runs - len(row["values"]))
    return failures


def _dumps(content: dict[str, Any]) -> str:
    """Return JSON with a line for each run and each result, so that a diff shows what changed."""
    head = {key: value for key, value in content.items() if key not in ("runs", "results")}
    lines = [f" {json.dumps(key)}: {json.dumps(value)}," for key, value in head.items()]
    runs = ",\n".join(f"  {json.dumps(run, ensure_ascii=False)}" for run in content["runs"])
    rows = ",\n".join(
        f"  {json.dumps(name, ensure_ascii=False)}: {json.dumps(row, ensure_ascii=False)}"
        for name, row in content["results"].items()
    )
    return "\n".join(["{", *lines, ' "runs": [', runs, " ],", ' "results": {', rows, " }", "}", ""])


def margins(paths: Sequence[Path], scale: str, count: int = 12) -> Table:
    """Return the bounds that nearly failed: room of the worst value over the standard deviation."""
    rows = []
    for path in paths:
        for name, row in results.load(number_of(path), scale)["results"].items():
            values = [value for value in row["values"] if value is not None and math.isfinite(value)]
            if len(values) < 2 or row["limits"] is None:
                continue
            low, high = row["limits"]
            room = min(v - low if low is not None else math.inf for v in values)
            room = min(room, min(high - v if high is not None else math.inf for v in values))
            spread = statistics.stdev(values)
            if spread > 0:
                rows.append((room / spread, [number_of(path), name, row["bound"], min(values), max(values)]))
    rows.sort(key=lambda row: row[0])
    header = ["notebook", "result", "bound", "lowest", "highest", "margin (deviations)"]
    return Table(header, [[*row, f"{margin:.1f}"] for margin, row in rows[:count]])


def machine() -> str:
    """Return this machine's processor, number of cores and GPU, as far as they are known."""
    name = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                name = line.partition(":")[2].strip()
                break
    parts = [name, f"{os.cpu_count()} cores"]
    device = runtime.device()
    if device.type == "cuda":
        import torch

        parts.append(torch.cuda.get_device_name(device))
    return ", ".join(parts)


def versions() -> dict[str, str]:
    """Return the versions of Python, PyTorch and NumPy."""
    packages = {name: importlib.metadata.version(name) for name in ("torch", "numpy")}
    return {"python": platform.python_version(), **packages}


def _last_line(error: Exception) -> str:
    return next((line.strip() for line in reversed(str(error).splitlines()) if line.strip()), type(error).__name__)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
