"""Make a lecture view of a notebook, one HTML file that works offline: ``python -m dlcourse slides NOTEBOOK``."""

from __future__ import annotations

import ast
import base64
import copy
import itertools
import re
import struct
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell as _code
from nbformat.v4 import new_markdown_cell as _markdown

from dlcourse.authoring.definitions import ROOT, all_notebooks
from dlcourse.authoring.vendor import npm_file
from dlcourse.download import DownloadError, replacing
from dlcourse.install.machine import this_python

SLIDES = ROOT / "build" / "slides"
HEIGHT = 700  # pixels of a slide that cells may fill
_FENCED = re.compile(r"```.*?(?:\n```|\Z)|\$\$.*?\$\$|<details>.*?</details>", re.S)
_LOOK = Path(__file__).with_name("slides.html.j2")


def lecture(notebook: Any) -> Any:
    """Return the notebook as nbconvert's slides: pages, stops and no exercises, as CONTRIBUTING says."""
    cells: list[Any] = []
    asked, check = False, ""  # a question waits for its output; a reality check for its cell, then for its sentence
    for cell in notebook.cells:
        if cell.cell_type == "code":
            source, check = ("", "measured") if check else (_without_setup(cell), "")
            if source and not re.fullmatch(r"plot\.\w+\(.*\)", source, re.S):  # a drawing is shown without its call
                cells.append(_code(source))
            if source and cell.outputs:
                kind = {"transient": {"remove_source": True}, "slideshow": {"slide_type": "fragment" if asked else "-"}}
                cells.append(_code("", metadata=kind, outputs=cell.outputs))
                asked = False
            continue
        for text in blocks(cell.source):
            if text.startswith("## Exercises"):
                return _paged(notebook, cells)
            sentence = check == "measured" and not text.startswith("#")
            check = "box" if text.startswith("> **Reality check.") else ""
            if sentence or check:
                continue
            asked = "Before you run it" in text or asked and not text.startswith("#")
            text = re.sub(r"(?<!!)\[([^]]+)\]\((?!https?:)[^)]*\)", r"\1", text)  # links within the course
            cells.append(_markdown(text))
    return _paged(notebook, cells)


def blocks(text: str) -> Iterator[str]:
    """Yield the paragraphs of Markdown; fences, formulas, folded parts, and lists with empty lines stay whole."""
    kept = _FENCED.findall(text)
    numbers = itertools.count()
    hidden = _FENCED.sub(lambda _: f"\0{next(numbers)}\0", text)
    for part in re.split(r"\f|\n\s*\n(?![ \t]|[-*] |\d+\. )", re.sub("^#+ .*$", "\f\\g<0>\f", hidden, flags=re.M)):
        if part.strip():
            yield re.sub("\0(\\d+)\0", lambda found: kept[int(found[1])], part.strip("\n"))


def _without_setup(cell: Any) -> str:
    """Return the source of a code cell without imports and knobs; "" when they are all that it is there for."""
    source: str = cell.source.replace("  # fmt: skip", "")
    lines, found = source.splitlines(), False
    try:
        body = ast.parse(source).body
    except SyntaxError:  # a magic command
        return source
    for node in body:
        call = node.value if isinstance(node, ast.Assign) else None
        knobs = isinstance(call, ast.Call) and ast.unparse(call.func) == "knobs"
        if knobs or isinstance(node, ast.Import | ast.ImportFrom):
            found = True
            lines[node.lineno - 1 : node.end_lineno] = [""] * len(lines[node.lineno - 1 : node.end_lineno])
    return "" if found and not cell.outputs else "\n".join(lines).strip("\n")


def _paged(notebook: Any, cells: list[Any]) -> Any:
    """Mark where slides begin: at each ``##``; and below it at each ``###``, and where a page is full."""
    used, body = 0.0, False
    for cell, after in itertools.zip_longest(cells, cells[1:]):
        level = len(cell.source) - len(cell.source.lstrip("#")) if cell.cell_type == "markdown" else 0
        height = _height(cell)
        both = height + (_height(after) if after and (cell.cell_type, after.cell_type) == ("markdown", "code") else 0)
        full = body and used + both > HEIGHT  # the text before a cell stays with it
        if 0 < level < 4 or full:
            cell.metadata["slideshow"] = {"slide_type": "slide" if 0 < level < 3 else "subslide"}
            used, body = 0.0, False
        used, body = used + height, body or not level
    notebook = copy.copy(notebook)
    notebook.cells = cells
    return notebook


def _height(cell: Any) -> float:
    """Return about how many pixels a cell takes, for the sizes of ``slides.html.j2``; a test compares them."""
    lines = cell.source.splitlines()
    if cell.cell_type == "markdown":
        extra: int = {"#": 54, "|": -32}.get(cell.source[:1], 16) + 30 * cell.source.count("$$")
        return extra + sum((36 if line[0] == "|" else 32) * -(-len(line) // 105) for line in lines if line)
    height = 54.0 + sum(22 * max(1, -(-len(line) // 115)) for line in lines) if lines else 0.0
    for output in cell.outputs:
        data = output.get("data", {"text/plain": output.get("text", "")})
        if "image/png" in data:
            width, tall = struct.unpack(">II", base64.b64decode(data["image/png"][:64])[16:24])
            height += 24 + tall * min(1, 1180 / width, 500 / tall)
        elif "text/html" in data:
            height += 26 + 36 * data["text/html"].count("<tr")
        else:
            height += 20 + sum(22 * max(1, -(-len(line) // 118)) for line in data.get("text/plain", "").splitlines())
    return height


def convert(path: Path, target: Path = SLIDES) -> Path:
    """Write the slides of a notebook under ``target`` and return the file. Raises DownloadError without reveal.js."""
    from jinja2 import DictLoader
    from nbconvert import SlidesExporter

    scripts = [*npm_file("reveal.js", "dist/reveal.css", "dist/reveal.js"), *npm_file("mathjax", "es5/tex-svg-full.js")]
    loader = DictLoader({_LOOK.name: _LOOK.read_text(encoding="utf-8")})
    exporter = SlidesExporter(extra_loaders=[loader], template_file=_LOOK.name, exclude_anchor_links=True)
    page, _ = exporter.from_notebook_node(lecture(nbformat.read(path, as_version=4)))  # type: ignore[no-untyped-call]
    for name, content in zip(("REVEAL_CSS", "REVEAL_JS", "MATHJAX"), scripts, strict=True):
        page = page.replace(f"/*{name}*/", content.decode())
    file = target / path.parent.name / f"{path.stem}.html"
    with replacing(file) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return file


def main(argv: Sequence[str]) -> int:
    """Make the slides of the named notebooks (``all`` for the whole course); return the exit status."""
    paths = all_notebooks() if list(argv) == ["all"] else [Path(word).resolve() for word in argv]
    wrong = [path for path in paths if path.suffix != ".ipynb" or not path.is_file()]
    if wrong or not paths:
        print(f"{wrong[0]} is no notebook." if wrong else "Name a notebook, or all.", file=sys.stderr)
        return 2
    try:
        for path in paths:
            print(convert(path))
    except ModuleNotFoundError as error:
        print(f"{error.name} is missing; install it with {this_python()} -m pip install nbconvert", file=sys.stderr)
        return 1
    except (DownloadError, ValueError) as error:  # ValueError: a file that is no notebook inside
        print(error, file=sys.stderr)
        return 1
    return 0
