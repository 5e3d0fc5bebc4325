"""Files and folders that hide a module, in a copy of the course, from a real start."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from dlcourse.install import shadow
from dlcourse.install.machine import ROOT


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A copy of what the commands need, in a folder that ASCII cannot name."""
    folder = (tmp_path / "课程").resolve()
    shutil.copytree(ROOT / "dlcourse", folder / "dlcourse", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("requirements.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    for name in ("00_install", "01_pytorch_basics", "tests", "data", "results"):
        (folder / name).mkdir()
    return folder


def start(
    folder: Path, *words: str, options: Sequence[str] = ("-S",), python: str = sys.executable, **variables: str
) -> tuple[int, str, str]:
    """Start ``python -m dlcourse``, without site-packages as on a bare machine; PIP_NO_INDEX, lest a test installs."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment |= {"PIP_NO_INDEX": "1", "PIP_DRY_RUN": "1", "PYTHONIOENCODING": "utf-8", **variables}
    command = [python, *options, "-m", "dlcourse", *words]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, timeout=300)
    return done.returncode, done.stdout.decode("utf-8"), done.stderr.decode("utf-8", "backslashreplace")


def own_files(folder: Path, **variables: str) -> dict[str, str]:
    """Return what the doctor says of the student's own files."""
    status, out, errors = start(folder, "doctor", "--json", **variables)
    assert status == 1 and "Traceback" not in errors, errors
    return next(result for result in json.loads(out) if result["name"] == "own files")


STOPS = "has the name of a module that Python or the course needs; rename it"


@pytest.mark.parametrize("command", ["setup", "lab", "test", "wheels", "download", "execute", "record"])
def test_every_command_names_the_file_before_it_is_imported(command: str, course: Path) -> None:
    for name in ("random.py", "torch.py"):
        (course / name).write_text("raise SystemExit('imported')", encoding="utf-8")
    status, out, errors = start(course, command)
    assert status == 1 and out == "" and errors.count("\n") == 2
    assert errors.startswith("dlcourse: random.py in ") and STOPS in errors and "my_random.py" in errors
    assert "dlcourse: torch.py in " in errors


@pytest.mark.parametrize("name", ["random", "logging", "json", "tempfile", "argparse", "d2l", "nbval"])
@pytest.mark.parametrize("folder", [False, True])
def test_the_doctor_names_it_among_the_rest(name: str, folder: bool, course: Path) -> None:
    path = course / name / "__init__.py" if folder else course / f"{name}.py"
    path.parent.mkdir(exist_ok=True)
    path.write_text("raise SystemExit('imported')", encoding="utf-8")
    hit = course / (name if folder else path.name)
    found = own_files(course)
    assert found["status"] == "fail" and hit.name in found["found"] and found["fix"].startswith(f"Rename {hit} ")


def test_what_the_packages_need_is_known_where_they_are_installed(course: Path) -> None:
    for name in ("PIL.py", "sklearn.py", "ipykernel.py"):
        (course / name).touch()
    status, _, errors = start(course, "lab", options=())
    assert status == 1 and all(f"{name} in" in errors for name in ("PIL.py", "sklearn.py", "ipykernel.py"))


def test_nothing_is_said_of_what_hides_nothing(course: Path) -> None:
    for name in ("time.py", "test.py", "lenet.py", "my_random.py", "random.txt", "random.ipynb", "conftest.py"):
        (course / name).touch()  # time is in the interpreter itself, and nothing imports test
    assert own_files(course)["status"] == "ok"


def test_a_file_beside_a_notebook_and_where_python_was_started(course: Path, tmp_path: Path) -> None:
    (course / "01_pytorch_basics" / "onnx.py").touch()
    assert "onnx.py" in own_files(course)["found"]
    elsewhere = tmp_path / "homework"
    elsewhere.mkdir()
    (elsewhere / "logging.py").write_text("raise SystemExit('imported')", encoding="utf-8")
    found = own_files(elsewhere, PYTHONPATH=str(course))
    assert "logging.py, onnx.py" in found["found"]
    status, _, errors = start(elsewhere, "lab", PYTHONPATH=str(course))
    assert status == 1 and "logging.py in " in errors


def test_pythonpath(course: Path, tmp_path: Path) -> None:
    other = tmp_path / "own_code"
    (other / "numpy").mkdir(parents=True)
    (other / "numpy" / "__init__.py").touch()
    status, _, errors = start(course, "lab", PYTHONPATH=str(other))
    assert status == 1 and f"numpy in {other.resolve()} {STOPS}" in errors
    (other / "numpy-2.0.0.dist-info").mkdir()
    assert own_files(course, PYTHONPATH=str(other))["status"] == "ok", "an installation: its versions are judged"


def imported(folder: Path, name: str) -> str:
    """Return where Python finds a module when it is started in a folder."""
    code = f"import {name}; print(getattr({name}, '__file__', None))"
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, encoding="utf-8")
    return done.stdout.strip()


def test_folders_without_init_hide_only_what_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rule for these folders, held against Python itself."""
    for name in ("packaging", "d2l", "dlcourse"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "notes.py").touch()
    assert "site-packages" in imported(tmp_path, "packaging")
    folders = [str(tmp_path)]
    assert shadow.hiding(folders) == []
    hidden = ["dlcourse"] if imported(tmp_path, "dlcourse") == "None" else []
    assert [Path(path).name for path in shadow.hiding(folders, namespaces=True)] in (hidden, ["dlcourse"])
    (tmp_path / "packaging" / "__init__.py").touch()
    assert Path(imported(tmp_path, "packaging")).parent == tmp_path / "packaging"
    assert shadow.hiding(folders) == [str(tmp_path / "packaging")]
    monkeypatch.setattr(shadow, "_installed", set)
    assert str(tmp_path / "d2l") in shadow.hiding(folders, namespaces=True), "nothing else of this name is found"


@pytest.mark.skipif(os.name == "nt", reason="file names of Windows are always Unicode")
@pytest.mark.parametrize(
    "words", [["--help"], ["doctor"], ["doctor", "--json"], ["wheels", "x"], ["setup", "--wheels", "无"]]
)
def test_a_path_that_the_locale_cannot_name(words: list[str], course: Path) -> None:
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": ""}
    python = getattr(sys, "_base_executable", sys.executable)  # without the packages the doctor is quick
    _, out, errors = start(course, *words, options=(), python=python, **plain)
    assert "Traceback" not in errors and "UnicodeEncodeError" not in out + errors
    if words[0] == "setup":  # this makes the environment and goes on inside
        assert "the folder 无 holds no .whl file" in errors
    (course / "random.py").touch()
    _, _, errors = start(course, "lab", options=(), python=python, **plain)
    assert f"random.py in {course} {STOPS}" in errors
