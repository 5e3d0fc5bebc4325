"""The graphics card: what recorded outputs of nvidia-smi mean, and which build of PyTorch fits."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlcourse.install.gpu import (
    BUILDS,
    Complaint,
    Driver,
    best_build,
    builds_table,
    find_build,
    is_too_old,
    judge_architecture,
    judge_driver,
    judge_gpu,
    parse_driver,
    read_driver,
)

RECORDED = Path(__file__).parent / "recorded" / "nvidia_smi"

# `torch.cuda.get_arch_list()` of PyTorch's own builds
CU126 = ["sm_50", "sm_60", "sm_70", "sm_75", "sm_80", "sm_86", "sm_90"]
CU128 = ["sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120"]
CU130 = [*CU128, "compute_120"]


def recorded(name: str) -> Driver | Complaint | None:
    """Read a terminal session: the table of ``nvidia-smi``, then its query and perhaps its list."""
    return session((RECORDED / f"{name}.txt").read_text(encoding="utf-8"))


def session(text: str) -> Driver | Complaint | None:
    table, _, query = text.partition("$ nvidia-smi --query")
    return parse_driver(table.removeprefix("$ nvidia-smi"), query.partition("\n")[2])


def facts(cuda: str | None, archs: list[str], available: bool) -> dict[str, Any]:
    return {"cuda": cuda, "hip": None, "archs": archs, "available": available}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look like an active environment that can be written, without a mirror."""
    monkeypatch.setattr("dlcourse.install.machine.in_environment", lambda: True)
    monkeypatch.setattr("dlcourse.install.machine.writable", lambda folder: True)
    for name in ("DLCOURSE_INDEX", "PIP_INDEX_URL", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("name", "driver"),
    [
        ("kepler", Driver("475.14", (11, 4), (("NVIDIA GeForce GT 730", None),))),
        ("fermi", Driver("390.157", (9, 1), (("GeForce GTX 560 Ti", None),))),
        ("before_410", Driver("396.24", (9, 2), (("GeForce GTX 1070", None),))),
        ("inforom", Driver("560.94", (12, 6), (("NVIDIA GeForce RTX 4070", (8, 9)),))),
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
    assert session(windows) == driver


@pytest.mark.parametrize(
    ("name", "line", "fix"),
    [
        ("no_driver", "couldn't communicate with the NVIDIA driver", "for the kernel that now runs"),
        ("not_loaded", "Driver Not Loaded", "for the kernel that now runs"),
        ("mismatch", "Failed to initialize NVML: Driver/library version mismatch", "Restart the computer (in WSL"),
        ("no_devices", "No devices were found", "Switch the GPU on"),
        ("no_permission", "Failed to initialize NVML: Insufficient Permissions", "video,render"),
        ("no_permission_windows", "you do not have suffient permissions", "administrator"),
        ("gpu_lost", "GPU is lost.  Reboot the system to recover this GPU", "power cable"),
        ("gpu_unknown_error", "Unable to determine the device handle", "power cable"),
        ("container_lost_it", "Failed to initialize NVML: Unknown Error", "Restart the container"),
        ("wsl_blocked", "GPU access blocked by the operating system", "wsl --update"),
        ("no_library", "couldn't find libnvidia-ml.so", "a part of it is missing"),
        ("no_cuda", "CUDA Version: N/A", "NVIDIA_DRIVER_CAPABILITIES"),
        ("jetson", "Driver Version: N/A", "JetPack"),
        ("something_new", "A Sentence Of Next Year", "if that does not help, install the driver"),
    ],
)
@pytest.mark.parametrize("torch_cuda", [None, "12.6"])
def test_what_nvidia_smi_complains_of_is_quoted(name: str, line: str, fix: str, torch_cuda: str | None) -> None:
    complaint = recorded(name)
    (result,) = judge_gpu(complaint, facts(torch_cuda, CU126, available=False))
    assert result.status == "warn" and line in result.found and fix in result.fix
    # A program that still works is not told that its driver is missing.
    assert [r.status for r in judge_gpu(complaint, facts("12.6", CU126, available=True))] == ["ok"]


def pretend(monkeypatch: pytest.MonkeyPatch, answers: dict[str, tuple[int, str, str] | Exception]) -> None:
    """Let nvidia-smi give these answers: option to (exit status, stdout, stderr)."""

    def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[bytes]:
        answer = answers[command[1].partition("=")[0] if len(command) > 1 else ""]
        if isinstance(answer, Exception):
            raise answer
        return subprocess.CompletedProcess(command, answer[0], answer[1].encode(), answer[2].encode())

    monkeypatch.setattr("subprocess.run", run)
    monkeypatch.setattr("shutil.which", lambda place: "nvidia-smi" if place == "nvidia-smi" else None)


@pytest.mark.parametrize("stream", [1, 2])
def test_reading_both_streams_whatever_the_exit_status(stream: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def say(status: int, text: str) -> tuple[int, str, str]:
        return (status, text, "") if stream == 1 else (status, "", text)

    mismatch = say(18, "Failed to initialize NVML: Driver/library version mismatch\r\n")
    pretend(monkeypatch, {"": mismatch, "--query-gpu": mismatch})
    found = read_driver()
    assert isinstance(found, Complaint) and found.line == "Failed to initialize NVML: Driver/library version mismatch"
    table = "NVIDIA-SMI 475.14   Driver Version: 475.14   CUDA Version: 11.4"
    answers: dict[str, tuple[int, str, str] | Exception] = {
        "": say(14, table),
        "--query-gpu": say(2, 'Field "compute_cap" is not a valid field to query.'),
        "-L": say(0, "GPU 0: NVIDIA GeForce GT 730 (UUID: GPU-3e865575)"),
    }
    pretend(monkeypatch, answers)
    assert read_driver() == Driver("475.14", (11, 4), (("NVIDIA GeForce GT 730", None),))


@pytest.mark.parametrize(
    ("answer", "line", "fix"),
    [
        (subprocess.TimeoutExpired("nvidia-smi", 30), "no answer in 30 s", "Restart"),
        (PermissionError(13, "Permission denied"), "Permission denied", "install the driver again"),
        (OSError("Exec format error"), "Exec format error", "install the driver again"),
        ((0, "", ""), "without a word", "install the driver again"),
    ],
)
def test_nvidia_smi_that_hangs_or_cannot_start(
    answer: Exception | tuple[int, str, str], line: str, fix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend(monkeypatch, {"": answer, "--query-gpu": answer})
    found = read_driver()
    assert isinstance(found, Complaint) and line in found.line and fix in found.fix


def test_nvidia_smi_is_looked_for_where_wsl_and_windows_put_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def which(place: str) -> str | None:
        asked.append(place)
        return None

    monkeypatch.setattr("shutil.which", which)
    assert read_driver() is None
    assert asked[0] == "nvidia-smi" and "/usr/lib/wsl/lib/nvidia-smi" in asked and any("NVSMI" in p for p in asked)


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
@pytest.mark.parametrize("torch_cuda", [None, "11.8", "12.6", "13.0"])
@pytest.mark.parametrize(
    "driver",
    [
        recorded("kepler"),
        recorded("fermi"),
        Driver("475.14", (11, 4), (("NVIDIA GeForce GT 730", (3, 5)),)),
        Driver("391.35", (9, 1), (("GeForce GT 430", (2, 1)),)),
    ],
)
def test_nothing_to_install_for_a_gpu_that_every_build_left_behind(driver: Driver, torch_cuda: str | None) -> None:
    (result,) = judge_gpu(driver, facts(torch_cuda, CU126, available=False))
    assert (result.status, result.fix) == ("skip", "")
    assert "nothing to install, the CPU is used" in result.found and driver.gpus[0][0] in result.found


@pytest.mark.parametrize(
    ("name", "old"),
    [
        *[(name, True) for name in (
            "GeForce GTX 560 Ti", "NVIDIA GeForce GT 710", "GeForce GT 730", "GeForce GT 640", "GeForce GTX 650 Ti",
            "GeForce GTX 680", "GeForce GTX 760", "GeForce GTX 780 Ti", "GeForce GTX TITAN Black", "GeForce GT 740M",
            "GeForce GT 750M", "GeForce GTX 765M", "GeForce 820M", "GeForce 920M", "GeForce GTX 870M", "GeForce 210",
            "GeForce 9800 GT", "Quadro K2000", "Quadro K4200", "Quadro 4000", "Quadro 600", "Tesla K20c", "Tesla K40m",
            "Tesla C2075", "NVS 315", "GRID K520",
        )],
        *[(name, False) for name in (
            "GeForce GTX 750 Ti", "GeForce GTX 745", "GeForce GTX 950M", "GeForce 940MX", "GeForce 920MX",
            "GeForce GTX 1050", "NVIDIA GeForce MX150", "GeForce GTX TITAN X", "NVIDIA TITAN Xp", "NVIDIA TITAN V",
            "Quadro K620", "Quadro K2200", "Quadro M2000", "Quadro P2000", "Quadro RTX 4000", "Tesla K80", "Tesla P100",
            "Tesla T4", "Tesla V100-SXM2-16GB", "NVIDIA A100-SXM4-40GB", "NVIDIA GeForce RTX 3060", "RTX A2000",
            "NVIDIA GeForce GTX 1650", "NVIDIA RTX 6000 Ada Generation", "NVIDIA RTX 4000 SFF Ada Generation",
            "NVIDIA L4", "NVIDIA GeForce RTX 5090", "NVIDIA GB10", "Something nobody knows",
        )],
    ],
)  # fmt: skip
def test_names_of_old_gpus_where_the_driver_tells_no_capability(name: str, old: bool) -> None:
    assert is_too_old(name, None) is old


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("capability", [(5, 0), (5, 2), (6, 1), (7, 0)])
@pytest.mark.parametrize(
    ("version", "cuda"), [("390.157", (9, 1)), ("470.256.02", (11, 4)), ("535.54", (12, 2)), ("580.65", (13, 0))]
)
@pytest.mark.parametrize("torch_cuda", [None, "11.8", "12.6", "12.8", "13.0", "13.2"])
def test_maxwell_to_volta_are_told_only_what_exists(
    capability: tuple[int, int], version: str, cuda: tuple[int, int], torch_cuda: str | None
) -> None:
    """The last driver branch is 580, and the last build cu126."""
    archs = CU126 if torch_cuda in ("11.8", "12.6") else CU128
    for result in judge_gpu(Driver(version, cuda, (("GPU", capability),)), facts(torch_cuda, archs, available=True)):
        assert not re.search("cu13|cu128|cu118", result.fix)
        if re.search(r"driver to \d", result.fix):
            assert re.search("(525|450) or newer, at most 580", result.fix) and cuda[0] < 12
        elif result.status == "fail":
            assert result.fix.endswith("/whl/cu126") and cuda[0] >= 12


@pytest.mark.usefixtures("environment")
def test_a_tesla_k80_still_has_one_build() -> None:
    driver = Driver("470.256.02", (11, 4), (("Tesla K80", (3, 7)),))
    assert judge_driver(driver, None).fix.endswith("/whl/cu118")
    assert judge_driver(driver, "12.6").fix.endswith("/whl/cu118")
    assert judge_driver(driver, "11.8").status == "warn"


@pytest.mark.usefixtures("environment")
def test_an_old_gpu_beside_a_new_one() -> None:
    driver = Driver("470.256.02", (11, 4), (("GeForce GT 710", (3, 5)), ("RTX 3060", (8, 6))))
    assert "525 or newer" in judge_driver(driver, "12.6").fix
    both = judge_gpu(Driver("470.256.02", (11, 4), driver.gpus), facts("11.8", CU126, available=True))
    assert [r.status for r in both] == ["warn", "skip", "ok"]


@pytest.mark.usefixtures("environment")
def test_a_gpu_that_the_table_does_not_know() -> None:
    driver = Driver("700.10", (14, 0), (("GPU of tomorrow", (14, 0)),))
    assert "until PyTorch has a build for sm_140" in judge_driver(driver, None).fix
    _, result = judge_gpu(driver, facts("13.0", CU128, available=True))
    assert result.status == "fail" and "until PyTorch has a build for sm_140" in result.fix
    _, result = judge_gpu(driver, facts("13.0", CU130, available=True))
    assert result.status == "ok", "PTX runs on newer GPUs"
    unnamed = Driver("560.94", (12, 6), (("GPU without a capability", None),))
    assert [r.status for r in judge_gpu(unnamed, facts("12.6", CU126, available=True))] == ["ok", "skip"]


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
        ((11, 4), None, "cu118"), ((13, 0), (3, 5), "cpu"), ((9, 1), None, "cpu"), ((11, 4), (12, 0), "cpu"),
        ((11, 4), (3, 7), "cu118"), ((13, 0), (14, 0), "cpu"), ((12, 2), (7, 0), "cu126"), ((13, 0), (7, 0), "cu126"),
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


# --- the table -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cuda", "name"),
    [((12, 6), "cu126"), ((12, 9), "cu128"), ((12, 4), "cu118"), ((13, 0), "cu130"), ((13, 5), "cu132")],
)
def test_a_build_between_two_rows_is_judged_by_the_older(cuda: tuple[int, int], name: str) -> None:
    build = find_build(cuda)
    assert build is not None and build.name == name
    assert find_build((10, 2)) is None


def test_the_table_agrees_with_what_pytorch_reports() -> None:
    capabilities = [(3, 5), (3, 7), (5, 0), (6, 1), (7, 0), (7, 5), (8, 6), (8, 9), (9, 0), (10, 3), (12, 0), (12, 1)]
    for cuda, archs in (((12, 6), CU126), ((12, 8), CU128), ((13, 0), CU128)):
        build = find_build(cuda)
        assert build is not None
        for capability in capabilities:
            assert build.has_code(capability) == (judge_architecture("GPU", capability, archs).status == "ok")


def test_the_table_in_words() -> None:
    lines = builds_table().splitlines()
    assert len(lines) == len(BUILDS) + 3 and len({line.count("|") for line in lines}) == 1
    assert "| `cu126` | 12.6 | Maxwell to Hopper (sm_50 to sm_90) | 525 or newer | 2.6 to 2.14 |" in lines
    assert "| `cu130` | 13.0 | Turing to Blackwell (sm_75 to sm_120) | 580 or newer | from 2.9 |" in lines


def test_readme_names_only_builds_of_the_table() -> None:
    text = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    known = {build.name for build in BUILDS}
    assert set(re.findall(r"\bcu[0-9]{3}\b", text)) <= known
    assert "--cuda" in text and ("| build |" not in text or builds_table() in text)


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
