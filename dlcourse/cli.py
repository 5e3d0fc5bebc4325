"""The command line: set the course up once, then open it, test it or look at the machine.

Only the standard library is used here, because this runs before anything is installed.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NEEDED_GB = {"cpu": 3, "cuda": 9}
TORCH_INDEX = "https://download.pytorch.org/whl/"


class SetupError(Exception):
    """Set-up cannot go on; the message is one sentence with the fix."""


def main(argv: Sequence[str]) -> int:
    """Run one command and return its exit status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a character that the terminal lacks must not stop the command
            stream.reconfigure(errors="replace")
    arguments, rest = _parser().parse_known_args(list(argv))
    rest = [word for word in rest if word != "--"]
    command = arguments.command
    if command in ("doctor", "wheels"):
        python = _venv_python(ROOT / ".venv")
        if not in_environment() and _runs(python):
            return run([str(python), "-m", "dlcourse", *argv])
        module = importlib.import_module(f"dlcourse.{command}")
        return int(module.main(rest))
    if command == "setup" and rest:
        _parser().error(f"unrecognized arguments: {' '.join(rest)}")
    try:
        if not in_environment():
            python = make_venv(ROOT / ".venv")
            return run([str(python), "-m", "dlcourse", *argv])
        set_up(arguments, dev=command == "test" or getattr(arguments, "dev", False))
    except SetupError as error:
        print(f"dlcourse: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ndlcourse: interrupted; the same command continues where it stopped.", file=sys.stderr)
        return 130
    if command == "lab":
        return run([sys.executable, "-m", "jupyter", "lab", *rest])
    if command == "test":
        return run([sys.executable, "-m", "pytest", *rest])
    if command in ("download", "execute"):
        module = importlib.import_module({"download": "dlcourse.data", "execute": "dlcourse.notebooks"}[command])
        return int(module.main(rest))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m dlcourse", description="Deep Learning Basics, from a bare machine."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for name, text in {
        "lab": "set up once, then open the course in JupyterLab (further arguments go to JupyterLab)",
        "test": "set up once, then run every notebook and all tests (further arguments go to pytest)",
        "setup": "only install",
    }.items():
        sub = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
        sub.add_argument("--cuda", metavar="BUILD", help="PyTorch build from PyTorch's own index: cu126, cu128, …, cpu")
        sub.add_argument("--mirror", metavar="URL", help="package index to use instead of PyPI")
        sub.add_argument("--wheels", metavar="DIR", help="install offline from this folder of wheels")
        if name == "setup":
            sub.add_argument("--dev", action="store_true", help="also install what the tests use")
    for name, text in {
        "doctor": "check this machine and print a fix for each problem (--json)",
        "wheels": "explain whether wheel files fit this machine: FILE or FOLDER",
        "download": "fetch the full-scale data (default: all; --list shows the names)",
        "execute": "run notebooks from a fresh kernel and write them back with their outputs",
    }.items():
        sub = commands.add_parser(name, help=text, description=text, add_help=False, allow_abbrev=False)
        sub.set_defaults(cuda=None, mirror=None, wheels=None)
    return parser


def run(command: Sequence[str]) -> int:
    """Run a command in the repository, let it have the terminal, and return its exit status."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    process = subprocess.Popen(list(command), cwd=ROOT, env={**os.environ, "PYTHONPATH": path})
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:  # the command got it too and decides what to do
            continue


def in_environment() -> bool:
    """Whether this Python is in an active virtual or conda environment."""
    conda = os.environ.get("CONDA_PREFIX")
    return sys.prefix != sys.base_prefix or (conda is not None and Path(conda) == Path(sys.prefix))


def make_venv(folder: Path) -> Path:
    """Return the Python of the virtual environment in ``folder``, which is made when absent or broken."""
    python = _venv_python(folder)
    if _runs(python):
        return python
    if importlib.util.find_spec("ensurepip") is None:
        raise SetupError(
            "this Python has no ensurepip, so it cannot make a virtual environment; on Debian or Ubuntu run "
            "`sudo apt install python3-venv`, elsewhere install Python from python.org."
        )
    if not os.access(folder.parent, os.W_OK):
        raise SetupError(f"the folder {folder.parent} cannot be written; copy the course to a folder of your own.")
    try:
        if folder.exists():
            print(f"The environment in {folder.name} is broken or unfinished; making it again.", flush=True)
            if folder.is_dir() and not folder.is_symlink():
                shutil.rmtree(folder)
            else:
                folder.unlink()
        print(f"Making a virtual environment in {folder.name} …", flush=True)
        venv.create(folder, with_pip=True)
    except (OSError, subprocess.CalledProcessError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise SetupError(f"the virtual environment could not be made ({error}); {_fix(str(error))}") from error
    return python


def _venv_python(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _runs(python: Path) -> bool:
    try:
        return subprocess.run([str(python), "-c", "import pip"], capture_output=True, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def set_up(arguments: argparse.Namespace, *, dev: bool) -> None:
    """Install the requirements into the running environment unless the stamp says that it was done.

    Raises SetupError with the cause and its fix.
    """
    stamp = Path(sys.prefix) / ".dlcourse-setup.json"
    wanted = fingerprint()
    forced = arguments.command == "setup"  # asked for by name: pip looks again, and is quick when all is there
    done = _read(stamp)
    unchanged = done.get("fingerprint") == wanted
    if unchanged and (done.get("dev") or not dev) and not forced:
        return
    _check_disk(arguments.cuda)
    for command in pip_commands(arguments.cuda, arguments.mirror, arguments.wheels, dev=dev):
        _pip(command)
    temporary = stamp.with_suffix(".part")
    temporary.write_text(
        json.dumps({"fingerprint": wanted, "dev": dev or (unchanged and bool(done.get("dev")))}), encoding="utf-8"
    )
    temporary.replace(stamp)


def fingerprint() -> str:
    """Return a hash of what decides the installation: requirements, package metadata, interpreter."""
    digest = hashlib.sha256(f"{sys.version}\n{sys.prefix}\n{ROOT}".encode())
    for name in ("requirements.txt", "pyproject.toml"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def pip_commands(cuda: str | None, mirror: str | None, wheels: str | None, *, dev: bool) -> list[list[str]]:
    """Return the arguments of the pip calls that install the course."""
    source: list[str] = []
    if wheels is not None:
        folder = Path(wheels).expanduser().resolve()
        if not any(folder.glob("*.whl")):
            raise SetupError(f"the folder {wheels} holds no .whl file; see chapter 00 for how to fill one.")
        source = ["--no-index", "--find-links", str(folder)]
    elif mirror is not None:
        source = ["--index-url", mirror]
    commands = []
    if cuda is not None and wheels is None:
        lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
        pair = [line for line in lines if line.startswith(("torch>", "torchvision>"))]
        # pip keeps an installed build of the same version unless it is told to replace it
        commands.append(["install", "--force-reinstall", *pair, "--index-url", TORCH_INDEX + cuda])
    commands.append(["install", *source, "-r", "requirements.txt", *(["-e", ".[dev]"] if dev else [])])
    return commands


def _check_disk(cuda: str | None) -> None:
    default = "cuda" if sys.platform == "linux" else "cpu"  # what PyPI's wheels are
    build = default if cuda is None else "cpu" if cuda == "cpu" else "cuda"
    needed = NEEDED_GB[build]
    free = shutil.disk_usage(sys.prefix).free / 1e9
    installed = importlib.util.find_spec("torch") is not None
    if free < needed and not installed:
        smaller = ", or use `--cuda cpu`, the smallest build" if build == "cuda" else ""
        raise SetupError(
            f"{free:.1f} GB are free where Python installs, and about {needed} GB are needed; free some space{smaller}."
        )


def _pip(command: Sequence[str]) -> None:
    """Run pip so that its progress is seen, and name the cause of a failure from its log."""
    full = [sys.executable, "-m", "pip", *command]
    print("$ python -m pip " + " ".join(command), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "pip.log"
        status = subprocess.call([*full, "--log", str(log), "--disable-pip-version-check"], cwd=ROOT)
        text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    if status != 0:
        raise SetupError(f"pip failed (exit status {status}); {_fix(text)}")


def _fix(text: str) -> str:
    from dlcourse.doctor import explain_error

    found = explain_error(text)
    if found is None:
        return "no known cause matches; run `python -m dlcourse doctor`, and read pip's last lines above."
    return f"likely cause: {found.cause} Fix: {found.fix}"


def _read(path: Path) -> dict[str, object]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
