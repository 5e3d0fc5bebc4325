"""The wheel explainer, for machines that are described here by the tags that pip would accept on them."""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest
from packaging import tags

from dlcourse.install import wheels
from dlcourse.install.gpu import BUILDS, Complaint, Driver, is_too_old
from dlcourse.install.wheels import Machine, Verdict, explain, explain_folder

Gpu = tuple[str, "tuple[int, int] | None"]
hypothesis = pytest.importorskip("hypothesis")
st = hypothesis.strategies
some = hypothesis.settings(max_examples=300, deadline=None)


def machine(python: str, system: str, architecture: str, platforms: Iterable[str], bits: int = 64) -> Machine:
    """Describe a machine as pip sees it."""
    version = tuple(int(part) for part in python.split("."))
    platforms, short = list(platforms), "".join(python.split("."))
    accepted = [
        *tags.cpython_tags(version, [f"cp{short}"], platforms),
        *tags.compatible_tags(version, f"cp{short}", platforms),
    ]
    return Machine(python, system, architecture, bits, frozenset(map(str, accepted)))


def linux(architecture: str, newest: int = 35) -> list[str]:
    return [*(f"manylinux_2_{minor}_{architecture}" for minor in range(newest, 16, -1)),
            f"manylinux2014_{architecture}", f"linux_{architecture}"]  # fmt: skip


MACHINES = {
    "win310": machine("3.10", "Windows", "AMD64", ["win_amd64"]),
    "win312": machine("3.12", "Windows", "AMD64", ["win_amd64"]),
    "win32bit": machine("3.10", "Windows", "x86", ["win32"], bits=32),
    "mac311": machine("3.11", "Darwin", "arm64", tags.mac_platforms((14, 0), "arm64")),
    "macintel": machine("3.11", "Darwin", "x86_64", tags.mac_platforms((13, 0), "x86_64")),
    "linux311": machine("3.11", "Linux", "x86_64", linux("x86_64")),
    "linux312": machine("3.12", "Linux", "x86_64", linux("x86_64")),
    "oldlinux": machine("3.11", "Linux", "x86_64", linux("x86_64", newest=17)),
    "arm312": machine("3.12", "Linux", "aarch64", linux("aarch64")),
}

LINUX311 = "cp311-cp311-manylinux_2_28_x86_64.whl"
WIN310 = "cp310-cp310-win_amd64.whl"
TABLE = [
    # name, machine, the driver's CUDA or none, fits, words of the reason, words of the advice
    (f"torch-2.6.0+cpu-{WIN310}", "win310", None, True, "CPU build", ""),
    (f"torch-2.6.0-{WIN310}", "win310", None, True, "CPU build", ""),
    (f"torch-2.6.0+cu126-{WIN310}", "win310", (12, 6), True, "driver (CUDA 12.6) runs CUDA 12.6", ""),
    (f"torchvision-0.21.0+cu118-{WIN310}", "win310", (12, 4), True, "runs CUDA 11.8", ""),
    (f"torch-2.6.0-{LINUX311}", "linux311", None, True, "match this machine", ""),
    ("torch-2.6.0-cp312-cp312-manylinux_2_28_aarch64.whl", "arm312", None, True, "match", ""),
    ("torch-2.6.0-cp311-none-macosx_11_0_arm64.whl", "mac311", None, True, "match", ""),
    ("tqdm-4.67.1-py3-none-any.whl", "win32bit", None, True, "match", ""),
    ("tqdm-4.67.1-py2.py3-none-any.whl", "arm312", None, True, "match", ""),
    ("safetensors-0.5.3-cp38-abi3-win_amd64.whl", "win312", None, True, "match", ""),
    ("numpy-2.2.0-1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", "linux311", None, True, "match", ""),
    # renamed by a browser, a mail program or by hand
    (f"torch-2.6.0+cpu-{WIN310[:-4]} (1).whl", "win310", None, False, "browser", f"torch-2.6.0+cpu-{WIN310}, then it"),
    (f"torch-2.6.0+cpu-{WIN310} (1)", "win310", None, False, "browser", f"Rename it to torch-2.6.0+cpu-{WIN310},"),
    (f"torch (1)-2.6.0+cpu-{WIN310}", "win310", None, False, "browser", f"Rename it to torch-2.6.0+cpu-{WIN310},"),
    (f"torch-2.6.0%2Bcpu-{WIN310}", "win310", None, False, "browser", f"Rename it to torch-2.6.0+cpu-{WIN310},"),
    (f"torch-2.6.0%2bcu126-{WIN310}", "win310", (12, 8), False, "browser", "+cu126-cp310-cp310-win_amd64.whl,"),
    (f"torch-2.6.0+cpu-{WIN310}.zip", "win310", None, False, "browser", f"torch-2.6.0+cpu-{WIN310},"),
    (f"torch-2.6.0%2Bcpu-{WIN310}", "win312", None, False, "browser", "but then: The Python tag cp310 must be"),
    *[(f"torch-2.6.0+cpu-{WIN310[:-4]}{mark}.whl", "win310", None, False, "a copy changed",
       f"Rename it to torch-2.6.0+cpu-{WIN310}, then it fits.") for mark in (
        " - Copy", " - Copy (2)", " - 副本", " - 副本 (3)", " - Kopie", " - Copie", " - コピー", " — копия", " copy",
        " copy 2", " 2", " (copy)", " (another copy)", "(1)", " 副本", " (1) (1)",
    )],
    (f"Copy of torch-2.6.0+cpu-{WIN310}", "win310", None, False, "changed", f"it to torch-2.6.0+cpu-{WIN310}, then it"),
    (f"torch-2.6.0_cpu-{WIN310}", "win310", None, False, "changed", f"Rename it to torch-2.6.0+cpu-{WIN310}, then it"),
    (f"torch-2.6.0 cpu-{WIN310}", "win310", None, False, "changed", f"Rename it to torch-2.6.0+cpu-{WIN310}, then it"),
    (f"torch-2.6.0+cpu-{WIN310[:-4]}.WHL", "win310", None, False, "changed", f"Rename it to torch-2.6.0+cpu-{WIN310},"),
    ("my wheel.whl", "win310", None, False, "not a complete wheel name", "name that it had"),
    *[(f"torch-2.6.0+cpu-{WIN310}{end}", "win310", None, False, "unfinished download", "download it again") for end in (
        ".crdownload", ".part", ".partial", ".download", ".opdownload", ".aria2", ".xltd",
    )],
    (f"torch-2.6.0+cpu-{WIN310[:-4]}.x8KzQ1aB.whl.part", "win310", None, False, "unfinished download", "finish it"),
    ("Unconfirmed 409562.crdownload", "win310", None, False, "unfinished download", "finish it"),
    ("torch.whl", "win310", None, False, "not a complete wheel name", "name that it had"),
    ("torch-2.6.0.whl", "linux311", None, False, "not a complete wheel name", "name that it had"),
    # not wheels
    ("mlxtend-0.23.4.tar.gz", "linux311", None, False, "source archive", "ends in .whl"),
    ("d2l-1.0.3.zip", "win310", None, False, "source archive", "ends in .whl"),
    ("notes.txt", "linux311", None, False, "not a complete wheel name", "name that it had"),
    # wrong Python
    (f"torch-2.6.0+cpu-{WIN310}", "win312", None, False, "cp310 must be exactly cp312", "-cp312-cp312-win_amd64.whl"),
    ("torch-2.6.0-cp312-cp312-win_amd64.whl", "win310", None, False, "cp312 must be exactly cp310", f"-{WIN310}"),
    (f"torch-2.6.0-{LINUX311}", "linux312", None, False, "cp311 must be exactly cp312", "cp312-manylinux_2_28_x86"),
    ("torch-2.2.0-cp310-none-macosx_11_0_arm64.whl", "mac311", None, False, "cp310 must be exactly cp311", "cp311"),
    ("torch-2.6.0-cp313-cp313t-manylinux_2_28_x86_64.whl", "linux312", None, False, "cp313 must be", "cp312-cp312"),
    ("torch-2.6.0-cp312-cp312t-manylinux_2_28_x86_64.whl", "linux312", None, False, "ABI tag cp312t", "cp312-cp312"),
    ("old-1.0-py2-none-any.whl", "linux312", None, False, "Python tag py2", ""),
    # wrong platform
    (f"torch-2.6.0+cpu-{WIN310}", "win32bit", None, False, "32-bit", "64-bit Python"),
    ("numpy-1.26.4-cp310-cp310-win32.whl", "win310", None, False, "win32", "win_amd64.whl"),
    (f"torch-2.6.0+cpu-{WIN310}", "linux311", None, False, "win_amd64 is not for this", LINUX311),
    (f"torch-2.6.0-{LINUX311}", "win310", None, False, "manylinux_2_28_x86_64 is not for", WIN310),
    ("torch-2.6.0-cp311-none-macosx_11_0_arm64.whl", "linux311", None, False, "macosx_11_0_arm64 is not", LINUX311),
    ("torch-2.2.2-cp311-none-macosx_10_9_x86_64.whl", "mac311", None, False, "macosx_10_9_x86_64 is not", "11_0_arm64"),
    ("torch-2.6.0-cp311-none-macosx_11_0_arm64.whl", "macintel", None, False, "is not for this machine", "Intel Macs"),
    ("torch-2.6.0-cp312-cp312-manylinux_2_28_x86_64.whl", "arm312", None, False, "is not for", "2_28_aarch64.whl"),
    ("torch-2.6.0-cp312-cp312-manylinux_2_28_aarch64.whl", "linux312", None, False, "is not for", "2_28_x86_64.whl"),
    (f"torch-2.6.0-{LINUX311}", "oldlinux", None, False, "glibc 2.28 or newer, and this machine has 2.17", "Update"),
    ("torch-2.15.0-cp311-cp311-macosx_15_0_arm64.whl", "mac311", None, False, "needs macOS 15.0 or newer", "Update"),
    # CUDA and the driver
    (f"torch-2.9.0+cu130-{WIN310}", "win310", (12, 4), False, "needs a driver for CUDA 13.0", "take a build +cu126."),
    (f"torch-2.7.0+cu128-{LINUX311}", "linux311", (12, 4), True, "above the driver's 12.4", "update the driver"),
    (f"torch-2.6.0+cu126-{LINUX311}", "linux311", None, True, "runs on the CPU only", "+cpu build"),
    (f"torch-2.6.0+cu126-{WIN310}", "win310", (13, 0), True, "runs CUDA 12.6", ""),
    (f"torch-2.6.0+rocm6.2-{LINUX311}", "linux311", None, True, "match", ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "where", "driver", "fits", "reason", "advice"), TABLE, ids=[f"{row[1]}: {row[0]}" for row in TABLE]
)
def test_verdict(name: str, where: str, driver: tuple[int, int] | None, fits: bool, reason: str, advice: str) -> None:
    here = Machine(**{**vars(MACHINES[where]), "driver_cuda": driver})
    verdict = explain(name, here)
    assert verdict.fits is fits, str(verdict)
    assert reason in verdict.reason, str(verdict)
    assert advice in verdict.advice, str(verdict)
    if advice == "" and fits:
        assert verdict.advice == "", "nothing needs doing"
    assert verdict.name == name
    assert str(verdict).startswith(f"fits: {name}\n  " if fits else f"does not fit: {name}\n  ")


RTX5090 = ("NVIDIA GeForce RTX 5090", (12, 0))
GTX1060 = ("NVIDIA GeForce GTX 1060", (6, 1))
V100 = ("Tesla V100", (7, 0))
GT730 = ("NVIDIA GeForce GT 730", None)
RTX3060 = ("NVIDIA GeForce RTX 3060", (8, 6))


@pytest.mark.parametrize(
    ("build", "driver", "gpus", "fits", "reason", "advice"),
    [
        ("2.7.0+cu118", (13, 0), [RTX5090], False, "does not run on NVIDIA GeForce RTX 5090 (sm_120)", "+cu130."),
        ("2.7.0+cu118", (12, 8), [RTX5090], False, "CUDA 11.8 have code for Kepler to Hopper", "Take a build +cu128."),
        ("2.6.0+cu124", (12, 8), [RTX5090], False, "does not run on NVIDIA GeForce RTX 5090", "Take a build +cu128."),
        ("2.7.0+cu126", (12, 8), [RTX5090], False, "(sm_50 to sm_90)", "Take a build +cu128."),
        ("2.7.0+cu128", (12, 8), [RTX5090], True, "matches this machine", ""),
        ("2.9.0+cu130", (13, 0), [GTX1060], False, "does not run on NVIDIA GeForce GTX 1060 (sm_61)", "+cu126."),
        ("2.9.0+cu130", (12, 4), [GTX1060], False, "does not run on NVIDIA GeForce GTX 1060", "Take a build +cu126."),
        ("2.9.0+cu128", (12, 8), [GTX1060], False, "does not run on NVIDIA GeForce GTX 1060", "Take a build +cu126."),
        ("2.14.0+cu126", (13, 0), [GTX1060], True, "matches this machine", ""),
        ("2.7.0+cu118", (11, 4), [GTX1060], True, "above the driver's 11.4", "update the driver"),
        ("2.10.0+cu128", (12, 8), [V100], True, "matches this machine", ""),
        ("2.11.0+cu128", (12, 8), [V100], False, "does not run on Tesla V100 (sm_70)", "Take a build +cu126."),
        ("2.9.0+cu130", (13, 0), [GTX1060, RTX3060], True, "matches this machine", ""),
        ("2.6.0+cu126", (11, 4), [GT730], True, "has left NVIDIA GeForce GT 730 behind: the CPU is used", "+cpu build"),
        ("2.6.0+cu126", (12, 4), [("GPU", None)], True, "above the driver's 12.4", ""),
        ("2.6.0+cu130", (12, 4), [RTX3060], False, "needs a driver for CUDA 13.0", "take a build +cu126."),
        ("2.15.0+cu132", (14, 0), [("GPU of tomorrow", (14, 0))], False, "does not run on GPU", "Take a build +cpu."),
        ("2.6.0+cpu", (13, 0), [RTX5090], True, "CPU build", ""),
    ],
)
def test_build_and_gpu(
    build: str, driver: tuple[int, int], gpus: list[Gpu], fits: bool, reason: str, advice: str
) -> None:
    here = Machine(**{**vars(MACHINES["win310"]), "driver_cuda": driver, "gpus": tuple(gpus)})
    verdict = explain(f"torch-{build}-{WIN310}", here)
    assert verdict.fits is fits and reason in verdict.reason and advice in verdict.advice, str(verdict)


def test_the_wheel_explainer_agrees_with_the_doctor() -> None:
    for build in BUILDS:
        for capability in [(3, 5), (3, 7), (5, 0), (6, 1), (7, 5), (8, 6), (9, 0), (12, 0)]:
            gpus = (("GPU", capability),)
            here = Machine(**{**vars(MACHINES["win310"]), "driver_cuda": (13, 2), "gpus": gpus})
            verdict = explain(f"torch-2.11.0+{build.name}-{WIN310}", here)
            assert verdict.fits == (build.has_code(capability) or is_too_old(*gpus[0])), str(verdict)


def wheel(path: Path, member: str = "a-1.dist-info/WHEEL", size: int = 40_000) -> bytes:
    """Write a small wheel, and return its bytes."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/code.py", "#" * size)
        archive.writestr(member, "Wheel-Version: 1.0")
    return path.read_bytes()


def test_a_file_that_is_there_must_be_complete(tmp_path: Path) -> None:
    here, path = MACHINES["win310"], tmp_path / f"torch-2.6.0+cpu-{WIN310}"
    whole = wheel(path)
    assert explain(path, here).fits
    damaged = {
        b"": "empty (0 bytes)",
        whole[: len(whole) // 2]: "download broke off",
        whole[:-20]: "download broke off",
        b"\0" * 5000: "download broke off",
        b"\r\n<!DOCTYPE html><title>Login</title>": "a web page",
    }
    for content, reason in damaged.items():
        path.write_bytes(content)
        verdict = explain(path, here)
        assert not verdict.fits and "The name fits, but the file is damaged" in verdict.reason
        assert reason in verdict.reason and verdict.advice == "Download it again."
    wheel(path, "a/WHEEL")
    assert "not of a wheel" in explain(path, here).reason
    # What is wrong with the name comes first, unless renaming would not help.
    (tmp_path / "torch-2.6.0-cp312-cp312-win_amd64.whl").touch()
    assert "Python tag" in explain(tmp_path / "torch-2.6.0-cp312-cp312-win_amd64.whl", here).reason
    copy = tmp_path / f"torch-2.6.0+cpu-{WIN310[:-4]} - Copy.whl"
    copy.touch()
    assert "empty" in explain(copy, here).reason
    wheel(copy)
    assert "Rename it to" in explain(copy, here).advice


@pytest.mark.parametrize("name", [f"torch-2.6.0+cpu-{WIN310}", f"torch (2)-2.6.0+cpu-{WIN310}"])
@pytest.mark.parametrize("folder", ["", "downloads/", "C:\\Users\\me (1)\\Downloads\\", "a.tar.gz/"])
def test_the_folder_does_not_count(folder: str, name: str) -> None:
    assert explain(folder + name, MACHINES["win310"]) == explain(name, MACHINES["win310"])


def test_advice_fits_the_machine_it_is_for() -> None:
    for where, here in MACHINES.items():
        if here.bits == 32 or where in ("oldlinux", "macintel"):
            continue
        advice = explain("torch-2.6.0-cp37-cp37m-win_arm64.whl", here).advice
        name = advice.removeprefix("Download ").removesuffix(" instead.").replace("…", "2.6.0")
        assert explain(name, here).fits, f"{where}: {advice}"


TEXT = st.text(max_size=60)
PIECES = st.lists(
    st.sampled_from(
        ["torch", "-", "2.6.0", "+", "%2B", " (1)", "(1)", "cu126", "cu1", "cu", "cp310", "abi3", "none", "any", ".",
         "py3", "win_amd64", ".whl", ".zip", ".tar.gz", "/", "\\", " ", "!", "1", "_", "", "\x00", "ü", "cp", "\n"]
    ),
    max_size=16,
).map("".join)  # fmt: skip
SHAPED = st.builds("{}-{}-{}-{}-{}.whl".format, TEXT, TEXT, TEXT, TEXT, TEXT)


@some
@hypothesis.given(st.one_of(TEXT, PIECES, SHAPED, TEXT.map("{}.whl".format)), st.sampled_from(sorted(MACHINES)))
def test_any_name_gets_a_verdict(name: str, where: str) -> None:
    verdict = explain(name, MACHINES[where])
    assert verdict.reason and (verdict.fits or verdict.advice) and str(verdict)


@some
@hypothesis.given(st.integers(0, 999), st.tuples(st.integers(9, 14), st.integers(0, 9)))
def test_any_cuda_build(number: int, driver: tuple[int, int]) -> None:
    here = Machine(**{**vars(MACHINES["win310"]), "driver_cuda": driver})
    verdict = explain(f"torch-2.6.0+cu{number}-{WIN310}", here)
    if number >= 10:
        need = divmod(number, 10)
        assert verdict.fits == (need[0] <= driver[0]) and (verdict.advice == "") == (need <= driver)


def test_folder(tmp_path: Path) -> None:
    for name in (f"torch-2.6.0+cpu-{WIN310}", "tqdm-4.67.1-py3-none-any (1).whl", "a-1-cp312-cp312-win_amd64.whl",
                 "readme.txt", "mlxtend-0.23.4.tar.gz"):  # fmt: skip
        wheel(tmp_path / name)
    (tmp_path / f"torch-2.6.0+cu126-{WIN310}").touch()
    verdicts = explain_folder(tmp_path, MACHINES["win310"])
    assert [verdict.name for verdict in verdicts] == sorted(
        [
            "a-1-cp312-cp312-win_amd64.whl",
            f"torch-2.6.0+cpu-{WIN310}",
            f"torch-2.6.0+cu126-{WIN310}",
            "tqdm-4.67.1-py3-none-any (1).whl",
        ]
    )
    assert [verdict.fits for verdict in verdicts] == [False, True, False, False]


@pytest.mark.parametrize(
    ("driver", "cuda"),
    [
        (None, None),
        (Complaint("No devices were found", "Restart."), None),
        (Driver("560.94", (12, 4), (RTX5090,)), (12, 4)),
    ],
)
def test_this_machine(
    driver: Driver | Complaint | None, cuda: tuple[int, int] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dlcourse.install.wheels.read_driver", lambda: driver)
    here = Machine.this()
    assert here.python == "{}.{}".format(*sys.version_info) and here.bits in (32, 64)
    assert here.driver_cuda == cuda and here.gpus == (() if cuda is None else (RTX5090,))
    best = next(iter(tags.sys_tags()))
    assert explain(f"example-1.0-{best}.whl").fits


def command(argv: list[str], where: str, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(Machine, "this", staticmethod(lambda: MACHINES[where]))
    return wheels.main(argv)


def test_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = f"torch-2.6.0+cpu-{WIN310}", "torch-2.6.0-cp312-cp312-win_amd64.whl"
    assert command([good], "win310", monkeypatch) == 0
    assert capsys.readouterr().out.startswith(f"fits: {good}\n")
    assert command([good, bad], "win310", monkeypatch) == 1
    assert f"does not fit: {bad}\n" in capsys.readouterr().out
    (tmp_path / "empty").mkdir()
    assert command([str(tmp_path / "empty")], "win310", monkeypatch) == 0
    assert "no wheel in the folder" in capsys.readouterr().out
    wheel(tmp_path / good)
    assert command([str(tmp_path)], "win310", monkeypatch) == 0
    assert command([], "win310", monkeypatch) == 2
    assert "usage:" in capsys.readouterr().err


def test_command_without_packaging(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "packaging.tags", None)  # type: ignore[arg-type]
    assert wheels.main(["torch.whl"]) == 2
    assert "-m pip install packaging" in capsys.readouterr().err


def test_verdict_without_advice_has_no_blank_end() -> None:
    assert str(Verdict("a.whl", True, "Reason.")) == "fits: a.whl\n  Reason."
