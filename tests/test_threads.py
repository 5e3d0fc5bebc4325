"""How OpenMP's threads wait: decided when ``dlcourse`` is imported, before or after ``torch``."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import dlcourse
from dlcourse.authoring.definitions import all_notebooks, code_cells

OWN = {"OMP_NUM_THREADS": "3", "OMP_WAIT_POLICY": "ACTIVE", "GOMP_SPINCOUNT": "5", "KMP_BLOCKTIME": "7"}


def run(code: str, **variables: str) -> str:
    environment = {key: value for key, value in os.environ.items() if key not in OWN}
    done = subprocess.run(
        [sys.executable, "-S", "-c", "import sys; sys.path[:0] = " + repr(sys.path) + "; " + code],
        env={**environment, **variables}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.strip()


SHOW = "; print([os.environ.get(name) for name in dlcourse.WAITING], dlcourse.settle_threads())"


def test_the_variables_are_set_before_torch_is_loaded() -> None:
    values = list(dlcourse.WAITING.values())
    assert run("import os, dlcourse" + SHOW) == f"{values} variables"


THREADS = "; print(torch.get_num_threads())"


def test_quick_scale_has_half_of_the_threads_and_full_scale_all() -> None:
    plain = run("import torch" + THREADS)
    half = str(max(1, int(plain) // 2))
    code = "import dlcourse, torch; from dlcourse.runtime import seed; seed()"
    for scale, threads in (("quick", half), ("full", plain)):
        for inherited in ({}, dlcourse.WAITING):  # a kernel that the course itself has started
            assert run(code + THREADS, DLCOURSE_SCALE=scale, **inherited) == threads


def test_after_torch_only_one_thread_is_left() -> None:
    for scale in ("quick", "full"):
        assert run("import torch, dlcourse" + THREADS, DLCOURSE_SCALE=scale) == "1"


def test_who_sets_a_number_of_threads_later_keeps_it() -> None:
    code = "import dlcourse, torch; from dlcourse.runtime import seed; seed(); torch.set_num_threads(3); seed()"
    assert run(code + THREADS) == "3"


@pytest.mark.parametrize("name", OWN)
def test_a_variable_of_the_user_wins(name: str) -> None:
    shown = run(f"import os, dlcourse; print(os.environ[{name!r}])", **{name: OWN[name]})
    assert shown == OWN[name]
    before = run("import torch" + THREADS, **{name: OWN[name]})
    seeded = "import torch, dlcourse; from dlcourse.runtime import seed; seed()"
    assert run(seeded + THREADS, **{name: OWN[name]}) == before


@pytest.mark.parametrize("path", all_notebooks(), ids=lambda path: path.stem)
def test_notebooks_import_dlcourse_before_torch(path: object) -> None:
    text = "\n".join(code_cells(path))  # type: ignore[arg-type]
    lines = [line.split()[1].split(".")[0] for line in text.splitlines() if line.startswith(("import ", "from "))]
    heavy = [name for name in lines if name in ("dlcourse", "torch", "torchvision", "numpy", "matplotlib")]
    assert heavy[0] == "dlcourse", "import dlcourse first: it decides how the threads of torch wait"
