"""Checks of the exercises of 3.2 Sequence to sequence."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from dlcourse.exercises.harness import Case, checks

Pairs = list[tuple[str, str]]


@checks("03.2-leak")
def _leak(attempt: Any) -> Iterator[Case]:
    def reference(train: Pairs, test: Pairs) -> float:
        known = {source.lower() for source, _ in train}
        return sum(source.lower() in known for source, _ in test) / len(test)

    causes = {
        "go. and Go. are the same sentence: lower-case both sides.": lambda train, test: (
            sum(s in {source for source, _ in train} for s, _ in test) / len(test)
        ),
    }
    train = [("Go.", "Va."), ("I know.", "Je sais."), ("Go.", "Pars.")]
    cases = [
        ([("Go.", "Va."), ("Stay.", "Reste.")], "Go. is in training, Stay. is not: 1 of 2."),
        ([("Go.", "File !"), ("I know.", "Je sais.")], "Compare the sources only: a new translation leaks too."),
        ([("go.", "Va."), ("Help!", "Va."), ("Run.", "Cours.")], "Ignore case: lower-case both sides."),
        ([("go.", "Va."), ("GO.", "Pars."), ("Wait.", "Attends.")], "Count pairs, not different sentences."),
        ([("Go.", "Va."), ("Go.", "Va."), ("Run.", "Va.")], "Count each pair, also one that comes twice: 2 of 3."),
        ([("Wait.", "Va.")], "A known target is no leak: the source is new."),
        ([("know.", "Sais."), ("I know.", "Je sais.")], "Whole sentences must be equal, not a part of one."),
        ([("I know. Go.", "Je sais."), ("i KNOW.", "Ah.")], "Whole sentences must be equal, not a part of one."),
        (
            [("Go!", "Va."), ("Go", "Va."), ("I know?", "Quoi ?"), ("I know.", "Ah.")],
            "Go! is not Go.: only case counts not.",
        ),
        ([("I knew.", "Ah."), ("Know I.", "Quoi ?"), ("To.", "Va.")], "Whole sentences must be equal, in each letter."),
        ([("Iknow.", "Ah."), (" Go.", "Va."), ("i know.", "Ah.")], "Only case counts not; spaces do."),
    ]
    for test, hint in cases:
        yield Case(
            f"train {train}, test {test}", attempt, reference, hint, args=(train, test), causes=causes, any_type=True
        )
    draw = random.Random(0)
    for known, new in ((40, 25), (9, 1), (5, 60)):
        pairs: list[Pairs] = []
        for size in (known, new):
            words = [draw.choices(("He", "ran", "SAW"), k=draw.choice((2, 3))) for _ in range(size)]
            sentences = [draw.choice((str.lower, str.upper, str))(" ".join(each)) + draw.choice(".!") for each in words]
            pairs.append([(sentence, draw.choice(("Va.", "Non."))) for sentence in sentences])
        hint = "Count the test pairs whose lower-cased source is among the lower-cased sources of training."
        shown = f"{known} training pairs and {new} test pairs, drawn at random"
        yield Case(shown, attempt, reference, hint, args=tuple(pairs), causes=causes, any_type=True)


@checks("03.2-shift")
def _shift(attempt: Any) -> Iterator[Case]:
    def reference(target: Tensor) -> Tensor:
        return F.pad(target.masked_fill(target == 3, 0), (1, 0), value=2)[:, :-1]

    causes = {
        "<eos>, number 3, is never read: 0 in its place.": lambda target: F.pad(target, (1, 0), value=2)[:, :-1],
        "The last column is never an input: T columns.": lambda target: F.pad(
            target.masked_fill(target == 3, 0), (1, 0), value=2
        ),
        "<bos>, number 2, comes first in each row.": lambda target: F.pad(reference(target)[:, 1:], (1, 0)),
        "Only <eos> becomes 0; <unk>, number 1, is an input.": lambda t: reference(t.masked_fill(t == 1, 0)),
    }
    cases = [
        ([[5, 6, 3]], "<bos>, number 2, comes first; the last column is never an input."),
        ([[5, 6, 3, 0], [7, 3, 0, 0]], "<eos>, number 3, is never read: 0 in its place."),
        ([[3]], "With one step the only input is <bos>."),
        ([[1, 4, 1, 1, 3], [1, 3, 0, 0, 0], [8, 9, 1, 3, 0]], "Only <eos> becomes 0; <unk>, number 1, is an input."),
    ]
    for rows, hint in cases:
        yield Case(f"target {rows}", attempt, reference, hint, args=(torch.tensor(rows),), causes=causes)
    hint = "<bos> in front, all columns but the last behind it, and 0 in place of <eos>."
    for batch, steps in ((1, 6), (5, 3), (3, 9), (7, 2)):
        target = torch.randint(4, 12, (batch, steps))
        for row in target:
            end = int(torch.randint(0, steps, ()))
            row[end], row[end + 1 :] = 3, 0
        yield Case(f"target {tuple(target.shape)}", attempt, reference, hint, args=(target,), causes=causes)


@checks("03.2-clip")
def _clip(attempt: Any) -> Iterator[Case]:
    def scaled(gradients: list[Tensor], bound: float, norm: float) -> list[Tensor]:
        return [min(1.0, bound / norm) * g if norm > 0 else g.clone() for g in gradients]

    def reference(gradients: list[Tensor], bound: float) -> list[Tensor]:
        return scaled(gradients, bound, math.sqrt(sum(g.double().square().sum().item() for g in gradients)))

    def shares(gradients: list[Tensor], bound: float) -> bool:
        memory = {g.untyped_storage().data_ptr() for g in gradients}
        result = attempt(gradients, bound)
        return result is gradients or any(g.untyped_storage().data_ptr() in memory for g in result)

    causes = {
        "One common factor: the norm of all numbers together, not of each tensor.": lambda gradients, bound: [
            scaled([g], bound, g.norm().item())[0] for g in gradients
        ],
        "The norm of all numbers is √(sum of all squares), not the sum of the norms.": lambda gradients, bound: scaled(
            gradients, bound, sum(g.norm().item() for g in gradients)
        ),
        "A norm below the bound changes nothing.": lambda gradients, bound: [
            g * bound / max(torch.cat([g.flatten() for g in gradients]).norm().item(), 1e-9) for g in gradients
        ],
        "Cutting each number to ±bound changes the direction: multiply all by one factor.": lambda gradients, bound: [
            g.clamp(-bound, bound) for g in gradients
        ],
    }
    cases: list[tuple[list[Any], float, str]] = [
        ([[3.0, 4.0]], 1.0, "The norm is 5, so every number is multiplied by 1/5."),
        ([[0.3, 0.4]], 1.0, "The norm 0.5 is below the bound: nothing changes."),
        ([[3.0], [4.0, 0.0]], 2.0, "The norm goes over all tensors together: √(9 + 16) = 5, the factor is 2/5."),
        ([[-6.0, 0.0], [8.0]], 5.0, "Scale by one factor; cutting each number to ±bound changes the direction."),
        ([[0.0], [0.0]], 1.0, "A norm of 0 must not divide by 0."),
        ([[[3.0, 0.0], [0.0, 4.0]], [12.0]], 1.0, "Tensors of any shape: √(9 + 16 + 144) = 13."),
        ([3.0, [[-4.0]]], 2.5, "Tensors of any shape, also (): √(9 + 16) = 5."),
    ]
    for rows, bound, hint in cases:
        args: tuple[Any, ...] = ([torch.tensor(row) for row in rows], bound)
        yield Case(f"gradients {rows}, bound {bound}", attempt, reference, hint, args=args, causes=causes)
    hint = "factor = min(1, bound / norm), with the norm √(sum of all squares of all tensors)."
    for shapes in ([(4, 3)], [(4, 3), (4,), (2, 1, 3)], [(1,), (5, 2), (), (3,), (2, 2)]):
        for bound in (0.5, 2.0, 50.0):
            args = ([torch.randn(shape) for shape in shapes], bound)
            yield Case(
                f"gradients of shapes {shapes}, bound {bound}", attempt, reference, hint, args=args, causes=causes
            )
    for bound in (1.0, 9.0):
        shown = f"gradients [[3, 4], [0]], bound {bound}: whether the result shares memory with the arguments"
        hint = "New tensors are asked, also where nothing changes: factor * g, or g.clone()."
        yield Case(shown, shares, False, hint, args=([torch.tensor([3.0, 4.0]), torch.zeros(1)], bound))


@checks("03.2-brevity")
def _brevity(attempt: Any) -> Iterator[Case]:
    def reference(lengths: list[int], reference_lengths: list[list[int]]) -> float:
        pairs = zip(lengths, reference_lengths, strict=True)
        nearest = [min(each, key=lambda m: (abs(m - n), m)) for n, each in pairs]
        return min(1.0, math.exp(1 - sum(nearest) / sum(lengths)))

    def per_sentence(lengths: list[int], reference_lengths: list[list[int]]) -> float:
        pairs = zip(lengths, reference_lengths, strict=True)
        return sum(reference([n], [each]) if n else 0.0 for n, each in pairs) / len(lengths)

    causes = {
        "Add up the lengths of all sentences first; there is one penalty for the whole set.": per_sentence,
        "Take the nearest length, not the shortest.": lambda n, r: reference(n, [[min(each)] for each in r]),
    }
    cases = [
        ([2], [[6]], "exp(1 − r/c) with r = 6 and c = 2."),
        ([9], [[6]], "A long translation is not rewarded: at most 1."),
        ([4], [[9, 5]], "Of several references take the nearest length, 5."),
        ([6], [[8, 4]], "8 and 4 are equally near to 6: take the shorter."),
        ([6], [[4, 8]], "4 and 8 are equally near to 6: take the shorter."),
        ([7], [[3, 8]], "Take the nearest length, 8, not the shortest."),
        ([2, 10], [[6], [6]], "Add up the lengths of all sentences first: 12 against 12."),
        ([2, 10], [[2, 6], [6, 11]], "Each sentence has its own nearest length: 2 and 11."),
        ([3, 5], [[4, 9], [9, 8]], "The nearest are 4 and 8, so r = 12 and c = 8."),
        ([5, 3, 4], [[7, 3, 9], [3], [9, 6]], "The nearest are 3, 3 and 6: r = 12 and c = 12."),
        ([4, 0, 3], [[5], [7, 2], [6, 4, 9]], "An empty translation is one of the set: its nearest length is 2."),
    ]
    for lengths, references, hint in cases:
        shown = f"lengths {lengths}, reference_lengths {references}"
        yield Case(shown, attempt, reference, hint, args=(lengths, references), causes=causes, any_type=True)
    draw = random.Random(0)
    for sentences in (3, 4, 12):
        lengths = [draw.randint(1, 9) for _ in range(sentences)]
        references = [[n + draw.randint(0, 5) for _ in range(draw.randint(1, 4))] for n in lengths]
        hint = "The nearest reference length of each sentence; then min(1, exp(1 − r/c)) of the two sums."
        shown = f"lengths {lengths}, reference_lengths {references}"
        yield Case(shown, attempt, reference, hint, args=(lengths, references), causes=causes, any_type=True)


@checks("03.2-padding")
def _padding(attempt: Any) -> Iterator[Case]:
    def cut(lengths: list[int], size: int) -> list[list[int]]:
        return [lengths[i : i + size] for i in range(0, len(lengths), size)]

    def share(batches: list[list[int]]) -> float:
        return 1 - sum(map(sum, batches)) / sum(len(batch) * max(batch) for batch in batches)

    def reference(lengths: list[int], batch_size: int) -> float:
        return share(cut(sorted(lengths), batch_size))

    causes = {
        "Sort from short to long: then the last batch, of the longest, is the smaller one.": lambda lengths, size: (
            share(cut(sorted(lengths, reverse=True), size))
        ),
        "Sort the lengths first.": lambda lengths, size: share(cut(lengths, size)),
        "Divide by all positions, real ones and padding.": lambda lengths, size: 1 / (1 - reference(lengths, size)) - 1,
        "This is the share of the real tokens; the padding is the rest.": lambda lengths, size: (
            1 - reference(lengths, size)
        ),
        "Each batch is padded to its own longest sentence, not to the longest of all.": lambda lengths, size: share(
            [lengths]
        ),
        "The last batch may be smaller; it is not filled up.": lambda lengths, size: (
            1 - sum(lengths) / sum(size * max(batch) for batch in cut(sorted(lengths), size))
        ),
    }
    cases = [
        ([4, 4], 2, "Equal lengths need no padding."),
        ([2, 4], 2, "The batch has 2 · 4 positions, 6 of them real: 2/8 is padding."),
        ([9, 1, 9, 1], 2, "Sort first: 1 with 1, 9 with 9."),
        ([5, 1, 1], 2, "From short to long: (1, 1), then (5)."),
        ([1, 2, 3], 2, "(1, 2) has 4 positions, the smaller batch (3) has 3: 1 of 7 is padding."),
        ([5, 3, 8, 8, 2, 7], 3, "A batch has (number of sentences) · (longest of them) positions."),
        ([7, 1, 4], 1, "A batch of one sentence has no padding."),
        ([7, 1, 4], 10, "With few sentences there is one batch, as large as they are many."),
        ([6, 1, 5, 2, 3, 9, 4], 2, "There are as many batches as are needed, here four."),
    ]
    for lengths, size, hint in cases:
        shown = f"lengths {lengths}, batch_size {size}"
        yield Case(shown, attempt, reference, hint, args=(lengths, size), causes=causes, any_type=True)
    draw = random.Random(0)
    for sentences, size in ((23, 4), (24, 4), (50, 7), (10, 3)):
        lengths = [draw.randint(1, 20) for _ in range(sentences)]
        hint = "1 − (sum of all lengths) / (sum over the batches of number · longest)."
        shown = f"{sentences} random lengths, batch_size {size}"
        yield Case(shown, attempt, reference, hint, args=(lengths, size), causes=causes, any_type=True)
