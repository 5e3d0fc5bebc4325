"""Checks of notebook 0.1, install check."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from dlcourse.exercises.harness import Case, checks


@checks("00.1-driver")
def _driver(attempt: Any) -> Iterator[Case]:
    hint = "Compare the major numbers as numbers: within one major version every driver runs every build."
    for build, driver, runs in (
        ("11.8", "12.4", True), ("12.4", "12.4", True), ("12.6", "12.4", True), ("13.0", "12.9", False),
        ("9.2", "12.4", True), ("12.1", "11.8", False), ("13.0", "9.2", False), ("12.9", "13.0", True),
    ):  # fmt: skip
        yield Case(f"build {build}, driver {driver}", attempt, runs, hint, args=(build, driver))


@checks("00.1-build")
def _build(attempt: Any) -> Iterator[Case]:
    table = [("new", 13, (7, 5), (12, 0)), ("old", 12, (5, 0), (9, 0)), ("oldest", 11, (3, 7), (9, 0))]
    hints = {
        "first": "Go through the entries in their order and return the first that fits.",
        "edge": "A capability equal to `oldest` or to `newest` runs; tuples are compared in order.",
        "driver": "An older major version of CUDA runs on a newer driver, not the other way round.",
        "none": 'When no entry fits, the answer is "cpu".',
    }
    for capability, major, builds, hint in (
        ((8, 6), 13, table, "first"), ((8, 6), 13, table[::-1], "first"), ((7, 5), 13, table, "edge"),
        ((12, 0), 14, table, "edge"), ((9, 0), 12, table, "edge"), ((8, 6), 12, table, "driver"),
        ((6, 1), 13, table, "first"), ((12, 0), 12, table, "none"), ((3, 5), 13, table, "none"),
        ((10, 0), 12, table, "none"), ((8, 6), 10, table, "none"), ((8, 6), 13, [], "none"),
        ((8, 9), 13, [("narrow", 13, (8, 9), (8, 9)), *table], "edge"),
    ):  # fmt: skip
        shown = f"capability {capability}, driver {major}, builds {[name for name, *_ in builds]}"
        yield Case(shown, attempt, _choice(capability, major, builds), hints[hint], args=(capability, major, builds))


def _choice(capability: tuple[int, int], major: int, builds: list[Any]) -> str:
    fitting = [name for name, cuda, oldest, newest in builds if cuda <= major and oldest <= capability <= newest]
    return str([*fitting, "cpu"][0])


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
