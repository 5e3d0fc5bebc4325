"""Known error messages: each gets its cause and its fix."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlcourse.install.errors import explain_error


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
    found = explain_error(message)
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
        found = explain_error(message, system)
        assert found is not None and fix in found.fix


def test_unknown_error() -> None:
    assert explain_error("Successfully installed torch-2.6.0") is None


@given(st.text())
def test_explaining_never_raises(text: str) -> None:
    found = explain_error(text)
    assert found is None or (found.cause and found.fix)
