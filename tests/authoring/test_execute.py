from __future__ import annotations

import base64
import io

import matplotlib
import numpy as np
from PIL import Image

from dlcourse.authoring.execute import with_palette

matplotlib.use("Agg")
import matplotlib.pyplot as plt


def pixels(text: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(text))).convert("RGB")).astype(int)


def figure() -> str:
    file = io.BytesIO()
    plt.plot(np.sin(np.linspace(0, 9, 200)), label="a curve")
    plt.legend()
    plt.savefig(file, format="png")
    plt.close("all")
    return base64.b64encode(file.getvalue()).decode("ascii")


def test_saved_pictures_have_few_colours_and_look_the_same() -> None:
    before = figure()
    after = with_palette(before)
    assert len(after) < 0.8 * len(before) and pixels(after).shape == pixels(before).shape
    assert len(np.unique(pixels(after).reshape(-1, 3), axis=0)) <= 64
    assert abs(pixels(after) - pixels(before)).mean() <= 1


def test_a_picture_that_would_grow_stays_as_it_is() -> None:
    small = with_palette(figure())
    assert len(with_palette(small)) <= len(small)
