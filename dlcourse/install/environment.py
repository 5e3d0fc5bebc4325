"""The environment that the course is installed into: venv, pip, and a stamp that says what was installed.

Only the standard library is used here, because this runs before anything is installed.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib.metadata
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

from dlcourse.install.errors import explain_error
from dlcourse.install.machine import NEEDED_GB, ROOT, TORCH_INDEX, check_c_modules, has_module, writable

STAMP = ".dlcourse-setup.json"  # in the environment: what was installed there
# Settings of pip that make it install elsewhere, or leave out what is needed. Set-up does not follow them.
ASTRAY = ("user", "target", "prefix", "root", "python", "require-virtualenv", "no-deps")


class SetupError(Exception):
    """Set-up cannot go on; the message is one sentence with the fix."""


def run(command: Sequence[str], variables: Mapping[str, str] = os.environ) -> int:
    """Run a Python in the repository, let it have the terminal, and return its exit status.

    Its folder comes first in PATH, so that ``jupyter`` and ``pip`` in there mean the same environment.
    """
    path = os.pathsep.join(filter(None, [str(Path(command[0]).parent), os.environ.get("PATH")]))
    process = subprocess.Popen(list(command), cwd=ROOT, env={**variables, "PATH": path})
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
    _check_python()
    if not has_module("ensurepip"):
        raise SetupError(
            "this Python has no ensurepip, so it cannot make a virtual environment; on Debian or Ubuntu run `sudo apt "
            "install python{}.{}-venv`, elsewhere install Python from python.org.".format(*sys.version_info)
        )
    if not writable(folder.parent):
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
    variables = {**_without_pip(), "PIP_CONFIG_FILE": os.devnull}  # whether pip is there, whatever its settings
    try:
        return subprocess.run([str(python), *arguments], capture_output=True, timeout=60, env=variables).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def is_complete(cuda: str | None = None, dev: bool = False) -> bool:
    """Whether the stamp says that all of this was installed into the running environment."""
    done = _read(Path(sys.prefix) / STAMP)
    return done == _wanted(done, cuda, dev)


def _wanted(done: Mapping[str, object], cuda: str | None, dev: bool) -> dict[str, object]:
    """Return the stamp after set-up: what is asked for now, and what was before and still counts."""
    current = fingerprint()
    dev = dev or (done.get("fingerprint") == current and done.get("dev") is True)
    return {"fingerprint": current, "dev": dev, "cuda": cuda or done.get("cuda")}


def set_up(arguments: argparse.Namespace, *, dev: bool) -> None:
    """Install the requirements into the running environment unless the stamp says that it was done.

    Raises SetupError with the cause and its fix.
    """
    site = Path(sysconfig.get_path("purelib"))
    can_write = writable(site)
    by_name = arguments.command == "setup" and can_write  # pip looks again, and is quick
    if is_complete(arguments.cuda, dev) and not by_name:
        return
    _check_python()
    if not can_write:
        raise SetupError(f"the folder {site} cannot be written; copy the course to a folder of your own.")
    stamp = Path(sys.prefix) / STAMP
    wanted = _wanted(_read(stamp), arguments.cuda, dev)
    _check_disk(arguments.cuda)
    commands = pip_commands(arguments.cuda, arguments.mirror, arguments.wheels, dev=bool(wanted["dev"]))
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
    digest = hashlib.sha256(os.fsencode(f"{sys.version}\n{sys.prefix}\n{ROOT}"))
    digest.update((ROOT / "requirements.txt").read_bytes())
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for section in re.split(r"^(?=\[)", project, flags=re.M):  # settings of pytest, ruff and mypy install nothing
        if section.startswith(("[build-system]", "[project", "[tool.setuptools")):
            digest.update(section.encode())
    return digest.hexdigest()


def pip_commands(cuda: str | None, mirror: str | None, wheels: str | None, *, dev: bool) -> list[list[str]]:
    """Return the arguments of the pip calls that install the course.

    A mirror of PyTorch's index has a folder ``whl`` or ``pytorch-wheels`` and serves ``cuda``; others mirror PyPI.
    """
    torch_index = None
    if mirror is not None and re.search(r"/(whl|pytorch-wheels)(/|$)", mirror):
        torch_index = mirror.rstrip("/") + "/"
    if torch_index and cuda is None and wheels is None:
        raise SetupError(f"{mirror} is an index of PyTorch's builds; name the build as well, for example --cuda cu126.")
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
        index = (torch_index or TORCH_INDEX).removesuffix(f"{cuda}/")
        pair += ["--index-url", index + cuda]
        if _installed_build() not in (None, cuda):  # pip keeps another build of the same version unless forced
            commands.append(["install", "--force-reinstall", "--no-deps", *pair])
        commands.append(["install", *pair])
    pypi = ["--index-url", mirror] if mirror and not torch_index else []
    commands.append(["install", *pypi, *course])
    return commands


def _installed_build() -> str | None:
    """Return torch's build, such as ``cu126``: "" when its version does not say, None when there is no torch."""
    try:
        return importlib.metadata.version("torch").partition("+")[2]
    except importlib.metadata.PackageNotFoundError:
        return None


def _check_python() -> None:
    lacks = check_c_modules()
    if lacks.fix:
        raise SetupError(f"{lacks.found}. {lacks.fix}")


def _check_disk(cuda: str | None) -> None:
    default = "cuda" if sys.platform == "linux" else "cpu"  # what PyPI's wheels are
    build = default if cuda is None else "cpu" if cuda == "cpu" else "cuda"
    needed = NEEDED_GB[build]
    free = shutil.disk_usage(sys.prefix).free / 1e9
    installed = has_module("torch")
    if free < needed and not installed:
        smaller = ", or use `--cuda cpu`, the smallest build" if build == "cuda" else ""
        raise SetupError(
            f"{free:.1f} GB are free where Python installs, and about {needed} GB are needed; free some space{smaller}."
        )


def _pip(command: Sequence[str]) -> None:
    """Run pip so that its progress is seen, and name the cause of a failure from its log."""
    print("$ python -m pip " + " ".join(f'"{w}"' if set(w) & set(" <>[") else w for w in command), flush=True)
    settings = pip_settings()
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "pip.log"
        options = ["--log", str(log), "--disable-pip-version-check"]
        status = run([sys.executable, "-m", "pip", *command, *options], pip_variables(settings))
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
    cause = unreachable(text, command, settings) or explain(complaints, text)
    raise SetupError(f"pip failed (exit status {status}); {cause}")


def explain(*texts: str) -> str:
    """Say what a failure of set-up comes from, and how to mend it: not by the same set-up again."""
    found = next(filter(None, map(explain_error, texts)), None)
    if found is None:
        return "no known cause matches; run `python -m dlcourse doctor`, and read pip's last lines above."
    again = "dlcourse setup` makes" in found.fix
    fix = "Copy the course to a folder of your own and run the command there, never with sudo." if again else found.fix
    return f"likely cause: {found.cause} Fix: {fix}"


Settings = dict[str, tuple[str, str]]  # name: value, and the variable or file that sets it


def pip_settings() -> Settings:
    """Return pip's settings with where each comes from, as far as they concern ``pip install``.

    Raises SetupError when pip cannot read one of its files.
    """
    kinds = ("global", "user", "site", "env")  # a later one overrides an earlier one, and [install] all of [global]
    file = os.environ.get("PIP_CONFIG_FILE")
    variables = {**_without_pip(), "PIP_USER": "0"} | ({"PIP_CONFIG_FILE": file} if file else {})  # user: only one file
    try:
        asked = [sys.executable, "-X", "utf8", "-m", "pip", "config", "debug"]
        answer = subprocess.run(asked, capture_output=True, timeout=60, env=variables)
    except (OSError, subprocess.TimeoutExpired):
        return _pip_variables_set()
    text, errors = (stream.decode("utf-8", "replace") for stream in (answer.stdout, answer.stderr))
    broken = re.search(r"\S[^\n']*pip\.(?:conf|ini)|onfiguration file", errors)
    if answer.returncode and broken:
        raise SetupError(f"pip cannot read its own settings ({' '.join(errors.split())}); correct or rename this file.")
    kind = ""
    rows: list[tuple[str, int, str, str, str]] = []
    for line in text.splitlines():
        if heading := re.fullmatch(r"(\w+):", line):
            kind = heading[1]
        elif path := re.match(r"  (\S.*), exists: ", line):
            file = path[1]
        elif kind in kinds and file and (entry := re.match(r"    ([\w-]+)\.([\w-]+): (.*)", line)):
            rows.append((entry[1], kinds.index(kind), entry[2], entry[3], file))
        elif kind in kinds and file and rows and line:  # a value of several lines
            rows[-1] = (*rows[-1][:3], f"{rows[-1][3]} {line.strip()}", file)
    found = {name: (value, file) for section, _, name, value, file in sorted(rows) if section in ("global", "install")}
    return found | _pip_variables_set()


def _pip_variables_set() -> Settings:
    names = [name for name, value in os.environ.items() if name.startswith("PIP_") and value]
    return {name[4:].lower().replace("_", "-"): (os.environ[name], name) for name in names}


def _without_pip() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}


def pip_variables(settings: Settings) -> dict[str, str]:
    """Return the variables for a pip that follows these settings, files included, except for those in ASTRAY."""
    kept = {name: value for name, (value, _) in settings.items() if name not in ASTRAY}
    named = {f"PIP_{name.upper().replace('-', '_')}": value for name, value in kept.items()}
    return {**_without_pip(), **named, "PIP_CONFIG_FILE": os.devnull, "PYTHONUTF8": "1"}


_PROXY = r"SOCKS|407 Proxy|ProxyError|connect to proxy|proxy connection error|Tunnel connection failed|proxy URL"
_LAST = r"No matching distribution|Could not find a version|HTTPS?Connection|HTTP error|CA certificate"


def unreachable(log: str, command: Sequence[str], settings: Settings) -> str:
    """Name the proxy, index or certificate because of which pip failed, and what sets it; "" when none is to blame."""
    last = "\n".join(line for line in log.splitlines() if "ERROR: " in line)
    if not re.search(f"{_LAST}|{_PROXY}", last, re.I):
        return ""
    if bundle := re.search(r"CA certificate bundle, invalid path: (\S+)", log):
        named = {source: value for value, source in settings.values()} | dict(os.environ)
        source = next((name for name, value in named.items() if value == bundle[1]), "a setting")
        return f"the file of certificates {bundle[1]}, set by {source}, is not there; correct or remove {source}."
    if re.search(_PROXY, log, re.I):
        value, source = _proxy("http" if re.search("HTTPConnectionPool|fetch URL http:", log) else "https", settings)
        said = {
            "SOCKS": "is a SOCKS proxy, which this pip cannot use",
            "407 Proxy": "asks for user name and password",
        }
        what = next((text for word, text in said.items() if word in log), "cannot be reached")
        return f"the proxy {_public(value)}, set by {source}, {what}; correct it, or remove it from {source}."
    if settings.get("no-index", ("", ""))[0].lower() in ("1", "true", "yes", "on"):
        return f"{settings['no-index'][1]} forbids pip every index (no-index); remove it, or use --wheels DIR."
    indexes = [settings.get(name, ("", "")) for name in ("index-url", "extra-index-url")]
    if "--index-url" in command:
        url = command[command.index("--index-url") + 1]
        indexes[0] = (url, "--cuda" if url.startswith(TORCH_INDEX) else "--mirror")
    for url, source in [(url, source) for value, source in indexes for url in value.split()]:
        host = re.escape(re.sub(r"^\w+://(?:[^/@]*@)?|[:/].*", "", url))
        lost = re.search(rf"ConnectionPool\(host='{host}'|Could not fetch URL \S+{host}\S+ connection error", log)
        if lost or re.search(rf"HTTP error \d+ while getting \S+{host}|(?:Client|Server) Error.* url: \S+{host}", log):
            fix = {
                "--cuda": "leave --cuda out for PyPI's build, or name a mirror of it: --mirror https://HOST/…/whl",
                "--mirror": "correct the address or try another one; without --mirror, PyPI is used",
            }.get(source, f"correct it in {source}, or remove it to use PyPI")
            return f"the index {_public(url)}, set by {source}, {'cannot be reached' if lost else 'refuses'}; {fix}."
    return ""


def _proxy(scheme: str, settings: Settings) -> tuple[str, str]:
    """Return the proxy that pip uses for ``https`` or ``http`` and what sets it."""
    if "proxy" in settings:
        return settings["proxy"]
    for name in (f"{scheme}_proxy", f"{scheme}_proxy".upper(), "all_proxy", "ALL_PROXY"):
        if os.environ.get(name):
            return os.environ[name], name
    return urllib.request.getproxies().get(scheme, "of this machine"), "the system's network settings"


def _public(url: str) -> str:
    """Return a URL without user name and password."""
    return re.sub(r"(^|//)[^/@]*@", r"\1", url)


def _read(path: Path) -> dict[str, object]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
