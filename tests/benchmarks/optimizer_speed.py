"""How long is a step of each optimizer, ours and PyTorch's? Run by hand: not part of the tests.

    python tests/benchmarks/optimizer_speed.py [rounds]

The rules are those of notebook 5.2, taken from its cells. One step for a perceptron 784–768–512 with 1 million weights
in four tensors, with gradients that are there already, on one thread: nothing but the optimizer is measured. In one run
and alternating rounds; printed are medians in milliseconds. PyTorch's run as a loop over tensors (``foreach=False``),
with ``foreach=True``, and fused where they can; on a CPU foreach is a loop inside of PyTorch and no faster by itself.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from dlcourse.authoring import definitions
from dlcourse.runtime import seed
from dlcourse.table import Table

STEPS, ROUNDS = 10, 15
LAYERS = (784, 768, 512)


def parameters() -> list[nn.Parameter]:
    """Return the weights of a perceptron, with gradients."""
    found = []
    for inputs, outputs in zip(LAYERS, LAYERS[1:], strict=False):
        for shape in ((outputs, inputs), (outputs,)):
            found.append(nn.Parameter(torch.randn(shape)))
            found[-1].grad = 0.01 * torch.randn(shape)
    return found


def contestants(nb: Any) -> dict[str, dict[str, Callable[[list[nn.Parameter]], Any]]]:
    """Return for each optimizer the makers of its variants."""
    optim = torch.optim
    pairs: dict[str, tuple[Any, dict[str, Any], Any, dict[str, Any]]] = {
        "gradient descent": (nb.gradient_descent, {"lr": 1e-3}, optim.SGD, {"lr": 1e-3}),
        "momentum": (nb.momentum, {"lr": 1e-3}, optim.SGD, {"lr": 1e-3, "momentum": 0.9}),
        "Nesterov": (nb.nesterov, {"lr": 1e-3}, optim.SGD, {"lr": 1e-3, "momentum": 0.9, "nesterov": True}),
        "AdaGrad": (nb.adagrad, {}, optim.Adagrad, {}),
        "RMSProp": (nb.rmsprop, {}, optim.RMSprop, {}),
        "Adadelta": (nb.adadelta, {}, optim.Adadelta, {}),
        "Adam": (nb.adam, {}, optim.Adam, {}),
        "AMSGrad": (nb.amsgrad, {}, optim.Adam, {"amsgrad": True}),
        "AdamW": (nb.adamw, {}, optim.AdamW, {}),
        "Yogi": (nb.yogi, {}, None, {}),
        "Lion": (nb.lion, {}, None, {}),
        "Muon (matrices only)": (nb.muon, {}, getattr(optim, "Muon", None), {}),
    }
    found: dict[str, dict[str, Callable[[list[nn.Parameter]], Any]]] = {}
    for name, (rule, settings, theirs, options) in pairs.items():
        found[name] = {"ours": lambda p, rule=rule, settings=settings: nb.Optimizer(p, rule, **settings)}
        if theirs is None:
            continue
        for variant, extra in (
            ("loop", {"foreach": False}),
            ("foreach", {"foreach": True}),
            ("fused", {"fused": True}),
        ):
            if theirs is getattr(optim, "Muon", None):  # has no such choice
                extra = {}
            make = lambda p, theirs=theirs, all_of_it={**options, **extra}: theirs(p, **all_of_it)  # noqa: E731
            try:
                make(parameters()[::2]).step()
            except (TypeError, RuntimeError, ValueError):
                continue
            found[name][variant] = make
            if not extra:
                break
    return found


def main(rounds: int) -> None:
    """Print the table."""
    seed(0)
    torch.set_num_threads(1)
    nb = definitions.load_definitions(definitions.ROOT / "05_optimizers" / "02_momentum_to_adam.ipynb")
    variants = contestants(nb)
    ready = {}
    for name, makers in variants.items():
        for variant, make in makers.items():
            own = parameters()
            ready[name, variant] = make(own[::2] if name.startswith("Muon") else own)
    seconds: dict[tuple[str, str], list[float]] = {key: [] for key in ready}
    for _ in range(rounds + 1):
        for key, optimizer in ready.items():
            begin = time.perf_counter()
            for _ in range(STEPS):
                optimizer.step()
            seconds[key].append((time.perf_counter() - begin) / STEPS)
    medians = {key: 1000 * statistics.median(values[1:]) for key, values in seconds.items()}  # the first warms up
    columns = ("ours", "loop", "foreach", "fused")
    rows = [
        [name, *(f"{medians[name, column]:.2f}" if (name, column) in medians else "–" for column in columns)]
        for name in variants
    ]
    count = sum(p.numel() for p in parameters())
    print(f"milliseconds for a step, {count:,} weights, medians of {rounds} rounds, PyTorch {torch.__version__}")
    print(Table(["optimizer", "ours", "PyTorch, loop", "foreach", "fused"], rows))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS)
