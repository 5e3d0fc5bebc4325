"""Checks of the exercises of 2.1 Convolutions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from dlcourse.exercises.harness import Case, checks


@checks("02.1-size")
def _size(attempt: Any) -> Iterator[Case]:
    hints = {
        (7, 3, 0, 1, 1): "Without padding, stride and dilation the kernel fits at n − k + 1 places.",
        (7, 3, 0, 1, 2): "A kernel of 3 with dilation 2 spans 2·(3 − 1) + 1 = 5 pixels.",
        (9, 3, 2, 2, 1): "Padding is added on both sides; divide by the stride, round down, then add 1.",
        (32, 5, 2, 3, 3): "First the span of the dilated kernel, then the usual formula with the span as kernel.",
    }
    for case, hint in hints.items():
        n, k, p, s, d = case
        layer = nn.Conv1d(1, 1, k, padding=p, stride=s, dilation=d, device="meta")
        size = layer(torch.empty(1, 1, n, device="meta")).shape[-1]
        shown = f"n {n}, kernel {k}, padding {p}, stride {s}, dilation {d}"
        yield Case(shown, lambda case=case: attempt(*case), size, hint)


@checks("02.1-strided")
def _strided(attempt: Any) -> Iterator[Case]:
    X, K = torch.randn(7, 9), torch.randn(2, 3)
    hints = {
        ((1, 1), (0, 0)): "With stride 1 and no padding it is corr2d.",
        ((2, 3), (0, 0)): "The first stride is for rows, the second for columns; the window starts at (i·2, j·3).",
        ((1, 1), (1, 2)): "F.pad counts from the last axis: (left, right, top, bottom), here (2, 2, 1, 1).",
        ((3, 2), (2, 1)): "Pad first, then stride over the padded picture.",
    }
    for (stride, padding), hint in hints.items():
        yield Case(
            f"X (7, 9), K (2, 3), stride {stride}, padding {padding}",
            lambda stride=stride, padding=padding: attempt(X.clone(), K.clone(), stride, padding),
            F.conv2d(X[None, None], K[None, None], stride=stride, padding=padding)[0, 0],
            hint,
        )


@checks("02.1-depthwise")
def _depthwise(attempt: Any) -> Iterator[Case]:
    hint = "`groups=C` splits the channels into C groups of one; F.conv2d then wants a weight of shape (C, 1, h, w)."
    for n, c, size in ((1, 1, 4), (2, 3, 6), (3, 5, 7)):
        X, K = torch.randn(n, c, size, size + 1), torch.randn(c, 3, 2)
        want = torch.cat([F.conv2d(X[:, i : i + 1], K[i][None, None]) for i in range(c)], dim=1)
        yield Case(
            f"X {tuple(X.shape)}, K {tuple(K.shape)}", lambda X=X, K=K: attempt(X.clone(), K.clone()), want, hint
        )


@checks("02.1-matrix")
def _matrix(attempt: Any) -> Iterator[Case]:
    yield Case(
        "K [[1, 2]], pictures of 1 × 3",
        lambda: attempt(torch.tensor([[1.0, 2.0]]), 1, 3),
        torch.tensor([[1.0, 2.0, 0.0], [0.0, 1.0, 2.0]]),
        "Row r is one place of the kernel; its entry at a pixel is the kernel's number that lies on it, else 0.",
    )
    for h, w, height, width in ((2, 2, 3, 3), (2, 3, 4, 5), (1, 1, 2, 3)):
        K = torch.randn(h, w)
        basis = torch.eye(height * width).view(-1, 1, height, width)
        want = F.conv2d(basis, K[None, None]).flatten(1).T
        yield Case(
            f"K of shape ({h}, {w}), pictures of {height} × {width}",
            lambda K=K, height=height, width=width: attempt(K.clone(), height, width),
            want,
            "Fill M of shape (rows, columns, height, width): M[i, j, i:i+h, j:j+w] = K; then flatten both pairs.",
        )


@checks("02.1-separable")
def _separable(attempt: Any) -> Iterator[Case]:
    blur = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0])
    kernels = {
        "a 5 × 5 blur": torch.outer(blur, blur) / 256,
        "Sobel's kernel (3, 3)": torch.outer(torch.tensor([1.0, 2.0, 1.0]), torch.tensor([1.0, 0.0, -1.0])),
        "a random kernel (2, 4) of rank 1": torch.outer(torch.randn(2), torch.randn(4)),
    }
    for shown, kernel in kernels.items():

        def product(kernel: torch.Tensor = kernel) -> Any:
            column, row = attempt(kernel.clone())
            return column @ row, tuple(column.shape), tuple(row.shape)

        yield Case(
            f"{shown}: column @ row, and their shapes",
            product,
            (kernel, (kernel.shape[0], 1), (1, kernel.shape[1])),
            "K = U S Vh with one singular value that is not 0: the first column of U times S[0], the first row of Vh.",
        )
