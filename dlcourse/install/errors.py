"""Known error messages of pip, PyTorch and Jupyter, each with its cause and one fix."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass

from dlcourse.install.gpu import NVIDIA
from dlcourse.install.machine import NEEDED_GB


@dataclass(frozen=True)
class Explanation:
    """The cause of an error message and the one fix for it."""

    cause: str
    fix: str


_MIRROR = "python -m dlcourse setup --mirror https://pypi.tuna.tsinghua.edu.cn/simple"
_FIXES: dict[str, dict[str, str]] = {  # fixes that depend on the system
    "pip": {
        "linux": "On Debian or Ubuntu: sudo apt install python3-venv",
        "": "Install Python again from https://www.python.org/downloads/ with its standard options (pip included).",
    },
    "certificate": {
        "darwin": "Run “Install Certificates.command” in the folder of Python in Applications.",
        "": f"Set the clock; behind a company proxy, name its certificate with PIP_CERT; or use a mirror: {_MIRROR}",
    },
    "permission": {
        "win32": "Close running notebooks, which hold DLLs open, and run the command again (not as administrator).",
        "": "Use a virtual environment in a folder of your own, never sudo: `python -m dlcourse setup` makes one.",
    },
}
_ERRORS: tuple[tuple[str, str, str], ...] = (  # pattern, cause, fix (or a key of _FIXES); the first match counts
    (r"is not a supported wheel on this platform|is not a valid wheel filename|Invalid wheel filename",
     "the wheel's Python, ABI or platform tag does not match this Python.",
     "Run `python -m dlcourse wheels FILE`: it names the tag and the file to download instead."),
    (r"WinError (?:126|1114)\b|Error loading \S*\.dll|VCRUNTIME140",
     "a Windows runtime library (Visual C++ Redistributable) is missing.",
     "Install https://aka.ms/vs/17/release/vc_redist.x64.exe from Microsoft; never fetch DLLs from other sites."),
    (r"Torch not compiled with CUDA enabled",
     "this is a CPU build of PyTorch (PyPI's Windows wheels are CPU builds).",
     "Run: python -m dlcourse setup --cuda cu126 (choose the build that `python -m dlcourse doctor` names)."),
    (r"no kernel image is available|is not compatible with the current PyTorch installation",
     "the PyTorch build has no code for this GPU's architecture.",
     "Run `python -m dlcourse doctor`: it names the build for this GPU."),
    (r"driver on your system is too old|driver version is insufficient",
     "the NVIDIA driver is older than the CUDA version of this PyTorch build.",
     f"Update the driver: {NVIDIA}"),
    (r"torchvision::nms does not exist|Couldn't load custom C\+\+ ops",
     "torch and torchvision do not belong together.",
     "Install both in one command: python -m pip install --upgrade --force-reinstall torch torchvision"),
    (r"OMP: Error #15|libi?omp5?\S* already initialized",
     "two copies of the OpenMP runtime are loaded, usually NumPy from conda and PyTorch from pip.",
     "Make a fresh environment and install everything with pip; KMP_DUPLICATE_LIB_OK only hides wrong results."),
    (r"BrokenPipeError|Broken pipe|DataLoader worker.*exited|freeze_support",
     "DataLoader workers were started where Windows cannot start them (no `if __name__ == \"__main__\"`).",
     "Use num_workers=0; for data in memory it is faster as well."),
    (r"partially initialized module '(?:torch|numpy|random)",
     "a file of your own has the name of a module and hides it.",
     "Run `python -m dlcourse doctor`: it names the file to rename."),
    (r"No module named '?(?:ensurepip|pip\b)|ensurepip is not", "this Python cannot make virtual environments.", "pip"),
    (r"No module named '?(?:torch|numpy|matplotlib|d2l|mlxtend|dlcourse)\b",
     "this is not the Python that the course was installed into (for a notebook: the wrong kernel).",
     "Open the course with: python -m dlcourse lab"),
    (r"externally-managed-environment",
     "the operating system manages this Python and forbids pip to change it.",
     "Use a virtual environment: `python -m dlcourse setup` makes one in .venv."),
    (r"No space left on device|Errno 28\b|WinError 112\b",
     "the disk is full.",
     f"Free about {NEEDED_GB['cpu']} GB (CPU) or {NEEDED_GB['cuda']} GB (CUDA), and empty pip's cache: "
     "python -m pip cache purge"),
    (r"CERTIFICATE_VERIFY_FAILED|SSLError|\[SSL: ", "the secure connection cannot be verified.", "certificate"),
    (r"DO NOT MATCH THE HASHES",
     "a download was damaged on the way.",
     "Run it again with an empty cache: python -m pip cache purge"),
    (r"Windows Long Path|WinError 206\b|filename or extension is too long",
     "the path is longer than Windows allows.",
     "Move the course to a short folder such as C:\\dlcourse, or enable long paths in Windows."),
    (r"timed out|TimeoutError|ConnectTimeout|NewConnectionError|Failed to establish|ProxyError|getaddrinfo failed|"
     r"Name or service not known|Temporary failure in name resolution|Connection (?:reset|aborted|broken)|"
     r"IncompleteRead",
     "the package index cannot be reached, or is too slow.",
     f"Use a mirror: {_MIRROR}; without a network, install from a folder: python -m dlcourse setup --wheels DIR"),
    (r"No matching distribution found|Could not find a version that satisfies",
     "the index has no build for this Python version, bitness or platform.",
     "Use 64-bit Python 3.10 to 3.13; with --wheels or --mirror, check that the named package is there."),
    (r"Permission denied|Errno 13\b|WinError 5\b|Access is denied",
     "a file is in use or the folder may not be written.", "permission"),
)  # fmt: skip


def explain_error(text: str, system: str = sys.platform) -> Explanation | None:
    """Return cause and fix (for ``system``) of the first known error in a message or log; None when nothing matches."""
    for pattern, cause, fix in _ERRORS:
        if re.search(pattern, text, re.I):
            choices = _FIXES.get(fix, {"": fix})
            return Explanation(cause, choices.get(system, choices[""]))
    return None
