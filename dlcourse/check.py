"""Results that check themselves: ``expect`` for the course's numbers, ``exercise`` for the student's code."""

from __future__ import annotations

import json
import math
import os
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlcourse import runtime

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["MEASURED", "CheckError", "exercise", "expect", "influence", "is_causal", "noise_accuracy", "unchecked"]

MEASURED: dict[str, float] = {}  # what this session's ``expect`` lines measured, by name
_NOT_BINDING = "checked at {} scale only"


class CheckError(AssertionError):
    """A result is outside of its stated bounds."""


def expect(
    name: str,
    value: Any,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    near: Any = None,
    tolerance: float | None = None,
    within: float | None = None,
    equal: Any = None,
    scale: str | None = None,
) -> None:
    """Check one result and print the measured value and the bound: ``✓ test accuracy: 0.977   (≥ 0.97)``.

    Give one kind of bound:

    - ``at_least`` and/or ``at_most``: a number between bounds;
    - ``near`` with ``tolerance`` (relative) or ``within`` (absolute): a number that is close enough, or an array or
      tensor of the same shape, of which the largest difference is printed (divided by ``near`` under ``tolerance``);
    - ``equal``: the same value (tensors and arrays: the same shape and elements);
    - none: ``value`` must be ``True`` itself.

    ``scale`` names the only scale at which the bound holds: at the other one the value is printed and not checked.
    Raises CheckError with the measured value when the check fails; NaN always fails. Raises TypeError when the
    bounds are incomplete.
    """
    if scale not in (None, *runtime.SCALES):
        raise ValueError(f"scale is {scale!r}; give 'quick' or 'full'.")
    if near is not None:
        if (tolerance is None) == (within is None):
            raise TypeError("expect(near=…) needs either tolerance=… (relative) or within=… (absolute).")
        passed, measured, bound, number, limits = _check_near(name, value, near, tolerance, within)
    elif at_least is not None or at_most is not None:
        number = float(value)
        limits = (at_least, at_most)
        passed = (at_least is None or number >= at_least) and (at_most is None or number <= at_most)
        passed = passed and not math.isnan(number)
        signs = (("≥", at_least), ("≤", at_most))
        bound = " and ".join(f"{sign} {limit:.4g}" for sign, limit in signs if limit is not None)
        measured = _number(number)
    elif equal is not None:
        _exact(name, _equal(value, equal), f"{name} = {_show(equal)}", _show(equal), _show(value))
        return
    else:
        if not isinstance(value, bool):
            raise TypeError(
                "expect(name, value) without bounds needs a bool; give near=, equal=, at_least= or at_most=, "
                "or write unchecked(name, value)."
            )
        _exact(name, value, name, "True", str(value))
        return
    if scale is not None and scale != runtime.scale():
        _report("·", name, measured, _NOT_BINDING.format(scale), number, None, True)
        return
    _report("✓" if passed else "✗", name, measured, bound, number, limits, passed)


def unchecked(name: str, value: float) -> None:
    """Print a number that no bound checks, and say so: ``· seconds: 3.2   (not checked)``."""
    _report("·", name, _number(float(value)), "not checked", float(value), None, True)


def _report(
    mark: str, name: str, measured: str, bound: str, number: float, limits: tuple[Any, Any] | None, passed: bool
) -> None:
    """Print the line and remember the number; a recorded run goes on after a failure, any other one stops."""
    MEASURED[name] = number
    value = float(f"{number:.6g}") if math.isfinite(number) else None
    if not _record(name, value, bound, limits, passed) and not passed:
        raise CheckError(f"✗ {name}: expected {bound}, measured {measured}")
    print(f"{mark} {name}: {measured}   ({bound})")


def _exact(name: str, passed: bool, line: str, expected: str, measured: str) -> None:
    """Print the line of an exact result, which is recorded only when it fails."""
    if passed:
        print(f"✓ {line}")
    elif not _record(name, None, f"= {expected}", None, False):
        raise CheckError(f"✗ {name}: expected {expected}, measured {measured}")


def _record(name: str, value: float | None, bound: str, limits: tuple[Any, Any] | None, passed: bool) -> bool:
    """Append a result to the file that ``dlcourse record`` reads; return whether this run is recorded."""
    file = os.environ.get("DLCOURSE_RECORD")
    if not file:
        return False
    entry = {"name": name, "value": value, "bound": bound, "limits": limits, "passed": passed}
    with Path(file).open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(entry, ensure_ascii=False) + "\n")
    return True


def _check_near(
    name: str, value: Any, near: Any, tolerance: float | None, within: float | None
) -> tuple[bool, str, str, float, tuple[float | None, float | None]]:
    """Return whether it passed, the measured text, the bound's text, the number to record and its limits."""
    import numpy as np

    got, want = _array(value).astype(float), _array(near).astype(float)
    if got.shape != want.shape:
        raise CheckError(f"✗ {name}: expected shape {want.shape}, measured shape {got.shape}")
    size = np.abs(want) if within is None else np.ones_like(want)
    limit = tolerance if within is None else within
    assert limit is not None
    gap = np.abs(got - want)
    passed = bool(np.all(gap <= limit * size))
    bound = f"{within:g}" if within is not None else f"{100 * limit:g} %"
    if want.ndim or hasattr(near, "shape"):
        worst = float(np.max(gap / np.maximum(size, np.finfo(float).tiny))) if gap.size else 0.0
        return passed, f"differs by {worst:.1e}", f"≤ {limit:g}", worst, (None, limit)
    low, high = sorted((float(want) * (1 - limit), float(want) * (1 + limit)))
    limits = (low, high) if within is None else (float(want) - limit, float(want) + limit)
    return passed, _number(float(got)), f"{_number(float(want))} ± {bound}", float(got), limits


def _number(value: float) -> str:
    """Return four digits, or all of them for a whole number below a million."""
    return f"{value:.0f}" if abs(value) < 1e6 and value == round(value) else f"{value:.4g}"


def _array(value: Any) -> Any:
    import numpy as np

    if hasattr(value, "detach"):
        value = value.detach().cpu()
        value = value.float() if value.dtype.itemsize == 2 and value.is_floating_point() else value
    return np.asarray(value)


def _equal(got: Any, want: Any) -> bool:
    if hasattr(want, "shape") or hasattr(got, "shape"):
        a, b = _array(got), _array(want)
        return a.shape == b.shape and bool((a == b).all())
    return bool(got == want)


def _show(value: Any) -> str:
    if hasattr(value, "detach") or hasattr(value, "shape"):
        import numpy as np

        array = _array(value)
        if array.size > 12:
            return f"an array of shape {tuple(array.shape)}"
        return " ".join(np.array2string(array, precision=4, separator=", ", floatmode="maxprec").split())
    if isinstance(value, float):
        return f"{value:.6g}"
    return textwrap.shorten(repr(value), 120, placeholder=" …")


# --- does a model see the future? -------------------------------------------------------------------------


def influence(logits_of: Callable[[Tensor], Tensor], target: Tensor, size: int) -> Tensor:
    """Return a table (T, T): how far the logits at position t (row) move when token s (column) becomes another one.

    ``logits_of`` gives logits (B, T, V) for target inputs (B, T) below ``size``, the number of tokens; the largest
    change over the batch and the V logits is taken, infinite where a logit becomes NaN. No token becomes 0, which is
    padding in this course. Raises ValueError for a ``size`` below 3.
    """
    import torch

    if size < 3:
        raise ValueError(f"size is {size}; there must be at least two tokens beside the padding.")
    with torch.no_grad():
        before, columns = logits_of(target), []
        for s in range(target.shape[1]):
            changed = target.clone()
            changed[:, s] = 1 + target[:, s] % (size - 1)  # the next number; behind the last one comes 1
            after = logits_of(changed)
            gap = (after - before).abs().masked_fill(after == before, 0).nan_to_num(math.inf, math.inf)
            columns.append(gap.amax((0, 2)))
    return torch.stack(columns, dim=1)


def is_causal(
    logits_of: Callable[[Tensor], Tensor], target: Tensor, *, model: nn.Module, size: int, within: float = 1e-5
) -> bool:
    """Whether no logit depends on a token that stands behind its position.

    ``logits_of`` gives the logits (B, T, V) of ``model`` for target inputs (B, T); each token is changed in turn, as
    in ``influence``, and logits at earlier positions may move by at most ``within``. This is asked twice: in training
    mode with dropout off, and in evaluation mode; a mask may be forgotten in one of them. The modes of all layers and
    the dropout rates are put back. A model that ignores its input is causal, so use weights that are not all zero.
    """
    from torch import nn

    modes = [(part, part.training) for part in model.modules()]
    rates = [(part, part.p) for part in model.modules() if isinstance(part, nn.modules.dropout._DropoutNd)]
    try:
        for dropout, _ in rates:
            dropout.p = 0.0
        for training in (True, False):
            model.train(training)
            if not (influence(logits_of, target, size).triu(1) <= within).all():
                return False
        return True
    finally:
        for dropout, rate in rates:
            dropout.p = rate
        for part, mode in modes:
            part.training = mode


def noise_accuracy(
    logits_of: Callable[[Tensor], Tensor],
    model: nn.Module,
    size: int,
    *,
    length: int = 8,
    steps: int = 200,
    batch_size: int = 64,
    lr: float = 3e-3,
) -> float:
    """Train ``model`` to say the next of random tokens, and return its accuracy on new ones.

    Nothing can be learned: a model that does not see the future stays near 1 / (size − 1), one that does comes near
    100 %. This is the symptom of a leaking mask in jadore801120/attention-is-all-you-need-pytorch, issue 19, where a
    model with one hidden unit had 98 %. ``logits_of`` gives logits (B, T, V) for inputs (B, T) from 1 to ``size`` − 1.
    The model keeps its mode and is changed by the training. Random numbers come from a generator of their own.
    """
    import torch
    from torch.nn import functional as F

    source, device = runtime.generator(), next(model.parameters()).device
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)

    def batch(rows: int) -> tuple[Tensor, Tensor]:
        tokens = torch.randint(1, size, (rows, length + 1), generator=source).to(device)
        return tokens[:, :-1], tokens[:, 1:]

    for _ in range(steps):
        inputs, targets = batch(batch_size)
        loss = F.cross_entropy(logits_of(inputs).flatten(0, 1), targets.flatten())
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    with torch.no_grad():
        inputs, targets = batch(1000)
        seen = logits_of(inputs)[:, :-1].argmax(-1) == targets[:, :-1]  # the last target is no input: none can see it
    return float(seen.float().mean())


def exercise(identifier: str, attempt: Any) -> None:
    """Check a student's attempt: see ``dlcourse.exercises.harness.exercise``."""
    from dlcourse.exercises import harness

    harness.exercise(identifier, attempt)
