"""Results that check themselves: ``expect`` for the course's numbers, ``exercise`` for the student's code."""

from __future__ import annotations

import math
import textwrap
from typing import Any

__all__ = ["CheckError", "exercise", "expect"]


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
) -> None:
    """Check one result and print a line that does not depend on noise, such as ``✓ test accuracy ≥ 0.97``.

    Give one kind of bound:

    - ``at_least`` and/or ``at_most``: a number between bounds;
    - ``near`` with ``tolerance`` (relative) or ``within`` (absolute, elementwise): a number, array or tensor of
      the same shape, every element close enough;
    - ``equal``: the same value (tensors and arrays: the same shape and elements);
    - none: ``value`` must be ``True`` itself.

    Raises CheckError with the measured value when the check fails; NaN always fails. Raises TypeError when the
    bounds are incomplete.
    """
    if near is not None:
        if (tolerance is None) == (within is None):
            raise TypeError("expect(near=…) needs either tolerance=… (relative) or within=… (absolute).")
        passed, shown, measured = _check_near(value, near, tolerance, within)
    elif at_least is not None or at_most is not None:
        number = float(value)
        passed = not math.isnan(number)
        passed &= at_least is None or number >= at_least
        passed &= at_most is None or number <= at_most
        bounds = [
            f"≥ {at_least:g}" if at_least is not None else "",
            f"≤ {at_most:g}" if at_most is not None else "",
        ]
        shown, measured = " and ".join(filter(None, bounds)), f"{number:.6g}"
    elif equal is not None:
        passed, measured = _equal(value, equal), _show(value)
        shown = f"= {_show(equal)}"
    else:
        if not isinstance(value, bool):
            raise TypeError(
                "expect(name, value) without bounds needs a bool; give near=, equal=, at_least= or at_most=."
            )
        passed, shown, measured = value, "", str(value)
    if not passed:
        raise CheckError(f"✗ {name}: expected {shown or 'True'}, measured {measured}")
    print(f"✓ {name} {shown}".rstrip())


def _check_near(value: Any, near: Any, tolerance: float | None, within: float | None) -> tuple[bool, str, str]:
    import numpy as np

    got, want = _array(value).astype(float), _array(near).astype(float)
    if got.shape != want.shape:
        return False, f"shape {want.shape}", f"shape {got.shape}"
    gap = np.abs(got - want)
    passed = bool(np.all(gap <= (within if within is not None else tolerance * np.abs(want))))  # type: ignore[operator]
    worst = f"largest difference {gap.max():.3g}" if gap.size else "nothing"
    if want.ndim or hasattr(near, "shape"):  # a measured value: its digits may differ from machine to machine
        bound = f"{within:g}" if within is not None else f"{100 * tolerance:g} %"  # type: ignore[operator]
        return passed, f"(equal to within {bound})", worst
    bound = f"± {within:g}" if within is not None else f"± {100 * tolerance:g} %"  # type: ignore[operator]
    return passed, f"is {float(want):g} {bound}", f"{float(got):.6g}"


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
