"""Studies: many runs that take longer than a lesson, one line each in ``results/studies/<name>.jsonl``.

A chapter's script says which settings it wants and how to run one of them; ``command`` runs what the file does not have
yet. It goes on where it was stopped, and several processes may share the work (``--part 1/2``, ``--part 2/2``).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from dlcourse import results

Settings = dict[str, Any]
Run = dict[str, Any]


def file_of(name: str) -> Path:
    """Return the file of a study."""
    return results.FOLDER / "studies" / f"{name}.jsonl"


def done(name: str) -> list[Run]:
    """Return the finished runs of a study; a last line that was cut off by an interruption does not count."""
    path = file_of(name)
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True) if path.exists() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]


def append(name: str, run: Run) -> None:
    """Add one run to the file of a study, in place of a line that was cut off."""
    path = file_of(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    there = path.read_bytes() if path.exists() else b""
    if not there.endswith(b"\n") and there:
        path.write_bytes(there[: there.rfind(b"\n") + 1])
    with path.open("a", encoding="utf-8", newline="\n") as file:
        file.write(json.dumps(run, ensure_ascii=False) + "\n")


def missing(name: str, wanted: Callable[[list[Run]], Iterable[Settings]]) -> list[Settings]:
    """Return the wanted settings that the study has no run of."""
    runs = done(name)
    there = {_key(run["settings"]) for run in runs}
    return [settings for settings in wanted(runs) if _key(settings) not in there]


def command(
    name: str, wanted: Callable[[list[Run]], Iterable[Settings]], run: Callable[[Settings], Run], description: str
) -> int:
    """Be the command line of a study: run what is missing, print each run, and say how many are left.

    ``wanted`` gets the finished runs, so that later settings may depend on them (a rate that a sweep chose), and yields
    settings; the study is complete when it yields nothing new. ``run`` gets settings and returns its result, a dict of
    numbers; ``settings`` and ``seconds`` are added unless it gives them.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--part", default="1/1", help="i/n: every n-th missing run, from the i-th on")
    i, n = map(int, parser.parse_args().part.split("/"))
    while mine := [settings for settings in missing(name, wanted) if int(_key(settings), 16) % n == i - 1]:
        begun = time.perf_counter()
        result = run(mine[0])
        append(name, {"settings": mine[0], "seconds": round(time.perf_counter() - begun, 1), **result})
        print(json.dumps(done(name)[-1], ensure_ascii=False), flush=True)
    print(f"{len(missing(name, wanted))} runs are missing.")
    return 0


def _key(settings: Settings) -> str:
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:12]
