"""Learning-rate schedules on LeNet: ``python 05_optimizers/schedules.py`` runs what is missing.

Each run trains LeNet with SGD from one seed and appends one line to ``results/studies/schedules.jsonl``. Scale "quick":
the training of notebook 5.3 on the bundled digits, onto whose 440 steps the 30 epochs of a schedule are squeezed;
accuracy on validation every 20 steps, each schedule with four base rates (constant rates are in the sweep of
``study.py``). Scale "full": Fashion-MNIST with the textbook's rates, 30 epochs in batches of 256, all 60,000 training
pictures; nothing is chosen, and the accuracy on test is taken once, at the end. The same command goes on where it was
stopped; ``--part 1/2`` and ``--part 2/2`` share the work.

A schedule of notebook 5.3 gives the rate at a time, counted in epochs, and is asked before each step. "as printed" are
the textbook's loops, which set the rate after each epoch, and one of whose schedulers had been run out by a plot.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional as F
from torch.utils.data import TensorDataset

from dlcourse import data, models
from dlcourse.authoring import definitions, studies
from dlcourse.runtime import device, seed
from dlcourse.train import accuracy

nb = definitions.load_definitions(Path(__file__).with_name("03_optimizer_comparison.ipynb"))
EPOCHS = 30
RATES = (0.03, 0.1, 0.3, 1.0)
BOOK = {
    "MultiStep, as printed": 0.5, "MultiStep": 0.5, "warm-up + cosine, as printed": 0.3, "warm-up + cosine": 0.3,
    "constant": 0.3, "cosine, as printed": 0.3, "square root, as printed": 0.1,
}  # fmt: skip


def printed_multi_step(t: float, base: float) -> float:
    """Return what the textbook's loop really used: its plot had stepped the scheduler past both milestones."""
    return base * 0.25


def printed(schedule: Callable[[float, float], float]) -> Callable[[float, float], float]:
    """Return what the textbook's loop really used: the base rate for one epoch, then the schedule an epoch late."""
    return lambda t, base: base if t < 1 else float(schedule(math.floor(t) - 1, base))


SCHEDULES: dict[str, Callable[[float, float], float]] = {
    "constant": nb.constant, "square root": nb.square_root, "MultiStep": nb.multi_step, "cosine": nb.cosine,
    "warm-up + cosine": nb.warmup_cosine, "square root, as printed": printed(nb.square_root),
    "MultiStep, as printed": printed_multi_step, "cosine, as printed": printed(nb.cosine),
    "warm-up + cosine, as printed": printed(nb.warmup_cosine),
}  # fmt: skip


def wanted(runs: list[studies.Run]) -> Iterator[studies.Settings]:
    """Yield the settings of all runs: first quick scale, then full scale, seed by seed."""
    for number in range(5):
        for name in SCHEDULES:
            for lr in RATES:
                if name != "constant" and "printed" not in name:
                    yield {"scale": "quick", "schedule": name, "lr": lr, "seed": number}
    for number in range(3):
        for name, lr in BOOK.items():
            yield {"scale": "full", "schedule": name, "lr": lr, "seed": number}


def run(settings: dict[str, Any]) -> dict[str, Any]:
    """Train one network and return its accuracy."""
    schedule, lr = SCHEDULES[settings["schedule"]], settings["lr"]
    if settings["scale"] == "quick":
        _, curve = nb.train("SGD", lr, settings["seed"], lambda share: schedule(EPOCHS * share, lr) / lr)
        return {"validation": [round(score, 3) for score, _ in curve]}
    return textbook(schedule, lr, settings["seed"])


@lru_cache
def clothes() -> tuple[TensorDataset, TensorDataset]:
    """Return Fashion-MNIST: all 60,000 pictures for training, and those of test."""
    parts = data.fashion_mnist("full")
    both = zip(parts.train.tensors, parts.validation.tensors, strict=True)
    return TensorDataset(*(torch.cat(pair) for pair in both)), parts.test


def textbook(schedule: Callable[[float, float], float], lr: float, start: int) -> dict[str, float]:
    """Train the LeNet of the textbook's 11.11; return its accuracy in the last epoch of training, and on test."""
    train, test = clothes()
    seed(start)
    model = models.LeNet().to(device())
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    batches = data.TensorLoader(train, 256, shuffle=True, device=device())
    step, right = 0, 0.0
    for _ in range(EPOCHS):
        right = 0.0
        for x, y in batches:
            optimizer.param_groups[0]["lr"] = schedule(step / len(batches), lr)
            logits = model(x)
            optimizer.zero_grad()
            F.cross_entropy(logits, y).backward()
            optimizer.step()
            step += 1
            right += accuracy(logits, y).item() * len(y)
    images, labels = (t.to(device()) for t in test.tensors)
    with torch.no_grad():
        scores = torch.cat([model(part) for part in images.split(1000)])
    return {"train": round(right / len(train), 4), "test": round(accuracy(scores, labels).item(), 4)}


if __name__ == "__main__":
    sys.exit(studies.command("schedules", wanted, run, "Run what is missing of the study of schedules."))
