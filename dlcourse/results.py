"""Recorded runs of the notebooks over several seeds, ``results/<scale>/<chapter>.<number>.json``.

``python -m dlcourse record`` writes the files; ``recorded`` shows them beside the values of the run in hand.
"""

from __future__ import annotations

import json
import math
import os
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dlcourse import check, plot, runtime
from dlcourse.table import Table

FOLDER = Path(__file__).resolve().parent.parent / "results"


def file_of(notebook: str, scale: str | None = None) -> Path:
    """Return the file of a notebook such as ``"1.3"``; ``DLCOURSE_RESULTS`` names another folder than ``results``."""
    return Path(os.environ.get("DLCOURSE_RESULTS") or FOLDER) / (scale or runtime.scale()) / f"{notebook}.json"


def load(notebook: str, scale: str | None = None) -> dict[str, Any]:
    """Return what was recorded: ``runs`` (seed, seconds, machine, versions) and ``results`` (name → bound, values).

    Each list of values has one number a run; None where a run did not reach it. No run gives two empty parts.
    """
    path = file_of(notebook, scale)
    if not path.exists():
        return {"runs": [], "results": {}}
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def recorded_values(notebook: str, name: str, scale: str | None = None) -> list[float]:
    """Return what each recorded run has measured for an ``expect`` line; NaN for a run that did not reach it."""
    values = load(notebook, scale)["results"].get(name, {"values": []})["values"]
    return [math.nan if value is None else value for value in values]


def recorded(
    notebook: str, names: Sequence[str] | Mapping[str, str], *, alt: str, xlabel: str, scale: str | None = None
) -> Table:
    """Draw one dot for each recorded run of the named results, and this run's value; return the numbers as a table.

    ``names`` lists names of ``expect`` lines, or gives the label of each. What was not recorded yet is said.
    """
    results = load(notebook, scale)["results"]
    labels = dict(names) if isinstance(names, Mapping) else {name: name for name in names}
    for name in [name for name in labels if name not in results]:
        print(f"{labels[name]}: no recorded runs yet; `python -m dlcourse record` makes them.")
    rows = {label: recorded_values(notebook, name, scale) for name, label in labels.items()}
    live = {label: check.MEASURED[name] for name, label in labels.items() if name in check.MEASURED}
    return plot.seeds(rows, alt=alt, xlabel=xlabel, live=live)


def study(*names: str) -> list[dict[str, Any]]:
    """Return the runs of ``results/studies/<name>.jsonl``, one dict a line, with its ``settings``."""
    files = (FOLDER / "studies" / f"{name}.jsonl" for name in names)
    return [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]


def select(runs: Sequence[dict[str, Any]], **settings: Any) -> list[dict[str, Any]]:
    """Return the runs of a study that have all of these settings."""
    return [run for run in runs if all(run["settings"].get(name) == value for name, value in settings.items())]


def median(runs: Sequence[dict[str, Any]], part: str, score: str) -> float:
    """Return the median of a score, such as ``"far"`` of ``"test"``, over runs of a study; NaN without a run."""
    return statistics.median(run[part][score] for run in runs) if runs else math.nan


def means(
    runs: Sequence[dict[str, Any]], score: Callable[[dict[str, Any]], float], name: str = "lr"
) -> dict[Any, float]:
    """Return the mean score of the runs of a study for each value of a setting (default: the rate), sorted by value."""
    groups: dict[Any, list[float]] = {}
    for run in runs:
        groups.setdefault(run["settings"][name], []).append(score(run))
    return {value: statistics.mean(scores) for value, scores in sorted(groups.items())}
