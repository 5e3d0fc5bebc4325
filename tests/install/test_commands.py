"""The command line: old Pythons, set-up once, its failures, and what is passed on to JupyterLab and pytest."""

from __future__ import annotations

import argparse
import ast
import builtins
import errno
import importlib.metadata
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dlcourse.install import commands as cli
from dlcourse.install.doctor import Explanation

PACKAGE = Path(cli.__file__).parent.parent


@pytest.fixture(autouse=True)
def no_real_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that forgets to replace pip must not change the environment that it runs in."""
    monkeypatch.setenv("PIP_DRY_RUN", "1")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small course in a folder of its own, inside an empty environment."""
    root, prefix = tmp_path / "course", tmp_path / "environment"
    root.mkdir()
    prefix.mkdir()
    (root / "requirements.txt").write_text(
        "# comment\ntorch>=2.6,<3\ntorchvision>=0.21,<1\nnumpy>=1.26\ntorchmetrics>=1\n-e .\n", encoding="utf-8"
    )
    (root / "pyproject.toml").write_text("[project]\n", encoding="utf-8")
    monkeypatch.setattr(cli, "ROOT", root)
    monkeypatch.setattr(sys, "prefix", str(prefix))
    monkeypatch.setattr(cli, "_check_disk", lambda _: None)
    monkeypatch.setattr(cli, "_has_pip", lambda _: True)
    monkeypatch.setattr(cli, "_installed_build", lambda: None)
    return root


@pytest.fixture
def pip(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The pip calls, which do nothing."""
    calls: list[list[str]] = []
    monkeypatch.setattr(cli, "_pip", lambda command: calls.append(list(command)))
    return calls


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that are started from an environment that is set up; each returns 5."""
    calls: list[list[str]] = []

    def run(command: Sequence[str]) -> int:
        calls.append(list(command))
        return 5

    monkeypatch.setattr(cli, "run", run)
    monkeypatch.setattr(cli, "in_environment", lambda: True)
    monkeypatch.setattr(cli, "set_up", lambda arguments, dev: None)
    return calls


def options(command: str = "lab", **values: Any) -> argparse.Namespace:
    return argparse.Namespace(**{"command": command, "cuda": None, "mirror": None, "wheels": None, **values})


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
    newer = (ast.JoinedStr, ast.AnnAssign, ast.NamedExpr, ast.AsyncFunctionDef, ast.arg)
    assert not [node for node in ast.walk(tree) if isinstance(node, newer)]
    for node in ast.walk(tree):
        assert not (isinstance(node, ast.FunctionDef) and node.returns)
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
    fake_cli = SimpleNamespace(main=lambda argv: 3 if argv == ["setup"] else 4)

    def load(name: str, *rest: Any) -> Any:
        return {"sys": fake_sys, "dlcourse.install.commands": fake_cli}[name]

    names = {"__name__": "__main__", "__builtins__": {**vars(builtins), "__import__": load}}
    source = (PACKAGE / "__main__.py").read_text(encoding="utf-8")
    with pytest.raises(SystemExit) as caught:
        exec(compile(source, "__main__.py", "exec"), names)
    return caught.value.code, errors.getvalue()


def test_help_needs_nothing_installed() -> None:
    answer = python("-m", "dlcourse", "--help")
    assert answer.returncode == 0, answer.stderr
    for command in ("lab", "test", "setup", "doctor", "wheels", "download", "execute"):
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
        cli.main(argv)
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
    assert cli.main(["lab", *argv]) == 5
    assert ran == [[sys.executable, "-m", "jupyterlab", *passed]]


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
        (["-o", "addopts=", "--wheels", "folder", "tests/test_cli.py::test_x[a-b]"],
         ["-o", "addopts=", "tests/test_cli.py::test_x[a-b]"]),
    ],
)  # fmt: skip
def test_test_passes_arguments(argv: list[str], passed: list[str], ran: list[list[str]]) -> None:
    assert cli.main(["test", *argv]) == 5
    assert ran == [[sys.executable, "-m", "pytest", *passed]]


@pytest.mark.parametrize(
    ("argv", "dev"),
    [(["lab"], False), (["test"], True), (["setup"], False), (["setup", "--dev"], True), (["download"], False)],
)
def test_what_is_installed_for_each_command(
    argv: list[str], dev: bool, ran: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted: list[bool] = []
    monkeypatch.setattr(cli, "set_up", lambda arguments, dev: wanted.append(dev))
    monkeypatch.setitem(sys.modules, "dlcourse.data", SimpleNamespace(main=lambda argv: 0))  # type: ignore[arg-type]
    cli.main(argv)
    assert wanted == [dev]


@pytest.mark.parametrize("command", ["lab", "test", "setup"])
def test_each_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main([command, "--help"])
    shown = capsys.readouterr().out
    assert caught.value.code == 0
    assert all(option in shown for option in ("--cuda", "--mirror", "--wheels"))


@pytest.mark.parametrize("build", ["cpu", "xpu", "cu126", "cu130", "rocm6.4"])
def test_builds(build: str, ran: list[list[str]]) -> None:
    assert cli.main(["setup", "--cuda", build]) == 0


@pytest.mark.parametrize("build", ["12.6", "cuda", "cu12.6", "CPU", "../cpu", ""])
def test_what_is_no_build(build: str, ran: list[list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(["setup", "--cuda", build])
    assert caught.value.code == 2 and "write for example cu126, cu128 or cpu" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "module"),
    [("doctor", "doctor"), ("wheels", "wheels"), ("download", "data"), ("execute", "notebooks")],
)
def test_commands_of_other_modules(
    command: str, module: str, ran: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[list[str]] = []

    def main(argv: list[str]) -> int:
        given.append(argv)
        return 4

    monkeypatch.setitem(sys.modules, f"dlcourse.{module}", SimpleNamespace(main=main))  # type: ignore[arg-type]
    assert cli.main([command, "--json", "a", "--help"]) == 4
    assert given == [["--json", "a", "--help"]] and ran == []


def test_outside_an_environment_the_command_runs_again_inside(
    ran: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "in_environment", lambda: False)
    monkeypatch.setattr(cli, "make_venv", lambda folder: folder / "python")
    argv = ["test", "--cuda", "cpu", "--", "-k", "x"]
    assert cli.main(argv) == 5
    assert ran == [[str(cli.ROOT / ".venv" / "python"), "-m", "dlcourse", *argv]]


@pytest.mark.parametrize("command", ["doctor", "wheels"])
@pytest.mark.parametrize("works", [True, False])
def test_outside_an_environment_the_machine_is_examined_with_what_is_there(
    command: str, works: bool, ran: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "in_environment", lambda: False)
    monkeypatch.setattr(cli, "_runs", lambda python: works)
    monkeypatch.setattr(cli, "make_venv", lambda folder: pytest.fail("it must not install anything"))
    here = SimpleNamespace(main=lambda argv: 4)
    monkeypatch.setitem(sys.modules, f"dlcourse.{command}", here)  # type: ignore[arg-type]
    inside = [str(cli._venv_python(cli.ROOT / ".venv")), "-m", "dlcourse", command, "x"]
    assert cli.main([command, "x"]) == (5 if works else 4)
    assert ran == ([inside] if works else [])


@pytest.mark.parametrize(("error", "status", "text"), [
    (cli.SetupError("the cause; the fix."), 1, "dlcourse: the cause; the fix.\n"),
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

    monkeypatch.setattr(cli, "set_up", fail)
    assert cli.main(["lab"]) == status
    assert ran == [] and text in capsys.readouterr().err


@pytest.mark.parametrize("status", [0, 1, 7])
def test_exit_status_is_passed_on(status: int) -> None:
    assert cli.run([sys.executable, "-c", f"raise SystemExit({status})"]) == status


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals of this kind")
def test_exit_status_of_a_killed_command() -> None:
    assert cli.run([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"]) == 128 + 9


def test_started_in_the_repository_with_the_environment_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    code = (
        "import os, dlcourse; from pathlib import Path\n"
        f"assert Path.cwd() == Path({str(cli.ROOT)!r}), Path.cwd()\n"
        f"assert os.environ['PATH'] == {os.pathsep.join([str(Path(sys.executable).parent), str(tmp_path)])!r}"
    )
    assert cli.run([sys.executable, "-c", code]) == 0


def fake_process(monkeypatch: pytest.MonkeyPatch, *answers: object) -> list[str]:
    """Replace the started process: ``wait`` gives each answer in turn, a callable's when called."""
    left, events = list(answers), []

    def wait() -> object:
        answer = left.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer() if callable(answer) else answer

    process = SimpleNamespace(wait=wait, terminate=lambda: events.append("terminated"))
    monkeypatch.setattr(cli.subprocess, "Popen", lambda *_, **__: process)
    return events


def test_interrupt_waits_for_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_process(monkeypatch, KeyboardInterrupt(), KeyboardInterrupt(), 3)
    assert cli.run(["anything"]) == 3


def test_ending_this_process_ends_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def end() -> int:
        signal.raise_signal(signal.SIGTERM)
        return -15

    before = signal.getsignal(signal.SIGTERM)
    events = fake_process(monkeypatch, end)
    assert cli.run(["anything"]) == 128 + 15
    assert events == ["terminated"] and signal.getsignal(signal.SIGTERM) == before


# --- pip ---------------------------------------------------------------------------------------------------


def test_pip_commands(course: Path, tmp_path: Path) -> None:
    plain = ["install", "-r", "requirements.txt"]
    assert cli.pip_commands(None, None, None, dev=False) == [plain]
    assert cli.pip_commands(None, None, None, dev=True) == [[*plain, "-e", ".[dev]"]]
    url = "https://mirror.example/simple"
    assert cli.pip_commands(None, url, None, dev=False) == [["install", "--index-url", url, "-r", "requirements.txt"]]
    pair = ["torch>=2.6,<3", "torchvision>=0.21,<1"]
    first = ["install", *pair, "--index-url", "https://download.pytorch.org/whl/cu126"]
    assert cli.pip_commands("cu126", None, None, dev=False) == [first, plain]
    both = cli.pip_commands("cpu", url, None, dev=True)
    assert both[0][-1].endswith("/whl/cpu") and both[1][1:3] == ["--index-url", url]


@pytest.mark.parametrize(("installed", "forced"), [(None, False), ("cu126", False), ("cpu", True), ("", True)])
def test_another_build_is_replaced(
    installed: str | None, forced: bool, course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "_installed_build", lambda: installed)
    *first, pair, rest = cli.pip_commands("cu126", None, None, dev=False)
    assert pair[1].startswith("torch>") and rest == ["install", "-r", "requirements.txt"]
    assert first == ([["install", "--force-reinstall", "--no-deps", *pair[1:]]] if forced else [])


@pytest.mark.parametrize(("version", "build"), [("2.6.0+cu126", "cu126"), ("2.6.0+cpu", "cpu"), ("2.6.0", "")])
def test_installed_build(version: str, build: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli.importlib.metadata, "version", lambda name: version)
    assert cli._installed_build() == build


def test_no_installed_build(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(cli.importlib.metadata, "version", missing)
    assert cli._installed_build() is None


def test_pip_commands_for_a_folder_of_wheels(course: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "my wheels"
    folder.mkdir()
    monkeypatch.chdir(tmp_path)
    for missing in ("my wheels", "nowhere"):
        with pytest.raises(cli.SetupError, match=rf"{missing} holds no \.whl file; see chapter 00"):
            cli.pip_commands(None, None, missing, dev=False)
    (folder / "torch-2.6.0-cp310-cp310-win_amd64.whl").touch()
    start = ["install", "--no-index", "--find-links", str(folder.resolve())]
    expected = [[*start, "setuptools>=77"], [*start, "--no-build-isolation", "-r", "requirements.txt"]]
    assert cli.pip_commands(None, None, "my wheels", dev=False) == expected
    assert cli.pip_commands("cu126", "https://host", "my wheels", dev=False) == expected, "a folder means no index"
    assert cli.pip_commands(None, None, "my wheels", dev=True)[1][-2:] == ["-e", ".[dev]"]


def test_the_real_requirements_name_the_pair() -> None:
    pair = cli.pip_commands("cpu", None, None, dev=False)[-2]
    assert [word.partition(">")[0] for word in pair[1:3]] == ["torch", "torchvision"]


def fake_pip(monkeypatch: pytest.MonkeyPatch, status: int, log: str | None) -> list[list[str]]:
    calls: list[list[str]] = []

    def run(command: list[str]) -> int:
        calls.append(command)
        if log is not None:
            Path(command[command.index("--log") + 1]).write_text(log, encoding="utf-8")
        return status

    monkeypatch.setattr(cli, "run", run)
    return calls


def test_pip_shows_its_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    calls = fake_pip(monkeypatch, 0, "fine")
    cli._pip(["install", "-r", "requirements.txt"])
    assert calls[0][:6] == [sys.executable, "-m", "pip", "install", "-r", "requirements.txt"]
    assert capsys.readouterr().out == "$ python -m pip install -r requirements.txt\n"
    cli._pip(["install", "torch>=2.6,<3", "--find-links", "my wheels", "-e", ".[dev]"])
    shown = '$ python -m pip install "torch>=2.6,<3" --find-links "my wheels" -e ".[dev]"\n'
    assert capsys.readouterr().out == shown, "it can be copied into a shell"


@pytest.mark.parametrize(
    ("log", "cause"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "disk is full"),
        ("ERROR: No matching distribution found for torch>=2.6", "no build for this Python"),
        ("error: externally-managed-environment", "operating system manages this Python"),
        ("SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]", "secure connection"),
    ],
)
def test_pip_failure_names_the_cause(log: str, cause: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_pip(monkeypatch, 1, f"Collecting torch\n{log}\n")
    with pytest.raises(cli.SetupError) as caught:
        cli._pip(["install"])
    message = str(caught.value)
    assert "exit status 1" in message and cause in message and "Fix: " in message


@pytest.mark.parametrize("log", ["something unheard of", "", None])
def test_pip_failure_without_a_known_cause(log: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_pip(monkeypatch, 2, log)
    with pytest.raises(cli.SetupError, match=r"exit status 2.*no known cause.*doctor"):
        cli._pip(["install"])


def test_cause_and_fix_come_from_the_doctor(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def explain(text: str) -> Explanation:
        asked.append(text)
        return Explanation("the moon.", "Wait.")

    monkeypatch.setattr("dlcourse.install.doctor.explain_error", explain)
    fake_pip(monkeypatch, 1, "the log")
    with pytest.raises(cli.SetupError, match=r"likely cause: the moon\. Fix: Wait\."):
        cli._pip(["install"])
    assert asked == [""], "no line of the log complains"


def test_lines_that_complain_are_read_first(monkeypatch: pytest.MonkeyPatch) -> None:
    log = "Removing file torch/lib/fbgemm.dll\nERROR: [Errno 28] No space left on device\n"
    fake_pip(monkeypatch, 1, log)
    with pytest.raises(cli.SetupError, match="the disk is full"):
        cli._pip(["install"])


def test_a_wheel_that_the_folder_lacks_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_pip(monkeypatch, 1, "ERROR: No matching distribution found for tqdm<5,>=4.66 (from x)\n")
    with pytest.raises(cli.SetupError, match=r"holds no tqdm<5,>=4\.66 that fits this Python; add its wheel"):
        cli._pip(["install", "--no-index", "--find-links", "folder", "tqdm"])


def test_interrupted_pip_is_an_interrupt(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_pip(monkeypatch, 1, "ERROR: Operation cancelled by user\n")
    with pytest.raises(KeyboardInterrupt):
        cli.set_up(options(), dev=False)
    assert list(Path(sys.prefix).iterdir()) == []


# --- set-up once -------------------------------------------------------------------------------------------


def stamp() -> dict[str, Any]:
    content = json.loads((Path(sys.prefix) / ".dlcourse-setup.json").read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    return content


def test_second_set_up_does_nothing(course: Path, pip: list[list[str]]) -> None:
    cli.set_up(options(), dev=False)
    assert len(pip) == 1 and stamp() == {"fingerprint": cli.fingerprint(), "dev": False, "cuda": None}
    assert [file.name for file in Path(sys.prefix).iterdir()] == [".dlcourse-setup.json"]
    cli.set_up(options("lab"), dev=False)
    assert len(pip) == 1


def test_another_build_installs_again_once(course: Path, pip: list[list[str]]) -> None:
    cli.set_up(options(), dev=False)
    cli.set_up(options("lab", cuda="cpu"), dev=False)
    assert len(pip) == 3 and stamp()["cuda"] == "cpu"
    cli.set_up(options("lab", cuda="cpu"), dev=False)
    cli.set_up(options("lab"), dev=False)
    assert len(pip) == 3


@pytest.mark.parametrize("name", ["requirements.txt", "pyproject.toml"])
def test_changed_requirements_install_again(course: Path, pip: list[list[str]], name: str) -> None:
    cli.set_up(options(), dev=False)
    with (course / name).open("a", encoding="utf-8") as file:
        file.write("# new\n")  # in pyproject.toml this is in the section [project]
    cli.set_up(options(), dev=False)
    assert len(pip) == 2
    cli.set_up(options(), dev=False)
    assert len(pip) == 2


def test_settings_of_the_tools_install_nothing(course: Path, pip: list[list[str]]) -> None:
    cli.set_up(options(), dev=False)
    with (course / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write('[tool.pytest.ini_options]\ntestpaths = ["tests"]\n[tool.ruff]\n')
    cli.set_up(options(), dev=False)
    assert len(pip) == 1


def test_environment_without_pip(course: Path, pip: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "_has_pip", lambda _: False)
    with pytest.raises(cli.SetupError, match="has no pip; add it"):
        cli.set_up(options(), dev=False)
    assert pip == []


def test_environment_that_cannot_be_written(
    course: Path, pip: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "write_text", refuse)
    for count in (1, 2):
        cli.set_up(options(), dev=False)
        assert len(pip) == count, "complete, but nobody remembers it"


def test_another_interpreter_installs_again(
    course: Path, pip: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    cli.set_up(options(), dev=False)
    monkeypatch.setattr(sys, "version", "3.99.0 (another build)")
    cli.set_up(options(), dev=False)
    assert len(pip) == 2


def test_tests_after_lab_add_the_development_section_once(course: Path, pip: list[list[str]]) -> None:
    cli.set_up(options(), dev=False)
    cli.set_up(options("test"), dev=True)
    assert len(pip) == 2 and ".[dev]" in pip[1] and stamp()["dev"] is True
    cli.set_up(options("test"), dev=True)
    cli.set_up(options("lab"), dev=False)
    assert len(pip) == 2


def test_development_section_is_not_claimed_for_changed_requirements(course: Path, pip: list[list[str]]) -> None:
    cli.set_up(options("test"), dev=True)
    (course / "pyproject.toml").write_text("[project]\n# another development section\n", encoding="utf-8")
    cli.set_up(options("lab"), dev=False)
    assert ".[dev]" not in pip[1]
    cli.set_up(options("test"), dev=True)
    assert len(pip) == 3 and ".[dev]" in pip[2]


def test_setup_with_a_choice_installs_again_and_keeps_the_rest(course: Path, pip: list[list[str]]) -> None:
    cli.set_up(options("test"), dev=True)
    cli.set_up(options("setup", cuda="cpu"), dev=False)
    assert len(pip) == 3 and pip[1][-1].endswith("/cpu") and ".[dev]" in pip[2] and stamp()["dev"] is True
    cli.set_up(options("test"), dev=True)
    assert len(pip) == 3
    cli.set_up(options("setup"), dev=False)
    assert len(pip) == 4 and stamp()["cuda"] == "cpu", "setup by name always looks again"
    cli.set_up(options("lab"), dev=False)
    assert len(pip) == 4


def test_failure_leaves_no_stamp(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = fake_pip(monkeypatch, 1, "")
    for _ in range(2):
        with pytest.raises(cli.SetupError):
            cli.set_up(options(), dev=False)
    assert len(calls) == 2 and list(Path(sys.prefix).iterdir()) == []


@pytest.mark.parametrize("content", ["", "{", "[1]", "null", '{"fingerprint": 3}', "\x00\xff"])
def test_damaged_stamp_installs_again(course: Path, pip: list[list[str]], content: str) -> None:
    (Path(sys.prefix) / ".dlcourse-setup.json").write_text(content, encoding="latin-1")
    cli.set_up(options(), dev=False)
    assert len(pip) == 1 and stamp()["fingerprint"] == cli.fingerprint()


def test_bad_folder_of_wheels_leaves_no_stamp(course: Path, pip: list[list[str]], tmp_path: Path) -> None:
    with pytest.raises(cli.SetupError, match="holds no"):
        cli.set_up(options("setup", wheels=str(tmp_path / "none")), dev=False)
    assert pip == [] and list(Path(sys.prefix).iterdir()) == []


@pytest.mark.parametrize(
    ("system", "cuda", "free", "fits"),
    [
        ("linux", None, 8.9, False), ("linux", None, 9.1, True), ("linux", "cpu", 3.1, True),
        ("linux", "cpu", 2.9, False), ("win32", None, 3.1, True), ("win32", "cu126", 3.1, False),
        ("win32", "cu126", 9.1, True), ("darwin", None, 3.1, True), ("darwin", None, 1.0, False),
    ],
)  # fmt: skip
def test_disk(system: str, cuda: str | None, free: float, fits: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli.sys, "platform", system)
    monkeypatch.setattr(cli.shutil, "disk_usage", lambda _: SimpleNamespace(free=free * 1e9))
    monkeypatch.setattr(cli.importlib.util, "find_spec", lambda _: None)
    if fits:
        cli._check_disk(cuda)
        return
    with pytest.raises(cli.SetupError) as caught:
        cli._check_disk(cuda)
    message = str(caught.value)
    assert f"{free:.1f} GB are free" in message and "free some space" in message
    assert ("--cuda cpu" in message) == (system == "linux" and cuda is None or cuda == "cu126")


def test_disk_is_enough_when_torch_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli.shutil, "disk_usage", lambda _: SimpleNamespace(free=1e8))
    monkeypatch.setattr(cli.importlib.util, "find_spec", lambda _: object())
    cli._check_disk(None)


# --- the virtual environment -------------------------------------------------------------------------------


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
    assert cli.in_environment() is expected


def fake_venv(monkeypatch: pytest.MonkeyPatch, error: Exception | None = None) -> list[Path]:
    """Replace ``venv.create``; an environment runs when its Python is a file that says ``works``."""
    made: list[Path] = []

    def create(folder: Path, with_pip: bool, symlinks: bool, prompt: str) -> None:
        assert with_pip and symlinks == (os.name != "nt"), "as `python -m venv` does"
        made.append(folder)
        file = cli._venv_python(folder)
        file.parent.mkdir(parents=True)
        if error is not None:
            raise error
        file.write_text("works", encoding="utf-8")

    def runs(file: Path) -> bool:
        return file.is_file() and file.read_text(encoding="utf-8") == "works"

    monkeypatch.setattr("venv.create", create)
    monkeypatch.setattr(cli, "_runs", runs)
    monkeypatch.setattr(cli, "_has_pip", lambda _: True)
    return made


def test_environment_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = fake_venv(monkeypatch)
    folder = tmp_path / ".venv"
    assert cli.make_venv(folder) == cli.make_venv(folder) == cli._venv_python(folder)
    assert made == [folder]


@pytest.mark.parametrize("state", ["empty", "broken", "file"])
def test_broken_environment_is_made_again(
    state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = fake_venv(monkeypatch)
    folder = tmp_path / ".venv"
    if state == "file":
        folder.touch()
    else:
        folder.mkdir()
        (folder / "rest").touch()
    if state == "broken":
        cli._venv_python(folder).parent.mkdir()
        cli._venv_python(folder).write_text("broken", encoding="utf-8")
    assert cli.make_venv(folder) == cli._venv_python(folder)
    assert made == [folder] and not (folder / "rest").exists()
    assert "broken or unfinished; making it again" in capsys.readouterr().out


def test_missing_ensurepip_names_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = fake_venv(monkeypatch)
    monkeypatch.setattr(cli.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(cli.SetupError, match=r"no ensurepip.*`sudo apt install python3\.\d+-venv`"):
        cli.make_venv(tmp_path / ".venv")
    assert made == [] and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("there", [False, True])
def test_unwritable_folder(there: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = fake_venv(monkeypatch)
    if there:
        (tmp_path / ".venv").mkdir()
    monkeypatch.setattr(cli.os, "access", lambda *_: False)
    with pytest.raises(cli.SetupError) as caught:
        cli.make_venv(tmp_path / ".venv")
    assert f"the folder {tmp_path} cannot be written; copy the course" in str(caught.value)
    assert made == [] and (tmp_path / ".venv").exists() == there


def test_broken_environment_that_cannot_be_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_venv(monkeypatch)
    (tmp_path / ".venv").mkdir()

    def refuse(folder: Path, ignore_errors: bool = False) -> None:
        if not ignore_errors:
            raise PermissionError(errno.EACCES, "Permission denied", str(folder))

    monkeypatch.setattr(cli.shutil, "rmtree", refuse)
    with pytest.raises(cli.SetupError, match=r"could not be made.*Permission denied"):
        cli.make_venv(tmp_path / ".venv")


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), subprocess.CalledProcessError(1, ["ensurepip"])]
)
def test_failed_environment_leaves_nothing(error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_venv(monkeypatch, error)
    with pytest.raises(cli.SetupError, match="could not be made"):
        cli.make_venv(tmp_path / ".venv")
    assert list(tmp_path.iterdir()) == []


def test_which_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not cli._runs(tmp_path / "none")
    (tmp_path / "text").write_text("no program", encoding="utf-8")
    assert not cli._runs(tmp_path / "text")
    monkeypatch.setattr(cli, "_succeeds", lambda python, *words: subprocess.run([python, *words[:-1], words[-1].replace(
        "sys.prefix == sys.base_prefix", "True")]).returncode == 0)  # fmt: skip
    assert not cli._runs(Path(sys.executable)), "outside an environment it would start itself without end"


@pytest.mark.parametrize("stamped", [True, False])
def test_pip_is_looked_at_until_set_up_is_complete(
    stamped: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = fake_venv(monkeypatch)
    folder = tmp_path / ".venv"
    cli.make_venv(folder)
    monkeypatch.setattr(cli, "_has_pip", lambda _: False)
    if stamped:
        (folder / cli.STAMP).touch()
    cli.make_venv(folder)
    assert len(made) == (1 if stamped else 2)


def test_missing_pip_is_added(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    def succeeds(python: Path, *words: str) -> bool:
        done.append(words[1])
        return words[1] == "ensurepip" or "ensurepip" in done

    monkeypatch.setattr(cli, "_succeeds", succeeds)
    assert cli._has_pip(Path("python")) and done == ["pip", "ensurepip", "pip"]
