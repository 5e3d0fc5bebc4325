"""The site: pages, figures, links and folded solutions, and what a browser without a network makes of them."""

from __future__ import annotations

import html
import json
import re
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag

import pytest

from dlcourse.authoring import site, vendor
from dlcourse.authoring.definitions import ROOT, all_notebooks
from dlcourse.download import DownloadError


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    for name in ("sphinx", "myst_nb", "sphinx_book_theme"):
        pytest.importorskip(name, reason="the extra `site` is not installed")
    try:
        return site.build(tmp_path_factory.mktemp("site") / "pages").parent
    except DownloadError as error:
        pytest.skip(f"MathJax is not at hand: {error}")


def page_of(pages: Path, notebook: Path) -> Path:
    return pages / notebook.relative_to(ROOT).with_suffix(".html")


def test_every_figure_has_its_alternative_text(pages: Path) -> None:
    for notebook in all_notebooks():
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        outputs = [
            output for cell in cells for output in cell.get("outputs", []) if "image/png" in output.get("data", {})
        ]
        wanted = [output["metadata"]["image/png"]["alt"] for output in outputs]
        text = page_of(pages, notebook).read_text(encoding="utf-8")
        found = [html.unescape(alt) for alt in re.findall(r'<img alt="([^"]*)" src="\.\./_images', text)]
        assert found == wanted, notebook.name


def test_solutions_are_folded(pages: Path) -> None:
    for notebook in all_notebooks():
        text = page_of(pages, notebook).read_text(encoding="utf-8")
        folded = re.findall(r"<details>\s*<summary>.*?</details>", text, re.S)
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        wanted = sum("".join(cell["source"]).count("<details>") for cell in cells if cell["cell_type"] == "markdown")
        assert len(folded) == wanted >= 1 and "&lt;details" not in text, notebook.name
        assert all("<pre>" in part for part in folded if "Solution" in part), notebook.name


def test_links_within_the_site_resolve(pages: Path) -> None:
    texts = {path: path.read_text(encoding="utf-8") for path in pages.rglob("*.html")}
    assert len(texts) >= len(all_notebooks()) + 3
    for path, text in texts.items():
        for link in re.findall(r'<a [^>]*href="([^"]*)"', text):
            if re.match("https?:|mailto:", link):
                continue
            name, anchor = urldefrag(unquote(link))
            target = (path.parent / name).resolve() if name else path
            assert target.is_file(), f"{path.name}: {link}"
            assert not anchor or f'id="{anchor}"' in texts.get(target, f'id="{anchor}"'), f"{path.name}: {link}"


def test_chapters_stand_in_order_with_their_titles(pages: Path) -> None:
    text = (pages / "index.html").read_text(encoding="utf-8")
    first = {path.parent.name: json.loads(path.read_text(encoding="utf-8"))["cells"][0] for path in all_notebooks()}
    titles = ["".join(cell["source"]).split("\n")[0].strip("# ") for cell in first.values()]
    places = [text.index(html.escape(title, quote=False)) for title in titles]
    assert places == sorted(places)
    assert all(folder[:2] in site.TITLES for folder in first)


def test_in_a_browser_without_a_network(pages: Path, browser: Any) -> None:
    formulas = 0
    for path in [pages / "index.html", *(page_of(pages, notebook) for notebook in all_notebooks())]:
        browser.open(path.as_uri())
        assert browser.complaints() == [], path.name
        count = "document.querySelectorAll('.math').length"
        assert browser.wait(f"document.querySelectorAll('.math > mjx-container > svg').length == {count}"), path.name
        assert browser.run("document.querySelectorAll('[data-mjx-error]').length") == 0, path.name
        loaded = "[...document.querySelectorAll('main img')].every((image) => image.naturalWidth && image.alt)"
        assert browser.run(loaded), path.name
        assert browser.run("document.documentElement.scrollWidth <= innerWidth"), path.name
        formulas += browser.run(count)
    assert formulas > 100


@pytest.mark.parametrize("word", ["softmax", "注意力"])
def test_the_search_works_without_a_server(pages: Path, browser: Any, word: str) -> None:
    browser.open((pages / "search.html").as_uri() + f"?q={word}")
    assert browser.wait(
        "[...document.querySelectorAll('#search-results li a')].some((a) => a.innerText.includes('Attention'))"
    )


def test_what_is_missing_is_said_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "sphinx", None)  # as if it were not installed
    assert site.main([]) == 1
    assert re.fullmatch(r'\S+ is missing; run \S+ -m pip install -e "\.\[site\]"\n', capsys.readouterr().err)
    assert site.main(["x"]) == 2


def test_without_a_network_the_missing_file_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def build() -> Path:
        vendor.npm_file("mathjax", "LICENSE")
        raise AssertionError("it came from nowhere")

    monkeypatch.setattr(site, "build", build)
    monkeypatch.setattr(vendor, "PUBLIC", "http://127.0.0.1:9/")
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9/")
    monkeypatch.setenv("DLCOURSE_DATA", str(tmp_path))
    assert site.main([]) == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert "mathjax-3.2.2.tgz could not be fetched" in said and "npm_config_registry" in said
    assert "DLCOURSE_SCALE" not in said
