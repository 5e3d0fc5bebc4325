"""Checks of the exercises of 2.1 Convolutions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from dlcourse.exercises.harness import Case, checks, parameter_gradients, parameter_shapes


@checks("02.1-size")
def _size(attempt: Any) -> Iterator[Case]:
    hints: dict[tuple[int, ...], str] = {
        (7, 3): "Without padding, stride and dilation the kernel fits at n − k + 1 places; the defaults say so.",
        (7, 3, 1): "Padding is added on both sides; stride and dilation are 1 unless they are given.",
        (8, 3, 0, 2): "Divide by the stride, round down, then add 1.",
        (7, 3, 0, 1, 2): "A kernel of 3 with dilation 2 spans 2·(3 − 1) + 1 = 5 pixels.",
        (9, 3, 2, 2, 1): "Padding is added on both sides; divide by the stride, round down, then add 1.",
        (10, 3, 0, 4, 1): "Rounding is down, always: the kernel must fit.",
        (32, 5, 2, 3, 3): "First the span of the dilated kernel, then the usual formula with the span as kernel.",
        (12, 2, 1, 5, 4): "First the span of the dilated kernel, then the usual formula with the span as kernel.",
    }
    for _ in range(20):
        k, p, s, d = (int(torch.randint(low, 6, ())) for low in (1, 0, 1, 1))
        n = d * (k - 1) + 1 + int(torch.randint(20, ()))
        hints[n, k, p, s, d] = "The span of the dilated kernel takes the place of k in (n + 2p − k) // s + 1."
    names = ("n", "kernel", "padding", "stride", "dilation")
    for case, hint in hints.items():
        n, k, p, s, d = (*case, *(0, 1, 1)[len(case) - 2 :])
        layer = nn.Conv1d(1, 1, k, padding=p, stride=s, dilation=d, device="meta")
        size = layer(torch.empty(1, 1, n, device="meta")).shape[-1]
        shown = ", ".join(f"{name} {value}" for name, value in zip(names, case, strict=False))
        yield Case(shown, attempt, size, hint, args=case)


_CONVOLUTIONS = (
    "torch.nn.functional.conv2d", "torch.conv2d", "torch.nn.Conv2d", "torch.convolution", "torch.nn.functional.conv1d",
    "torch.nn.functional.conv3d", "torch.nn.Conv3d", "torch.nn.functional.conv_transpose2d",
)  # fmt: skip


@checks("02.1-strided", forbid=_CONVOLUTIONS)
def _strided(attempt: Any) -> Iterator[Case]:
    hints = {
        ((1, 1), (0, 0)): "With stride 1 and no padding it is corr2d.",
        ((2, 3), (0, 0)): "The first stride is for rows, the second for columns; the window starts at (i·2, j·3).",
        ((1, 1), (1, 2)): "F.pad counts from the last axis: (left, right, top, bottom), here (2, 2, 1, 1).",
        ((1, 2), (1, 0)): "The padding of one axis may be 0: X[p:-p] is empty then.",
        ((3, 2), (2, 1)): "Pad with zeros first, then stride over the padded picture.",
    }

    def right(X: Tensor, K: Tensor, stride: Any = (1, 1), padding: Any = (0, 0)) -> Tensor:
        return F.conv2d(X[None, None], K[None, None], stride=stride, padding=padding)[0, 0]

    for (H, W), (h, w) in (((7, 9), (2, 3)), ((6, 5), (3, 2)), ((3, 4), (3, 4))):
        X, K = torch.randn(H, W), torch.randn(h, w)
        shown = f"X ({H}, {W}), K ({h}, {w})"
        for (stride, padding), hint in hints.items():
            named = f"{shown}, stride {stride}, padding {padding}"
            yield Case(named, attempt, right, hint, args=(X, K, stride, padding), gradient=(0, 1))
        hint = "The defaults are stride (1, 1) and padding (0, 0)."
        yield Case(f"{shown}, nothing else given", attempt, right, hint, args=(X, K))
        yield Case(f"{shown}, stride (2, 1), no padding given", attempt, right, hint, args=(X, K, (2, 1)))


class _Counter(TorchDispatchMode):
    """Counts the convolutions that PyTorch computes."""

    count: int = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += func is torch.ops.aten.convolution.default
        return func(*args, **(kwargs or {}))


@checks("02.1-depthwise")
def _depthwise(attempt: Any) -> Iterator[Case]:
    hint = "`groups=C` splits the channels into C groups of one; F.conv2d then wants a weight of shape (C, 1, h, w)."

    def right(X: Tensor, K: Tensor) -> Tensor:
        return F.conv2d(X, K.unsqueeze(1), groups=len(K))

    def calls(X: Tensor, K: Tensor) -> int:
        with _Counter() as counter:
            attempt(X, K)
        return int(counter.count)

    for n, c, size, (h, w) in ((1, 1, 4, (3, 2)), (2, 3, 6, (3, 2)), (3, 5, 7, (2, 4)), (1, 4, 5, (1, 3))):
        X, K = torch.randn(n, c, size, size + 1), torch.randn(c, h, w)
        shown = f"X {tuple(X.shape)}, K {tuple(K.shape)}"
        yield Case(shown, attempt, right, hint, args=(X, K), gradient=(0, 1))
        once = "The text asks for one call of F.conv2d, not one for each channel or picture."
        yield Case(f"{shown}: the number of convolutions", calls, 1, once, args=(X, K))


def _without_corr2d(attempt: Any) -> Callable[..., Any]:
    """Return the attempt, run while the notebook's ``corr2d`` refuses to work."""

    def run(*args: Any) -> Any:
        space = getattr(attempt, "__globals__", {})
        known = {name: space[name] for name in ("corr2d",) if name in space}
        try:
            space.update(dict.fromkeys(known, _refuse))
            return attempt(*args)
        finally:
            space.update(known)

    return run


def _refuse(*_: Any, **__: Any) -> None:
    raise RuntimeError("the text forbids corr2d here")


@checks("02.1-matrix", forbid=(*_CONVOLUTIONS, "torch.nn.functional.unfold", "torch.func.jacrev", "torch.func.jacfwd"))
def _matrix(attempt: Any) -> Iterator[Case]:
    run = _without_corr2d(attempt)
    yield Case(
        "K [[1, 2]], pictures of 1 × 3",
        run,
        torch.tensor([[1.0, 2.0, 0.0], [0.0, 1.0, 2.0]]),
        "Row r is one place of the kernel; its entry at a pixel is the kernel's number that lies on it, else 0.",
        args=(torch.tensor([[1.0, 2.0]]), 1, 3),
    )
    for h, w, height, width in ((2, 2, 3, 3), (2, 3, 4, 5), (1, 1, 2, 3), (3, 1, 5, 2), (2, 2, 2, 2)):
        K = torch.randn(h, w)
        basis = torch.eye(height * width).view(-1, 1, height, width)
        want = F.conv2d(basis, K[None, None]).flatten(1).T
        yield Case(
            f"K of shape ({h}, {w}), pictures of {height} × {width}",
            run,
            want.contiguous(),
            "Fill M of shape (rows, columns, height, width): M[i, j, i:i+h, j:j+w] = K; then flatten both pairs.",
            args=(K, height, width),
        )


@checks("02.1-separable")
def _separable(attempt: Any) -> Iterator[Case]:
    blur = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0])
    edge = torch.tensor([1.0, 0.0, -1.0])
    kernels = {
        "a 5 × 5 blur": torch.outer(blur, blur) / 256,
        "the blur with a minus sign": -torch.outer(blur, blur) / 256,
        "Sobel's kernel (3, 3)": torch.outer(torch.tensor([1.0, 2.0, 1.0]), edge),
        "Sobel's kernel, turned": torch.outer(edge, torch.tensor([1.0, 2.0, 1.0])),
        "a kernel (4, 3) whose first row and column are zero": torch.outer(
            torch.tensor([0.0, 2.0, -1.0, 3.0]), torch.tensor([0.0, 1.0, 2.0])
        ),
        "a random kernel (2, 4) of rank 1": torch.outer(torch.randn(2), torch.randn(4)),
        "a random kernel (5, 1)": torch.randn(5, 1),
        "a random kernel (1, 3)": torch.randn(1, 3),
    }

    def product(kernel: Tensor) -> Any:
        column, row = attempt(kernel)
        return column @ row, tuple(column.shape), tuple(row.shape)

    for shown, kernel in kernels.items():
        yield Case(
            f"{shown}: column @ row, and their shapes",
            product,
            (kernel, (kernel.shape[0], 1), (1, kernel.shape[1])),
            "K = U S Vh with one singular value that is not 0: the first column of U times S[0], the first row of Vh. "
            "Do not divide by an entry that may be 0.",
            tolerance=1e-4,
            args=(kernel,),
        )


@checks("02.1-module", forbid=_CONVOLUTIONS)
def _module(attempt: Any) -> Iterator[Case]:
    for c_in, c_out, k, padding, n, height, width in (
        (1, 1, 1, 0, 1, 3, 4),
        (2, 3, 3, 0, 2, 6, 5),
        (3, 2, 2, 1, 1, 4, 7),
        (1, 4, 5, 2, 3, 5, 6),
    ):
        options = (c_in, c_out, k, padding) if padding else (c_in, c_out, k)
        shapes = {"weight": (c_out, c_in, k, k), "bias": (c_out,)}
        shown = f"Conv({', '.join(map(str, options))})"
        hint = "Make both an nn.Parameter in __init__, after super().__init__()."
        yield Case(f"{shown}: its parameters", lambda o=options: parameter_shapes(attempt(*o)), shapes, hint)
        weight, bias = torch.randn(shapes["weight"]), torch.randn(c_out)

        def layer(weight: Tensor, bias: Tensor, options: Any = options) -> nn.Module:
            made: nn.Module = attempt(*options)
            made.load_state_dict({"weight": weight, "bias": bias})
            return made

        def run(weight: Tensor, bias: Tensor, X: Tensor, layer: Any = layer) -> Any:
            made = layer(weight, bias)
            return made(X), parameter_gradients(made, X)

        def right(weight: Tensor, bias: Tensor, X: Tensor, padding: int = padding) -> Any:
            leaves = weight.requires_grad_(), bias.requires_grad_()
            Y = F.conv2d(X, *leaves, padding=padding)
            share = torch.linspace(2, 3, Y.numel(), dtype=torch.float64).view(Y.shape)
            found = torch.autograd.grad((share * Y.double()).sum(), leaves)
            return Y, dict(zip(("weight", "bias"), found, strict=True))

        yield Case(
            f"{shown} on X ({n}, {c_in}, {height}, {width}): output and gradients",
            run,
            right,
            "U = F.unfold(X, k, padding=p) has the shape (N, c_in·k·k, H'·W'); weight.flatten(1) @ U, plus the bias as "
            "a column; then view as (N, c_out, H', W') with H' = H + 2p − k + 1.",
            tolerance=1e-4,
            args=(weight, bias, torch.randn(n, c_in, height, width)),
        )
    X, weight, bias = torch.randn(2, 1, 5, 6), torch.randn(2, 1, 3, 3), torch.randn(2)

    def by_input(X: Tensor) -> Tensor:
        made = attempt(1, 2, 3, 1)
        made.load_state_dict({"weight": weight, "bias": bias})
        return made(X)  # type: ignore[no-any-return]

    hint = "The layers before this one need the gradient by X: no detach, no NumPy."

    def right_by_input(X: Tensor) -> Tensor:
        return F.conv2d(X, weight, bias, padding=1)

    yield Case("the gradient by X", by_input, right_by_input, hint, tolerance=1e-4, args=(X,), gradient=True)
