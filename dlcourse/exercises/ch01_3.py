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
    for k, share in ((1, 1 / 3), (2, 2 / 3), (3, 1.0)):
        yield Case(f"three rows, k = {k}", lambda k=k: attempt(scores, target, k), share, hint)
    scores = torch.randn(50, 10)
    target = torch.randint(0, 10, (50,))
    rank = (scores > scores.gather(1, target[:, None])).sum(1)
    yield Case("50 random rows, k = 4", lambda: attempt(scores, target, 4), (rank < 4).float().mean().item(), hint)


@checks("01.3-confusion")
def _confusion(attempt: Any) -> Iterator[Case]:
    hint = "The pair (i, j) has the number classes · i + j; `torch.bincount(…, minlength=classes**2)` counts numbers."
    true, predicted = torch.tensor([0, 0, 2, 2, 2]), torch.tensor([0, 2, 2, 2, 0])
    want = torch.tensor([[1, 0, 1], [0, 0, 0], [1, 0, 2]])
    yield Case("true [0,0,2,2,2], predicted [0,2,2,2,0]", lambda: attempt(true, predicted, 3), want, hint)
    true, predicted = torch.randint(0, 4, (100,)), torch.randint(0, 4, (100,))
    want = torch.zeros(6, 6, dtype=torch.long)
    for i, j in zip(true.tolist(), predicted.tolist(), strict=True):
        want[i, j] += 1
    yield Case("100 random examples of 4 of 6 classes", lambda: attempt(true, predicted, 6), want, hint)


@checks("01.3-centre")
def _centre(attempt: Any) -> Iterator[Case]:
    hint = "Weight each row number by the ink of its row (`image.sum(1)`) and divide by all ink; the same for columns."
    dot = torch.zeros(5, 7)
    dot[1, 4] = 0.3
    yield Case("one dot at row 1, column 4", lambda: attempt(dot), (1.0, 4.0), hint)
    two = torch.zeros(4, 4)
    two[0, 0], two[3, 1] = 1.0, 3.0
    yield Case("ink 1 at (0, 0) and 3 at (3, 1)", lambda: attempt(two), (2.25, 0.75), hint)


@checks("01.3-paired")
def _paired(attempt: Any) -> Iterator[Case]:
    hint = "Subtract the two as floats, image by image; take mean and standard deviation of these differences."
    a, b = torch.tensor([True, True, True, False]), torch.tensor([True, False, True, False])
    yield Case("A right on 3 of 4, B on 2 of 4", lambda: attempt(a, b), (0.25, 0.25), hint)
    c, d = torch.rand(200) < 0.9, torch.rand(200) < 0.8
    gap = c.float() - d.float()
    want = (gap.mean().item(), (gap.var(correction=1) / 200).sqrt().item())
    yield Case("200 random images", lambda: attempt(c, d), want, hint)
