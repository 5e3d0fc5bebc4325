"""Known error messages: each gets its cause and its fix."""

from __future__ import annotations

import re
from pathlib import Path

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
        ("AssertionError: Torch not compiled with CUDA enabled", "CPU build", "doctor"),
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


RECORDED = Path(__file__).parent / "recorded" / "errors"
TEXTS = [
    ("page_file", "page file", "num_workers=0"),
    ("page_file_chinese", "page file", "Virtual memory"),
    ("cpu_memory_windows", "computer's memory", "batch_size"),
    ("cpu_memory_linux", "computer's memory", "batch_size"),
    ("numpy_memory", "computer's memory", "batch_size"),
    ("killed", "computer's memory", "batch_size"),
    ("pip_memory", "for its cache", "PIP_NO_CACHE_DIR"),
    ("cuda_memory", "GPU's memory", "batch_size"),
    ("mps_memory", "GPU's memory", "batch_size"),
    ("shared_memory", "shared memory", "num_workers=0"),
    ("glibcxx", "libstdc++", "libstdcxx-ng"),
    ("cxxabi", "libstdc++", "LD_LIBRARY_PATH"),
    ("glibc", "this Linux is older", "glibc 2.28"),
    ("nvjitlink", "another installation", "unset LD_LIBRARY_PATH"),
    ("cublas_symbol", "another installation", "unset LD_LIBRARY_PATH"),
    ("cudnn_missing", "CUDA packages is missing", "--force-reinstall"),
    ("mkl_symbol", "conda's MKL", "with pip"),
    ("torchvision_symbol", "belong together", "torch torchvision"),
    ("no_nvidia_driver", "asks for CUDA", "dlcourse.runtime.device()"),
    ("no_gpus", "asks for CUDA", "dlcourse.runtime.device()"),
    ("driver_too_old", "older than the CUDA", "doctor"),
    ("no_kernel_image", "no code for this GPU", "doctor"),
    ("saved_on_gpu", "saved on a GPU", "map_location"),
    ("driver_mismatch", "must start anew", "Restart"),
    ("unknown_error", "must start anew", "Restart"),
    ("assert", "label", "CPU"),
    ("no_such_kernel", "does not know the kernel", "lab"),
    ("no_native_kernel", "does not know the kernel", "lab"),
    ("dead_kernel", "crashed", "doctor"),
    ("jupyter_not_found", "not in the environment", "lab"),
    ("jupyter_not_recognized", "not in the environment", "lab"),
    ("jupyter_lab_not_found", "not in the environment", "lab"),
    ("no_python", "finds no Python", "python.org"),
    ("no_python_linux", "finds no Python", "python.org"),
    ("torch_source_folder", "not completely installed", "doctor"),
    ("lzma", "without a C module", ""),
    ("no_ssl", "without a C module", ""),
    ("numpy_1_and_2", "another NumPy", "fresh environment"),
    ("mirror_403", "refuses to answer", "another mirror"),
    ("mirror_502", "refuses to answer", "another mirror"),
    ("mirror_429", "refuses to answer", "another mirror"),
    ("mirror_500_retries", "refuses to answer", "another mirror"),
    ("mirror_404", "404", "/simple"),
    ("proxy", "proxy", "HTTPS_PROXY"),
    ("proxy_407", "proxy", "HTTPS_PROXY"),
    ("bad_zip", "damaged", "cache purge"),
    ("bad_crc", "damaged", "cache purge"),
    ("invalid_wheel", "damaged", "cache purge"),
    ("checkpoint", "incomplete", "Delete the file"),
    ("pip_user", "for the user", "PIP_USER"),
    ("no_record", "cannot replace", "fresh environment"),
    ("building", "compile", "3.10 to 3.13"),
    ("too_old_python", "Python version", "3.10"),
    ("resolution", "together", "fresh environment"),
    ("gbk", "encoding", "PYTHONUTF8"),
    ("win_193", "32-bit", "64-bit"),
    ("win_127", "mixed", "fresh environment"),
    ("win_1114", "Visual C++", "vc_redist"),
    ("dll_load_failed", "Visual C++", "vc_redist"),
    ("quota", "disk is full", "cache purge"),
]


@pytest.mark.parametrize(("name", "cause", "fix"), TEXTS, ids=[row[0] for row in TEXTS])
def test_recorded_texts(name: str, cause: str, fix: str) -> None:
    """Whole texts, in which several known words stand: each gets its own cause."""
    text = (RECORDED / f"{name}.txt").read_text(encoding="utf-8")
    for message in (text, text.replace("\n", "\r\n")):
        found = explain_error(message)
        assert found is not None and cause in found.cause and fix in found.fix, found


def test_every_recorded_text_is_tested() -> None:
    assert {path.stem for path in RECORDED.iterdir()} == {name for name, _, _ in TEXTS}


def test_every_module_of_the_course_that_is_missing_means_the_wrong_python() -> None:
    text = (Path(__file__).parents[2] / "requirements.txt").read_text(encoding="utf-8")
    packages = re.findall(r"^([\w.-]+)[<>=~!]", text, re.M)
    assert "torchvision" in packages
    for module in (*packages, "ipykernel", "ipykernel_launcher", "jupyterlab", "jupyter_client", "IPython", "dlcourse"):
        for message in (f"ModuleNotFoundError: No module named '{module}'", f"python3: No module named {module}"):
            found = explain_error(message)
            assert found is not None and "dlcourse lab" in found.fix, message
    assert explain_error("ModuleNotFoundError: No module named 'torchtext'") is None


def test_no_text_recommends_a_build_by_itself() -> None:
    """Which build fits, only the doctor can know: it sees driver and GPU."""
    source = (Path(__file__).parents[2] / "dlcourse" / "install" / "errors.py").read_text(encoding="utf-8")
    assert not re.search(r"\bcu1[0-9]{2}\b", source)


def test_unknown_error() -> None:
    assert explain_error("Successfully installed torch-2.6.0") is None


@given(st.text())
def test_explaining_never_raises(text: str) -> None:
    found = explain_error(text)
    assert found is None or (found.cause and found.fix)
