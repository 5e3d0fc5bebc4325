"""Checks of notebook 1.1, tensors and autograd."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd import grad as autograd_grad
from torch.nn import functional as F

from dlcourse.exercises.harness import Case, checks


@checks("01.1-distances", no_loops=True)
def _distances(attempt: Any) -> Iterator[Case]:
    def reference(X: Tensor, Y: Tensor) -> Tensor:
        return torch.stack([(x - Y).square().sum(1) for x in X])

    hint = "Give X the shape (m, 1, d) and Y the shape (1, n, d). Which shape has X − Y then, and which axis is summed?"
    causes = {
        "Are the distances squared? There is no root in the result.": lambda X, Y: reference(X, Y).sqrt(),
        "Is it the sum over the d entries, not their mean?": lambda X, Y: reference(X, Y) / X.shape[1],
    }
    X, Y = torch.tensor([[0.0, 0.0], [1.0, 2.0], [3.0, 4.0]]), torch.tensor([[0.0, 0.0], [1.0, 0.0]])
    pairs = {"X (3×2) and Y (2×2)": (X, Y)}
    for m, n, d in ((5, 4, 7), (3, 3, 3), (1, 6, 2), (4, 1, 1)):
        pairs[f"random X ({m}×{d}) and Y ({n}×{d})"] = torch.randn(m, d), torch.randn(n, d)
    pairs["X (2×5) and Y (3×5) of large numbers"] = 50 * torch.randn(2, 5), 50 * torch.randn(3, 5)
    pairs["float64 X (2×3) and Y (4×3)"] = torch.randn(2, 3).double(), torch.randn(4, 3).double()
    for shown, args in pairs.items():
        yield Case(shown, attempt, reference, hint, 1e-4, args=args, gradient=True, causes=causes)


@checks("01.1-descend", forbid=("torch.Tensor.data",))
def _descend(attempt: Any) -> Iterator[Case]:
    def ends(slope: Callable[[float], float], x: float, steps: int, lr: float) -> float:
        for _ in range(steps):
            x -= lr * slope(x)
        return x

    def parabola(x: Tensor) -> Tensor:
        return (x - 3) ** 2

    hint = "The step is x − lr · f′(x), with a minus sign, and the gradient must still be there when it is used."
    yield Case("(x − 3)² from 0, 1 step", attempt, 0.6, hint, args=(parabola, 0, 1))
    hint = "What does x.grad hold when backward is called for the second time?"
    for steps, end, again in ((2, 1.08, ""), (50, 2.999957, ""), (50, 2.999957, " again")):
        yield Case(f"(x − 3)² from 0, {steps} steps{again}", attempt, end, hint, args=(parabola, 0, steps))
    yield Case("(x − 3)² from 2, 0 steps", attempt, 2.0, "Without a step the end is the start.", args=(parabola, 2, 0))
    hint = "The derivative of x⁴ at x is 4x³; autograd gives it exactly, a difference over a wide step does not."
    for start, steps, lr in ((1.5, 1, 0.01), (-1.0, 4, 0.05)):
        end = ends(lambda x: 4 * x**3, start, steps, lr)
        shown = f"x⁴ from {start}, {steps} step{'s' if steps > 1 else ''}, lr {lr}"
        yield Case(shown, attempt, end, hint, 1e-4, args=(lambda x: x**4, start, steps, lr))
    hint = "Use the f, x, steps and lr that are given."
    for _ in range(3):
        lowest, start = torch.randn(2).tolist()
        steps, lr = int(torch.randint(2, 9, ())), float(torch.rand(())) / 2
        end = ends(lambda x, c=lowest: 2 * (x - c), start, steps, lr)  # type: ignore[misc]
        shown = f"(x − {lowest:.2f})² from {start:.2f}, {steps} steps, lr {lr:.2f}"
        yield Case(shown, attempt, end, hint, args=(lambda x, c=lowest: (x - c) ** 2, start, steps, lr))


@checks("01.1-numerical")
def _numerical(attempt: Any) -> Iterator[Case]:
    hint = "Divide f(x + step) − f(x − step), one step to each side, by the whole distance of the two points."
    causes = {
        "Take one step to each side: f(x + step) − f(x − step).": ((1.5**3 - 1) / 0.5),
        "The two points are 2 · step apart.": 6.5,
        "This is the derivative itself; the task asks for the quotient with the given step.": 3.0,
    }
    yield Case("x³ at 1, step 0.5", attempt, 3.25, hint, args=(lambda t: t**3, 1, 0.5), causes=causes)
    hint = "Use the given step, to both sides of x."
    yield Case("exp(x) at 0, step 0.5", attempt, math.sinh(0.5) / 0.5, hint, args=(torch.exp, 0, 0.5))
    hint = "Is x a float64 tensor before the step is added?"
    yield Case("x³ at 2", attempt, 12.0, hint, args=(lambda t: t**3, 2))
    yield Case("x³ at 1, step 1e-6", attempt, 3.0, hint, args=(lambda t: t**3, 1, 1e-6))
    yield Case("1000 + sin(x) at 1", attempt, math.cos(1), hint, args=(lambda t: 1000 + t.sin(), 1))
    for x in torch.randn(2).tolist():
        want = math.cos(math.exp(x)) * math.exp(x)
        yield Case(f"sin(exp(x)) at {x:.4f}", attempt, want, hint, args=(lambda t: t.exp().sin(), x))


@checks("01.1-second")
def _second(attempt: Any) -> Iterator[Case]:
    hint = "Take the gradient twice: of f(x) with create_graph=True, then of that first derivative."
    causes = {
        "This is the first derivative; differentiate it once more.": 27.0,
        "This is the sum of both derivatives: is `.grad` cleared between them?": 45.0,
        "This is the square of the first derivative; differentiate it once more.": 729.0,
    }
    yield Case("x³ at 3", attempt, 18.0, hint, args=(lambda t: t**3, 3), causes=causes)
    yield Case("x³ at −2", attempt, -12.0, hint, args=(lambda t: t**3, -2))
    yield Case("exp(2x) at 0", attempt, 4.0, hint, args=(lambda t: (2 * t).exp(), 0))
    yield Case("x⁴ − x at −1", attempt, 12.0, hint, args=(lambda t: t**4 - t, -1))
    for x in torch.randn(2).tolist():
        yield Case(f"sin(x) at {x:.4f}", attempt, -math.sin(x), hint, args=(torch.sin, x))
    hint = "The value of this f never changes, so differences of values give 0; its recorded derivative is 3 · 2²."
    yield Case("(x − x.detach() + 2)³ at 1", attempt, 12.0, hint, args=(lambda t: (t - t.detach() + 2) ** 3, 1))


@checks("01.1-softplus", forbid=("torch.autograd.grad", "torch.autograd.backward"))
def _softplus(attempt: Any) -> Iterator[Case]:
    def own(x: Tensor) -> bool:
        made = inspect.isclass(attempt) and issubclass(attempt, torch.autograd.Function)
        result = attempt.apply(x.clone().requires_grad_())
        return made and "backward" in vars(attempt) and isinstance(result.grad_fn, attempt._backward_cls)

    def gradient(x: Tensor, upstream: Tensor) -> Tensor:
        x = x.clone().requires_grad_()
        return autograd_grad(attempt.apply(x), x, upstream)[0]  # the harness forbids the name torch.autograd.grad

    values = "forward returns ln(1 + exp(x)), in the shape of x; at 0 that is ln 2."
    saved = "backward needs x itself: save it in forward. The derivative at 0 is 1/2."
    points = torch.tensor([-2.0, 0.0, 3.0], dtype=torch.float64)
    want = torch.tensor([0.126928, 0.693147, 3.048587], dtype=torch.float64)
    yield Case("the values at −2, 0, 3", lambda x: attempt.apply(x), want, values, args=(points,))
    hint = "Softplus is a torch.autograd.Function with a forward and a backward of its own, used by Softplus.apply(x)."
    yield Case("whether backward is yours", own, True, hint, args=(points,))
    far = torch.tensor([100.0, 1000.0, -100.0, -1000.0])
    hint = "exp(100) is infinite in float32. ln(1 + exp(x)) = max(x, 0) + ln(1 + exp(−|x|)), or `torch.logaddexp`."
    yield Case("the values at 100, 1000, −100, −1000", lambda x: attempt.apply(x), F.softplus(far), hint, args=(far,))
    chain = "The chain rule: what must backward do with the gradient that it is given?"
    ones = torch.ones(3, dtype=torch.float64)
    for upstream, shown, hint in (
        (ones, "the sum", saved), (5 * ones, "5 times the sum", chain), (-ones, "minus the sum", chain),
        (torch.tensor([1.0, -2.0, 0.5]).double(), "x₀ − 2x₁ + x₂/2 of the results", chain),
    ):  # fmt: skip
        shown = f"the gradient of {shown} at −2, 0, 3"
        yield Case(shown, gradient, points.sigmoid() * upstream, hint, args=(points, upstream))
    hint = "torch.sigmoid(x) is finite for every x."
    yield Case("the gradient at 100, 1000, −100, −1000", gradient, far.sigmoid(), hint, args=(far, torch.ones(4)))
    for shape in ((2, 3), (1,), ()):
        x, upstream = 3 * torch.randn(shape), torch.randn(shape)
        shown = f"random x of shape {shape}"
        yield Case(shown, lambda x: attempt.apply(x), F.softplus(x), values, args=(x,))
        yield Case(f"the gradient at {shown}", gradient, x.sigmoid() * upstream, chain, args=(x, upstream))
