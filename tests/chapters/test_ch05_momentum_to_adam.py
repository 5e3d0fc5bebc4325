"""What notebook 5.2 builds: rules equal to PyTorch's for any settings, and those that PyTorch does not have."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from dlcourse import results
from dlcourse.authoring import definitions

hypothesis = pytest.importorskip("hypothesis")
st = hypothesis.strategies
DRAWN = hypothesis.settings(deadline=None, max_examples=40)
FOLDER = definitions.ROOT / "05_optimizers"
RULES = (
    "gradient_descent", "momentum", "averaged", "nesterov", "adagrad", "rmsprop", "adadelta", "adam", "amsgrad", "yogi",
    "adamw", "lion", "muon",
)  # fmt: skip


@pytest.fixture(scope="module")
def nb() -> ModuleType:
    return definitions.load_definitions(FOLDER / "02_momentum_to_adam.ipynb")


def walk(make: Callable[[list[Tensor]], Any], shapes: list[tuple[int, ...]], steps: int, seed: int) -> list[Tensor]:
    """Return the weights after steps with random gradients of very different sizes, some of them zero or missing."""
    source = torch.Generator().manual_seed(seed)
    weights = [nn.Parameter(torch.randn(shape, generator=source, dtype=torch.float64)) for shape in shapes]
    optimizer = make(weights)
    for step in range(steps):
        for i, w in enumerate(weights):
            size = 10 ** (4 * torch.rand(w.shape, generator=source, dtype=torch.float64) - 3)
            g = size * torch.randn(w.shape, generator=source, dtype=torch.float64)
            g[torch.rand(w.shape, generator=source) < 0.2] = 0
            w.grad = None if (step + i) % 4 == 3 else g
        optimizer.step()
    return [w.detach() for w in weights]


def pairs(nb: ModuleType, lr: float, b1: float, b2: float, eps: float, decay: float) -> dict[str, tuple[Any, Any]]:
    optim = torch.optim

    def ours(rule: Any, **settings: Any) -> Any:
        return lambda p: nb.Optimizer(p, rule, lr=lr, **settings)

    adam: dict[str, Any] = {"beta1": b1, "beta2": b2, "eps": eps}
    theirs: dict[str, Any] = {"lr": lr, "betas": (b1, b2), "eps": eps}
    return {
        "gradient descent": (ours(nb.gradient_descent), lambda p: optim.SGD(p, lr=lr)),
        "momentum": (ours(nb.momentum, beta=b1), lambda p: optim.SGD(p, lr=lr, momentum=b1)),
        "averaged": (ours(nb.averaged, beta=b1), lambda p: optim.SGD(p, lr=lr, momentum=b1, dampening=b1)),
        "Nesterov": (ours(nb.nesterov, beta=b1), lambda p: optim.SGD(p, lr=lr, momentum=b1, nesterov=True)),
        "AdaGrad": (ours(nb.adagrad, eps=eps), lambda p: optim.Adagrad(p, lr=lr, eps=eps)),
        "RMSProp": (ours(nb.rmsprop, gamma=b2, eps=eps), lambda p: optim.RMSprop(p, lr=lr, alpha=b2, eps=eps)),
        "Adadelta": (ours(nb.adadelta, rho=b1, eps=eps), lambda p: optim.Adadelta(p, lr=lr, rho=b1, eps=eps)),
        "Adam": (ours(nb.adam, **adam), lambda p: optim.Adam(p, **theirs)),
        "AMSGrad": (ours(nb.amsgrad, **adam), lambda p: optim.Adam(p, amsgrad=True, **theirs)),
        "AdamW": (ours(nb.adamw, decay=decay, **adam), lambda p: optim.AdamW(p, weight_decay=decay, **theirs)),
        "L2": (ours(nb.with_l2, decay=decay, **adam), lambda p: optim.Adam(p, weight_decay=decay, **theirs)),
    }


def test_every_rule_equals_pytorchs_for_any_settings(nb: ModuleType) -> None:
    @DRAWN
    @hypothesis.given(
        st.floats(1e-3, 0.3), st.floats(0.05, 0.98), st.floats(0.05, 0.999), st.sampled_from([1e-10, 1e-8, 1e-3]),
        st.floats(0, 0.5), st.integers(0, 999),
    )  # fmt: skip
    def inner(lr: float, b1: float, b2: float, eps: float, decay: float, seed: int) -> None:
        for name, (mine, theirs) in pairs(nb, lr, b1, b2, eps, decay).items():
            shapes = [(3, 4), (5,), (1,)]
            for a, b in zip(walk(mine, shapes, 12, seed), walk(theirs, shapes, 12, seed), strict=True):
                torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-9, msg=lambda text, name=name: f"{name}: {text}")

    inner()


@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="this PyTorch has no Muon")
@pytest.mark.parametrize("shape", [(3, 8), (8, 3), (5, 5), (1, 4), (4, 1)])
def test_muon_equals_pytorchs(nb: ModuleType, shape: tuple[int, int]) -> None:
    mine = walk(lambda p: nb.Optimizer(p, nb.muon, lr=0.02), [shape], 10, 0)
    theirs = walk(lambda p: torch.optim.Muon(p, lr=0.02), [shape], 10, 0)
    torch.testing.assert_close(mine, theirs, rtol=1e-9, atol=1e-9)


def test_muons_step_has_singular_values_near_one(nb: ModuleType) -> None:
    for shape in ((6, 20), (20, 6)):
        M = torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        values = torch.linalg.svdvals(nb.orthogonalised(M, torch.float64))
        assert 0.6 < values.min() and values.max() < 1.3


def test_lion_and_yogi_follow_their_definitions(nb: ModuleType) -> None:
    """Number by number, as the papers write them."""
    gradients = (0.3, -2.0, 0.0, 0.01, 0.01, -0.4)
    m, moved = 0.0, []
    for g in gradients:
        c = 0.9 * m + 0.1 * g
        moved.append(0.5 * (math.copysign(1.0, c) if c else 0.0))
        m = 0.99 * m + 0.01 * g
    assert nb.answers(nb.lion, gradients, lr=0.5) == pytest.approx(moved)
    v = s = 0.0
    steps = []
    for t, g in enumerate(gradients, 1):
        v = 0.9 * v + 0.1 * g
        s -= 0.1 * (math.copysign(1.0, s - g * g) if s != g * g else 0.0) * g * g
        steps.append(0.5 * v / (1 - 0.9**t) / (math.sqrt(s / (1 - 0.9**t)) + 1e-3))
    assert nb.answers(nb.yogi, gradients, lr=0.5, beta2=0.9) == pytest.approx(steps, rel=1e-4)


@pytest.mark.parametrize("name", RULES)
def test_a_rule_changes_neither_weights_nor_gradient_and_follows_the_device(nb: ModuleType, name: str) -> None:
    rule = getattr(nb, name)
    w, g, memory = torch.randn(3, 4), torch.randn(3, 4), {"t": 1}
    before = w.clone(), g.clone()
    for _ in range(2):
        assert rule(w, g, memory, lr=0.1).shape == w.shape
    assert torch.equal(w, before[0]) and torch.equal(g, before[1])
    assert all(part is not g for part in memory.values())
    assert rule(w.to("meta"), g.to("meta"), {"t": 1}, lr=0.1).device.type == "meta"


def test_a_rule_has_at_most_twelve_lines(nb: ModuleType) -> None:
    sources = "\n\n".join(definitions.code_cells(FOLDER / "02_momentum_to_adam.ipynb"))
    for name in RULES:
        body = sources.split(f"def {name}(")[1].split("\n\n")[0]
        assert len(body.splitlines()) <= 12, name


def test_ends_in_the_ravine(nb: ModuleType) -> None:
    """The syllabus' end points; the textbook's ε stands inside of the root and is larger."""
    ends = {
        (nb.momentum, 0.6, ("beta", 0.5)): (0.007188, 0.002553),
        (nb.momentum, 0.6, ("beta", 0.25)): (-0.12634, -0.186632),
        (nb.adagrad, 0.4, ("eps", 1e-10)): (-2.382563, -0.158591),
        (nb.adagrad, 2.0, ("eps", 1e-10)): (-0.002295, 0.0),
        (nb.rmsprop, 0.4, ("gamma", 0.9)): (-0.010599, 0.0),
    }
    for (rule, lr, (key, value)), end in ends.items():
        assert nb.descend(rule, lr=lr, **{key: value})[-1].tolist() == pytest.approx(end, abs=2e-6)
    assert nb.descend(nb.rmsprop_of_book, lr=0.4)[-1, 0].item() == pytest.approx(-0.010599, abs=5e-7)


def test_grafted_has_the_direction_of_one_and_the_length_of_the_other(nb: ModuleType) -> None:
    weights = [nn.Parameter(torch.randn(4, 3)), nn.Parameter(torch.randn(3))]
    for w in weights:
        w.grad = torch.randn(w.shape)
    adam, momentum = (nb.adam, {"lr": 0.1}), (nb.momentum, {"lr": 0.5})
    lengths = [step.norm() for _, step in nb.Optimizer(weights, nb.adam, lr=0.1).steps()]
    for each in (True, False):
        steps = [step for _, step in nb.Grafted(weights, momentum, adam, each=each).steps()]
        for w, step in zip(weights, steps, strict=True):
            assert torch.cosine_similarity(step.flatten(), w.grad.flatten(), dim=0) == pytest.approx(1, abs=1e-5)
        total = torch.stack([step.norm() for step in steps]).norm()
        assert total.item() == pytest.approx(torch.stack(lengths).norm().item(), rel=1e-4)
        same = all(
            step.norm().item() == pytest.approx(n.item(), rel=1e-4) for step, n in zip(steps, lengths, strict=True)
        )
        assert same is each


def test_the_study_is_complete(nb: ModuleType) -> None:
    runs = results.study("grafting")
    for name in ("momentum", "Adam", "momentum, each length from Adam", "momentum, whole length from Adam",
                 "Adam, each length from momentum"):  # fmt: skip
        assert len(results.select(runs, study="sweep", recipe=name)) >= 6
        assert len(results.select(runs, study="seeds", recipe=name)) == 5
        assert callable(nb.recipe(name, 0.1))
    assert len(results.select(runs, study="stream")) == 2
