"""Run notebooks from a fresh kernel and write them back with their outputs: ``python -m dlcourse execute``."""

from __future__ import annotations

import base64
import io
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat

from dlcourse.authoring.definitions import all_notebooks

CELL_SECONDS = 900  # a guard against hanging, not a measure of speed


def execute(path: Path, timeout: int = CELL_SECONDS) -> float:
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
            if "image/png" in output.get("data", {}):
                output.data["image/png"] = with_palette(output.data["image/png"])
        cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]


def with_palette(png: str, colours: int = 64) -> str:
    """Return a picture (base64 of a PNG) with so many colours at most, or the same one where that is not smaller.

    Figures are drawn with few colours, and the files of the notebooks stay small.
    """
    from PIL import Image

    packed = io.BytesIO()
    picture = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")
    picture.quantize(colours, dither=Image.Dither.NONE).save(packed, "PNG", optimize=True)
    smaller = base64.b64encode(packed.getvalue()).decode("ascii")
    return smaller if len(smaller) < len(png) else png


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
