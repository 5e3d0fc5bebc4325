"""What conftest.py changes in nbval, seen in a run of pytest over a small notebook."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from dlcourse.authoring.definitions import ROOT


def run(folder: Path, *sources: str, outputs: dict[int, str] | None = None) -> str:
    cells = []
    for index, source in enumerate(sources):
        cell = nbformat.v4.new_code_cell(source, execution_count=index + 1)
        text = (outputs or {}).get(index)
        if text is not None:
            cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text=text)]
        cells.append(cell)
    path = folder / "n.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    (folder / "conftest.py").write_bytes((ROOT / "conftest.py").read_bytes())
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    options = ["--nbval", "--nbval-current-env", "--nbval-cell-timeout=3", "-rs", "-p", "no:cacheprovider", str(path)]
    done = subprocess.run([sys.executable, "-m", "pytest", *options], cwd=folder, capture_output=True)
    return done.stdout.decode("utf-8", "replace")


@pytest.mark.parametrize("broken", ["1 / 0", "import time; time.sleep(60)", "print('other')"])
def test_the_cells_after_a_failure_are_not_run(tmp_path: Path, broken: str) -> None:
    printed = run(tmp_path, "x = 1", broken, "print(x)", "x", outputs={1: "right\n"})
    assert re.search(r"1 failed, 1 passed, 2 skipped", printed), printed
    assert "not run: cell 1 of this notebook failed" in printed and "xpass" not in printed


def test_standard_error_is_not_compared(tmp_path: Path) -> None:
    source = "import sys; print('a'); print('bar', file=sys.stderr)"
    assert "1 passed" in run(tmp_path, source, outputs={0: "a\n"})


def test_no_temporary_folder_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setenv("TMPDIR", str(place))
    monkeypatch.setenv("TEMP", str(place))
    source = "import tempfile; folder = tempfile.TemporaryDirectory(); made = tempfile.mkdtemp(); print(len(made) > 9)"
    assert "1 passed" in run(tmp_path, source, outputs={0: "True\n"})
    assert list(place.iterdir()) == []
