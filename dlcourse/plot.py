"""Figures in one style: colour-blind safe, readable when projected, each with an alternative text.

Importing this module sets the style for all figures of the notebook. Every function draws a new figure, shows it
once and returns nothing; ``alt`` is the sentence that a screen reader says in place of the picture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np

plt.style.use(Path(__file__).with_name("course.mplstyle"))


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
    display(figure, metadata={"image/png": {"alt": alt}})  # type: ignore[no-untyped-call]
    plt.close(figure)


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
    if ylim is not None:
        axes.set_ylim(ylim)
    axes.legend()
    show(alt)


def learning_curves(rows: Sequence[Mapping[str, float]], *, alt: str) -> None:
    """Draw the losses, and beside them the other validation metrics, of ``History.rows`` against the epoch."""
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
        axis.legend()
    show(alt)


def images(
    pictures: Any, labels: Sequence[Any] | None = None, *, alt: str, columns: int = 10, cmap: str = "gray"
) -> None:
    """Draw a grid of grey pictures, shape (N, H, W) or (N, 1, H, W), each under its label."""
    array = np.asarray(pictures.detach().cpu() if hasattr(pictures, "detach") else pictures)
    array = array.reshape(-1, *array.shape[-2:])
    columns = min(columns, len(array))
    lines = -(-len(array) // columns)
    height = 1.05 if labels is None else 1.4
    _, axes = plt.subplots(lines, columns, figsize=(1.05 * columns, height * lines), squeeze=False)
    for index, axis in enumerate(axes.flat):
        axis.axis("off")
        if index < len(array):
            axis.imshow(array[index], cmap=cmap)
            if labels is not None:
                axis.set_title(str(labels[index]), fontsize=11)
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
    size: tuple[float, float] = (6, 5),
) -> None:
    """Draw a matrix, shape (rows, columns), as colours; ``numbers`` writes each entry into its field."""
    array = np.asarray(matrix.detach().cpu() if hasattr(matrix, "detach") else matrix)
    figure, axes = plt.subplots(figsize=size)
    picture = axes.imshow(array)
    figure.colorbar(picture, ax=axes, shrink=0.85)
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


def confusion(matrix: Any, classes: Sequence[str], *, alt: str) -> None:
    """Draw a confusion matrix: counts, shape (K, K), with the true class down and the predicted class across."""
    heatmap(matrix, alt=alt, xlabel="predicted", ylabel="true", xticks=classes, yticks=classes, numbers=True)
