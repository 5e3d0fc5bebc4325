"""Checks of the exercises of 3.2 Sequence to sequence."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from dlcourse.exercises.harness import Case, checks


@checks("03.2-leak")
def _leak(attempt: Any) -> Iterator[Case]:
    train = [("Go.", "Va."), ("I know.", "Je sais."), ("Go.", "Pars.")]
    cases = [
        ([("Go.", "Va."), ("Stay.", "Reste.")], 1 / 2, "Go. is in training, Stay. is not: 1 of 2."),
        ([("Go.", "File !"), ("I know.", "Je sais.")], 1.0, "Compare the sources only: a new translation leaks too."),
        (
            [("go.", "Va."), ("Help!", "Va."), ("Run.", "Cours.")],
            1 / 3,
            "go. and Go. are the same sentence: lower-case both sides.",
        ),
        ([("go.", "Va."), ("GO.", "Pars."), ("Wait.", "Attends.")], 2 / 3, "Count pairs, not different sentences."),
        ([("Wait.", "Va.")], 0.0, "A known target is no leak: the source is new."),
        ([("know.", "Sais."), ("I know.", "Je sais.")], 1 / 2, "Whole sentences must be equal, not a part of one."),
    ]
    for test, want, hint in cases:
        yield Case(f"train {train}, test {test}", lambda test=test: float(attempt(list(train), list(test))), want, hint)


@checks("03.2-shift")
def _shift(attempt: Any) -> Iterator[Case]:
    cases = [
        ([[5, 6, 3]], [[2, 5, 6]], "<bos>, number 2, comes first; the last column is never an input."),
        ([[5, 6, 3, 0], [7, 3, 0, 0]], [[2, 5, 6, 0], [2, 7, 0, 0]], "<eos>, number 3, is never read: 0 in its place."),
        ([[3]], [[2]], "With one step the only input is <bos>."),
    ]
    for rows, want, hint in cases:
        target = torch.tensor(rows)
        yield Case(f"target {rows}", lambda target=target: attempt(target.clone()), torch.tensor(want), hint)
    target = torch.tensor([[5, 6, 3]])

    def untouched() -> Any:
        attempt(target)
        return target

    yield Case("the input after the call", untouched, torch.tensor([[5, 6, 3]]), "Make a new tensor.")


@checks("03.2-clip")
def _clip(attempt: Any) -> Iterator[Case]:
    cases: list[tuple[list[Any], float, str]] = [
        ([[3.0, 4.0]], 1.0, "The norm is 5, so every number is multiplied by 1/5."),
        ([[0.3, 0.4]], 1.0, "The norm 0.5 is below the bound: nothing changes."),
        ([[3.0], [4.0, 0.0]], 2.0, "The norm goes over all tensors together: √(9 + 16) = 5, the factor is 2/5."),
        ([[-6.0, 0.0], [8.0]], 5.0, "Scale by one factor; cutting each number to ±bound changes the direction."),
        ([[0.0], [0.0]], 1.0, "A norm of 0 must not divide by 0."),
        ([[[3.0, 0.0], [0.0, 4.0]], [12.0]], 1.0, "Tensors of any shape: √(9 + 16 + 144) = 13."),
    ]
    for rows, bound, hint in cases:
        parameters = [nn.Parameter(torch.zeros_like(torch.tensor(row))) for row in rows]
        for parameter, row in zip(parameters, rows, strict=True):
            parameter.grad = torch.tensor(row)
        nn.utils.clip_grad_norm_(parameters, bound)
        yield Case(
            f"gradients {rows}, bound {bound}",
            lambda rows=rows, bound=bound: list(attempt([torch.tensor(row) for row in rows], bound)),
            [parameter.grad for parameter in parameters],
            hint,
        )
    given = [torch.tensor([3.0, 4.0])]

    def untouched() -> Any:
        attempt(given, 1.0)
        return given[0]

    yield Case("the input after the call", untouched, torch.tensor([3.0, 4.0]), "Return new tensors: factor * g.")


@checks("03.2-brevity")
def _brevity(attempt: Any) -> Iterator[Case]:
    cases = [
        ([2], [[6]], math.exp(-2), "exp(1 − r/c) with r = 6 and c = 2."),
        ([9], [[6]], 1.0, "A long translation is not rewarded: at most 1."),
        ([4], [[9, 5]], math.exp(1 - 5 / 4), "Of several references take the nearest length, 5."),
        ([6], [[8, 4]], 1.0, "8 and 4 are equally near to 6: take the shorter."),
        ([6], [[4, 8]], 1.0, "4 and 8 are equally near to 6: take the shorter."),
        ([7], [[3, 8]], math.exp(1 - 8 / 7), "Take the nearest length, 8, not the shortest."),
        ([2, 10], [[6], [6]], 1.0, "Add up the lengths of all sentences first: 12 against 12."),
        ([2, 10], [[2, 6], [6, 11]], math.exp(1 - 13 / 12), "Each sentence has its own nearest length: 2 and 11."),
        ([3, 5], [[4, 9], [9, 8]], math.exp(1 - 12 / 8), "The nearest are 4 and 8, so r = 12 and c = 8."),
    ]
    for lengths, references, want, hint in cases:
        yield Case(
            f"lengths {lengths}, references {references}",
            lambda lengths=lengths, references=references: float(attempt(list(lengths), [list(r) for r in references])),
            want,
            hint,
        )


@checks("03.2-padding")
def _padding(attempt: Any) -> Iterator[Case]:
    cases = [
        ([4, 4], 2, 0.0, "Equal lengths need no padding."),
        ([2, 4], 2, 0.25, "The batch has 2 · 4 positions, 6 of them real: 2/8 is padding."),
        ([9, 1, 9, 1], 2, 0.0, "Sort first: 1 with 1, 9 with 9."),
        ([5, 1, 1], 2, 0.0, "From short to long: (1, 1), then (5)."),
        ([1, 2, 3], 2, 1 / 7, "(1, 2) has 4 positions, the smaller batch (3) has 3: 1 of 7 is padding."),
        ([5, 3, 8, 8, 2, 7], 3, 6 / 39, "A batch has (number of sentences) · (longest of them) positions."),
    ]
    for lengths, size, want, hint in cases:
        yield Case(
            f"lengths {lengths}, batch_size {size}",
            lambda lengths=lengths, size=size: float(attempt(list(lengths), size)),
            want,
            hint,
        )
