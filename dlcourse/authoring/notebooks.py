"""Work on the notebooks themselves: run them and write them back, or import only their definitions."""

from __future__ import annotations

import ast
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import nbformat

ROOT = Path(__file__).resolve().parent.parent.parent
_SOLUTION = re.compile(r"<details>.*?```python\n(.*?)```.*?</details>", re.S)
_EXERCISE = re.compile(r'^exercise\("([^"]+)", (.+)\)\s*$', re.M)


def all_notebooks() -> list[Path]:
    """Return the course's notebooks in order."""
    return sorted(ROOT.glob("[0-9][0-9]_*/[0-9][0-9]_*.ipynb"))


def code_cells(path: Path) -> list[str]:
    """Return the sources of a notebook's code cells."""
    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def load_definitions(path: Path) -> ModuleType:
    """Import a notebook's imports, functions, classes and literal constants, without running the rest.

    A cell tagged ``definitions`` is executed whole, for definitions that need a computed value.
    """
    module = ModuleType(path.stem)
    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        tree = ast.parse(cell.source)
        if "definitions" not in cell.metadata.get("tags", []):
            tree.body = [node for node in tree.body if _is_definition(node)]
        exec(compile(tree, str(path), "exec", dont_inherit=True), module.__dict__)
    return module


def _is_definition(node: ast.stmt) -> bool:
    if isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef):
        return True
    if not isinstance(node, ast.Assign) or not all(isinstance(target, ast.Name) for target in node.targets):
        return False
    try:
        ast.literal_eval(node.value)
    except ValueError:
        return False
    return True


def exercises(path: Path) -> dict[str, tuple[str, str]]:
    """Return for each exercise of a notebook the source of its stub cell and of its folded solution ("" if none)."""
    found: dict[str, tuple[str, str]] = {}
    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    for cell, after in zip(notebook.cells, [*notebook.cells[1:], None], strict=True):
        match = _EXERCISE.search(cell.source) if cell.cell_type == "code" else None
        if match:
            text = after.source if after is not None and after.cell_type == "markdown" else ""
            solution = _SOLUTION.search(text)
            found[match[1]] = (cell.source, solution[1] if solution else "")
    return found


def execute(path: Path, timeout: int = 120) -> float:
    """Run a notebook from a fresh kernel, write it back with outputs and nothing volatile, return the seconds.

    Progress bars (standard error) are dropped. A failing cell or a warning raises and leaves the file as it was.
    """
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    start = time.perf_counter()
    client = NotebookClient(
        notebook, timeout=timeout, kernel_name="python3", record_timing=False,
        resources={"metadata": {"path": str(path.parent)}}, coalesce_streams=True,
    )  # fmt: skip
    client.execute()
    seconds = time.perf_counter() - start
    clean(notebook, path)
    temporary = path.with_suffix(".part")
    nbformat.write(notebook, temporary)  # type: ignore[no-untyped-call]
    text = temporary.read_text(encoding="utf-8")
    temporary.write_text(text, encoding="utf-8", newline="\n")
    temporary.replace(path)
    return seconds


def clean(notebook: Any, path: Path) -> None:
    """Remove what differs from run to run or machine to machine; raise RuntimeError for a saved warning."""
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    count = 0
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type != "code":
            continue
        count += 1
        cell.execution_count = count
        for output in cell.outputs:
            if output.get("name") == "stderr" and "Warning" in output.text:
                raise RuntimeError(f"{path.name}, cell {count} warns: {output.text.strip()[:500]}")
            if output.output_type == "execute_result":
                output.execution_count = count
        cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]


def main(argv: Sequence[str]) -> int:
    """Execute the named notebooks, or all of them, and print the seconds of each."""
    paths = [Path(word) for word in argv] or all_notebooks()
    for path in paths:
        try:
            print(f"{path.parent.name}/{path.name}: {execute(path):.1f} s", flush=True)
        except Exception as error:
            print(f"{path}: {error}", file=sys.stderr)
            return 1
    return 0
