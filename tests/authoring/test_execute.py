from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image

from dlcourse.authoring.execute import with_palette


def png(array: np.ndarray) -> str:
    file = io.BytesIO()
    Image.fromarray(array).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode("ascii")


def pixels(text: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(text))).convert("RGB")).astype(int)


def test_saved_pictures_have_few_colours_and_look_the_same() -> None:
    ramp = np.linspace(0, 255, 300).astype(np.uint8)
    figure = np.stack([np.tile(ramp, (200, 1)), np.tile(ramp[::-1], (200, 1)), np.full((200, 300), 90)], -1)
    before = png(figure.astype(np.uint8))
    after = with_palette(before)
    assert len(after) < len(before) and pixels(after).shape == (200, 300, 3)
    assert len(np.unique(pixels(after).reshape(-1, 3), axis=0)) <= 64
    assert abs(pixels(after) - figure).max() <= 8


def test_a_picture_that_would_grow_stays_as_it_is() -> None:
    tiny = png(np.zeros((1, 1, 3), dtype=np.uint8))
    assert len(with_palette(tiny)) <= len(tiny) and (pixels(with_palette(tiny)) == 0).all()
