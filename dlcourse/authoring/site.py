"""Build a static site from the notebooks as they are committed, without running them: ``python -m dlcourse site``."""

from __future__ import annotations

import importlib
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dlcourse.authoring.definitions import ROOT, all_notebooks
from dlcourse.authoring.vendor import npm_file
from dlcourse.download import DownloadError
from dlcourse.install.machine import this_python

SITE = ROOT / "build" / "site"
MATHJAX = ("es5/tex-svg-full.js", "LICENSE")
TITLES = {
    "00": "Install",
    "01": "PyTorch basics",
    "02": "CNN and LeNet",
    "03": "RNN and Seq2Seq",
    "04": "Attention and Transformer",
    "05": "Optimizers",
    "06": "Tuning",
}
SETTINGS: dict[str, Any] = {
    "project": "Deep Learning Basics",
    "extensions": ["myst_nb", "dlcourse.authoring.site"],
    "nb_execution_mode": "off",
    "nb_merge_streams": True,
    "myst_enable_extensions": ["dollarmath", "amsmath"],
    "myst_heading_anchors": 3,
    "html_theme": "sphinx_book_theme",
    "html_title": "Deep Learning Basics",
    "html_static_path": ["static"],
    "html_css_files": ["site.css"],
    "html_theme_options": {
        "navbar_persistent": [],
        "footer_content_items": ["extra-footer.html"],
        "extra_footer": "Code: MIT licence. Text and figures: CC BY 4.0.",
    },
    "mathjax_path": "mathjax/tex-svg-full.js",
    "mathjax_options": {"defer": "defer"},
}
CSS = """
.bd-main .bd-content .bd-article-container { max-width: 75em; }
div.cell pre { font-size: 0.8rem; }
div.cell_output table :is(th, td) { padding: 0.2rem 0.8rem; }
details { border-left: 3px solid var(--pst-color-border); margin: 1rem 0; padding-left: 1rem; }
details > summary { cursor: pointer; }
"""


def build(target: Path = SITE) -> Path:
    """Build the site in a folder, in place of what is there, and return its first page.

    Raises DownloadError when MathJax is neither at hand nor reachable, and RuntimeError when Sphinx warns, for example
    of a link that leads nowhere.
    """
    for name in ("sphinx", "myst_nb", "sphinx_book_theme"):
        importlib.import_module(name)
    from sphinx.application import Sphinx

    with tempfile.TemporaryDirectory() as name:
        source, pages = Path(name, "source"), Path(name, "html")
        _gather(source)
        app = Sphinx(source, None, pages, Path(name, "doctrees"), "html", SETTINGS, status=None, warningiserror=True)
        app.build()
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(pages, target)
    if app.statuscode:
        raise RuntimeError(f"The site is in {target}, but it has the faults that Sphinx names above; mend them.")
    return target / "index.html"


def _gather(source: Path) -> None:
    """Copy what the site is made of: README with the table of contents, notebooks, what they link to, MathJax."""
    mathjax = source / "static" / "mathjax"
    mathjax.mkdir(parents=True)
    for name, content in zip(MATHJAX, npm_file("mathjax", *MATHJAX), strict=True):
        (mathjax / Path(name).name).write_bytes(content)
    (source / "static" / "site.css").write_text(CSS, encoding="utf-8")
    contents: dict[str, list[str]] = {}
    for path in all_notebooks():
        place = path.relative_to(ROOT)
        if place.parts[0] not in contents:
            shutil.copytree(path.parent, source / place.parent, ignore=_no_script)
        contents.setdefault(place.parts[0], []).append(place.with_suffix("").as_posix())
        text = path.read_text(encoding="utf-8").replace("../README.md", "../index.md")
        (source / place).write_text(text, encoding="utf-8")
    (source / "results").mkdir()
    for name in ("MEASURED.md", "CONTRIBUTING.md", "LICENSE", "results/course.png"):
        shutil.copy(ROOT / name, source / name)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    trees = [(f"{folder[:2]} {TITLES.get(folder[:2], folder[3:])}", names) for folder, names in contents.items()]
    for caption, names in [*trees, ("About", ["MEASURED", "CONTRIBUTING"])]:
        readme += f"\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n" + "\n".join(names) + "\n```\n"
    (source / "index.md").write_text(readme, encoding="utf-8")


def _no_script(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if not name.endswith((".py", ".tsv"))]


def setup(app: Any) -> dict[str, bool]:
    """Give figures their alternative texts, as an extension of Sphinx: myst-nb passes on width and height only."""
    from myst_nb.core.render import MimeData, NbElementRenderer

    original = NbElementRenderer.render_image

    def render_image(self: NbElementRenderer, data: MimeData) -> list[Any]:
        images: list[Any] = original(self, data)
        images[0]["alt"] = data.output_metadata.get(data.mime_type, {}).get("alt", "")
        return images

    NbElementRenderer.render_image = render_image
    return {"parallel_read_safe": True}


def main(argv: Sequence[str]) -> int:
    """Build the site and print where it is; return the exit status."""
    if argv:
        print("site takes no arguments; it builds build/site.", file=sys.stderr)
        return 2
    try:
        print(build())
    except ModuleNotFoundError as error:
        print(f'{error.name} is missing; run {this_python()} -m pip install -e ".[site]"', file=sys.stderr)
        return 1
    except (DownloadError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
