"""Drawn photos of handwritten digits, the same for everyone, and their preparation: notebooks 1.3 and 2.2."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFilter, ImageOps
from torch import Tensor

_ACROSS = np.linspace(0, 1, 400)
LIGHTS = {  # the brightness of the paper from left to right; 255 is white
    "even": 220 + 0 * _ACROSS,
    "slightly darker to the right": 235 - 40 * _ACROSS,
    "much darker to the right": 235 - 130 * _ACROSS,
    "a soft shadow": 225 - 110 / (1 + np.exp(-12 * (_ACROSS - 0.6))),
}
SLANTS = (0.0, 0.15, 0.3)


def _arc(x: float, y: float, rx: float, ry: float, start: float, stop: float) -> list[tuple[float, float]]:
    """Return points of an ellipse from angle ``start`` to ``stop`` in degrees, clockwise from the right."""
    angles = np.radians(np.linspace(start, stop, 24))
    return list(zip(x + rx * np.cos(angles), y + ry * np.sin(angles), strict=True))


STROKES: dict[int, list[Sequence[tuple[float, float]]]] = {  # on a square of side 1, y downwards
    0: [_arc(0.5, 0.5, 0.26, 0.42, 0, 360)],
    1: [[(0.5, 0.08), (0.5, 0.92)]],
    2: [[*_arc(0.5, 0.3, 0.25, 0.22, 190, 395), (0.24, 0.9), (0.8, 0.9)]],
    3: [_arc(0.46, 0.29, 0.25, 0.21, 200, 440), _arc(0.46, 0.71, 0.28, 0.22, -80, 160)],
    4: [[(0.34, 0.08), (0.24, 0.55), (0.8, 0.55)], [(0.66, 0.1), (0.62, 0.94)]],
    5: [[(0.74, 0.1), (0.36, 0.1), (0.32, 0.45), *_arc(0.46, 0.66, 0.26, 0.24, -110, 150)]],
    6: [[(0.62, 0.08), (0.4, 0.36), *_arc(0.5, 0.68, 0.24, 0.23, 190, 560)]],
    7: [[(0.22, 0.12), (0.78, 0.12), (0.44, 0.92)]],
    8: [_arc(0.5, 0.29, 0.2, 0.2, 90, 450), _arc(0.5, 0.71, 0.24, 0.22, -90, 270)],
    9: [[*_arc(0.5, 0.32, 0.23, 0.23, 0, 360), (0.72, 0.36), (0.62, 0.92)]],
}
CROSS = [[(0.05, 0.05), (0.95, 0.95)], [(0.95, 0.05), (0.05, 0.95)]]


def draw_photo(
    digit: int | None, slant: float, path: Path, light: str = "slightly darker to the right", size: float = 150
) -> None:
    """Draw a digit (None: a cross) in dark ink on paper, 400 × 300 pixels, right of the middle; save it as a file.

    ``slant`` leans it to the right (0.3: three tenths of its height), ``light`` is a key of ``LIGHTS``, ``size`` the
    side in pixels of the square that it stands in.
    """
    ink = Image.new("L", (400, 300), 255)
    pen = ImageDraw.Draw(ink)
    left, top = 265 - size / 2, 165 - size / 2
    for stroke in CROSS if digit is None else STROKES[digit]:
        points = [(left + size * (x + slant * (0.5 - y)), top + size * y) for x, y in stroke]
        pen.line(points, fill=50, width=14, joint="curve")
        for x, y in points:
            pen.ellipse((x - 6, y - 6, x + 6, y + 6), fill=50)
    photo = np.tile(LIGHTS[light], (300, 1)) * np.asarray(ink) / 255  # ink lets a share of the light through
    Image.fromarray(photo.astype(np.uint8)).save(path)


def draw_photos(folder: Path, light: str = "slightly darker to the right") -> list[Path]:
    """Draw each digit with each of ``SLANTS`` into ``folder``; return the thirty files, three of a digit in a row."""
    paths = [folder / f"photo-{digit}-{place}.png" for digit in range(10) for place in range(len(SLANTS))]
    for i, path in enumerate(paths):
        draw_photo(i // len(SLANTS), SLANTS[i % len(SLANTS)], path, light)
    return paths


def as_mnist(path: Path) -> Tensor:
    """Prepare a photo as MNIST was prepared, (1, 28, 28): ink 1, in a box of 20 × 20, centred by mass.

    Notebook 1.3 builds it step by step. Raises ValueError for a picture without ink.
    """
    grey = ImageOps.exif_transpose(Image.open(path)).convert("L")
    grey.thumbnail((400, 400))
    grey = grey.filter(ImageFilter.MedianFilter(3))
    small = grey.copy()
    small.thumbnail((100, 100))
    bare = small.filter(ImageFilter.MaxFilter(11)).filter(ImageFilter.MinFilter(11))
    paper = bare.filter(ImageFilter.GaussianBlur(3)).resize(grey.size, Image.Resampling.BICUBIC)
    dark = 1 - np.asarray(grey) / np.maximum(np.asarray(paper), 1.0)
    if dark.max() < 0.2:
        raise ValueError("I see no ink: write one digit with a thick dark pen on plain paper, and fill the picture.")
    ink = np.where(dark < 0.4 * dark.max(), 0, dark / dark.max())
    rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    box = Image.fromarray((255 * ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]).astype(np.uint8))
    factor = 20 / max(box.size)
    width, height = (max(1, round(factor * side)) for side in box.size)
    digit = np.asarray(box.resize((width, height), Image.Resampling.BOX)).astype(np.float32) / 255
    centre = [np.average(np.arange(n), weights=digit.sum(1 - axis)) for axis, n in enumerate(digit.shape)]
    top, left = (int(np.clip(round(13.5 - c), 0, 28 - n)) for c, n in zip(centre, digit.shape, strict=True))
    canvas = np.zeros((28, 28), dtype=np.float32)
    canvas[top : top + height, left : left + width] = digit
    return torch.from_numpy(canvas).unsqueeze(0)
