"""Every exercise: its stub gives ○, its solution and other right answers ✓, planted wrong answers ✗ with a hint."""

from __future__ import annotations

import functools
import re
import runpy
from pathlib import Path

import pytest
import torch

from dlcourse.authoring import definitions
from dlcourse.exercises import harness

FOUND = {
    identifier: (path, stub, solution)
    for path in definitions.all_notebooks()
    for identifier, (stub, solution) in definitions.exercises(path).items()
}


def answers(name: str) -> dict[str, list[str]]:
    """Return ``RIGHT`` or ``WRONG`` of all chapters: sources that replace the stub, by exercise."""
    folder = Path(__file__).parent / f"{name.lower()}_answers"
    files = (runpy.run_path(str(file)) for file in sorted(folder.glob("ch*.py")))
    return {identifier: sources for file in files for identifier, sources in file[name].items()}


definitions_of = functools.cache(definitions.load_definitions)
RIGHT, WRONG = answers("RIGHT"), answers("WRONG")


def verdict(identifier: str, answer: str | None, capsys: pytest.CaptureFixture[str]) -> str:
    """Run the stub cell, with ``answer`` in the stub's place when one is given, and return what the check printed."""
    path, stub, _ = FOUND[identifier]
    call = [line for line in stub.splitlines() if line.startswith("exercise(")][-1]
    space = {**vars(definitions_of(path)), "exercise": harness.exercise}
    capsys.readouterr()
    torch.manual_seed(0)  # some answers train; their luck must not depend on the tests before
    exec(compile(stub if answer is None else f"{answer}\n{call}", identifier, "exec"), space)
    return capsys.readouterr().out


def test_every_check_has_an_exercise_and_every_exercise_a_check_and_answers() -> None:
    assert set(FOUND) == set(harness.registered()) == set(RIGHT) == set(WRONG)


@pytest.mark.parametrize("identifier", FOUND)
def test_stub_is_not_attempted(identifier: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert verdict(identifier, None, capsys) == f"○ {identifier}: not attempted yet\n"


@pytest.mark.parametrize("identifier", FOUND)
def test_solution_and_other_right_answers_pass(identifier: str, capsys: pytest.CaptureFixture[str]) -> None:
    right = [FOUND[identifier][2], *RIGHT.get(identifier, [])]
    assert len(set(right)) >= 3, "the folded solution and at least two other right answers"
    for answer in right:
        printed = verdict(identifier, answer, capsys)
        assert re.match(rf"✓ {re.escape(identifier)}: correct", printed), (answer, printed)


@pytest.mark.parametrize("identifier", FOUND)
def test_wrong_answers_fail_with_a_hint(identifier: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert len(set(WRONG[identifier])) >= 4
    for answer in WRONG[identifier]:
        printed = verdict(identifier, answer, capsys)
        assert re.match(rf"✗ {re.escape(identifier)}: .+\n  Hint: .+", printed), (answer, printed)


@pytest.mark.parametrize(
    ("identifier", "answer", "hint"),
    [
        ("06.2-edge", "def near_edge(trials, space):\n    return []", "The list is empty"),
        (
            "06.3-mean",
            "def mean_gradient(gradients, counts):\n"
            "    return sum(n * g for n, g in zip(counts, gradients)) / sum(counts)",
            "The mean of no examples can be NaN",
        ),
    ],
)
def test_the_hint_fits(identifier: str, answer: str, hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert f"\n  Hint: {hint}" in verdict(identifier, answer, capsys)
