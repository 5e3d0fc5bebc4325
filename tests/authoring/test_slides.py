"""The lecture view: where slides begin, where they stop, what is left out, and how they look in a browser."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from dlcourse.authoring import slides
from dlcourse.authoring.definitions import ROOT, all_notebooks
from dlcourse.download import DownloadError

LINK = re.compile(r"\[([^]]+)\]\((?!https?:)[^)]*\)")
SHORT = ROOT / "01_pytorch_basics/01_tensors_autograd.ipynb"


def code(source: str, *printed: str) -> Any:
    return new_code_cell(source, outputs=[new_output("stream", text=text) for text in printed])


def view(*cells: Any) -> list[tuple[str, str]]:
    """Return the kind of each cell of the lecture, and its source or "→ output"."""
    shown = []
    for cell in slides.lecture(new_notebook(cells=list(cells))).cells:
        kind = cell.metadata.get("slideshow", {}).get("slide_type", "-")
        shown.append((kind, cell.source or "→ " + cell.outputs[0].text))
    return shown


def test_a_slide_begins_at_each_section() -> None:
    assert view(new_markdown_cell("# Title\ntext\n\n## One\n\nfirst\n\nsecond\n### Part\nthird"), code("x = 1")) == [
        ("slide", "# Title"), ("-", "text"), ("slide", "## One"), ("-", "first"), ("-", "second"),
        ("subslide", "### Part"), ("-", "third"), ("-", "x = 1"),
    ]  # fmt: skip


def test_an_output_waits_for_a_key_after_a_question() -> None:
    ask, plain = new_markdown_cell("**Before you run it:** what is it?"), new_markdown_cell("text")
    assert view(ask, code("x = 1"), code("x", "1"), plain, code("y", "2")) == [
        ("-", "**Before you run it:** what is it?"), ("-", "x = 1"), ("-", "x"), ("fragment", "→ 1"),
        ("-", "text"), ("-", "y"), ("-", "→ 2"),
    ]  # fmt: skip
    assert view(ask, new_markdown_cell("## Next"), code("y", "2"))[-1] == ("-", "→ 2"), "a new section asks nothing"


def test_imports_knobs_and_calls_of_drawings_are_left_out() -> None:
    assert view(code("import torch\n\nseed(0)\nK = knobs(\n    a=(1, 2),\n)")) == []
    assert view(code("import torch\nfrom a import (\n    b,\n)\n\nx = b()\nx", "7")) == [
        ("-", "x = b()\nx"),
        ("-", "→ 7"),
    ]
    assert view(code('plot.grids({"a": 1},\n    alt="b")', "figure")) == [("-", "→ figure")]
    assert view(code("%timeit x")) == [("-", "%timeit x")]


def test_reality_checks_and_exercises_are_left_out() -> None:
    box = "before\n\n> **Reality check.** The book says 2.\n>\n> It is 3."
    cells = [
        new_markdown_cell(box),
        code("measure()", "3"),
        new_markdown_cell("It is 3.\n\nNow the rest."),
        code("z", "4"),
    ]
    rest = [("-", "before"), ("-", "Now the rest."), ("-", "z"), ("-", "→ 4")]
    assert view(*cells, new_markdown_cell("## Exercises\n\ntask"), code("exercise()")) == rest
    heading = [new_markdown_cell(box), code("measure()", "3"), new_markdown_cell("## Next")]
    assert view(*heading) == [("-", "before"), ("slide", "## Next")]
    goes_on = [new_markdown_cell(box + "\n\nOurs is right:"), code("ours()", "3")]
    assert view(*goes_on) == [("-", "before"), ("-", "Ours is right:"), ("-", "ours()"), ("-", "→ 3")]


@pytest.mark.parametrize("whole", [
    "```python\na\n\n## b\n```", "$$a\n\n= b$$", "<details><summary>a</summary>\n\nb\n\n</details>",
    "- a\n\n- b", "1. a\n\n   more of a\n2. b", "a:\n\n- b\n- c", "| a |\n|---|\n| b |", "a\nb",
])  # fmt: skip
def test_what_belongs_together_stays_whole(whole: str) -> None:
    assert list(slides.blocks(f"before\n\n{whole}\n\nafter")) in (
        ["before", whole, "after"],
        [f"before\n\n{whole}", "after"],
    )


def test_what_does_not_fit_goes_on_below_with_the_text_before_it() -> None:
    one, two, three = (code("\n".join(["x = 1"] * 20)) for _ in range(3))
    kinds = [kind for kind, _ in view(new_markdown_cell("## A"), one, new_markdown_cell("text"), two, three)]
    assert kinds == ["slide", "-", "subslide", "-", "subslide"]


def test_links_of_the_course_become_text() -> None:
    assert view(new_markdown_cell("see [2.2](../02_cnn_lenet/02_lenet.ipynb) and [it](https://pytorch.org)")) == [
        ("-", "see 2.2 and [it](https://pytorch.org)")
    ]


@pytest.mark.parametrize("path", all_notebooks(), ids=lambda path: path.stem)
def test_nothing_else_of_the_notebooks_is_lost(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    cells = slides.lecture(notebook).cells
    sources = [cell.source for cell in cells if cell.cell_type == "markdown"]
    headings = [source for source in sources if source.startswith("#")]
    assert headings[0].startswith("# ") and "## Recap" in headings
    whole = "".join(LINK.sub(r"\1", cell.source) for cell in notebook.cells if cell.cell_type == "markdown")
    assert all(source in whole for source in sources)
    assert sum(map(len, sources)) > 0.8 * len(whole[: whole.index("## Exercises")])
    kinds = [cell.metadata.get("slideshow", {}).get("slide_type") for cell in cells]
    assert kinds.count("slide") == sum(heading.startswith(("# ", "## ")) for heading in headings)
    assert not any(cell.source.startswith("> **Reality check") for cell in cells)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("nbconvert")
    try:
        return slides.convert(SHORT, tmp_path_factory.mktemp("slides"))
    except DownloadError as error:
        pytest.skip(f"reveal.js and MathJax are not at hand: {error}")


def test_the_file_needs_no_other(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert "<title>1.1 Tensors and autograd</title>" in text and text.count('class="fragment"') >= 4
    assert not re.findall(r'<(?:script|link|img)[^>]*(?:src|href)="(?!data:)[^"]*"', text)
    assert not re.findall(r"/\*(?:REVEAL|MATHJAX)", text) and "exercise(" not in text
    assert all(re.findall(r'<img\b[^>]*?alt="([^"]*)"', text))


def test_in_a_browser_without_a_network(page: Path, browser: Any) -> None:
    browser.open(page.as_uri())
    assert browser.wait("window.Reveal?.isReady()")
    assert browser.complaints() == []
    assert browser.run("document.querySelectorAll('mjx-container > svg').length") >= 10
    assert browser.run("document.querySelectorAll('[data-mjx-error]').length") == 0
    show = "const {h, v} = Reveal.getIndices(s); Reveal.slide(h, v, 99);"
    cells_of = "[...s.querySelectorAll('.jp-Cell')]"
    cut = f"Reveal.getSlides().filter((s) => {{ {show} return s.scrollHeight > s.clientHeight + 2 }}).length"
    assert browser.run(cut) == 0, "every page fits"
    cells = slides.lecture(nbformat.read(SHORT, as_version=4)).cells  # type: ignore[no-untyped-call]
    heights = f"Reveal.getSlides().flatMap((s) => {{ {show} return {cells_of}.map((c) => c.offsetHeight + 10) }})"
    pairs = zip(cells, browser.run(heights), strict=True)
    off = [cell.source for cell, height in pairs if height - slides._height(cell) > 60]
    assert len(off) <= len(cells) / 20, off


def test_what_is_missing_is_said_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert slides.main([]) == 2 and slides.main([str(tmp_path / "a.ipynb")]) == 2
    assert capsys.readouterr().err.splitlines()[-1].endswith("a.ipynb is no notebook.")
    (tmp_path / "a.ipynb").write_text("no JSON")
    monkeypatch.setattr(slides, "npm_file", lambda package, *names: [b""] * len(names))
    assert slides.main([str(tmp_path / "a.ipynb")]) == 1
    monkeypatch.setitem(sys.modules, "nbconvert", None)
    assert slides.main([str(SHORT)]) == 1
    assert "nbconvert is missing" in capsys.readouterr().err
