"""Checks of the exercises of 5.2 From momentum to Adam, and the ill Adams of one of them."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dlcourse.exercises.harness import Case, checks

# --- the patients of exercise 4 -----------------------------------------------------------------------------


def _patient(illness: str) -> Callable[..., Tensor]:
    """Return Adam with one illness, as a rule of the notebook."""

    def rule(
        w: Any, g: Tensor, memory: dict[str, Any], *, lr: float = 1e-3, beta1: float = 0.9, beta2: float = 0.999,
        eps: float = 1e-8,
    ) -> Tensor:  # fmt: skip
        t = memory["t"] + (illness == "counts from 2")
        memory["v"] = beta1 * memory.get("v", 0) + (1 - beta1) * g
        memory["s"] = beta2 * memory.get("s", 0) + (1 - beta2) * g**2
        v = g if illness == "forgets v" else memory["v"] / (1 - beta1**t)
        s = memory["s"] / (1 if illness == "no correction of s" else 1 - beta2**t)
        step: Tensor = lr * v / ((s + eps).sqrt() if illness == "eps inside the root" else s.sqrt() + eps)
        return step

    return rule


_ILLNESSES = ("no correction of s", "eps inside the root", "forgets v", "counts from 2")
PATIENTS = {name: _patient(illness) for name, illness in zip("ABCD", _ILLNESSES, strict=True)}

# --- the checks ---------------------------------------------------------------------------------------------


@checks("05.2-by-hand")
def _by_hand(attempt: Any) -> Iterator[Case]:
    def run(beta: float = 0.5, lr: float = 0.25, average: bool = False, late: bool = False) -> list[float]:
        x, v, found = 8.0, 0.0, []
        for _ in range(3):
            g, old = 2 * x, v
            v = beta * v + (1 - beta if average else 1) * g
            x -= lr * (old if late else v)
            found.append(x)
        return found

    looking_ahead = [x for x in _nesterov_by_hand()]
    causes = {
        "That is gradient descent: from the second step on, half of the old velocity is added.": run(beta=0.0),
        "The gradient is 2x, not x.": [6.0, 3.5, 1.375],
        "The new gradient is added whole, not times 1 − β.": run(average=True),
        "First renew the velocity, then use it in the same step.": run(late=True),
        "Keep half of the old velocity, β = 0.5, not all of it.": run(beta=1.0),
        "That is Nesterov's step. Momentum's is lr · v.": looking_ahead,
    }
    hint = "Three times: g = 2x, then v = 0.5 v + g, then x = x − 0.25 v. The first v is 16."
    yield Case("the three steps", lambda: attempt, run(), hint, 1e-6, causes=causes, any_type=True)


def _nesterov_by_hand() -> list[float]:
    x, v, found = 8.0, 0.0, []
    for _ in range(3):
        v = 0.5 * v + 2 * x
        x -= 0.25 * (2 * x + 0.5 * v)
        found.append(x)
    return found


@checks("05.2-stable")
def _stable(attempt: Any) -> Iterator[Case]:
    def reference(lr: float, curvatures: list[float], beta: float) -> bool:
        return all(0 < lr * curvature < 2 + 2 * beta for curvature in curvatures)

    causes = {
        "With momentum the limit is 2 + 2β, not 2.": lambda lr, c, beta: all(0 < lr * x < 2 for x in c),
        "Each direction must be stable: one that is too steep is enough to explode.": lambda lr, c, beta: any(
            0 < lr * x < 2 + 2 * beta for x in c
        ),
        "A negative or zero curvature is no minimum in its direction.": lambda lr, c, beta: all(
            lr * x < 2 + 2 * beta for x in c
        ),
        "The limit is 2 + 2β; 1/(1 − β) is how far the velocity grows.": lambda lr, c, beta: all(
            0 < lr * x < 2 / (1 - beta) for x in c
        ),
        "It is the learning rate times the curvature that counts.": lambda lr, c, beta: all(
            x > 0 and 0 < lr < 2 + 2 * beta for x in c
        ),
    }
    hint = "In each direction: 0 < lr · curvature < 2 + 2β."
    trials = (
        (0.6, [0.2, 4.0], 0.0), (0.6, [0.2, 4.0], 0.25), (0.6, [0.2, 4.0], 0.15), (0.4, [0.2, 4.0], 0.0),
        (1.0, [3.9], 0.9), (1.0, [3.9], 0.97), (0.1, [1.0, -0.5], 0.9), (0.1, [1.0, 0.0], 0.5),
        (0.5, [7.0, 1.0, 0.1], 0.8), (0.01, [350.0, 2.0], 0.7), (0.01, [350.0, 2.0], 0.8), (3.0, [0.5], 0.0),
        (3.0, [0.7], 0.0), (0.2, [8.0, 16.0], 0.5), (0.2, [8.0, 14.0], 0.5),
        (0.5, [1.0, 2.0, 9.0], 0.2), (0.0, [1.0], 0.5), (1.0, [2.0], 0.0),
    )  # fmt: skip
    for lr, curvatures, beta in trials:
        shown = f"lr {lr}, curvatures {curvatures}, β {beta}"
        yield Case(shown, attempt, reference, hint, args=(lr, curvatures, beta), causes=causes)


def _gradients(seed: int, steps: int, shape: tuple[int, ...], dtype: torch.dtype) -> list[Tensor]:
    """Return gradients of very different sizes, with a mean that is not zero."""
    generator = torch.Generator().manual_seed(seed)
    scale = torch.logspace(-2, 1, math.prod(shape)).view(shape)
    return [(scale * (torch.randn(shape, generator=generator) + 0.5)).to(dtype) for _ in range(steps)]


def _walk(rule: Any, gradients: list[Tensor], settings: dict[str, float]) -> Tensor:
    """Return the steps of a rule, one row each. Two tensors with memories of their own take turns."""
    memories: list[dict[str, Any]] = [{"t": 0}, {"t": 0}]
    found = []
    for i, gradient in enumerate(gradients):
        memory = memories[i % 3 == 2]
        memory["t"] += 1
        given = gradient.clone()
        weight = torch.ones_like(gradient)
        step = rule(weight, given, memory, **settings)
        if not isinstance(step, Tensor):
            raise TypeError("the rule must return the step, a tensor like g.")
        if not torch.equal(given, gradient):
            raise ValueError("the rule changed the gradient.")
        if not torch.equal(weight, torch.ones_like(gradient)):
            raise ValueError("the rule changed the weight; it returns the step, and the optimizer takes it.")
        found.append(step.clone())
        given.zero_()  # as zero_grad(set_to_none=False) does
    return torch.stack(found)


def _rule_cases(attempt: Any, reference: Any, hint: str, causes: dict[str, Any], trials: Any) -> Iterator[Case]:
    for seed, steps, shape, settings in trials:
        dtype = torch.float64 if seed % 2 else torch.float32
        gradients = _gradients(seed, steps, shape, dtype)
        told = ", ".join(f"{name} {value:g}" for name, value in settings.items()) or "the default values"
        shown = f"{steps} step{'s' if steps > 1 else ''} with {told}"
        wrong = {text: lambda g, s, rule=rule: _walk(rule, g, s) for text, rule in causes.items()}
        yield Case(
            shown, lambda g, s: _walk(attempt, g, s), lambda g, s: _walk(reference, g, s), hint, 1e-4,
            args=(gradients, settings), causes=wrong,
        )  # fmt: skip


@checks("05.2-centered")
def _centered(attempt: Any) -> Iterator[Case]:
    def rule(kind: str) -> Any:
        def step(  # type: ignore[no-untyped-def]
            w: Any, g: Tensor, memory: dict[str, Any], *, lr=0.01, gamma=0.99, eps=1e-8
        ):
            memory["s"] = gamma * memory.get("s", 0) + (1 - gamma) * g**2
            memory["m"] = gamma * memory.get("m", 0) + (1 - gamma) * g
            s, m = memory["s"], memory["m"]
            if kind == "plain":
                return lr * g / (s.sqrt() + eps)
            if kind == "not squared":
                return lr * g / ((s - m).sqrt() + eps)
            if kind == "inside":
                return lr * g / (s - m**2 + eps).sqrt()
            if kind == "mean":
                return lr * m / ((s - m**2).sqrt() + eps)
            if kind == "shifted":
                return lr * (g - m) / ((s - m**2).sqrt() + eps)
            if kind == "no root":
                return lr * g / (s - m**2 + eps)
            return lr * g / ((s - m**2).sqrt() + eps)

        return step

    causes = {
        "That is RMSProp itself: take the square of the mean m away from s.": rule("plain"),
        "m is squared before it is taken away.": rule("not squared"),
        "ε stands outside of the root.": rule("inside"),
        "Above the line stands the gradient g, not its mean.": rule("mean"),
        "Only the divisor is centered; above the line stands g.": rule("shifted"),
        "Take the root of s − m².": rule("no root"),
    }
    hint = "s: recent mean of g²; m: recent mean of g, same γ; step = lr · g / (√(s − m²) + ε)."
    trials: Any = (
        (0, 1, (3,), {}), (1, 2, (2, 3), {}), (2, 6, (4,), {"gamma": 0.9}), (3, 12, (2, 2), {"lr": 0.5, "gamma": 0.8}),
        (4, 5, (3,), {"eps": 0.1}), (5, 9, (1,), {"lr": 0.2, "gamma": 0.5, "eps": 1.0}),
    )  # fmt: skip
    yield from _rule_cases(attempt, rule("right"), hint, causes, trials)


@checks("05.2-patients")
def _patients(attempt: Any) -> Iterator[Case]:
    words = {
        "A": "The very first step is wrong; the factor says whose correction is missing: 0.1 or 1/√0.001.",
        "B": "Try a tiny gradient, such as 0.000001: what is ε compared with √s, and with s?",
        "C": "Try gradients that change their sign: a healthy velocity nearly cancels out.",
        "D": "The first step for g = 1 is 0.744, and later ones come close to 1. Which t gives that?",
    }
    if not isinstance(attempt, tuple) or len(attempt) != 4:
        raise TypeError("give one name of an illness for each of A, B, C and D.")
    for name, given, illness in zip("ABCD", attempt, _ILLNESSES, strict=True):
        text = " ".join(given.split()).strip(".").lower() if isinstance(given, str) else given
        yield Case(f"patient {name}", lambda text=text: text, illness, words[name])


@checks("05.2-adamax")
def _adamax(attempt: Any) -> Iterator[Case]:
    def rule(kind: str) -> Any:
        def step(  # type: ignore[no-untyped-def]
            w: Any, g: Tensor, memory: dict[str, Any], *, lr=2e-3, beta1=0.9, beta2=0.999, eps=1e-8
        ):
            t, old = memory["t"], memory.get("u", torch.zeros_like(g))
            memory["v"] = beta1 * memory.get("v", 0) + (1 - beta1) * g
            size = {"squares": g**2, "signed": g}.get(kind, g.abs())
            memory["u"] = torch.maximum(old if kind == "no decay" else beta2 * old, size)
            u = memory["u"] / (1 - beta2**t if kind == "corrected" else 1)
            u = u.sqrt() if kind == "squares" else u
            u = u.max() if kind == "one for all" else u
            return lr / (1 if kind == "not corrected" else 1 - beta1**t) * memory["v"] / (u + eps)

        return step

    causes = {
        "u needs no correction: the first u is |g| itself.": rule("corrected"),
        "v needs its correction, 1 − β₁ᵗ.": rule("not corrected"),
        "The old u fades: it is multiplied by β₂ before the maximum.": rule("no decay"),
        "Take the size |g|, not g.": rule("signed"),
        "There are no squares and no root here: u is compared with |g|.": rule("squares"),
        "Each number of the tensor has its own u: torch.maximum, not .max().": rule("one for all"),
    }
    hint = "v as in Adam; u = maximum(β₂ · u, |g|); step = lr / (1 − β₁ᵗ) · v / (u + ε). t is memory['t']."
    trials: Any = (
        (0, 1, (3,), {}), (1, 2, (2, 3), {}), (2, 8, (4,), {"beta2": 0.5}), (3, 12, (2, 2), {"lr": 0.5, "beta1": 0.5}),
        (4, 5, (3,), {"eps": 0.1}), (5, 10, (1,), {"lr": 0.2, "beta1": 0.0, "beta2": 0.9}),
    )  # fmt: skip
    yield from _rule_cases(attempt, rule("right"), hint, causes, trials)


@checks("05.2-resume")
def _resume(attempt: Any) -> Iterator[Case]:
    def kind_of(name: str) -> Callable[[], tuple[nn.Module, Any, Any]]:
        def make() -> tuple[nn.Module, Any, Any]:
            net = nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 2))  # other weights at each call
            if name == "Adam":
                optimizer: Any = torch.optim.Adam(net.parameters(), lr=0.1)
                return net, optimizer, torch.optim.lr_scheduler.StepLR(optimizer, 3, 0.5)
            if name == "momentum":
                optimizer = torch.optim.SGD(net.parameters(), lr=0.2, momentum=0.9)
                return net, optimizer, torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.8)
            optimizer = torch.optim.AdamW(net.parameters(), lr=0.1)
            return net, optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, (step + 1) / 8))

        return make

    def step_on(parts: Any, batches: Any, order: str = "right") -> nn.Module:
        net, optimizer, scheduler = parts
        for x, y in batches:
            if order != "gradients stay":
                optimizer.zero_grad()
            F.cross_entropy(net(x), y).backward()
            optimizer.step()
            if order != "no schedule":
                scheduler.step()
        result: nn.Module = net
        return result

    def resumed(args: Any, without: str = "", order: str = "right") -> dict[str, Tensor]:
        make, saved, batches = args
        parts = make()
        for name, part in zip(_PARTS, parts, strict=True):
            if name != without:
                part.load_state_dict(saved[name])
        return _weights(step_on(parts, batches, order))

    causes = {
        "The network starts from new weights: load saved['net'].": lambda *a: resumed(a, without="net"),
        "The optimizer has lost its memory: load saved['optimizer'].": lambda *a: resumed(a, without="optimizer"),
        "The schedule starts anew: load saved['scheduler'].": lambda *a: resumed(a, without="scheduler"),
        "One scheduler.step() for each batch, after optimizer.step().": lambda *a: resumed(a, order="no schedule"),
        "Gradients add up: zero_grad before each backward.": lambda *a: resumed(a, order="gradients stay"),
    }
    hint = "Load three states; for each batch: zero_grad, backward, optimizer.step(), scheduler.step()."
    trials = (("Adam", 4, 5), ("momentum", 3, 6), ("warm-up", 5, 4), ("Adam", 1, 1))
    for number, (name, before, after) in enumerate(trials):
        generator = torch.Generator().manual_seed(number)
        batches = [
            (torch.randn(8, 3, generator=generator), torch.randint(2, (8,), generator=generator))
            for _ in range(before + after)
        ]
        make = _Seeded(kind_of(name), number)
        parts = make()
        step_on(parts, batches[:before])
        saved = {key: copy.deepcopy(part.state_dict()) for key, part in zip(_PARTS, parts, strict=True)}
        yield Case(
            f"{name}, stopped after {before} of {before + after} batches",
            lambda make, saved, batches: _weights(attempt(make, saved, batches)),
            _weights(step_on(parts, batches[before:])),
            hint, 0.0, args=(_Seeded(kind_of(name), number + 50), saved, batches[before:]), causes=causes,
            in_place=True,  # an optimizer may take the saved tensors as its own
        )  # fmt: skip


_PARTS = ("net", "optimizer", "scheduler")


class _Seeded:
    """``make`` with new weights that are the same for the answer and for each known cause."""

    def __init__(self, make: Callable[[], Any], seed: int) -> None:
        self.make, self.seed = make, seed

    def __call__(self) -> Any:
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(self.seed)
            return self.make()


def _weights(net: Any) -> dict[str, Tensor]:
    if not isinstance(net, nn.Module):
        raise TypeError("the function must return the network.")
    return {name: p.detach().clone() for name, p in net.named_parameters()}
