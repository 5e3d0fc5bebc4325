"""The graphics card: which driver and which CUDA build of PyTorch it needs, from recorded or live output."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dlcourse.install.machine import Result, install

NVIDIA = "https://www.nvidia.com/drivers"

# PyTorch's CUDA builds, best first: CUDA version, oldest and newest GPU. The last PyTorch that has cu126 is 2.14, and
# for cu128 2.11 (pytorch issues #190385 and #178665). First driver for each CUDA major version: NVIDIA's release notes.
BUILDS = {
    "cu130": ((13, 0), (7, 5), (12, 9)),
    "cu126": ((12, 6), (5, 0), (9, 9)),
    "cu128": ((12, 8), (7, 5), (12, 9)),
}
FIRST_DRIVER = {11: 450, 12: 525, 13: 580}


@dataclass(frozen=True)
class Driver:
    """What ``nvidia-smi`` says: driver version, highest CUDA version that it runs, and (name, capability) of GPUs."""

    version: str
    cuda: tuple[int, int]
    gpus: tuple[tuple[str, tuple[int, int]], ...] = ()


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
