"""Checks of notebook 0.1, install check."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from dlcourse.exercises.harness import Case, checks


@checks("00.1-tag")
def _tag(attempt: Any) -> Iterator[Case]:
    hint = "Split at the points; only the major and the minor number count, and the minor may have two digits."
    for version, tag in (
        ("3.11", "cp311"), ("3.9", "cp39"), ("3.10", "cp310"), ("3.13.2", "cp313"), ("3.10.12", "cp310"),
        ("3.9.21", "cp39"),
    ):  # fmt: skip
        yield Case(f"Python {version}", attempt, tag, hint, args=(version,))


@checks("00.1-driver")
def _driver(attempt: Any) -> Iterator[Case]:
    hint = "Compare the major numbers as numbers: within one major version every driver runs every build."
    for build, driver, runs in (
        ("11.8", "12.4", True), ("12.4", "12.4", True), ("12.6", "12.4", True), ("13.0", "12.9", False),
        ("9.2", "12.4", True), ("12.1", "11.8", False), ("13.0", "9.2", False), ("12.9", "13.0", True),
    ):  # fmt: skip
        yield Case(f"build {build}, driver {driver}", attempt, runs, hint, args=(build, driver))


@checks("00.1-restore")
def _restore(attempt: Any) -> Iterator[Case]:
    torch = "torch-2.9.0+cu126-cp310-cp310-win_amd64.whl"
    numpy = "numpy-2.2.1-cp313-cp313-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"
    hints = {
        "{}": "A good name stays as it is.",
        "%2B": "`str.replace` makes a plus sign of %2B.",
        " (1)": "`re.sub` removes a bracketed number with the space before it, if there is one.",
        "(2)": "The space before the bracket may be missing.",
        "(12)": "The number in the brackets may have several digits.",
        "%2B (3)": "Both may have happened to one name.",
    }
    for change, hint in hints.items():
        for good in (torch, numpy):
            mark = change.removeprefix("%2B").removeprefix("{}")
            name = good.replace("+", "%2B") if "%2B" in change else good
            name = name.removesuffix(".whl") + mark + ".whl"
            yield Case(name, attempt, good, hint, args=(name,))


@checks("00.1-architecture")
def _architecture(attempt: Any) -> Iterator[Case]:
    equal = "Code for X.Y runs on X.Y itself: the comparison includes equality."
    sm = "sm needs the same major number, and a minor number of the GPU that is not smaller."
    compute = "compute needs a pair (major, minor) that is not newer than the GPU's; Python compares tuples in order."
    several = "One entry that fits is enough; without one the answer is False."
    cases = [
        ((8, 6), ["sm_80"], sm), ((8, 0), ["sm_86"], sm), ((9, 0), ["sm_80", "sm_86"], sm), ((8, 9), ["sm_90"], sm),
        ((12, 0), ["sm_120"], equal), ((8, 6), ["sm_86"], equal), ((9, 0), ["compute_90"], equal),
        ((12, 0), ["sm_90", "compute_90"], compute), ((8, 0), ["compute_90"], compute),
        ((8, 0), ["compute_86"], compute), ((9, 0), ["compute_86"], compute), ((10, 0), ["compute_89"], compute),
        ((6, 1), ["sm_75", "sm_80"], several), ((8, 9), ["sm_120", "compute_86"], several), ((7, 5), [], several),
    ]  # fmt: skip
    for _ in range(20):
        codes = [f"{random.choice(('sm', 'compute'))}_{n}" for n in random.sample((70, 75, 80, 86, 89, 90, 120), 2)]
        cases.append((random.choice(((7, 5), (8, 0), (8, 6), (9, 0), (10, 3), (12, 1))), codes, several))
    for capability, built, hint in cases:
        shown = f"capability {capability}, {built}"
        yield Case(shown, attempt, _has_code(capability, built), hint, args=(capability, built))


def _has_code(capability: tuple[int, int], built: list[str]) -> bool:
    codes = [(entry.split("_")[0], divmod(int(entry.split("_")[1]), 10)) for entry in built]
    return any(code <= capability and (kind == "compute" or code[0] == capability[0]) for kind, code in codes)
