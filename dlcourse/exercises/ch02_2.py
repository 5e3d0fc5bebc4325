"""Checks of the exercises of 2.2 LeNet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from dlcourse import data
from dlcourse.exercises.harness import Case, checks, parameter_gradients
from dlcourse.train import accuracy, predict


@checks("02.2-count", forbid=("torch.nn.Module.__init__",))
def _count(attempt: Any) -> Iterator[Case]:
    side = "The side before the linear layers is (size / 2 − 4) / 2, rounded down."
    hints: dict[tuple[int, ...], str] = {
        (28, 10): "Add weights and biases of five layers; the first linear layer has 16 · 5 · 5 inputs.",
        (32, 10): "The second convolution has no padding: a side of n / 2 becomes n / 2 − 4, and pooling halves it.",
        (28, 3): "Only the last layer depends on the classes: 84 weights and one bias for each.",
        (28,): "Ten classes are the default.",
        (64, 100): side,
        **{(size, 10): "Pooling rounds down: a side of 5 becomes 2." for size in (16, 18, 22, 30, 38)},
    }
    for case, hint in hints.items():
        size, classes = (*case, 10)[:2]
        with torch.device("meta"):
            model = nn.Sequential(
                nn.Conv2d(1, 6, 5, padding=2), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.MaxPool2d(2), nn.Flatten()
            )
            features = model(torch.empty(1, 1, size, size)).shape[1]
            model.extend([nn.Linear(features, 120), nn.Linear(120, 84), nn.Linear(84, classes)])
        expected = sum(p.numel() for p in model.parameters())
        yield Case(f"size {size}, {classes} classes", attempt, expected, hint, args=case)


@checks("02.2-shift")
def _shift(attempt: Any) -> Iterator[Case]:
    hints = {
        (0, 0): "A shift by nothing returns the pictures as they are.",
        (1, 0): "Down: row i goes to row i + 1, the last row is lost, and the first becomes zero.",
        (0, 2): "Right: column j goes to column j + 2; what leaves on the right must not come back on the left.",
        (-2, 1): "Negative numbers move up or left; F.pad takes negative padding and cuts off.",
        (0, -3): "F.pad's order is left, right, top, bottom.",
        (0, 5): "A picture that is moved beyond its own width leaves only zeros; limit the shift to the side.",
        (4, -6): "A shift by the side itself leaves only zeros too.",
        (-9, 0): "A picture that is moved beyond its own height leaves only zeros; limit the shift to the side.",
    }
    for n, height, width in ((2, 5, 4), (1, 3, 6), (3, 4, 4)):
        images = torch.rand(n, 1, height, width) + 0.1
        for (down, right), hint in hints.items():
            expected = torch.zeros_like(images)
            for i in range(height):
                for j in range(width):
                    if 0 <= i + down < height and 0 <= j + right < width:
                        expected[..., i + down, j + right] = images[..., i, j]
            shown = f"pictures {tuple(images.shape)}, down {down}, right {right}"
            yield Case(shown, attempt, expected, hint, args=(images, down, right))


def _facts(layer: Any, given: tuple[nn.Conv2d, ...], *x: Tensor) -> dict[str, Any]:
    """Return what a new convolution must be: of the plain class, trainable, with numbers of its own."""
    own = {p.data_ptr() for p in layer.parameters()}
    return {
        "type": type(layer).__name__,
        "channels and kernel": (layer.in_channels, layer.out_channels, *layer.kernel_size),
        "shares memory with a given layer": any(p.data_ptr() in own for old in given for p in old.parameters()),
        "output": layer(*x).detach(),
        "gradient of the weight": parameter_gradients(layer, *x).get("weight"),
        "parameters without gradient": [name for name, g in parameter_gradients(layer, *x).items() if g is None],
    }


def _new(conv: Any) -> nn.Conv2d:
    """Return a convolution with all options of another."""
    names = ("in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation", "groups")
    options = {name: getattr(conv, name) for name in names}
    return nn.Conv2d(**options, bias=conv.bias is not None)


def _merged(a: nn.Conv2d, b: nn.Conv2d) -> nn.Conv2d:
    one = _new(a)
    one.load_state_dict({name: value + b.state_dict()[name] for name, value in a.state_dict().items()})
    return one


@checks("02.2-merge")
def _merge(attempt: Any) -> Iterator[Case]:
    cases: tuple[tuple[tuple[Any, ...], dict[str, Any], str], ...] = (
        ((2, 3, 3), {}, "Convolution is linear: add the weights, and add the biases."),
        ((1, 4, (2, 5)), {}, "Take the channels and both sides of the kernel from the given layers."),
        ((2, 3, 3), {"bias": False}, "Without a bias, `conv.bias` is None; the merged layer needs none either."),
        ((2, 3, 3), {"stride": 2, "padding": 1}, "The new layer needs the stride and the padding of the old ones."),
        ((2, 3, (3, 2)), {"stride": (1, 2), "padding": (2, 0)}, "Stride and padding have two numbers, one an axis."),
        ((4, 6, 3), {"dilation": (2, 3), "groups": 2}, "Copy the dilation, two numbers, and the groups too."),
    )
    for sizes, options, hint in cases:
        a, b = nn.Conv2d(*sizes, **options), nn.Conv2d(*sizes, **options)
        x = torch.randn(3, sizes[0], 9, 8)
        named = ", ".join(f"{key} {value}" for key, value in options.items()) or "no options"
        yield Case(
            f"two Conv2d{sizes}, {named}: the new layer",
            lambda a, b, x: _facts(attempt(a, b), (a, b), x),
            lambda a, b, x: _facts(_merged(a, b), (a, b), x),
            f"{hint} Return a new nn.Conv2d whose own parameters can be trained.",
            tolerance=1e-4,
            args=(a, b, x),
        )


def _folded(conv: nn.Conv2d, mean: float, std: float) -> nn.Conv2d:
    new = _new(conv)
    assert conv.bias is not None
    bias = conv.bias - mean / std * conv.weight.sum((1, 2, 3))
    new.load_state_dict({"weight": conv.weight / std, "bias": bias})
    return new


@checks("02.2-fold")
def _fold(attempt: Any) -> Iterator[Case]:
    hints = {
        (0.0, 2.0): "conv(x / std) has the weights divided by std and the same bias.",
        (0.5, 1.0): "conv(x − mean) loses mean times the sum of all weights of each output channel from its bias.",
        (0.13, 0.31): "Both at once: weight / std, and bias − (mean / std) · (sum of the channel's weights).",
    }
    for sizes in ((1, 4, 3), (3, 5, (2, 4)), (2, 1, 1)):
        conv, x = nn.Conv2d(*sizes), torch.rand(2, sizes[0], 6, 7)  # type: ignore[arg-type]
        for (mean, std), hint in hints.items():
            yield Case(
                f"Conv2d{sizes}, mean {mean}, std {std}: the new layer",
                lambda conv, mean, std, x: _facts(attempt(conv, mean, std), (conv,), x),
                lambda conv, mean, std, x: _facts(_folded(conv, mean, std), (conv,), x),
                f"{hint} Return a new nn.Conv2d whose own parameters can be trained.",
                tolerance=1e-4,
                args=(conv, mean, std, x),
            )


@checks("02.2-small")
def _small(attempt: Any) -> Iterator[Case]:
    hint = "The answer is the trained network itself: small_net, _ = train(make, …)."
    yield Case("small_net: is it an nn.Module?", lambda: isinstance(attempt, nn.Module), True, hint)
    hint = "Most of LeNet's parameters are in its first linear layer: make what comes in smaller, or do without it."
    count = sum(p.numel() for p in attempt.parameters())
    told = "at most 20,000"
    yield Case("its parameters", lambda: told if count <= 20_000 else f"{count:,}", told, hint)
    x, y = data.mnist(scale="quick").test.tensors
    hint = "It takes pictures (N, 1, 28, 28) and gives one score for each of ten classes, (N, 10)."
    yield Case("7 pictures: the shape of the scores", lambda: tuple(predict(attempt, x[:7]).shape), (7, 10), hint)
    told = "at least 95 %"

    def test_accuracy() -> str:
        share = accuracy(predict(attempt, x), y).item()
        return told if share >= 0.95 else f"{share:.1%}"

    hint = "Train longer or at another rate, and look at the validation accuracy first: is the input standardised?"
    yield Case("the 1,000 test digits: accuracy", test_accuracy, told, hint)
