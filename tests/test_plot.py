"""Figures: what they show, seen in matplotlib's own objects."""

from __future__ import annotations

import math

import matplotlib
import pytest

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import torch
from torch import nn

from dlcourse import plot
from dlcourse.models import Encoder, LeNet


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


def test_grids_have_names_numbers_signs_and_marks() -> None:
    arrays = {"X": torch.arange(4.0).view(2, 2), "K": [["a"]], "Y": [[0.5, 2]]}
    plot.grids(arrays, marks={"X": [[0, 1], [2, 3]]}, signs=["∗", "="], alt="three small matrices")
    drawn = plt.gcf().axes
    assert [[patch.get_facecolor() for patch in axes.patches][0] for axes in drawn] == [(1, 1, 1, 1)] * 3
    assert len({patch.get_facecolor() for patch in drawn[0].patches}) == 4
    assert texts() == ["0", "1", "2", "3", "X", "∗", "a", "K", "=", "0.5", "2", "Y"]


def test_colours_differ_in_lightness_for_colour_blind_readers() -> None:
    colours = plt.rcParams["axes.prop_cycle"].by_key()["color"]
    grey = [sum(w * c for w, c in zip((0.3, 0.59, 0.11), matplotlib.colors.to_rgb(x), strict=True)) for x in colours]
    assert len(set(colours)) >= 6
    assert abs(grey[0] - grey[1]) > 0.05


def texts() -> list[str]:
    figure = plt.gcf()
    found = [text.get_text() for axes in figure.axes for text in axes.texts]
    plt.close("all")
    return found


def test_one_dot_a_seed_and_a_cross_for_this_run() -> None:
    rows = {"GRU": [3.0, 1.0, 2.0], "LSTM": [5.0, 5.0], "new": [], "broken": [1.0, math.nan, math.inf]}
    table = plot.seeds(rows, alt="dots of four rows", xlabel="perplexity", live={"GRU": 2.5, "new": 4.0})
    axes = plt.gca()
    drawn = [tuple(point) for scatter in axes.collections for point in scatter.get_offsets()]
    assert len([p for p in drawn if p[0] in (1, 2, 3, 5)]) == 3 + 2 + 1
    assert (2.5, 0.0) in drawn and (4.0, 2.0) in drawn
    assert len({p for p in drawn if p[0] == 5}) == 2, "equal values hide each other"
    assert all(abs(y - round(y)) < 0.4 for _, y in drawn)
    assert axes.get_xlabel() == "perplexity"
    assert [text.get_text() for text in axes.get_yticklabels()] == list(rows)
    assert table.header == ["", "seeds", "lowest", "median", "highest", "this run", "failed"]
    assert table.rows[0] == ["GRU", 3, 1.0, 2.0, 3.0, 2.5, 0] and table.rows[3][1::5] == [3, 2]
    assert any("2 failed" in text for text in texts())
    assert plot.seeds({"a": [1.0]}, alt="one dot", xlabel="x").header == ["", "seeds", "lowest", "median", "highest"]
    plt.close("all")


def test_many_equal_values_stay_in_their_row() -> None:
    plot.seeds({"a": [0.1] * 20, "b": [0.2]}, alt="a column of dots", xlabel="x")
    heights = [point[1] for point in plt.gca().collections[0].get_offsets()]
    assert len(set(heights)) == 20 and max(map(abs, heights)) < 0.45
    plt.close("all")


def test_a_network_is_drawn_from_the_model() -> None:
    model = LeNet().train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    plot.network(model, torch.zeros(2, 1, 28, 28), alt="LeNet as a chain")
    assert torch.equal(torch.rand(2), expected) and model.training
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert not any(layer._forward_hooks for layer in model.modules())
    shown = texts()
    assert shown[0] == "input\n2 × 1 × 28 × 28" and shown[-1] == "Linear\n84 → 10\n2 × 10"
    assert "Conv2d\n5 × 5, 16 maps\n+ ReLU\n2 × 16 × 10 × 10" in shown and len(shown) == 9


def test_a_network_of_recurrent_layers_and_a_list() -> None:
    class Tagger(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding, self.rnn = nn.Embedding(50, 8), nn.GRU(8, 16, batch_first=True)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.rnn(self.embedding(x))[0]

    plot.network(Tagger(), torch.zeros(3, 7, dtype=torch.long), alt="embedding and GRU")
    assert texts() == ["input\n3 × 7", "Embedding\n50 words\n3 × 7 × 8", "GRU\n3 × 7 × 16"]
    plot.network([("words", (3, 7)), ("encoder", (3, 16), "rnn")], alt="two blocks")
    assert texts() == ["words\n3 × 7", "encoder\n3 × 16"]


def test_packed_sequences_and_attention_are_drawn() -> None:
    plot.network(Encoder(20, 4, 6), torch.full((2, 5), 4), torch.tensor([5, 3]), alt="an encoder of packed sentences")
    assert texts()[-1].startswith("GRU\n")
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    plot.network(layer, torch.zeros(2, 3, 8), alt="a layer with attention")
    assert any(text.startswith("MultiheadAttention") for text in texts())


def test_a_diagram_has_its_boxes_and_labelled_arrows() -> None:
    boxes = {"a": (0, 0), "b": (1, 0, "second", "linear"), "c": (1, 1, "third")}
    plot.diagram(boxes, [("a", "b", "2x"), ("b", "c"), ("c", "a", "back", 0.3)], alt="three boxes in a ring")
    assert len(plt.gca().patches) == 3
    assert texts() == ["a", "second", "third", "2x", "back"]


def test_the_kept_epoch_is_marked() -> None:
    rows = [{"epoch": e, "train_loss": 1 / e, "val_loss": 2 / e} for e in (1, 2, 3)]
    plot.learning_curves(rows, alt="two falling lines", kept=2)
    lines = plt.gcf().axes[0].lines
    assert list(lines[-1].get_xdata()) == [2, 2] and lines[-1].get_label() == "weights kept"
    plt.close("all")


def test_pictures_share_a_grey_scale_on_request_and_may_have_colours() -> None:
    plot.images(torch.rand(2, 4, 4), alt="two grey squares", limits=(0, 2))
    assert [axes.images[0].get_clim() for axes in plt.gcf().axes] == [(0, 2), (0, 2)]
    plot.images(torch.rand(2, 3, 4, 5), alt="two colour pictures")
    assert plt.gcf().axes[0].images[0].get_array().shape == (4, 5, 3)
    plt.close("all")


def test_the_colour_bar_says_what_it_measures() -> None:
    plot.heatmap(torch.rand(2, 2), alt="four fields", xlabel="x", ylabel="y", label="weight")
    assert plt.gcf().axes[1].get_ylabel() == "weight"
    plt.close("all")


def test_chinese_fonts_are_put_behind_the_style(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(plt.rcParams, "font.family", ["sans-serif"])
    monkeypatch.setattr(plot, "_known_fonts", lambda: ["SimHei"])
    assert plot.use_chinese_fonts() == ["SimHei"]
    assert plt.rcParams["font.family"] == ["sans-serif", "SimHei"]


def test_without_a_chinese_font_one_sentence_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(plt.rcParams, "font.family", ["sans-serif"])
    monkeypatch.setattr(plot, "_told", False)
    monkeypatch.setattr(plot, "_find_new_fonts", lambda: None)
    monkeypatch.setattr(plot, "_known_fonts", lambda: [])
    plt.figure().suptitle("loss")
    assert not plot._lacks_chinese(plt.gcf()) and capsys.readouterr().out == ""
    plt.figure().suptitle("我很冷。")
    assert plot._lacks_chinese(plt.gcf()) and plot._lacks_chinese(plt.gcf())
    assert capsys.readouterr().out.count("fonts-noto-cjk") == 1
    monkeypatch.setitem(plt.rcParams, "font.family", ["sans-serif", "SimHei"])
    assert not plot._lacks_chinese(plt.gcf())
    plt.close("all")


def test_a_font_that_was_installed_later_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(plt.rcParams, "font.family", ["sans-serif"])
    monkeypatch.setattr(plot, "_told", False)
    known: list[str] = []
    monkeypatch.setattr(plot, "_known_fonts", lambda: known)
    monkeypatch.setattr(plot, "_find_new_fonts", lambda: known.append("SimHei"))
    plt.figure().suptitle("我很冷。")
    assert not plot._lacks_chinese(plt.gcf()) and plt.rcParams["font.family"][-1] == "SimHei"
    plt.close("all")


def test_paths_have_a_panel_a_run_with_start_and_end() -> None:
    runs = {"slow": [(-5.0, -2.0), (-4.0, -1.0)], "fast": [(-5.0, -2.0), (0.0, 0.0), (0.0, 9.0)]}
    plot.paths(lambda a, b: a**2 + b**2, runs, alt="Two ways.", xlim=(-6, 1), ylim=(-3, 3), marks={"minimum": (0, 0)})
    figure = plt.gcf()
    panels = [axis for axis in figure.axes if axis.get_title()]
    assert [axis.get_title() for axis in panels] == ["slow", "fast"]
    assert all(axis.get_xlim() == (-6, 1) and axis.get_xlabel() == "$x_1$" for axis in panels)
    assert [text.get_text() for text in panels[0].texts] == ["minimum"]


def test_sweeps_have_a_panel_a_name_with_runs_means_and_marks() -> None:
    runs = [(0.1, 1.0), (0.1, 3.0), (1.0, 4.0), (10.0, math.nan)]
    plot.sweeps(
        {"a": runs, "b": [(2.0, 1.0)]}, alt="two panels", ylabel="y", chosen={"a": 1.0}, live={"a": [(1.0, 5.0)]}
    )
    first, second, empty = plt.gcf().axes
    assert [axes.get_title() for axes in (first, second)] == ["a", "b"] and not empty.axison
    assert first.get_xscale() == "log" and first.get_ylabel() == "y"
    assert first.lines[0].get_xydata().tolist() == [[0.1, 2.0], [1.0, 4.0]]
    assert [len(dots.get_offsets()) for dots in first.collections] == [3, 1]
    assert len(first.lines) == 2 and len(second.lines) == 1
    assert first.get_xlim() != second.get_xlim()
    plt.close("all")
    plot.sweeps({"a": runs, "b": [(2.0, 1.0)]}, alt="two panels", ylabel="y", columns=2, sharex=True)
    first, second = plt.gcf().axes
    assert first.get_xlim() == second.get_xlim()
    plt.close("all")
