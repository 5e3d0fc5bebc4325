"""Checks of notebook 1.1, tensors and autograd."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from dlcourse.exercises.harness import Case, checks


@checks("01.1-distances")
def _distances(attempt: Any) -> Iterator[Case]:
    hint = "Give X the shape (m, 1, d) and Y the shape (1, n, d). Which shape has X − Y then, and which axis is summed?"
    X, Y = torch.tensor([[0.0, 0.0], [1.0, 2.0], [3.0, 4.0]]), torch.tensor([[0.0, 0.0], [1.0, 0.0]])
    want = torch.tensor([[0.0, 1.0], [5.0, 4.0], [25.0, 20.0]])
    yield Case("X (3×2) and Y (2×2)", lambda: attempt(X, Y), want, hint)
    for m, n, d in ((5, 4, 7), (3, 3, 3), (1, 6, 2)):
        P, Q = torch.randn(m, d), torch.randn(n, d)
        want = torch.tensor([[float(((p - q) ** 2).sum()) for q in Q] for p in P])
        yield Case(f"random X ({m}×{d}) and Y ({n}×{d})", lambda P=P, Q=Q: attempt(P, Q), want, hint, 1e-4)


@checks("01.1-descend")
def _descend(attempt: Any) -> Iterator[Case]:
    def parabola(x: torch.Tensor) -> torch.Tensor:
        return (x - 3) ** 2

    hint = "The step is x − lr · f′(x), with a minus sign, and the gradient must still be there when it is used."
    yield Case("(x − 3)² from 0, 1 step", lambda: attempt(parabola, 0, 1), 0.6, hint)
    hint = "What does x.grad hold when backward is called for the second time?"
    yield Case("(x − 3)² from 0, 2 steps", lambda: attempt(parabola, 0, 2), 1.08, hint)
    yield Case("(x − 3)² from 0, 50 steps", lambda: attempt(parabola, 0, 50), 2.999957, hint)
    yield Case("(x − 3)² from 0, 50 steps again", lambda: attempt(parabola, 0, 50), 2.999957, hint)
    hint = "Use the f, x, steps and lr that are given."
    for _ in range(3):
        lowest, start = torch.randn(2).tolist()
        steps, lr = int(torch.randint(2, 9, ())), float(torch.rand(())) / 2
        want = lowest + (start - lowest) * (1 - 2 * lr) ** steps
        yield Case(
            f"(x − {lowest:.2f})² from {start:.2f}, {steps} steps, lr {lr:.2f}",
            lambda c=lowest, x=start, n=steps, r=lr: attempt(lambda t: (t - c) ** 2, x, n, r),
            want,
            hint,
        )


@checks("01.1-numerical")
def _numerical(attempt: Any) -> Iterator[Case]:
    hint = "Divide f(x + step) − f(x − step), one step to each side, by the whole distance of the two points."
    yield Case("x³ at 1, step 0.5", lambda: attempt(lambda t: t**3, 1, 0.5), 3.25, hint)
    hint = "Use the given step, to both sides of x."
    yield Case("exp(x) at 0, step 0.5", lambda: attempt(torch.exp, 0, 0.5), 1.042191, hint)
    hint = "Is x a float64 tensor before the step is added?"
    yield Case("x³ at 2", lambda: attempt(lambda t: t**3, 2), 12.0, hint)
    yield Case("1000 + sin(x) at 1", lambda: attempt(lambda t: 1000 + t.sin(), 1), 0.540302, hint)
    for x in torch.randn(2).tolist():
        y = torch.tensor(x, dtype=torch.float64)
        want = float(y.exp().cos() * y.exp())
        yield Case(f"sin(exp(x)) at {x:.4f}", lambda x=x: attempt(lambda t: t.exp().sin(), x), want, hint)


@checks("01.1-second")
def _second(attempt: Any) -> Iterator[Case]:
    hint = "Take the gradient twice: of f(x) with create_graph=True, then of that first derivative."
    yield Case("x³ at 2", lambda: attempt(lambda t: t**3, 2), 12.0, hint)
    yield Case("x³ at 3", lambda: attempt(lambda t: t**3, 3), 18.0, hint)
    yield Case("exp(2x) at 0", lambda: attempt(lambda t: (2 * t).exp(), 0), 4.0, hint)
    yield Case("x⁴ − x at −1", lambda: attempt(lambda t: t**4 - t, -1), 12.0, hint)
    for x in torch.randn(2).tolist():
        want = -float(torch.tensor(x).sin())
        yield Case(f"sin(x) at {x:.4f}", lambda x=x: attempt(torch.sin, x), want, hint)


@checks("01.1-softplus")
def _softplus(attempt: Any) -> Iterator[Case]:
    x = torch.tensor([-2.0, 0.0, 3.0], dtype=torch.float64)
    want = torch.tensor([0.126928, 0.693147, 3.048587], dtype=torch.float64)
    hint = "forward returns ln(1 + exp(x)), in the shape of x; at 0 that is ln 2."
    yield Case("the values at −2, 0, 3", lambda: attempt.apply(x), want, hint)

    def gradient(factor: float, point: torch.Tensor) -> torch.Tensor | None:
        point = point.clone().requires_grad_()
        (factor * attempt.apply(point)).sum().backward()
        return point.grad

    hint = "backward needs x itself: save it in forward. The derivative at 0 is 1/2."
    want = torch.tensor([0.119203, 0.5, 0.952574], dtype=torch.float64)
    yield Case("the gradient of the sum at −2, 0, 3", lambda: gradient(1.0, x), want, hint)
    hint = "The chain rule: what must backward do with the gradient that it is given?"
    yield Case("the gradient of 5 times the sum at −2, 0, 3", lambda: gradient(5.0, x), 5 * want, hint)
    points = torch.randn(2, 3, dtype=torch.float64, requires_grad=True)
    yield Case(
        "gradcheck at random points (2×3)",
        lambda: torch.autograd.gradcheck(attempt.apply, (points,), raise_exception=False),
        True,
        "At some points forward and backward do not belong to the same function.",
    )
