"""Checks of the exercises of 2.1 Convolutions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from dlcourse.exercises.harness import Case, checks

_CONVOLUTIONS = tuple(
    f"torch.{place}conv{kind}" for place in ("", "nn.functional.") for kind in ("1d", "2d", "3d", "_transpose2d")
)


@checks("02.1-size")
def _size(attempt: Any) -> Iterator[Case]:
    def reference(n: int, kernel: int, padding: int = 0, stride: int = 1, dilation: int = 1) -> int:
        layer = nn.Conv1d(1, 1, kernel, padding=padding, stride=stride, dilation=dilation, device="meta")
        return layer(torch.empty(1, 1, n, device="meta")).shape[-1]

    hints = {
        (
            7,
            3,
        ): "Without padding, stride and dilation the kernel fits at n − k + 1 places; the defaults are 0, 1 and 1.",
        (8, 3, 1): "Padding is added on both sides; the defaults of stride and dilation are 1.",
        (8, 3, 1, 2): "Divide by the stride, round down, then add 1; the default of dilation is 1.",
        (7, 3, 0, 1, 2): "A kernel of 3 with dilation 2 spans 2·(3 − 1) + 1 = 5 pixels.",
        (9, 3, 2, 2, 1): "Padding is added on both sides; divide by the stride, round down, then add 1.",
        (32, 5, 2, 3, 3): "First the span of the dilated kernel, then the usual formula with the span as kernel.",
        (5, 3, 0, 4, 2): "A kernel that just fits has one place, whatever the stride is.",
        (6, 1, 0, 2, 5): "A kernel of 1 spans one pixel with any dilation.",
    }
    for args, hint in hints.items():
        yield Case(f"dilated_size{args}", attempt, reference, hint, args=args)
    for _ in range(20):
        kernel, padding, stride, dilation = (int(torch.randint(low, 6, ())) for low in (1, 0, 1, 1))
        n = dilation * (kernel - 1) + 1 + int(torch.randint(0, 20, ()))
        args = (n, kernel, padding, stride, dilation)
        hint = "The span d·(k − 1) + 1 takes the place of the kernel in (n + 2p − k) // s + 1."
        yield Case(f"dilated_size{args}", attempt, reference, hint, args=args)


@checks("02.1-strided", forbid=_CONVOLUTIONS)
def _strided(attempt: Any) -> Iterator[Case]:
    def reference(X: Tensor, K: Tensor, stride: Any = (1, 1), padding: Any = (0, 0)) -> Tensor:
        return F.conv2d(X[None, None], K[None, None], stride=stride, padding=padding)[0, 0]

    causes = {
        "Stride and padding are (rows, columns).": lambda X, K, stride=(1, 1), padding=(0, 0): reference(
            X, K, stride[::-1], padding[::-1]
        ),
        "F.pad counts from the last axis: (left, right, top, bottom).": lambda X, K, s=(1, 1), p=(0, 0): reference(
            X, K, s, p[::-1]
        ),
        "The kernel is not flipped: cross-correlation, as in corr2d.": lambda X, K, *options: reference(
            X, K.flip(0, 1), *options
        ),
    }
    shapes = (((7, 9), (2, 3)), ((5, 4), (3, 1)), ((4, 6), (4, 6)), ((1, 8), (1, 2)), ((6, 6), (1, 1)))
    pairs = [(torch.randn(size), torch.randn(kernel)) for size, kernel in shapes]
    hints: dict[tuple[Any, ...], str] = {
        (): "Without stride and padding it is corr2d; the defaults are (1, 1) and (0, 0).",
        ((2, 1),): "The first stride is for rows, the second for columns; the default padding is (0, 0).",
        ((2, 3), (0, 0)): "The window starts at (i·2, j·3); the last place is the last one where it fits.",
        ((1, 1), (1, 2)): "F.pad counts from the last axis: (left, right, top, bottom), here (2, 2, 1, 1).",
        ((1, 1), (1, 0)): "Padding of rows only: `padded[p:-p, q:-q]` is empty for q = 0.",
        ((3, 2), (0, 1)): "Pad first, then stride over the padded picture.",
        ((5, 7), (2, 1)): "A stride may be larger than the kernel.",
    }
    for X, K in pairs:
        for options, hint in hints.items():
            named = ", ".join(f"{n} {v}" for n, v in zip(("stride", "padding"), options, strict=False))
            shown = f"X {tuple(X.shape)}, K {tuple(K.shape)}, {named or 'stride and padding by default'}"
            yield Case(shown, attempt, reference, hint, args=(X, K, *options), gradient=(0, 1), causes=causes)


@checks("02.1-depthwise")
def _depthwise(attempt: Any) -> Iterator[Case]:
    def reference(X: Tensor, K: Tensor) -> Tensor:
        return torch.cat([F.conv2d(X[:, i : i + 1], K[i][None, None]) for i in range(len(K))], dim=1)

    def calls(X: Tensor, K: Tensor) -> int:
        with _Calls() as counted:
            attempt(X, K)
        return counted.number

    causes = {
        "The kernel is not flipped: cross-correlation.": lambda X, K: reference(X, K.flip(1, 2)),
        "Nothing is added up over channels: each has its own kernel.": lambda X, K: F.conv2d(X, K[None]),
    }
    hint = "`groups=C` splits the channels into C groups of one; F.conv2d then wants a weight of shape (C, 1, h, w)."
    one = "One call of F.conv2d does the whole batch and all channels."
    for x_shape, k_shape in (
        ((1, 1, 4, 5), (1, 3, 2)),
        ((2, 3, 6, 7), (3, 3, 2)),
        ((3, 5, 7, 4), (5, 1, 4)),
        ((1, 4, 3, 8), (4, 2, 2)),
        ((4, 1, 5, 5), (1, 1, 1)),
    ):
        X, K = torch.randn(x_shape), torch.randn(k_shape)
        shown = f"X {x_shape}, K {k_shape}"
        yield Case(shown, attempt, reference, hint, args=(X, K), gradient=(0, 1), causes=causes)
        yield Case(f"{shown}: calls of F.conv2d", calls, 1, one, args=(X, K))


@checks("02.1-matrix", forbid=(*_CONVOLUTIONS, "torch.nn.functional.unfold"))
def _matrix(attempt: Any) -> Iterator[Case]:
    def reference(K: Tensor, height: int, width: int) -> Tensor:
        basis = torch.eye(height * width).view(-1, 1, height, width)
        return F.conv2d(basis, K[None, None]).flatten(1).T

    def run(K: Tensor, height: int, width: int) -> Any:
        space = getattr(attempt, "__globals__", {})
        names = [name for name in ("corr2d", "corr2d_multi_in", "corr2d_multi_in_out") if name in space]
        kept = {name: space[name] for name in names}
        try:
            space.update(dict.fromkeys(names, _refuse))
            return attempt(K, height, width)
        finally:
            space.update(kept)

    causes = {
        "Is it transposed? M has a row for each output and a column for each pixel.": lambda *args: reference(*args).T,
        "The kernel is not flipped: cross-correlation.": lambda K, *size: reference(K.flip(0, 1), *size),
    }
    hint = "Row r is one place of the kernel; its entry at a pixel is the kernel's number that lies on it, else 0."
    args = (torch.tensor([[1.0, 2.0]]), 1, 3)
    yield Case("K [[1, 2]], pictures of 1 × 3", run, reference, hint, args=args, causes=causes)
    hint = "Fill M of shape (rows, columns, height, width): M[i, j, i:i+h, j:j+w] = K; then flatten both pairs."
    for h, w, height, width in ((2, 2, 3, 3), (2, 3, 4, 5), (1, 1, 2, 3), (3, 1, 3, 4), (3, 2, 6, 3), (2, 4, 2, 4)):
        shown = f"K of shape ({h}, {w}), pictures of {height} × {width}"
        yield Case(shown, run, reference, hint, args=(torch.randn(h, w), height, width), causes=causes)


@checks("02.1-separable")
def _separable(attempt: Any) -> Iterator[Case]:
    def product(K: Tensor) -> Any:
        column, row = attempt(K)
        return tuple(column.shape), tuple(row.shape), column @ row

    blur = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0])
    edge, smooth = torch.tensor([1.0, 0.0, -1.0]), torch.tensor([1.0, 2.0, 1.0])
    kernels = {
        "a 5 × 5 blur": torch.outer(blur, blur) / 256,
        "Sobel's kernel (3, 3)": torch.outer(smooth, edge),
        "Sobel's other kernel (3, 3)": torch.outer(edge, smooth),
        "a kernel (3, 4) with zeros in its first row and column": torch.outer(
            torch.tensor([0.0, -2.0, 1.0]), torch.tensor([0.0, 3.0, 0.0, -1.0])
        ),
        "a kernel (4, 2) of rank 1 without positive numbers": -torch.outer(torch.rand(4), torch.tensor([0.0, 1.0])),
        "K [[−3]]": torch.tensor([[-3.0]]),
        **{
            f"a random kernel ({h}, {w}) of rank 1": torch.outer(torch.randn(h), torch.randn(w))
            for h, w in ((2, 4), (5, 3), (1, 6), (7, 1))
        },
    }
    hint = "K = U S Vh with one singular value that is not 0: the first column of U times S[0], the first row of Vh."
    zero = "K[0, 0] may be 0, and so may the first row and column: divide by an entry that cannot be 0, or by none."
    for shown, kernel in kernels.items():
        expected = ((kernel.shape[0], 1), (1, kernel.shape[1]), kernel)
        told = f"{shown}: the shapes of column and row, and column @ row"
        yield Case(told, product, expected, hint if kernel[0, 0] else zero, args=(kernel,))


class _Calls(TorchFunctionMode):
    """Counts the calls of ``F.conv2d`` inside of the ``with`` block."""

    number = 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.number += func is F.conv2d
        return func(*args, **(kwargs or {}))


def _refuse(*_: Any) -> None:
    raise RuntimeError("corr2d is forbidden in this exercise.")
