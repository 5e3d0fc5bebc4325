"""What the other files of this room share: where the course is, which Python this is, and how a check reports."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
NEEDED_GB = {"cpu": 3, "cuda": 9}
TORCH_INDEX = "https://download.pytorch.org/whl/"
WINDOWS, MAC = sys.platform == "win32", sys.platform == "darwin"


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
    mirror = os.environ.get("DLCOURSE_INDEX") or os.environ.get("PIP_INDEX_URL")
    if not in_environment():
        options = (f" --cuda {build}" if build else "") + (f" --mirror {mirror}" if mirror else "")
        return f"{this_python()} -m dlcourse setup{options}"
    pip = f"{this_python()} -m pip install"
    if build:  # without --force-reinstall, pip keeps a build of the same version
        return f"{pip} --force-reinstall torch torchvision --index-url {TORCH_INDEX}{build}"
    return f"{pip} -r requirements.txt" + (f" --index-url {mirror}" if mirror else "")
