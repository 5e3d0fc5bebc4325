from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from dlcourse.check import CheckError, expect


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
