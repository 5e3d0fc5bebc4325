"""Every exercise: its stub gives ○, its folded solution ✓, and each planted wrong answer ✗ with a hint."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from dlcourse.authoring import definitions
from dlcourse.exercises import harness

FOUND = {
    identifier: (path, stub, solution)
    for path in definitions.all_notebooks()
    for identifier, (stub, solution) in definitions.exercises(path).items()
}


def wrong_answers() -> dict[str, list[str]]:
    answers: dict[str, list[str]] = {}
    for file in sorted((Path(__file__).parent / "wrong_answers").glob("ch*.py")):
        spec = importlib.util.spec_from_file_location(file.stem, file)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        answers.update(module.WRONG)
    return answers


WRONG = wrong_answers()


def verdict(identifier: str, answer: str | None, capsys: pytest.CaptureFixture[str]) -> str:
    """Run the stub cell, with ``answer`` in the stub's place when one is given, and return what the check printed."""
    path, stub, _ = FOUND[identifier]
    call = [line for line in stub.splitlines() if line.startswith("exercise(")][-1]
    space = definitions.load_definitions(path).__dict__
    space["exercise"] = harness.exercise
    capsys.readouterr()
    exec(compile(stub if answer is None else f"{answer}\n{call}", identifier, "exec"), space)
    return capsys.readouterr().out


def test_every_check_has_an_exercise_and_every_exercise_a_check() -> None:
    assert set(FOUND) == set(harness.registered())
    assert set(FOUND) == set(WRONG)


@pytest.mark.parametrize("identifier", FOUND)
def test_stub_is_not_attempted(identifier: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert verdict(identifier, None, capsys) == f"○ {identifier}: not attempted yet\n"


@pytest.mark.parametrize("identifier", FOUND)
def test_solution_passes(identifier: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert re.match(rf"✓ {re.escape(identifier)}: correct", verdict(identifier, FOUND[identifier][2], capsys))


@pytest.mark.parametrize("identifier", FOUND)
def test_wrong_answers_fail_with_a_hint(identifier: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert len(WRONG[identifier]) >= 2
    for answer in WRONG[identifier]:
        printed = verdict(identifier, answer, capsys)
        assert printed.startswith(f"✗ {identifier}: "), (answer, printed)
        assert "Hint: " in printed or "raised" in printed, printed
