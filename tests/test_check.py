from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from dlcourse import check
from dlcourse.check import Case, CheckError, expect


@pytest.mark.parametrize(
    ("value", "bounds", "line"),
    [
        (0.98, {"at_least": 0.97}, "✓ x ≥ 0.97"),
        (0.5, {"at_least": 0, "at_most": 1}, "✓ x ≥ 0 and ≤ 1"),
        (1020, {"near": 1024, "tolerance": 0.05}, "✓ x is 1024 ± 5 %"),
        (4.5, {"near": 4.5, "within": 1e-6}, "✓ x is 4.5 ± 1e-06"),
        (torch.ones(2, 3), {"near": torch.ones(2, 3), "within": 1e-6}, "✓ x (equal to within 1e-06)"),
        (0.3, {"near": torch.tensor(0.3), "within": 1e-6}, "✓ x (equal to within 1e-06)"),
        ((2, 3), {"equal": (2, 3)}, "✓ x = (2, 3)"),
        (torch.tensor([1, 2]), {"equal": torch.tensor([1, 2])}, "✓ x = [1, 2]"),
        (True, {}, "✓ x"),
    ],
)
def test_expect_passes(value: Any, bounds: dict[str, Any], line: str, capsys: pytest.CaptureFixture[str]) -> None:
    expect("x", value, **bounds)
    assert capsys.readouterr().out == line + "\n"


@pytest.mark.parametrize(
    ("value", "bounds"),
    [
        (0.96, {"at_least": 0.97}),
        (1.1, {"at_most": 1}),
        (900, {"near": 1024, "tolerance": 0.05}),
        (torch.ones(2, 3), {"near": torch.ones(3, 2), "within": 1}),
        (torch.tensor([1.0, 2.0]), {"near": torch.tensor([1.0, 2.1]), "within": 0.01}),
        ((2, 3), {"equal": (3, 2)}),
        (torch.ones(2), {"equal": torch.ones(3)}),
        (False, {}),
        (math.nan, {"at_least": 0}),
        (math.nan, {"at_most": 0}),
        (math.nan, {"near": 0, "within": 1}),
        (torch.tensor([math.nan]), {"near": torch.tensor([0.0]), "within": 1}),
    ],
)
def test_expect_fails_and_says_the_measured_value(value: Any, bounds: dict[str, Any]) -> None:
    with pytest.raises(CheckError, match="measured"):
        expect("x", value, **bounds)


def test_expect_needs_complete_bounds() -> None:
    with pytest.raises(TypeError):
        expect("x", 1.0)
    with pytest.raises(TypeError):
        expect("x", 1.0, near=1.0)


@pytest.fixture
def double() -> Iterator[str]:
    @check.checks("test-double")
    def _double(attempt: Any) -> Iterator[Case]:
        for x in (1.0, 2.0):
            yield Case(f"x = {x}", lambda x=x: attempt(x), 2 * x, "Multiply by two.")

    yield "test-double"
    del check._CHECKS["test-double"]


def _raises(x: float) -> float:
    raise ValueError("no")


def _forgets_return(x: float) -> None:
    2 * x


def _stub(x: float) -> float:
    """Return twice x."""
    ...


@pytest.mark.parametrize(
    ("attempt", "start"),
    [
        (..., "○"),
        (None, "○"),
        (_stub, "○"),
        (lambda x: 2 * x, "✓ test-double: correct (2 cases)"),
        (lambda x: x + 1, "✗ test-double: for x = 2.0 expected 4, given 3\n  Hint: Multiply by two."),
        (_forgets_return, "✗ test-double: for x = 1.0 your code returned None"),
        (lambda x: "2", "✗"),
        (lambda x: float("nan"), "✗"),
        (lambda x: torch.tensor([2 * x]), "✗"),
        (_raises, "✗ test-double: for x = 1.0 your code raised ValueError: no"),
        (3, "✗"),
    ],
)
def test_exercise_never_raises(double: str, attempt: Any, start: str, capsys: pytest.CaptureFixture[str]) -> None:
    check.exercise(double, attempt)
    assert capsys.readouterr().out.startswith(start)


def test_exercise_restores_the_random_state(double: str) -> None:
    torch.manual_seed(3)
    want = torch.rand(4)
    torch.manual_seed(3)
    check.exercise(double, lambda x: 2 * x + 0 * float(torch.rand(())))
    assert torch.equal(torch.rand(4), want)


def test_stub_detection_for_classes_and_constants() -> None:
    class Stub:
        def forward(self, x: Any) -> Any: ...

    class Real:
        def forward(self, x: Any) -> Any:
            return x

    assert not check.attempted(Stub)
    assert check.attempted(Real)
    assert check.attempted(lambda: 5)
    assert not check.attempted((1, ...))


def test_a_large_array_is_told_by_its_first_wrong_number() -> None:
    want = torch.arange(20.0).view(4, 5)
    given = want.clone()
    given[1, 3], given[2, 0] = 0.5, float("nan")
    told = check._problem(Case("x", given, want, "h"))
    assert told == "for x expected 8., given 0.5 at [1, 3] (2 of 20 numbers differ)"
    assert check._problem(Case("x", torch.tensor([1, 2]), torch.tensor([1, 3]), "h")).endswith("[1, 3], given [1, 2]")
