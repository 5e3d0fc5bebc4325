"""What notebook 6.3 starts: real processes, their equality with one, a real kill, and nothing left behind."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch.utils.data import DistributedSampler

from dlcourse import launch, models
from dlcourse.authoring import definitions
from dlcourse.exercises import ch06_3

FOLDER = definitions.ROOT / "06_tuning"
SLEEPER = "import sys, time\nfrom pathlib import Path\nPath(sys.argv[1]).touch()\ntime.sleep(600)\n"
linux = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")


@pytest.fixture(scope="module")
def nb() -> ModuleType:
    return definitions.load_definitions(FOLDER / "03_scaling_out.ipynb")


@pytest.fixture(scope="module", autouse=True)
def torchrun_works() -> None:
    if not torch.distributed.is_available() or not torch.distributed.is_gloo_available():
        pytest.skip("this PyTorch has no gloo")


def processes_of_this_test() -> set[str]:
    """Return the processes that a job of this test started and that still run."""
    found = set()
    for status in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if f"DLCOURSE_TEST={os.getpid()}".encode() in status.read_bytes().split(b"\0"):
                found.add(status.parent.name)
    return found


@pytest.fixture
def clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Check that a test leaves no process and no temporary file; it has a temporary folder of its own."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("DLCOURSE_TEST", str(os.getpid()))
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    yield
    monkeypatch.delenv("DLCOURSE_TEST")
    assert processes_of_this_test() == set()
    assert [path.name for path in temporary.iterdir() if path.name.startswith(("dlcourse-", "torchelastic"))] == []


@linux
def test_killed_and_restarted_run_equals_one_process(tmp_path: Path, clean: None) -> None:
    arguments = ["--steps", 24, "--dtype", "float64", "--batch-size", 64, "--lr", 0.05, "--seed", 3]
    first = ["--checkpoint", tmp_path / "one.pt"]
    one = launch.torchrun(FOLDER / "train_ddp.py", *arguments, *first, processes=1)
    saved = torch.load(tmp_path / "one.pt", weights_only=True)["model"]
    names = [name for name, _ in models.LeNet().named_parameters()]
    torch.save({20: torch.cat([saved[name].flatten() for name in names])}, tmp_path / "weights.pt")
    arguments += ["--compare", tmp_path / "weights.pt"]
    two = launch.torchrun(
        FOLDER / "train_ddp.py", *arguments, "--kill-at", 17, "--checkpoint", tmp_path / "run.pt", processes=2,
        options=["--max-restarts=1"], environment={"TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1"},
    )  # fmt: skip
    assert (one["world"], two["world"], two["restarts"]) == (1, 2, 1)
    assert two["accuracy"] == pytest.approx(one["accuracy"])
    assert two["differences"].keys() == {"20"} and two["differences"]["20"] <= 1e-12
    if os.name == "posix":
        assert "exitcode: -9" in two["log"]
    theirs, ours = (torch.load(tmp_path / name, weights_only=True) for name in ("one.pt", "run.pt"))
    assert ours["step"] == theirs["step"] == 20
    for name, weights in theirs["model"].items():
        assert weights.dtype == torch.float64
        assert (ours["model"][name] - weights).abs().max() <= 1e-12
    assert not list(tmp_path.glob("*.part"))


@linux
def test_a_job_that_hangs_is_ended_with_its_workers(tmp_path: Path, clean: None) -> None:
    script = tmp_path / "sleeper.py"
    script.write_text(SLEEPER, encoding="utf-8")
    with pytest.raises(launch.JobError, match="not done in time"):
        launch.torchrun(script, tmp_path / "started", timeout=15)


@linux
def test_workers_end_when_their_launcher_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "sleeper.py"
    script.write_text(SLEEPER, encoding="utf-8")
    code = f"from dlcourse import launch\nlaunch.torchrun({str(script)!r}, {str(tmp_path / 'started')!r})"
    variables = {**os.environ, "DLCOURSE_TEST": str(os.getpid()), "TMPDIR": str(tmp_path)}
    launcher = subprocess.Popen([sys.executable, "-c", code], env=variables)
    deadline = time.monotonic() + 120
    while not (tmp_path / "started").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    launcher.send_signal(signal.SIGKILL)
    launcher.wait()
    while (left := processes_of_this_test()) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not left


def test_shares_that_are_not_equal_are_refused() -> None:
    with pytest.raises(launch.JobError) as caught:
        launch.torchrun(FOLDER / "train_ddp.py", "--steps", 1, processes=3)
    assert "must divide the batch size" in caught.value.log


def test_a_broken_script_cannot_hide_behind_what_was_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded, script = tmp_path / "jobs.json", tmp_path / "broken.py"
    launch.store(recorded, "a", {"value": 3})
    script.write_text("raise ValueError('a mistake')\n", encoding="utf-8")
    monkeypatch.setattr(launch, "_state", {"worked": False, "broken": ""})
    with pytest.raises(launch.JobError, match="a mistake"):
        launch.job("a", script, recorded=recorded)


def test_an_error_of_a_worker_is_told(tmp_path: Path) -> None:
    script = tmp_path / "wrong.py"
    script.write_text("raise ValueError('no such digits')\n", encoding="utf-8")
    with pytest.raises(launch.JobError, match="ended with code") as caught:
        launch.torchrun(script, processes=1)
    assert "no such digits" in caught.value.log


def test_job_tells_and_uses_the_recorded_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded = tmp_path / "jobs.json"
    launch.store(recorded, "a", {"value": 3, "log": "long"})
    assert launch.stored(recorded, "a") == {"value": 3}

    def fail(*_: Any, **__: Any) -> dict[str, Any]:
        raise OSError("no gloo on this machine")

    monkeypatch.setattr(launch, "torchrun", fail)
    monkeypatch.setattr(launch, "_state", {"worked": False, "broken": ""})
    assert launch.job("a", "script.py", recorded=recorded) == {"value": 3, "log": ""}
    assert "no gloo on this machine" in capsys.readouterr().out
    monkeypatch.setenv("DLCOURSE_RECORD", str(tmp_path / "lines"))
    with pytest.raises(launch.JobError, match="nothing to record"):
        launch.job("a", "script.py", recorded=recorded)
    monkeypatch.setattr(launch, "_state", {"worked": True, "broken": ""})
    with pytest.raises(OSError):
        launch.job("a", "script.py", recorded=recorded)


def test_recorded_jobs_have_what_the_notebook_reads() -> None:
    jobs = json.loads((FOLDER / "recorded_jobs.json").read_text(encoding="utf-8"))
    assert {"two processes", "two processes, float32", "lab", "killed", "two nodes", "restarts"} <= set(jobs)
    assert "log" not in jobs["lab"] and jobs["killed"]["fingerprint"] == jobs["two processes"]["fingerprint"]


@linux
@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_the_slurm_script_with_stand_ins(tmp_path: Path) -> None:
    """Two tasks on this machine, at one port, started by a false srun; scontrol names the host."""
    false = {
        "scontrol": "#!/bin/bash\necho 127.0.0.1\necho 127.0.0.1\n",
        "srun": '#!/bin/bash\n"$@" --result "$OUT" & one=$!\n"$@" --result "$OUT" & two=$!\nwait $one && wait $two\n',
        "python": f'#!/bin/bash\nexec "{sys.executable}" $1 $2 --local-addr=127.0.0.1 "${{@:3}}"\n',
    }
    for name, text in false.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    out = tmp_path / "result.json"
    for file in ("train_ddp.py", "train.sbatch"):
        shutil.copy(FOLDER / file, tmp_path)
    variables = {
        "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}", "SLURM_JOB_NODELIST": "node[1-2]", "SLURM_NNODES": "2",
        "SLURM_JOB_ID": "7", "WORKERS": "1", "PORT": str(port), "OUT": str(out), "TMPDIR": str(tmp_path),
        "GLOO_SOCKET_IFNAME": "lo",
    }  # fmt: skip
    command = ["bash", "train.sbatch", "--steps", "3", "--save-every", "3"]
    done = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, **variables}, timeout=300, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(out.read_text(encoding="utf-8"))["world"] == 2
    assert (tmp_path / "lenet-7.pt").exists()


def test_ring_all_reduce(nb: ModuleType) -> None:
    for p in (1, 2, 3, 5):
        vectors = [torch.randn(4 * p, dtype=torch.float64) for _ in range(p)]
        reduced, sent = nb.ring_all_reduce(vectors)
        assert sent == 2 * (p - 1) * 4
        for result in reduced:
            assert torch.allclose(result, torch.stack(vectors).sum(0))


def test_step_seconds(nb: ModuleType) -> None:
    machine = {"fixed": 1.0, "example": 0.5, "delay": 0.25, "bytes": 8.0, "bandwidth": 4.0}
    assert nb.step_seconds(8, 1, machine) == 5
    assert nb.step_seconds(8, 2, machine) == 1 + 2 + 0.5 + 2


@pytest.mark.parametrize(("count", "world"), [(10, 4), (7, 2), (2, 5), (12, 4), (3, 8)])
def test_the_check_of_shard_is_the_sampler(count: int, world: int) -> None:
    case = next(iter(ch06_3._shard(lambda *args: None)))
    for rank in range(world):
        sampler = DistributedSampler(range(count), num_replicas=world, rank=rank, shuffle=False)  # type: ignore[arg-type]
        assert case.expected(count, rank, world) == list(sampler)


def test_the_notebook_removes_its_folder() -> None:
    assert any("workspace.cleanup()" in cell for cell in definitions.code_cells(FOLDER / "03_scaling_out.ipynb"))
