"""The graphics card: what recorded outputs of nvidia-smi mean, and which build of PyTorch fits."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlcourse.install import gpu
from dlcourse.install.gpu import Driver, best_build, judge_architecture, judge_driver, judge_gpu, parse_driver

RECORDED = Path(__file__).parent / "recorded" / "nvidia_smi"

# `torch.cuda.get_arch_list()` of PyTorch's own builds
CU126 = ["sm_50", "sm_60", "sm_70", "sm_75", "sm_80", "sm_86", "sm_90"]
CU128 = ["sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120"]
CU130 = [*CU128, "compute_120"]


def recorded(name: str) -> Driver | None:
    """Read a terminal session: the table of ``nvidia-smi``, then its query."""
    table, _, query = (RECORDED / f"{name}.txt").read_text(encoding="utf-8").partition("$ nvidia-smi --query")
    return parse_driver(table, query.partition("\n")[2])


def facts(cuda: str | None, archs: list[str], available: bool) -> dict[str, Any]:
    return {"cuda": cuda, "hip": None, "archs": archs, "available": available}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look like an active environment without a mirror."""
    monkeypatch.setattr("dlcourse.install.machine.in_environment", lambda: True)
    for name in ("DLCOURSE_INDEX", "PIP_INDEX_URL", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("name", "driver"),
    [
        ("no_driver", None),
        ("old_driver", Driver("470.256.02", (11, 4))),
        ("new_gpu", Driver("572.83", (12, 8), (("NVIDIA GeForce RTX 5070", (12, 0)),))),
        ("old_gpu", Driver("580.65.06", (13, 0), (("NVIDIA GeForce GTX 1060 6GB", (6, 1)),))),
        ("good", Driver("560.94", (12, 6), (("NVIDIA GeForce RTX 4070", (8, 9)),))),
        ("new_layout", Driver("610.57.04", (13, 3), (("NVIDIA GeForce GTX 1650", (7, 5)),))),
    ],
)
def test_reading_nvidia_smi(name: str, driver: Driver | None) -> None:
    assert recorded(name) == driver
    windows = (RECORDED / f"{name}.txt").read_text(encoding="utf-8").replace("\n", "\r\n")
    table, _, query = windows.partition("$ nvidia-smi --query")
    assert parse_driver(table, query.partition("\n")[2]) == driver


@pytest.mark.parametrize("error", [FileNotFoundError("nvidia-smi"), subprocess.TimeoutExpired("nvidia-smi", 30)])
def test_no_nvidia_smi(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*arguments: Any, **options: Any) -> None:
        raise error

    monkeypatch.setattr("subprocess.run", run)
    assert gpu.read_driver() is None


def test_no_driver() -> None:
    assert judge_driver(None, None).status == "skip"
    result = judge_driver(None, "12.6")
    assert result.status == "warn" and "nvidia.com/drivers" in result.fix


@pytest.mark.usefixtures("environment")
def test_old_driver() -> None:
    driver = recorded("old_driver")
    result = judge_driver(driver, "12.6")
    assert result.status == "fail" and "11.4" in result.found and "too old" in result.found
    assert "525 or newer" in result.fix and "nvidia.com/drivers" in result.fix
    # PyTorch falls back to the CPU, so the course runs.
    assert [r.status for r in judge_gpu(driver, facts("12.6", CU126, available=False))] == ["warn"]
    assert "580 or newer" in judge_driver(Driver("560.94", (12, 6), (("RTX 4070", (8, 9)),)), "13.0").fix
    pascal = judge_driver(Driver("560.94", (12, 6), (("GTX 1060", (6, 1)),)), "13.0")
    assert pascal.status == "fail" and "whl/cu126" in pascal.fix


@pytest.mark.usefixtures("environment")
def test_cpu_build_although_a_gpu_is_there() -> None:
    result = judge_driver(recorded("good"), None)
    assert result.status == "warn" and "Torch not compiled with CUDA enabled" in result.found
    assert "--force-reinstall torch torchvision" in result.fix and result.fix.endswith("/whl/cu126")
    assert "update its driver" in judge_driver(recorded("old_driver"), None).fix


@pytest.mark.usefixtures("environment")
def test_new_gpu_with_old_wheel() -> None:
    driver = recorded("new_gpu")
    ok, result = judge_gpu(driver, facts("12.6", CU126, available=True))
    assert (ok.status, result.status) == ("ok", "fail")
    assert "newer than the wheel" in result.fix and result.fix.endswith("/whl/cu128")
    assert judge_architecture("RTX 5070", (12, 0), CU126).fix.endswith("/whl/cu130")


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("wheel", [CU128, CU130])
def test_old_gpu_with_new_wheel(wheel: list[str]) -> None:
    _, result = judge_gpu(recorded("old_gpu"), facts("13.0", wheel, available=True))
    assert result.status == "fail" and "no kernel image is available" in result.found
    assert "older than the wheel" in result.fix and result.fix.endswith("/whl/cu126")


@pytest.mark.usefixtures("environment")
def test_good_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = recorded("good")
    assert [r.status for r in judge_gpu(driver, facts("12.6", CU126, available=True))] == ["ok", "ok"]
    assert judge_driver(driver, "12.8").status == "warn"
    assert judge_driver(driver, "13.0").status == "fail"
    assert judge_gpu(driver, facts("12.6", CU126, available=False))[-1].fix.startswith("Restart")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    hidden = judge_gpu(driver, facts("12.6", CU126, available=False))[-1]
    assert hidden.status == "warn" and "CUDA_VISIBLE_DEVICES" in hidden.fix
    assert judge_gpu(driver, {**facts(None, [], available=True), "hip": "6.4"})[0].status == "skip"


@pytest.mark.parametrize(
    ("driver_cuda", "capability", "build"),
    [
        ((13, 0), (8, 9), "cu130"), ((13, 3), (6, 1), "cu126"), ((12, 8), (12, 0), "cu128"),
        ((13, 0), (12, 1), "cu130"), ((12, 4), (8, 6), "cu126"), ((12, 6), None, "cu126"),
        ((11, 4), None, "cpu"), ((13, 0), (3, 5), "cpu"),
    ],
)  # fmt: skip
def test_best_build(driver_cuda: tuple[int, int], capability: tuple[int, int] | None, build: str) -> None:
    assert best_build(driver_cuda, capability) == build


@pytest.mark.parametrize(
    ("capability", "wheel", "status"),
    [
        ((8, 6), ["sm_80"], "ok"), ((8, 0), ["sm_86"], "fail"), ((9, 0), ["sm_80"], "fail"),
        ((12, 0), ["sm_90", "compute_90"], "ok"), ((8, 0), ["compute_90"], "fail"), ((12, 0), ["sm_120"], "ok"),
        ((10, 3), ["sm_100"], "ok"), ((12, 0), ["sm_100"], "fail"), ((9, 0), ["sm_90a"], "ok"), ((8, 6), [], "skip"),
    ],
)  # fmt: skip
def test_binary_and_ptx_compatibility(capability: tuple[int, int], wheel: list[str], status: str) -> None:
    assert judge_architecture("GPU", capability, wheel).status == status


# --- robustness --------------------------------------------------------------------------------------------------

words = st.sampled_from(
    [
        "Driver Version: ",
        "KMD Version: ",
        "CUDA Version: ",
        "CUDA UMD Version: ",
        "N/A",
        "8.6",
        "9" * 5000,
        ".",
        ", ",
        "\n",
    ]
)
noise = st.lists(words | st.text(max_size=8), max_size=12).map("".join)


@given(noise, noise)
def test_reading_nvidia_smi_never_raises(table: str, query: str) -> None:
    driver = parse_driver(table, query)
    judge_gpu(driver, facts("12.6", [query], available=True))
    judge_gpu(driver, facts(None, [], available=False))


@given(st.text())
def test_judging_an_architecture_never_raises(text: str) -> None:
    assert judge_architecture(text, (8, 6), [text]).status in ("ok", "skip", "fail")
