"""A study runs what is missing, goes on after an interruption, and shares its work."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dlcourse import results
from dlcourse.authoring import studies


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    monkeypatch.setattr(sys, "argv", ["study.py"])


def wanted(runs: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield three rates, then one run with the best of them."""
    for rate in (0.1, 0.2, 0.3):
        yield {"kind": "sweep", "lr": rate}
    sweep = [run for run in runs if run["settings"]["kind"] == "sweep"]
    if len(sweep) == 3:
        yield {"kind": "final", "lr": max(sweep, key=lambda run: run["score"])["settings"]["lr"]}


def score(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the best score at the rate 0.2."""
    return {"score": -abs(settings["lr"] - 0.2)}


def test_later_settings_depend_on_the_finished_runs() -> None:
    assert studies.command("a", wanted, score, "") == 0
    assert [run["settings"]["lr"] for run in results.study("a")] == [0.1, 0.2, 0.3, 0.2]
    assert all(run["seconds"] >= 0 for run in results.study("a"))


def test_nothing_is_run_twice_and_a_torn_line_is_replaced() -> None:
    studies.command("a", wanted, score, "")
    whole = studies.file_of("a").read_bytes()
    studies.file_of("a").write_bytes(whole[:-7])  # killed while it wrote the last line
    calls = []

    def counted(settings: dict[str, Any]) -> dict[str, Any]:
        calls.append(settings)
        return score(settings)

    studies.command("a", wanted, counted, "")
    assert calls == [{"kind": "final", "lr": 0.2}]
    assert len(results.study("a")) == 4
    studies.command("a", wanted, counted, "")
    assert len(calls) == 1


def test_parts_share_the_work(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for part in ("1/2", "2/2", "1/2", "2/2"):
        monkeypatch.setattr(sys, "argv", ["study.py", "--part", part])
        studies.command("a", wanted, score, "")
    assert len(results.study("a")) == 4
    assert capsys.readouterr().out.splitlines()[-1] == "0 runs are missing."
