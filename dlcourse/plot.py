"""Figures in one style: colour-blind safe, readable when projected, each with an alternative text.

Importing this module sets the style for all figures of the notebook. Every function draws a new figure, shows it
once and returns nothing; ``alt`` is the sentence that a screen reader says in place of the picture.
"""

from __future__ import annotations

import contextlib
import math
import re
import statistics
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib import font_manager
from matplotlib.patches import FancyArrowPatch, Rectangle
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator, NullFormatter

from dlcourse.table import Table

CHINESE_FONTS = (
    "Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans SC", "Source Han Sans SC", "Source Han Sans CN",
    "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "Microsoft YaHei", "SimHei", "PingFang SC", "PingFang HK", "Heiti SC",
    "Heiti TC", "Hiragino Sans GB", "Arial Unicode MS",
)  # fmt: skip
_CHINESE = re.compile(r"[\u3000-\u30ff\u3400-\u9fff\uff00-\uffef]")
_CHINESE_FILE = re.compile(r"cjk|sourcehan|wqy|msyh|simhei|pingfang|heiti|hiragino|arial ?unicode|NotoSansSC", re.I)
_told = False  # whether the missing font was told


def use_chinese_fonts() -> list[str]:
    """Put the installed ones of ``CHINESE_FONTS`` behind the style's fonts, for the characters that those lack."""
    found = _known_fonts()
    plt.rcParams["font.family"] = [*dict.fromkeys([*plt.rcParams["font.family"], *found])]
    return found


def _find_new_fonts() -> None:
    """Tell matplotlib, which keeps a list of fonts, of those that were installed later."""
    for path in font_manager.findSystemFonts():
        if _CHINESE_FILE.search(Path(path).name):
            with contextlib.suppress(Exception):
                font_manager.fontManager.addfont(path)


def _known_fonts() -> list[str]:
    known = {font.name for font in font_manager.fontManager.ttflist}
    return [name for name in CHINESE_FONTS if name in known]


plt.style.use(Path(__file__).with_name("course.mplstyle"))
use_chinese_fonts()


def show(alt: str) -> None:
    """Display the current figure once, with its alternative text, and close it.

    Raises ValueError for an empty text. Outside of IPython the figure stays open, so a script can save it.
    """
    if not alt.strip():
        raise ValueError("A figure needs an alternative text: plot.show('what the picture shows').")
    try:
        from IPython.core.getipython import get_ipython
        from IPython.display import display
    except ImportError:
        return
    if get_ipython() is None:  # type: ignore[no-untyped-call]
        return
    figure = plt.gcf()
    with warnings.catch_warnings():
        if _lacks_chinese(figure):
            warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        display(figure, metadata={"image/png": {"alt": alt}})  # type: ignore[no-untyped-call]
    plt.close(figure)


def _lacks_chinese(figure: Any) -> bool:
    """Whether the figure has Chinese characters and no font for them; the first time, say what to install."""
    global _told
    if set(CHINESE_FONTS) & set(plt.rcParams["font.family"]):
        return False
    if not any(_CHINESE.search(text.get_text()) for text in figure.findobj(Text)):
        return False
    if not _told:
        _find_new_fonts()
        if use_chinese_fonts():
            return False
        print(
            "No font with Chinese characters was found, so they are drawn as boxes: install Noto Sans CJK "
            "(Debian and Ubuntu: sudo apt install fonts-noto-cjk) and restart the kernel."
        )
    _told = True
    return True


def curves(
    series: Mapping[str, Sequence[float]],
    *,
    alt: str,
    xlabel: str = "epoch",
    ylabel: str = "loss",
    x: Sequence[float] | None = None,
    log: bool = False,
    ylim: tuple[float, float] | None = None,
) -> None:
    """Draw named curves over ``x`` (default 1, 2, …); ``log`` and ``ylim`` set the vertical axis."""
    _, axes = plt.subplots()
    for name, values in series.items():
        positions = range(1, len(values) + 1) if x is None else x
        axes.plot(positions, values, label=name, marker="o" if len(values) <= 20 else None, markersize=4)
    axes.set(xlabel=xlabel, ylabel=ylabel, yscale="log" if log else "linear")
    if xlabel == "epoch" or (x is not None and len(x) <= 20 and all(float(place).is_integer() for place in x)):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    if ylim is not None:
        axes.set_ylim(ylim)
    axes.legend()
    show(alt)


def learning_curves(rows: Sequence[Mapping[str, float]], *, alt: str, kept: int | None = None) -> None:
    """Draw the losses, and beside them the other validation metrics, of ``History.rows`` against the epoch.

    ``kept`` is the epoch whose weights the model has: a vertical line.
    """
    epochs = [row["epoch"] for row in rows]
    metrics = [key for key in rows[0] if key.startswith("val_") and key != "val_loss"]
    _, axes = plt.subplots(1, 1 + bool(metrics), figsize=(10 if metrics else 7, 3.8), squeeze=False)
    losses = [key for key in ("train_loss", "val_loss") if key in rows[0]]
    for axis, keys, label in zip(
        axes[0], (losses, metrics), ("loss (mean per example)", "validation metric"), strict=False
    ):
        for key in keys:
            axis.plot(epochs, [row[key] for row in rows], marker="o", markersize=4, label=key.replace("_", " "))
        axis.set(xlabel="epoch", ylabel=label)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        if kept is not None:
            axis.axvline(kept, color="grey", linestyle=":", label="weights kept")
        axis.legend()
    show(alt)


def images(
    pictures: Any, labels: Sequence[Any] | None = None, *, alt: str, columns: int = 10, cmap: str = "gray",
    limits: tuple[float, float] | None = None,
) -> None:  # fmt: skip
    """Draw a grid of pictures, each under its label.

    Grey ones have the shape (N, H, W) or (N, 1, H, W); each has a grey scale of its own unless ``limits`` gives the
    values of black and white. Colour pictures have the shape (N, 3, H, W), with values from 0 to 1.
    """
    array = np.asarray(pictures.detach().cpu() if hasattr(pictures, "detach") else pictures)
    if array.ndim == 4 and array.shape[1] == 3:
        array = array.transpose(0, 2, 3, 1)
    else:
        array = array.reshape(-1, *array.shape[-2:])
    low, high = limits or (None, None)
    columns = min(columns, len(array))
    lines = -(-len(array) // columns)
    height = 1.05 if labels is None else 1.4
    _, axes = plt.subplots(lines, columns, figsize=(1.05 * columns, height * lines), squeeze=False)
    for index, axis in enumerate(axes.flat):
        axis.axis("off")
        if index < len(array):
            axis.imshow(array[index], cmap=cmap, vmin=low, vmax=high)
            if labels is not None:
                axis.set_title(str(labels[index]), fontsize=11)
    show(alt)


def grids(
    arrays: Mapping[str, Any], *, alt: str, marks: Mapping[str, Any] | None = None, signs: Sequence[str] = ()
) -> None:
    """Draw small matrices (rows, columns) side by side, as squares with their numbers, each under its name.

    ``marks`` gives a matrix of the same shape for a name: 0 white, 1 orange, 2 grey, 3 blue. ``signs`` stand between
    neighbours, such as ``["∗", "="]``.
    """
    tall = max(np.asarray(array).shape[0] for array in arrays.values())
    wide = [np.asarray(array).shape[1] for array in arrays.values()]
    side = min(0.42, 10 / (sum(wide) + 2 * len(wide)))
    size = (side * (sum(wide) + 1.6 * len(wide)), side * tall + 0.5)
    _, axes = plt.subplots(1, len(wide), figsize=size, squeeze=False, width_ratios=wide)
    for index, (axis, (name, values)) in enumerate(zip(axes.flat, arrays.items(), strict=True)):
        axis.axis("off")
        array = np.asarray(values)
        colours = np.asarray((marks or {}).get(name, np.zeros(array.shape))).astype(int)
        texts = [f"{value:g}" if np.issubdtype(array.dtype, np.number) else str(value) for value in array.flat]
        fontsize = min(11, 26 * side, 100 * side / max(map(len, texts)))
        for (row, column), text in zip(np.ndindex(array.shape), texts, strict=True):
            colour = ("#ffffff", "#fbdcc4", "#e4e4e4", "#cfe3f5")[colours[row, column]]
            axis.add_patch(Rectangle((column, row), 1, 1, facecolor=colour, edgecolor="#444444", linewidth=0.8))
            axis.text(column + 0.5, row + 0.52, text, ha="center", va="center", fontsize=fontsize)
        rest = (tall - array.shape[0]) / 2
        axis.set(xlim=(-0.05, array.shape[1] + 0.05), ylim=(array.shape[0] + rest + 0.05, -rest - 0.05), aspect="equal")
        axis.annotate(name, (array.shape[1] / 2, 0), (0, 5), textcoords="offset points", ha="center", fontsize=11)
        if index < len(signs):
            axis.annotate(signs[index], (1, 0.5), (12, 0), xycoords="axes fraction", textcoords="offset points",
                          ha="center", va="center", fontsize=14)  # fmt: skip
    show(alt)


def heatmap(
    matrix: Any,
    *,
    alt: str,
    xlabel: str,
    ylabel: str,
    xticks: Sequence[Any] | None = None,
    yticks: Sequence[Any] | None = None,
    numbers: bool = False,
    label: str = "value",
    size: tuple[float, float] = (6, 5),
) -> None:
    """Draw a matrix, shape (rows, columns), as colours; ``numbers`` writes each entry into its field.

    ``label`` says what the colours mean.
    """
    array = np.asarray(matrix.detach().cpu() if hasattr(matrix, "detach") else matrix)
    figure, axes = plt.subplots(figsize=size)
    picture = axes.imshow(array)
    figure.colorbar(picture, ax=axes, shrink=0.85, label=label)
    axes.set(xlabel=xlabel, ylabel=ylabel)
    axes.grid(False)
    for ticks, place in ((xticks, axes.set_xticks), (yticks, axes.set_yticks)):
        if ticks is not None:
            place(range(len(ticks)), [str(tick) for tick in ticks])
    if numbers:
        middle = (array.max() + array.min()) / 2
        for (row, column), value in np.ndenumerate(array):
            colour = "white" if value < middle else "black"
            axes.text(column, row, f"{value:g}", ha="center", va="center", color=colour, fontsize=10)
    show(alt)


def heads(weights: Any, rows: Sequence[str], columns: Sequence[str], *, alt: str, title: str) -> None:
    """Draw the attention weights (heads, T, S) of one sentence, each head beside the next, with the tokens as ticks."""
    number = len(weights)
    size = (2.2 + (0.6 + 0.26 * len(columns)) * number, 1.6 + 0.27 * len(rows))
    figure, axes = plt.subplots(1, number, figsize=size, squeeze=False, layout="constrained")
    for head, axis in enumerate(axes.flat):
        picture = axis.imshow(np.asarray(weights[head]), vmin=0, vmax=1)
        axis.set(title=f"{title}, head {head + 1}", xlabel="looks at")
        axis.title.set_fontsize(11)
        axis.set_xticks(range(len(columns)), columns, rotation=90, fontsize=10)
        axis.set_yticks(range(len(rows)), rows if head == 0 else [""] * len(rows), fontsize=10)
        axis.grid(False)
    axes[0, 0].set_ylabel("token")
    figure.colorbar(picture, ax=axes, label="weight", shrink=0.7)
    show(alt)


def paths(
    function: Any, runs: Mapping[str, Any], *, alt: str, xlim: tuple[float, float], ylim: tuple[float, float],
    levels: Any = 12, marks: Mapping[str, tuple[float, float]] | None = None,
) -> None:  # fmt: skip
    """Draw the way of an optimizer over the contours of a function of two variables, one panel for each run.

    ``function`` takes two arrays and returns one; each run is a list of points (steps + 1, 2), the first its start
    (ring), the last its end (square), coloured by the step. What leaves the picture is cut off. ``marks`` are points
    that every panel shows with their name, such as a minimum.
    """
    columns = 2 if len(runs) == 4 else min(len(runs), 3)
    lines = -(-len(runs) // columns)
    figure, axes = plt.subplots(
        lines, columns, figsize=(4.0 * columns + 0.6, 3.4 * lines), squeeze=False, layout="constrained"
    )
    x, y = np.meshgrid(np.linspace(*xlim, 200), np.linspace(*ylim, 200))
    height = np.broadcast_to(np.asarray(function(x, y), dtype=float), x.shape)
    longest = max(len(points) for points in runs.values()) - 1
    for axis in axes.flat[len(runs) :]:
        axis.axis("off")
    for axis, (name, points) in zip(axes.flat, runs.items(), strict=False):
        way = np.asarray(points, dtype=float)
        axis.contour(x, y, height, levels=levels, colors="#bbbbbb", linewidths=0.8)
        axis.plot(way[:, 0], way[:, 1], color="#666666", linewidth=0.9)
        dots = axis.scatter(way[:, 0], way[:, 1], c=range(len(way)), vmin=0, vmax=longest, s=16, zorder=3)
        axis.scatter(*way[0], s=80, facecolors="none", edgecolors="black", linewidths=1.3, zorder=4)
        axis.scatter(*way[-1], s=70, marker="s", facecolors="none", edgecolors="C1", linewidths=1.8, zorder=4)
        for label, place in (marks or {}).items():
            axis.scatter(*place, s=60, marker="+", color="black", zorder=4)
            axis.annotate(label, place, (4, 5), textcoords="offset points", fontsize=10)
        axis.set(title=name, xlim=xlim, ylim=ylim, xlabel="$x_1$", ylabel="$x_2$")
        axis.title.set_fontsize(11)
        axis.grid(False)
    figure.colorbar(dots, ax=axes, label="step", shrink=0.8, ticks=MaxNLocator(integer=True))
    show(alt)


def sweeps(
    panels: Mapping[str, Sequence[tuple[float, float]]], *, alt: str, ylabel: str, xlabel: str = "learning rate",
    columns: int = 3, chosen: Mapping[str, float] | None = None, ylim: tuple[float, float] | None = None,
    live: Mapping[str, Sequence[tuple[float, float]]] | None = None, sharex: bool = False,
) -> None:  # fmt: skip
    """Draw results against a setting on a logarithmic axis, one panel a name: a dot for each run, a line through means.

    A run is (setting, result); results that are not finite are left out. ``chosen`` gives a setting that is marked by a
    vertical line, ``live`` the runs of this session, drawn as crosses; with ``sharex`` all panels have the same range.
    """
    lines = -(-len(panels) // columns)
    figure, axes = plt.subplots(
        lines, columns, figsize=(3.4 * columns, 0.6 + 2.3 * lines), sharex=sharex, sharey=True, squeeze=False,
        layout="constrained",
    )  # fmt: skip
    for axis in axes.flat[len(panels) :]:
        axis.axis("off")
    for axis, (name, runs) in zip(axes.flat, panels.items(), strict=False):
        finite = [(x, y) for x, y in runs if math.isfinite(y)]
        places = sorted({x for x, _ in finite})
        means = [statistics.mean(y for at, y in finite if at == x) for x in places]
        axis.plot(places, means, color="C0", linewidth=1.5)
        axis.scatter(*zip(*finite, strict=True), s=18, alpha=0.5, color="C0", linewidths=0)
        if chosen and name in chosen:
            axis.axvline(chosen[name], color="#555555", linestyle=":", zorder=1)
        if live and name in live:
            axis.scatter(*zip(*live[name], strict=True), s=45, marker="x", color="C1", zorder=4)
        axis.set(xscale="log", title=name)
        axis.xaxis.set_minor_formatter(NullFormatter())
        axis.title.set_fontsize(11)
        if ylim is not None:
            axis.set_ylim(ylim)
    for axis in axes[:, 0]:
        axis.set_ylabel(ylabel)
    figure.supxlabel(xlabel, fontsize=12)
    show(alt)


def confusion(matrix: Any, classes: Sequence[str], *, alt: str) -> None:
    """Draw a confusion matrix: counts, shape (K, K), with the true class down and the predicted class across."""
    heatmap(
        matrix,
        alt=alt,
        xlabel="predicted",
        ylabel="true",
        xticks=classes,
        yticks=classes,
        numbers=True,
        label="examples",
    )


def seeds(
    rows: Mapping[str, Sequence[float]], *, alt: str, xlabel: str, live: Mapping[str, float] | None = None,
    dot: tuple[str, str] = ("a seed", "seeds"),
) -> Table:  # fmt: skip
    """Draw one dot a seed for each row, and a cross for this run (``live``); return the numbers as a table.

    Rows may have any number of seeds. What is not finite (a run that failed) is counted in a column of its own and
    written beside the dots. ``dot`` says what a dot is where it is no seed, in singular and plural.
    """
    live = live or {}
    figure, axes = plt.subplots(figsize=(8.5, 1.1 + 0.42 * len(rows)))
    table = []
    for line, (name, values) in enumerate(rows.items()):
        finite = sorted(value for value in values if math.isfinite(value))
        lost = len(values) - len(finite)
        places = [finite[:i].count(value) for i, value in enumerate(finite)]  # equal values stand above each other
        step = min(0.12, 0.7 / (max(places, default=0) + 1))
        heights = [line + step * ((place + 1) // 2) * (-1) ** place for place in places]
        axes.scatter(finite, heights, s=42, alpha=0.55, color="C0", linewidths=0, label=dot[0], zorder=3)
        if name in live and math.isfinite(live[name]):
            axes.scatter(live[name], line, s=70, marker="x", color="C1", label="this run", zorder=4)
        numbers = [min(finite), statistics.median(finite), max(finite)] if finite else [math.nan] * 3
        text = f"{numbers[1]:.4g}  ({numbers[0]:.4g} to {numbers[2]:.4g})" if finite else ""
        text += f"  {lost} failed" if lost else ""
        axes.annotate(text, (1.02, line), xycoords=("axes fraction", "data"), va="center", fontsize=11)
        table.append([name, len(values), *numbers, *([live.get(name, "–")] if live else []), lost])
    axes.set_yticks(range(len(rows)), list(rows))
    axes.set(xlabel=xlabel, ylim=(len(rows) - 0.5, -0.5))
    axes.grid(axis="y", alpha=0.3)
    axes.annotate("median (lowest to highest)", (1.02, 1.0), xycoords="axes fraction", va="bottom", fontsize=10)
    handles = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    axes.legend(handles.values(), handles, loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False, fontsize=10)
    show(alt)
    header = ["", dot[1], "lowest", "median", "highest", *(["this run"] if live else []), "failed"]
    if not any(row[-1] for row in table):
        header, table = header[:-1], [row[:-1] for row in table]
    return Table(header, table)


# --- drawings ----------------------------------------------------------------------------------------------

KINDS = {
    "data": "#f2f2f2", "linear": "#cfe3f5", "conv": "#fbdcc4", "pool": "#dcebd3", "rnn": "#e6d8f0", "norm": "#fdf3c6",
    "other": "#ffffff",
}  # fmt: skip


def diagram(
    boxes: Mapping[str, tuple[Any, ...]],
    arrows: Sequence[tuple[Any, ...]] = (),
    *,
    alt: str,
    size: tuple[float, float] = (10, 3),
    fontsize: float = 11,
) -> None:
    """Draw labelled boxes and arrows between them.

    ``boxes``: name → (x, y), (x, y, text) or (x, y, text, kind), in units of your choice; ``kind`` is a key of
    ``KINDS``, the colours. ``arrows``: (from, to), (from, to, label) or (from, to, label, curvature), where
    0.3 bends to one side.
    """
    figure, axes = plt.subplots(figsize=size)
    axes.axis("off")
    drawn = {}
    for name, (x, y, *rest) in boxes.items():
        text, kind = rest[0] if rest else name, rest[1] if len(rest) > 1 else "other"
        style = {"boxstyle": "round,pad=0.45", "facecolor": KINDS[kind], "edgecolor": "#444444"}
        drawn[name] = axes.text(x, y, text, ha="center", va="center", fontsize=fontsize, bbox=style, zorder=3)
    xs, ys = [box[0] for box in boxes.values()], [box[1] for box in boxes.values()]
    wide, high = (max(max(c) - min(c), 1e-9) for c in (xs, ys))
    axes.set(xlim=(min(xs) - 0.12 * wide, max(xs) + 0.12 * wide), ylim=(min(ys) - 0.3 * high, max(ys) + 0.3 * high))
    if high < 1e-6:
        axes.set_ylim(ys[0] - 1, ys[0] + 1)
    figure.canvas.draw()
    for start, end, *rest in arrows:
        label, bend = rest[0] if rest else "", rest[1] if len(rest) > 1 else 0.0
        patches = [drawn[name].get_bbox_patch() for name in (start, end)]
        places = [drawn[name].get_position() for name in (start, end)]
        arrow = FancyArrowPatch(
            *places, patchA=patches[0], patchB=patches[1], connectionstyle=f"arc3,rad={bend}", arrowstyle="-|>",
            mutation_scale=13, shrinkA=1, shrinkB=1, color="#444444", zorder=4,
        )  # fmt: skip
        axes.add_patch(arrow)
        if label:
            (x1, y1), (x2, y2) = places
            x, y = (x1 + x2) / 2 + bend * (y2 - y1) / 2, (y1 + y2) / 2 - bend * (x2 - x1) / 2
            back = {"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.85}
            axes.text(x, y, label, ha="center", va="center", fontsize=fontsize - 1.5, zorder=5, bbox=back)
    show(alt)


def unrolled(parts: Mapping[str, tuple[Any, ...]], *, alt: str, marks: Sequence[str] = ()) -> None:
    """Draw recurrent networks step by step, side by side, each under its name.

    A part (words,) is an encoder that reads them in both directions and hands its summary to the part at its right.
    (inputs, outputs) is a decoder; with a third entry True each output is drawn as the next input. Outputs that are
    in ``marks`` are coloured.
    """
    boxes: dict[str, tuple[Any, ...]] = {}
    arrows: list[tuple[Any, ...]] = []
    left, summary = 0.0, ""
    for name, (inputs, *rest) in parts.items():
        outputs, feeds = (*rest, None, False)[:2]
        steps = range(len(inputs))
        for k in steps:
            x, y = left + k, f"{name}{k}"
            boxes |= {f"{y} in": (x, 0, inputs[k], "data"), y: (x, 1, "GRU", "rnn")}
            arrows += [(f"{y} in", y), *([(f"{name}{k - 1}", y)] if k else [])]
            if outputs is None:
                boxes[f"{y} back"] = (x, 2, "GRU", "rnn")
                arrows += [(f"{y} in", f"{y} back", "", 0.35), *([(f"{y} back", f"{name}{k - 1} back")] if k else [])]
            else:
                boxes[f"{y} out"] = (x, 2, outputs[k], "conv" if outputs[k] in marks else "data")
                arrows += [(y, f"{y} out"), *([(f"{name}{k - 1} out", f"{y} in")] if k and feeds else [])]
        boxes[f"title of {name}"] = (left + (len(inputs) - 1) / 2, 3, name)
        arrows += [(summary, f"{name}0")] if summary else []
        summary, left = "", left + len(inputs) + 0.6
        if outputs is None:
            summary = f"summary of {name}"
            boxes[summary] = (left - 0.2, 1.5, "summary", "data")
            arrows += [(f"{name}{steps[-1]}", summary), (f"{name}0 back", summary, "", -0.2)]
            left += 1.0
    diagram(boxes, arrows, alt=alt, size=(11, 3.6), fontsize=10)


def network(model: Any, *inputs: Any, alt: str, columns: int = 5) -> None:
    """Draw a model as a chain of blocks with the shape of each output, ``columns`` blocks a line, to and fro.

    ``model`` is a module, which is run once on ``inputs`` to see its layers in their order (its mode, buffers and the
    random state stay as they were), or a list of (text, shape) or (text, shape, kind). Activations join the layer
    before them.
    """
    steps = _layers(model, inputs) if hasattr(model, "modules") else [(*step, "other")[:3] for step in model]
    lines = -(-len(steps) // columns)
    boxes = {}
    for i, (text, shape, kind) in enumerate(steps):
        row, column = divmod(i, columns)
        place = column if row % 2 == 0 else columns - 1 - column
        boxes[str(i)] = (place, -row, f"{text}\n{' × '.join(map(str, shape))}", kind)
    arrows = [(str(i), str(i + 1), "", 0.0) for i in range(len(steps) - 1)]
    diagram(boxes, arrows, alt=alt, size=(10, 0.6 + 1.25 * lines))


def _layers(model: Any, inputs: Sequence[Any]) -> list[tuple[str, tuple[int, ...], str]]:
    """Return (text, shape of the output, kind) of the input and of each leaf layer, in the order of their calls."""
    import copy

    import torch
    from torch import nn

    twin = copy.deepcopy(model).eval()
    steps = [("input", tuple(inputs[0].shape), "data")]

    def note(layer: Any, _: Any, output: Any) -> None:
        while isinstance(output, tuple):  # of outputs and states the outputs, of a packed sequence its data
            output = output[0]
        shape = tuple(output.shape)
        name = type(layer).__name__
        details = {
            "Linear": lambda: f"{layer.in_features} → {layer.out_features}",
            "Embedding": lambda: f"{layer.num_embeddings} words",
            "Conv2d": lambda: f"{layer.kernel_size[0]} × {layer.kernel_size[1]}, {layer.out_channels} maps",
        }
        if name in ("ReLU", "Sigmoid", "Tanh", "GELU", "Dropout", "Softmax", "LogSoftmax") and len(steps) > 1:
            steps[-1] = (f"{steps[-1][0]}\n+ {name}", shape, steps[-1][2])
            return
        window = getattr(layer, "kernel_size", None)
        detail = details.get(name, lambda: f"window {window}" if window is not None else "")()
        lower = name.lower()
        kind = next((k for k in ("conv", "pool", "linear", "norm") if k in lower), "other")
        kind = "rnn" if name in ("RNN", "GRU", "LSTM") else kind
        steps.append((f"{name}\n{detail}".rstrip(), shape, kind))

    whole = [layer for layer in twin.modules() if isinstance(layer, nn.MultiheadAttention)]
    inner = {id(part) for layer in whole for part in layer.modules()} - {id(layer) for layer in whole}
    leaves = [layer for layer in twin.modules() if not list(layer.children()) or layer in whole]
    hooks = [layer.register_forward_hook(note) for layer in leaves if id(layer) not in inner]
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        twin(*inputs)
    for hook in hooks:
        hook.remove()
    return steps
