"""Checks of the exercises of 6.1 The tuning process."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from dlcourse.exercises.harness import Case, checks

_FAULTS = (
    "rate too low", "data bug", "rate too high", "overfitting", "dead relus", "late variance", "label noise",
)  # fmt: skip
_ROLES = {
    1: ("scientific", "nuisance", "fixed"),
    2: ("scientific", "nuisance", "nuisance", "fixed"),
    3: ("scientific", "nuisance", "nuisance", "fixed"),
}
_ROLE_HINTS = {
    1: "What is the question about? What must be tuned for each network, or the comparison is unfair? What may stay?",
    2: "The two rates exist for one optimizer each. A rate that suits one of them says nothing about the other.",
    3: "Which settings would a larger network want otherwise? And what is never tuned in a study?",
}


def _words(text: Any) -> str:
    """Return a name in lower case, without what stands in brackets and without the word learning."""
    return " ".join(re.sub(r"\(.*?\)|learning", " ", str(text).lower()).split())


@checks("06.1-gallery")
def _gallery(attempt: Any) -> Iterator[Case]:
    given = tuple(map(_words, attempt))
    known = set(_FAULTS)
    unknown = [name for name in given if name not in known]
    hint = "Use the names in `faults`, as strings, each for one panel."
    yield Case(
        f"the names ({len(set(given))} different ones)", lambda: not unknown and len(set(given)) == 7, True, hint
    )
    hint = (
        "At least one is wrong. Ask of each panel: is the training loss learned at all, at once or never? Does the "
        "validation loss ever follow it? Is one of the two still moving at the end, and in one direction or both?"
    )
    yield Case("the seven panels together", lambda: given == _FAULTS, True, hint)


@checks("06.1-roles")
def _roles(attempt: Any) -> Iterator[Case]:
    given = tuple(_words(role) for role in attempt)
    hint = 'Each role is one of the strings "scientific", "nuisance", "fixed".'
    yield Case("the roles", lambda: set(given) <= {"scientific", "nuisance", "fixed"}, True, hint)
    start = 0
    for goal, right in _ROLES.items():
        part = given[start : start + len(right)]
        start += len(right)
        yield Case(f"goal {goal}", lambda part=part, right=right: part == right, True, _ROLE_HINTS[goal])


@checks("06.1-edge")
def _edge(attempt: Any) -> Iterator[Case]:
    def with_rule(
        finished: Callable[[float], bool] = lambda error: not math.isnan(error), best: Callable[..., Any] = min,
        logarithm: bool = True, of_values: bool = False, margin: float = 0.1,
    ) -> Callable[..., str]:  # fmt: skip
        def rule(values: list[float], errors: list[float], low: float, high: float, log: bool) -> str:
            pairs = [(error, value) for error, value in zip(errors, values, strict=True) if finished(error)]
            if not pairs:
                return "infeasible"
            value = best(pairs)[1]
            if of_values:
                low, high = min(values), max(values)
            if log and logarithm:
                value, low, high = math.log(value), math.log(low), math.log(high)
            share = (value - low) / (high - low) if high > low else 0.5
            return "low" if share <= margin else "high" if share >= 1 - margin else "inside"

        return rule

    reference = with_rule()
    causes = {
        "A trial that broke down has no error: leave out NaN before you look for the smallest.": with_rule(
            lambda error: True
        ),
        "The best trial has the smallest error.": with_rule(best=max),
        "On a logarithmic scale a tenth of the range is a tenth of log(high / low).": with_rule(logarithm=False),
        "The range is that of the search, from low to high, not that of the trials.": with_rule(of_values=True),
        "A trial with a large error has not broken down: only NaN is left out.": with_rule(lambda error: error < 0.5),
    }
    hint = "share = (value − low) / (high − low), of the logarithms where log is True; ≤ 0.1 is low, ≥ 0.9 is high."
    nan = math.nan
    for values, errors, low, high, log in (
        ([0.1, 0.5, 0.9], [0.3, 0.2, 0.25], 0.0, 1.0, False),
        ([0.02, 0.5, 0.9], [0.1, 0.2, 0.25], 0.0, 1.0, False),
        ([0.2, 0.5, 0.97], [0.3, 0.2, 0.15], 0.0, 1.0, False),
        ([0.002, 0.01, 0.5], [0.1, 0.2, 0.9], 0.0001, 1.0, True),
        ([0.002, 0.05, 0.3], [0.5, 0.4, 0.1], 0.0001, 1.0, True),
        ([0.00015, 0.05, 0.3], [0.1, 0.4, 0.2], 0.0001, 1.0, True),
        ([0.002, 0.05, 0.7], [0.5, 0.4, 0.1], 0.0001, 1.0, True),
        ([0.9, 0.02, 0.4], [nan, 0.3, 0.2], 0.0, 1.0, False),
        ([0.02, 0.95, 0.4], [nan, 0.2, 0.3], 0.0, 1.0, False),
        ([0.3, 0.4, 0.5], [0.1, 0.2, 0.3], 0.0, 1.0, False),
        ([20, 35, 64, 120], [0.4, 0.2, 0.1, nan], 16, 256, True),
        ([3, 5], [nan, nan], 1, 9, False),
        ([7.0, 40.0, 93.5], [0.6, 0.7, 0.8], 0.0, 100.0, False),
        ([11.0, 40.0], [0.1, 0.2], 0.0, 100.0, False),
        ([30.0, 500.0], [0.1, 0.2], 1.0, 1000.0, False),
        ([93.0, 50.0], [0.1, 0.2], 0.0, 100.0, False),
        ([11.0, 14.0, 17.0], [0.3, 0.1, 0.2], 10.0, 20.0, True),
        ([10.6, 14.0, 17.0], [0.1, 0.3, 0.2], 10.0, 20.0, True),
    ):
        shown = f"values {values}, errors {errors}, range {low:g} to {high:g}, log={log}"
        yield Case(shown, attempt, reference, hint, args=(values, errors, low, high, log), causes=causes)


@checks("06.1-clipping")
def _clipping(attempt: Any) -> Iterator[Case]:
    def plan(
        norms: Tensor, new_norms: Tensor, percent: float = 90, of: str = "new", part: float | None = None,
        middle: float = 0.5, below: bool = False, equal: bool = False,
    ) -> tuple[float, float, str]:  # fmt: skip
        limit = norms.quantile(percent / 100 if part is None else part).item()
        seen = norms if of == "old" else new_norms
        share = (seen >= limit if equal else seen > limit).float().mean().item()
        share = 1 - share if below else share
        return limit, share, "lower the rate" if share > middle else "clip"

    other: Any = plan  # with one mistake
    causes = {
        "The share is that of the new run's norms, not of those that gave the limit.": lambda *a: other(*a, of="old"),
        "The limit is the percentile that is asked for, not always the 90th.": lambda *a: other(*a, part=0.9),
        "Clipped are the norms above the limit, not those below.": lambda *a: other(*a, below=True),
        "The advice changes at one half: 0.5 itself is still clipping.": lambda *a: other(*a, middle=0.1),
        "Clipped are the norms above the limit; one that is equal to it stays as it is.": lambda *a: other(
            *a, equal=True
        ),
        "90 percent is the part 0.9 for torch.quantile; the largest 90 % start at 0.1.": lambda *a: other(*a, part=0.1),
    }
    hint = "norms.quantile(percent / 100), then the mean of new_norms > limit, then compare this share with 0.5."
    random = torch.Generator().manual_seed(0)
    for count, scale, percent in (
        (11, 0.5, 90), (101, 1.0, 90), (101, 4.0, 90), (101, 1.0, 60), (51, 2.5, 75), (200, 10.0, 95), (40, 1.0, 50),
    ):  # fmt: skip
        norms = torch.rand(count, generator=random).exp()
        new_norms = scale * torch.rand(count + 4, generator=random).exp()
        shown = f"{count} norms up to {norms.max():.2f}, new ones up to {new_norms.max():.2f}, percent {percent}"
        yield Case(shown, attempt, plan, hint, args=(norms, new_norms, percent), causes=causes)
    even = torch.arange(11.0)
    half = torch.tensor([1.0, 2.0, 9.5, 10.0])
    yield Case("norms 0 to 10, half of the new ones clipped", attempt, plan, hint, args=(even, half, 90), causes=causes)
    ties = torch.tensor([5.0, 5.0, 6.0, 1.0])
    yield Case("norms 0 to 10, two new ones at the limit", attempt, plan, hint, args=(even, ties, 50), causes=causes)
    most = torch.cat([torch.ones(49), torch.full((51,), 10.0)])
    yield Case("norms 0 to 10, 51 of 100 new ones clipped", attempt, plan, hint, args=(even, most, 90), causes=causes)
    yield Case("percent left at its default", lambda a, b: attempt(a, b), plan, hint, args=(even, 2 * even))


@checks("06.1-warmup")
def _warmup(attempt: Any) -> Iterator[Case]:
    def plan(
        unstable: float, steps: int, survived: dict[int, bool], share: float = 0.1, pick: Callable[..., int] = min,
        factor: float = 10, before: bool = True, alive: bool = True,
    ) -> tuple[float, int, int] | None:  # fmt: skip
        lengths = [n for n, good in survived.items() if (good or not alive) and n <= share * steps]
        if not lengths:
            return None
        return factor * unstable, pick(lengths), steps + pick(lengths) * before

    other: Any = plan  # with one mistake
    causes = {
        "The shortest warm-up that survived, not the longest.": lambda *a: other(*a, pick=max),
        "A warm-up may be at most a tenth of `steps`.": lambda *a: other(*a, share=1),
        "The warm-up is put in front: the training becomes longer by it.": lambda *a: other(*a, before=False),
        "The base rate is ten times the unstable one.": lambda *a: other(*a, factor=1),
        "Only a length with which training survived will do.": lambda *a: other(*a, alive=False),
        "Take the first that survived by its length, not by its place in the dict.": lambda *a: other(
            *a, pick=lambda lengths: lengths[0]
        ),
    }
    hint = "Lengths that survived and are ≤ steps / 10; the smallest of them; None if there is none."
    for unstable, steps, survived in (
        (0.5, 1000, {10: False, 30: True, 100: True}),
        (0.03, 10_000, {1000: True, 100: False, 300: True}),
        (2.0, 500, {10: False, 50: True}),
        (0.25, 400, {10: False, 30: False, 100: True}),
        (0.125, 256, {10: True, 25: True}),
        (0.01, 1000, {10: False, 100: False}),
        (1.0, 90, {10: True, 9: True, 5: False}),
        (0.5, 200, {}),
        (0.5, 255, {26: True, 40: True}),
        (0.5, 254, {26: False, 25: True}),
    ):
        shown = f"unstable {unstable:g}, {steps} steps, survived {survived}"
        right = plan(unstable, steps, survived)  # the value, because None is one
        yield Case(shown, attempt, right, hint, args=(unstable, steps, survived), causes=causes)


@checks("06.1-adopt")
def _adopt(attempt: Any) -> Iterator[Case]:
    def decision(gains: Tensor, cost: float, side: float = 0.025) -> str:
        random = torch.Generator().manual_seed(0)
        picks = torch.randint(len(gains), (20_000, len(gains)), generator=random)
        low, high = gains[picks].mean(1).quantile(torch.tensor([side, 1 - side])).tolist()
        return "adopt" if low > cost else "keep" if high < cost else "more seeds"

    def reference(old: list[float], new: list[float], cost: float) -> str:
        return decision(torch.tensor(old) - torch.tensor(new), cost)

    def unpaired(old: list[float], new: list[float], cost: float) -> str:
        random = torch.Generator().manual_seed(0)
        means = [torch.tensor(e)[torch.randint(len(e), (20_000, len(e)), generator=random)].mean(1) for e in (old, new)]
        low, high = (means[0] - means[1]).quantile(torch.tensor([0.025, 0.975])).tolist()
        return "adopt" if low > cost else "keep" if high < cost else "more seeds"

    def by_mean(old: list[float], new: list[float], cost: float) -> str:
        return "adopt" if sum(old) - sum(new) > cost * len(old) else "keep"

    def ninety(old: list[float], new: list[float], cost: float) -> str:
        return decision(torch.tensor(old) - torch.tensor(new), cost, 0.05)

    causes = {
        "The middle 95 % leave out 2.5 % on either side.": ninety,
        "The seeds are paired: draw gains, old[i] − new[i], not old and new each for themselves.": unpaired,
        "The mean alone does not say how sure you are; look at where 95 % of the drawn means lie.": by_mean,
        "Errors: the gain is old − new.": lambda old, new, cost: reference(new, old, cost),
        "The interval must lie above cost, not above 0.": lambda old, new, cost: reference(old, new, 0.0),
        "An interval of the mean, not of single gains: average each draw before the percentiles.": lambda old, new, c: (
            "adopt" if min(a - b for a, b in zip(old, new, strict=True)) > c else "more seeds"
        ),
    }
    hint = "low, high = the 2.5 % and 97.5 % points of the drawn mean gains: adopt if low > cost, keep if high < cost."
    levels = [9.0, 7.0, 8.0, 11.0, 6.0, 10.0, 7.5, 8.5]  # seeds differ much more than the candidates
    for gains, cost in (
        ([1.0, 1.4, 0.8, 1.2, 1.1, 0.9, 1.3, 1.0], 0.0),
        ([1.0, 1.4, 0.8, 1.2, 1.1, 0.9, 1.3, 1.0], 0.5),
        ([0.4, 0.2, 0.3, 0.5, 0.1, 0.3, 0.4, 0.2], 0.0),
        ([0.4, 0.2, 0.3, 0.5, 0.1, 0.3, 0.4, 0.2], 1.0),
        ([1.5, -1.0, 0.8, -0.9, 0.6, -1.2, 0.9, 0.2], 0.0),
        ([-1.0, -1.4, -0.8, -1.2, -1.1, -0.9, -1.3, -1.0], 0.0),
        ([0.2, 0.9, 0.6, -0.2, 0.7, 1.1, 0.4, 0.5], 0.0),
        ([0.2, 0.9, 0.6, -0.2, 0.7, 1.1, 0.4, 0.5], 0.5),
        ([2.0, 2.5, 1.5, 2.2], 1.0),
        ([1.2, -0.4, 0.9, -0.5, 0.8, 0.1, 1.0, -0.3], 0.0),
        ([1.4, -0.3, 0.9, 0.0, 1.1, 0.3, 0.8, -0.2], 0.0),
        ([1.4, -0.3, 0.9, 0.0, 1.1, 0.3, 0.8, -0.2], 0.15),
        ([-1.3, 0.2, -0.8, 0.1, -1.0, -0.2, -0.7, 0.1], 0.0),
    ):
        old = levels[: len(gains)]
        new = [level - gain for level, gain in zip(old, gains, strict=True)]
        shown = f"gains {gains}, cost {cost:g}"
        yield Case(shown, attempt, reference, hint, args=(old, new, cost), causes=causes)
