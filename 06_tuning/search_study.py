"""The studies that notebook 6.2 reads: about 700 trainings of a perceptron on the bundled digits.

    python 06_tuning/search_study.py
    python 06_tuning/search_study.py --part 1/2     (and --part 2/2 beside it)

Each run is added to results/studies/search.jsonl. An interrupted study goes on where it was. All of it takes about
five minutes on one quiet core.
"""

from __future__ import annotations

import contextlib
import io
import math
import sys
from collections.abc import Iterator
from typing import Any

import searching
from scipy.stats import qmc

from dlcourse import results
from dlcourse.authoring import studies

POINTS = 256
OPTIMIZERS: dict[str, dict[str, Any]] = {
    "SGD": {"optimizer": "SGD", "friction": 1.0},
    "SGD, momentum 0.9": {"optimizer": "SGD", "friction": 0.1},
    "AdamW": {"optimizer": "AdamW"},
    "RMSprop": {"optimizer": "RMSprop"},
}
PLAIN = {"width": 64, "dropout": 0.3, "weight_decay": 0.0}
DEFAULT = {"optimizer": "AdamW", "lr": 3e-3, "weight_decay": 0.01, "dropout": 0.3, "width": 256}  # of notebook 1.3
RATES = [round(10 ** (k / 2), 7) for k in range(-10, 3)]  # half decades from 1e-5 to 10


def points() -> list[dict[str, Any]]:
    """Return the settings at the points of a scrambled Sobol sequence."""
    return [
        {
            name: float(f"{value:.6g}") if name != "width" else value
            for name, value in searching.settings_at(unit).items()
        }
        for unit in qmc.Sobol(len(searching.SPACE), seed=0).random(POINTS)
    ]


def wanted(runs: list[studies.Run]) -> Iterator[studies.Settings]:
    """Yield the settings of all runs."""
    for k, settings in enumerate(points()):
        yield {"study": "point", "k": k, **settings}
    for name in OPTIMIZERS:
        for lr in RATES:
            for start in range(5):
                yield {"study": "sweep", "name": name, "lr": lr, "start": start}
    for start in range(64):
        yield {"study": "default", "start": start}
    done = [run for run in results.select(runs, study="point") if run["error"] is not None]
    if len(results.select(runs, study="point")) < POINTS:
        return  # the other runs need their order
    ranked = [run["settings"]["k"] for run in sorted(done, key=lambda run: (run["error"], run["settings"]["k"]))]
    for start, epochs in ((1, 2), (1, 8), (1, 32), (2, 32)):
        for i in range(16):
            yield {"study": "length", "k": ranked[i * (len(ranked) - 1) // 15], "epochs": epochs, "start": start}
    for k in ranked[:8]:
        for start in range(1, 6):
            yield {"study": "again", "k": k, "start": start}


def train(settings: dict[str, Any], start: int, epochs: int = 8) -> dict[str, Any]:
    """Train once, without what ``fit`` prints when a training breaks down."""
    with contextlib.redirect_stdout(io.StringIO()):
        return searching.train_one(settings, start, epochs)


def brief(result: dict[str, Any], curve: bool = True) -> dict[str, Any]:
    """Return what is kept of a training, rounded; None in place of NaN."""
    kept = {name: None if math.isnan(result[name]) else round(result[name], 4) for name in ("error", "judge")}
    return kept | ({"curve": [round(error, 3) for error in result["curve"]]} if curve else {})


def run(settings: dict[str, Any]) -> dict[str, Any]:
    """Make one run of the study."""
    kind = settings["study"]
    if kind == "point":
        return brief(train(settings, 0))
    if kind == "sweep":
        return brief(
            train(PLAIN | OPTIMIZERS[settings["name"]] | {"lr": settings["lr"]}, settings["start"]), curve=False
        )
    if kind == "default":
        return brief(train(DEFAULT, settings["start"]), curve=False)
    return brief(train(points()[settings["k"]], settings["start"], settings.get("epochs", 8)))


if __name__ == "__main__":
    sys.exit(studies.command("search", wanted, run, "Run what is missing of the study."))
