"""The lines of ``expect``, and how the notebook tests compare them."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from dlcourse import check
from dlcourse.check import CheckError, expect, influence, is_causal, noise_accuracy, unchecked


@pytest.mark.parametrize(
    ("value", "bounds", "line"),
    [
        (0.98126, {"at_least": 0.97}, "✓ x: 0.9813   (≥ 0.97)"),
        (0.5, {"at_least": 0, "at_most": 1}, "✓ x: 0.5   (≥ 0 and ≤ 1)"),
        (3.2e-8, {"at_most": 1e-6}, "✓ x: 3.2e-08   (≤ 1e-06)"),
        (61_706.0, {"at_least": 1}, "✓ x: 61706   (≥ 1)"),
        (1031.44, {"near": 1024, "tolerance": 0.05}, "✓ x: 1031   (1024 ± 5 %)"),
        (4.5, {"near": 4.5, "within": 1e-6}, "✓ x: 4.5   (4.5 ± 1e-06)"),
        (torch.ones(2, 3), {"near": torch.ones(2, 3), "within": 1e-6}, "✓ x: differs by 0.0e+00   (≤ 1e-06)"),
        (0.5, {"near": torch.tensor(0.25), "tolerance": 1.5}, "✓ x: differs by 1.0e+00   (≤ 1.5)"),
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


@pytest.mark.parametrize(
    ("here", "mark"), [("quick", "✓ x: 2   (≥ 1)"), ("full", "· x: 2   (checked at quick scale only)")]
)
def test_a_bound_of_one_scale(
    here: str, mark: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DLCOURSE_SCALE", here)
    expect("x", 2, at_least=1, scale="quick")
    assert capsys.readouterr().out == mark + "\n"
    if here == "full":
        expect("x", 0, at_least=1, scale="quick")
    else:
        with pytest.raises(CheckError):
            expect("x", 0, at_least=1, scale="quick")
    with pytest.raises(ValueError, match="quick"):
        expect("x", 2, at_least=1, scale="small")


def test_unchecked_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    unchecked("seconds", 3.21)
    assert capsys.readouterr().out == "· seconds: 3.21   (not checked)\n" and check.MEASURED["seconds"] == 3.21


def test_notebook_tests_compare_all_but_the_measured_number() -> None:
    sanitize = (Path(__file__).parent / "sanitize.cfg").read_text(encoding="utf-8")
    patterns = re.findall(r"^regex: (.*)$\n^replace: (.*)$", sanitize, re.M)  # as nbval reads them

    def clean(text: str) -> str:
        for pattern, replacement in patterns:
            text = re.sub(pattern, replacement, text)
        return text

    same = [
        ("✓ accuracy: 0.977   (≥ 0.97)\n", "✓ accuracy: 0.981   (≥ 0.97)\n"),
        ("a\n✓ a: b: 3e-07   (≤ 1e-06)\nb", "a\n✓ a: b: 12   (≤ 1e-06)\nb"),
        ("✓ W: differs by 1.2e-07   (≤ 1e-06)", "✓ W: differs by 0.0e+00   (≤ 1e-06)"),
    ]
    different = [
        ("✓ accuracy: 0.977   (≥ 0.97)", "✓ accuracy: 0.977   (≥ 0.96)"),
        ("✓ accuracy: 0.977   (≥ 0.97)", "✓ precision: 0.977   (≥ 0.97)"),
        ("✓ accuracy: 0.977   (≥ 0.97)", "· accuracy: 0.977   (≥ 0.97)"),
        ("✓ grid = 100", "✓ grid = 101"),
        ("accuracy: 0.977", "accuracy: 0.978"),
    ]
    assert all(clean(a) == clean(b) for a, b in same)
    assert all(clean(a) != clean(b) for a, b in different)


def test_expect_needs_complete_bounds() -> None:
    with pytest.raises(TypeError):
        expect("x", 1.0)
    with pytest.raises(TypeError):
        expect("x", 1.0, near=1.0)


class Mixer(nn.Module):
    """A toy language model: logits at position s from the mean of the embedded tokens that a mask shows it."""

    def __init__(self, ahead: int = 0, only_in: str = "", dropout: float = 0.0) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embedding, self.scores, self.dropout = nn.Embedding(12, 32), nn.Linear(64, 12), nn.Dropout(dropout)
        self.ahead, self.only_in = ahead, only_in

    def forward(self, target: Tensor) -> Tensor:
        mode = "train" if self.training else "eval"
        ahead = self.ahead if self.only_in in ("", mode) else 0
        x, T = self.embedding(target), target.shape[1]
        seen = torch.ones(T, T).tril(ahead)
        past = seen / seen.sum(-1, keepdim=True) @ x
        last = x[:, torch.arange(T).add(ahead).clamp(max=T - 1)]
        logits: Tensor = self.scores(self.dropout(torch.cat([past, last], dim=-1)))
        return logits


TARGET = torch.randint(12, (3, 6), generator=torch.Generator().manual_seed(0))


def test_influence_is_a_triangle_for_a_model_that_looks_back() -> None:
    table = influence(Mixer(), TARGET, 12)
    assert table.shape == (6, 6)
    assert torch.equal(table > 0, torch.ones(6, 6).tril().bool())
    assert torch.equal(influence(Mixer(ahead=1), TARGET, 12) > 0, torch.ones(6, 6).tril(1).bool())


def test_influence_changes_each_token_never_to_padding_and_not_the_argument() -> None:
    seen: list[Tensor] = []
    before = TARGET.clone()

    def look(target: Tensor) -> Tensor:
        seen.append(target.clone())
        return torch.zeros(*target.shape, 12)

    assert not influence(look, TARGET, 12).any() and torch.equal(TARGET, before)
    for t, changed in enumerate(seen[1:]):
        different = changed != TARGET
        assert different[:, t].all() and different.sum() == 3
        assert changed[:, t].min() > 0 and changed.max() < 12
    with pytest.raises(ValueError, match="size is 2"):
        influence(look, TARGET, 2)


def test_influence_takes_nan_for_a_change_and_equal_infinities_for_none() -> None:
    def masked(target: Tensor) -> Tensor:
        return torch.full((*target.shape, 4), -torch.inf)

    def broken(target: Tensor) -> Tensor:
        return torch.full((*target.shape, 4), torch.nan)

    assert not influence(masked, TARGET, 12).any()
    assert influence(broken, TARGET, 12).isinf().all()


@pytest.mark.parametrize(
    ("model", "causal"),
    [
        (Mixer(), True),
        (Mixer(dropout=0.5), True),
        (Mixer(ahead=1), False),
        (Mixer(ahead=1, only_in="eval"), False),
        (Mixer(ahead=1, only_in="train", dropout=0.5), False),
        (Mixer(ahead=5), False),
    ],
)
def test_is_causal_in_both_modes(model: Mixer, causal: bool) -> None:
    for mode in (True, False):
        model.train(mode).scores.eval()  # a layer that is kept in evaluation mode stays in it
        assert is_causal(model, TARGET, model=model, size=12) is causal
        assert model.training is mode and not model.scores.training and model.dropout.training is mode
    assert model.dropout.p in (0.0, 0.5)


def test_is_causal_puts_rates_and_modes_back_after_an_error() -> None:
    model = Mixer(dropout=0.5).eval()

    def fails(_: Tensor) -> Tensor:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        is_causal(fails, TARGET, model=model, size=12)
    assert model.dropout.p == 0.5 and not model.training


def test_noise_cannot_be_predicted_but_by_looking_ahead() -> None:
    honest, leaking = Mixer(), Mixer(ahead=1)
    state = torch.get_rng_state()
    assert noise_accuracy(honest, honest, 12) < 0.2
    assert noise_accuracy(leaking, leaking, 12) > 0.9
    assert torch.equal(torch.get_rng_state(), state) and honest.training
