"""Say whether a wheel file fits this machine and, if not, exactly why and what to download instead."""

from __future__ import annotations

import platform
import re
import struct
import sys
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from dlcourse.install.gpu import Capability, Driver, best_build, find_build, generation, is_too_old, read_driver, sm

# What browsers and download managers append until a download is complete.
_UNFINISHED = re.compile(r"\.(?:crdownload|part|partial|download|opdownload|filepart|aria2|xltd|td|tmp)$", re.I)


@dataclass(frozen=True)
class Machine:
    """What decides whether a wheel fits: the tags that pip accepts, best first, and the driver's CUDA version."""

    python: str  # "3.11"
    system: str  # "Windows", "Linux" or "Darwin"
    architecture: str  # "AMD64", "x86_64", "arm64", …
    bits: int
    tags: frozenset[str] = field(repr=False)  # such as "cp311-cp311-win_amd64"
    driver_cuda: tuple[int, int] | None = None  # the maximum that nvidia-smi shows
    gpus: tuple[tuple[str, Capability | None], ...] = ()

    @staticmethod
    def this() -> Machine:
        """Return the running interpreter's machine."""
        from packaging.tags import sys_tags

        driver = read_driver()
        return Machine(
            python=f"{sys.version_info[0]}.{sys.version_info[1]}",
            system=platform.system(),
            architecture=platform.machine(),
            bits=8 * struct.calcsize("P"),
            tags=frozenset(str(tag) for tag in sys_tags()),
            driver_cuda=driver.cuda if isinstance(driver, Driver) else None,
            gpus=driver.gpus if isinstance(driver, Driver) else (),
        )


@dataclass(frozen=True)
class Verdict:
    """Whether the wheel fits, why (not), and what to do; ``advice`` is empty when there is nothing to do."""

    name: str
    fits: bool
    reason: str
    advice: str = ""

    def __str__(self) -> str:
        return f"{'fits' if self.fits else 'does not fit'}: {self.name}\n  {self.reason} {self.advice}".rstrip()


def explain(file: str | Path, machine: Machine | None = None) -> Verdict:
    """Judge one file by its name and, when it exists, by whether it is complete."""
    machine = machine or Machine.this()
    name = re.split(r"[\\/]", str(file))[-1]
    verdict = _by_name(name, machine)
    damage = _damage(Path(file)) if verdict.fits or verdict.advice.endswith("then it fits.") else ""
    if damage:
        return Verdict(name, False, f"The name fits, but the file is damaged: {damage}.", "Download it again.")
    return verdict


def _damage(path: Path) -> str:
    """Say what is wrong with a wheel file; empty when it is a complete archive, or not there."""
    try:
        if not path.is_file():
            return ""
        if path.stat().st_size == 0:
            return "it is empty (0 bytes)"
        with path.open("rb") as stream:
            start = stream.read(512).lstrip()
        if start.startswith(b"<"):
            return "it is a web page, perhaps a login or error page"
        with zipfile.ZipFile(path) as archive:  # its list of contents stands at the end: a broken download has none
            if any(name.endswith(".dist-info/WHEEL") for name in archive.namelist()):
                return ""
            return "it is a zip archive, but not of a wheel"
    except zipfile.BadZipFile:
        return "it is not a complete zip archive; the download broke off"
    except (OSError, ValueError) as error:
        return f"it cannot be read ({error})" if path.name and "\0" not in str(path) else ""


def _original_name(name: str) -> str:
    """Undo what browsers, file managers and mail programs do to a name; a wheel's own name holds no space."""
    name = unquote(name).strip()  # %2B stands for +
    name = re.sub(r"(-[0-9][0-9.]*)[ _](cpu|cu[0-9]{2,4}|xpu)-", r"\1+\2-", name)  # + became a space or _
    name = re.sub(r"\s*\([^()]*\)", "", name).strip()  # (1), (copy)
    name = re.sub(r"^[^-]*\s(?=\S+-[0-9])", "", name)  # Copy of …
    name = re.sub(r"\s.*?(?=\.whl|$)", "", name, flags=re.S)  # … - Copy, … - 副本, … copy 2
    return re.sub(r"\.whl(?:\.(?:zip|txt))?$", ".whl", name, flags=re.I)


def _by_name(name: str, machine: Machine) -> Verdict:
    from packaging.utils import parse_wheel_filename

    if _UNFINISHED.search(name):
        return Verdict(
            name, False, "This is an unfinished download.",
            "Let the browser finish it (it then ends in .whl), or download it again.",
        )  # fmt: skip
    if name.endswith((".tar.gz", ".zip")) and ".whl" not in name:
        return Verdict(name, False, "This is a source archive, not a wheel.", "Download the file that ends in .whl.")
    fixed = _original_name(name)
    try:
        project, version, _, tags = parse_wheel_filename(fixed)
    except ValueError:
        return Verdict(
            name, False, "This is not a complete wheel name: name-version-python-abi-platform.whl.",
            "Give the file the name that it had on the download page.",
        )  # fmt: skip
    if fixed != name:
        inner = _by_name(fixed, machine)
        reason = "The browser or a copy changed the file name, and pip reads everything from the name."
        then = ", then it fits." if inner.fits else f"; but then: {inner.reason} {inner.advice}"
        return Verdict(name, False, reason, f"Rename it to {fixed}{then}")
    if not any(str(tag) in machine.tags for tag in tags):
        return _wrong_tag(name, project, {str(tag) for tag in tags}, machine)
    # Only cu128 lost an architecture, Volta, during its life: with PyTorch 2.11.
    volta = not (project == "torch" and version.release >= (2, 11))
    return _cuda(name, version.local or "", machine, volta)


def _wrong_tag(name: str, project: str, tags: set[str], machine: Machine) -> Verdict:
    """Name the first tag that no accepted tag has: platform (with bits), then Python, then ABI."""
    parts = [tag.split("-", 2) for tag in sorted(tags)]
    accepted = [tag.split("-", 2) for tag in machine.tags]
    here = f"{machine.system}, {machine.architecture}, {machine.bits}-bit Python {machine.python}"
    python = "cp" + machine.python.replace(".", "")
    best = _platform_example(machine)
    advice = f"Download {project}-…-{python}-{python}-{best}.whl instead."
    if machine.bits == 32:
        return Verdict(
            name, False, f"This Python is 32-bit ({here}), and there is no 32-bit PyTorch.",
            "Install the 64-bit Python from python.org and use it.",
        )  # fmt: skip
    platforms = {part[2] for part in parts}
    if not platforms & {part[2] for part in accepted}:
        newer = _newer_system(platforms, {part[2] for part in accepted})
        if newer:
            return Verdict(name, False, newer, f"Update the system, or take an older version of {project}.")
        if best.endswith("x86_64") and machine.system == "Darwin" and project.startswith("torch"):
            advice = "PyTorch 2.2 was the last with wheels for Intel Macs; in a conda environment, try conda-forge's."
        wanted = ", ".join(sorted(platforms))
        return Verdict(name, False, f"The platform tag {wanted} is not for this machine ({here}).", advice)
    pythons = {part[0] for part in parts}
    if not pythons & {part[0] for part in accepted if part[2] in platforms} or any(
        part[0].startswith("cp") and part[1] != "abi3" and part[0] != python for part in parts
    ):
        wanted = ", ".join(sorted(pythons))
        return Verdict(
            name, False, f"The Python tag {wanted} must be exactly {python} for this machine ({here}).", advice
        )
    wanted = ", ".join(sorted({part[1] for part in parts}))
    return Verdict(name, False, f"The ABI tag {wanted} is not that of this Python ({here}).", advice)


def _newer_system(wanted: Iterable[str], accepted: Iterable[str]) -> str:
    """Say which newer glibc or macOS a wheel such as ``manylinux_2_28_x86_64`` needs; empty when that is not it."""

    def oldest(tags: Iterable[str]) -> list[tuple[str, str, tuple[int, int]]]:
        found = [re.fullmatch(r"(manylinux|macosx)_([0-9]{1,3})_([0-9]{1,3})_(\w+)", tag) for tag in tags]
        return [(match[1], match[4], (int(match[2]), int(match[3]))) for match in found if match]

    for family, architecture, need in oldest(wanted):
        have = max((pair for *kind, pair in oldest(accepted) if kind == [family, architecture]), default=need)
        if have < need:
            what = {"manylinux": "the C library glibc", "macosx": "macOS"}[family]
            return f"It needs {what} {need[0]}.{need[1]} or newer, and this machine has {have[0]}.{have[1]}."
    return ""


def _platform_example(machine: Machine) -> str:
    arm = machine.architecture.lower() in ("arm64", "aarch64")
    return {
        "Windows": "win_arm64" if arm else "win_amd64",
        "Darwin": "macosx_11_0_arm64" if arm else "macosx_10_9_x86_64",
    }.get(machine.system, "manylinux_2_28_aarch64" if arm else "manylinux_2_28_x86_64")


def _cuda(name: str, local: str, machine: Machine, volta_in_cu128: bool) -> Verdict:
    """Compare a build such as ``+cu126`` with the GPUs and the driver."""
    match = re.fullmatch(r"cu([0-9]{1,3})([0-9])", local)
    if match is None:
        is_cpu = local == "cpu" or (machine.system == "Windows" and not local and name.startswith("torch"))
        build = " It is a CPU build." if is_cpu else ""
        return Verdict(name, True, f"Python, ABI and platform match this machine.{build}")
    need = (int(match[1]), int(match[2]))
    text = f"CUDA {need[0]}.{need[1]}"
    if machine.driver_cuda is None:
        return Verdict(
            name, True, f"It installs, and without an NVIDIA driver here it runs on the CPU only ({text} is not used).",
            "Install the driver, or take the smaller +cpu build.",
        )  # fmt: skip
    usable = [gpu for gpu in machine.gpus if not is_too_old(*gpu)]
    if machine.gpus and not usable:
        return Verdict(
            name, True, f"It installs, but every CUDA build has left {machine.gpus[0][0]} behind: the CPU is used.",
            "Take the smaller +cpu build.",
        )  # fmt: skip
    row = find_build(need)
    known = [(gpu, capability) for gpu, capability in usable if capability is not None]
    capability = known[0][1] if known else None
    best = best_build(machine.driver_cuda, capability)
    if row is not None and known and len(known) == len(usable):
        lenient = row.name == "cu128" and volta_in_cu128
        if not any(row.has_code(code) or (lenient and code[0] == 7) for _, code in known):
            gpu, code = known[0]
            runs = f"{generation(row.oldest)} to {generation(row.newest)} ({sm(row.oldest)} to {sm(row.newest)})"
            return Verdict(
                name, False, f"It installs, but does not run on {gpu} ({sm(code)}): builds for {text} have code for "
                f"{runs}.", f"Take a build +{best}.",
            )  # fmt: skip
    has = f"{machine.driver_cuda[0]}.{machine.driver_cuda[1]}"
    if need[0] > machine.driver_cuda[0]:
        return Verdict(
            name, False, f"It needs a driver for {text}, and this driver goes up to CUDA {has}.",
            f"Update the NVIDIA driver, or take a build +{best}.",
        )  # fmt: skip
    if need > machine.driver_cuda:
        return Verdict(
            name, True, f"It was built for {text}, above the driver's {has}; within one major version it runs.",
            "If it reports a missing PTX compiler or symbol, update the driver.",
        )  # fmt: skip
    return Verdict(name, True, f"It matches this machine, and the driver (CUDA {has}) runs {text}.")


def explain_folder(folder: str | Path, machine: Machine | None = None) -> list[Verdict]:
    """Judge every file of a folder whose name holds ``.whl``, in the order of the names."""
    machine = machine or Machine.this()
    return [explain(path, machine) for path in sorted(Path(folder).iterdir()) if ".whl" in path.name.lower()]


def main(argv: Sequence[str]) -> int:
    """Print a verdict for each file or folder; exit status 1 when one does not fit."""
    if not argv:
        print("usage: python -m dlcourse wheels FILE_OR_FOLDER …", file=sys.stderr)
        return 2
    try:
        machine = Machine.this()
    except ImportError:
        print(f"The package `packaging` is missing; run: {sys.executable} -m pip install packaging", file=sys.stderr)
        return 2
    verdicts: list[Verdict] = []
    for word in argv:
        path = Path(word)
        verdicts += explain_folder(path, machine) if path.is_dir() else [explain(path, machine)]
    print("\n".join(map(str, verdicts)) or "There is no wheel in the folder.")
    return 0 if all(verdict.fits for verdict in verdicts) else 1
