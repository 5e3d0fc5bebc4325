"""Checks of the exercises of 2.2 LeNet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from dlcourse.exercises.harness import Case, checks, parameter_gradients, parameter_shapes


@checks("02.2-count", forbid=tuple(f"torch.nn.{name}" for name in ("Conv2d", "Linear", "LazyConv2d", "LazyLinear")))
def _count(attempt: Any) -> Iterator[Case]:
    def reference(size: int, classes: int = 10) -> int:
        with torch.device("meta"):
            model = nn.Sequential(
                nn.Conv2d(1, 6, 5, padding=2), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.MaxPool2d(2), nn.Flatten()
            )
            features = model(torch.empty(1, 1, size, size)).shape[1]
            model.extend([nn.Linear(features, 120), nn.Linear(120, 84), nn.Linear(84, classes)])
        return sum(p.numel() for p in model.parameters())

    rounding = "Pooling rounds down: a side of 7 becomes 3, one of 5 becomes 2."
    hints = {
        (28, 10): "Add weights and biases of five layers; the first linear layer has 16 · 5 · 5 inputs.",
        (32, 10): "The second convolution has no padding: a side of n / 2 becomes n / 2 − 4, and pooling halves it.",
        (28, 3): "Only the last layer depends on the classes: 84 weights and one bias for each.",
        (64, 100): "The side before the linear layers is (size / 2 − 4) / 2, rounded down.",
        **dict.fromkeys([(18, 10), (22, 10), (30, 7), (38, 2)], rounding),
        (32,): "The default number of classes is 10.",
        (16, 1): "The smallest picture has a side of 2 before the linear layers.",
    }
    hints |= {(size, size // 2): rounding for size in range(16, 80, 2)}
    for args, hint in hints.items():
        shown = f"size {args[0]}, {f'{args[1]} classes' if len(args) > 1 else 'classes by default'}"
        yield Case(shown, attempt, reference, hint, args=args)


@checks("02.2-shift")
def _shift(attempt: Any) -> Iterator[Case]:
    def reference(images: Tensor, down: int, right: int) -> Tensor:
        height, width = images.shape[-2:]
        moved = torch.zeros_like(images)
        for i in range(max(down, 0), height + min(down, 0)):
            for j in range(max(right, 0), width + min(right, 0)):
                moved[..., i, j] = images[..., i - down, j - right]
        return moved

    hints = {
        (0, 0): "A shift by nothing returns the pictures as they are.",
        (1, 0): "Down: row i goes to row i + 1, the last row is lost, and the first becomes zero.",
        (0, 2): "Right: column j goes to column j + 2; what leaves on the right must not come back on the left.",
        (-2, 1): "Negative numbers move up or left: the zeros come in from below or from the right.",
        (0, -3): "F.pad's order is left, right, top, bottom.",
        (-1, -1): "Up and left: the last row and the last column become zero.",
        **dict.fromkeys(
            [(5, 0), (0, 5), (-9, 1), (1, -4), (12, -12)],
            "A shift by the side or more leaves only zeros; F.pad refuses to cut off more than there is.",
        ),
    }
    causes = {
        "What leaves on one side must not come back on the other.": lambda x, down, right: x.roll(
            (down, right), (2, 3)
        ),
        "Are rows and columns mixed up? `down` moves along H.": lambda x, down, right: reference(x, right, down),
        "Is the sign turned round? Positive numbers move down and right.": lambda x, down, right: reference(
            x, -down, -right
        ),
    }
    for shape in ((2, 1, 5, 4), (1, 1, 3, 6), (3, 1, 7, 7), (5, 1, 1, 2)):
        images = torch.rand(shape) + 0.1
        for (down, right), hint in hints.items():
            shown = f"pictures {shape}, down {down}, right {right}"
            yield Case(shown, attempt, reference, hint, args=(images, down, right), causes=causes)


@checks("02.2-merge")
def _merge(attempt: Any) -> Iterator[Case]:
    def reference(a: nn.Conv2d, b: nn.Conv2d) -> nn.Conv2d:
        options: dict[str, Any] = {name: getattr(a, name) for name in ("stride", "padding", "dilation", "groups")}
        one = nn.Conv2d(a.in_channels, a.out_channels, _sides(a), bias=a.bias is not None, **options)
        one.weight = nn.Parameter(a.weight + b.weight)
        if a.bias is not None and b.bias is not None:
            one.bias = nn.Parameter(a.bias + b.bias)
        return one

    several: list[tuple[tuple[Any, ...], dict[str, Any], str]] = [
        ((2, 3, 3), {}, "Convolution is linear: add the weights, and add the biases."),
        ((3, 5, (2, 4)), {}, "Take the channels and both sides of the kernel from the given layers."),
        ((2, 3, 3), {"bias": False}, "Without a bias, `conv.bias` is None."),
        ((2, 3, 3), {"stride": 2, "padding": 1}, "The new layer needs the stride and the padding of the old ones."),
        ((1, 4, 3), {"stride": (1, 2), "padding": (2, 0)}, "Stride and padding may differ for rows and columns."),
        ((2, 2, (3, 2)), {"dilation": (1, 3)}, "The new layer needs the dilation of the old ones."),
        ((4, 6, 3), {"groups": 2}, "The new layer needs the groups of the old ones."),
    ]
    for sizes, options, hint in several:
        a, b = nn.Conv2d(*sizes, **options), nn.Conv2d(*sizes, **options)
        named = f"two Conv2d{sizes}, {', '.join(f'{key} {value}' for key, value in options.items()) or 'no options'}"
        for n in (4, 1):
            yield from _layer(named, attempt, reference, (a, b), torch.randn(n, sizes[0], 8, 7), hint)


@checks("02.2-fold")
def _fold(attempt: Any) -> Iterator[Case]:
    def reference(conv: nn.Conv2d, mean: float, std: float) -> nn.Conv2d:
        new = nn.Conv2d(conv.in_channels, conv.out_channels, _sides(conv))
        assert conv.bias is not None
        new.weight = nn.Parameter(conv.weight / std)
        new.bias = nn.Parameter(conv.bias - mean / std * conv.weight.sum((1, 2, 3)))
        return new

    hints = {
        (0.0, 2.0): "conv(x / std) has the weights divided by std and the same bias.",
        (0.5, 1.0): "conv(x − mean) loses mean times the sum of all weights of each output channel from its bias.",
        (0.13, 0.31): "Both at once: weight / std, and bias − (mean / std) · (sum of the channel's weights).",
        (-2.0, 0.5): "A mean may be negative: bias − (mean / std) · (sum of the channel's weights).",
    }
    for sizes, n in (((1, 4, 3), 2), ((3, 4, 3), 1), ((2, 5, (2, 4)), 3), ((1, 1, 1), 2), ((4, 2, (5, 1)), 1)):
        conv, x = nn.Conv2d(*sizes), torch.rand(n, sizes[0], 6, 7)
        for (mean, std), hint in hints.items():
            yield from _layer(f"Conv2d{sizes}, mean {mean}, std {std}", attempt, reference, (conv, mean, std), x, hint)


def _layer(shown: str, attempt: Any, reference: Any, args: tuple[Any, ...], x: Tensor, hint: str) -> Iterator[Case]:
    """Yield the cases of a task whose answer makes an ``nn.Conv2d`` of ``args`` that computes as ``reference``'s does."""

    def kind(*args: Any) -> dict[str, Any]:
        layer = attempt(*args)
        names = ("in_channels", "out_channels", "kernel_size")
        return {"an nn.Conv2d": isinstance(layer, nn.Conv2d)} | {name: getattr(layer, name, None) for name in names}

    def frozen(*args: Any) -> list[str]:
        layer = attempt(*args)
        wanted, found = (parameter_shapes(module) for module in (reference(*args), layer))
        return [name for name in wanted if found.get(name) != wanted[name]]

    def shared(*args: Any) -> list[str]:
        given = {p.data_ptr() for module in args if isinstance(module, nn.Module) for p in module.parameters()}
        return [name for name, p in attempt(*args).named_parameters() if p.data_ptr() in given]

    def gradients(make: Any) -> Any:
        return lambda *args: {
            name: gradient
            for name, gradient in parameter_gradients(make(*args), x).items()
            if name in dict(reference(*args).named_parameters())
        }

    expected = reference(*args)
    facts = {
        "an nn.Conv2d": True,
        "in_channels": expected.in_channels,
        "out_channels": expected.out_channels,
        "kernel_size": expected.kernel_size,
    }
    new = "Make a new nn.Conv2d with the sizes of the given one, and fill in its weight and bias."
    free = "The weight and the bias are nn.Parameters of the new layer, and it can train them."
    own = "The new layer needs weights of its own, or training it changes the given one."
    yield Case(shown, lambda *args: attempt(*args)(x), lambda *args: reference(*args)(x), hint, 1e-4, args)
    yield Case(f"{shown}: the new layer", kind, facts, new, args=args)
    yield Case(f"{shown}: parameters that cannot be trained", frozen, [], free, args=args)
    yield Case(f"{shown}: parameters that are the given layer's", shared, [], own, args=args)
    yield Case(f"{shown}: the gradients", gradients(attempt), gradients(reference), free, 1e-3, args)


def _sides(conv: nn.Conv2d) -> tuple[int, int]:
    return conv.kernel_size[0], conv.kernel_size[1]
