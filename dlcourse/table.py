"""Tables of results: HTML in Jupyter, aligned text elsewhere; and the proof that tensors agree as one table."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


class Table:
    """Rows under a header. Floats are shown with four digits, everything else as ``str`` gives it."""

    def __init__(self, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        self.header, self.rows = list(header), [list(row) for row in rows]
        if any(len(row) != len(self.header) for row in self.rows):
            raise ValueError(f"Each row needs {len(self.header)} entries, one for each of {', '.join(self.header)}.")

    def _cells(self) -> list[list[str]]:
        return [[f"{value:.4g}" if isinstance(value, float) else str(value) for value in row] for row in self.rows]

    def _right(self) -> list[bool]:
        """Say which columns hold numbers, to be aligned at the right."""
        return [bool(self.rows) and all(_is_number(row[i]) for row in self._cells()) for i in range(len(self.header))]

    def __str__(self) -> str:
        lines = [self.header, *self._cells()]
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.header))]
        aligned = [
            [
                cell.rjust(w) if right else cell.ljust(w)
                for cell, w, right in zip(line, widths, self._right(), strict=True)
            ]
            for line in lines
        ]
        return "\n".join("  ".join(line).rstrip() for line in aligned)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        def line(cells: Sequence[str], tag: str) -> str:
            sides = ["right" if right else "left" for right in self._right()]
            return "".join(
                f'<{tag} style="text-align:{side}">{html.escape(cell)}</{tag}>'
                for cell, side in zip(cells, sides, strict=True)
            )

        body = "\n".join(f"<tr>{line(cells, 'td')}</tr>" for cells in self._cells())
        return f"<table>\n<thead><tr>{line(self.header, 'th')}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"


def _is_number(text: str) -> bool:
    try:
        float(text.replace("−", "-").removesuffix("%").strip() or "0")
    except ValueError:
        return False
    return True


def agreement(pairs: Mapping[str, tuple[Tensor, Tensor]], within: float) -> Table:
    """Return a table of pair, largest difference and bound for tensors that must agree.

    The difference is absolute, over all elements; equal infinities differ by 0. Raises CheckError that names the worst
    pair: one whose shapes or types differ, else the one that differs most, by more than ``within`` (NaN always does).
    """
    from dlcourse.check import CheckError

    rows, worst = [], (within, "")
    for name, (mine, theirs) in pairs.items():
        if mine.shape != theirs.shape or mine.dtype != theirs.dtype:
            sides = " and ".join(f"{tuple(t.shape)} {t.dtype}" for t in (mine, theirs))
            raise CheckError(f"✗ {name}: the two are {sides}.")
        gap = _largest_difference(mine, theirs)
        size = math.inf if math.isnan(gap) else gap
        if size > worst[0]:
            worst = (size, f"✗ {name}: differs by {gap:.1e}, expected ≤ {within:g}.")
        rows.append([name, f"{gap:.1e}", f"≤ {within:g}"])
    if worst[1]:
        raise CheckError(worst[1])
    return Table(["pair", "largest difference", "bound"], rows)


def _largest_difference(mine: Tensor, theirs: Tensor) -> float:
    import torch

    exact = torch.promote_types(mine.dtype, torch.float64)  # bool and bytes have no difference of their own
    a, b = (t.detach().cpu().to(exact) for t in (mine, theirs))
    gap = (a - b).abs().masked_fill(a == b, 0)
    return gap.max().item() if gap.numel() else 0.0
