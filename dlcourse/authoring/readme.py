"""The tables that come from recorded runs: in README times, ``HEADLINES`` and key rows of ``CLAIMS``; MEASURED.md."""

from __future__ import annotations

import base64
import io
import itertools
import json
import re
import statistics
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from dlcourse import results
from dlcourse.authoring.claims import CLAIMS, INTRODUCTION, Claim
from dlcourse.authoring.definitions import ROOT
from dlcourse.authoring.site import TITLES

README = ROOT / "README.md"
MEASURED = ROOT / "MEASURED.md"  # all rows of ``CLAIMS``
PICTURE = ROOT / "results" / "course.png"
FIGURES = (  # of README's picture: a notebook, and how the alternative text of its figure begins
    ("01_pytorch_basics/02_neural_networks.ipynb", "The plane is coloured"),
    ("04_attention_transformer/01_attention.ipynb", "Weights of one translation"),
    ("05_optimizers/01_gradient_descent.ipynb", "At 0.49 the zigzag"),
)


def percent(value: float) -> str:
    """Return a share as percent, with one decimal."""
    return f"{100 * value:.1f} %"


def plain(value: float) -> str:
    """Return a number with three digits."""
    return f"{value:.3g}"


FORMS = {  # of the numbers in ``CLAIMS``: factor, format and unit
    None: (1, ".3g", ""),
    "whole": (1, ",.0f", ""),
    "percent": (100, ".1f", " %"),
    "less": (-100, ".1f", " %"),
    "points": (100, ".1f", " points"),
}
NUMBER = re.compile(rf"\{{(?:(\d\.\d) )?([^{{}}]+?)(?:\|({'|'.join(filter(None, FORMS))}))?\}}")  # notebook, line, form


HEADLINES: tuple[tuple[str, str, str, Callable[[float], str]], ...] = (  # notebook, in README, name of the expect line
    ("1.2", "test accuracy on the spirals, network", "test accuracy, network", percent),
    ("1.2", "test accuracy on the spirals, nearest neighbours", "test accuracy, nearest neighbours", percent),
    ("1.3", "test accuracy of the perceptron on digits", "test accuracy", percent),
    ("1.3", "test accuracy of the nearest neighbour on digits", "test accuracy of the nearest neighbour", percent),
    ("2.2", "test accuracy of LeNet on digits", "mnist: mean test accuracy of five seeds", percent),
    ("2.2", "test accuracy of LeNet on Fashion-MNIST", "fashion_mnist: mean test accuracy of five seeds", percent),
    ("2.2", "validation accuracy with the textbook's recipe, best of five seeds", "the best of five seeds", percent),
    ("2.2", "validation accuracy of 16 plain convolutions, best of two", "16 convolutions, plain: best seed", percent),
    ("2.2", "the same with residual connections, worst of two", "with residual connections: worst seed", percent),
    ("3.1", "test perplexity of characters, GRU", "test perplexity of the chosen model", plain),
    ("3.1", "test perplexity of counting, best n-gram", "test perplexity of the best n-gram", plain),
    ("3.2", "test BLEU English–French, network", "test BLEU of the network", plain),
    ("3.2", "test BLEU of counting (nearest sentence and IBM model 1)", "test BLEU of counting", plain),
    ("3.2", "test BLEU of a look-up without a network", "test BLEU of the lookup", plain),
    ("3.3", "validation BLEU gained by a beam of width 4", "width 4: BLEU over greedy search", plain),
    ("3.3", "test BLEU gained by the search chosen on validation", "test BLEU of the chosen search over greedy", plain),
    ("4.1", "validation BLEU of the GRU with attention", "validation BLEU with attention", plain),
    ("4.3", "validation BLEU of the Transformer, one minute of training", "validation BLEU", plain),
    ("4.3", "of it lost when every word stands at position 0, as in the textbook", "lost (points)", plain),
    ("5.1", "loss of the textbook's full-batch run at epoch 50 (smallest possible: 0.2417)", "lr = 1, epoch 50", plain),
    ("5.2", "validation accuracy of LeNet with sigmoids, momentum", "accuracy of momentum", percent),
    ("5.2", "the same, Adam", "accuracy of Adam", percent),
    ("6.2", "studies of 32 trials in which TPE beats random search", "32 trials: TPE wins over random", percent),
    (
        "6.3",
        "weights of two processes and of one, 110 steps, float64: largest difference",
        "float64, largest difference after 110 steps",
        plain,
    ),
)


LESSONS = {  # the result of each notebook in the table of chapters, in the form of ``Claim.measured``
    "0.1": "a matrix product equals its definition",
    "1.1": "a million derivatives without a Jacobian, right to {vᵀJ without J, a million numbers}",
    "1.2": "three spirals: {test accuracy, network|percent} on test",
    "1.3": "digits: {test accuracy|percent} on test",
    "2.1": "equal to `F.conv2d` to {largest difference from F.conv2d}",
    "2.2": "digits: {mnist: mean test accuracy of five seeds|percent} on test",
    "3.1": "perplexity {test perplexity of the chosen model}, best n-gram {test perplexity of the best n-gram}",
    "3.2": "BLEU {test BLEU of the network}, counting {test BLEU of counting}",
    "3.3": "a beam of 4 gains {width 4: BLEU over greedy search} BLEU",
    "4.1": "BLEU {validation BLEU with attention}, {attention minus counting} above counting",
    "4.2": "two questions: one head {two questions, one head, best seed|percent}, two "
    "{two questions, two heads, worst seed|percent}",
    "4.3": "BLEU {BLEU of beam search}",
    "5.1": "limit of the rate {limit of the learning rate}; at 1 the loss is {lr = 1, epoch 50} in epoch 50",
    "5.2": "sigmoid LeNet: momentum {accuracy of momentum|percent}, Adam {accuracy of Adam|percent}",
    "5.3": "five seeds are sure of the first by {of five seeds: Adadelta is first in|percent}, twenty by "
    "{of twenty seeds|percent}",
    "6.1": "test error {adopted over default, test error} times that of the defaults",
    "6.2": "TPE beats random search in {32 trials: TPE wins over random|percent} of pairs",
    "6.3": "two processes equal one to {float64, largest difference after 110 steps}",
}


def seconds_of(notebook: str) -> str:
    """Return the time of a notebook in words, such as "35 s" or "4 min"; "–" without a recorded run.

    It is the time of the fastest run: all do the same work, and other programs can only slow it down.
    """
    seconds = min((run["seconds"] for run in results.load(notebook, "quick")["runs"]), default=None)
    if seconds is None:
        return "–"
    rounded = 5 * round(seconds / 5) if seconds >= 15 else round(seconds)
    return f"{rounded} s" if rounded < 120 else f"{seconds / 60:.0f} min"


def cell_of(notebook: str, name: str, form: Callable[[float], str], scale: str) -> str:
    """Return median, lowest and highest value over the recorded runs, and their number; "not measured" without one."""
    found = _values(notebook, name, scale)
    if not found:
        return "not measured"
    if min(found) == max(found):
        return f"{form(found[0])} ({_runs(len(found))})"
    return f"{form(statistics.median(found))} ({form(min(found))} to {form(max(found))}, {_runs(len(found))})"


def _values(notebook: str, name: str, scale: str) -> list[float]:
    values = results.load(notebook, scale)["results"].get(name, {"values": []})["values"]
    return [value for value in values if value is not None]


def _runs(count: int) -> str:
    return f"{count} run{'s' if count != 1 else ''}"


def result_table() -> str:
    """Return the Markdown table of ``HEADLINES``: median, lowest and highest value over the recorded runs."""
    rows = ["| notebook | result | quick scale | full scale |", "|---|---|---|---|"]
    for notebook, label, name, form in HEADLINES:
        cells = [cell_of(notebook, name, form, scale) for scale in ("quick", "full")]
        rows.append(f"| {notebook} | {label} | {cells[0]} | {cells[1]} |")
    return "\n".join(rows)


def measured(notebook: str, text: str, *, spread: bool = True) -> str:
    """Return the text with its numbers: medians, with lowest and highest value where they read otherwise."""

    def number(match: re.Match[str]) -> str:
        factor, form, unit = FORMS[match[3]]
        found = [factor * value for value in _values(match[1] or notebook, match[2], "quick")]
        if not found:
            return "not measured"
        low, middle, high = (f"{pick(found):{form}}" for pick in (min, statistics.median, max))
        return f"{middle}{unit}" + (f" ({low} to {high})" if spread and low != high else "")

    return NUMBER.sub(number, text)


def claim_table(claims: Iterable[Claim]) -> str:
    """Return the Markdown table of claims."""
    rows = ["| source | its claim | measured here | notebook |", "|---|---|---|---|"]
    for claim in claims:
        chapter, number = claim.notebook.split(".")
        path = next(ROOT.glob(f"0{chapter}_*/0{number}_*.ipynb")).relative_to(ROOT).as_posix()
        found = measured(claim.notebook, claim.measured)
        rows.append(f"| {claim.source} | {claim.claim} | {found} | [{claim.notebook}]({path}) |")
    return "\n".join(rows)


def claim_page() -> str:
    """Return MEASURED.md: all claims, a table for each chapter."""
    parts = [INTRODUCTION]
    for chapter, claims in itertools.groupby(CLAIMS, lambda claim: f"0{claim.notebook[0]}"):
        parts.append(f"## {chapter} {TITLES[chapter]}\n\n{claim_table(claims)}\n")
    return "\n".join(parts)


def with_lessons(text: str) -> str:
    """Return README with result and recorded time in the last columns of the rows that link a notebook."""

    def row(match: re.Match[str]) -> str:
        result = measured(match[2], LESSONS.get(match[2], ""), spread=False)
        return f"{match[1]}| {result} | {seconds_of(match[2])} |"

    return re.sub(r"^(\| \[(\d\.\d) [^|\n]*\|[^|\n]*)\|[^|\n]*\|[^|\n]*\|$", row, text, flags=re.M)


def with_results(text: str) -> str:
    """Return README with ``result_table`` under the line of the heading ``## Results`` and its sentence."""
    return re.sub(r"^\| notebook \| result \|[^\n]*\n(?:\|[^\n]*\n?)+", result_table() + "\n", text, flags=re.M)


def with_claims(text: str) -> str:
    """Return README with the key rows of ``CLAIMS``."""
    table = claim_table(claim for claim in CLAIMS if claim.key) + "\n"
    return re.sub(r"^\| source \| its claim \|[^\n]*\n(?:\|[^\n]*\n?)+", lambda _: table, text, flags=re.M)


def generated(text: str) -> str:
    """Return README as it must be for the files in ``results``."""
    return with_claims(with_results(with_lessons(text)))


def picture() -> Any:
    """Return README's picture: saved figures of notebooks, side by side and of one height."""
    from PIL import Image

    found = []
    for name, start in FIGURES:
        cells = json.loads((ROOT / name).read_text(encoding="utf-8"))["cells"]
        outputs = [
            output for cell in cells for output in cell.get("outputs", ()) if "image/png" in output.get("data", ())
        ]
        data = next(o["data"]["image/png"] for o in outputs if o["metadata"]["image/png"]["alt"].startswith(start))
        figure = Image.open(io.BytesIO(base64.b64decode("".join(data)))).convert("RGB")
        found.append(figure.resize((round(figure.width * 320 / figure.height), 320), Image.Resampling.LANCZOS))
    whole = Image.new("RGB", (sum(figure.width for figure in found), 320), "white")
    for number, figure in enumerate(found):
        whole.paste(figure, (sum(left.width for left in found[:number]), 0))
    return whole.quantize(64)


def write() -> None:
    """Bring README's tables and picture and MEASURED.md up to date."""
    picture().save(PICTURE, optimize=True)
    for path, new in ((README, generated(README.read_text(encoding="utf-8"))), (MEASURED, claim_page())):
        if not path.exists() or new != path.read_text(encoding="utf-8"):
            path.write_text(new, encoding="utf-8", newline="\n")
            print(f"{path.name}: brought up to date")


def main(argv: Sequence[str]) -> int:
    """Bring README's tables and MEASURED.md up to date without recording anything."""
    write()
    return 0
