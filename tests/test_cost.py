"""Costs against what can be counted by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from dlcourse import cost


def test_flops_of_layers_and_functions() -> None:
    assert cost.flops(nn.Linear(3, 5), 7, 3) == 2 * 7 * 3 * 5
    assert cost.flops(nn.Conv1d(2, 4, 3), 1, 2, 10) == 2 * 8 * 4 * 2 * 3
    assert cost.flops(nn.RNN(4, 4, batch_first=True), 1, 6, 4) == 2 * 6 * 2 * 16
    assert cost.flops(lambda x: x @ x.T, 5, 3) == 2 * 5 * 5 * 3


@pytest.mark.parametrize("n", [1, 5, 40])
def test_kept_numbers(n: int) -> None:
    assert cost.kept_numbers(nn.Linear(3, 2), n, 3) == 3 * n  # its input; the weight is a parameter
    assert cost.kept_numbers(torch.exp, n) == n  # its output
    assert cost.kept_numbers(lambda x: x + 1, n) == 0
    assert cost.kept_numbers(lambda x: (x @ x.T).softmax(1), n, 3) == 3 * n + n * n


def test_longest_chain() -> None:
    x = torch.randn(3, requires_grad=True)
    assert cost.longest_chain(x.exp()) == 2  # and the leaf
    assert cost.longest_chain(x.exp() + x.exp().exp()) == 4
    y = x
    for _ in range(3000):
        y = y.sin()
    assert cost.longest_chain(y) == 3001


def test_seconds_are_positive() -> None:
    assert 0 < cost.seconds(nn.Linear(3, 2), 5, 3)
