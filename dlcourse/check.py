"""Results that check themselves: ``expect`` for the course's numbers, ``exercise`` for the student's code."""

from __future__ import annotations

import json
import math
import os
import textwrap
from pathlib import Path
from typing import Any

from dlcourse import runtime

__all__ = ["MEASURED", "CheckError", "exercise", "expect", "unchecked"]

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


def exercise(identifier: str, attempt: Any) -> None:
    """Check a student's attempt: see ``dlcourse.exercises.harness.exercise``."""
    from dlcourse.exercises import harness

    harness.exercise(identifier, attempt)
