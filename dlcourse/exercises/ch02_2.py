"""Checks of the exercises of 2.2 LeNet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from dlcourse.exercises.harness import Case, checks


@checks("02.2-count")
def _count(attempt: Any) -> Iterator[Case]:
    hints = {
        (28, 10): "Add weights and biases of five layers; the first linear layer has 16 · 5 · 5 inputs.",
        (32, 10): "The second convolution has no padding: a side of n / 2 becomes n / 2 − 4, and pooling halves it.",
        (28, 3): "Only the last layer depends on the classes: 84 weights and one bias for each.",
        (64, 100): "The side before the linear layers is (size / 2 − 4) / 2, rounded down.",
        (18, 10): "Pooling rounds down: a side of 5 becomes 2.",
    }
    for (size, classes), hint in hints.items():
        with torch.device("meta"):
            model = nn.Sequential(
                nn.Conv2d(1, 6, 5, padding=2), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.MaxPool2d(2), nn.Flatten()
            )
            features = model(torch.empty(1, 1, size, size)).shape[1]
            model.extend([nn.Linear(features, 120), nn.Linear(120, 84), nn.Linear(84, classes)])
        expected = sum(p.numel() for p in model.parameters())
        yield Case(
            f"size {size}, {classes} classes",
            lambda size=size, classes=classes: attempt(size, classes),
            expected,
            hint,
            tolerance=1e-9,
        )


@checks("02.2-shift")
def _shift(attempt: Any) -> Iterator[Case]:
    images = torch.rand(2, 1, 5, 4) + 0.1
    hints = {
        (0, 0): "A shift by nothing returns the pictures as they are.",
        (1, 0): "Down: row i goes to row i + 1, the last row is lost, and the first becomes zero.",
        (0, 2): "Right: column j goes to column j + 2; what leaves on the right must not come back on the left.",
        (-2, 1): "Negative numbers move up or left; F.pad takes negative padding and cuts off.",
        (0, -3): "F.pad's order is left, right, top, bottom.",
    }
    for (down, right), hint in hints.items():
        expected = torch.zeros_like(images)
        for i in range(5):
            for j in range(4):
                if 0 <= i + down < 5 and 0 <= j + right < 4:
                    expected[..., i + down, j + right] = images[..., i, j]
        yield Case(
            f"pictures (2, 1, 5, 4), down {down}, right {right}",
            lambda down=down, right=right: attempt(images.clone(), down, right),
            expected,
            hint,
        )


@checks("02.2-merge")
def _merge(attempt: Any) -> Iterator[Case]:
    for options in ({}, {"bias": False}, {"stride": 2, "padding": 1}):
        a, b = (nn.Conv2d(2, 3, 3, **options) for _ in range(2))  # type: ignore[arg-type]
        x = torch.randn(4, 2, 8, 7)
        named = ", ".join(f"{key} {value}" for key, value in options.items()) or "no options"
        hint = {
            "no options": "Convolution is linear: add the weights, and add the biases.",
            "bias False": "Without a bias, `conv.bias` is None; the merged layer needs none either.",
            "stride 2, padding 1": "The new layer needs the stride and the padding of the old ones.",
        }[named]
        want = (a(x) + b(x)).detach()
        yield Case(f"two Conv2d(2, 3, 3), {named}", lambda a=a, b=b, x=x: attempt(a, b)(x).detach(), want, hint, 1e-4)
        yield Case(
            f"a(x) + b(x) afterwards, {named}",
            lambda a=a, b=b, x=x: (a(x) + b(x)).detach(),
            want,
            "The given layers must stay as they are; build a new one.",
            1e-4,
        )


@checks("02.2-fold")
def _fold(attempt: Any) -> Iterator[Case]:
    hints = {
        (0.0, 2.0): "conv(x / std) has the weights divided by std and the same bias.",
        (0.5, 1.0): "conv(x − mean) loses mean times the sum of all weights of each output channel from its bias.",
        (0.13, 0.31): "Both at once: weight / std, and bias − (mean / std) · (sum of the channel's weights).",
    }
    for channels in (1, 3):
        conv = nn.Conv2d(channels, 4, 3)
        x = torch.rand(2, channels, 6, 6)
        for (mean, std), hint in hints.items():
            yield Case(
                f"Conv2d({channels}, 4, 3), mean {mean}, std {std}",
                lambda conv=conv, x=x, mean=mean, std=std: attempt(conv, mean, std)(x).detach(),
                conv((x - mean) / std).detach(),
                hint,
                1e-4,
            )
