"""Checks of notebook 1.1, tensors and autograd."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from dlcourse.check import Case, checks


@checks("01.1-distances")
def _distances(attempt: Any) -> Iterator[Case]:
    hint = "Give X the shape (m, 1, d) and Y the shape (1, n, d); their difference has the shape (m, n, d)."
    X, Y = torch.tensor([[0.0, 0.0], [1.0, 2.0], [3.0, 4.0]]), torch.tensor([[0.0, 0.0], [1.0, 0.0]])
    want = torch.tensor([[0.0, 1.0], [5.0, 4.0], [25.0, 20.0]])
    yield Case("X (3, 2) and Y (2, 2)", lambda: attempt(X, Y), want, hint)
    P, Q = torch.randn(5, 7), torch.randn(4, 7)
    yield Case("random X (5, 7) and Y (4, 7)", lambda: attempt(P, Q), torch.cdist(P, Q) ** 2, hint, tolerance=1e-4)


@checks("01.1-slope")
def _slope(attempt: Any) -> Iterator[Case]:
    hint = "Make a new tensor with requires_grad=True from x, call backward on f of it, return its .grad as a number."
    yield Case("x² at 3", lambda: attempt(lambda t: t**2, 3), 6.0, hint)
    yield Case("x² at 3, asked again", lambda: attempt(lambda t: t**2, 3), 6.0, hint)
    yield Case("sin(x)·x at 0.5", lambda: attempt(lambda t: t.sin() * t, 0.5), 0.918217, hint)


@checks("01.1-numerical")
def _numerical(attempt: Any) -> Iterator[Case]:
    hint = "Make x a float64 tensor, and divide f(x + step) − f(x − step) by 2 · step."
    yield Case("x³ at 2", lambda: attempt(lambda t: t**3, 2), 12.0, hint, tolerance=1e-6)
    yield Case("exp(x) at 0, step 0.5", lambda: attempt(torch.exp, 0, 0.5), 1.042191, hint, tolerance=1e-5)
    yield Case("1000 + sin(x) at 1", lambda: attempt(lambda t: 1000 + t.sin(), 1), 0.540302, hint, tolerance=1e-5)


@checks("01.1-second")
def _second(attempt: Any) -> Iterator[Case]:
    hint = "Call torch.autograd.grad twice: first with create_graph=True, then on the first derivative."
    yield Case("x³ at 2", lambda: attempt(lambda t: t**3, 2), 12.0, hint)
    yield Case("exp(2x) at 0", lambda: attempt(lambda t: (2 * t).exp(), 0), 4.0, hint)
    yield Case("x⁴ − x at −1", lambda: attempt(lambda t: t**4 - t, -1), 12.0, hint)


@checks("01.1-softplus")
def _softplus(attempt: Any) -> Iterator[Case]:
    x = torch.tensor([-2.0, 0.0, 3.0], dtype=torch.float64)
    hint = "forward returns log1p(exp(x)); compare with torch.nn.functional.softplus."
    yield Case("the values at −2, 0, 3", lambda: attempt.apply(x), torch.nn.functional.softplus(x), hint)

    def gradient(factor: float) -> torch.Tensor:
        point = x.clone().requires_grad_()
        (factor * attempt.apply(point)).sum().backward()
        assert point.grad is not None
        return point.grad

    hint = "backward returns the incoming gradient times sigmoid(x): the chain rule."
    yield Case("the gradient of the sum", lambda: gradient(1.0), torch.sigmoid(x), hint)
    yield Case("the gradient of five times the sum", lambda: gradient(5.0), 5 * torch.sigmoid(x), hint)
