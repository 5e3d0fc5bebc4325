"""Checks of notebook 0.1, install check."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dlcourse.exercises.harness import Case, checks


@checks("00.1-tag")
def _tag(attempt: Any) -> Iterator[Case]:
    for version, tag in (("3.11", "cp311"), ("3.9", "cp39"), ("3.13.2", "cp313")):
        hint = "Split at the points; only the major and the minor number count."
        yield Case(f"Python {version}", lambda v=version: attempt(v), tag, hint)


@checks("00.1-driver")
def _driver(attempt: Any) -> Iterator[Case]:
    hint = "Compare the major numbers as numbers: within one major version every driver runs every build."
    for build, driver, runs in (
        ("11.8", "12.4", True), ("12.4", "12.4", True), ("12.6", "12.4", True),
        ("13.0", "12.9", False), ("9.2", "12.4", True), ("12.1", "11.8", False),
    ):  # fmt: skip
        yield Case(f"build {build}, driver {driver}", lambda b=build, d=driver: attempt(b, d), runs, hint)


@checks("00.1-restore")
def _restore(attempt: Any) -> Iterator[Case]:
    good = "torch-2.9.0+cu126-cp310-cp310-win_amd64.whl"
    hint = "`re.sub` can remove a bracketed number with the space before it; `str.replace` handles %2B."
    for name in (good, good.replace("+", "%2B"), good.replace(".whl", " (1).whl"), good.replace(".whl", "(12).whl"),
                 good.replace("+", "%2B") + " (2)"):  # fmt: skip
        yield Case(name, lambda n=name: attempt(n), good, hint)


@checks("00.1-architecture")
def _architecture(attempt: Any) -> Iterator[Case]:
    hint = "Compare (major, minor) pairs; sm needs the same major number, compute only an older or equal pair."
    for capability, built, runs in (
        ((8, 6), ["sm_80"], True), ((8, 0), ["sm_86"], False), ((9, 0), ["sm_80", "sm_86"], False),
        ((12, 0), ["sm_90", "compute_90"], True), ((8, 0), ["compute_90"], False), ((12, 0), ["sm_120"], True),
        ((6, 1), ["sm_75", "sm_80"], False), ((8, 9), ["sm_120", "compute_86"], True),
    ):  # fmt: skip
        yield Case(f"capability {capability}, {built}", lambda c=capability, b=built: attempt(c, b), runs, hint)
