"""The environment that the course is installed into: venv, pip, and a stamp that says what was installed.

Only the standard library is used here, because this runs before anything is installed.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from dlcourse.install.errors import explain_error
from dlcourse.install.machine import NEEDED_GB, ROOT, TORCH_INDEX

STAMP = ".dlcourse-setup.json"  # in the environment: what was installed there


class SetupError(Exception):
    """Set-up cannot go on; the message is one sentence with the fix."""


def run(command: Sequence[str]) -> int:
    """Run a Python in the repository, let it have the terminal, and return its exit status.

    Its folder comes first in PATH, so that ``jupyter`` and ``pip`` in there mean the same environment.
    """
    path = os.pathsep.join(filter(None, [str(Path(command[0]).parent), os.environ.get("PATH")]))
    process = subprocess.Popen(list(command), cwd=ROOT, env={**os.environ, "PATH": path})
    before = signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    try:
        while True:
            try:
                status = process.wait()
                return 128 - status if status < 0 else status  # ended by a signal: the number that a shell reports
            except KeyboardInterrupt:  # the command got it too and decides what to do
                continue
    finally:
        signal.signal(signal.SIGTERM, before)


def make_venv(folder: Path) -> Path:
    """Return the Python of the virtual environment in ``folder``, which is made when absent or broken."""
    python = venv_python(folder)
    if works(python) and ((folder / STAMP).exists() or _has_pip(python)):
        return python
    if importlib.util.find_spec("ensurepip") is None:
        raise SetupError(
            "this Python has no ensurepip, so it cannot make a virtual environment; on Debian or Ubuntu run `sudo apt "
            "install python{}.{}-venv`, elsewhere install Python from python.org.".format(*sys.version_info)
        )
    if not os.access(folder.parent, os.W_OK):
        raise SetupError(f"the folder {folder.parent} cannot be written; copy the course to a folder of your own.")
    import venv

    try:
        if folder.exists() or folder.is_symlink():
            print(f"The environment in {folder.name} is broken or unfinished; making it again.", flush=True)
            if folder.is_dir() and not folder.is_symlink():
                shutil.rmtree(folder)
            else:
                folder.unlink()
        print(f"Making a virtual environment in {folder.name} …", flush=True)
        venv.create(folder, with_pip=True, symlinks=os.name != "nt", prompt="dlcourse")
    except (OSError, subprocess.CalledProcessError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise SetupError(f"the virtual environment could not be made ({error}); {explain(str(error))}") from error
    return python


def venv_python(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def works(python: Path) -> bool:
    """Whether this is the Python of a virtual environment and works."""
    return _succeeds(python, "-c", "import sys; sys.exit(sys.prefix == sys.base_prefix)")


def _has_pip(python: Path) -> bool:
    """Whether pip works; an environment without it (from ``uv venv``) or with a part of it is given one."""
    version = ("-m", "pip", "--version")
    return _succeeds(python, *version) or (_succeeds(python, "-m", "ensurepip") and _succeeds(python, *version))


def _succeeds(python: Path, *arguments: str) -> bool:
    try:
        return subprocess.run([str(python), *arguments], capture_output=True, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def set_up(arguments: argparse.Namespace, *, dev: bool) -> None:
    """Install the requirements into the running environment unless the stamp says that it was done.

    Raises SetupError with the cause and its fix.
    """
    stamp = Path(sys.prefix) / STAMP
    done, current = _read(stamp), fingerprint()
    dev = dev or (done.get("fingerprint") == current and done.get("dev") is True)
    wanted = {"fingerprint": current, "dev": dev, "cuda": arguments.cuda or done.get("cuda")}
    if done == wanted and arguments.command != "setup":  # asked for by name: pip looks again, and is quick
        return
    _check_disk(arguments.cuda)
    commands = pip_commands(arguments.cuda, arguments.mirror, arguments.wheels, dev=dev)
    if not _has_pip(Path(sys.executable)):
        raise SetupError("this environment has no pip; add it, for example with `uv pip install pip`.")
    for command in commands:
        _pip(command)
    temporary = stamp.with_suffix(".part")
    with contextlib.suppress(OSError):  # complete, but not ours to write: pip will look again each time
        temporary.write_text(json.dumps(wanted), encoding="utf-8")
        temporary.replace(stamp)


def fingerprint() -> str:
    """Return a hash of what decides the installation: requirements, package metadata, interpreter."""
    digest = hashlib.sha256(f"{sys.version}\n{sys.prefix}\n{ROOT}".encode())
    digest.update((ROOT / "requirements.txt").read_bytes())
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for section in re.split(r"^(?=\[)", project, flags=re.M):  # settings of pytest, ruff and mypy install nothing
        if section.startswith(("[build-system]", "[project", "[tool.setuptools")):
            digest.update(section.encode())
    return digest.hexdigest()


def pip_commands(cuda: str | None, mirror: str | None, wheels: str | None, *, dev: bool) -> list[list[str]]:
    """Return the arguments of the pip calls that install the course."""
    course = ["-r", "requirements.txt", *(["-e", ".[dev]"] if dev else [])]
    if wheels is not None:
        folder = Path(wheels).expanduser().resolve()
        if not any(folder.glob("*.whl")):
            raise SetupError(f"the folder {wheels} holds no .whl file; see chapter 00 for how to fill one.")
        offline = ["install", "--no-index", "--find-links", str(folder)]
        # The course's own package is built with the setuptools that is installed here or lies in the folder.
        return [[*offline, "setuptools>=77"], [*offline, "--no-build-isolation", *course]]
    commands = []
    if cuda is not None:
        lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
        pair = [line for line in lines if line.startswith(("torch>", "torchvision>"))]
        pair += ["--index-url", TORCH_INDEX + cuda]
        if _installed_build() not in (None, cuda):  # pip keeps another build of the same version unless forced
            commands.append(["install", "--force-reinstall", "--no-deps", *pair])
        commands.append(["install", *pair])
    commands.append(["install", *(["--index-url", mirror] if mirror else []), *course])
    return commands


def _installed_build() -> str | None:
    """Return torch's build, such as ``cu126``: "" when its version does not say, None when there is no torch."""
    try:
        return importlib.metadata.version("torch").partition("+")[2]
    except importlib.metadata.PackageNotFoundError:
        return None


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
    print("$ python -m pip " + " ".join(f'"{w}"' if set(w) & set(" <>[") else w for w in command), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "pip.log"
        status = run([sys.executable, "-m", "pip", *command, "--log", str(log), "--disable-pip-version-check"])
        text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    if status == 0:
        return
    if status in (130, 143) or "Operation cancelled by user" in text:
        raise KeyboardInterrupt
    missing = re.search(r"No matching distribution found for ([^\s(]+)", text)
    if missing and "--no-index" in command:
        raise SetupError(
            f"the folder of wheels holds no {missing[1]} that fits this Python; add its wheel "
            "(`python -m dlcourse wheels DIR` explains the ones that are there)."
        )
    # The log also names every file that pip touches, so the lines that complain come first.
    complaints = "\n".join(line for line in text.splitlines() if re.search(r"\b(error|warning)\b", line, re.I))
    raise SetupError(f"pip failed (exit status {status}); {explain(complaints, text)}")


def explain(*texts: str) -> str:
    found = next(filter(None, map(explain_error, texts)), None)
    if found is None:
        return "no known cause matches; run `python -m dlcourse doctor`, and read pip's last lines above."
    return f"likely cause: {found.cause} Fix: {found.fix}"


def _read(path: Path) -> dict[str, object]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
