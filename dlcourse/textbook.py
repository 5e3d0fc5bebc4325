"""The textbook's own library, ``d2l`` 0.17 for PyTorch, repaired for current IPython.

Use ``from dlcourse.textbook import d2l``. ``d2l.use_svg_display`` calls a function that IPython removed, so every
plot of the textbook fails without the repair below.
"""

from __future__ import annotations

from d2l import torch as d2l
from matplotlib_inline.backend_inline import set_matplotlib_formats

__all__ = ["d2l"]


def _use_svg_display() -> None:
    set_matplotlib_formats("svg")


d2l.use_svg_display = _use_svg_display
