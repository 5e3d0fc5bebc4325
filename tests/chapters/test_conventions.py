"""The conventions of CONTRIBUTING.md, checked on every notebook. The outputs themselves are compared by nbval."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
import urllib.parse
from pathlib import Path

import nbformat
import pytest

from dlcourse.authoring import definitions, execute, readme, record

NOTEBOOKS = definitions.all_notebooks()
ABSOLUTE = re.compile(
    r"(?<![\w.])/(?:root|home|work|tmp|Users|opt|usr|var)/|[A-Z]:\\\\?(?:Users|Program)|site-packages"
)


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def identify(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=identify)


def test_there_are_notebooks() -> None:
    assert len(NOTEBOOKS) >= 4


@every_notebook
def test_opening_cell(path: Path) -> None:
    first = read(path).cells[0]
    chapter, number = int(path.parent.name[:2]), int(path.name[:2])
    assert first.cell_type == "markdown"
    assert re.match(rf"# {chapter}\.{number} \S", first.source)
    for column in ("source", "needs", "time"):
        assert re.search(rf"\|[^|\n]*{column}", first.source, re.I), f"the opening table has no column {column}"


@every_notebook
def test_format_ids_and_counts(path: Path) -> None:
    notebook = read(path)
    nbformat.validate(notebook)
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)
    counts = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1)), "run `python -m dlcourse execute` on it"


@every_notebook
def test_saved_outputs(path: Path) -> None:
    assert path.stat().st_size <= 400 * 1024
    for cell in read(path).cells:
        assert not ABSOLUTE.search(cell.source), cell.source
        assert "execution" not in cell.metadata
        for output in cell.get("outputs", []):
            assert output.output_type != "error", output
            assert output.get("name") != "stderr", output
            shown = json.dumps({k: v for k, v in output.get("data", {}).items() if not k.startswith("image/")})
            shown += output.get("text", "")
            assert not ABSOLUTE.search(shown), shown
            assert "Warning" not in shown and not re.search(r"\b0x[0-9a-f]{6}", shown), shown
            assert "widget-view" not in shown
            if "image/png" in output.get("data", {}):
                assert len(output.metadata.get("image/png", {}).get("alt", "")) >= 15, (
                    "a figure has no alternative text"
                )


@every_notebook
def test_markdown_images_have_alternative_text(path: Path) -> None:
    for cell in read(path).cells:
        if cell.cell_type == "markdown":
            assert not re.search(r"!\[\s*\]\(", cell.source)


@every_notebook
def test_links_resolve(path: Path) -> None:
    for cell in read(path).cells:
        if cell.cell_type != "markdown":
            continue
        for target in re.findall(r"\]\(([^)\s]+)\)", cell.source):
            if not target.startswith(("http://", "https://", "#", "attachment:")):
                place = path.parent / urllib.parse.unquote(target.split("#")[0])
                assert place.exists(), f"{target} does not exist"


@every_notebook
def test_ends_with_recap_and_exercises(path: Path) -> None:
    text = "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")
    assert "\n## Recap" in "\n" + text
    headings = re.findall(r"^### Exercise \d+ · [★☆]{3} · \d+ min", text, re.M)
    found = definitions.exercises(path)
    assert len(found) >= 4
    assert len(headings) == len(found)
    assert all(solution for _, solution in found.values()), "an exercise has no folded solution"


@every_notebook
def test_no_shell_syntax(path: Path) -> None:
    for source in definitions.code_cells(path):
        assert not re.search(r"^\s*[!%]", source, re.M), source


@every_notebook
def test_temporary_folders_are_removed(path: Path) -> None:
    for source in definitions.code_cells(path):
        assert not re.search(r"mkdtemp|mkstemp|delete=False", source), source


@every_notebook
def test_seeds_come_from_the_package(path: Path) -> None:
    """So that DLCOURSE_SEED shifts all of them."""
    for source in definitions.code_cells(path):
        assert not re.search(r"manual_seed\(|default_rng\(|RandomState\(|random\.seed\(", source), source


@every_notebook
def test_the_opening_cell_has_the_recorded_time(path: Path) -> None:
    time = readme.seconds_of(record.number_of(path))
    assert re.search(rf"\| CPU: {re.escape(time)}( quick[^|]*)? \|", read(path).cells[0].source), time


@pytest.mark.skipif(importlib.util.find_spec("ruff") is None, reason="ruff belongs to the dev extra")
def test_code_cells_are_formatted() -> None:
    files = [str(path) for path in NOTEBOOKS]
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--no-cache", "--check", *files], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_readme_links_resolve() -> None:
    for name in ("README.md", "CONTRIBUTING.md"):
        text = (definitions.ROOT / name).read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if not target.startswith(("http", "#")):
                assert (definitions.ROOT / target).exists(), target


def test_readme_lists_every_notebook() -> None:
    text = (definitions.ROOT / "README.md").read_text(encoding="utf-8")
    for path in NOTEBOOKS:
        assert f"{path.parent.name}/{path.name}" in text


def test_load_definitions_runs_no_training(tmp_path: Path) -> None:
    cells = ["import math\nSIZE = 3\nx = print('ran')", "def area(r):\n    return math.pi * r * r", "raise SystemExit"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    path = tmp_path / "n.ipynb"
    nbformat.write(notebook, path)
    module = definitions.load_definitions(path)
    assert module.SIZE == 3 and module.area(1) == pytest.approx(3.14159, abs=1e-4)
    assert not hasattr(module, "x")


def test_execute_writes_clean_outputs_and_keeps_the_file_on_failure(tmp_path: Path) -> None:
    source = "import sys\nprint('out')\nprint('bar', file=sys.stderr)\n1 + 1"
    path = tmp_path / "n.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)]), path)
    execute.execute(path)
    cell = read(path).cells[0]
    assert [output.get("name", "result") for output in cell.outputs] == ["stdout", "result"]
    assert cell.execution_count == 1 and "execution" not in cell.metadata
    first = path.read_bytes()
    execute.execute(path)
    assert path.read_bytes() == first
    for bad in ("1 / 0", "import warnings\nwarnings.warn('old')"):
        nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(bad)]), path)
        before = path.read_bytes()
        assert execute.main([str(path)]) == 1
        assert path.read_bytes() == before
