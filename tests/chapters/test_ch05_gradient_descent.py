"""What notebook 5.1 builds: descent as PyTorch's SGD, limits that hold, the noise of batches, an honest row clock."""

from __future__ import annotations

import itertools
import math
from types import ModuleType, SimpleNamespace

import pytest
import torch
from torch import Tensor

from dlcourse import data
from dlcourse.authoring import definitions

hypothesis = pytest.importorskip("hypothesis")
st = hypothesis.strategies
few = hypothesis.settings(deadline=None, max_examples=30)


@pytest.fixture(scope="module")
def nb() -> ModuleType:
    return definitions.load_definitions(definitions.ROOT / "05_optimizers" / "01_gradient_descent.ipynb")


def matrix(d: int, seed: int) -> Tensor:
    """Return a symmetric matrix (d, d) with positive eigenvalues, float64."""
    a = torch.randn(d, d, generator=torch.Generator().manual_seed(seed), dtype=torch.double)
    return a @ a.T + 0.2 * torch.eye(d, dtype=torch.double)


def test_descend_is_sgd_of_pytorch(nb: ModuleType) -> None:
    start = torch.tensor([1.5, -0.7], dtype=torch.double)
    for f in (nb.bowl, nb.ravine, nb.saddle, nb.turned):
        points = nb.descend(f, start, 0.07, 15)
        x = start.clone().requires_grad_()
        optimizer = torch.optim.SGD([x], lr=0.07)
        for point in points:
            torch.testing.assert_close(x.detach(), point, rtol=1e-12, atol=1e-12)
            optimizer.zero_grad()
            f(x).backward()
            optimizer.step()
    assert points.shape == (16, 2) and points.dtype == torch.double


def test_the_limit_separates_arriving_from_diverging(nb: ModuleType) -> None:
    @few
    @hypothesis.given(st.integers(1, 6), st.integers(0, 10_000))
    def inner(d: int, seed: int) -> None:
        H = matrix(d, seed)
        limits = nb.rate_limits(lambda x: x @ H @ x / 2, torch.zeros(d, dtype=torch.double))
        assert (limits.diff() >= 0).all()
        top = torch.linalg.eigh(H)[1][:, -1]
        for share, grows in ((0.98, False), (1.02, True)):
            end = nb.descend(lambda x: x @ H @ x / 2, top, share * limits[0], 40)[-1].norm()
            assert (end > 1) == grows

    inner()


def test_newton_solves_a_quadratic_in_one_step(nb: ModuleType) -> None:
    H, b = matrix(4, 3), torch.tensor([1.0, -2, 0.5, 3], dtype=torch.double)
    for start in (torch.zeros(4).double(), 10 * torch.ones(4).double()):
        found = nb.newton_step(lambda x: x @ H @ x / 2 - b @ x, start)
        torch.testing.assert_close(H @ found, b, rtol=1e-9, atol=1e-9)


def test_steps_needed_grow_with_the_condition_number(nb: ModuleType) -> None:
    for condition in (3, 30, 300):
        factor = (condition - 1) / (condition + 1)
        assert nb.steps_needed(condition) == math.ceil(math.log(1000) / -math.log(factor))


def test_the_turned_valley_has_the_same_curvatures(nb: ModuleType) -> None:
    zero = torch.zeros(2, dtype=torch.double)
    torch.testing.assert_close(nb.rate_limits(nb.turned, zero), nb.rate_limits(nb.ravine, zero))
    scaled = nb.best_rates(nb.turned, (1.0, 2.0), True)
    assert torch.allclose(scaled, scaled[0].expand(2)), "the diagonal cannot tell the two axes apart"


def test_noise_of_all_batches_of_a_few_rows(nb: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nb, "K", SimpleNamespace(draws=20_000), raising=False)
    G = torch.randn(5, 7)
    for size, replacement in ((1, True), (3, True), (5, True), (1, False), (2, False), (4, False), (5, False)):
        batches = itertools.product(range(5), repeat=size) if replacement else itertools.combinations(range(5), size)
        gaps = [(G[list(rows)].mean(0) - G.mean(0)).square().sum().item() for rows in batches]
        assert nb.noise(G, size, replacement) == pytest.approx(sum(gaps) / len(gaps), rel=0.05, abs=1e-6)


def test_slope_of_powers(nb: ModuleType) -> None:
    for power in (-2.0, -1.0, 0.5):
        assert nb.slope([3 * B**power for B in nb.SIZES]) == pytest.approx(power, abs=1e-9)


def test_counted_loader_counts_each_row_once(nb: ModuleType) -> None:
    before = nb.RowClock.rows
    loader, plain = (kind(data.airfoil("quick"), 64) for kind in (nb.CountedLoader, data.TensorLoader))
    for ours, theirs in zip(loader, plain, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))
    assert nb.RowClock.rows - before == 1500


def test_textbook_run_is_the_textbooks_training(nb: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLCOURSE_SCALE", "quick")
    timer = nb.d2l.Timer
    said, losses = nb.textbook_run(0.5, 1500, 20)
    assert said == 3000 and len(losses) == 10 and losses == sorted(losses, reverse=True)
    assert losses[-1] == pytest.approx(0.2425, abs=1e-3)
    assert nb.textbook_run(0.1, 25, 1)[0] == 200
    assert nb.textbook_run(0.1, 30, 2)[0] == 600, "the smallest multiple of both 30 and 200"
    assert nb.d2l.Timer is timer
