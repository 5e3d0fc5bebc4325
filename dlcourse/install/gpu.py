"""The graphics card: which driver and which CUDA build of PyTorch it needs, from recorded or live output."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dlcourse.install.machine import Result, install

NVIDIA = "https://www.nvidia.com/drivers"
Capability = tuple[int, int]


@dataclass(frozen=True)
class Build:
    """A CUDA build of PyTorch: CUDA version, oldest and newest GPU, first driver, first and last PyTorch with it."""

    name: str
    cuda: tuple[int, int]
    oldest: Capability
    newest: Capability
    driver: int
    torch: tuple[str, str]  # the last is "" when the build goes on

    def has_code(self, capability: Capability | None) -> bool:
        """Whether it runs on a GPU (None: on some GPU); code for X.0 runs on the whole generation X."""
        return capability is None or (self.oldest <= capability and capability[0] <= self.newest[0])


# Best first. Architectures are those of the last PyTorch with the build; first and last PyTorch: pytorch issues #147383
# (cu118), #178665 (cu128), #190385 (cu126), #190355 (cu132, which PyPI's Linux wheels are). First driver: NVIDIA's
# table of minor version compatibility.
BUILDS = (
    Build("cu130", (13, 0), (7, 5), (12, 0), 580, ("2.9", "")),
    Build("cu132", (13, 2), (7, 5), (12, 0), 580, ("2.12", "")),
    Build("cu126", (12, 6), (5, 0), (9, 0), 525, ("2.6", "2.14")),
    Build("cu128", (12, 8), (7, 5), (12, 0), 525, ("2.7", "2.11")),
    Build("cu118", (11, 8), (3, 7), (9, 0), 450, ("2.0", "2.7")),
)
OLDEST_GPU = min(build.oldest for build in BUILDS)
FIRST_DRIVER = {build.cuda[0]: build.driver for build in BUILDS}
GENERATIONS: dict[Capability, str] = {
    (1, 0): "Tesla", (2, 0): "Fermi", (3, 0): "Kepler", (5, 0): "Maxwell", (6, 0): "Pascal", (7, 0): "Volta",
    (7, 5): "Turing", (8, 0): "Ampere", (8, 9): "Ada", (9, 0): "Hopper", (10, 0): "Blackwell",
}  # fmt: skip
# The last driver branch of GPUs below a capability (NVIDIA's lists of legacy GPUs).
LAST_DRIVER: dict[Capability, int] = {(2, 0): 340, (3, 0): 390, (5, 0): 470, (7, 5): 580}
# Drivers before 410 do not print the CUDA version that they run.
_CUDA_BEFORE_410 = {396: (9, 2), 390: (9, 1), 384: (9, 0), 375: (8, 0)}
# Names of GPUs older than Maxwell, for drivers before 510, which do not tell the capability.
_OLD_NAMES = re.compile(
    r"\bGeForce [1-3]\d0\b|\b(?:G|GT|GTS|GTX) ?[1-6]\d\dM?X?\b|\bGT 7[0-4]\d\b|\bGTX 7[6-9]\d\b|\bGTX? 7\d\dMX?\b|"
    r"\bGTX TITAN(?! X)|\b(?:GeForce )?[89]\d00\b|\b(?:705|710|8[012]0|910|920)[AM]\b|\bGTX 8[78]0M\b|"
    r"\bQuadro K(?!620|1200|2200)\d|\bQuadro \d{3,4}M?\b|\bTesla [CKS](?!80)\d|\bTesla M20\d\d|\bGRID K\d|\bNVS \d"
)


@dataclass(frozen=True)
class Driver:
    """What ``nvidia-smi`` says: driver version, highest CUDA version that it runs, and (name, capability) of GPUs.

    A capability is None when the driver does not tell it.
    """

    version: str
    cuda: tuple[int, int]
    gpus: tuple[tuple[str, Capability | None], ...] = ()


@dataclass(frozen=True)
class Complaint:
    """What ``nvidia-smi`` says when it finds no working driver or GPU, and the fix for that."""

    line: str
    fix: str


_AGAIN = f"Restart the computer; if that does not help, install the driver again: {NVIDIA}"
_COMPLAINTS = (  # pattern of a line of nvidia-smi, fix
    (r"version mismatch",
     "Restart the computer (in WSL: run `wsl --shutdown` in Windows): the driver was updated, the old one still runs."),
    (r"couldn't communicate with the NVIDIA driver|Driver Not Loaded",
     "Restart the computer; if that does not help, install the driver again, for the kernel that now runs (with Secure "
     f"Boot, its module must be signed): {NVIDIA}"),
    (r"No devices were found",
     "Switch the GPU on (laptop's settings, plug, power cable) and restart; a GPU of an older generation needs the "
     f"last driver branch that knows it: {NVIDIA}"),
    (r"permissions\b",
     "Ask the administrator for access to the GPU; on Linux: sudo usermod -aG video,render $USER, then log in again."),
    (r"is lost|fallen off the bus|device handle",
     "Shut the computer down, check the GPU's power cable and seat, and start it again; a restart alone may do."),
    (r"blocked by the operating system",
     f"Run `wsl --update` in Windows, install the newest driver there ({NVIDIA}), and restart."),
    (r"NVML: Unknown Error", "Restart the container: it has lost the GPU; outside of a container, the computer."),
    (r"libnvidia-ml|nvml\.dll", f"Install the driver again, a part of it is missing: {NVIDIA}"),
    (r"(?:Driver|KMD) Version:\s*N/A",
     "On a Jetson, use the PyTorch that NVIDIA builds for its JetPack; elsewhere, install the driver again: " + NVIDIA),
    (r"CUDA(?: UMD)? Version:\s*(?:N/A|ERR)",
     "Install the driver again with its CUDA part (container: set NVIDIA_DRIVER_CAPABILITIES=compute,utility): "
     + NVIDIA),
)  # fmt: skip


def parse_driver(table: str, query: str = "") -> Driver | Complaint | None:
    """Read nvidia-smi's table, and its ``name,compute_cap,…`` query or its list ``-L``; None when it said nothing.

    Drivers from 610 on write "KMD Version" and "CUDA UMD Version"; those before 510 do not know ``compute_cap``, those
    before 410 print no CUDA version.
    """
    version = re.search(r"(?:Driver|KMD) Version:\s*([0-9]{1,5})([0-9.]*)", table)
    cuda = re.search(r"CUDA(?: UMD)? Version:\s*([0-9]{1,4})\.([0-9]{1,4})", table)
    highest = (int(cuda[1]), int(cuda[2])) if cuda else None
    if version and highest is None and not re.search(r"CUDA(?: UMD)? Version", table):
        known = [pair for first, pair in _CUDA_BEFORE_410.items() if int(version[1]) >= first]
        highest = max(known, default=(7, 5))
    if version is None or highest is None:
        return _complaint(table)
    gpus = re.findall(r"^([^,\n]+),\s*([0-9]{1,4})\.([0-9]{1,4})\s*(?:,|$)", query, re.M)
    found: list[tuple[str, Capability | None]] = [(name.strip(), (int(x), int(y))) for name, x, y in gpus]
    if not found:
        found = [(name, None) for name in re.findall(r"^GPU [0-9]{1,4}: (.+?) \(UUID", query, re.M)]
    return Driver(version[1] + version[2], highest, tuple(found))


def _complaint(text: str) -> Complaint | None:
    lines = [line.strip(" |+-=\t\r") for line in text.splitlines()]
    for pattern, fix in _COMPLAINTS:
        for line in lines:
            if re.search(pattern, line, re.I):
                return Complaint(line[:160], fix)
    return next((Complaint(line[:160], _AGAIN) for line in lines if line), None)


def _nvidia_smi() -> str | None:
    """Find the program; WSL and old Windows drivers keep it out of PATH."""
    places = ("nvidia-smi", "/usr/lib/wsl/lib/nvidia-smi", r"C:\Program Files\NVIDIA Corporation\NVSMI\nvidia-smi.exe")
    return next(filter(None, map(shutil.which, places)), None)


def read_driver() -> Driver | Complaint | None:
    """Ask ``nvidia-smi`` on this machine; None when it is missing."""
    program = _nvidia_smi()
    if program is None:
        return None

    def ask(*options: str) -> str:
        answer = subprocess.run([program, *options], capture_output=True, timeout=30, check=False)
        return (answer.stdout + b"\n" + answer.stderr).decode("utf-8", "replace")

    try:
        table, query = ask(), ask("--query-gpu=name,compute_cap,driver_version", "--format=csv,noheader")
        found = parse_driver(table, query)
        return parse_driver(table, ask("-L")) if isinstance(found, Driver) and not found.gpus else found or _silent()
    except subprocess.TimeoutExpired:
        return Complaint("no answer in 30 s", "Restart the computer: the GPU or its driver hangs.")
    except OSError as error:
        return Complaint(f"it cannot be started: {error.strerror or error}", _AGAIN)


def _silent() -> Complaint:
    return Complaint("it ended without a word", _AGAIN)


def is_too_old(name: str, capability: Capability | None) -> bool:
    """Whether every build of the table has left this GPU behind."""
    return capability < OLDEST_GPU if capability is not None else bool(_OLD_NAMES.search(name))


def best_build(driver_cuda: tuple[int, int], capability: Capability | None = None) -> str:
    """Return the newest CUDA build that a driver and a GPU (None: any) run, or ``cpu`` when there is none."""
    fitting = (build.name for build in BUILDS if build.cuda[0] <= driver_cuda[0] and build.has_code(capability))
    return next(fitting, "cpu")


def find_build(cuda: tuple[int, int]) -> Build | None:
    """Return the build for a CUDA version, or for one between two rows the older row; None for older ones."""
    return max((build for build in BUILDS if build.cuda <= cuda), key=lambda build: build.cuda, default=None)


def sm(capability: Capability) -> str:
    """Write a compute capability as PyTorch does, such as ``sm_86``."""
    return f"sm_{capability[0]}{capability[1]}"


def generation(capability: Capability) -> str:
    """Name a GPU's generation, such as Ampere."""
    return GENERATIONS[max((first for first in GENERATIONS if first <= capability), default=(1, 0))]


def builds_table() -> str:
    """Return the table of builds in Markdown, newest first."""
    lines = ["| build | CUDA | GPUs | driver | PyTorch |", "|---|---|---|---|---|"]
    for build in sorted(BUILDS, key=lambda build: build.cuda, reverse=True):
        names = f"{generation(build.oldest)} to {generation(build.newest)}"
        versions = "{} to {}".format(*build.torch) if build.torch[1] else f"from {build.torch[0]}"
        lines.append(
            f"| `{build.name}` | {build.cuda[0]}.{build.cuda[1]} | {names} ({sm(build.oldest)} to {sm(build.newest)}) "
            f"| {build.driver} or newer | {versions} |"
        )
    return "\n".join([*lines, "| `cpu` | – | none needed | – | every |"])


def _last_driver(capability: Capability | None) -> int | None:
    """Return the last driver branch for a GPU, None when there is none yet."""
    return next((branch for below, branch in LAST_DRIVER.items() if capability and capability < below), None)


def _can_update(major: int, capability: Capability | None) -> bool:
    last = _last_driver(capability)
    return last is None or FIRST_DRIVER.get(major, 0) <= last


def _update(major: int, capability: Capability | None) -> str:
    last = _last_driver(capability)
    limit = f", at most {last}, the last for this GPU" if last else ""
    return f"to {FIRST_DRIVER.get(major, 'the newest version')} or newer{limit}: {NVIDIA}"


def _nothing_to_install(gpu: str, capability: Capability | None) -> str:
    code = f"{sm(capability)}, {generation(capability)}" if capability is not None else f"before {sm(OLDEST_GPU)}"
    builds = f"PyTorch's builds begin with {sm(OLDEST_GPU)}"
    return f"{gpu} ({code}) is too old, {builds}; there is nothing to install, the CPU is used"


def judge_driver(driver: Driver | Complaint | None, torch_cuda: str | None) -> Result:
    """Compare the driver's highest CUDA version with that of the PyTorch build (``torch.version.cuda``).

    Within one major version an older driver runs a newer build (NVIDIA's minor version compatibility, since CUDA
    11); across major versions it does not.
    """
    name = "NVIDIA driver"
    if isinstance(driver, Complaint):
        return Result(name, "warn", f"nvidia-smi: {driver.line}", driver.fix)
    if driver is None:
        if torch_cuda is None:
            return Result(name, "skip", "no NVIDIA driver and a CPU build of PyTorch: the course runs on the CPU")
        found = f"a CUDA {torch_cuda} build of PyTorch, but no NVIDIA driver (no nvidia-smi)"
        return Result(
            name, "warn", found, f"With an NVIDIA GPU, install its driver: {NVIDIA}; without one, all is well."
        )
    usable = [pair for pair in driver.gpus if not is_too_old(*pair)]
    if driver.gpus and not usable:
        return Result(name, "skip", f"driver {driver.version}; {_nothing_to_install(*driver.gpus[0])}")
    capability = usable[0][1] if usable else None
    highest = f"{driver.cuda[0]}.{driver.cuda[1]}"
    found = f"driver {driver.version} runs CUDA up to {highest}, PyTorch was built for {torch_cuda or 'the CPU only'}"
    build = best_build(driver.cuda, capability)
    if torch_cuda is None:
        found += " (“Torch not compiled with CUDA enabled”)"
        if build == "cpu" and capability is not None and best_build((99, 0), capability) == "cpu":
            return Result(name, "warn", found, _wait(capability))
        if driver.cuda[0] < 12 and _can_update(12, capability):
            return Result(name, "warn", found, f"To use the GPU, update its driver {_update(12, capability)}")
        return Result(name, "warn", found, f"To use the GPU, run: {install(build)}")
    major, minor = (int(part) for part in torch_cuda.split(".")[:2])
    if major > driver.cuda[0]:
        wanted = find_build((major, minor))
        if wanted is not None and wanted.has_code(capability) and _can_update(major, capability):
            fix = f"Update the driver {_update(major, capability)}"
        elif driver.cuda[0] < 12 and _can_update(12, capability):
            fix = f"Update the driver {_update(12, capability)}"
        else:  # no driver for this GPU runs this build
            fix = f"Run: {install(build)}"
        return Result(name, "fail", f"{found}: the driver is too old", fix)
    if (major, minor) > driver.cuda:
        return Result(name, "warn", found, "It runs (same major version); update the driver if a kernel fails to load.")
    return Result(name, "ok", found)


def _wait(capability: Capability) -> str:
    return (
        f"The CPU is used until PyTorch has a build for {sm(capability)}; look for one at "
        "https://pytorch.org/get-started/locally"
    )


def judge_architecture(
    gpu: str, capability: Capability | None, built_for: Sequence[str], driver_cuda: tuple[int, int] = (13, 0)
) -> Result:
    """Say whether a build (``torch.cuda.get_arch_list()``) has code for a GPU's compute capability.

    ``sm_XY`` is machine code: it runs on capability X.y with y ≥ Y. ``compute_XY`` is PTX: the driver translates it
    for X.Y and everything newer. ``driver_cuda`` limits the build that the fix names.
    """
    name = "GPU architecture"
    if capability is None:
        if is_too_old(gpu, None):
            return Result(name, "skip", _nothing_to_install(gpu, None))
        return Result(name, "skip", f"the driver does not tell the architecture of {gpu}")
    this = f"{gpu} is {sm(capability)}"
    parts = re.findall(r"(sm|compute)_([0-9]{1,4})([0-9])", " ".join(built_for))
    codes = [(kind, (int(major), int(minor))) for kind, major, minor in parts]
    if not codes:
        return Result(name, "skip", f"{this}; this PyTorch does not say what it was built for")
    for kind, code in codes:
        if code <= capability and (kind == "compute" or code[0] == capability[0]):
            return Result(name, "ok", f"{this}, and this PyTorch has code for it")
    if is_too_old(gpu, capability):
        return Result(name, "skip", _nothing_to_install(gpu, capability))
    found = f"{this}, and this PyTorch was built for {', '.join(built_for)} (“no kernel image is available”)"
    build = best_build(driver_cuda, capability)
    if build == "cpu":
        return Result(name, "fail", found, _wait(capability))
    age = "newer than the wheel" if capability > max(code for _, code in codes) else "older than the wheel allows"
    return Result(name, "fail", found, f"The GPU is {age}; run: {install(build)}")


def judge_gpu(driver: Driver | Complaint | None, facts: Mapping[str, Any]) -> list[Result]:
    """Judge driver and GPUs against what PyTorch says of itself (``cuda``, ``hip``, ``archs``, ``available``)."""
    if facts["hip"]:
        return [Result("NVIDIA driver", "skip", f"a build of PyTorch for AMD GPUs (ROCm {facts['hip']})")]
    if facts["available"] and not isinstance(driver, Driver):
        return [Result("NVIDIA driver", "ok", "PyTorch finds and can use a GPU, although nvidia-smi does not work")]
    results = [judge_driver(driver, facts["cuda"])]
    if not isinstance(driver, Driver) or facts["cuda"] is None or results[0].status == "skip":
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
