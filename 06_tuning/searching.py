"""What notebook 6.2 tunes, and how it keeps, draws and shares its studies: used by the notebook, worker.py and
search_study.py."""

from __future__ import annotations

import contextlib
import functools
import math
import random
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import optuna
import torch
from matplotlib import pyplot as plt
from matplotlib.ticker import NullFormatter
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import event
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import TensorDataset

from dlcourse import data, models, plot
from dlcourse.runtime import device, seed
from dlcourse.train import accuracy, evaluate, fit

SPACE: dict[str, tuple[float, float, bool]] = {  # from, to, and whether the scale is logarithmic
    "lr": (1e-4, 10.0, True),
    "friction": (0.01, 1.0, True),  # 1 − momentum
    "weight_decay": (1e-6, 0.1, True),
    "dropout": (0.0, 0.7, False),
    "width": (16, 256, True),
}
GUESSING = 0.9  # the error of a network that guesses among ten classes
HANGS_AFTER = 4  # epochs, in a trial with the attribute "hangs"
Settings = dict[str, Any]


def suggest(trial: optuna.Trial) -> Settings:
    """Return the settings that a study wants to try."""
    settings: Settings = {
        name: trial.suggest_float(name, low, high, log=log)
        for name, (low, high, log) in SPACE.items()
        if name != "width"
    }
    low, high, log = SPACE["width"]
    return settings | {"width": trial.suggest_int("width", int(low), int(high), log=log)}


def settings_at(unit: Sequence[float]) -> Settings:
    """Return the settings at a point of the unit cube, one number from 0 to 1 for each line of ``SPACE``."""
    settings: Settings = {}
    for (name, (low, high, log)), u in zip(SPACE.items(), unit, strict=True):
        settings[name] = low * (high / low) ** u if log else low + (high - low) * u
    return settings | {"width": round(settings["width"])}


@functools.cache
def parts() -> dict[str, TensorDataset]:
    """Return the digits in three parts: 2,000 to train on, 500 to choose by, and 1,500 that judge the choice.

    The first and the last are cut from the training part. The test digits are not touched.
    """
    digits = data.mnist(scale="quick")
    x, y = digits.train.tensors
    return {
        "train": TensorDataset(x[:2000], y[:2000]),
        "validation": digits.validation,
        "judge": TensorDataset(x[2000:], y[2000:]),
    }


def build_optimizer(model: torch.nn.Module, settings: Mapping[str, Any]) -> torch.optim.Optimizer:
    """Return the optimizer of the settings: SGD with momentum unless they name another one."""
    options: dict[str, Any] = {"lr": settings["lr"], "weight_decay": settings["weight_decay"]}
    kind = settings.get("optimizer", "SGD")
    if kind == "SGD":
        options["momentum"] = 1 - settings["friction"]
    optimizer: torch.optim.Optimizer = getattr(torch.optim, kind)(model.parameters(), **options)
    return optimizer


def train_one(
    settings: Mapping[str, Any],
    start: int = 0,
    epochs: int = 8,
    after_epoch: Callable[[Mapping[str, float]], object] | None = None,
) -> dict[str, Any]:
    """Train one network from the seed ``start``; return its validation errors after each epoch and how it ended.

    ``error`` is that of the last epoch, NaN when the training broke down; ``judge`` is the error on the judge's part.
    """
    seed(start)
    digits = parts()
    pixels = digits["train"].tensors[0]
    model = models.MLP(settings["width"], pixels.mean().item(), pixels.std().item(), settings["dropout"])
    loader = data.TensorLoader(digits["train"], 64, shuffle=True, device=device())
    validation, judge = (data.TensorLoader(digits[part], 1500, device=device()) for part in ("validation", "judge"))
    optimizer = build_optimizer(model, settings)
    decay = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, total_iters=epochs * len(loader))
    history = fit(
        model, loader, validation, epochs=epochs, loss=F.cross_entropy, optimizer=optimizer, scheduler=decay,
        schedule="batch", metrics={"accuracy": accuracy}, after_epoch=after_epoch, progress=False,
    )  # fmt: skip
    curve = [1 - row["val_accuracy"] for row in history.rows]
    judged = 1 - evaluate(model, judge, metrics={"accuracy": accuracy})["accuracy"]
    error = math.nan if history.stopped else curve[-1]
    return {"error": error, "judge": judged, "curve": curve, "model": model}


# --- recorded studies --------------------------------------------------------------------------------------


def places(runs: Sequence[Mapping[str, Any]], space: Mapping[str, tuple[float, float, bool]]) -> dict[str, list[float]]:
    """Return where the settings of runs lie in each range of the space, 0 to 1 on the range's own scale."""
    found = {}
    for name, (low, high, log) in space.items():
        scale: Callable[[float], float] = math.log if log else float
        found[name] = [(scale(run["settings"][name]) - scale(low)) / (scale(high) - scale(low)) for run in runs]
    return found


def unit(settings: Settings) -> list[float]:
    """Return the place of the settings in the unit cube: ``settings_at`` backwards."""
    return [values[0] for values in places([{"settings": settings}], SPACE).values()]


def unit_grid(chance: random.Random) -> list[list[float]]:
    """Return the 32 points of a grid with two values on each axis, moved by chance as one, in random order."""
    offset = [chance.random() for _ in SPACE]
    cells = [[(k >> axis & 1) for axis in range(len(offset))] for k in range(2 ** len(offset))]
    chance.shuffle(cells)
    return [[(side + shift) / 2 for side, shift in zip(cell, offset, strict=True)] for cell in cells]


def as_study(runs: Sequence[Mapping[str, Any]]) -> optuna.Study:
    """Return recorded runs as a study of Optuna; a training that broke down is a failed trial."""
    limits: dict[str, Any] = {
        name: optuna.distributions.FloatDistribution(low, high, log=log) for name, (low, high, log) in SPACE.items()
    }
    limits["width"] = optuna.distributions.IntDistribution(16, 256, log=True)
    study = optuna.create_study()
    for run in runs:
        failed = run["error"] is None
        trial = optuna.trial.create_trial(
            params={name: run["settings"][name] for name in SPACE},
            distributions=limits,
            state=TrialState.FAIL if failed else TrialState.COMPLETE,
            value=run["error"],
            intermediate_values=dict(enumerate(run["curve"], 1)),
        )
        study.add_trial(trial)
    return study


def draw(picture: Callable[[], Any], alt: str, size: tuple[float, float] = (8, 4)) -> None:
    """Show one of Optuna's own pictures; the style that it sets stays in here."""
    with plt.rc_context({"figure.constrained_layout.use": False}), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        picture()
        plt.gcf().set_size_inches(size)
        for axis in plt.gcf().axes:
            if axis.get_xscale() == "log":  # two labels in each decade would stand on each other
                axis.xaxis.set_minor_formatter(NullFormatter())
        plot.show(alt)


def squares(named: Mapping[str, Tensor], alt: str) -> None:
    """Draw points (n, 2) of the unit square for each name, with their shadows on the lower edge."""
    _, axes = plt.subplots(1, len(named), figsize=(10, 3.6), layout="constrained")
    for axis, (name, points) in zip(axes, named.items(), strict=True):
        axis.scatter(*points.T, s=30, zorder=3)
        shadow = {"marker": "|", "s": 160, "color": "C1", "clip_on": False, "zorder": 4}
        axis.scatter(points[:, 0], torch.zeros(len(points)), **shadow)
        axis.set(title=name, xlabel="knob 1", ylabel="knob 2", xlim=(0, 1), ylim=(0, 1), aspect="equal")
    plot.show(alt)


def rows(places: Sequence[float], alt: str) -> None:
    """Draw the first 2, 4, 8, … of the places in a row each; those that the row above has are blue."""
    _, axis = plt.subplots(figsize=(9, 2.6))
    counts = [2**k for k in range(1, len(places).bit_length())]
    for line, count in enumerate(counts):
        for part, colour, label in ((places[: count // 2], "C0", "old"), (places[count // 2 : count], "C1", "new")):
            axis.scatter(part, [line] * len(part), color=colour, label=None if line else label)
    names = [f"{count} points" for count in counts]
    axis.set(xlabel="place", yticks=range(len(counts)), yticklabels=names, xlim=(-0.02, 1.02))
    axis.set_ylim(len(counts) - 0.5, -0.6)
    axis.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    plot.show(alt)


def bands(sizes: Sequence[int], named: Mapping[str, tuple[Tensor, float]], alt: str) -> None:
    """Draw for each name the quantiles (sizes, 3) of an error against the number of trials, and a rival's error."""
    _, axes = plt.subplots(1, len(named), figsize=(11, 3.8), sharey=True, layout="constrained")
    for axis, (name, (quantiles, rival)) in zip(axes, named.items(), strict=True):
        low, middle, high = quantiles.T
        axis.fill_between(sizes, low, high, alpha=0.25, label="5 % to 95 % of the studies")
        axis.plot(sizes, middle, marker="o", markersize=4, label="median")
        axis.axhline(rival, color="C1", linestyle="--", label="rival, one training")
        axis.set(xscale="log", yscale="log", xlabel="trials n", title=name)
        axis.set_xticks(sizes, [str(size) for size in sizes])
        axis.set_yticks([0.05, 0.1, 0.2, 0.5, 0.9], ["5 %", "10 %", "20 %", "50 %", "90 %"])
        axis.minorticks_off()
    axes[0].set_ylabel("error of the best of n")
    axes[-1].legend()
    plot.show(alt)


def densities(good: Sequence[float], others: Sequence[float], xlabel: str, alt: str) -> None:
    """Draw how densely the good values and the others lie, and the ratio of the two."""
    _, axis = plt.subplots(figsize=(8, 3.4))
    x = torch.linspace(0, 1, 201)
    curves = []
    for values, name in ((good, "good trials"), (others, "other trials")):
        bumps = torch.exp(-((x.unsqueeze(1) - torch.tensor(values)) ** 2) / (2 * 0.06**2))
        curves.append(bumps.mean(1) / (0.06 * math.sqrt(2 * math.pi)))
        axis.plot(x, curves[-1], label=name)
    ratio = curves[0] / (curves[1] + 0.05)
    axis.plot(x, ratio, linestyle=":", color="grey", label="ratio")
    axis.axvline(x[ratio.argmax()].item(), color="C3", linewidth=1, label="next trial about here")
    axis.set(xlabel=xlabel, ylabel="density")
    axis.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    plot.show(alt)


class Landscape:
    """A smooth surface through recorded errors: places in the unit cube (n, 5) and errors (n,).

    The logarithm of the error is a sum of bumps, one at each place, whose heights make it pass nearly through the
    recorded values: the mean of a Gaussian process with a Matérn kernel (ν = 5/2). The bumps are wide where little
    depends on a hyperparameter; they feel lr / friction, not friction itself.
    """

    WIDTHS = (0.33, 100.0, 3.4, 1.0, 2.0, 1.0)  # fitted to the 256 points by scikit-learn, rounded

    def __init__(self, where: Tensor, errors: Tensor) -> None:
        self.where, self.middle = where, errors.log().mean()
        smooth = self._bumps(where) + 0.03 * torch.eye(len(where), dtype=where.dtype)
        self.heights = torch.linalg.solve(smooth, errors.log() - self.middle)

    def _bumps(self, u: Tensor) -> Tensor:
        def wide(v: Tensor) -> Tensor:
            return torch.cat([v, 5 * v[:, :1] - 2 * v[:, 1:2]], dim=1) / v.new_tensor(self.WIDTHS)

        distance = 5**0.5 * torch.cdist(wide(u), wide(self.where))
        return (1 + distance + distance**2 / 3) * torch.exp(-distance)

    def __call__(self, u: Tensor) -> Tensor:
        """Return the errors at places (m, 5)."""
        height: Tensor = self.middle + self._bumps(u) @ self.heights
        return height.exp().clamp(max=GUESSING)


# --- storages and workers ----------------------------------------------------------------------------------


def open_storage(address: str, **options: Any) -> BaseStorage:
    """Return Optuna's storage at an address: a database such as ``sqlite:///study.db``, else a journal file."""
    if "://" not in address:
        return JournalStorage(JournalFileBackend(address, lock_obj=JournalFileOpenLock(address)))
    if not address.startswith("sqlite"):
        return RDBStorage(address, **options)
    # The seconds to wait while another one writes.
    storage = RDBStorage(address, engine_kwargs={"connect_args": {"timeout": 60}}, **options)
    # Optuna reads that a trial waits, and then writes that it runs. Other databases lock the row in between. SQLite
    # cannot, so two workers might take the same trial; here each transaction locks the file as it begins.
    event.listen(storage.engine, "connect", lambda connection, _: setattr(connection, "isolation_level", None))
    event.listen(storage.engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    storage.engine.dispose()  # connections made before do not know it
    return storage


@contextlib.contextmanager
def workers(address: str, *names: str) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """Start a process of worker.py for each name on the study "digits", and end those that still run at the end."""
    command = [sys.executable, str(Path(__file__).with_name("worker.py")), address, "digits"]
    started: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name in names:
            started[name] = subprocess.Popen([*command, name], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        yield started
    finally:
        for process in started.values():
            process.kill()
            process.wait()


def wait_until_it_hangs(study: optuna.Study, processes: Mapping[str, subprocess.Popen[bytes]]) -> str:
    """Return the name of the worker that stands still in the middle of its trial.

    Raises RuntimeError when all workers have ended before.
    """
    while True:
        living = any(process.poll() is None for process in processes.values())
        for trial in study.get_trials(states=(TrialState.RUNNING,)):
            if trial.user_attrs["hangs"] and HANGS_AFTER in trial.intermediate_values:
                return str(trial.user_attrs["worker"])
        if not living:
            raise RuntimeError("All workers have ended, and none has met the trial that hangs.")
        time.sleep(0.05)


def states(trials: Sequence[FrozenTrial]) -> dict[str, int]:
    """Return how many trials are in each state."""
    names = [trial.state.name.lower() for trial in trials]
    return {name: names.count(name) for name in ("complete", "pruned", "fail", "running", "waiting") if name in names}


def close(study: optuna.Study) -> None:
    """Close a database's file, which Windows would not delete while it is open."""
    storage = getattr(study._storage, "_backend", study._storage)
    if isinstance(storage, RDBStorage):
        storage.engine.dispose()
