"""How much slower is ``fit`` than the bare loop of the same model and data? Run by hand: not part of the tests.

    python tests/benchmarks/fit_overhead.py

Both loops train the perceptron of notebook 1.3 on the bundled digits, alternately, from the same weights. Printed is
the ratio of the medians of 11 runs each.
"""

from __future__ import annotations

import statistics
import time

import torch
from torch import nn
from torch.nn import functional as F

from dlcourse import data
from dlcourse.authoring import definitions
from dlcourse.train import fit

EPOCHS, BATCH, REPEATS = 5, 64, 11


def start(make: type[nn.Module]) -> tuple[nn.Module, torch.optim.Optimizer]:
    torch.manual_seed(0)
    model = make(256)
    return model, torch.optim.AdamW(model.parameters(), lr=1e-3)


def main() -> None:
    mlp = definitions.load_definitions(definitions.ROOT / "01_pytorch_basics" / "03_handwritten_digits.ipynb").MLP
    loader = data.TensorLoader(data.mnist("quick").train, BATCH, shuffle=True)
    seconds: dict[str, list[float]] = {"bare": [], "fit": []}
    for _ in range(REPEATS + 1):
        model, optimizer = start(mlp)
        begin = time.perf_counter()
        for _ in range(EPOCHS):
            for x, y in loader:
                loss = F.cross_entropy(model(x), y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        seconds["bare"].append(time.perf_counter() - begin)
        model, optimizer = start(mlp)
        begin = time.perf_counter()
        fit(model, loader, epochs=EPOCHS, loss=F.cross_entropy, optimizer=optimizer, device="cpu")
        seconds["fit"].append(time.perf_counter() - begin)
    medians = {name: statistics.median(values[1:]) for name, values in seconds.items()}  # the first run warms up
    print(
        f"bare {medians['bare']:.3f} s, fit {medians['fit']:.3f} s, overhead {medians['fit'] / medians['bare'] - 1:.1%}"
    )


if __name__ == "__main__":
    main()
