"""The longer runs of notebook 5.2: ``python 05_optimizers/grafting.py`` runs what is missing.

Two things, one line a run in ``results/studies/grafting.jsonl``. *Grafting*: LeNet with sigmoid, trained as in the
notebook (whose cells this script uses) with five recipes that take direction and length of a step from momentum or
Adam. ``sweep`` chooses the rate of each recipe by the mean of three seeds (of one, where no rate learns anything; of
equal rates the smallest), ``seeds`` trains with it on five others; ``accuracy`` is on validation. *Stream*: the example
of Reddi et al. (2018) on a line, 1010 once in 101 steps, else −10, with ten million steps; ``x`` is the end. Every run
is at quick scale, about ten minutes in all on a quiet core.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from pathlib import Path

from dlcourse import results
from dlcourse.authoring import definitions, studies

CHANCE, SWEEP = 0.15, (100, 101, 102)  # chance is 0.1; the seeds of the sweep
RATES_OF_MOMENTUM, RATES_OF_ADAM = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0), (0.001, 0.002, 0.004, 0.006, 0.01, 0.02)
RECIPES = {
    "momentum": RATES_OF_MOMENTUM,
    "Adam": RATES_OF_ADAM,
    "momentum, each length from Adam": RATES_OF_ADAM,
    "momentum, whole length from Adam": RATES_OF_ADAM,
    "Adam, each length from momentum": RATES_OF_MOMENTUM,
}


def wanted(runs: list[studies.Run]) -> Iterator[studies.Settings]:
    """Yield the settings of all runs; the rate of the seeds' runs is the best of the sweep."""
    for rule in ("adam", "amsgrad"):
        yield {"study": "stream", "rule": rule}
    for recipe, rates in RECIPES.items():
        sweep = results.select(runs, study="sweep", recipe=recipe)
        first = results.select(sweep, seed=100)
        learns = any(run["accuracy"] > CHANCE for run in first)
        for seed in SWEEP if learns else SWEEP[:1]:  # where no rate learns, two more seeds would choose nothing
            for lr in rates:
                yield {"study": "sweep", "recipe": recipe, "lr": lr, "seed": seed}
        if len(first) < len(rates) or (learns and len(sweep) < len(SWEEP) * len(rates)):
            continue
        counted = sweep if learns else first
        total = {lr: sum(run["accuracy"] for run in results.select(counted, lr=lr)) for lr in rates}
        best = max(rates, key=lambda lr: total[lr])  # of equals the smallest
        for seed in range(1, 6):
            yield {"study": "seeds", "recipe": recipe, "lr": best, "seed": seed}


def stream(rule: str, steps: int = 10_000_000) -> float:
    """Return where the rule ends on [−1, 1], without bias correction as in the paper: lr 0.01, β 0.9 and 0.99."""
    x = v = s = largest = 0.0
    for t in range(1, steps + 1):
        g = 1010.0 if t % 101 == 1 else -10.0
        v, s = 0.9 * v + 0.1 * g, 0.99 * s + 0.01 * g * g
        largest = max(largest, s) if rule == "amsgrad" else s
        x = min(1.0, max(-1.0, x - 0.01 * v / math.sqrt(largest)))
    return x


def run(settings: studies.Settings) -> studies.Run:
    """Do one run."""
    if settings["study"] == "stream":
        return {"x": stream(settings["rule"])}
    notebook = definitions.load_definitions(Path(__file__).with_name("02_momentum_to_adam.ipynb"))
    notebook.DATA = notebook.data.mnist("quick")
    make = notebook.recipe(settings["recipe"], settings["lr"])
    return {"accuracy": round(notebook.validation_accuracy(make, settings["seed"]), 4)}


if __name__ == "__main__":
    sys.exit(studies.command("grafting", wanted, run, __doc__.splitlines()[0]))
