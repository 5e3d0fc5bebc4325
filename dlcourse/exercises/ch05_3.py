"""Checks of the exercises of 5.3 Comparing optimizers."""

from __future__ import annotations

import itertools
import math
import random
import statistics
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from dlcourse.exercises.harness import Case, checks


@checks("05.3-budget")
def _budget(attempt: Any) -> Iterator[Case]:
    def reference(total: int, optimizers: int, seeds: int, new_seeds: int) -> int:
        return max(0, (total - optimizers * new_seeds) // (optimizers * seeds))

    causes = {
        "The final comparison needs runs too: optimizers · new seeds of them.": lambda t, o, s, n: t // (o * s),
        "Each optimizer has its own final runs: optimizers · new seeds, not new seeds.": lambda t, o, s, n: max(
            0, (t - n) // (o * s)
        ),
        "Every rate is tried with each of the seeds.": lambda t, o, s, n: max(0, (t - o * n) // o),
        "The total is shared by all of the optimizers.": lambda t, o, s, n: max(0, (t - n) // s),
        "Half a rate cannot be run: round down, or the budget is exceeded.": lambda t, o, s, n: max(
            0, math.ceil((t - o * n) / (o * s))
        ),
        "When the final runs alone cost more than the total, the answer is 0.": lambda t, o, s, n: (
            (t - o * n) // (o * s)
        ),
    }
    hint = "One rate for all optimizers costs optimizers · seeds runs, after optimizers · new seeds are set aside."
    for numbers in ((360, 9, 5, 5), (100, 2, 3, 5), (101, 3, 4, 2), (20, 4, 5, 5), (10, 4, 5, 5), (59, 1, 7, 3)):
        shown = "total {}, optimizers {}, seeds {}, new seeds {}".format(*numbers)
        yield Case(shown, attempt, reference, hint, args=numbers, causes=causes)


class _Plan:
    """A loop of training steps whose rate is changed in the way that ``kind`` says."""

    def __init__(self, kind: str, steps: int, groups: int = 1) -> None:
        parameters = [nn.Parameter(torch.ones(2)) for _ in range(groups)]
        self.parameters = parameters
        self.optimizer = torch.optim.SGD([{"params": [p]} for p in parameters], lr=0.5)
        for number, group in enumerate(self.optimizer.param_groups[1:], 2):
            group["lr"] = 0.5 * number
        self.kind, self.steps, self.seen = kind, steps, 0
        self.optimizer.register_step_pre_hook(self._see)  # a hook of somebody else
        self.other = torch.optim.SGD([nn.Parameter(torch.ones(2))], lr=7.0)  # trains something else meanwhile
        self.scheduler = torch.optim.lr_scheduler.StepLR(self.optimizer, step_size=2, gamma=0.5)

    def _see(self, *_: Any) -> None:
        self.seen += 1

    def __call__(self) -> str:
        for number in range(self.steps):
            if self.kind == "by hand":
                self.optimizer.param_groups[0]["lr"] = 1 / (number + 1)
            for parameter in self.parameters:
                parameter.grad = torch.ones(2)
            self.optimizer.step()
            self.other.step()
            if self.kind == "each step" or (self.kind == "each third step" and number % 3 == 2):
                self.scheduler.step()
            if self.kind == "plotted":
                self.optimizer.param_groups[0]["lr"] = 9.0
                self.scheduler.get_last_lr()
                self.optimizer.param_groups[0]["lr"] = 0.5
        return "done"


@checks("05.3-audit")
def _audit(attempt: Any) -> Iterator[Case]:
    def rates(kind: str, steps: int) -> list[float]:
        if kind == "by hand":
            return [1 / (number + 1) for number in range(steps)]
        every = {"each step": 1, "each third step": 3}.get(kind, steps + 1)
        return [0.5 * 0.5 ** (number // every // 2) for number in range(steps)]

    def watched(kind: str, steps: int, groups: int) -> tuple[list[Any], list[int], list[float]]:
        plan = _Plan(kind, steps, groups)
        given = attempt(plan.optimizer, plan)
        used = list(given) if isinstance(given, (list, tuple)) else [given]
        rate = plan.optimizer.param_groups[0]["lr"]
        for parameter in plan.parameters:
            parameter.grad = torch.zeros(2)
        plan.optimizer.step()  # must not be noted any more
        hooks = [getattr(plan.optimizer, f"_optimizer_step_{when}_hooks", ()) for when in ("pre", "post")]
        later = len(given) + sum(map(len, hooks)) if isinstance(given, (list, tuple)) else -1
        hooked = [later - 1, plan.seen - 1]  # the check's own hook, which must still be there
        return used, hooked, [rate, *(p.detach()[0].item() for p in plan.parameters)]

    def expected(kind: str, steps: int, groups: int) -> tuple[list[float], list[int], list[float]]:
        plan = _Plan(kind, steps, groups)
        plan()
        rate = plan.optimizer.param_groups[0]["lr"]
        return rates(kind, steps), [steps, steps], [rate, *(p.detach()[0].item() for p in plan.parameters)]

    hint = (
        "Note param_groups[0]['lr'] at the moment of each step of the optimizer: optimizer.register_step_pre_hook. "
        "The answer is (rates, what one more step notes, rate and weights at the end): take your hook off; leave "
        "those of others, and note the steps of this optimizer only."
    )
    for kind, steps, groups in (
        ("each step", 6, 1), ("each third step", 9, 1), ("by hand", 4, 1), ("plotted", 3, 1), ("each step", 5, 2),
        ("by hand", 1, 1), ("each step", 0, 1),
    ):  # fmt: skip
        shown = f"a loop of {steps} steps, rate changed {kind}, {groups} parameter group(s)"
        yield Case(shown, watched, expected, hint, args=(kind, steps, groups))


@checks("05.3-cosine")
def _cosine(attempt: Any) -> Iterator[Case]:
    def rate(t: float, warmup: int, end: int, base: float, final: float) -> float:
        if t < warmup:
            return base * t / warmup
        share = min((t - warmup) / (end - warmup), 1.0)
        return final + (base - final) * (1 + math.cos(math.pi * share)) / 2

    def from_zero(t: float, warmup: int, end: int, base: float, final: float) -> float:
        return base * t / warmup if t < warmup else rate(t, 0, end, base, final)

    def goes_on(t: float, warmup: int, end: int, base: float, final: float) -> float:
        if t < warmup:
            return base * t / warmup
        return final + (base - final) * (1 + math.cos(math.pi * (t - warmup) / (end - warmup))) / 2

    def no_final(t: float, warmup: int, end: int, base: float, final: float) -> float:
        return max(final, rate(t, warmup, end, base, 0.0))

    def quarter(t: float, warmup: int, end: int, base: float, final: float) -> float:
        if t < warmup:
            return base * t / warmup
        return final + (base - final) * math.cos(math.pi / 2 * min((t - warmup) / (end - warmup), 1.0))

    def late(t: float, warmup: int, end: int, base: float, final: float) -> float:
        return base * (t + 1) / warmup if t < warmup else rate(t, warmup, end, base, final)

    causes = {
        "The cosine begins when the warm-up is over: count from `warmup`, over end − warmup steps.": from_zero,
        "Behind `end` the rate stays `final`; the cosine would rise again.": goes_on,
        "The cosine falls from base to final, not from base to 0.": no_final,
        "Half a wave: cos runs from 1 to −1 while the angle runs from 0 to π; (1 + cos)/2 from 1 to 0.": quarter,
        "Step 0 of a warm-up has rate 0, step `warmup` has rate base.": late,
    }
    hint = "With warm-up 7, end 21, 1 → 0.1: step 7 gives 1.0, step 14 gives 0.55, step 21 gives 0.1."
    cases: list[tuple[float, int, int, float, float]] = [(t, 7, 21, 1.0, 0.1) for t in (7, 14, 21, 0, 3, 9, 20, 22, 40)]
    cases += [
        (5, 0, 10, 0.3, 0.0),
        (0, 0, 4, 2.0, 1.0),
        (13, 4, 24, 0.02, 0.002),
        (100, 10, 30, 0.5, 0.05),
        (10.5, 7, 21, 1.0, 0.1),
    ]
    cases += [(2.25, 4, 8, 0.3, 0.0)]
    for case in cases:
        shown = "step {}, warm-up {}, end {}, base {}, final {}".format(*case)
        yield Case(shown, attempt, rate, hint, 1e-6, args=case, causes=causes, any_type=True)


Runs = list[dict[str, Any]]


def _groups(runs: Runs) -> dict[tuple[str, float], Runs]:
    groups: dict[tuple[str, float], Runs] = {}
    for run in runs:
        groups.setdefault((run["optimizer"], run["lr"]), []).append(run)
    return groups


def _chosen_by(runs: Runs, score: Callable[[Runs], float]) -> tuple[str, float, float]:
    groups = _groups(runs)
    best = max(groups, key=lambda name: score(groups[name]))
    return (*best, statistics.mean(run["test"] for run in groups[best]))


def _mean(part: str) -> Callable[[Runs], float]:
    return lambda runs: statistics.mean(run[part] for run in runs)


def _table(number: int) -> Runs:
    """Return runs of which another setting wins by each other rule than the mean of validation."""
    random_numbers = random.Random(number)
    names = [(name, lr) for name in ("SGD", "Adam", "AdaGrad") for lr in (0.001, 0.01, 0.1)]
    random_numbers.shuffle(names)
    plans = [  # validation of each seed, and the mean on test
        ((0.90, 0.93, 0.96), 0.90),  # the best mean
        ((0.79, 0.88, 0.97), 0.86),  # the luckiest seed
        ((0.89, 0.90, 0.91), 0.95),  # the best on test
        ((0.914, 0.915, 0.916), 0.89),  # the best of the worst seeds, and of mean minus deviation
        ((0.70, 0.955, 0.955), 0.88),  # the best median
        ((0.85, 0.86, 0.86, 0.86, 0.87), 0.85),  # the largest sum
    ]
    plans += [((0.68, 0.70, 0.72), 0.70)] * (len(names) - len(plans))
    runs = []
    for (name, lr), (scores, test) in zip(names, plans, strict=True):
        for k, score in enumerate(scores):
            noise = round(random_numbers.uniform(-0.0005, 0.0005), 5)
            validation, own = score + noise, test - 0.1 * (score - statistics.mean(scores)) + noise
            runs.append({"optimizer": name, "lr": lr, "seed": k, "validation": validation, "test": own})
    random_numbers.shuffle(runs)
    return runs


@checks("05.3-winner")
def _winner(attempt: Any) -> Iterator[Case]:
    def reference(runs: Runs) -> tuple[str, float, float]:
        return _chosen_by(runs, _mean("validation"))

    def best_run(runs: Runs) -> tuple[str, float, float]:
        run = max(runs, key=lambda run: run["validation"])
        return run["optimizer"], run["lr"], run["test"]

    def best_test(runs: Runs) -> tuple[str, float, float]:
        name, lr, _ = reference(runs)
        return name, lr, max(run["test"] for run in runs if (run["optimizer"], run["lr"]) == (name, lr))

    def score_validation(runs: Runs) -> tuple[str, float, float]:
        name, lr, _ = reference(runs)
        own = [run["validation"] for run in runs if (run["optimizer"], run["lr"]) == (name, lr)]
        return name, lr, statistics.mean(own)

    causes = {
        "This choice looked at test. Choose by validation only; test is read once, for the winner.": lambda runs: (
            _chosen_by(runs, _mean("test"))
        ),
        "This is the luckiest run, not the best setting: take the mean over the seeds.": best_run,
        "A typical seed is not the mean: take the mean over the seeds, as in section 3.": lambda runs: _chosen_by(
            runs, lambda own: statistics.median(run["validation"] for run in own)
        ),
        "Settings have different numbers of seeds: compare means, not sums.": lambda runs: _chosen_by(
            runs, lambda own: sum(run["validation"] for run in own)
        ),
        "The setting with the luckiest seed is not the best one: compare means over the seeds.": lambda runs: (
            _chosen_by(runs, lambda own: max(run["validation"] for run in own))
        ),
        "The setting is right. Report the mean on test, not the best seed.": best_test,
        "The setting is right. Report the mean on test; the one on validation was used to choose.": score_validation,
    }
    hint = "Group by (optimizer, lr); the largest mean of validation wins; then the mean of its test."
    for number in range(5):
        runs = _table(number)
        yield Case(f"table {number}: {len(runs)} runs", attempt, reference, hint, 1e-6, (runs,), causes=causes)


@checks("05.3-width")
def _width(attempt: Any) -> Iterator[Case]:
    def region(scores: dict[float, float], within: float) -> list[float]:
        rates = sorted(scores)
        best = max(rates, key=lambda lr: scores[lr])
        good = [scores[lr] >= scores[best] - within for lr in rates]
        first = last = rates.index(best)
        while first > 0 and good[first - 1]:
            first -= 1
        while last + 1 < len(rates) and good[last + 1]:
            last += 1
        return rates[first : last + 1]

    def reference(scores: dict[float, float], within: float) -> float:
        kept = region(scores, within)
        return math.log10(kept[-1] / kept[0])

    def with_holes(scores: dict[float, float], within: float) -> float:
        good = [lr for lr in scores if scores[lr] >= max(scores.values()) - within]
        return math.log10(max(good) / min(good))

    causes = {
        "No holes: walk from the best rate to both sides, and stop at the first bad one.": with_holes,
        "A width in powers of ten: log10 of the largest over the smallest, not their difference.": lambda s, w: (
            region(s, w)[-1] - region(s, w)[0]
        ),
        "Use log10, not the natural logarithm.": lambda s, w: math.log(region(s, w)[-1] / region(s, w)[0]),
        "A width in powers of ten, not the number of rates.": lambda s, w: float(len(region(s, w))),
        "A rate that is exactly `within` below the best one counts.": lambda s, w: reference(s, w - 1e-9),
    }
    hint = "Sort the rates; the good ones around the best one, without a hole; log10(largest / smallest)."
    tables: list[tuple[dict[float, float], float]] = [
        ({0.001: 0.5, 0.01: 0.96, 0.1: 0.97, 1.0: 0.1}, 0.02),
        ({0.001: 0.96, 0.01: 0.5, 0.1: 0.97, 1.0: 0.96, 10.0: 0.1}, 0.02),
        ({1.0: 0.1, 0.1: 0.96, 0.001: 0.5, 0.01: 0.97, 0.0001: 0.965}, 0.03),
        ({0.01: 0.2, 0.1: 0.9, 1.0: 0.3}, 0.05),
        ({0.25: 0.75, 0.5: 1.0, 1.0: 0.75, 2.0: 0.5, 4.0: 0.75}, 0.25),
        ({0.003: 0.91, 0.01: 0.93, 0.03: 0.95, 0.1: 0.94, 0.3: 0.92}, 0.1),
        ({0.001: 0.2, 0.01: 0.42, 0.1: 0.5, 1.0: 0.42, 10.0: 0.3}, 0.1),
        ({0.0001: 0.8, 0.001: 0.85, 0.01: 0.9, 0.1: 0.95, 1.0: 0.9, 10.0: 0.85}, 0.06),
    ]
    for scores, within in tables:
        shown = f"scores {scores}, within {within}"
        yield Case(shown, attempt, reference, hint, 1e-6, (scores, within), causes=causes, any_type=True)


@checks("05.3-bug")
def _bug(attempt: Any) -> Iterator[Case]:
    def loop(epochs: int, batches: int, per_batch: bool, first: bool) -> tuple[list[float], Tensor]:
        parameter = nn.Parameter(torch.zeros(1))
        optimizer = torch.optim.SGD([parameter], lr=1.0)
        used = []
        for epoch in range(epochs):
            for batch in range(batches):
                step = epoch * batches + batch + first
                used_lr = (1 + math.cos(math.pi * (step if per_batch else epoch + first) / epochs)) / 2
                optimizer.param_groups[0]["lr"] = used_lr
                parameter.grad = torch.full((1,), float(batch + 1))
                optimizer.step()
                used.append(used_lr)
        return used, parameter.detach().clone()

    def watched(epochs: int, batches: int) -> tuple[list[float], Tensor]:
        parameter = nn.Parameter(torch.zeros(1))
        calls = []

        def backward(batch: int) -> None:
            calls.append(batch)
            parameter.grad = torch.full((1,), float(batch + 1))

        used = attempt([parameter], epochs, batches, backward)
        rates = [float(rate) for rate in used] if isinstance(used, (list, tuple)) else used
        return rates, parameter.detach().clone()

    def right(epochs: int, batches: int) -> tuple[list[float], Tensor]:
        return loop(epochs, batches, False, False)

    causes = {
        "Nothing has changed yet: where does the scheduler step, and when?": lambda e, b: loop(e, b, True, True),
        "The first rate is used now. But the scheduler still counts batches, and T_max counts epochs.": lambda e, b: (
            loop(e, b, True, False)
        ),
        "It steps once an epoch now. But the first epoch must have the first rate: step behind the batches.": (
            lambda e, b: loop(e, b, False, True)
        ),
    }
    hint = (
        "The answer is (rates, weight at the end). All batches of an epoch have one rate, the first epoch has 1.0, "
        "epoch e has (1 + cos(πe/epochs))/2. Return the rate that each step really used, as a list."
    )
    for epochs, batches in itertools.product((1, 3, 4), (1, 2, 5)):
        shown = f"{epochs} epochs of {batches} batches"
        yield Case(shown, watched, right, hint, 1e-5, (epochs, batches), causes=causes)
