"""Checks of the exercises of 3.3 Beam search."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from dlcourse.exercises.harness import Case, checks


def _results(given: Any) -> Any:
    """Return several results as a tuple: the texts do not say whether they come in a tuple or in a list."""
    return tuple(given) if isinstance(given, list) else given


@checks("03.3-greedy")
def _greedy(attempt: Any) -> Iterator[Case]:
    def run(P: Tensor, start: int, steps: int) -> Any:
        return _results(attempt(P, start, steps))

    def reference(P: Tensor, start: int, steps: int) -> tuple[list[int], float]:
        path, probability = [start], 1.0
        for _ in range(steps):
            path.append(int(P[path[-1]].argmax()))
            probability *= P[path[-2], path[-1]].item()
        return path[1:], probability

    def exact(P: Tensor, start: int, steps: int) -> tuple[list[int], float]:
        best, found = 0.0, [start]
        for path in itertools.product(range(len(P)), repeat=steps):
            probability = float(P[[start, *path[:-1]], list(path)].double().prod())
            if probability > best:
                best, found = probability, list(path)
        return found, best

    def with_start(P: Tensor, start: int, steps: int) -> tuple[list[int], float]:
        path, probability = reference(P, start, steps)
        return [start, *path], probability

    small = {
        "Greedy search takes the best token of each step, even where another path has the larger product.": exact,
        "The path has `steps` tokens; `start` itself is not in the list.": with_start,
        "Row i of P holds the probabilities after token i; look into rows, not into columns.": (
            lambda P, start, steps: reference(P.T, start, steps)
        ),
        "Look into the row of the last token, not always of `start`.": (
            lambda P, start, steps: reference(P[[start] * len(P)], start, steps)
        ),
    }
    P = torch.tensor([[0.0, 0.55, 0.45], [0.4, 0.25, 0.35], [0.1, 0.7, 0.2]])
    hints = {
        (2, 1): "Row `start` of P holds the probabilities of the first token: take its argmax and its value.",
        (2, 2): "Look into the row of the last token, not of `start`, and multiply the probabilities of all steps.",
        (1, 3): "The joint probability is the product over the steps; a token may come again.",
        (0, 2): "Take the best token of each step, even where another path has the larger product: that is greedy.",
        (0, 5): "The path has `steps` tokens; `start` itself is not in the list.",
    }
    for (start, steps), hint in hints.items():
        shown = f"a table (3, 3), start {start}, steps {steps}"
        yield Case(shown, run, reference, hint, args=(P, start, steps), causes=small)
    hint = "In each step: the argmax of the last token's row, and its probability times the product so far."
    for V, start, steps in ((2, 1, 4), (5, 4, 3), (8, 0, 6), (4, 2, 1), (1, 0, 2)):
        P = (3 * torch.randn(V, V)).softmax(-1)
        args = (P, start, steps)
        causes = small if V**steps < 1000 else {}
        yield Case(f"a table ({V}, {V}), start {start}, steps {steps}", run, reference, hint, args=args, causes=causes)


@checks("03.3-sequences", forbid=("itertools.product", "torch.cartesian_prod"))
def _sequences(attempt: Any) -> Iterator[Case]:
    def limited(V: int, T: int) -> Any:
        """Call the attempt, but stop it after 100,000 lines: listing 40¹² outputs would hang the notebook."""
        lines, tracer = 0, sys.gettrace()

        def count(*_: Any) -> Any:
            nonlocal lines
            lines += 1
            if lines > 100_000:
                raise RuntimeError("more than 100,000 lines were executed: count by a formula, without listing.")
            return count

        sys.settrace(count)
        try:
            return attempt(V, T)
        finally:
            sys.settrace(tracer)

    def reference(V: int, T: int) -> int:
        return int(sum((V - 1) ** t for t in range(T + 1)))

    causes = {
        "Count those without <eos> too: (V − 1)^T.": lambda V, T: reference(V, T) - (V - 1) ** T,
        "Count those that end in <eos> too: (V − 1)^(t − 1) of t tokens.": lambda V, T: (V - 1) ** T,
        "Nothing follows <eos>: paths that differ behind it are one output.": lambda V, T: V**T,
        "The empty output is none: the shortest is <eos> alone.": lambda V, T: reference(V, T) + 1,
    }
    hints = {
        (3, 1): "With one step, each of the V tokens is an output.",
        (2, 3): "Nothing follows <eos>: count those that end at step 1, 2, …, T, and those that never end.",
        (4, 4): "An output of t tokens that ends in <eos> has t − 1 free places, with V − 1 choices each.",
        (3, 6): "Add (V − 1)^(t − 1) for t = 1 … T, and (V − 1)^T for the outputs without <eos>.",
        (7, 2): "With two steps: <eos>; V − 1 tokens, then <eos>; or (V − 1)² pairs without it.",
        (1, 4): "If <eos> is the only token, it is the only output.",
        (40, 12): "Stay with integers: a float has 16 digits, and this number has 20. And count by a formula.",
    }
    for (V, T), hint in hints.items():
        yield Case(f"V {V}, T {T}", limited, reference, hint, args=(V, T), causes=causes)


@checks("03.3-penalty")
def _penalty(attempt: Any) -> Iterator[Case]:
    def run(log_p: Tensor, length: Tensor, alpha: float) -> Any:
        return _results(attempt(log_p, length, alpha))

    def chosen(scores: Tensor) -> tuple[int, Tensor]:
        return int(scores.argmax()), scores

    def reference(log_p: Tensor, length: Tensor, alpha: float) -> tuple[int, Tensor]:
        return chosen(log_p / ((5 + length) / 6) ** alpha)

    causes = {
        "Wu et al. divide by ((5 + L) / 6) ** alpha, not by L ** alpha.": (
            lambda log_p, length, alpha: chosen(log_p / length**alpha)
        ),
        "The 5 and the 6 belong inside of the power.": (
            lambda log_p, length, alpha: chosen(log_p / ((5 + length) ** alpha / 6))
        ),
        "Divide, do not multiply: log-probabilities are negative.": (
            lambda log_p, length, alpha: chosen(log_p * ((5 + length) / 6) ** alpha)
        ),
        "The best score is the largest, the one nearest to 0.": (
            lambda log_p, length, alpha: (
                int(reference(log_p, length, alpha)[1].argmin()),
                reference(log_p, length, alpha)[1],
            )
        ),
        "The index is the argmax of the scores, not of the log-probabilities.": (
            lambda log_p, length, alpha: (int(log_p.argmax()), reference(log_p, length, alpha)[1])
        ),
    }
    cases = [
        ((-4.0, -5.0), (4, 8), 0.0, "With alpha 0 the scores are the log-probabilities; the best is the largest."),
        ((-4.0, -5.0), (4, 8), 1.0, "Divide by ((5 + L) / 6) ** alpha: the 5 and the 6 belong inside of the power."),
        ((-4.0, -4.5, -7.0), (3, 5, 20), 0.6, "Divide, do not multiply: log-probabilities are negative."),
        ((-9.0, -2.0, -3.0, -6.5), (12, 2, 3, 9), 0.8, "The index is the argmax of the scores, the one nearest to 0."),
        ((-3.0, -3.5), (2, 9), 1.0, "The longer one wins here: the index is that of the scores."),
        ((-2.5,), (7,), 0.7, "One hypothesis has the index 0."),
        ((-400.0, -300.0), (90, 30), 2.5, "Long outputs have very small probabilities: stay with the logarithms."),
    ]
    for log_p, length, alpha, hint in cases:
        args = (torch.tensor(log_p), torch.tensor(length), alpha)
        shown = f"log P {list(log_p)}, lengths {list(length)}, alpha {alpha}"
        yield Case(shown, run, reference, hint, args=args, causes=causes)
    hint = "The scores are log_p / ((5 + length) / 6) ** alpha; the index is their argmax, a Python int."
    for k, alpha in ((2, 2), (5, 0.5), (7, 1.3), (10, 1.0)):
        args = (-8 * torch.rand(k) - 0.1, torch.randint(1, 21, (k,)), alpha)
        yield Case(f"{k} random hypotheses, alpha {alpha}", run, reference, hint, args=args, causes=causes)


@checks("03.3-topk")
def _topk(attempt: Any) -> Iterator[Case]:
    def run(log_p: Tensor, step_log_p: Tensor, most: int) -> Any:
        return _results(attempt(log_p, step_log_p, most))

    def placed(sums: Tensor, most: int, divisor: int | None = None) -> tuple[Tensor, Tensor, Tensor]:
        own, tokens = sums.topk(min(most, sums.shape[1]), dim=1)
        best, place = own.flatten().topk(len(sums))
        return place // (divisor or own.shape[1]), tokens.flatten()[place], best

    def reference(log_p: Tensor, step_log_p: Tensor, most: int) -> tuple[Tensor, Tensor, Tensor]:
        return placed(log_p[:, None] + step_log_p, most)

    def column(log_p: Tensor, step_log_p: Tensor, most: int) -> tuple[Tensor, Tensor, Tensor]:
        own = (log_p[:, None] + step_log_p).topk(most, dim=1).values
        best, place = own.flatten().topk(len(log_p))
        return place // most, place % most, best

    def turned(log_p: Tensor, step_log_p: Tensor, most: int) -> tuple[Tensor, Tensor, Tensor]:
        parents, tokens, best = reference(log_p, step_log_p, most)
        return tokens, parents, best

    def ascending(log_p: Tensor, step_log_p: Tensor, most: int) -> tuple[Tensor, ...]:
        return tuple(part.flip(0) for part in reference(log_p, step_log_p, most))

    causes = {
        "No parent may have more than `most` children.": lambda log_p, step, most: placed(
            log_p[:, None] + step, step.shape[1]
        ),
        "`most` children are allowed, not only one.": lambda log_p, step, most: placed(log_p[:, None] + step, 1),
        "A parent's best children only have `most` entries in a row: divide the place by `most`.": (
            lambda log_p, step, most: placed(log_p[:, None] + step, most, step.shape[1])
        ),
        "The remainder counts the parent's best children; the token stands in the indices of the first topk.": column,
        "Add the log-probability of the hypothesis to each of its candidates.": lambda _, step, most: placed(
            step, most
        ),
        "The parents come first, then the tokens.": turned,
        "Best first: the largest log-probability is at place 0.": ascending,
    }
    hint = "Take the best `most` candidates of each row; of all these together the best k, the best of them first."
    hints = {
        (1, 5, 3): "With one hypothesis the parent is 0, the token the best one; log_p[0] is added to its log P.",
        (2, 3, 1): "With `most` 1 each hypothesis has just one child.",
        (3, 7, 2): "No parent may have more than `most` children; a second one may have the rest.",
        (5, 4, 4): "With `most` V nothing is forbidden: it is the simple step.",
        (4, 2, 1): hint,
        (3, 1, 1): hint,
        (6, 9, 3): hint,
        (5, 8, 2): hint,
    }
    for (k, V, most), text in hints.items():
        args = (-3 * torch.rand(k), (2 * torch.randn(k, V)).log_softmax(-1), most)
        shown = f"k {k}, V {V}, most {most}: parents, tokens, log P"
        yield Case(shown, run, reference, text, args=args, causes=causes)
    text = "Probabilities of long outputs are 0 in float32 (e^−200): add logarithms, do not multiply probabilities."
    args = (-200 - torch.rand(3), (2 * torch.randn(3, 5)).log_softmax(-1), 2)
    yield Case("k 3, V 5, most 2, log P near −200", run, reference, text, args=args, causes=causes)
    text = "One hypothesis far above the others has `most` children, and the others share the places that are left."
    for most in (1, 2, 3):
        args = (torch.tensor([-40.0, -0.5, -30.0]), torch.randn(3, 6).log_softmax(-1), most)
        yield Case(f"k 3, V 6, most {most}, log_p [−40, −0.5, −30]", run, reference, text, args=args, causes=causes)


@checks("03.3-bigrams")
def _bigrams(attempt: Any) -> Iterator[Case]:
    def blocked(tokens: Tensor, log_p: Tensor, pairs: Any) -> Tensor:
        """Return ``log_p`` with −∞ at second where the first of a pair of the row is the row's last token."""
        log_p = log_p.clone()
        for row, prefix in enumerate(tokens.tolist()):
            log_p[row, [second for first, second in pairs(prefix) if first == prefix[-1]]] = -torch.inf
        return log_p

    def neighbours(prefix: list[int]) -> list[tuple[int, int]]:
        return list(zip(prefix, prefix[1:], strict=False))

    def reference(tokens: Tensor, log_p: Tensor) -> Tensor:
        return blocked(tokens, log_p, neighbours)

    def shares(tokens: Tensor, log_p: Tensor) -> bool:
        return bool(attempt(tokens, log_p).untyped_storage().data_ptr() == log_p.untyped_storage().data_ptr())

    causes = {
        "Neighbours may overlap: after 7 7 a third 7 makes the pair (7, 7) again.": lambda tokens, log_p: blocked(
            tokens, log_p, lambda prefix: neighbours(prefix[:-1])
        ),
        "Only the token after an earlier copy of the last token is blocked.": lambda tokens, log_p: blocked(
            tokens, log_p, lambda prefix: [(prefix[-1], token) for token in prefix]
        ),
        "The last token would be the first of the pair; its second is blocked.": lambda tokens, log_p: blocked(
            tokens, log_p, lambda prefix: [pair[::-1] for pair in neighbours(prefix)]
        ),
        "A pair of another row blocks nothing.": lambda tokens, log_p: blocked(
            tokens, log_p, lambda _: [pair for other in tokens.tolist() for pair in neighbours(other)]
        ),
    }
    cases = [
        ([[4, 5, 4]], "The pair (4, 5) is there, and the last token is 4: only token 5 is blocked."),
        ([[4, 5, 6]], "No earlier pair begins with the last token 6, so nothing is blocked."),
        ([[7, 7]], "The pair (7, 7) is there, and a third 7 would make it again: neighbours may overlap."),
        ([[4, 5, 4, 6, 4], [5, 4, 6, 5, 5]], "Each row has its own pairs; several tokens can be blocked in one."),
        ([[4, 5, 4], [6, 7, 5]], "A pair of another row blocks nothing."),
        ([[4], [5]], "A prefix of one token has no pair."),
        ([[6, 5, 4], [4, 6, 4], [5, 5, 5]], "Every row of the batch is looked at, here three."),
    ]
    for prefixes, hint in cases:
        args = (torch.tensor(prefixes), torch.randn(len(prefixes), 8).log_softmax(-1))
        yield Case(f"prefixes {prefixes}, V 8", attempt, reference, hint, args=args, causes=causes)
    hint = "For each row: the seconds of those pairs whose first is the row's last token become −∞."
    for batch, steps, V in ((1, 6, 5), (5, 9, 6), (3, 12, 20), (8, 4, 3)):
        args = (torch.randint(0, V, (batch, steps)), torch.randn(batch, V).log_softmax(-1))
        shown = f"prefixes {(batch, steps)}, V {V}, at random"
        yield Case(shown, attempt, reference, hint, args=args, causes=causes)
    hint = "Tokens are numbers: 14 does not end in the token 4."
    args = (torch.tensor([[4, 15, 14, 5, 4]]), torch.randn(1, 16).log_softmax(-1))
    yield Case("prefix [[4, 15, 14, 5, 4]], V 16", attempt, reference, hint, args=args, causes=causes)
    hint = "A pair counts wherever it stands, also at the beginning of a long prefix."
    args = (torch.tensor([[3, 9, *range(10, 30), 3]]), torch.randn(1, 32).log_softmax(-1))
    yield Case("a prefix of 23 tokens, V 32", attempt, reference, hint, args=args, causes=causes)
    shown = "prefix [[4, 5, 6]], V 8: whether the result shares memory with log_p"
    hint = "Return a copy, also where nothing is blocked: begin with log_p.clone()."
    yield Case(shown, shares, False, hint, args=(torch.tensor([[4, 5, 6]]), torch.zeros(1, 8)))
