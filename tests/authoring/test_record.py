"""Recorded runs: values over seeds, going on after a kill, margins, and README's tables."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import nbformat
import pytest

from dlcourse import check, results
from dlcourse.authoring import readme, record
from dlcourse.authoring.definitions import all_notebooks

CELL = """
import time
import torch
from dlcourse.check import expect, unchecked
from dlcourse.runtime import generator, seed
seed(3)
expect("first", torch.rand(()).item(), at_least=0)
expect("own generator", torch.rand((), generator=generator(5)).item(), at_most=1)
expect("twice", 2 * 0.5, near=1, within=1e-9)
expect("twice", torch.ones(2) + 1e-3, near=torch.ones(2), within=1e-2)
unchecked("seconds", 0.25)
expect("exact", 1 + 1, equal=2)
"""


def notebook(folder: Path, source: str) -> Path:
    path = folder / "09_trial" / "01_trial.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)]), path)
    return path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DLCOURSE_RESULTS", str(tmp_path / "results"))
    monkeypatch.delenv("DLCOURSE_SCALE", raising=False)
    return tmp_path


def test_runs_with_shifted_seeds_are_kept(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = notebook(folder, CELL)
    assert record.main([str(path), "--seeds", "2"]) == 0
    content = results.load("9.1")
    assert [run["seed"] for run in content["runs"]] == [0, 1]
    assert all(run["seconds"] > 0 and run["versions"]["torch"] and "cores" in run["machine"] for run in content["runs"])
    values = {name: row["values"] for name, row in content["results"].items()}
    assert list(values) == ["first", "own generator", "twice", "twice (2)", "seconds"]
    assert len(set(values["first"])) == 2 and len(set(values["own generator"])) == 2, "the seeds were not shifted"
    assert values["twice"] == [1, 1] and values["twice (2)"] == pytest.approx([1e-3, 1e-3], rel=1e-2)
    assert content["results"]["first"]["limits"] == [0, None] and content["results"]["seconds"]["limits"] is None
    before = results.file_of("9.1").read_bytes()
    assert record.main([str(path), "--seeds", "2"]) == 0
    assert results.file_of("9.1").read_bytes() == before, "a finished run was made again"
    assert "first" in capsys.readouterr().out


def test_another_code_is_recorded_anew(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = notebook(folder, CELL)
    record.main([str(path), "--seeds", "1"])
    notebook(folder, "from dlcourse.check import expect\nexpect('other', 1.5, at_least=1)")
    assert record.main([str(path), "--seeds", "1"]) == 0
    assert list(results.load("9.1")["results"]) == ["other"] and "code has changed" in capsys.readouterr().out


def test_an_alternative_text_is_no_code(folder: Path) -> None:
    long = 'plot.curves(x, alt="One curve, \\"falling\\", "\n    f"to {0}.", log=True)'
    same = [record.fingerprint(notebook(folder, source)) for source in (long, 'plot.curves(x, alt="Two.", log=True)')]
    other = [record.fingerprint(notebook(folder, source)) for source in (long.replace("True", "False"), 'alt = "One."')]
    assert same[0] == same[1] and len({*same, *other}) == 3


def test_a_value_outside_of_its_bound_is_recorded_and_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = "from dlcourse.check import expect\nexpect('low', 0.5, at_least=1)\nexpect('after', 2.0, at_least=1)"
    assert record.main([str(notebook(folder, source)), "--seeds", "1"]) == 1
    assert "✗ low: 0.5" in capsys.readouterr().out
    assert results.load("9.1")["results"]["after"]["values"] == [2.0]


def test_a_run_that_stops_is_not_kept(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert record.main([str(notebook(folder, "1 / 0")), "--seeds", "1"]) == 1
    assert not results.file_of("9.1").exists() and "ZeroDivisionError" in capsys.readouterr().err


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_goes_on_after_kill(folder: Path) -> None:
    path = notebook(folder, CELL + "time.sleep(1.5 if torch.initial_seed() > 2000 else 0)")  # the third run is slow
    command = [sys.executable, "-m", "dlcourse.authoring.record", str(path), "--seeds", "3"]
    process = subprocess.Popen(command, env=os.environ, stdout=subprocess.DEVNULL)
    file = results.file_of("9.1")
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and not (file.exists() and len(results.load("9.1")["runs"]) == 2):
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = results.load("9.1")
    assert [run["seed"] for run in before["runs"]] == [0, 1]
    subprocess.run(command, check=True, env=os.environ, stdout=subprocess.DEVNULL)
    after = results.load("9.1")
    assert [run["seed"] for run in after["runs"]] == [0, 1, 2] and after["runs"][:2] == before["runs"]
    assert not list(file.parent.glob("*.part"))


def test_margins_are_sorted_by_deviations(folder: Path) -> None:
    path = notebook(folder, "")
    rows = {
        "wide": {"bound": "≥ 0", "limits": [0, None], "values": [5.0, 6.0, 7.0]},
        "narrow": {"bound": "≤ 7.1", "limits": [None, 7.1], "values": [5.0, 6.0, 7.0]},
        "constant": {"bound": "≥ 1", "limits": [1, None], "values": [2.0, 2.0, 2.0]},
        "one run failed": {"bound": "≥ 1", "limits": [1, None], "values": [2.0, None, 4.0]},
    }
    file = results.file_of("9.1")
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"runs": [], "results": rows}), encoding="utf-8")
    lines = str(record.margins([path], "quick")).splitlines()
    names = [next(name for name in rows if name in line) for line in lines if any(name in line for name in rows)]
    assert names == ["narrow", "one run failed", "wide"]


def test_recorded_shows_the_values_beside_this_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    record.main([str(notebook(folder, CELL)), "--seeds", "2"])
    monkeypatch.setitem(check.MEASURED, "first", 0.5)
    shown: dict[str, Any] = {}
    monkeypatch.setattr(results.plot, "seeds", lambda rows, **options: shown.update(rows=rows, **options))
    results.recorded("9.1", {"first": "one draw"}, alt="two dots", xlabel="value")
    assert len(shown["rows"]["one draw"]) == 2 and shown["live"] == {"one draw": 0.5}
    capsys.readouterr()
    results.recorded("9.1", ["third"], alt="nothing", xlabel="value")
    assert shown["rows"] == {"third": []} and "dlcourse record" in capsys.readouterr().out


# --- the files of the course -------------------------------------------------------------------------------


@pytest.mark.parametrize("path", all_notebooks(), ids=record.number_of)
def test_every_notebook_has_recorded_runs(path: Path) -> None:
    content = results.load(record.number_of(path), "quick")
    assert len(content["runs"]) >= 5
    lines = "\n".join(
        output.get("text", "")
        for cell in nbformat.read(path, as_version=4).cells
        for output in cell.get("outputs", [])
        if output.get("name") == "stdout"
    )
    for name, row in content["results"].items():
        plain = name.rsplit(" (", 1)[0] if name.endswith(")") and name[-2].isdigit() else name
        assert f"{name}: " in lines or f"{plain}: " in lines, f"{name!r} was recorded and is not in the notebook"
        low, high = row["limits"] or (None, None)
        values = [value for value in row["values"] if value is not None]
        assert low is None or min(values) >= low - 1e-5 * abs(low), name  # recorded with six digits
        assert high is None or max(values) <= high + 1e-5 * abs(high), name


def test_readme_shows_the_recorded_runs() -> None:
    text = readme.README.read_text(encoding="utf-8")
    assert readme.generated(text) == text, "run: python -m dlcourse record"


def test_the_tables_of_readme_follow_the_files(folder: Path) -> None:
    record.main([str(notebook(folder, "from dlcourse.check import expect\nexpect('x', 1.5, at_least=1)"))])
    lesson = "| [9.1 Trial](09_trial/01_trial.ipynb) | lesson | old | old |\n\n"
    text = lesson + "| notebook | result | a | b |\n|---|---|\n| x |\n"
    new = readme.generated(text)
    assert "old" not in new and readme.seconds_of("9.1") in new.splitlines()[0]
    assert readme.cell_of("9.1", "x", readme.plain, "quick") == "1.5 (5 runs)"
    assert "not measured" in new and "| x |" not in new


def test_every_headline_is_a_recorded_result() -> None:
    shown = [
        (notebook, match[2]) for notebook, text in readme.LESSONS.items() for match in readme.NUMBER.finditer(text)
    ]
    for notebook, name in [*shown, *((notebook, name) for notebook, _, name, _ in readme.HEADLINES)]:
        full_only = name.startswith("fashion_mnist")
        assert full_only or name in results.load(notebook, "quick")["results"], (notebook, name)
