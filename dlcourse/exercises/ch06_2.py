"""Checks of the exercises of 6.2 Search."""

from __future__ import annotations

import contextlib
import math
import random
import statistics
from collections.abc import Iterator
from typing import Any

import torch

from dlcourse.exercises.harness import Case, checks


@checks("06.2-trials")
def _trials(attempt: Any) -> Iterator[Case]:
    def reference(share: float, certainty: float) -> int:
        n = 1
        while 1 - (1 - share) ** n < certainty:
            n += 1
        return n

    def formula(share: float, certainty: float) -> float:
        return math.log(1 - certainty) / math.log(1 - share)

    causes = {
        "Round up: with fewer trials the certainty is not reached.": lambda s, c: math.floor(formula(s, c)),
        "Round up, not to the nearest number.": lambda s, c: round(formula(s, c)),
        "Share and certainty are exchanged.": lambda s, c: reference(c, s),
        "The chances do not add up: all n must miss, (1 − share)ⁿ.": lambda s, c: math.ceil(c / s),
        "The best misses if all n miss: (1 − share)ⁿ, not shareⁿ.": lambda s, c: math.ceil(
            math.log(1 - c) / math.log(s)
        ),
        "If ⌈…⌉ is the whole number itself, nothing is to be added.": lambda s, c: math.floor(formula(s, c)) + 1,
    }
    hint = "All n miss with the probability (1 − share)ⁿ; that must be at most 1 − certainty."
    for share, certainty in (
        (0.05, 0.95), (0.1, 0.9), (0.5, 0.75), (0.01, 0.5), (0.3, 0.29), (0.02, 0.999), (0.25, 0.4375), (0.9, 0.5),
    ):  # fmt: skip
        shown = f"share {share}, certainty {certainty}"
        yield Case(shown, attempt, reference, hint, args=(share, certainty), causes=causes)


Space = dict[str, tuple[float, float, bool]]
Trials = list[tuple[dict[str, float], "float | None"]]


def _near_edge(trials: Trials, space: Space, *, log: bool = True, sides: str = "both", pick: Any = min) -> list[str]:
    done = [trial for trial in trials if trial[1] is not None]
    settings = pick(done, key=lambda trial: trial[1])[0]
    names = []
    for name, (low, high, is_log) in space.items():
        scale: Any = math.log if is_log and log else float
        where = (scale(settings[name]) - scale(low)) / (scale(high) - scale(low))
        if (where <= 0.1 and sides != "upper") or (where >= 0.9 and sides != "lower"):
            names.append(name)
    return names


@checks("06.2-edge")
def _edge(attempt: Any) -> Iterator[Case]:
    causes = {
        "A range with log=True is measured by logarithms.": lambda t, s: _near_edge(t, s, log=False),
        "Both ends are edges; the lower one was overlooked.": lambda t, s: _near_edge(t, s, sides="upper"),
        "Both ends are edges; the upper one was overlooked.": lambda t, s: _near_edge(t, s, sides="lower"),
        "The best trial has the lowest error.": lambda t, s: _near_edge(t, s, pick=max),
        "Only the best trial counts, not all of them.": lambda t, s: [
            name for name in s if any(name in _near_edge([trial], s) for trial in t if trial[1] is not None)
        ],
    }
    hint = "Where does the best finished trial lie, (x − low) / (high − low), with logarithms where log is True?"
    space: Space = {"lr": (1e-4, 1.0, True), "dropout": (0.0, 0.8, False), "width": (16, 256, True)}
    cases: list[tuple[str, Trials, Space]] = [
        ("one trial in the middle", [({"lr": 0.01, "dropout": 0.4, "width": 64}, 0.1)], space),
        (
            "a best trial at a high rate",
            [({"lr": 0.01, "dropout": 0.79, "width": 64}, 0.3), ({"lr": 0.6, "dropout": 0.4, "width": 64}, 0.2)],
            space,
        ),
        (
            "a best trial at low ends",
            [({"lr": 2e-4, "dropout": 0.05, "width": 17}, 0.1), ({"lr": 0.9, "dropout": 0.75, "width": 250}, 0.4)],
            space,
        ),
        (
            "a trial that broke down",
            [({"lr": 0.9, "dropout": 0.4, "width": 64}, None), ({"lr": 0.012, "dropout": 0.79, "width": 60}, 0.7)],
            space,
        ),
        ("an error of zero", [({"a": 5.0}, 0.2), ({"a": 0.5}, 0.0)], {"a": (0.0, 10.0, False)}),
        (
            "a plain range that does not begin at 0, and whole numbers on a logarithmic one",
            [({"layers": 3, "momentum": 0.55, "extra": 1, "width": 200}, 0.95)],
            {"width": (16, 256, True), "momentum": (0.5, 0.99, False), "layers": (1, 64, True)},
        ),
        ("all but one broke down", [({"a": 0.2}, None), ({"a": 5.0}, 0.97)], {"a": (0.0, 10.0, False)}),
        ("a place on the border", [({"a": 1.0, "b": 9.0}, 0.5)], {"a": (0.0, 10.0, False), "b": (0.0, 10.0, False)}),
    ]
    plain: Space = {name: (0.0, 10.0, False) for name in "abc"}
    none = "The list is empty, but a and c lie near an end: go through `space` and collect the names."
    shown = "one trial at a = 0.5, b = 4, c = 9.5, all of 0 to 10,"
    one: Trials = [({"a": 0.5, "b": 4.0, "c": 9.5}, 0.2)]
    yield Case(shown, attempt, _near_edge, hint, args=(one, plain), causes={none: [], **causes})
    for shown, trials, ranges in cases:
        yield Case(shown, attempt, _near_edge, hint, args=(trials, ranges), causes=causes)
    for size in (5, 20):
        trials = []
        for _ in range(size):
            u = torch.rand(4).tolist()
            settings = {"lr": 10 ** (-4 * u[0]), "dropout": round(0.8 * u[1], 3), "width": round(16 * 16 ** u[2])}
            trials.append((settings, None if u[3] > 0.8 else round(u[3], 3)))
        trials.append(({"lr": 0.5, "dropout": 0.02, "width": 20}, 0.9))
        yield Case(f"{size + 1} random trials", attempt, _near_edge, hint, args=(trials, space), causes=causes)


@checks("06.2-discrepancy", forbid=("scipy.stats.qmc.discrepancy",))
def _discrepancy(attempt: Any) -> Iterator[Case]:
    def reference(points: list[float]) -> float:
        n = len(points)
        return max(max(x - i / n, (i + 1) / n - x) for i, x in enumerate(sorted(points)))

    def unsorted(points: list[float]) -> float:
        n = len(points)
        return max(max(x - i / n, (i + 1) / n - x) for i, x in enumerate(points))

    def numbered(points: list[float], *shares: float, both: Any = max) -> float:
        n = len(points)
        return float(max(both(abs(x - (i + s) / n) for s in shares) for i, x in enumerate(sorted(points))))

    causes = {
        "The points come in any order: sort them first.": unsorted,
        "Just behind a point the share is i/n: it was left out.": lambda p: numbered(p, 0.0),
        "Just before a point the share is (i − 1)/n: it was left out.": lambda p: numbered(p, 1.0),
        "Compare with both ends of the step, not with its middle.": lambda p: numbered(p, 0.5),
        "The largest difference is asked, over points and both sides.": lambda p: numbered(p, 0.0, 1.0, both=min),
        "The mean is something else: the worst u counts.": lambda p: (
            sum(max(x - i / len(p), (i + 1) / len(p) - x) for i, x in enumerate(sorted(p))) / len(p)
        ),
    }
    hint = "One point at 0.5: before it the share is 0, up to it 1, so both differences are 0.5."
    fixed = (
        [0.5],
        [0.0],
        [1.0],
        [0.25, 0.75],
        [0.9, 0.1],
        [0.1, 0.2, 0.3],
        [0.7, 0.9, 0.8, 0.95],
        [0.0, 0.5, 0.25, 0.75],
        [0.5, 0.5, 0.5],
        [0.2, 0.8, 0.2],
    )
    for points in (*fixed, *(torch.rand(n).tolist() for n in (5, 16, 40))):
        shown = f"points {points}" if len(points) < 5 else f"{len(points)} random points"
        yield Case(shown, attempt, reference, hint, args=(list(points),), causes=causes)


@checks("06.2-best")
def _best(attempt: Any) -> Iterator[Case]:
    def reference(errors: list[float], n: int) -> float:
        m = len(errors)
        return sum(e * (((m - i) / m) ** n - ((m - i - 1) / m) ** n) for i, e in enumerate(sorted(errors)))

    def without(errors: list[float], n: int) -> float:
        m = len(errors)
        if n > m:
            return math.nan
        return sum(e * math.comb(m - i - 1, n - 1) / math.comb(m, n) for i, e in enumerate(sorted(errors)))

    causes = {
        "The errors come in any order: sort them first, the lowest one in front.": lambda e, n: sum(
            x * (((len(e) - i) / len(e)) ** n - ((len(e) - i - 1) / len(e)) ** n) for i, x in enumerate(e)
        ),
        "This is the mean of the largest: sort upwards.": lambda e, n: -reference([-x for x in e], n),
        "Drawn with replacement: the same trial may come twice.": without,
        "The lowest of n is lower than the mean.": lambda e, n: statistics.mean(e),
        "This is the lowest of all; n draws may miss it.": lambda e, n: min(e),
        "“At least the i-th” is not “the i-th”: subtract the next one.": lambda e, n: sum(
            x * ((len(e) - i) / len(e)) ** n for i, x in enumerate(sorted(e))
        ),
        "Start with i = 1 at the lowest: then (m − i + 1)/m is 1.": lambda e, n: sum(
            x * (((len(e) - i - 1) / len(e)) ** n - max((len(e) - i - 2) / len(e), 0) ** n)
            for i, x in enumerate(sorted(e))
        ),
    }
    hint = "Errors 0 and 1, two draws: the lowest is 1 only if both draws are 1, in one of four cases: 0.25."
    lists = ([0.0, 1.0], [0.3], [0.2, 0.1], [0.5, 0.1, 0.1, 0.9], torch.rand(7).tolist(), torch.rand(30).tolist())
    for errors in lists:
        for n in (1, 2, 5, 64):
            shown = f"errors {errors}, n {n}" if len(errors) < 5 else f"{len(errors)} random errors, n {n}"
            yield Case(shown, attempt, reference, hint, args=(errors, n), causes=causes)


def _epochs_run(
    curves: list[list[float]], warmup: int, *, equal: bool = False, own: bool = False, all_earlier: bool = False,
    shift: int = 1, middle: Any = statistics.median, best: bool = False,
) -> list[int]:  # fmt: skip
    ran: list[int] = []
    for number, curve in enumerate(curves):
        epochs = len(curve)
        for e in range(warmup + shift, len(curve) + 1):
            if e < 1:
                continue
            earlier = [o[e - 1] for o, n in zip(curves, ran, strict=False) if all_earlier or n >= e]
            value = min(curve[:e]) if best else curve[e - 1]
            group = [*earlier, curve[e - 1]] if own else earlier
            if number and earlier and (value > middle(group) or (equal and value == middle(group))):
                epochs = e
                break
        ran.append(epochs)
    return ran


@checks("06.2-prune")
def _prune(attempt: Any) -> Iterator[Case]:
    causes = {
        "An error that equals the median goes on: larger means >.": lambda c, w: _epochs_run(c, w, equal=True),
        "The median is over the earlier trials, without the trial itself.": lambda c, w: _epochs_run(c, w, own=True),
        "A trial that was stopped before epoch e has no error at e.": lambda c, w: _epochs_run(c, w, all_earlier=True),
        "The first look comes after epoch warmup + 1.": lambda c, w: _epochs_run(c, w, shift=0),
        "After epoch warmup + 1 the rule looks already.": lambda c, w: _epochs_run(c, w, shift=2),
        "The median was asked, not the mean.": lambda c, w: _epochs_run(c, w, middle=statistics.mean),
        "The median was asked, not the best of the earlier ones.": lambda c, w: _epochs_run(c, w, middle=min),
        "The error at e counts, not the lowest so far.": lambda c, w: _epochs_run(c, w, best=True),
        "A trial that stops after epoch e has run e epochs.": lambda c, w: [
            n - (n < len(curve)) for n, curve in zip(_epochs_run(c, w), c, strict=True)
        ],
    }
    hint = "Go trial by trial and epoch by epoch; remember how far each earlier trial got."
    cases = [
        ([[0.5, 0.4]], 0), ([[0.5, 0.4], [0.6, 0.1]], 0), ([[0.5, 0.4], [0.6, 0.1]], 1), ([[0.5, 0.4], [0.5, 0.4]], 0),
        ([[0.5, 0.4], [0.6, 0.5], [0.7, 0.6]], 2),
        ([[0.5, 0.4, 0.3], [0.6, 0.1, 0.1], [0.55, 0.35, 0.25], [0.4, 0.2, 0.2], [0.9, 0.9, 0.9]], 0),
        ([[0.2, 0.5, 0.5], [0.1, 0.9, 0.1], [0.15, 0.6, 0.2], [0.1, 0.55, 0.1]], 1),
    ]  # fmt: skip
    for trials, epochs, warmup in ((6, 4, 0), (12, 5, 1), (30, 8, 2)):
        drawn = torch.rand(trials, epochs).mul(20).round().div(20).tolist()
        cases.append(([[round(value, 2) for value in curve] for curve in drawn], warmup))
    for curves, warmup in cases:
        shown = f"curves {curves}" if len(curves) < 4 else f"{len(curves)} curves of {len(curves[0])} epochs"
        shown += f", warmup {warmup}"
        yield Case(shown, attempt, _epochs_run, hint, args=(curves, warmup), causes=causes)


class _Recorder:
    """A pretended training: remembers its calls; the error has a valley at a rate of its own for each optimizer."""

    def __init__(self, valleys: dict[str, float], noise: float) -> None:
        self.valleys, self.noise, self.calls = valleys, noise, list[tuple[Any, ...]]()

    def __call__(self, kind: str, lr: float, part: str) -> float:
        self.calls.append((kind, lr, part))
        bump = self.noise * math.sin(1e4 * math.log(lr)) if part == "validation" else 0.0
        return 0.05 + abs(math.log10(lr / self.valleys[kind])) / 10 + bump


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)


@checks("06.2-repair")
def _repair(attempt: Any) -> Iterator[Case]:
    ranges = {"SGD": (0.01, 10.0), "RMSprop": (1e-5, 1e-2)}

    def facts(run: Any, trials: int, ranges: dict[str, tuple[float, float]], noise: float) -> dict[str, Any]:
        valleys = {kind: (low * high) ** 0.5 for kind, (low, high) in ranges.items()}
        scores = [_Recorder(valleys, noise) for _ in range(3)]
        with _quiet():
            given = [run(score, trials, ranges, number) for score, number in zip(scores, (1, 1, 2), strict=True)]
        calls = scores[0].calls
        asked = [call for call in calls if call[2] == "validation"]
        tests = [call for call in calls if call[2] == "test"]
        other = _Recorder(valleys, noise)
        best = min(asked, key=lambda call: other(*call), default=("", 0.0, ""))
        inside = all(kind in ranges and ranges[kind][0] <= lr <= ranges[kind][1] for kind, lr, _ in calls)
        spread = [
            sum(lr < valleys[kind] for k, lr, _ in asked if k == kind) / max(1, sum(k == kind for k, _, _ in asked))
            for kind in ranges
        ]
        return {
            "trainings on validation": len(asked),
            "calls on test": len(tests),
            "the last call is the test": bool(calls) and calls[-1][2] == "test",
            "the test is that of the choice": [call[:2] for call in tests] == [best[:2]],
            "the result is the test error": bool(tests) and given[0] == other(*tests[0]),
            "the same seed gives the same trials": calls == scores[1].calls and given[0] == given[1],
            "another seed gives others": calls != scores[2].calls,
            "all rates are in the range of their optimizer": inside,
            "all optimizers are tried": {call[0] for call in asked} == set(ranges),
            "about half of the rates are in the lower half of the logarithmic range": all(
                0.15 <= share <= 0.85 for share in spread
            ),
        }

    good: dict[str, Any] = {
        "calls on test": 1,
        "the last call is the test": True,
        "the test is that of the choice": True,
        "the result is the test error": True,
        "the same seed gives the same trials": True,
        "another seed gives others": True,
        "all rates are in the range of their optimizer": True,
        "all optimizers are tried": True,
        "about half of the rates are in the lower half of the logarithmic range": True,
    }
    hint = (
        "Validation for the search, one test call at the end; a seed for the sampler; a rate with a name for each kind."
    )
    three = ranges | {"Adam": (1e-4, 1e-1)}
    for trials, spaces, noise in ((80, ranges, 0.0), (90, ranges, 0.02), (120, three, 0.02)):
        yield Case(
            f"{trials} trials, ranges of {', '.join(spaces)}",
            lambda t, r, n: facts(attempt, t, r, n),
            {"trainings on validation": trials, **good},
            hint,
            args=(trials, spaces, noise),
        )

    evenly = "evenly over the whole range"

    @_quiet()
    def spread(searches: int, trials: int) -> dict[str, str]:
        """Return where the rates lie, by optimizer.

        The valleys lie anywhere, so that a sampler which learns from its trials passes too. Of 750 even places the
        outer fiftieth is empty about once in a million times, and the largest distance to an even distribution
        reaches 0.1 as rarely.
        """
        chance = random.Random(5)
        found: dict[str, list[float]] = {kind: [] for kind in ranges}
        for _ in range(searches):
            valleys = {kind: low * (high / low) ** chance.random() for kind, (low, high) in ranges.items()}
            score = _Recorder(valleys, 0.02)
            attempt(score, trials, ranges, chance.randrange(10**6))
            for kind, lr, part in score.calls:
                if part == "validation":
                    low, high = ranges[kind]
                    found[kind].append(math.log(lr / low) / math.log(high / low))
        told = {}
        for kind, places in found.items():
            places.sort()
            n = len(places)
            distance = max((abs(x - (i + 0.5) / n) for i, x in enumerate(places)), default=1.0)
            if distance < 0.1 and places[0] < 0.02 and places[-1] > 0.98:
                told[kind] = evenly
            else:
                thirds = [sum(int(min(x, 0.999) * 3) == third for x in places) / max(n, 1) for third in range(3)]
                told[kind] = "{:.0%} in the lower third, {:.0%} in the middle, {:.0%} in the upper".format(*thirds)
        return told

    yield Case(
        "150 searches of 10 trials: where the rates lie on the logarithmic scale",
        spread,
        dict.fromkeys(ranges, evenly),
        "Any rate from low to high must be possible, each factor of ten as likely as the others, as with log=True.",
        args=(150, 10),
    )
