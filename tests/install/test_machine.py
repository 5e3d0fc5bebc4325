"""Where the course is, which Python this is, and what it was built with."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dlcourse.install import machine


def test_install_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "can_install", lambda: True)
    monkeypatch.delenv("PIP_INDEX_URL", raising=False)
    assert machine.install().endswith("-m pip install -r requirements.txt")
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror/simple")
    assert machine.install().endswith("requirements.txt --index-url https://mirror/simple")
    monkeypatch.setattr(machine, "can_install", lambda: False)
    assert machine.install("cu126").endswith("-m dlcourse setup --cuda cu126 --mirror https://mirror/simple")


def test_this_python_is_named_so_that_it_is_really_this_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(machine, "WINDOWS", False)
    monkeypatch.setattr(machine, "ROOT", tmp_path)
    monkeypatch.setattr(sys, "executable", str(tmp_path / ".venv" / "bin" / "python"))
    monkeypatch.setattr("shutil.which", lambda word: str(tmp_path / "bin" / word))
    assert Path(machine.this_python()) == Path(".venv/bin/python")
    monkeypatch.setattr("shutil.which", lambda word: str(tmp_path / ".venv" / "bin" / word))
    assert machine.this_python() == "python3"
    monkeypatch.setattr("shutil.which", lambda word: None)
    monkeypatch.setattr(sys, "executable", str(tmp_path.parent / "My Python" / "python"))
    assert machine.this_python().startswith('"')


@pytest.mark.parametrize(
    ("prefix", "base", "conda", "expected"),
    [("/a", "/b", None, True), ("/a", "/a", None, False), ("/a", "/a", "/a", True), ("/a", "/a", "/b", False)],
)
def test_in_environment(
    prefix: str, base: str, conda: str | None, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", prefix)
    monkeypatch.setattr(sys, "base_prefix", base)
    monkeypatch.delenv("CONDA_PREFIX", raising=False)
    if conda:
        monkeypatch.setenv("CONDA_PREFIX", conda)
    assert machine.in_environment() is expected


def test_an_environment_that_cannot_be_written_is_not_installed_into(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(machine, "in_environment", lambda: True)
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(tmp_path))
    assert machine.can_install() and list(tmp_path.iterdir()) == []
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(tmp_path / "absent"))
    assert not machine.can_install()
    assert "-m dlcourse setup" in machine.install(), "not pip, which would install for the user"


def test_the_course_knows_its_own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(machine, "ROOT", tmp_path)
    monkeypatch.setattr(sys, "prefix", str(tmp_path / ".venv"))
    assert not machine.is_ours()
    (tmp_path / ".venv").mkdir()
    assert machine.is_ours()
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert not machine.is_ours()


def test_a_mere_folder_is_no_module(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "no_such_module").mkdir()
    (tmp_path / "one_module").mkdir()
    (tmp_path / "one_module" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    assert not machine.has_module("no_such_module") and not machine.has_module("absent_module")
    assert machine.has_module("one_module") and machine.has_module("json") and machine.has_module("sys")


@pytest.mark.parametrize("module", machine.C_MODULES)
def test_a_missing_c_module_is_named_with_its_system_package(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert machine.check_c_modules().status == "ok"
    monkeypatch.setitem(sys.modules, module, None)
    result = machine.check_c_modules()
    assert result.status == "fail" and result.found == f"this Python was built without {module}"
    debian, fedora, brew = machine.C_MODULES[module]
    assert f"Install {debian} (apt" in result.fix and f"{fedora} (dnf" in result.fix and f"{brew} (brew" in result.fix
    assert "pyenv install --force" in result.fix and " -m pip " not in result.fix


@pytest.mark.parametrize("command", ["setup", "lab", "doctor"])
def test_every_command_says_which_c_module_is_missing(command: str) -> None:
    """A Python without liblzma, from its start: nothing that this room imports needs the module."""
    code = (
        "import sys; sys.modules['_lzma'] = sys.modules['_bz2'] = None; "
        f"sys.path.insert(0, {str(machine.ROOT)!r}); from dlcourse.install import commands, environment; "
        "commands.is_ours = lambda: True; environment.is_complete = lambda *_: False; "
        f"sys.exit(commands.main([{command!r}], {{}}))"
    )
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, timeout=120, cwd=machine.ROOT)
    text = (done.stdout + done.stderr).decode("utf-8", "replace")
    assert done.returncode == 1 and "Traceback" not in text
    assert "built without _bz2, _lzma" in text and "Install libbz2-dev liblzma-dev (apt" in text
