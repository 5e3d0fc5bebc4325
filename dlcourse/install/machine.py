"""What the other files of this room share: where the course is, which Python this is, and how a check reports."""

from __future__ import annotations

import importlib
import importlib.util
import os
import shutil
import sys
import sysconfig
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
NEEDED_GB = {"cpu": 3, "cuda": 9}
TORCH_INDEX = "https://download.pytorch.org/whl/"
WINDOWS, MAC = sys.platform == "win32", sys.platform == "darwin"
# Parts of Python in C that are left out when a system library is missing while Python is built. For each, the package
# on Debian and Ubuntu, on Fedora, and in Homebrew.
C_MODULES = {
    "_bz2": ("libbz2-dev", "bzip2-devel", "bzip2"),
    "_ctypes": ("libffi-dev", "libffi-devel", "libffi"),
    "_lzma": ("liblzma-dev", "xz-devel", "xz"),
    "_sqlite3": ("libsqlite3-dev", "sqlite-devel", "sqlite"),
    "_ssl": ("libssl-dev", "openssl-devel", "openssl@3"),
    "zlib": ("zlib1g-dev", "zlib-devel", "zlib"),
}


@dataclass(frozen=True)
class Result:
    """The outcome of one check. ``status`` is ok, warn, fail or skip; ``fix`` is empty when nothing is to be done."""

    name: str
    status: str
    found: str
    fix: str = ""


def in_environment() -> bool:
    """Whether this Python is in an active virtual or conda environment."""
    conda = os.environ.get("CONDA_PREFIX")
    return sys.prefix != sys.base_prefix or (conda is not None and Path(conda) == Path(sys.prefix))


def is_ours() -> bool:
    """Whether this Python is that of the course's own environment, ``.venv``."""
    return (ROOT / ".venv").exists() and (ROOT / ".venv").samefile(sys.prefix)


def writable(folder: Path) -> bool:
    """Whether a file can be made in a folder. It is tried, because access rights say little on Windows."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def can_install() -> bool:
    """Whether this Python is in an environment that packages can be installed into."""
    return in_environment() and writable(Path(sysconfig.get_path("purelib")))


def has_module(name: str) -> bool:
    """Whether a module is installed; a mere folder of this name is none."""
    spec = importlib.util.find_spec(name)
    return spec is not None and spec.origin is not None


def check_c_modules() -> Result:
    """Whether this Python has the parts in C that the course's packages import."""
    missing = []
    for module in C_MODULES:
        try:
            importlib.import_module(module)
        except ImportError:
            missing.append(module)
    name, version = "Python's C modules", sys.version.split()[0]
    if not missing:
        return Result(name, "ok", ", ".join(C_MODULES))
    packages = zip(*[C_MODULES[module] for module in missing], strict=True)
    debian, fedora, brew = map(" ".join, packages)
    fix = (
        f"Install {debian} (apt on Debian and Ubuntu), {fedora} (dnf on Fedora) or {brew} (brew on macOS), then build "
        f"this Python again (with pyenv: pyenv install --force {version}); or use the Python of python.org or of conda."
    )
    return Result(name, "fail", f"this Python was built without {', '.join(missing)}", fix)


def this_python() -> str:
    """Return what starts this very Python in a terminal that is open in the course's folder."""
    word, path = "python" if WINDOWS else "python3", Path(sys.executable)
    found = shutil.which(word)
    if found is not None and Path(found).parent == path.parent:
        return word
    text = str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)
    return f'"{text}"' if " " in text else text


def install(build: str = "") -> str:
    """Return the command that installs the course, or replaces PyTorch by a build such as ``cu126`` or ``cpu``."""
    mirror = os.environ.get("PIP_INDEX_URL")
    if not can_install():
        options = (f" --cuda {build}" if build else "") + (f" --mirror {mirror}" if mirror else "")
        return f"{this_python()} -m dlcourse setup{options}"
    pip = f"{this_python()} -m pip install"
    if build:  # without --force-reinstall, pip keeps a build of the same version
        return f"{pip} --force-reinstall torch torchvision --index-url {TORCH_INDEX}{build}"
    return f"{pip} -r requirements.txt" + (f" --index-url {mirror}" if mirror else "")
