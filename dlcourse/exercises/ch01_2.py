"""Checks of the exercises of 1.2 Neural networks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from dlcourse.exercises.harness import Case, checks


@checks("01.2-count")
def _count(attempt: Any) -> Iterator[Case]:
    hint = "A layer from a to b numbers has a·b weights and one bias for each output; add up over neighbouring sizes."
    for sizes, expected in (([2, 3], 9), ([784, 256, 10], 203530), ([2, 32, 32, 3], 1251), ([1, 1, 1, 1], 6)):
        yield Case(f"sizes {sizes}", lambda sizes=sizes: attempt(list(sizes)), expected, hint)


@checks("01.2-smoothing")
def _smoothing(attempt: Any) -> Iterator[Case]:
    logits, target = torch.randn(6, 4), torch.tensor([0, 1, 2, 3, 1, 1])
    hints = {
        0.0: "Without smoothing it is the usual cross-entropy: a mean over the examples, from log-probabilities.",
        0.1: "All K classes share ε, the true one too: it has 1 − ε + ε/K, each other one ε/K.",
        1.0: "At ε = 1 every class has the target 1/K, whatever the label is.",
    }
    for smoothing, hint in hints.items():
        yield Case(
            f"smoothing {smoothing}, logits of shape (6, 4)",
            lambda smoothing=smoothing: attempt(logits.clone(), target.clone(), smoothing),
            F.cross_entropy(logits, target, label_smoothing=smoothing),
            hint,
        )
    yield Case(
        "the default smoothing, two classes",
        lambda: attempt(logits[:2, :2].clone(), target[:2].clone()),
        F.cross_entropy(logits[:2, :2], target[:2], label_smoothing=0.1),
        "The number of classes is the second dimension of the logits; the default smoothing is 0.1.",
    )
    far = torch.tensor([[0.0, 200.0, 0.0]])
    yield Case(
        "logits 0, 200, 0 with class 0",
        lambda: attempt(far.clone(), torch.tensor([0]), 0.1),
        F.cross_entropy(far, torch.tensor([0]), label_smoothing=0.1),
        "Take the logarithm of the softmax with logsumexp, not log after softmax: e^−200 is 0 in float32.",
    )


@checks("01.2-momentum")
def _momentum(attempt: Any) -> Iterator[Case]:
    start, gradients = torch.tensor([1.0, -2.0]), torch.tensor([[0.5, 1.0], [-1.0, 2.0], [0.25, 0.5]])

    def mine(steps: int, lr: float, momentum: float) -> tuple[Tensor, Tensor]:
        w, v = start.clone(), torch.zeros(2)
        for gradient in gradients[:steps]:
            w, v = attempt(w, gradient.clone(), v, lr, momentum)
        return w, v

    def reference(steps: int, lr: float, momentum: float) -> tuple[Tensor, Tensor]:
        w = start.clone().requires_grad_()
        optimizer = torch.optim.SGD([w], lr=lr, momentum=momentum)
        for gradient in gradients[:steps]:
            w.grad = gradient.clone()
            optimizer.step()
        return w.detach(), optimizer.state[w]["momentum_buffer"]

    hints = {
        1: "With v = 0 the first step is a plain SGD step, and the new velocity is the gradient itself.",
        2: "The old velocity is multiplied by the momentum; the gradient is added whole; lr scales only w's move.",
        3: "Move w by the new velocity, not by the old one and not by the gradient.",
    }
    for steps, hint in hints.items():
        yield Case(
            f"{steps} step(s), lr 0.2, momentum 0.5",
            lambda steps=steps: mine(steps, 0.2, 0.5),
            reference(steps, 0.2, 0.5),
            hint,
        )

    def arguments_after() -> tuple[Tensor, Tensor]:
        w, v = start.clone(), torch.ones(2)
        attempt(w, gradients[0].clone(), v)
        return w, v

    yield Case(
        "w and v of the caller, after a step",
        arguments_after,
        (start, torch.ones(2)),
        "Operations such as v *= momentum change the caller's tensor; make new tensors.",
    )


@checks("01.2-mean")
def _mean(attempt: Any) -> Iterator[Case]:
    yield Case(
        "losses [1.0, 3.0], sizes [64, 64]",
        lambda: attempt([1.0, 3.0], [64, 64]),
        2.0,
        "Divide by the number of examples at the end, once.",
    )
    yield Case(
        "losses [1.0, 3.0], sizes [3, 1]",
        lambda: attempt([1.0, 3.0], [3, 1]),
        1.5,
        "A batch of three examples counts three times as much as a batch of one.",
    )
    yield Case(
        "losses [0.5], sizes [7]",
        lambda: attempt([0.5], [7]),
        0.5,
        "The mean of one batch is the loss of that batch: its sum over examples divided by their number.",
    )


@checks("01.2-residual")
def _residual(attempt: Any) -> Iterator[Case]:
    torch.manual_seed(1)
    x = torch.randn(5, 4)
    yield Case(
        "Residual(4): the number of parameters",
        lambda: sum(p.numel() for p in attempt(4).parameters()),
        2 * (4 + 1) * 4,
        "Two linear layers with bias, stored as attributes after super().__init__().",
    )
    yield Case(
        "a new Residual(4), its output for x of shape (5, 4)",
        lambda: attempt(4)(x).detach(),
        x,
        "A new block returns x itself: start second's weight and bias at zero, and add x at the end.",
    )

    def filled() -> Tensor:
        block = attempt(4)
        generator = torch.Generator().manual_seed(2)
        with torch.no_grad():
            for layer in (block.first, block.second):
                layer.weight.copy_(torch.randn(4, 4, generator=generator))
                layer.bias.copy_(torch.randn(4, generator=generator))
        result: Tensor = block(x).detach()
        return result

    generator = torch.Generator().manual_seed(2)
    w1, b1, w2, b2 = (torch.randn(*shape, generator=generator) for shape in ((4, 4), (4,), (4, 4), (4,)))
    yield Case(
        "Residual(4) with given weights",
        filled,
        x + F.relu(x @ w1.T + b1) @ w2.T + b2,
        "The order is first, ReLU, second, then add the untouched x; no ReLU after the sum.",
    )
