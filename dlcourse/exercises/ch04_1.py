"""Checks of the exercises of 4.1 Attention."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from dlcourse.exercises.harness import Case, checks


@checks("04.1-attend")
def _attend(attempt: Any) -> Iterator[Case]:
    def reference(query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        return torch.softmax(keys @ query / len(query) ** 0.5, dim=0) @ values

    causes = {
        "Divide the scores by √d, where d is the length of the query.": lambda q, k, v: torch.softmax(k @ q, 0) @ v,
        "Divide by √d, not by d.": lambda q, k, v: torch.softmax(k @ q / len(q), 0) @ v,
        "√d: d is the length of the query, not the number of keys.": lambda q, k, v: (
            torch.softmax(k @ q / len(k) ** 0.5, 0) @ v
        ),
        "The weights are a softmax of the scores: positive, with the sum 1.": lambda q, k, v: (
            (k @ q / len(q) ** 0.5) @ v
        ),
    }
    keys = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    args = (torch.tensor([1.0, 0.0]), keys, torch.tensor([[1.0], [2.0], [3.0]]))
    yield Case("the example of the text", attempt, reference, "The scores are q·k / √2.", args=args, causes=causes)
    hint = "softmax over the m keys of keys @ query / √d, then the weighted sum of the rows of values."
    for m, d, v in ((1, 3, 2), (4, 9, 1), (6, 4, 5), (5, 5, 5), (3, 64, 2)):
        args = (torch.randn(d), torch.randn(m, d), torch.randn(m, v))
        shown = f"query ({d},), keys ({m}, {d}), values ({m}, {v})"
        yield Case(shown, attempt, reference, hint, args=args, causes=causes, gradient=True)
    args = (torch.full((4,), 30.0), 10 * torch.eye(4)[:3] * torch.tensor([[1.0], [2.0], [3.0]]), torch.eye(3))
    yield Case("large scores", attempt, reference, "torch.softmax subtracts the largest score first.", args=args)


@checks("04.1-mask", no_loops=True)
def _mask(attempt: Any) -> Iterator[Case]:
    def reference(lengths: Tensor, size: int) -> Tensor:
        return torch.arange(size) < lengths.unsqueeze(1)

    causes = {
        "Place t (from 0) is real where t < length.": lambda lengths, size: torch.arange(size) <= lengths.unsqueeze(1),
        "True is where the real places are.": lambda lengths, size: torch.arange(size) >= lengths.unsqueeze(1),
    }
    hint = "Compare torch.arange(size), (size,), with lengths as a column, (B, 1)."
    for lengths, size in (([2, 4], 4), ([0, 1, 3], 5), ([3], 3), ([0], 2), ([1, 1, 1, 1], 1), ([2, 7, 5], 7)):
        args = (torch.tensor(lengths), size)
        yield Case(f"lengths {lengths}, size {size}", attempt, reference, hint, args=args, causes=causes)


@checks("04.1-repair")
def _repair(attempt: Any) -> Iterator[Case]:
    def reference(scores: Tensor, mask: Tensor) -> Tensor:
        lowest = torch.finfo(scores.dtype).min
        return torch.softmax(scores.masked_fill(~mask, lowest), dim=-1) * mask

    causes = {
        "The weights of a row must sum to 1 over what may be seen: mask the scores, before the softmax.": lambda s, m: (
            torch.softmax(s, -1) * m
        ),
        "True means: may be seen.": lambda s, m: reference(s, ~m),
        "A score of 0 is no mask: exp(0) = 1.": lambda s, m: torch.softmax(s * m, -1),
    }
    row = torch.tensor([[1.0, 2.0, 3.0]])
    hints = {
        (True, True, True): "Where all may be seen it is the plain softmax.",
        (True, True, False): "Two are left, and their weights sum to 1.",
        (False, False, False): "A row with nothing to see gives zeros, not NaN and not 1/3.",
    }
    for seen, hint in hints.items():
        args = (row, torch.tensor([seen]))
        yield Case(f"scores {row[0].tolist()}, mask {list(seen)}", attempt, reference, hint, args=args, causes=causes)
    hint = "Put the smallest number of the dtype at masked places, softmax, then multiply by the mask."
    for shape in ((2, 5), (3, 1, 4), (2, 3, 2, 6)):
        mask = torch.rand(shape) < 0.6
        args = (3 * torch.randn(shape), mask)
        yield Case(f"scores {shape}", attempt, reference, hint, args=args, causes=causes, gradient=(0,))
    hint = "float16 ends at 65,504: take torch.finfo(scores.dtype).min."
    args = (torch.randn(3, 4).half(), torch.tensor([[True] * 4, [True, False, False, True], [False] * 4]))
    yield Case("scores in float16", attempt, reference, hint, 1e-3, args=args, causes=causes)
    hint = "A seen score may be very low too; what is masked must be lower still."
    args = (torch.tensor([[-5e9, -5e9, 3.0]]), torch.tensor([[True, True, False]]))
    yield Case("scores [-5e9, -5e9, 3], the last masked", attempt, reference, hint, args=args, causes=causes)


@checks("04.1-box")
def _box(attempt: Any) -> Iterator[Case]:
    def reference(x: Tensor, keys: Tensor, values: Tensor, h: float) -> Tensor:
        near = ((x.unsqueeze(1) - keys).abs() <= h).to(values.dtype)
        return near @ values / near.sum(1).clamp(min=1)

    def total(x: Tensor, keys: Tensor, values: Tensor, h: float) -> Tensor:
        return ((x.unsqueeze(1) - keys).abs() <= h).to(values.dtype) @ values

    causes = {
        "The mean of what is near, not the sum.": total,
        "Divide by the number of keys that are near, not of all.": lambda x, k, v, h: total(x, k, v, h) / len(k),
        "A distance of exactly h still counts (at most h).": lambda x, k, v, h: (
            lambda n: n @ v / n.sum(1).clamp(min=1)
        )(((x.unsqueeze(1) - k).abs() < h).to(v.dtype)),
        "The distance has no sign.": lambda x, k, v, h: (lambda n: n @ v / n.sum(1).clamp(min=1))(
            ((x.unsqueeze(1) - k) <= h).to(v.dtype)
        ),
    }
    keys, values = torch.tensor([0.0, 1.0, 2.0]), torch.tensor([10.0, 20.0, 60.0])
    fixed = (
        ([1.0], 1.0, "All three keys are at a distance of at most 1."),
        ([0.5, 1.5], 0.6, "Two keys are near each of the two places."),
        ([9.0], 1.0, "No key is near: 0, not NaN."),
    )
    for x, h, hint in fixed:
        args: tuple[Any, ...] = (torch.tensor(x), keys, values, h)
        shown = f"x {x}, keys [0, 1, 2], values [10, 20, 60], h {h}"
        yield Case(shown, attempt, reference, hint, args=args, causes=causes)
    hint = "A mask (n, m) of what is near, then the mean of the seen values in each row."
    for n, m, h in ((1, 1, 0.5), (4, 7, 0.8), (6, 3, 1.5), (5, 5, 0.1)):
        args = (torch.randn(n), torch.randn(m), torch.randn(m), h)
        yield Case(f"x ({n},), keys ({m},), h {h}", attempt, reference, hint, args=args, causes=causes)


@checks("04.1-softness")
def _softness(attempt: Any) -> Iterator[Case]:
    def reference(scores: Tensor) -> Tensor:
        effective: Tensor = torch.special.entr(torch.softmax(scores, dim=-1)).sum(-1).exp()
        return effective

    causes = {
        "exp of the entropy: equal scores of m keys give m, not ln m.": lambda s: torch.special.entr(
            torch.softmax(s, -1)
        ).sum(-1),
        "The entropy is −Σ α ln α, with a minus.": lambda s: 1 / reference(s),
        "The entropy is of the weights: softmax first.": lambda s: torch.special.entr(s).sum(-1).exp(),
        "This is the inverse of Σ α², another effective number.": lambda s: 1 / torch.softmax(s, -1).square().sum(-1),
    }
    hint = "softmax over the last dimension, −Σ α ln α, then exp."
    yield Case("four equal scores", attempt, reference, "Equal weights 1/4: exp(ln 4) = 4.", args=(torch.ones(1, 4),))
    args = (torch.tensor([[0.0, 100.0, 0.0], [5.0, 5.0, -200.0]]),)
    yield Case("one or two far above the others", attempt, reference, "About 1, and about 2.", args=args, causes=causes)
    for shape in ((1, 2), (3, 5), (5, 3), (4, 4)):
        args = (2 * torch.randn(shape),)
        yield Case(f"scores {shape}", attempt, reference, hint, args=args, causes=causes, gradient=True)
    hint = "0 · ln 0 counts as 0: torch.special.entr, or torch.where."
    args = (torch.tensor([[0.0, 0.0, -math.inf], [-math.inf, 1.0, -math.inf]]),)
    yield Case("masked scores", attempt, reference, hint, args=args)
