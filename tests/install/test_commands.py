"""The command line: old Pythons, set-up once, its failures, and what is passed on to JupyterLab and pytest."""

from __future__ import annotations

import argparse
import ast
import builtins
import errno
import graphlib
import importlib
import inspect
import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dlcourse.__main__ import COMMANDS
from dlcourse.install import commands, shadow

PACKAGE = Path(commands.__file__).parent.parent


@pytest.fixture(autouse=True)
def no_real_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that forgets to replace pip must not change the environment that it runs in."""
    monkeypatch.setenv("PIP_DRY_RUN", "1")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that are started from an environment that is set up; each returns 5."""
    calls: list[list[str]] = []

    def run(command: Sequence[str], variables: Mapping[str, str] = os.environ) -> int:
        calls.append([word for word in command if word not in commands.START])
        return 5

    monkeypatch.setattr(commands, "run", run)
    monkeypatch.setattr(commands, "in_environment", lambda: True)
    monkeypatch.setattr(commands, "can_install", lambda: True)
    monkeypatch.setattr(commands, "is_ours", lambda: False)
    monkeypatch.setattr(commands, "is_complete", lambda *_: False)
    monkeypatch.setattr(commands, "set_up", lambda arguments, dev: None)
    return calls


def python(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a bare Python: without site-packages, as on a machine where nothing is installed."""
    return subprocess.run(
        [sys.executable, "-S", *arguments],
        cwd=PACKAGE.parent,
        env={**os.environ, "PYTHONPATH": str(PACKAGE.parent), "PYTHONIOENCODING": "utf-8", **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
    )


# --- before anything is installed --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["__main__.py", "__init__.py"])
def test_old_pythons_can_read_the_entrance(name: str) -> None:
    tree = ast.parse((PACKAGE / name).read_text(encoding="utf-8"), feature_version=(3, 7))
    newer = (ast.JoinedStr, ast.AnnAssign, ast.NamedExpr, ast.AsyncFunctionDef)
    assert not [node for node in ast.walk(tree) if isinstance(node, newer)]
    for node in ast.walk(tree):
        assert not (isinstance(node, ast.FunctionDef) and node.returns), "a comment names types: # type: () -> str"
        assert not (isinstance(node, ast.arg) and node.annotation)
        assert not (isinstance(node, ast.ImportFrom) and node.module == "__future__")


@pytest.mark.parametrize("version", [(2, 7, 18), (3, 5, 2), (3, 9, 19)])
def test_old_pythons_are_told_the_fix(version: tuple[int, int, int]) -> None:
    code, text = run_entrance(version)
    assert code == 2
    assert f"this is Python {version[0]}.{version[1]};" in text and "Python 3.10 or newer" in text
    assert "https://www.python.org/downloads/" in text and text.count("\n") == 1


@pytest.mark.parametrize("version", [(3, 10, 0), (3, 14, 0), (4, 0, 0)])
def test_new_pythons_start(version: tuple[int, int, int]) -> None:
    assert run_entrance(version) == (3, "")


def run_entrance(version: tuple[int, int, int]) -> tuple[object, str]:
    errors = io.StringIO()
    fake_sys = SimpleNamespace(version_info=version, stderr=errors, argv=["dlcourse", "setup"], exit=sys.exit)
    fake_sys.getfilesystemencoding = lambda: "utf-8"
    fake_commands = SimpleNamespace(main=lambda argv, others: 3 if argv == ["setup"] and "record" in others else 4)
    fakes = {"sys": fake_sys, "os": os, "dlcourse.install.shadow": shadow, "dlcourse.install.commands": fake_commands}

    def load(name: str, *rest: Any) -> Any:
        return fakes[name]

    names = {"__name__": "__main__", "__builtins__": {**vars(builtins), "__import__": load}}
    source = (PACKAGE / "__main__.py").read_text(encoding="utf-8")
    with pytest.raises(SystemExit) as caught:
        exec(compile(source, "__main__.py", "exec"), names)
    return caught.value.code, errors.getvalue()


def test_help_needs_nothing_installed() -> None:
    answer = python("-m", "dlcourse", "--help")
    assert answer.returncode == 0, answer.stderr
    for command in (
        "lab",
        "test",
        "setup",
        "doctor",
        "wheels",
        "download",
        "execute",
        "record",
        "site",
        "slides",
        "readme",
    ):
        assert f"\n    {command} " in answer.stdout


def test_help_on_a_terminal_without_the_characters() -> None:
    answer = python("-m", "dlcourse", "setup", "--help", PYTHONIOENCODING="ascii")
    assert answer.returncode == 0, answer.stderr
    assert "--mirror" in answer.stdout


def test_importing_loads_only_the_standard_library() -> None:
    code = (
        "import sys, dlcourse, dlcourse.install.commands, dlcourse.install.doctor\n"
        "tops = {name.partition('.')[0] for name in sys.modules}\n"
        "print(sorted(tops - set(sys.stdlib_module_names) - {'dlcourse', '__main__', '__mp_main__'}))"
    )
    answer = python("-c", code)
    assert answer.stdout.strip() == "[]", answer.stdout + answer.stderr


@pytest.mark.parametrize("argv", [[], ["lbb"], ["--lab"], ["setup", "--dve"], ["setup", "extra"]])
def test_unknown_words_are_status_2(argv: list[str], ran: list[list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        commands.main(argv, COMMANDS)
    assert caught.value.code == 2 and "usage:" in capsys.readouterr().err and ran == []


# --- what is started ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "passed"),
    [
        ([], []),
        (["--no-browser", "--port", "1"], ["--no-browser", "--port", "1"]),
        (["--port=1", "01_pytorch_basics"], ["--port=1", "01_pytorch_basics"]),
        (["--cuda", "cpu", "--no-browser"], ["--no-browser"]),
        (["--", "--cuda", "x"], ["--cuda", "x"]),
        (["--no-browser", "--mirror", "https://host/simple", "--ip", "0"], ["--no-browser", "--ip", "0"]),
    ],
)
def test_lab_passes_arguments(argv: list[str], passed: list[str], ran: list[list[str]]) -> None:
    assert commands.main(["lab", *argv], COMMANDS) == 5
    assert ran == [[sys.executable, "-m", "jupyterlab", *passed]]


@pytest.mark.parametrize(
    ("argv", "starts"),
    [
        ([], True),
        (["--no-browser", "--port", "1"], True),
        (["README.md"], True),
        (["01_pytorch_basics"], False),
        (["--notebook-dir=results"], False),
        (["--ServerApp.root_dir", "x"], False),
        (["--LabApp.default_url=/tree"], False),
    ],
)
def test_lab_starts_at_the_readme_unless_told_otherwise(
    argv: list[str], starts: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, Any] = {}

    def run(command: list[str], variables: dict[str, str]) -> int:
        return given.update(command=command, variables=variables) or 5

    monkeypatch.setattr(commands, "run", run)
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "of the student")
    assert commands._lab(argv) == 5
    assert given["command"] == [sys.executable, "-m", "jupyterlab", *(commands.START if starts else ()), *argv]
    assert given["variables"]["JUPYTER_CONFIG_PATH"] == f"{commands.LAB}{os.pathsep}of the student"
    assert str(commands.ROOT) in commands.START[0]


def test_labs_defaults_are_settings_of_jupyterlab() -> None:
    jupyterlab = pytest.importorskip("jupyterlab")
    text = (commands.LAB / "labconfig/default_setting_overrides.json").read_text(encoding="utf-8")
    for name, values in json.loads(text).items():
        extension, plugin = name.split(":")
        path = Path(jupyterlab.__file__).parent / "schemas" / extension / f"{plugin}.json"
        assert set(values) <= set(json.loads(path.read_text(encoding="utf-8"))["properties"]), name


def test_jupyterlab_reads_labs_defaults(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = pytest.importorskip("jupyterlab_server.settings_utils")
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", str(commands.LAB))
    overrides, error = settings._get_overrides(str(tmp_path))
    assert not error and overrides["@jupyterlab/apputils-extension:notification"] == {"fetchNews": "false"}


@pytest.mark.parametrize(
    ("argv", "passed"),
    [
        ([], []),
        (["02_cnn_lenet", "-k", "lenet"], ["02_cnn_lenet", "-k", "lenet"]),
        (["-x", "tests", "-k", "not slow", "-q"], ["-x", "tests", "-k", "not slow", "-q"]),
        (["-kname", "-n", "2", "a", "b"], ["-kname", "-n", "2", "a", "b"]),
        (["--", "-k", "name", "-x"], ["-k", "name", "-x"]),
        (["-x", "--", "--", "tests"], ["-x", "--", "tests"]),
        (["-m", "not gpu", "--maxfail=1"], ["-m", "not gpu", "--maxfail=1"]),
        (["-o", "addopts=", "--wheels", "folder", "tests/test_commands.py::test_x[a-b]"],
         ["-o", "addopts=", "tests/test_commands.py::test_x[a-b]"]),
    ],
)  # fmt: skip
def test_test_passes_arguments(argv: list[str], passed: list[str], ran: list[list[str]]) -> None:
    assert commands.main(["test", *argv], COMMANDS) == 5
    assert ran == [[sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadfile", *passed]]


@pytest.mark.parametrize(
    ("argv", "dev"),
    [
        (["lab"], False),
        (["test"], True),
        (["setup"], False),
        (["setup", "--dev"], True),
        *(([name], False) for name in COMMANDS),
    ],
)
def test_what_is_installed_for_each_command(
    argv: list[str], dev: bool, ran: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted: list[bool] = []
    monkeypatch.setattr(commands, "set_up", lambda arguments, dev: wanted.append(dev))
    for module, _ in COMMANDS.values():
        monkeypatch.setitem(sys.modules, module, SimpleNamespace(main=lambda argv: 0))  # type: ignore[arg-type]
    commands.main(argv, COMMANDS)
    assert wanted == [dev]


@pytest.mark.parametrize("command", ["lab", "test", "setup", "doctor", "wheels", *COMMANDS])
def test_each_command_explains_itself(
    command: str, ran: list[list[str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(commands, "set_up", lambda arguments, dev: pytest.fail("it must not install anything"))
    with pytest.raises(SystemExit) as caught:
        commands.main([command, "--help"], COMMANDS)
    shown = capsys.readouterr().out
    assert caught.value.code == 0 and f"dlcourse {command}" in shown
    installs = command in ("lab", "test", "setup")
    assert all((option in shown) == installs for option in ("--cuda", "--mirror", "--wheels"))


@pytest.mark.parametrize("build", ["cpu", "xpu", "cu126", "cu130", "rocm6.4"])
def test_builds(build: str, ran: list[list[str]]) -> None:
    assert commands.main(["setup", "--cuda", build], COMMANDS) == 0


@pytest.mark.parametrize("build", ["12.6", "cuda", "cu12.6", "CPU", "../cpu", ""])
def test_what_is_no_build(build: str, ran: list[list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        commands.main(["setup", "--cuda", build], COMMANDS)
    assert caught.value.code == 2 and "write for example cu126, cu128 or cpu" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "module"),
    [
        ("doctor", "dlcourse.install.doctor"),
        ("wheels", "dlcourse.install.wheels"),
        ("download", "dlcourse.download"),
        ("execute", "dlcourse.authoring.execute"),
        ("record", "dlcourse.authoring.record"),
        ("site", "dlcourse.authoring.site"),
        ("slides", "dlcourse.authoring.slides"),
        ("readme", "dlcourse.authoring.readme"),
    ],
)
def test_commands_of_other_modules(
    command: str, module: str, ran: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[list[str]] = []

    def main(argv: list[str]) -> int:
        given.append(argv)
        return 4

    monkeypatch.setitem(sys.modules, module, SimpleNamespace(main=main))  # type: ignore[arg-type]
    assert commands.main([command, "--json", "a", "--seeds", "3"], COMMANDS) == 4
    assert given == [["--json", "a", "--seeds", "3"]] and ran == []


@pytest.mark.parametrize("module", [module for module, _ in COMMANDS.values()])
def test_commands_of_other_rooms_are_there(module: str) -> None:
    main = importlib.import_module(module).main
    assert list(inspect.signature(main).parameters) == ["argv"]


def test_this_room_imports_only_itself_and_no_circle() -> None:
    graph: dict[str, set[str]] = {}
    for path in sorted((PACKAGE / "install").glob("*.py")):
        graph[path.stem] = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                named = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, "absolute imports can be followed"
                named = [f"{node.module}.{alias.name}" for alias in node.names]
            else:
                continue
            ours = [name.split(".") for name in named if name.split(".")[0] == "dlcourse"]
            assert all(parts[1] == "install" for parts in ours), f"{path.name} imports {named}"
            graph[path.stem] |= {parts[2] for parts in ours}
    assert {"commands", "doctor", "environment"} <= set(graph) and graph["commands"] > {"environment", "shadow"}
    list(graphlib.TopologicalSorter(graph).static_order())  # raises CycleError for a circle


def test_outside_an_environment_the_command_runs_again_inside(
    ran: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "in_environment", lambda: False)
    monkeypatch.setattr(commands, "can_install", lambda: False)
    monkeypatch.setattr(commands, "make_venv", lambda folder: folder / "python")
    argv = ["test", "--cuda", "cpu", "--", "-k", "x"]
    assert commands.main(argv, COMMANDS) == 5
    assert ran == [[str(commands.ROOT / ".venv" / "python"), "-m", "dlcourse", *argv]]


@pytest.mark.parametrize("command", ["doctor", "wheels"])
@pytest.mark.parametrize("works", [True, False])
@pytest.mark.parametrize("active", [True, False])
def test_outside_an_environment_the_machine_is_examined_with_what_is_there(
    command: str, works: bool, active: bool, ran: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "in_environment", lambda: active)
    monkeypatch.setattr(commands, "can_install", lambda: False)
    monkeypatch.setattr(commands, "works", lambda python: works)
    monkeypatch.setattr(commands, "make_venv", lambda folder: pytest.fail("it must not install anything"))
    here = SimpleNamespace(main=lambda argv: 4)
    monkeypatch.setitem(sys.modules, f"dlcourse.install.{command}", here)  # type: ignore[arg-type]
    inside = [str(commands.venv_python(commands.ROOT / ".venv")), "-m", "dlcourse", command, "x"]
    assert commands.main([command, "x"], COMMANDS) == (5 if works else 4)
    assert ran == ([inside] if works else [])


@pytest.mark.parametrize(
    ("ours", "writable", "complete", "stays"),
    [
        (False, True, False, True),
        (False, False, True, True),
        (False, False, False, False),
        (True, False, False, True),  # to its own environment there is no other: set-up says what is wrong
    ],
)
def test_an_active_environment_is_used_when_it_is_usable(
    ours: bool, writable: bool, complete: bool, stays: bool, ran: list[list[str]], monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(commands, "is_ours", lambda: ours)
    monkeypatch.setattr(commands, "can_install", lambda: writable)
    monkeypatch.setattr(commands, "is_complete", lambda cuda, dev: complete)
    monkeypatch.setattr(commands, "make_venv", lambda folder: folder / "python")
    assert commands.main(["lab"], COMMANDS) == 5
    here, own = [sys.executable, "-m", "jupyterlab"], [str(commands.ROOT / ".venv" / "python"), "-m", "dlcourse", "lab"]
    assert ran == [here if stays else own]
    assert ("is read-only; the course uses one of its own" in capsys.readouterr().out) != stays


def test_a_file_beside_a_notebook_is_named_and_stops_nothing(
    ran: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "onnx.py").touch()
    monkeypatch.setattr(commands, "chapter_folders", lambda: [str(tmp_path)])
    assert commands.main(["lab"], COMMANDS) == 5
    assert "onnx.py" in capsys.readouterr().err and len(ran) == 1


@pytest.mark.parametrize(("error", "status", "text"), [
    (commands.SetupError("the cause; the fix."), 1, "dlcourse: the cause; the fix.\n"),
    (PermissionError(errno.EACCES, "Permission denied", "stamp"), 1, "the folder may not be written"),
    (FileNotFoundError(errno.ENOENT, "No such file", "requirements.txt"), 1, "set-up failed ([Errno 2] No such file"),
    (KeyboardInterrupt(), 130, "continues where it stopped"),
])  # fmt: skip
def test_failed_set_up_starts_nothing(
    error: BaseException, status: int, text: str, ran: list[list[str]], monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    def fail(arguments: argparse.Namespace, dev: bool) -> None:
        raise error

    monkeypatch.setattr(commands, "set_up", fail)
    assert commands.main(["lab"], COMMANDS) == status
    assert ran == [] and text in capsys.readouterr().err
