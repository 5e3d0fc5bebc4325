"""Checks of notebook 1.3, handwritten digits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from dlcourse.exercises.harness import Case, checks


@checks("01.3-top-k")
def _top_k(attempt: Any) -> Iterator[Case]:
    scores = torch.tensor([[0.1, 0.7, 0.2], [0.5, 0.3, 0.2], [0.2, 0.3, 0.5]])
    target = torch.tensor([2, 0, 0])
    hint = "`scores.topk(k, dim=1).indices` has shape (N, k); compare it with `target.unsqueeze(1)`."
    causes = {
        "A share lies between 0 and 1: divide by the number of rows once.": lambda s, t, k: k * len(t) / 3,
        "This is the share at k = 1; use the k that is given.": 1 / 3,
    }
    for k, share in ((1, 1 / 3), (2, 2 / 3), (3, 1.0)):
        args = (scores, target, k)
        yield Case(f"three rows, k = {k}", attempt, share, hint, args=args, causes=causes)
    for n, classes, k in ((50, 10, 4), (1, 5, 2), (30, 3, 2), (7, 20, 10)):
        scores, target = torch.randn(n, classes), torch.randint(0, classes, (n,))
        rank = (scores > scores.gather(1, target[:, None])).sum(1)
        share = (rank < k).float().mean().item()
        shown = f"random scores of shape {(n, classes)}, k = {k}"
        yield Case(shown, attempt, share, hint, args=(scores, target, k))


@checks("01.3-confusion", no_loops=True)
def _confusion(attempt: Any) -> Iterator[Case]:
    hint = "The pair (i, j) has the number classes · i + j; `torch.bincount(…, minlength=classes**2)` counts numbers."
    causes = {"Rows are the true classes, columns the predicted ones.": lambda t, p, c: _table(p, t, c)}
    true, predicted = torch.tensor([0, 0, 2, 2, 2]), torch.tensor([0, 2, 2, 2, 0])
    cases = {"true [0,0,2,2,2], predicted [0,2,2,2,0]": (true, predicted, 3)}
    for n, classes, size in ((100, 4, 6), (1, 5, 5), (200, 10, 10), (9, 1, 2)):
        shown = f"{n} random examples of {classes} of {size} classes"
        cases[shown] = torch.randint(0, classes, (n,)), torch.randint(0, classes, (n,)), size
    for shown, args in cases.items():
        yield Case(shown, attempt, _table, hint, args=args, causes=causes)


def _table(true: torch.Tensor, predicted: torch.Tensor, classes: int) -> torch.Tensor:
    counts = torch.zeros(classes, classes, dtype=torch.int64)
    for i, j in zip(true.tolist(), predicted.tolist(), strict=True):
        counts[i, j] += 1
    return counts


@checks("01.3-centre")
def _centre(attempt: Any) -> Iterator[Case]:
    hint = "Weight each row number by the ink of its row (`image.sum(1)`) and divide by all ink; the same for columns."
    dot = torch.zeros(5, 7)
    dot[1, 4] = 0.3
    causes = {"The row comes first, then the column.": (4.0, 1.0), "Rows and columns count from 0.": (2.0, 5.0)}
    yield Case("one dot at row 1, column 4 of 5 × 7", attempt, (1.0, 4.0), hint, args=(dot,), causes=causes)
    two = torch.zeros(4, 4)
    two[0, 0], two[3, 1] = 1.0, 3.0
    causes = {"A darker dot counts more: weight by the ink, not by where there is some.": (1.5, 0.5)}
    yield Case("ink 1 at (0, 0) and 3 at (3, 1)", attempt, (2.25, 0.75), hint, args=(two,), causes=causes)
    for shape in ((28, 28), (3, 8), (6, 2), (1, 5), (1, 1)):
        image = torch.rand(shape) + 0.01
        rows, columns = (torch.arange(n, dtype=torch.float64) for n in shape)
        ink = image.double()
        centre = (rows @ ink.sum(1) / ink.sum()).item(), (columns @ ink.sum(0) / ink.sum()).item()
        yield Case(f"a random image of shape {shape}", attempt, centre, hint, 1e-4, args=(image,))


@checks("01.3-paired")
def _paired(attempt: Any) -> Iterator[Case]:
    hint = "Subtract the two as floats, image by image; take mean and standard deviation of these differences."
    a, b = torch.tensor([True, True, True, False]), torch.tensor([True, False, True, False])
    causes = {
        "Divide by N − 1 in the variance (correction=1).": (0.25, 0.1875**0.5 / 2),
        "The standard error is s / √N.": (0.25, 0.5),
    }
    yield Case("A right on 3 of 4, B on 2 of 4", attempt, (0.25, 0.25), hint, args=(a, b), causes=causes)
    causes = {"The difference is A − B, and negative when B is better.": (0.25, 0.25)}
    yield Case("A right on 2 of 4, B on 3 of 4", attempt, (-0.25, 0.25), hint, args=(b, a), causes=causes)
    yield Case("A and B right on the same images", attempt, (0.0, 0.0), hint, args=(b, b))
    for n, p, q in ((200, 0.9, 0.8), (2000, 0.7, 0.95), (5, 0.5, 0.5)):
        a, b = torch.rand(n) < p, torch.rand(n) < q
        gap = a.double() - b.double()
        want = gap.mean().item(), (gap.var(correction=1) / n).sqrt().item()
        yield Case(f"{n} random images", attempt, want, hint, args=(a, b))
