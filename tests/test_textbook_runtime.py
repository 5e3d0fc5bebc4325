from __future__ import annotations

import random
import subprocess
import sys

import matplotlib
import pytest

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import torch

from dlcourse import runtime


def test_textbook_functions_that_the_course_uses() -> None:
    from dlcourse.textbook import d2l

    d2l.use_svg_display()
    assert d2l.corr2d(torch.ones(3, 3), torch.ones(2, 2)).tolist() == [[4, 4], [4, 4]]
    d2l.set_figsize()
    assert d2l.accuracy(torch.tensor([[0.1, 0.9], [0.8, 0.2]]), torch.tensor([1, 1])) == 1
    plt.close("all")


def test_scale_and_knobs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DLCOURSE_SCALE", raising=False)
    assert runtime.scale() == "quick" and runtime.knobs(epochs=(2, 9)).epochs == 2
    monkeypatch.setenv("DLCOURSE_SCALE", "full")
    assert runtime.knobs(epochs=(2, 9)).epochs == 9
    monkeypatch.setenv("DLCOURSE_SCALE", "huge")
    with pytest.raises(ValueError, match="quick"):
        runtime.scale()


def test_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLCOURSE_DEVICE", "cpu")
    assert runtime.device().type == "cpu"
    if not torch.cuda.is_available():
        monkeypatch.setenv("DLCOURSE_DEVICE", "cuda")
        with pytest.raises(RuntimeError, match="doctor"):
            runtime.device()


def test_one_variable_shifts_every_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    def draws() -> list[float]:
        runtime.seed(4)
        own = torch.rand(1, generator=runtime.generator(4)).item()
        return [random.random(), np.random.rand(), torch.rand(1).item(), own]

    monkeypatch.delenv("DLCOURSE_SEED", raising=False)
    plain = draws()
    assert plain[2] == plain[3]
    monkeypatch.setenv("DLCOURSE_SEED", "2")
    shifted = draws()
    assert all(a != b for a, b in zip(plain, shifted, strict=True)) and runtime.shifted(4) == 2004
    monkeypatch.setenv("DLCOURSE_SEED", "two")
    with pytest.raises(ValueError, match="whole number"):
        runtime.seed(0)


def test_seed_repeats_all_three_generators() -> None:
    draws = []
    for _ in range(2):
        runtime.seed(4)
        draws.append((random.random(), np.random.rand(), torch.rand(1).item()))
    assert draws[0] == draws[1]


def test_importing_the_package_loads_no_library() -> None:
    code = "import sys, dlcourse; assert not {'torch', 'numpy', 'matplotlib'} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
