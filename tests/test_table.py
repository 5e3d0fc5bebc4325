from __future__ import annotations

import math
import re

import pytest
import torch

from dlcourse.check import CheckError
from dlcourse.table import Table, agreement


def test_text_is_aligned_and_html_escaped() -> None:
    table = Table(["model", "BLEU"], [["GRU", 34.44444], ["a < b", 7], ["failed", math.nan]])
    assert str(table).splitlines() == ["model    BLEU", "GRU     34.44", "a < b       7", "failed    nan"]
    page = table._repr_html_()
    assert '<td style="text-align:left">a &lt; b</td><td style="text-align:right">7</td>' in page
    assert page.count("<tr>") == 4 and repr(table) == str(table)


def test_rows_have_the_length_of_the_header() -> None:
    with pytest.raises(ValueError, match="2 entries"):
        Table(["a", "b"], [[1]])
    assert str(Table(["a", "b"], [])) == "a  b"


def test_agreement_shows_the_largest_difference_in_a_form_that_tests_can_mask() -> None:
    one = torch.zeros(2, 3)
    two = one.clone()
    two[1, 2] = 3e-7
    rows = agreement({"outputs": (one, two), "gradient": (one, one), "empty": (one[:0], one[:0])}, within=1e-6).rows
    assert rows[0] == ["outputs", "3.0e-07", "≤ 1e-06"]
    assert all(re.fullmatch(r"\d\.\de[-+]\d\d", row[1]) for row in rows)


@pytest.mark.parametrize(
    "other", [torch.full((2,), 1e-3), torch.zeros(2, 1), torch.zeros(2).double(), torch.tensor([0.0, math.nan])]
)
def test_what_does_not_agree_raises(other: torch.Tensor) -> None:
    with pytest.raises(CheckError, match="gradient"):
        agreement({"same": (torch.zeros(2), torch.zeros(2)), "gradient": (torch.zeros(2), other)}, within=1e-6)


def test_the_worst_pair_is_named() -> None:
    zero = torch.zeros(2)
    pairs = {"small": (zero, zero + 1e-3), "large": (zero, zero + 1), "good": (zero, zero)}
    with pytest.raises(CheckError, match="large: differs by 1.0e"):
        agreement(pairs, within=1e-6)
    with pytest.raises(CheckError, match="bad"):
        agreement({**pairs, "bad": (zero, zero + math.nan)}, within=1e-6)


def test_infinities_masks_and_bytes() -> None:
    mask = torch.tensor([0.0, -math.inf])
    assert agreement({"mask": (mask, mask.clone())}, within=0).rows[0][1] == "0.0e+00"
    for one, other in ((mask, -mask), (mask == 0, mask != 0), (torch.tensor([0]).byte(), torch.tensor([255]).byte())):
        with pytest.raises(CheckError):
            agreement({"pair": (one, other)}, within=0.5)
