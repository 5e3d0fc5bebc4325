"""How far does rounding carry two equal runs apart? ``python 06_tuning/rounding_study.py`` runs what is missing.

Each run trains LeNet twice in one process: once with the gradient of the whole batch, once with the mean of those of
its two halves, which is the same but for rounding. ``difference`` is the largest one of a weight after 110 steps.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dlcourse import data, models
from dlcourse.authoring import studies
from dlcourse.runtime import generator, seed

PARTS = {"ReLU": nn.ReLU, "tanh": nn.Tanh, "GELU": nn.GELU, "max": nn.MaxPool2d, "mean": nn.AvgPool2d}


def wanted(_: list[studies.Run]) -> Iterator[studies.Settings]:
    """Yield all networks in float32 and the usual one in float64, with five seeds."""
    for number in range(5):
        yield {"activation": "ReLU", "pool": "max", "dtype": "float64", "seed": number}
        for activation, pool in itertools.product(("ReLU", "tanh"), ("max", "mean")):
            yield {"activation": activation, "pool": pool, "dtype": "float32", "seed": number}
    for number in range(5):
        yield {"activation": "GELU", "pool": "mean", "dtype": "float32", "seed": number}


def trained(settings: studies.Settings, halves: bool) -> Tensor:
    """Return the weights after two epochs with batches of 64, as one vector."""
    pictures, labels = data.mnist("quick").train.tensors
    dtype = getattr(torch, settings["dtype"])
    seed(settings["seed"])
    parts = {name: PARTS[settings[name]] for name in ("activation", "pool")}
    model = models.LeNet(mean=pictures.mean().item(), std=pictures.std().item(), **parts).to(dtype)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for epoch in range(2):
        for rows in torch.randperm(len(pictures), generator=generator(100 * settings["seed"] + epoch)).split(64):
            shares = (rows[0::2], rows[1::2]) if halves else (rows,)
            losses = [F.cross_entropy(model(pictures[share].to(dtype)), labels[share]) for share in shares]
            optimizer.zero_grad()
            (sum(losses) / len(losses)).backward()
            optimizer.step()
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def run(settings: studies.Settings) -> studies.Run:
    """Train in both ways and compare."""
    return {"difference": (trained(settings, True) - trained(settings, False)).abs().max().item()}


if __name__ == "__main__":
    sys.exit(studies.command("rounding", wanted, run, "Run what the study of rounding does not have yet."))
