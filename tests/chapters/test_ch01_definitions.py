"""What the notebooks build, imported from them and tested beyond the examples that they show."""

from __future__ import annotations

import math
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

from dlcourse import photos
from dlcourse.authoring import definitions

BASICS = definitions.ROOT / "01_pytorch_basics"


@pytest.fixture(scope="module")
def networks() -> ModuleType:
    return definitions.load_definitions(BASICS / "02_neural_networks.ipynb")


@pytest.fixture(scope="module")
def digits() -> ModuleType:
    return definitions.load_definitions(BASICS / "03_handwritten_digits.ipynb")


def test_models_run_on_a_device_that_has_no_numbers(networks: ModuleType, digits: ModuleType) -> None:
    """Forward, loss and backward on the meta device: a tensor made on the wrong device raises."""
    for model, shape, classes in ((networks.MLP(), (2,), 3), (digits.MLP(64, 0.13, 0.31), (1, 28, 28), 10)):
        model.to("meta")
        x, y = torch.randn(8, *shape, device="meta"), torch.zeros(8, dtype=torch.long, device="meta")
        output = model(x)
        assert output.shape == (8, classes)
        F.cross_entropy(output, y).backward()
        assert all(p.grad is not None and p.grad.device.type == "meta" for p in model.parameters())


def test_cross_entropy_of_the_notebook_equals_pytorch(networks: ModuleType) -> None:
    hypothesis = pytest.importorskip("hypothesis")
    number = hypothesis.strategies.integers

    @hypothesis.settings(deadline=None)
    @hypothesis.given(number(1, 40), number(2, 12), hypothesis.strategies.floats(0.01, 20), number(0, 10**6))
    def inner(rows: int, classes: int, spread: float, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        logits = (spread * torch.randn(rows, classes, generator=generator)).requires_grad_()
        again = logits.detach().clone().requires_grad_()
        target = torch.randint(0, classes, (rows,), generator=generator)
        ours, theirs = networks.cross_entropy(logits, target), F.cross_entropy(again, target)
        assert torch.allclose(ours, theirs, rtol=1e-5, atol=1e-5 * spread)
        ours.backward()
        theirs.backward()
        assert torch.allclose(logits.grad, again.grad, atol=1e-5)

    inner()


def test_the_spirals_are_balanced(networks: ModuleType) -> None:
    points, arm = networks.spirals(20)
    assert points.shape == (60, 2) and torch.bincount(arm).tolist() == [20, 20, 20]
    assert math.isfinite(points.sum().item())


def test_nearest_prototype_is_the_nearest_by_definition(digits: ModuleType) -> None:
    images, prototypes = torch.rand(20, 1, 28, 28), torch.rand(10, 1, 28, 28)
    want = [min(range(10), key=lambda k: (image - prototypes[k]).square().sum().item()) for image in images]
    assert digits.nearest_prototype(images, prototypes).tolist() == want


def assert_is_prepared(image: torch.Tensor) -> None:
    """One digit in a box of 20 × 20, centred by mass, bright on black."""
    assert image.shape == (1, 28, 28) and image.dtype == torch.float32
    assert 0 <= image.min() and 0.5 < image.max() <= 1
    rows, columns = image[0].any(1).nonzero().squeeze(1), image[0].any(0).nonzero().squeeze(1)
    assert 18 <= max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1 <= 20
    for axis in (0, 1):
        centre = (torch.arange(28) * image[0].sum(1 - axis)).sum() / image.sum()
        assert abs(centre.item() - 13.5) <= 0.6


@pytest.mark.parametrize("slant", [0.0, 0.3])
@pytest.mark.parametrize("digit", range(10))
def test_a_photo_is_prepared_as_mnist_was(digits: ModuleType, tmp_path: Path, digit: int, slant: float) -> None:
    photos.draw_photo(digit, slant, tmp_path / "photo.png")
    assert_is_prepared(digits.as_mnist(tmp_path / "photo.png"))


@pytest.fixture(scope="module")
def plain(digits: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> list[torch.Tensor]:
    """Each digit in even light, prepared: what every fault below must come close to."""
    folder = tmp_path_factory.mktemp("plain")
    for digit in range(10):
        photos.draw_photo(digit, 0.15, folder / f"{digit}.png", "even")
    return [digits.as_mnist(folder / f"{digit}.png") for digit in range(10)]


@pytest.mark.parametrize("light", photos.LIGHTS)
@pytest.mark.parametrize("digit", range(10))
def test_light_and_shadow_cancel(
    digits: ModuleType, plain: list[torch.Tensor], tmp_path: Path, digit: int, light: str
) -> None:
    photos.draw_photo(digit, 0.15, tmp_path / "photo.png", light)
    image = digits.as_mnist(tmp_path / "photo.png")
    assert_is_prepared(image)
    assert (image - plain[digit]).abs().mean() < 0.02


@pytest.mark.parametrize("size", [90, 230])
@pytest.mark.parametrize("digit", [1, 7])
def test_a_tall_digit_is_read(digits: ModuleType, tmp_path: Path, digit: int, size: int) -> None:
    photos.draw_photo(digit, 0.0, tmp_path / "photo.png", size=size)
    assert_is_prepared(digits.as_mnist(tmp_path / "photo.png"))


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_a_rotated_jpeg_is_turned_upright(
    digits: ModuleType, plain: list[torch.Tensor], tmp_path: Path, orientation: int
) -> None:
    photos.draw_photo(7, 0.15, tmp_path / "photo.png", "even")
    stored = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}[orientation]
    picture = Image.open(tmp_path / "photo.png").transpose(stored)
    note = picture.getexif()
    note[0x0112] = orientation
    picture.save(tmp_path / "photo.jpg", exif=note, quality=90)
    assert (digits.as_mnist(tmp_path / "photo.jpg") - plain[7]).abs().mean() < 0.03


@pytest.mark.parametrize("light", photos.LIGHTS)
def test_a_blank_photo_is_an_error_that_says_so(digits: ModuleType, tmp_path: Path, light: str) -> None:
    paper = np.tile(photos.LIGHTS[light], (300, 1)) + np.random.default_rng(0).normal(0, 4, (300, 400))
    Image.fromarray(paper.clip(0, 255).astype(np.uint8)).save(tmp_path / "blank.png")
    with pytest.raises(ValueError, match="no ink"):
        digits.as_mnist(tmp_path / "blank.png")


def test_a_large_noisy_photo_in_colour_is_read(digits: ModuleType, plain: list[torch.Tensor], tmp_path: Path) -> None:
    photos.draw_photo(5, 0.15, tmp_path / "photo.png", "a soft shadow")
    large = np.asarray(Image.open(tmp_path / "photo.png").resize((2400, 1800), Image.Resampling.BICUBIC)).astype(float)
    noisy = large[..., None] * (1.0, 0.95, 0.85) + np.random.default_rng(0).normal(0, 8, (1800, 2400, 1))
    Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(tmp_path / "large.jpg")
    assert (digits.as_mnist(tmp_path / "large.jpg") - plain[5]).abs().mean() < 0.03


@pytest.mark.parametrize("light", photos.LIGHTS)
def test_the_package_prepares_photos_as_the_notebook_does(digits: ModuleType, tmp_path: Path, light: str) -> None:
    for path in photos.draw_photos(tmp_path, light):
        assert torch.equal(photos.as_mnist(path), digits.as_mnist(path))
    Image.new("L", (400, 300), 230).save(tmp_path / "blank.png")
    with pytest.raises(ValueError, match="no ink"):
        photos.as_mnist(tmp_path / "blank.png")
