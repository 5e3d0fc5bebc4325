"""What stands in the notebooks: their list, cells, exercises and definitions, without running them."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path
from types import ModuleType

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

    A cell tagged ``definitions`` is executed whole, for definitions that need a computed value. Modules of the
    notebook's own folder can be imported, as in Jupyter.
    """
    module = ModuleType(path.stem)
    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    sys.path.insert(0, str(path.parent))
    try:
        for cell in notebook.cells:
            if cell.cell_type != "code":
                continue
            tree = ast.parse(cell.source)
            if "definitions" not in cell.metadata.get("tags", []):
                tree.body = [node for node in tree.body if _is_definition(node)]
            exec(compile(tree, str(path), "exec", dont_inherit=True), module.__dict__)
    finally:
        sys.path.remove(str(path.parent))
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
