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


_SETUP = "python -m dlcourse setup"
_MIRROR = f"{_SETUP} --mirror https://pypi.tuna.tsinghua.edu.cn/simple"
_OTHER_MIRROR = f"{_SETUP} --mirror https://mirrors.aliyun.com/pypi/simple"
_DOCTOR = "Run `python -m dlcourse doctor`: it names"
# Modules of requirements.txt and of Jupyter.
_MODULES = (
    "torch|torchvision|numpy|scipy|scikit-learn|sklearn|optuna|sqlalchemy|matplotlib|tqdm|requests|pooch|packaging|mlxtend|"
    "d2l|sacrebleu|onnx|onnxruntime|onnxscript|"
    "jupyter\\w*|notebook|ipykernel\\w*|ipywidgets|IPython|nbval|dlcourse"
)
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
    "memory": {
        "win32": "Shut down other notebooks' kernels and programs, then use a smaller batch_size; if Windows limits "
        "the page file, let it manage the size (View advanced system settings, Performance, Virtual memory).",
        "": "Shut down other notebooks' kernels and programs, then use a smaller batch_size.",
    },
    "c modules": {
        "linux": "Use the system's Python (apt install python3-venv), or install liblzma-dev libbz2-dev libffi-dev "
        "libssl-dev libsqlite3-dev and build Python again.",
        "darwin": "Install Python from https://www.python.org/downloads/, or `brew install xz` and build Python again.",
        "": "Install Python again from https://www.python.org/downloads/.",
    },
    "python": {
        "win32": "Install 64-bit Python 3.13 from https://www.python.org/downloads/ and tick “Add python.exe to PATH”.",
        "": "Write python3 in place of python, or install Python 3.13 from https://www.python.org/downloads/.",
    },
}
# Pattern, cause, fix (or a key of _FIXES); the first match counts, so what is more exact, or the first of several
# failures that follow from each other, stands higher.
_ERRORS: tuple[tuple[str, str, str], ...] = (
    # files
    (r"is not a supported wheel on this platform|is not a valid wheel filename|Invalid wheel filename",
     "the wheel's Python, ABI or platform tag does not match this Python.",
     "Run `python -m dlcourse wheels FILE`: it names the tag and the file to download instead."),
    (r"PytorchStreamReader failed|invalid load key|pickle data was truncated|Ran out of input",
     "a saved model or data file is incomplete, or is no such file.",
     "Delete the file, and train or download again."),
    (r"BadZipFile|not a zip ?file|Bad CRC-32|Wheel '.+' located at .+ is invalid|has an invalid wheel|"
     r"DO NOT MATCH THE HASHES|zlib\.error|EOFError: Compressed file ended",
     "a downloaded file was damaged on the way.",
     "Run it again with an empty cache: python -m pip cache purge (for a wheel file of your own: download it again)."),
    (r"No space left on device|Errno 28\b|WinError 112\b|Disk quota exceeded|database or disk is full",
     "the disk is full.",
     f"Free about {NEEDED_GB['cpu']} GB (CPU) or {NEEDED_GB['cuda']} GB (CUDA), and empty pip's cache: "
     "python -m pip cache purge"),
    # memory
    (r"WinError 1455\b|paging file is too small|页面文件太小",
     "the memory that Windows may use (RAM and page file) is used up.",
     "Shut down other notebooks' kernels and programs and use num_workers=0; if it stays, let Windows manage the page "
     "file's size (View advanced system settings, Performance, Virtual memory)."),
    (r"(?:CUDA|MPS|HIP)(?: error:| backend)? out of memory|CUBLAS_STATUS_ALLOC_FAILED|OutOfMemoryError",
     "the GPU's memory is used up, perhaps by another notebook's kernel.",
     "Shut down other notebooks' kernels, then use a smaller batch_size."),
    (r"out of shared memory|DataLoader worker.*killed by signal: Bus error",
     "DataLoader workers have used up the shared memory.",
     "Use num_workers=0; for data in memory it is faster as well."),
    (r"pip[/\\]_(?:vendor|internal)\b(?s:.*)\bMemoryError",
     "pip keeps a large wheel in memory for its cache, and the memory is used up.",
     "Close other programs, and run it again without the cache: set PIP_NO_CACHE_DIR=1"),
    (r"DefaultCPUAllocator|\bMemoryError\b|Unable to allocate .* for an array|Cannot allocate memory|Errno 12\b|"
     r"std::bad_alloc|WinError 8\b|killed by signal: Killed|(?m:^Killed\s*$)",
     "the computer's memory is used up.", "memory"),
    # libraries of the system
    (r"GLIBCXX_[0-9.]+\W+ not found|CXXABI_[0-9.]+\W+ not found",
     "an older C++ library (libstdc++) is loaded than a package needs, often the system's in place of conda's.",
     "In a conda environment: conda install -c conda-forge libstdcxx-ng; elsewhere: unset LD_LIBRARY_PATH, and make a "
     f"fresh environment with `{_SETUP}`."),
    (r"GLIBC_[0-9.]+\W+ not found",
     "this Linux is older than the package: its C library (glibc) lacks a version.",
     "Update the system: PyTorch needs glibc 2.28 (Debian 10, Ubuntu 20.04, RHEL 8) or newer."),
    (r"undefined symbol: iJIT_NotifyEvent",
     "conda's MKL is newer than its PyTorch allows.",
     "Make a fresh environment and install everything with pip."),
    (r"undefined symbol: \S*nvJitLink|undefined symbol: \S+,? version lib(?:cu|nv)|"
     r"lib(?:cu|nv)\w+\.so\S*: undefined symbol",
     "CUDA libraries of another installation are loaded in place of those that came with PyTorch.",
     "Start again without the variable that names them: unset LD_LIBRARY_PATH"),
    (r"lib(?:cu|nv|nccl)\w*\.so\S*: cannot open shared object|Could not load library lib(?:cu|nv)",
     "a part of PyTorch's CUDA packages is missing.",
     "Install it again with all that it needs: python -m pip install --force-reinstall torch torchvision"),
    (r"torchvision::nms does not exist|Couldn't load custom C\+\+ ops|undefined symbol: _ZN\w*(?:c10|at|torch)",
     "torch and torchvision do not belong together.",
     "Install both in one command, from the index of your build (the doctor names it, else cpu): python -m "
     "pip install --force-reinstall torch torchvision --index-url https://download.pytorch.org/whl/BUILD"),
    (r"WinError 193\b|is not a valid Win32 application",
     "32-bit and 64-bit programs are mixed.",
     "Install 64-bit Python from https://www.python.org/downloads/ and make a fresh environment."),
    (r"WinError 127\b",
     "DLLs of different versions of PyTorch or CUDA are mixed.",
     f"Make a fresh environment: delete .venv, then run `{_SETUP}`."),
    (r"WinError (?:126|1114)\b|Error loading .*\.dll|VCRUNTIME140|DLL load failed",
     "a Windows runtime library (Visual C++ Redistributable) is missing.",
     "Install https://aka.ms/vs/17/release/vc_redist.x64.exe from Microsoft; never fetch DLLs from other sites."),
    (r"OMP: Error #15|libi?omp5?\S* already initialized",
     "two copies of the OpenMP runtime are loaded, usually NumPy from conda and PyTorch from pip.",
     "Make a fresh environment and install everything with pip; KMP_DUPLICATE_LIB_OK only hides wrong results."),
    (r"compiled using NumPy 1\.x cannot|numpy\.core\.multiarray failed to import|_ARRAY_API not found|"
     r"numpy\.dtype size changed|Numpy is not available",
     "NumPy and a package that was compiled for another NumPy do not belong together.",
     f"Make a fresh environment: delete .venv, then run `{_SETUP}`."),
    # the graphics card
    (r"Torch not compiled with CUDA enabled",
     "this is a CPU build of PyTorch (PyPI's Windows wheels are CPU builds).",
     f"{_DOCTOR} the build for this GPU and the command for it."),
    (r"no kernel image is available|is not compatible with the current PyTorch installation",
     "the PyTorch build has no code for this GPU's architecture.",
     f"{_DOCTOR} the build for this GPU."),
    (r"driver on your system is too old|driver version is insufficient",
     "the NVIDIA driver is older than the CUDA version of this PyTorch build.",
     f"{_DOCTOR} the driver to update to ({NVIDIA}), or the build that fits an old GPU."),
    (r"Driver/library version mismatch|system has unsupported display driver|forward compatibility was attempted|"
     r"CUDA unknown error|CUDA error: unknown error",
     "the NVIDIA driver was updated, or lost the GPU in standby, and must start anew.",
     "Restart the computer (in WSL: run `wsl --shutdown` in Windows)."),
    (r"deserialize object on a CUDA device",
     "the file was saved on a GPU, and PyTorch finds none here.",
     "Load it with torch.load(path, map_location=\"cpu\", weights_only=True)."),
    (r"Found no NVIDIA driver|no CUDA-capable device|No CUDA GPUs are available|CUDA driver initialization failed",
     "the code asks for CUDA, and there is no NVIDIA GPU with a working driver.",
     f"Take the device from dlcourse.runtime.device(), which falls back to the CPU. With such a GPU: "
     f"{_DOCTOR[0].lower()}{_DOCTOR[1:]} what is wrong."),
    (r"device-side assert triggered",
     "an index or a label is outside of its range, which CUDA reports late.",
     "Run the cell on the CPU to see the true line; labels go from 0 to the number of classes minus one."),
    # Python and Jupyter
    (r"BrokenPipeError|Broken pipe|DataLoader worker.*exited|freeze_support",
     "DataLoader workers were started where Windows cannot start them (no `if __name__ == \"__main__\"`).",
     "Use num_workers=0; for data in memory it is faster as well."),
    (r"partially initialized module '(?:torch|numpy|random)",
     "a file of your own has the name of a module and hides it.",
     f"{_DOCTOR} the file to rename."),
    (r"No module named '?_(?:lzma|bz2|ctypes|ssl|sqlite3|zlib)\b|Could not import the lzma module|"
     r"SSL module is not available",
     "this Python was built without a C module that the course needs.", "c modules"),
    (r"No module named '?(?:ensurepip|pip\b)|ensurepip is not", "this Python cannot make virtual environments.", "pip"),
    (r"No module named '(?:torch|numpy)\._?\w+",
     "the package is not completely installed, or a folder or file of your own hides it.",
     f"{_DOCTOR} which."),
    (rf"No module named '?(?:{_MODULES})(?:\.\w+)*(?:'|\s|$)",
     "this is not the Python that the course was installed into (for a notebook: the wrong kernel).",
     "Open the course with: python -m dlcourse lab"),
    (r"NoSuchKernel|No such kernel|Native kernel \(\w+\) is not available",
     "Jupyter does not know the kernel that the notebook names.",
     "Open the course with: python -m dlcourse lab, and choose the kernel “Python 3 (ipykernel)”."),
    (r"jupyter\S*\W{1,3}(?:command )?(?:not found|is not recognized)|Jupyter command .* not found",
     "the terminal is not in the environment that Jupyter was installed into.",
     "Open the course with: python -m dlcourse lab"),
    (r"python[0-9.]*\W{1,3}(?:command )?(?:was )?(?:not found|is not recognized)", "the terminal finds no Python.",
     "python"),
    (r"IProgress not found", "the package for Jupyter's progress bars is missing.",
     "Run: python -m pip install --upgrade ipywidgets, then restart the kernel."),
    (r"Unicode(?:Decode|Encode)Error",
     "text is read or written in the system's own encoding, which lacks some of its characters.",
     "Open files with encoding=\"utf-8\", or set PYTHONUTF8=1 before starting Python."),
    # pip
    (r"externally-managed-environment",
     "the operating system manages this Python and forbids pip to change it.",
     f"Use a virtual environment: `{_SETUP}` makes one in .venv."),
    (r"Can ?not perform a '--user' install",
     "pip is told to install for the user, which a virtual environment refuses.",
     "Remove that setting: unset PIP_USER, or python -m pip config unset global.user"),
    (r"no RECORD file was found|distutils installed project",
     "conda or the system installed a package, so pip cannot replace it.",
     "Make a fresh environment and install everything with pip."),
    (r"Windows Long Path|WinError 206\b|filename or extension is too long",
     "the path is longer than Windows allows.",
     "Move the course to a short folder such as C:\\dlcourse, or enable long paths in Windows."),
    # the network
    (r"CERTIFICATE_VERIFY_FAILED|SSLError|\[SSL: ", "the secure connection cannot be verified.", "certificate"),
    (r"HTTP error 407|407 Client Error|407 Proxy Authentication|Cannot connect to proxy|Unable to connect to proxy|"
     r"ProxyError",
     "the proxy cannot be reached, or refuses.",
     "Correct or remove the proxy: variables HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, and `python -m pip config list`."),
    (r"HTTP error 404|404 Client Error",
     "the package index answers that there is no such page (HTTP 404).",
     f"Check the address of the mirror (it ends in /simple), or use another: {_OTHER_MIRROR}"),
    (r"HTTP error [45][0-9][0-9]|[45][0-9][0-9] (?:Client|Server) Error|too many 5[0-9][0-9] error responses",
     "the package index refuses to answer (HTTP error), as mirrors do when they are overloaded or block pip.",
     f"Use another mirror, or none: {_OTHER_MIRROR}"),
    (r"timed out|TimeoutError|ConnectTimeout|NewConnectionError|Failed to establish|getaddrinfo failed|"
     r"Name or service not known|Temporary failure in name resolution|Connection (?:reset|aborted|broken|refused)|"
     r"IncompleteRead|nodename nor servname|Network is unreachable|RemoteDisconnected|incomplete-download",
     "the package index cannot be reached, or is too slow.",
     f"Use a mirror: {_MIRROR}; without a network, install from a folder: python -m dlcourse setup --wheels DIR"),
    (r"ResolutionImpossible|conflicting dependencies",
     "packages ask for versions of each other that cannot be installed together.",
     f"Make a fresh environment: delete .venv, then run `{_SETUP}`."),
    (r"No matching distribution found|Could not find a version that satisfies|requires a different Python",
     "the index has no build for this Python version, bitness or platform.",
     "Use 64-bit Python 3.10 to 3.13; with --wheels or --mirror, check that the named package is there."),
    (r"Failed (?:building wheel|to build)|metadata-generation-failed|Visual C\+\+ 14\.0 or greater is required|"
     r"Python\.h: No such file|Unknown compiler",
     "pip found no wheel for this Python and tried to compile the package.",
     "Use 64-bit Python 3.10 to 3.13, for which there are wheels."),
    (r"Permission denied|Errno 13\b|WinError (?:5|32)\b|Access is denied|Read-only file system",
     "a file is in use or the folder may not be written.", "permission"),
    (r"DeadKernelError|Kernel died|kernel appears to have died",
     "the notebook's Python crashed: its memory was used up, or a library is broken.",
     f"{_DOCTOR} a broken library; if all is well there, use a smaller batch_size."),
)  # fmt: skip


def explain_error(text: str, system: str = sys.platform) -> Explanation | None:
    """Return cause and fix (for ``system``) of the first known error in a message or log; None when nothing matches."""
    for pattern, cause, fix in _ERRORS:
        if re.search(pattern, text, re.I):
            choices = _FIXES.get(fix, {"": fix})
            return Explanation(cause, choices.get(system, choices[""]))
    return None
