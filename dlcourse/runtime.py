"""Where and how large a notebook runs: the device, the random seed and the scale."""

from __future__ import annotations

import os
import random
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import dlcourse

if TYPE_CHECKING:
    import torch

SCALES = ("quick", "full")


def scale() -> str:
    """Return ``"quick"`` (the default) or ``"full"``, as the environment variable ``DLCOURSE_SCALE`` says.

    Raises ValueError for any other value.
    """
    value = os.environ.get("DLCOURSE_SCALE", "quick").strip().lower() or "quick"
    if value not in SCALES:
        raise ValueError(f"DLCOURSE_SCALE is {value!r}; set it to 'quick' or 'full', or remove it.")
    return value


def knobs(**columns: tuple[Any, Any]) -> SimpleNamespace:
    """Pick one column of a table of settings: ``knobs(epochs=(8, 20))`` has ``.epochs`` 8 quick, 20 full."""
    column = SCALES.index(scale())
    return SimpleNamespace(**{name: pair[column] for name, pair in columns.items()})


def device() -> torch.device:
    """Return the CUDA device when PyTorch can use one, else the CPU.

    The environment variable ``DLCOURSE_DEVICE`` (``cpu``, ``cuda``, ``mps``) overrides the choice. Apple's
    ``mps`` is used only on request: it has no float64, and some operations fall back to the CPU.
    Raises RuntimeError when CUDA or MPS is asked for and not there.
    """
    import torch

    wanted = os.environ.get("DLCOURSE_DEVICE", "").strip().lower()
    if not wanted:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    chosen = torch.device(wanted)
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not available.get(chosen.type, True):
        raise RuntimeError(
            f"DLCOURSE_DEVICE={wanted}, but PyTorch finds no such device here; run `python -m dlcourse doctor`."
        )
    return chosen


def shifted(value: int) -> int:
    """Return the seed ``value``, moved by ``DLCOURSE_SEED`` thousands (default 0): a notebook's run with other seeds.

    Raises ValueError when the variable is no whole number.
    """
    text = os.environ.get("DLCOURSE_SEED", "").strip() or "0"
    try:
        return value + 1000 * int(text)
    except ValueError:
        raise ValueError(f"DLCOURSE_SEED is {text!r}; set it to a whole number, or remove it.") from None


def seed(value: int = 0) -> None:
    """Seed the random generators of Python, NumPy and PyTorch (all devices) with ``shifted(value)``.

    The first call also settles PyTorch's threads: see ``dlcourse.settle_threads``.
    """
    import numpy
    import torch

    dlcourse.settle_threads()
    random.seed(shifted(value))
    numpy.random.seed(shifted(value) % 2**32)
    torch.manual_seed(shifted(value))


def generator(value: int = 0) -> torch.Generator:
    """Return a random generator of its own on the CPU, seeded with ``shifted(value)``."""
    import torch

    return torch.Generator().manual_seed(shifted(value))
