"""How many steps does LeNet need at each batch size? ``python 06_tuning/scaling_study.py`` runs what is missing.

Each run trains LeNet on the 3,500 digits with Adam, one batch size, learning rate and seed, and stops when the
validation loss has reached the target. ``results/studies/scaling.jsonl`` gets one line a run: ``steps`` until then
(None when the limit came first) and the lowest validation loss seen. Notebook 6.3 takes the best rate of each size.
"""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Iterator

import torch
from torch.nn import functional as F

from dlcourse import data, models
from dlcourse.authoring import studies
from dlcourse.data import TensorLoader
from dlcourse.runtime import seed

TARGET, SEEDS = 0.25, 3
RATES = {size: (0.001, 0.002, 0.004, 0.008) for size in (8, 16)}
RATES |= {size: (0.002, 0.004, 0.008, 0.016) for size in (32, 64)}
RATES |= {size: (0.004, 0.008, 0.016, 0.032) for size in (128, 256, 512, 1024)}


def wanted(_: list[studies.Run]) -> Iterator[studies.Settings]:
    """Yield all settings, one seed after the other."""
    for number, (batch_size, rates) in itertools.product(range(SEEDS), RATES.items()):
        for lr in rates:
            yield {"batch_size": batch_size, "lr": lr, "seed": number}


def run(settings: studies.Settings) -> studies.Run:
    """Train with Adam until the target, at most 1,200 steps and 25 epochs; the loss is looked at after each step."""
    digits = data.mnist("quick")
    pictures, labels = digits.validation.tensors
    seed(settings["seed"])
    ink = digits.train.tensors[0]
    model = models.LeNet(mean=ink.mean().item(), std=ink.std().item())
    optimizer = torch.optim.Adam(model.parameters(), lr=settings["lr"])
    loader = TensorLoader(digits.train, settings["batch_size"], shuffle=True, drop_last=True)
    losses: list[float] = []
    for inputs, targets in itertools.chain.from_iterable(loader for _ in range(25)):
        optimizer.zero_grad()
        F.cross_entropy(model(inputs), targets).backward()
        optimizer.step()
        with torch.no_grad():
            losses.append(F.cross_entropy(model(pictures), labels).item())
        if losses[-1] <= TARGET or len(losses) >= 1200 or math.isnan(losses[-1]):
            break
    steps = len(losses) if losses[-1] <= TARGET else None
    return {"steps": steps, "lowest": round(min(losses), 4)}


if __name__ == "__main__":
    sys.exit(studies.command("scaling", wanted, run, "Run what the study of batch sizes does not have yet."))
