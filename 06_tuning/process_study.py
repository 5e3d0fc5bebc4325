"""The runs that notebook 6.1 reads: ``python 06_tuning/process_study.py`` makes what is missing.

Each run trains LeNet once on 500 digits, with the functions of the notebook, and appends one line to
``results/studies/process.jsonl``. The same command goes on where it was stopped; two processes may share the work
(``--part 1/2``, ``--part 2/2``). All of it takes about twenty minutes on one quiet core.
"""

from __future__ import annotations

import functools
import statistics
import sys
from collections.abc import Iterator
from typing import Any

import optuna
import torch
from torch import Tensor, nn
from torch.utils.data import TensorDataset

from dlcourse import data, results
from dlcourse.authoring import definitions, studies
from dlcourse.runtime import device
from dlcourse.train import evaluate

RATES = (0.00025, 0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032)
NARROW, WIDE, POINTS = (0.0001, 0.001), (0.0005, 0.1), {"narrow": 12, "trial": 48}
BATCHES, STEPS = (16, 128), 256
FRESH = range(100, 106)  # seeds that chose nothing
RECIPE = {"lr": 0.004, "schedule": "one cycle"}  # of notebook 2.2
SIMPLE = {"shift": 2}  # what the isolation plot of the trials suggests, without the other three numbers


@functools.cache
def notebook() -> Any:
    """Return the functions of the notebook."""
    return definitions.load_definitions(definitions.ROOT / "06_tuning" / "01_tuning_process.ipynb")


# --- the gallery: what is wrong in each panel ----------------------------------------------------------------


def dead(layer: nn.Module) -> None:
    """Start the second hidden layer far below zero, where no ReLU lets anything through."""
    if isinstance(layer, nn.Linear) and layer.out_features == 84:
        nn.init.constant_(layer.bias, -4.0)


def few(parts: dict[str, TensorDataset]) -> dict[str, TensorDataset]:
    """Keep 100 training digits, five copies of each."""
    x, y = (tensor[:100] for tensor in parts["train"].tensors)
    return parts | {"train": TensorDataset(x.repeat(5, 1, 1, 1), y.repeat(5))}


def noisy(parts: dict[str, TensorDataset]) -> dict[str, TensorDataset]:
    """Give three of ten labels, of both parts, a random class."""
    random = torch.Generator().manual_seed(1)

    def mixed(x: Tensor, y: Tensor) -> TensorDataset:
        wrong = torch.rand(len(y), generator=random) < 0.3
        return TensorDataset(x, torch.where(wrong, torch.randint(0, 10, (len(y),), generator=random), y))

    return {name: mixed(*part.tensors) for name, part in parts.items()}


def inverted(parts: dict[str, TensorDataset]) -> dict[str, TensorDataset]:
    """Validate with black on white in place of white on black."""
    x, y = parts["validation"].tensors
    return parts | {"validation": TensorDataset(1 - x, y)}


GOOD = {"lr": 0.004, "schedule": "linear"}
PANELS: dict[str, tuple[dict[str, Any], Any, Any]] = {  # settings, what is done to the data, and to the layers
    "good": (GOOD, None, None),
    "A": ({"lr": 0.0001}, None, None),
    "B": (GOOD, inverted, None),
    "C": ({"lr": 0.06, "warmup": 50, "clip": 2.0}, None, None),
    "D": ({"lr": 0.004}, few, None),
    "E": ({"lr": 0.002}, None, dead),
    "F": ({"lr": 0.03, "norm": True, "batch_size": 8}, None, None),
    "G": (GOOD, noisy, None),
}


# --- which runs -------------------------------------------------------------------------------------------------


@functools.cache
def points(study: str) -> list[dict[str, Any]]:
    """Return the settings of a quasi-random study."""
    low, high = NARROW if study == "narrow" else WIDE
    space = {
        "lr": optuna.distributions.FloatDistribution(low, high, log=True),
        "weight_decay": optuna.distributions.FloatDistribution(1e-3, 1.0, log=True),
        "dropout": optuna.distributions.FloatDistribution(0.0, 0.6),
        "shift": optuna.distributions.IntDistribution(0, 4),
    }
    sampler = optuna.samplers.QMCSampler(seed=0, scramble=True)
    search, found = optuna.create_study(sampler=sampler), []
    for _ in range(POINTS[study]):
        trial = search.ask(space)
        search.tell(trial, 0.0)  # the points do not depend on the results
        found.append({name: float(f"{v:.4g}") if isinstance(v, float) else v for name, v in trial.params.items()})
    return found


def mean_errors(runs: list[studies.Run], name: str, **settings: Any) -> dict[Any, float]:
    """Return the mean error of runs for each value of one setting."""
    chosen = results.select(runs, **settings)
    values = sorted({run["settings"][name] for run in chosen})
    return {v: statistics.mean(run["error"] for run in results.select(chosen, **{name: v})) for v in values}


def wanted(runs: list[studies.Run]) -> Iterator[studies.Settings]:
    """Yield the settings of all runs; later ones depend on what earlier ones found."""
    seeds = range(3)
    for panel in PANELS:
        yield {"study": "gallery", "panel": panel, "seed": 0}
    for lr in RATES:
        for seed in seeds:
            yield {"study": "sweep", "lr": lr, "seed": seed}
    sweep = mean_errors(runs, "lr", study="sweep")
    if len(results.select(runs, study="sweep")) < len(RATES) * len(seeds):
        return
    plain = min(sweep, key=lambda lr: sweep[lr])
    limit = statistics.median(run["norms"][1] for run in results.select(runs, study="sweep", lr=plain))
    cures: dict[str, dict[str, Any]] = {"warm-up": {"warmup": 50}, "clipping": {"clip": round(limit, 2)}}
    cures["normalisation"] = {"norm": True}
    for name, change in ({"nothing": {}} | cures).items():
        for lr in (0.001,) * (name == "nothing") + (0.002, 0.004, 0.008, 0.016):
            for seed in FRESH:
                yield {"study": "fresh cure", "cure": name, "lr": lr, "seed": seed, **change}
    for size in BATCHES:
        for lr in (0.001, 0.004, 0.008):
            for seed in FRESH:
                yield {"study": "fresh batch", "batch_size": size, "lr": lr, "seed": seed}
    for clip in (None, round(limit, 2), 0.5, 0.05):
        for seed in FRESH:
            yield {"study": "clip", "clip": clip, "lr": 0.032, "seed": seed}
    for lr in (0.064, 0.16, 0.32):
        for warmup in (10, 25, 50, 100):
            for seed in range(100, 103):
                yield {"study": "warm-up", "warmup": warmup, "lr": lr, "seed": seed}
    for name, change in cures.items():
        for lr in (0.001, 0.002) * (name == "normalisation") + (0.004, 0.008, 0.016, 0.032, 0.064):
            for seed in range(2):
                yield {"study": "cure", "cure": name, "lr": lr, "seed": seed, **change}
    for lr in (0.001, 0.002, 0.004, 0.008, 0.016, 0.032):
        for seed in range(2):
            yield {"study": "decay", "lr": lr, "seed": seed, "norm": True, "schedule": "linear"}
    if len(results.select(runs, study="decay")) < 12:
        return
    decay = mean_errors(runs, "lr", study="decay")
    normal = mean_errors(runs, "lr", study="cure", cure="normalisation")
    rounds = {"norm": True, "schedule": "linear"}
    for study in POINTS:
        for k, point in enumerate(points(study)):
            yield {"study": study, "k": k, "seed": 0, **rounds, **point}
    for k, point in enumerate(points("trial")):
        yield {"study": "short", "k": k, "seed": 0, **rounds, **point, "epochs": 4}
        yield {"study": "again", "k": k, "seed": 1, **rounds, **point}
    trials = results.select(runs, study="trial")
    if len(trials) == POINTS["trial"]:
        best = min(trials, key=lambda run: (run["error"], run["loss"]))["settings"]
        lr = min(decay, key=lambda value: decay[value])
        candidates = {
            "default": {}, "default, rate 0.004": {"lr": 0.004}, "default, lr tuned": {"lr": plain},
            "recipe of 2.2": RECIPE, "recipe + shift": RECIPE | SIMPLE,
            "recipe + shift, normalisation": RECIPE | SIMPLE | {"norm": True},
            "+ normalisation": {"norm": True, "lr": min(normal, key=lambda value: normal[value])},
            "+ normalisation, decay": {**rounds, "lr": lr}, "+ shift": {**rounds, "lr": lr, **SIMPLE},
            "best trial": {name: best[name] for name in (*rounds, "lr", "weight_decay", "dropout", "shift")},
        }  # fmt: skip
        for seed in range(100, 108):
            for name, change in candidates.items():
                yield {"study": "final", "name": name, "seed": seed, **change}
        for number in range(8):
            for name in ("recipe of 2.2", "+ shift"):
                yield {"study": "split", "name": name, "split": number, "seed": 100, **candidates[name]}
    for size in BATCHES:
        for lr in RATES[2:7]:
            for seed in range(2):
                yield {"study": "batch", "budget": "epochs", "batch_size": size, "lr": lr, "seed": seed}
    for size in BATCHES:
        epochs = STEPS // -(-500 // size)
        for lr in RATES[2:6]:
            yield {"study": "batch", "budget": "steps", "batch_size": size, "epochs": epochs, "lr": lr, "seed": 0}


def run(settings: dict[str, Any]) -> dict[str, Any]:
    """Train once and return what is kept of it."""
    book, study = notebook(), settings["study"]
    changes = {name: value for name, value in settings.items() if name in book.DEFAULT}
    parts, prepare = book.split(settings.get("split", 0)), None
    if study == "gallery":
        changes, spoil, prepare = PANELS[settings["panel"]]
        parts = spoil(parts) if spoil else parts
    model, history, norms = book.train(changes, settings["seed"], parts, prepare)
    broke = bool(history.stopped)
    result: dict[str, Any] = {"error": 0.9 if broke else round(history["val_error"][-1], 4)}
    result["loss"] = None if broke else round(history["val_loss"][-1], 4)
    if study in ("gallery", "sweep", "cure", "trial", "decay"):
        for name in ("train_loss", "val_loss", "val_error"):
            result[name] = [float(f"{value:.3g}") for value in history[name]]
    if study in ("sweep", "cure", "clip"):
        sizes = torch.stack(norms).cpu()
        result["norms"] = [round(value, 3) for value in sizes.nanquantile(torch.tensor([0.5, 0.9, 1.0])).tolist()]
        if changes.get("clip"):
            result["clipped"] = round((sizes > changes["clip"]).float().mean().item(), 3)
    if study == "final":  # the notebook reads it at its end, for what was adopted and its rivals
        digits = data.TensorLoader(data.mnist("quick").test, 1000, device=device())
        result["test"] = round(evaluate(model, digits, metrics={"error": book.error})["error"], 4)
    return result


if __name__ == "__main__":
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sys.exit(studies.command("process", wanted, run, "Run what is missing of the study of notebook 6.1."))
