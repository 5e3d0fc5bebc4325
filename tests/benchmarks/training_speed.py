"""How many pictures a second does LeNet learn from, fed in four ways? Run by hand: not part of the tests.

    python tests/benchmarks/training_speed.py          # DLCOURSE_SCALE=full for all of MNIST

In one run on the same digits: the bare loop over resident tensors, ``fit``, the textbook's loader (decoded and
converted picture by picture, 4 workers, batch 256) and the demo's (resized too, 8 workers). The same model, SGD with
the same rate, no evaluation. Printed are medians over rounds in which the four alternate. Wanted: ``fit`` at least
0.97 of the bare loop, 1.5 times the textbook's loader and 2 times the demo's.
"""

from __future__ import annotations

import gzip
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

from dlcourse import data, runtime
from dlcourse.models import LeNet
from dlcourse.train import fit

BATCH = 256


def as_files(pictures: data.ImageData, folder: Path) -> datasets.MNIST:
    """Write the training part as MNIST's own files and return torchvision's dataset of them."""
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    images, labels = pictures.train.tensors
    arrays = {"images-idx3": (255 * images[:, 0]).round().byte().numpy(), "labels-idx1": labels.byte().numpy()}
    for part in ("train", "t10k"):
        for name, array in arrays.items():
            header = (0x800 + array.ndim).to_bytes(4, "big") + np.array(array.shape, dtype=">i4").tobytes()
            for file, opened in ((raw / f"{part}-{name}-ubyte", open), (raw / f"{part}-{name}-ubyte.gz", gzip.open)):
                with opened(file, "wb") as stream:  # type: ignore[operator]
                    stream.write(header + array.tobytes())
    return datasets.MNIST(folder, train=True, download=False)


def bare(batches: Iterable[Any], model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    for x, y in batches:
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def with_fit(batches: Any, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    fit(model, batches, epochs=1, loss=F.cross_entropy, optimizer=optimizer, device="cpu")


def loader(dataset: datasets.MNIST, transform: Any, workers: int) -> DataLoader[Any]:
    dataset.transform = transform
    return DataLoader(dataset, BATCH, shuffle=True, num_workers=workers)


def main() -> None:
    pictures = data.mnist()
    repeats = 3 if runtime.scale() == "full" else 7
    resident = data.TensorLoader(pictures.train, BATCH, shuffle=True)
    to_tensor = transforms.ToTensor()
    resize = transforms.Compose([transforms.Resize((32, 32)), transforms.ToTensor(), transforms.CenterCrop(28)])
    with tempfile.TemporaryDirectory() as folder:
        textbook = as_files(pictures, Path(folder) / "textbook")
        demo = as_files(pictures, Path(folder) / "demo")
        ways: dict[str, tuple[Callable[..., None], Any]] = {
            "bare loop": (bare, resident),
            "fit": (with_fit, resident),
            "textbook's loader": (bare, loader(textbook, to_tensor, 4)),
            "demo's loader": (bare, loader(demo, resize, 8)),
        }
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(repeats + 1):
            for name, (way, batches) in ways.items():
                torch.manual_seed(0)
                model = LeNet()
                optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
                begin = time.perf_counter()
                way(batches, model, optimizer)
                seconds[name].append(time.perf_counter() - begin)
    images = len(pictures.train)
    speed = {name: images / statistics.median(values[1:]) for name, values in seconds.items()}  # the first warms up
    print(f"{images:,} pictures, batch {BATCH}, {torch.get_num_threads()} threads, {sys.platform}")
    for name, value in speed.items():
        print(f"{name:18} {value:>8,.0f} pictures/s   fit is {speed['fit'] / value:.2f} times as fast")


if __name__ == "__main__":
    main()
