"""Checks of the exercises of 3.3 Beam search."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from dlcourse.exercises.harness import Case, checks


@checks("03.3-greedy")
def _greedy(attempt: Any) -> Iterator[Case]:
    P = torch.tensor([[0.0, 0.55, 0.45], [0.4, 0.25, 0.35], [0.1, 0.7, 0.2]])
    hints = {
        (2, 1): "Row `start` of P holds the probabilities of the first token: take its argmax and its value.",
        (2, 2): "Look into the row of the last token, not of `start`, and multiply the probabilities of all steps.",
        (1, 3): "The joint probability is the product over the steps; a token may come again.",
        (0, 2): "Take the best token of each step, even where another path has the larger product: that is greedy.",
        (0, 5): "The path has `steps` tokens; `start` itself is not in the list.",
    }
    for (start, steps), hint in hints.items():
        path, probability, last = [], 1.0, start
        for _ in range(steps):
            path.append(int(P[last].argmax()))
            probability *= P[last, path[-1]].item()
            last = path[-1]
        yield Case(
            f"a table (3, 3), start {start}, steps {steps}",
            lambda start=start, steps=steps: attempt(P.clone(), start, steps),
            (path, probability),
            hint,
        )


@checks("03.3-sequences")
def _sequences(attempt: Any) -> Iterator[Case]:
    hints = {
        (3, 1): "With one step, each of the V tokens is an output.",
        (2, 3): "Nothing follows <eos>: count those that end at step 1, 2, …, T, and those that never end.",
        (4, 4): "An output of t tokens that ends in <eos> has t − 1 free places, with V − 1 choices each.",
        (3, 6): "Add (V − 1)^(t − 1) for t = 1 … T, and (V − 1)^T for the outputs without <eos>.",
    }
    for (V, T), hint in hints.items():
        outputs = {path[: path.index(0) + 1] if 0 in path else path for path in itertools.product(range(V), repeat=T)}
        yield Case(f"V {V}, T {T}", lambda V=V, T=T: attempt(V, T), len(outputs), hint)


@checks("03.3-penalty")
def _penalty(attempt: Any) -> Iterator[Case]:
    cases = [
        ((-4.0, -5.0), (4, 8), 0.0, "With alpha 0 the scores are the log-probabilities; the best is the largest."),
        ((-4.0, -5.0), (4, 8), 1.0, "Divide by ((5 + L) / 6) ** alpha: the 5 and the 6 belong inside of the power."),
        ((-4.0, -4.5, -7.0), (3, 5, 20), 0.6, "Divide, do not multiply: log-probabilities are negative."),
        ((-9.0, -2.0, -3.0, -6.5), (12, 2, 3, 9), 0.8, "The index is the argmax of the scores, the one nearest to 0."),
    ]
    for log_p, length, alpha, hint in cases:
        scores = [p / ((5 + n) / 6) ** alpha for p, n in zip(log_p, length, strict=True)]

        def given(log_p: Any = log_p, length: Any = length, alpha: float = alpha) -> Any:
            index, found = attempt(torch.tensor(log_p), torch.tensor(length), alpha)
            return int(index), found

        yield Case(
            f"log P {log_p}, lengths {length}, alpha {alpha}",
            given,
            (scores.index(max(scores)), torch.tensor(scores)),
            hint,
        )


@checks("03.3-topk")
def _topk(attempt: Any) -> Iterator[Case]:
    shapes = {
        (
            1,
            5,
        ): "With one hypothesis the parent is 0, the token is the best, and log_p[0] is added to its log-probability.",
        (2, 3): "Add each hypothesis's log-probability to its row; best first; parent = place // V, token = place % V.",
        (3, 7): "Choose among all k·V candidates together: several may have the same parent. Row = place // V.",
        (5, 4): "Rows have V entries: divide the flat place by V, not by k.",
    }
    for (k, V), hint in shapes.items():
        log_p = -3 * torch.rand(k)
        step = (2 * torch.randn(k, V)).log_softmax(-1)
        ranked = sorted(itertools.product(range(k), range(V)), key=lambda c: -(log_p[c[0]] + step[c]).item())[:k]
        want: tuple[Tensor, ...] = (
            torch.tensor([parent for parent, _ in ranked]),
            torch.tensor([token for _, token in ranked]),
            torch.stack([log_p[parent] + step[parent, token] for parent, token in ranked]),
        )
        yield Case(
            f"k {k}, V {V}: parents, tokens, log-probabilities",
            lambda log_p=log_p, step=step: attempt(log_p.clone(), step.clone()),
            want,
            hint,
        )


@checks("03.3-bigrams")
def _bigrams(attempt: Any) -> Iterator[Case]:
    cases = [
        ([[4, 5, 4]], "The pair (4, 5) is there, and the last token is 4: only token 5 is blocked."),
        ([[4, 5, 6]], "No earlier pair begins with the last token 6, so nothing is blocked."),
        ([[7, 7]], "The pair (7, 7) is there, and a third 7 would make it again: neighbours may overlap."),
        ([[4, 5, 4, 6, 4], [5, 4, 6, 5, 5]], "Each row has its own pairs; several tokens can be blocked in one."),
        ([[4, 5, 4], [6, 7, 5]], "A pair of another row blocks nothing."),
        ([[4], [5]], "A prefix of one token has no pair."),
    ]
    for prefixes, hint in cases:
        tokens, log_p = torch.tensor(prefixes), torch.randn(len(prefixes), 8).log_softmax(-1)
        blocked = [
            [(row[-1], token) in {(row[i], row[i + 1]) for i in range(len(row) - 1)} for token in range(8)]
            for row in prefixes
        ]
        yield Case(
            f"prefixes {prefixes}, V 8",
            lambda tokens=tokens, log_p=log_p: attempt(tokens.clone(), log_p.clone()),
            log_p.masked_fill(torch.tensor(blocked), -torch.inf),
            hint,
        )
    tokens, log_p = torch.tensor([[4, 5, 4]]), torch.zeros(1, 8)

    def untouched() -> Any:
        attempt(tokens, log_p)
        return log_p

    yield Case("the input after the call", untouched, torch.zeros(1, 8), "Return a copy: begin with log_p.clone().")
