"""The machinery of exercise checks: one generator of cases an exercise, one line of result for the student."""

from __future__ import annotations

import importlib
import inspect
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["Case", "checks", "exercise", "registered"]


@dataclass(frozen=True)
class Case:
    """One trial of a student's answer.

    ``given`` is the answer itself, or a function without arguments that computes it; ``tolerance`` is absolute
    and, for numbers above 1, relative.
    """

    shown: str
    given: Any
    expected: Any
    hint: str
    tolerance: float = 1e-5


Check = Callable[[Any], Iterator[Case]]
_CHECKS: dict[str, Check] = {}


def checks(identifier: str) -> Callable[[Check], Check]:
    """Register the decorated generator of cases as the check of one exercise, such as ``"01.1-strided"``."""

    def register(function: Check) -> Check:
        if identifier in _CHECKS:
            raise ValueError(f"exercise {identifier!r} has two checks.")
        _CHECKS[identifier] = function
        return function

    return register


def registered() -> dict[str, Check]:
    """Return the checks of all chapters, by exercise identifier."""
    import pkgutil

    from dlcourse import exercises

    for module in pkgutil.iter_modules(exercises.__path__):
        importlib.import_module(f"dlcourse.exercises.{module.name}")
    return dict(_CHECKS)


def exercise(identifier: str, attempt: Any) -> None:
    """Check a student's attempt and print one line: ``○`` not attempted, ``✗`` with a hint, or ``✓``.

    Never raises for a wrong attempt, so a notebook with unsolved exercises runs to its end. The random state
    of PyTorch is fixed during the check and restored after it. Raises KeyError for an unknown exercise.
    """
    import torch

    check = registered()[identifier]
    if not attempted(attempt):
        print(f"○ {identifier}: not attempted yet")
        return
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        count = 0
        generator = check(attempt)
        while True:
            try:
                case = next(generator, None)
            except Exception as error:
                print(f"✗ {identifier}: your code raised {type(error).__name__}: {error}")
                return
            if case is None:
                break
            count += 1
            problem = _problem(case)
            if problem:
                print(f"✗ {identifier}: {problem}\n  Hint: {case.hint}")
                return
    print(f"✓ {identifier}: correct ({count} case{'s' if count != 1 else ''})")


def attempted(attempt: Any) -> bool:
    """Whether an answer was written: not ``...``, not ``None``, not a function or class with a bare ``...`` body."""
    if attempt is None or attempt is ...:
        return False
    if isinstance(attempt, tuple):
        return all(attempted(part) for part in attempt)
    if inspect.isclass(attempt):
        members = (
            getattr(member, "__func__", member) for member in vars(attempt).values()
        )  # static and class methods too
        return not any(inspect.isfunction(member) and _is_stub(member) for member in members)
    return not (inspect.isfunction(attempt) and _is_stub(attempt))


def _is_stub(function: Any) -> bool:
    def empty() -> None: ...

    def documented() -> None:
        """Say something."""

    code = function.__code__
    known = (empty.__code__.co_code, documented.__code__.co_code)
    return code.co_code in known and not code.co_names and set(code.co_consts) <= {None, function.__doc__}


def _problem(case: Case) -> str:
    try:
        given = case.given() if inspect.isfunction(case.given) else case.given
    except Exception as error:
        return f"for {case.shown} your code raised {type(error).__name__}: {error}"
    if given is None:
        return f"for {case.shown} your code returned None; is a `return` missing?"
    if hasattr(case.expected, "shape") and hasattr(given, "shape") and given.shape != case.expected.shape:
        return f"for {case.shown} expected shape {tuple(case.expected.shape)}, given {tuple(given.shape)}"
    if not _close(given, case.expected, case.tolerance):
        return f"for {case.shown} expected {_difference(given, case.expected, case.tolerance)}"
    return ""


def _difference(given: Any, expected: Any, tolerance: float) -> str:
    """Return ``<expected>, given <given>``, of large arrays the first entry that differs."""
    import numpy as np

    if hasattr(expected, "shape") and hasattr(given, "shape"):
        got, want = _array(given), _array(expected)
        if want.size > 12:
            wrong = ~np.isclose(got.astype(float), want.astype(float), rtol=tolerance, atol=tolerance)
            first = tuple(int(i[0]) for i in wrong.nonzero())
            place = f"at {list(first)} ({wrong.sum()} of {want.size} numbers differ)"
            return f"{_show(want[first])}, given {_show(got[first])} {place}"
    return f"{_show(expected)}, given {_show(given)}"


def _close(given: Any, expected: Any, tolerance: float) -> bool:
    import numpy as np

    if isinstance(expected, (str, bool, type(None))):
        return type(given) is type(expected) and given == expected
    if isinstance(expected, (tuple, list)):
        return len(given) == len(expected) and all(map(lambda g, e: _close(g, e, tolerance), given, expected))
    try:
        got, want = _array(given), _array(expected)
        return got.shape == want.shape and np.allclose(
            got.astype(float), want.astype(float), rtol=tolerance, atol=tolerance
        )
    except (TypeError, ValueError, RuntimeError):
        return False


def _array(value: Any) -> Any:
    import numpy as np

    if hasattr(value, "detach"):
        value = value.detach().cpu()
        value = value.float() if value.dtype.itemsize == 2 and value.is_floating_point() else value
    return np.asarray(value)


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
