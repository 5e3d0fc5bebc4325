"""The claims of sources: each row rests on lines of its notebook, and the tables follow the recorded runs."""

from __future__ import annotations

import re
from functools import cache

import nbformat
import pytest

from dlcourse import results
from dlcourse.authoring import readme
from dlcourse.authoring.claims import CLAIMS, Claim
from dlcourse.authoring.definitions import all_notebooks
from dlcourse.authoring.record import number_of

NAMES = ("IBM model 1", "float32", "float64", "ln 2")  # with a digit that is no result


@cache
def lines_of(notebook: str) -> list[str]:
    """Return what the notebook's ``expect`` and ``unchecked`` lines printed, without their mark."""
    (path,) = (path for path in all_notebooks() if number_of(path) == notebook)
    cells = nbformat.read(path, as_version=4).cells
    outputs = [output for cell in cells for output in cell.get("outputs", []) if output.get("name") == "stdout"]
    return [line[2:] for output in outputs for line in output["text"].splitlines() if line.startswith(("✓ ", "· "))]


def numbers_of(claim: Claim) -> list[tuple[str, str]]:
    """Return notebook and name of each line whose value the row shows; the second of a name counts as the first."""
    found = readme.NUMBER.finditer(claim.measured)
    return [(match[1] or claim.notebook, re.sub(r" \(\d\)$", "", match[2])) for match in found]


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: f"{claim.notebook} {claim.source}: {claim.claim}")
def test_a_row_rests_on_lines_of_its_notebook(claim: Claim) -> None:
    assert numbers_of(claim) or claim.checks
    for notebook, name in numbers_of(claim):
        assert any(line.startswith(f"{name}: ") for line in lines_of(notebook)), (notebook, name)
    for name in claim.checks:
        assert any(re.match(rf"{re.escape(name)}( = |: |$)", line) for line in lines_of(claim.notebook)), name


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: f"{claim.notebook} {claim.source}: {claim.claim}")
def test_a_row_is_short_and_types_no_result(claim: Claim) -> None:
    assert len(claim.claim.split()) <= 20
    words = readme.NUMBER.sub("", claim.measured)
    for name in NAMES:
        words = words.replace(name, "")
    assert not re.search(r"[\d{}]", re.sub(r"`[^`]*`", "", words)), words
    assert readme.claim_table([claim]).splitlines()[2].count("|") == 5


def test_rows_stand_in_the_order_of_the_notebooks() -> None:
    notebooks = [claim.notebook for claim in CLAIMS]
    assert notebooks == sorted(notebooks)


def test_the_page_shows_the_recorded_runs() -> None:
    text = readme.MEASURED.read_text(encoding="utf-8")
    assert text == readme.claim_page(), "run: python -m dlcourse readme"
    assert sum(line.startswith("| ") for line in text.splitlines()) == len(CLAIMS) + text.count("\n## ")


def test_readme_has_the_key_rows() -> None:
    text = readme.README.read_text(encoding="utf-8").split("\n## What we measured against the sources\n")[1]
    assert readme.claim_table(claim for claim in CLAIMS if claim.key) in text.split("\n## ")[0]


def test_numbers_come_from_the_recorded_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"1.1": {"x": [2.0, 3.0, 1.0], "with |f|": [0.5, None], "y": [-0.1, -0.2]}, "2.1": {"x": [1234.5]}}
    content = {key: {"results": {name: {"values": row} for name, row in part.items()}} for key, part in values.items()}
    monkeypatch.setattr(results, "load", lambda notebook, scale=None: content[notebook])

    def shown(text: str) -> str:
        return readme.measured("1.1", text)

    assert shown("{x} and {2.1 x|whole}") == "2 (1 to 3) and 1,234"
    assert shown("{with |f|}, {with |f||percent}, {with |f||points}") == "0.5, 50.0 %, 50.0 points"
    assert shown("{y|less}") == "15.0 % (10.0 to 20.0)"
    assert shown("{a line that was not recorded|percent}") == "not measured"
