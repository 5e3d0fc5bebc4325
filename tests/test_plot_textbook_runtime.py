from __future__ import annotations

import subprocess
import sys

import matplotlib
import pytest

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import torch

from dlcourse import plot, runtime


def test_every_figure_needs_an_alternative_text() -> None:
    plt.figure()
    with pytest.raises(ValueError, match="alternative text"):
        plot.show(" ")


def test_curves_have_labels_and_units() -> None:
    plot.curves({"a": [3, 2, 1]}, alt="one falling line", ylabel="loss (nats)")
    axes = plt.gca()
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("epoch", "loss (nats)")
    assert [line.get_label() for line in axes.lines] == ["a"]
    plt.close("all")


def test_learning_curves_draw_losses_and_metrics() -> None:
    rows = [{"epoch": e, "train_loss": 1 / e, "val_loss": 2 / e, "val_accuracy": 0.5, "lr": 1.0} for e in (1, 2)]
    plot.learning_curves(rows, alt="two falling lines")
    assert [len(axes.lines) for axes in plt.gcf().axes] == [2, 1]
    plt.close("all")


def test_images_and_heatmaps() -> None:
    plot.images(torch.rand(7, 1, 5, 5), list(range(7)), columns=4, alt="seven squares of noise")
    assert sum(bool(axes.images) for axes in plt.gcf().axes) == 7
    plot.confusion(torch.eye(3), "abc", alt="the identity matrix")
    texts = [text.get_text() for text in plt.gcf().axes[0].texts]
    assert texts == ["1", "0", "0", "0", "1", "0", "0", "0", "1"]
    plt.close("all")


def test_colours_differ_in_lightness_for_colour_blind_readers() -> None:
    colours = plt.rcParams["axes.prop_cycle"].by_key()["color"]
    grey = [sum(w * c for w, c in zip((0.3, 0.59, 0.11), matplotlib.colors.to_rgb(x), strict=True)) for x in colours]
    assert len(set(colours)) >= 6
    assert abs(grey[0] - grey[1]) > 0.05


def test_textbook_functions_that_the_course_uses() -> None:
    from dlcourse.textbook import d2l

    d2l.use_svg_display()
    assert (
        d2l.corr2d(torch.ones(3, 3), torch.ones(2, 2)).tolist() == [[4, 4], [4, 4]] if hasattr(d2l, "corr2d") else True
    )
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


def test_seed_repeats_all_three_generators() -> None:
    import random

    import numpy as np

    draws = []
    for _ in range(2):
        runtime.seed(4)
        draws.append((random.random(), np.random.rand(), torch.rand(1).item()))
    assert draws[0] == draws[1]


def test_importing_the_package_loads_no_library() -> None:
    code = "import sys, dlcourse; assert not {'torch', 'numpy', 'matplotlib'} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
