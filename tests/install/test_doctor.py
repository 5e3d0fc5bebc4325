from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlcourse.install import doctor
from dlcourse.install.doctor import Driver, best_build, judge_architecture, judge_driver, judge_gpu, parse_driver

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
    monkeypatch.setattr(doctor, "in_environment", lambda: True)
    for name in ("DLCOURSE_INDEX", "PIP_INDEX_URL", "CUDA_VISIBLE_DEVICES", "KMP_DUPLICATE_LIB_OK"):
        monkeypatch.delenv(name, raising=False)


# --- the graphics card ---------------------------------------------------------------------------------------------


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
    assert doctor.read_driver() is None


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


# --- error messages ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "cause", "fix"),
    [
        ("ERROR: torch-2.6-cp311-cp311-win_amd64.whl is not a supported wheel on this platform.", "tag", "wheels"),
        ('OSError: [WinError 126] The specified module … Error loading "C:\\x\\fbgemm.dll"', "C++", "vc_redist"),
        ('[WinError 126] 找不到指定的模块。 Error loading "D:\\torch\\lib\\shm.dll"', "C++", "never fetch DLLs"),
        ("AssertionError: Torch not compiled with CUDA enabled", "CPU build", "--cuda"),
        ("CUDA error: no kernel image is available for execution on the device", "architecture", "doctor"),
        ("The NVIDIA driver on your system is too old (found version 11040)", "driver", "nvidia.com/drivers"),
        ("RuntimeError: operator torchvision::nms does not exist", "belong together", "torch torchvision"),
        ("OMP: Error #15: Initializing libiomp5md.dll, but libiomp5md.dll already initialized", "OpenMP", "fresh"),
        ("BrokenPipeError: [Errno 32] Broken pipe", "workers", "num_workers=0"),
        ("RuntimeError: DataLoader worker (pid(s) 8) exited unexpectedly", "workers", "num_workers=0"),
        ("AttributeError: partially initialized module 'torch' has no attribute 'nn'", "your own", "rename"),
        ("ModuleNotFoundError: No module named 'torch'", "kernel", "lab"),
        ("error: externally-managed-environment", "operating system", ".venv"),
        ("ERROR: No matching distribution found for torch>=2.6", "Python version", "3.10"),
        ("pip._vendor.urllib3.exceptions.ReadTimeoutError: Read timed out.", "slow", "--mirror"),
        ("NewConnectionError: [Errno -3] Temporary failure\nNo matching distribution found", "reached", "--wheels"),
        ("OSError: [Errno 28] No space left on device", "disk", "cache purge"),
        ("THESE PACKAGES DO NOT MATCH THE HASHES", "damaged", "cache purge"),
        ("this system does not have Windows Long Path support enabled", "longer", "short folder"),
        # pip's log lists the files that it removes; they are not the problem
        ("Removing torch\\lib\\shm.dll\nPermissionError: [WinError 5] Access is denied: 'c10.dll'", "in use", ""),
    ],
)  # fmt: skip
def test_error_messages(message: str, cause: str, fix: str) -> None:
    found = doctor.explain_error(message)
    assert found is not None and cause in found.cause and fix in found.fix


@pytest.mark.parametrize(
    ("message", "windows", "linux", "mac"),
    [
        ("No module named ensurepip", "python.org", "apt install python3-venv", "python.org"),
        ("CERTIFICATE_VERIFY_FAILED", "PIP_CERT", "PIP_CERT", "Install Certificates"),
        ("[Errno 13] Permission denied: 'site-packages'", "notebooks", "never sudo", "never sudo"),
    ],
)
def test_error_fixes_of_each_system(message: str, windows: str, linux: str, mac: str) -> None:
    for system, fix in (("win32", windows), ("linux", linux), ("darwin", mac)):
        found = doctor.explain_error(message, system)
        assert found is not None and fix in found.fix


def test_unknown_error() -> None:
    assert doctor.explain_error("Successfully installed torch-2.6.0") is None


# --- commands ------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("environment")
def test_install_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor.install().endswith("-m pip install -r requirements.txt")
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror/simple")
    assert doctor.install().endswith("requirements.txt --index-url https://mirror/simple")
    monkeypatch.setattr(doctor, "in_environment", lambda: False)
    assert doctor.install("cu126").endswith("-m dlcourse setup --cuda cu126 --mirror https://mirror/simple")


def test_this_python_is_named_so_that_it_is_really_this_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(doctor, "WINDOWS", False)
    monkeypatch.setattr(doctor, "ROOT", tmp_path)
    monkeypatch.setattr(sys, "executable", str(tmp_path / ".venv" / "bin" / "python"))
    monkeypatch.setattr("shutil.which", lambda word: str(tmp_path / "bin" / word))
    assert Path(doctor.this_python()) == Path(".venv/bin/python")
    monkeypatch.setattr("shutil.which", lambda word: str(tmp_path / ".venv" / "bin" / word))
    assert doctor.this_python() == "python3"
    monkeypatch.setattr("shutil.which", lambda word: None)
    monkeypatch.setattr(sys, "executable", str(tmp_path.parent / "My Python" / "python"))
    assert doctor.this_python().startswith('"')


# --- checks --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "bits", "status"),
    [("3.10.4", 64, "ok"), ("3.13.1", 64, "ok"), ("3.9.1", 64, "fail"), ("3.11.2", 32, "fail"), ("3.15.0", 64, "warn")],
)
def test_python(version: str, bits: int, status: str) -> None:
    result = doctor.check_python(version, bits)
    assert result.status == status and ("python.org" in result.fix) == (status != "ok")


def test_environment_kinds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert "virtual" in doctor.check_environment().found
    (tmp_path / "conda-meta").mkdir()
    assert "conda" in doctor.check_environment().found
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(tmp_path))
    (tmp_path / "EXTERNALLY-MANAGED").touch()
    result = doctor.check_environment()
    assert result.status == "warn" and "externally managed" in result.found and ".venv" in result.fix


@pytest.mark.usefixtures("environment")
def test_kernel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from jupyter_client.kernelspec import KernelSpec, KernelSpecManager

    def kernel(program: Path | str) -> doctor.Result:
        spec = KernelSpec(argv=[str(program), "-m", "ipykernel_launcher"])
        monkeypatch.setattr(KernelSpecManager, "get_kernel_spec", lambda self, name: spec)
        return doctor.check_kernel()

    monkeypatch.setattr("shutil.which", lambda word: None)
    # Two environments of one Python: their links lead to the same file, and still they are two.
    for name in ("one", "two"):
        (tmp_path / name / "bin").mkdir(parents=True)
        if sys.platform != "win32":
            (tmp_path / name / "bin" / "python").symlink_to(sys.executable)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "one" / "bin" / "python"))
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "one"))
    assert kernel("python").status == "ok"
    assert kernel(tmp_path / "one" / "bin" / "python3").status == "ok"
    other = kernel(tmp_path / "two" / "bin" / "python")
    assert other.status == "fail" and "-m ipykernel install --sys-prefix" in other.fix
    # In a notebook, the terminal's jupyter may belong to another environment.
    monkeypatch.setitem(sys.modules, "ipykernel", sys)
    monkeypatch.setattr("shutil.which", lambda word: str(tmp_path / "two" / "bin" / word))
    assert kernel("python").status == "warn"


@pytest.mark.usefixtures("environment")
def test_missing_and_old_packages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("numpy>=999\nno-such-package>=1\n-e .\n", encoding="utf-8")
    monkeypatch.setattr(doctor, "ROOT", tmp_path)
    result = doctor.check_packages()
    assert result.status == "fail" and "no-such-package is missing" in result.found and "outside" in result.found
    assert result.fix.endswith("-m pip install -r requirements.txt")


@pytest.mark.parametrize(("name", "status"), [("torch", "fail"), ("random", "fail"), ("test", "ok"), ("lenet", "ok")])
def test_shadowing(name: str, status: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / f"{name}.py").write_text("raise SystemExit('imported')", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    result = doctor.check_shadowing()
    assert result.status == status and (status == "ok" or result.fix.startswith(f"Rename {name}.py"))


def test_openmp(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for folder in ("Library/bin", "site/torch/lib", "site/numpy.libs"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "Library/bin/libiomp5md.dll").touch()
    assert len(doctor.openmp_copies(tmp_path, tmp_path / "site")) == 1
    (tmp_path / "site/torch/lib/libiomp5md.dll").touch()
    assert len(doctor.openmp_copies(tmp_path, tmp_path / "site")) == 2
    monkeypatch.setattr(doctor, "WINDOWS", True)
    monkeypatch.setattr(doctor, "openmp_copies", lambda *folders: [Path("libiomp5md.dll")] * 2)
    monkeypatch.delenv("KMP_DUPLICATE_LIB_OK", raising=False)
    assert doctor.check_openmp().status == "warn"
    monkeypatch.setenv("KMP_DUPLICATE_LIB_OK", "TRUE")
    assert "Remove the variable" in doctor.check_openmp().fix


@pytest.mark.parametrize(
    ("free", "torch", "status"),
    [(0.5, True, "fail"), (2, True, "ok"), (2, False, "fail"), (5, False, "warn"), (20, False, "ok")],
)
def test_disk(free: float, torch: bool, status: str, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type("Usage", (), {"free": free * 1e9})
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: sys if torch else None)
    result = doctor.check_disk()
    assert result.status == status and bool(result.fix) == (status != "ok")


def test_folder_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert doctor.check_write().status == "ok"
    monkeypatch.setattr(doctor, "ROOT", tmp_path / "absent")
    assert doctor.check_write().status == "fail"


def test_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DLCOURSE_DATA", str(tmp_path))
    assert "not downloaded" in doctor.check_data().found
    (tmp_path / "MNIST" / "raw").mkdir(parents=True)
    (tmp_path / "MNIST" / "raw" / "train-images-idx3-ubyte").touch()
    result = doctor.check_data()
    assert result.status == "ok" and "full scale: MNIST" in result.found


# --- running and reporting -----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("environment")
def test_trials_report_crash_hang_and_known_error() -> None:
    crash = doctor.check_trial("x", "import os; os._exit(3)")
    assert crash.status == "fail" and "status 3" in crash.found and crash.fix.endswith("--force-reinstall")
    assert doctor.check_trial("x", "while True: pass", timeout=1).found.startswith("no answer")
    known = doctor.check_trial("x", "raise RuntimeError('operator torchvision::nms does not exist')")
    assert "belong together" in known.found and "torchvision" in known.fix
    assert doctor.check_trial("x", "print('SKIP nothing')") == doctor.Result("x", "skip", "nothing")
    assert doctor.check_trial("x", "print('二')").found == "二"


def test_an_exception_in_a_check_is_a_failed_result(monkeypatch: pytest.MonkeyPatch) -> None:
    def check_boom() -> doctor.Result:
        raise OSError('[WinError 126] Error loading "shm.dll"')

    monkeypatch.setattr(doctor, "check_disk", check_boom)
    result = next(r for r in doctor.examine(trials=False) if r.name == "boom")
    assert result.status == "fail" and "OSError" in result.found and "vc_redist" in result.fix


def test_every_problem_has_a_fix() -> None:
    for result in doctor.examine(trials=False):
        assert result.status in ("ok", "warn", "fail", "skip")
        assert result.found and bool(result.fix) == (result.status in ("warn", "fail"))


@pytest.mark.parametrize("encoding", ["utf-8", "gbk", "cp1252", "cp437", "ascii", "no-such-encoding"])
def test_report_fits_the_terminal(encoding: str) -> None:
    results = [doctor.Result("a", "fail", "the kernel “é中文”", "Do it."), doctor.Result("bcd", "ok", "fine")]
    text = doctor.report(results, encoding)
    assert ("✗ a    the kernel" in text) == (encoding == "utf-8")
    assert "Do it." in text
    if encoding not in ("utf-8", "no-such-encoding"):
        assert "FAIL a    the kernel" in text
        text.encode(encoding)


def test_json_and_exit_status(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def found(status: str) -> Callable[[], list[doctor.Result]]:
        return lambda: [doctor.Result("a", status, "b")]

    for status, code in (("ok", 0), ("warn", 0), ("skip", 0), ("fail", 1)):
        monkeypatch.setattr(doctor, "examine", found(status))
        assert doctor.main(["--json"]) == code
        assert json.loads(capsys.readouterr().out) == [{"name": "a", "status": status, "found": "b", "fix": ""}]
        assert doctor.main([]) == code
        assert "a  b" in capsys.readouterr().out
    assert doctor.main(["--jason"]) == 2 and "--json" in capsys.readouterr().err


def test_works_before_anything_is_installed() -> None:
    code = "import sys; from dlcourse.install import doctor; sys.exit(doctor.main(['--json']))"
    bare = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(doctor.ROOT)!r}); {code}"]
    done = subprocess.run(bare, capture_output=True, text=True, encoding="utf-8", timeout=120, check=False)
    results = {result["name"]: result for result in json.loads(done.stdout)}
    assert done.returncode == 1 and done.stderr == ""
    for name in (*doctor._TRIALS, "NVIDIA driver"):
        assert results[name]["found"] == "torch is not installed" and results[name]["fix"].startswith("Run: ")


# --- robustness ----------------------------------------------------------------------------------------------------

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
def test_explaining_never_raises(text: str) -> None:
    found = doctor.explain_error(text)
    assert found is None or (found.cause and found.fix)
    assert judge_architecture(text, (8, 6), [text]).status in ("ok", "skip", "fail")
