from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dlcourse.install import doctor, machine
from dlcourse.install.environment import Settings
from dlcourse.install.gpu import Driver


@pytest.fixture
def active(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look like an active environment that can be written, without a mirror."""
    for module in (doctor, machine):
        monkeypatch.setattr(module, "in_environment", lambda: True)
        monkeypatch.setattr(module, "can_install", lambda: True)
    for name in ("PIP_INDEX_URL", "CUDA_VISIBLE_DEVICES", "KMP_DUPLICATE_LIB_OK"):
        monkeypatch.delenv(name, raising=False)


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
    monkeypatch.setattr(doctor, "writable", lambda folder: True)
    assert doctor.check_environment() == doctor.Result("environment", "ok", "a virtual environment")
    (tmp_path / "conda-meta").mkdir()
    assert doctor.check_environment() == doctor.Result("environment", "ok", "a conda environment")
    for module in (doctor, machine):
        monkeypatch.setattr(module, "writable", lambda folder: False)
    result = doctor.check_environment()
    assert result.status == "warn" and "a conda environment that cannot be written" in result.found
    assert "-m dlcourse setup" in result.fix and ".venv" in result.fix
    monkeypatch.setattr(doctor, "is_complete", lambda: True)
    assert doctor.check_environment().status == "ok", "nothing has to be written any more"
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(tmp_path))
    (tmp_path / "EXTERNALLY-MANAGED").touch()
    result = doctor.check_environment()
    assert result.status == "warn" and "externally managed" in result.found and ".venv" in result.fix


@pytest.mark.usefixtures("active")
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


@pytest.mark.usefixtures("active")
def test_missing_and_old_packages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("numpy>=999\nno-such-package>=1\n-e .\n", encoding="utf-8")
    monkeypatch.setattr(doctor, "ROOT", tmp_path)
    result = doctor.check_packages()
    assert result.status == "fail" and "no-such-package is missing" in result.found and "outside" in result.found
    assert result.fix.endswith("-m pip install -r requirements.txt")


@pytest.mark.parametrize(("name", "status"), [("torch", "fail"), ("random", "fail"), ("test", "ok"), ("lenet", "ok")])
def test_shadowing(name: str, status: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / f"{name}.py"
    path.write_text("raise SystemExit('imported')", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    result = doctor.check_shadowing()
    assert result.status == status and (status == "ok" or result.fix.startswith(f"Rename {path.resolve()} "))


@pytest.mark.parametrize(
    ("settings", "status", "named"),
    [
        ({}, "ok", ""),
        ({"index-url": ("https://host/simple", "PIP_INDEX_URL"), "user": ("0", "PIP_USER")}, "ok", ""),
        ({"user": ("1", "PIP_USER")}, "warn", "PIP_USER sets user = 1"),
        ({"user": ("true", "/home/me/pip.conf")}, "warn", "/home/me/pip.conf sets user = true"),
        ({"target": ("/lib", "PIP_TARGET")}, "warn", "PIP_TARGET sets target = /lib"),
        ({"prefix": ("/lib", "PIP_PREFIX")}, "warn", "PIP_PREFIX"),
        ({"no-deps": ("1", "PIP_NO_DEPS")}, "warn", "PIP_NO_DEPS"),
        ({"require-virtualenv": ("1", "PIP_REQUIRE_VIRTUALENV")}, "ok", ""),
    ],
)
def test_pip_settings_that_lead_astray(
    settings: Settings, status: str, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "pip_settings", lambda: settings)
    monkeypatch.setattr(sys, "prefix", "/an/environment")
    result = doctor.check_pip()
    assert result.status == status and named in result.found
    assert ("-m dlcourse setup" in result.fix) == (status == "warn")


def test_pip_that_cannot_read_its_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "pip.ini").write_bytes("[global]".encode("utf-16"))
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.ini"))
    result = doctor.check_pip()
    assert result.status == "fail" and str(tmp_path / "pip.ini") in result.found and "rename" in result.fix


def test_trial_without_a_c_module_is_not_sent_to_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "_lzma", None)
    trial = doctor.check_trial("x", "raise ModuleNotFoundError(\"No module named '_lzma'\")")
    assert trial.status == "fail" and "without _lzma" in trial.found
    assert "liblzma-dev" in trial.fix and " -m pip " not in trial.fix


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
    monkeypatch.setattr(doctor, "has_module", lambda name: torch)
    result = doctor.check_disk()
    assert result.status == status and bool(result.fix) == (status != "ok")


def test_folder_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(doctor, "ROOT", tmp_path)
    assert doctor.check_write().status == "ok"
    monkeypatch.setattr(doctor, "ROOT", tmp_path / "absent")
    for installed, status in ((True, "warn"), (False, "fail")):
        monkeypatch.setattr(doctor, "has_module", lambda name, there=installed: there)
        assert doctor.check_write().status == status


def test_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DLCOURSE_DATA", str(tmp_path))
    assert "not downloaded" in doctor.check_data().found
    (tmp_path / "MNIST" / "raw").mkdir(parents=True)
    (tmp_path / "MNIST" / "raw" / "train-images-idx3-ubyte").touch()
    result = doctor.check_data()
    assert result.status == "ok" and "full scale: MNIST" in result.found


# --- running and reporting -----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("active")
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
    for name in doctor._TRIALS:
        assert results[name]["found"] == "torch is not installed" and results[name]["fix"].startswith("Run: ")


def test_before_set_up_the_build_for_this_gpu_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    known = doctor.has_module
    monkeypatch.setattr(doctor, "has_module", lambda name: name != "torch" and known(name))
    monkeypatch.setattr(doctor, "read_driver", lambda: Driver("560.35", (12, 6), (("GTX 1080", (6, 1)),)))
    (result,) = doctor.check_gpu()
    assert "not installed yet" in result.found and "cu126" in result.fix
    monkeypatch.setattr(doctor, "read_driver", lambda: None)
    (result,) = doctor.check_gpu()
    assert result.status == "skip" and "no NVIDIA driver" in result.found
