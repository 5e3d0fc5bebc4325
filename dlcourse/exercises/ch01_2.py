"""Checks of the exercises of 1.2 Neural networks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dlcourse.exercises.harness import Case, checks, parameter_gradients, parameter_shapes


@checks("01.2-count", forbid=("torch.nn.Linear", "torch.nn.Sequential"))
def _count(attempt: Any) -> Iterator[Case]:
    hint = "A layer from a to b numbers has a·b weights and one bias for each output; add up over neighbouring sizes."
    causes = {
        "Each layer has a bias for each of its outputs.": lambda sizes: sum(map(int.__mul__, sizes, sizes[1:])),
        "A layer has one bias for each output, not for each input.": lambda sizes: sum(
            a * (b + 1) for a, b in zip(sizes, sizes[1:], strict=False)
        ),
    }
    for sizes, expected in (([2, 3], 9), ([784, 256, 10], 203530), ([2, 32, 32, 3], 1251), ([7, 5, 3, 2, 1], 69)):
        yield Case(f"sizes {sizes}", attempt, expected, hint, args=(sizes,), causes=causes)


@checks("01.2-smoothing", forbid=("torch.nn.functional.cross_entropy",))
def _smoothing(attempt: Any) -> Iterator[Case]:
    def reference(logits: Tensor, target: Tensor, smoothing: float = 0.1) -> Tensor:
        return F.cross_entropy(logits, target, label_smoothing=smoothing)

    hints = {
        0.0: "Without smoothing it is the usual cross-entropy: a mean over the examples, from log-probabilities.",
        0.1: "All K classes share ε, the true one too: it has 1 − ε + ε/K, each other one ε/K.",
        1.0: "At ε = 1 every class has the target 1/K, whatever the label is.",
    }
    causes = {"The loss is the mean over the examples, not their sum.": lambda x, y, *s: len(x) * reference(x, y, *s)}
    for n, k in ((6, 4), (1, 3), (5, 2), (3, 7)):
        logits, target = 2 * torch.randn(n, k), torch.randint(0, k, (n,))
        for smoothing, hint in hints.items():
            shown = f"smoothing {smoothing}, logits of shape {(n, k)}"
            args = (logits, target, smoothing)
            yield Case(shown, attempt, reference, hint, args=args, gradient=(0,), causes=causes)
    hint = "The number of classes is the second dimension of the logits; the default smoothing is 0.1."
    yield Case("the default smoothing", attempt, reference, hint, args=(logits, target), gradient=(0,))
    far = torch.tensor([[0.0, 200.0, 0.0]])
    hint = "Take the logarithm of the softmax with logsumexp, not log after softmax: e^−200 is 0 in float32."
    args = (far, torch.tensor([0]), 0.1)
    yield Case("logits 0, 200, 0 with class 0", attempt, reference, hint, args=args, gradient=(0,))


@checks("01.2-momentum")
def _momentum(attempt: Any) -> Iterator[Case]:
    def mine(w: Tensor, gradients: Tensor, v: Tensor, *options: float) -> Any:
        for gradient in gradients:
            w, v = attempt(w, gradient, v, *options)
        return w, v

    def reference(w: Tensor, gradients: Tensor, v: Tensor, lr: float = 0.1, momentum: float = 0.9) -> Any:
        for gradient in gradients:
            v = momentum * v + gradient
            w = w - lr * v
        return w, v

    hints = {
        1: "With v = 0 the first step is a plain SGD step, and the new velocity is the gradient itself.",
        2: "The old velocity is multiplied by the momentum; the gradient is added whole; lr scales only w's move.",
        3: "Move w by the new velocity, not by the old one and not by the gradient.",
    }
    for shape in ((2,), (3, 2), ()):
        for steps, hint in hints.items():
            args = (torch.randn(shape), torch.randn(steps, *shape), torch.zeros(shape), 0.2, 0.5)
            shown = f"{steps} step{'s' if steps > 1 else ''}, w of shape {shape}, lr 0.2, momentum 0.5"
            yield Case(shown, mine, reference, hint, args=args)
    w, g, v = torch.randn(3, 4, 1)
    shown, hint = "one step with the defaults, from a velocity", "The defaults are lr 0.1 and momentum 0.9."
    yield Case(shown, attempt, reference(w, g[None], v), hint, args=(w, g, v))


@checks("01.2-mean")
def _mean(attempt: Any) -> Iterator[Case]:
    hints = [
        ([1.0, 3.0], [64, 64], 2.0, "Divide by the number of examples at the end, once."),
        ([1.0, 3.0], [3, 1], 1.5, "A batch of three examples counts three times as much as a batch of one."),
        ([0.5], [7], 0.5, "The mean of one batch is the loss of that batch."),
        ([1.0, 2.0, 4.0], [2, 5, 1], 2.0, "Every batch counts by its own size, not only the last: 16 / 8."),
        ([2.0, 0.0, 0.0, 1.0], [1, 4, 2, 3], 0.5, "Every batch counts by its own size, also one of loss 0: 5 / 10."),
    ]
    causes = {"Are all batches counted alike? A larger batch counts more.": lambda x, n: sum(x) / len(x)}
    for losses, sizes, mean, hint in hints:
        shown = f"losses {losses}, sizes {sizes}"
        yield Case(shown, attempt, mean, hint, args=(losses, sizes), causes=causes, any_type=True)
    losses, sizes = torch.rand(5).tolist(), torch.randint(1, 65, (5,)).tolist()
    mean = sum(loss * size for loss, size in zip(losses, sizes, strict=True)) / sum(sizes)
    hint = "Add up loss · size over all batches, and divide by the sum of the sizes."
    yield Case("five random batches", attempt, mean, hint, args=(losses, sizes), causes=causes, any_type=True)


class _Watched(nn.Module):
    """A small model with batch normalisation, which knows its mode, and notes the mode of each call."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 3))
        self.calls: set[str] = set()

    def forward(self, X: Tensor) -> Tensor:
        mode = "training" if self.training else "evaluation"
        self.calls.add(f"{mode} mode {'with' if torch.is_grad_enabled() else 'without'} a graph")
        logits: Tensor = self.layers(X)
        return logits


@checks("01.2-loop", forbid=("dlcourse.train.fit", "dlcourse.train.evaluate"))
def _loop(attempt: Any) -> Iterator[Case]:
    def reference(model: Any, train: Any, validation: Any, epochs: int, lr: float = 0.1) -> list[float]:
        optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
        losses: list[float] = []
        for _ in range(epochs):
            model.train()
            for X, y in train:
                optimizer.zero_grad()
                F.cross_entropy(model(X), y).backward()
                optimizer.step()
            model.eval()
            with torch.no_grad():
                total = sum(F.cross_entropy(model(X), y).item() * len(y) for X, y in validation)
            losses.append(total / sum(len(y) for _, y in validation))
            if losses[-1] == min(losses):
                best = {name: value.clone() for name, value in model.state_dict().items()}
        model.load_state_dict(best)
        return losses

    def batches(*sizes: int) -> list[tuple[Tensor, Tensor]]:
        return [(torch.randn(n, 2), torch.randint(0, 3, (n,))) for n in sizes]

    def weights(run: Any) -> Any:
        def after(model: Any, *args: Any) -> dict[str, Tensor]:
            run(model, *args)
            return {name: value.clone() for name, value in model.state_dict().items()}

        return after

    def calls(model: Any, *args: Any) -> list[str]:
        attempt(model, *args)
        return sorted(model.calls)

    def data(run: Any) -> Any:
        def after(model: Any, train: Any, validation: Any, *args: Any) -> list[Any]:
            run(model, train, validation, *args)
            return [list(pair) for pair in [*train, *validation]]

        return after

    loss = "The validation loss is a mean over the examples of all batches, one number for each epoch."
    hints = {
        "one training batch, one epoch": "A step: zero_grad, forward, backward, step. Then measure the new weights.",
        "three training batches, one epoch": "Each batch is a step with fresh gradients, in training mode; one "
        "optimizer for all, with momentum 0.9.",
        "three epochs": "Each epoch starts in training mode again, with the same optimizer: it holds the velocities.",
    }
    train, validation = batches(8, 5, 3), batches(7, 2)
    for (shown, hint), (part, epochs) in zip(hints.items(), ((train[:1], 1), (train, 1), (train, 3)), strict=True):
        args = (_Watched().eval(), part, validation, epochs, 0.05)
        yield Case(
            f"{shown}, the validation losses", attempt, reference, f"{hint} {loss}", 1e-4, args=args, in_place=True
        )
        shown = f"{shown}, the model afterwards"
        yield Case(shown, weights(attempt), weights(reference), hint, 1e-4, args=args, in_place=True)
    modes = ["evaluation mode without a graph", "training mode with a graph"]
    hint = "Training: model.train(). Validation: model.eval(), and torch.no_grad() around it."
    yield Case("the calls of the model", calls, modes, hint, args=args, in_place=True)
    yield Case("the batches afterwards", data(attempt), data(lambda *_: None), "Leave X and y as they are.", args=args,
               in_place=True)  # fmt: skip
    hint = "The model ends with its best weights, not with its last ones: copy them (copy.deepcopy), and load the copy."
    args = (_Watched(), batches(4, 4), batches(30), 8, 1.0)  # the labels are noise: it gets worse
    yield Case("a run that gets worse, the losses", attempt, reference, loss, 1e-3, args=args, in_place=True)
    yield Case("a run that gets worse, the model", weights(attempt), weights(reference), hint, 1e-3, args=args,
               in_place=True)  # fmt: skip
    hint = "The default of lr is 0.1."
    yield Case("the default learning rate", attempt, reference, hint, 1e-4, args=(_Watched(), train, validation, 2),
               in_place=True)  # fmt: skip


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = x + self.second(F.relu(self.first(x)))
        return y


@checks("01.2-residual")
def _residual(attempt: Any) -> Iterator[Case]:
    def filled(block: Any) -> Any:
        """Return the block with weights that depend on its width alone."""
        generator = torch.Generator().manual_seed(2)
        with torch.no_grad():
            for layer in (block.first, block.second):
                for parameter in (layer.weight, layer.bias):
                    parameter.copy_(torch.randn(parameter.shape, generator=generator))
        return block

    def shares() -> bool:
        one, other = attempt(3), attempt(3)
        return bool({id(p) for p in one.parameters()} & {id(p) for p in other.parameters()})

    def learns(x: Tensor) -> bool:
        gradient = parameter_gradients(attempt(x.shape[-1]), x)["second.weight"]
        return gradient is not None and bool(gradient.any())

    names = "Two nn.Linear(width, width) with bias, stored as self.first and self.second after super().__init__(). \
Both are trained: none is frozen."
    for width in (4, 3):
        shapes = {
            f"{name}.{part}": shape
            for name in ("first", "second")
            for part, shape in (("weight", (width, width)), ("bias", (width,)))
        }
        shown = f"Residual({width}), its trainable parameters"
        yield Case(shown, lambda width=width: parameter_shapes(attempt(width)), shapes, names)
    yield Case("two blocks, whether they share parameters", shares, False, "Make the layers in __init__.")
    new = "A new block returns x itself: start second's weight and bias at zero, and add x at the end."
    order = "The order is first, ReLU, second, then add the untouched x; no ReLU after the sum."
    for shape in ((5, 4), (1, 3), (2, 3, 6)):
        x, width = torch.randn(shape), shape[-1]
        shown = f"x of shape {shape}"
        yield Case(
            f"a new Residual({width}), {shown}", lambda x: attempt(x.shape[-1])(x), lambda x: x.clone(), new,
            args=(x,), gradient=True,
        )  # fmt: skip
        yield Case(
            f"Residual({width}) with given weights, {shown}",
            lambda x: filled(attempt(x.shape[-1]))(x),
            lambda x: filled(_Residual(x.shape[-1]))(x),
            order,
            args=(x,),
            gradient=True,
        )
        yield Case(
            f"the gradients of its parameters, {shown}",
            lambda x: parameter_gradients(filled(attempt(x.shape[-1])), x),
            lambda x: parameter_gradients(filled(_Residual(x.shape[-1])), x),
            "Both layers learn: nothing on the way is detached.",
            1e-4,
            args=(x,),
        )
    hint = "Only second starts at zero. If first does too, no gradient ever reaches the weights."
    yield Case(
        "a new Residual(6), whether second's weight gets a gradient", learns, True, hint, args=(torch.randn(32, 6),)
    )
