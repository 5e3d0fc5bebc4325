"""The harness of the exercise checks: never raises, restores what it touches, says what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch

from dlcourse.exercises import harness
from dlcourse.exercises.harness import Case


@pytest.fixture
def double() -> Iterator[str]:
    @harness.checks("test-double")
    def _double(attempt: Any) -> Iterator[Case]:
        for x in (1.0, 2.0):
            yield Case(f"x = {x}", lambda x=x: attempt(x), 2 * x, "Multiply by two.")

    yield "test-double"
    del harness._TASKS["test-double"]


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
    harness.exercise(double, attempt)
    assert capsys.readouterr().out.startswith(start)


def test_exercise_restores_the_random_state(double: str) -> None:
    torch.manual_seed(3)
    want = torch.rand(4)
    torch.manual_seed(3)
    harness.exercise(double, lambda x: 2 * x + 0 * float(torch.rand(())))
    assert torch.equal(torch.rand(4), want)


def test_stub_detection_for_classes_and_constants() -> None:
    class Stub:
        def forward(self, x: Any) -> Any: ...

    class Real:
        def forward(self, x: Any) -> Any:
            return x

    assert not harness.attempted(Stub)
    assert harness.attempted(Real)
    assert harness.attempted(lambda: 5)
    assert not harness.attempted((1, ...))


def test_a_large_array_is_told_by_its_worst_number() -> None:
    want = torch.arange(20.0).view(4, 5)
    given = want.clone()
    given[1, 3], given[2, 0] = 0.5, 1.0
    problem = harness._problem(Case("x", lambda: given, want, "h"))
    assert problem is not None
    assert problem.text == "expected 10, given 1 at [2, 0], the worst of 2 wrong numbers among 20"
    problem = harness._problem(Case("x", lambda: torch.tensor([1, 2]), torch.tensor([1, 3]), "h"))
    assert problem is not None and problem.text == "expected [1, 3], given [1, 2]"
