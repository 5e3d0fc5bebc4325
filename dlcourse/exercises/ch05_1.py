"""Checks of the exercises of 5.1 Gradient descent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd.functional import hessian
from torch.func import grad

from dlcourse.exercises.harness import Case, checks

Function = Callable[[Tensor], Tensor]


def _positive(d: int, seed: int) -> Tensor:
    """Return a symmetric matrix (d, d) with positive eigenvalues."""
    a = torch.randn(d, d, generator=torch.Generator().manual_seed(seed))
    return a @ a.T + 0.1 * torch.eye(d)


@checks("05.1-limit")
def _limit(attempt: Any) -> Iterator[Case]:
    def top(H: Tensor) -> float:
        return float(torch.linalg.eigvalsh(H)[-1])

    causes = {
        "The largest eigenvalue sets the limit, not the smallest: the steepest direction diverges first.": lambda H: (
            2 / float(torch.linalg.eigvalsh(H)[0])
        ),
        "|1 − lr·λ| < 1 holds up to 2/λ. At 1/λ the factor is 0.": lambda H: 1 / top(H),
        "The trace is the sum of the eigenvalues; the limit needs the largest one.": lambda H: 2 / float(H.trace()),
        "The best rate is 2/(λmin + λmax); the limit is larger.": lambda H: (
            2 / (top(H) + float(torch.linalg.eigvalsh(H)[0]))
        ),
        "The eigenvalues of a matrix are not the entries of its diagonal, unless all other entries are 0.": lambda H: (
            2 / float(H.diagonal().max())
        ),
        "The norm over all entries is larger than the largest eigenvalue.": lambda H: 2 / float(H.norm()),
        "The gradient is H x − b: the ½ of the function is gone, H is the Hessian itself.": lambda H: 4 / top(H),
    }
    hint = "The distance along an eigenvector is multiplied by 1 − lr·λ."
    matrices = {
        "H = [[4]]": torch.tensor([[4.0]]),
        "H = [[2, 1], [1, 2]]": torch.tensor([[2.0, 1], [1, 2]]),
        "H = [[3, -2], [-2, 3]]": torch.tensor([[3.0, -2], [-2, 3]]),
        "a diagonal H": torch.diag(torch.tensor([0.5, 7, 2])),
    }
    matrices |= {f"a random H ({d}, {d})": _positive(d, d) for d in (2, 3, 6)}
    for shown, H in matrices.items():
        yield Case(shown, attempt, lambda H: 2 / top(H), hint, 1e-4, args=(H,), causes=causes)


@checks("05.1-newton")
def _newton(attempt: Any) -> Iterator[Case]:
    def reference(f: Function, x: Tensor) -> Tensor:
        eigenvalues, Q = torch.linalg.eigh(hessian(f, x))
        step: Tensor = -Q @ ((Q.T @ grad(f)(x)) / eigenvalues.abs())
        return step

    def newton(f: Function, x: Tensor) -> Tensor:
        step: Tensor = -torch.linalg.solve(hessian(f, x), grad(f)(x))
        return step

    causes = {
        "Where an eigenvalue is negative, divide by its size: Newton's own step goes uphill there.": newton,
        "The step goes against the gradient.": lambda f, x: -reference(f, x),
        "Return the direction, the change of x; not the new place.": lambda f, x: x + reference(f, x),
        "Take the size of the eigenvalues, not of the entries of the Hessian.": lambda f, x: (
            -torch.linalg.solve(hessian(f, x).abs(), grad(f)(x))
        ),
        "The diagonal is not enough: turn into the eigenvectors and back.": lambda f, x: (
            -grad(f)(x) / hessian(f, x).diagonal().abs()
        ),
        "Divide by the eigenvalues' size, do not multiply.": lambda f, x: (
            lambda e, Q: -Q @ ((Q.T @ grad(f)(x)) * e.abs())
        )(*torch.linalg.eigh(hessian(f, x))),
        "Turn the gradient into the eigenvectors first, Qᵀg, and back with Q.": lambda f, x: (
            lambda e, Q: -Q.T @ ((Q @ grad(f)(x)) / e.abs())
        )(*torch.linalg.eigh(hessian(f, x))),
    }
    hint = "`torch.linalg.eigh(hessian(f, x))` gives the eigenvalues and Q, whose columns are the eigenvectors."

    def bowl(x: Tensor) -> Tensor:
        return x[0] ** 2 + 3 * x[1] ** 2 + x[0] * x[1]

    def saddle(x: Tensor) -> Tensor:
        return x[0] ** 2 - 2 * x[1] ** 2

    def turned(x: Tensor) -> Tensor:
        return 0.5 * x[0] ** 2 + 0.8 * x[1] ** 2 + 3 * x[0] * x[1] - x[0]

    def wave(x: Tensor) -> Tensor:
        return torch.cos(x[0]) * x[1] + torch.exp(0.3 * x[2]) - x[0] * x[2] + x[1] ** 2

    def flat(x: Tensor) -> Tensor:
        return 0.025 * x[0] ** 2 - 0.04 * x[1] ** 2

    def line(x: Tensor) -> Tensor:
        return (x**4 / 4 - x**2).sum()

    for name, f, places in (
        ("a bowl", bowl, [(1.0, -2.0), (0.3, 5.0)]),
        ("a saddle", saddle, [(1.0, 0.5), (-2.0, -3.0)]),
        ("a turned saddle", turned, [(1.0, 1.0), (-0.5, 2.0)]),
        ("a flat saddle", flat, [(1.0, -2.0)]),
        ("one dimension", line, [(0.3,), (2.0,)]),
        ("three dimensions", wave, [(0.5, -1.0, 2.0), (3.0, 0.2, -1.0)]),
    ):
        for place in places:
            yield Case(
                f"{name} at {place}", attempt, reference, hint, 1e-3, args=(f, torch.tensor(place)), causes=causes
            )


@checks("05.1-convex")
def _convex(attempt: Any) -> Iterator[Case]:
    def wells(x: Tensor) -> Tensor:
        return (x**4 / 4 - x**2 / 2).sum()

    cases: list[tuple[str, Function, list[list[float]], bool, str]] = [
        ("a bowl", lambda x: x[0] ** 2 + 2 * x[1] ** 2, [[0, 0], [1, -3]], True, "Both curvatures are positive."),
        ("a saddle", lambda x: x[0] ** 2 - x[1] ** 2, [[0, 0], [1, 1]], False, "One eigenvalue is negative."),
        ("a cap", lambda x: -(x[0] ** 2) - 2 * x[1] ** 2, [[0, 0]], False,
         "Two negative eigenvalues: their product, the determinant, is positive, and still it is no valley."),
        ("x₁² + x₂² + 3x₁x₂", lambda x: x[0] ** 2 + x[1] ** 2 + 3 * x[0] * x[1], [[0, 0], [2, 1]], False,
         "The diagonal is positive, but one eigenvalue is not: look at the eigenvalues."),
        ("x₁² + x₂² + x₁x₂", lambda x: x[0] ** 2 + x[1] ** 2 + x[0] * x[1], [[0, 0], [2, 1]], True,
         "The eigenvalues are 1 and 3."),
        ("x₁² + x₂² − x₁x₂", lambda x: x[0] ** 2 + x[1] ** 2 - x[0] * x[1], [[0, 0]], True,
         "Negative entries beside the diagonal are no negative eigenvalues."),
        ("(x₁ + x₂)²", lambda x: (x[0] + x[1]) ** 2, [[0, 0], [1, 5]], True, "An eigenvalue of 0 is allowed."),
        ("a plane", lambda x: 3 * x[0] - x[1] + 0 * (x**2).sum(), [[1, 2]], True, "No curvature at all is allowed."),
        ("two valleys, outer points", wells, [[2.0], [-1.5], [1.0]], True, "Only the given points are asked."),
        ("two valleys, one point on the hump", wells, [[2.0], [0.1], [1.0]], False, "All points count, not only one."),
        ("two valleys, the last point on the hump", wells, [[2.0, 1], [1, -1], [1, 0.2]], False, "All points count."),
        ("three dimensions", lambda x: 4 * x[0] ** 2 + 3 * x[1] ** 2 - 0.05 * x[2] ** 2, [[0, 0, 0], [1, 1, 1]], False,
         "One small negative eigenvalue is enough; the largest, the sum or the mean do not tell."),
        ("four dimensions", lambda x: x[0] ** 2 + x[1] ** 2 - x[2] ** 2 - x[3] ** 2, [[0, 0, 0, 0]], False,
         "Two of the eigenvalues are negative; the determinant is positive."),
        ("x₁² − x₂² / 20,000", lambda x: x[0] ** 2 - 5e-5 * x[1] ** 2, [[0, 0]], False,
         "The eigenvalue −1e-4 is negative; −1e-6 leaves room for rounding only."),
        ("−x₂² in two dimensions", lambda x: 0 * x[0] - x[1] ** 2, [[1, 2]], False,
         "Leading minors do not tell here: look at the eigenvalues."),
        ("three dimensions, all pairs coupled",
         lambda x: 0.5 * (x**2).sum() - 0.6 * (x[0] * x[1] + x[0] * x[2] + x[1] * x[2]), [[0, 0, 0]], False,
         "Each pair of directions looks convex, all three together are not: look at the eigenvalues."),
        ("log-sum-exp", lambda x: torch.logsumexp(x, 0), [[0, 1, 2], [3, -1, 0.5]], True,
         "It has a direction without curvature; −1e-6 leaves room for rounding."),
    ]  # fmt: skip
    for shown, f, points, expected, hint in cases:
        yield Case(shown, attempt, expected, hint, args=(f, torch.tensor(points, dtype=torch.float32)))


@checks("05.1-schedule")
def _schedule(attempt: Any) -> Iterator[Case]:
    def power(beta: float, exponent: float = -0.5, first: int = 0) -> Callable[[float, float, int], list[float]]:
        return lambda lr, half, steps: [lr * (1 + beta / half * t) ** exponent for t in range(first, steps + first)]

    reference = power(3)
    causes = {
        "Half of the rate is where the root is 2, so where 1 + a·t = 4.": power(1),
        "The exponent is −1/2: the root of the time.": power(1, -1),
        "The first rate is lr itself: t starts at 0.": power(3, first=1),
        "1 + a·half_time = 4 gives a = 3 / half_time.": power(4),
        "It falls like a root, not exponentially.": lambda lr, half, steps: [
            lr * 0.5 ** (t / half) for t in range(steps)
        ],
        "There are `steps` rates, from t = 0 to steps − 1.": lambda lr, half, steps: reference(lr, half, steps + 1),
        "Do not take the rate before as the start: lr stays lr.": lambda lr, half, steps: [
            lr * (1 + 3 / half) ** (-0.5 * t) for t in range(steps)
        ],
        "half_time need not be a whole number: do not cut it.": lambda lr, half, steps: reference(lr, int(half), steps),
    }
    hint = "Solve (1 + a · half_time)^(−1/2) = 1/2 for a; then one rate for each t in range(steps)."
    for lr, half, steps in (
        (0.1, 3, 5), (1.0, 1, 4), (0.5, 10, 12), (0.02, 30, 31), (0.3, 7, 1), (2.0, 4, 0), (0.2, 2.5, 6),
        (0.4, 7.75, 9),
    ):  # fmt: skip
        shown = f"lr {lr}, half_time {half}, {steps} steps"
        yield Case(shown, attempt, reference, hint, 1e-7, args=(lr, half, steps), causes=causes)


@checks("05.1-bug")
def _bug(attempt: Any) -> Iterator[Case]:
    def descent(X: Tensor, y: Tensor, lr: float, steps: int, scale: float, adds: bool) -> Tensor:
        w, memory = torch.zeros(X.shape[1]), torch.zeros(X.shape[1])
        for _ in range(steps):
            gradient = scale * X.T @ (X @ w - y)
            memory = memory + gradient if adds else gradient
            w = w - lr * memory
        return w

    def planted(scale_of: Callable[[Tensor], float], adds: bool) -> Callable[..., Tensor]:
        return lambda X, y, lr, steps: descent(X, y, lr, steps, scale_of(X), adds)

    causes = {
        "The gradients still add up: each step repeats all earlier ones.": planted(lambda X: 1 / len(X), True),
        "The loss is still a sum over the rows: its Hessian grows with their number.": planted(lambda X: 1, False),
        "Both mistakes are still there.": planted(lambda X: 1, True),
        "The squared error is halved: without the ½ each step is twice as long.": planted(lambda X: 2 / len(X), False),
        "Divide by the number of rows, not of columns.": planted(lambda X: 1 / X.shape[1], False),
        "One ½ is enough.": planted(lambda X: 0.5 / len(X), False),
    }
    one = "For one step from zero: lr times the mean over the rows of x·y."
    more = "Each step takes the gradient at the new w alone. For the next backward w must stay a leaf that requires a "
    more += "gradient: `w -= …` in no_grad keeps it, `w = w − …` makes another tensor."

    def reference(X: Tensor, y: Tensor, lr: float, steps: int) -> Tensor:
        return descent(X, y, lr, steps, 1 / len(X), False)

    source = torch.Generator().manual_seed(5)
    for n, d, lr, steps in (
        (1, 1, 0.3, 1),
        (1, 2, 0.1, 4),
        (4, 1, 0.2, 1),
        (6, 3, 0.2, 5),
        (50, 2, 0.4, 12),
        (3, 2, 0.1, 0),
    ):
        X, y = torch.randn(n, d, generator=source), torch.randn(n, generator=source)
        hint = more if steps > 1 else one
        shown = f"{n} rows, {d} columns, lr {lr}, {steps} steps"
        yield Case(shown, attempt, reference, hint, 1e-4, args=(X, y, lr, steps), causes=causes)


@checks("05.1-noise")
def _noise(attempt: Any) -> Iterator[Case]:
    def single(G: Tensor) -> float:
        return float((G - G.mean(0)).square().sum(1).mean())

    def reference(G: Tensor, B: int, replacement: bool) -> float:
        return single(G) / B * (1 if replacement else (len(G) - B) / (len(G) - 1))

    causes = {
        "Without replacement there is a factor (N − B)/(N − 1): a batch of all rows has no noise.": lambda G, B, _: (
            single(G) / B
        ),
        "With replacement each draw is independent: no factor (N − B)/(N − 1).": lambda G, B, _: reference(G, B, False),
        "The factor is (N − B)/(N − 1), not (N − B)/N: with B = 1 both ways of drawing are the same.": lambda G, B, r: (
            single(G) / B * (1 if r else (len(G) - B) / len(G))
        ),
        "The N rows are all there is: divide by N, not by N − 1.": lambda G, B, r: (
            reference(G, B, r) * len(G) / (len(G) - 1)
        ),
        "The variance falls like 1/B; 1/√B is the typical distance.": lambda G, B, r: reference(G, B, r) * B**0.5,
        "A squared distance is the sum over the d numbers, not their mean.": lambda G, B, r: (
            reference(G, B, r) / G.shape[1]
        ),
        "The distance is asked squared.": lambda G, B, r: reference(G, B, r) ** 0.5,
        "Measure from the mean of the rows, not from zero.": lambda G, B, r: (
            float(G.square().sum(1).mean()) / B * (1 if r else (len(G) - B) / (len(G) - 1))
        ),
    }
    hint = "One row's mean squared distance from the mean of the rows, over B; without replacement, a factor more."
    source = torch.Generator().manual_seed(6)
    for N, d, B, replacement in (
        (2, 1, 1, True), (5, 3, 1, False), (6, 4, 3, True), (6, 4, 3, False), (10, 2, 10, True), (10, 2, 10, False),
        (4, 5, 9, True), (30, 3, 12, False),
    ):  # fmt: skip
        G = 1 + torch.randn(N, d, generator=source)
        shown = f"G ({N}, {d}), batch_size {B}, {'with' if replacement else 'without'} replacement"
        yield Case(shown, attempt, reference, hint, 1e-4, args=(G, B, replacement), causes=causes)
