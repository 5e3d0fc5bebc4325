from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from dlcourse import doctor
from dlcourse.doctor import Driver, judge_architecture, judge_driver, parse_driver

RECORDED = Path(__file__).parent / "recorded"


def recorded(name: str) -> Driver | None:
    """Read a recorded run: nvidia-smi's table, a line of dashes, then the ``name,compute_cap`` query."""
    table, _, query = (RECORDED / f"{name}.txt").read_text(encoding="utf-8").partition("-----query-----\n")
    return parse_driver(table, query)


def test_no_driver() -> None:
    assert recorded("no_driver") is None
    assert judge_driver(None, None).status == "skip"
    result = judge_driver(None, "12.6")
    assert result.status == "warn" and "driver" in result.fix


def test_old_driver() -> None:
    driver = recorded("old_driver")
    assert driver is not None and driver.cuda == (11, 4) and driver.gpus == (("Quadro P2000", (6, 1)),)
    result = judge_driver(driver, "12.6")
    assert result.status == "fail" and "11.4" in result.found and "Update the driver" in result.fix


def test_new_gpu_with_old_wheel() -> None:
    driver = recorded("new_gpu")
    assert driver is not None and judge_driver(driver, "12.4").status == "ok"
    result = judge_architecture(*driver.gpus[0], ["sm_50", "sm_60", "sm_70", "sm_75", "sm_80", "sm_86", "sm_90"])
    assert result.status == "fail" and "newer than the wheel" in result.fix and "cu128" in result.fix


def test_old_gpu_with_new_wheel() -> None:
    driver = recorded("old_gpu")
    assert driver is not None and judge_driver(driver, "12.8").status == "ok"
    wheel = ["sm_70", "sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120", "compute_120"]
    result = judge_architecture(*driver.gpus[0], wheel)
    assert result.status == "fail" and "older than the wheel" in result.fix and "cu126" in result.fix


def test_good_gpu() -> None:
    driver = recorded("good_gpu")
    assert driver is not None
    assert judge_driver(driver, "12.6").status == "ok"
    assert judge_architecture(*driver.gpus[0], ["sm_80", "sm_86", "sm_90"]).status == "ok"
    assert judge_driver(driver, "13.0").status == "fail"
    assert judge_driver(driver, "12.8").status == "warn"
    cpu_build = judge_driver(driver, None)
    assert cpu_build.status == "warn" and "--cuda cu128" in cpu_build.fix


@pytest.mark.parametrize(
    ("capability", "wheel", "fits"),
    [
        ((8, 6), ["sm_80"], True),
        ((8, 0), ["sm_86"], False),
        ((9, 0), ["sm_80"], False),
        ((12, 0), ["sm_90", "compute_90"], True),
        ((8, 0), ["compute_90"], False),
        ((12, 0), ["sm_120"], True),
        ((10, 3), ["sm_100"], True),
    ],
)
def test_binary_and_ptx_compatibility(capability: tuple[int, int], wheel: list[str], fits: bool) -> None:
    assert (judge_architecture("GPU", capability, wheel).status == "ok") is fits


@pytest.mark.parametrize(
    ("message", "cause", "fix"),
    [
        ("ERROR: torch-2.6-cp311-cp311-win_amd64.whl is not a supported wheel on this platform.", "tag", "wheels"),
        (
            'OSError: [WinError 126] The specified module could not be found. Error loading "fbgemm.dll"',
            "C++",
            "vc_redist",
        ),
        ("AssertionError: Torch not compiled with CUDA enabled", "CPU build", "--cuda"),
        (
            "RuntimeError: CUDA error: no kernel image is available for execution on the device",
            "architecture",
            "doctor",
        ),
        ("RuntimeError: operator torchvision::nms does not exist", "belong together", "torchvision"),
        (
            "OMP: Error #15: Initializing libiomp5md.dll, but found libiomp5md.dll already initialized.",
            "OpenMP",
            "fresh",
        ),
        ("BrokenPipeError: [Errno 32] Broken pipe", "workers", "num_workers=0"),
        ("error: externally-managed-environment", "operating system", ".venv"),
        ("ERROR: No matching distribution found for torch>=2.6", "Python version", "3.10"),
        ("pip._vendor.urllib3.exceptions.ReadTimeoutError: Read timed out.", "slow", "--mirror"),
        (
            "Failed to establish a new connection: [Errno -3] Temporary failure\nNo matching distribution",
            "reached",
            "--mirror",
        ),
        ("SSLCertVerificationError: CERTIFICATE_VERIFY_FAILED", "secure connection", "PIP_CERT"),
        ("OSError: [Errno 28] No space left on device", "disk", "Free"),
        ("PermissionError: [WinError 5] Access is denied: 'c10.dll'", "in use", "Close"),
        ("THESE PACKAGES DO NOT MATCH THE HASHES", "damaged", "cache purge"),
        ("OSError: [WinError 206] The filename or extension is too long", "path", "short folder"),
        ("No module named ensurepip", "virtual environments", "python3-venv"),
    ],
)
def test_error_messages(message: str, cause: str, fix: str) -> None:
    found = doctor.explain_error(message)
    assert found is not None and cause in found.cause and fix in found.fix
    assert doctor.explain_error("everything is fine") is None


def test_an_exception_in_a_check_is_a_failed_result(monkeypatch: pytest.MonkeyPatch) -> None:
    def check_boom() -> doctor.Result:
        raise OSError("[WinError 126] shm.dll")

    monkeypatch.setattr(doctor, "check_disk", check_boom)
    result = next(r for r in doctor.examine(trials=False) if r.name == "boom")
    assert result.status == "fail" and "vc_redist" in result.fix


def test_shadowing_file_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "torch.py").touch()
    monkeypatch.chdir(tmp_path)
    result = doctor.check_shadowing()
    assert result.status == "fail" and "torch.py" in result.fix


def test_wrong_kernel_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    from jupyter_client.kernelspec import KernelSpec, KernelSpecManager

    other = KernelSpec(argv=[str(Path(sys.base_prefix) / "elsewhere" / "python"), "-m", "ipykernel_launcher"])
    monkeypatch.setattr(KernelSpecManager, "get_kernel_spec", lambda self, name: other)
    assert doctor.check_kernel().status == "fail"


def test_openmp_override_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KMP_DUPLICATE_LIB_OK", "TRUE")
    assert doctor.check_openmp().status == "warn"


def test_missing_and_old_packages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("numpy>=999\nno-such-package>=1\n-e .\n", encoding="utf-8")
    monkeypatch.setattr(doctor, "ROOT", tmp_path)
    result = doctor.check_packages()
    assert result.status == "fail" and "no-such-package is missing" in result.found and "outside" in result.found


def test_trials_report_crash_hang_and_known_error() -> None:
    assert doctor.check_trial("x", "import os; os._exit(3)").status == "fail"
    assert doctor.check_trial("x", "while True: pass", timeout=1).found.startswith("no answer")
    known = doctor.check_trial("x", "raise RuntimeError('operator torchvision::nms does not exist')")
    assert "belong together" in known.found
    assert doctor.check_trial("x", "print('SKIP nothing')") == doctor.Result("x", "skip", "nothing")


def test_report_without_unicode() -> None:
    results = [doctor.Result("a", "fail", "the kernel “x”", "Do it.")]
    assert "✗" in doctor.report(results, "utf-8")
    doctor.report(results, "cp437").encode("cp437")


def test_json_and_exit_status(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for status, code in (("ok", 0), ("warn", 0), ("fail", 1)):
        monkeypatch.setattr(doctor, "examine", lambda status=status: [doctor.Result("a", status, "b")])
        assert doctor.main(["--json"]) == code
        assert json.loads(capsys.readouterr().out)[0]["status"] == status


def test_parsers_never_raise() -> None:
    hypothesis = pytest.importorskip("hypothesis")

    @hypothesis.given(hypothesis.strategies.text(), hypothesis.strategies.text())
    def inner(table: str, query: str) -> None:
        parse_driver(table, query)
        doctor.explain_error(table)
        judge_architecture(query, (8, 6), [table])

    inner()
