"""Checkpoints: resumed to the same result, described, never trusted blindly."""

from __future__ import annotations

import math
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from test_train import network, problem, run
from torch import nn

from dlcourse.train import accuracy

PROGRAM = """
    import os, random, signal, sys, numpy, torch
    from torch import nn
    from torch.nn import functional as F
    from torch.utils.data import TensorDataset
    from dlcourse import runtime
    from dlcourse.data import TensorLoader
    from dlcourse.train import fit
    path, die_at, out = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    runtime.seed(7)
    x = torch.randn(64, 4)
    own = torch.Generator().manual_seed(1)
    data = TensorLoader(TensorDataset(x, (x.sum(1) > 0).long()), 8, shuffle=True, generator=own)
    model = nn.Sequential(nn.Linear(4, 16), nn.Dropout(0.5), nn.Linear(16, 2))
    optimizer = torch.optim.Adam(model.parameters())
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 48)
    calls = 0
    def loss(output, target):
        global calls
        calls += 1
        if calls == die_at:
            os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
        noise = random.random() + numpy.random.rand()
        return F.cross_entropy(output, target) * (1 + 0.01 * noise)
    history = fit(model, data, data, epochs=6, loss=loss, optimizer=optimizer, scheduler=scheduler, schedule="batch",
        checkpoint=path or None, keep_best="val_loss", device="cpu", progress=False)
    torch.save([model.state_dict(), [r["train_loss"] for r in history.rows], history.best_epoch], out)
"""


def program(tmp_path: Path, checkpoint: str, die_at: int) -> tuple[int, str, Any]:
    script, out = tmp_path / "p.py", tmp_path / "out.pt"
    script.write_text(textwrap.dedent(PROGRAM), encoding="utf-8")
    out.unlink(missing_ok=True)
    command = [sys.executable, "-X", "utf8", str(script), checkpoint, str(die_at), str(out)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
    return done.returncode, done.stdout, torch.load(out, weights_only=True) if out.exists() else done.stderr


def test_resume_after_kill_gives_the_same_weights_bit_for_bit(tmp_path: Path) -> None:
    _, _, (want, losses, best) = program(tmp_path, "", -1)
    path = str(tmp_path / "run.pt")
    code, _, _ = program(tmp_path, path, 2 * (8 + 8) + 8 + 3)  # in the middle of an epoch
    assert code == -getattr(signal, "SIGKILL", 1) or code != 0
    code, printed, (got, resumed, again) = program(tmp_path, path, -1)
    assert code == 0 and "Continuing after epoch 2" in printed
    assert (resumed, again) == (losses, best)
    assert all(torch.equal(got[key], want[key]) for key in want)


def test_damaged_and_foreign_checkpoints_fall_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "deep" / "run.pt"
    run(network(), problem(), checkpoint=path)
    path.write_bytes(path.read_bytes()[:300])
    capsys.readouterr()
    run(network(), problem(), checkpoint=path, epochs=2)
    printed = capsys.readouterr().out
    assert "run.pt cannot be used" in printed and "Continuing after epoch 2 from run.pt.previous" in printed

    torch.save({"weights": torch.ones(3)}, path)
    path.with_name("run.pt.previous").unlink()
    model = network()
    want = model[0].weight.detach().clone()
    run(model, problem(), checkpoint=path, epochs=0)
    assert "not written by this version of dlcourse" in capsys.readouterr().out
    assert torch.equal(model[0].weight, want)

    run(network(), problem(), checkpoint=path, epochs=1)
    other = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 2))
    want = other[0].weight.detach().clone()
    run(other, problem(), checkpoint=path, epochs=0)
    assert torch.equal(other[0].weight, want)


def test_checkpoints_unpickle_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return (print, ("ran!",))

    path = tmp_path / "run.pt"
    torch.save(Evil(), path)
    run(network(), problem(), checkpoint=path, epochs=1)
    assert "ran!" not in capsys.readouterr().out


# --- another run than the checkpoint's ---------------------------------------------------------------------


def sgd(model: nn.Module, lr: float = 0.1, momentum: float = 0.9) -> torch.optim.Optimizer:
    return torch.optim.SGD(model.parameters(), lr=lr, momentum=momentum)


def first_run(path: Path, scheduler: bool = False) -> None:
    model = network()
    optimizer = sgd(model)
    steps = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5) if scheduler else None
    run(model, problem(), checkpoint=path, epochs=2, optimizer=optimizer, scheduler=steps)


def test_another_optimizer_starts_afresh(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "run.pt"
    first_run(path)
    model = network()
    history = run(model, problem(), checkpoint=path, optimizer=torch.optim.Adam(model.parameters()), epochs=1)
    printed = capsys.readouterr().out
    assert "optimizer: SGD in the checkpoint, Adam now" in printed and "starts afresh" in printed
    assert "Continuing" not in printed and len(history.rows) == 1
    run(model, problem(), checkpoint=path, optimizer=torch.optim.Adam(model.parameters()), epochs=3)
    old = torch.load(path.with_name("run.pt.old"), weights_only=True)
    assert old["run"]["optimizer"] == "SGD" and len(old["rows"]) == 2, "the run of before is lost"


def test_another_learning_rate_is_used_and_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "run.pt"
    first_run(path)
    model = network()
    history = run(model, problem(), checkpoint=path, optimizer=sgd(model, 0.001, 0.5), epochs=3, clip=1.0)
    printed = capsys.readouterr().out
    assert "Continuing after epoch 2" in printed
    assert "lr of group 0: 0.1 in the checkpoint, 0.001 now" in printed
    assert "momentum of group 0: 0.9 in the checkpoint, 0.5 now" in printed
    assert "clip: None in the checkpoint, 1.0 now" in printed
    assert history["lr"] == [0.1, 0.1, 0.001]


def test_another_scheduler_or_rate_under_a_scheduler_starts_afresh(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for lr, gamma, word in ((0.01, 0.5, "0.1 in the checkpoint, 0.01 now"), (0.1, 0.7, "gamma of the scheduler")):
        path = tmp_path / f"{lr}" / "run.pt"
        first_run(path, scheduler=True)
        model = network()
        optimizer = sgd(model, lr)
        steps = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=gamma)
        history = run(model, problem(), checkpoint=path, epochs=3, optimizer=optimizer, scheduler=steps)
        printed = capsys.readouterr().out
        assert word in printed and "starts afresh" in printed and history["lr"][0] == lr and len(history.rows) == 3


@pytest.mark.parametrize("one_cycle", [False, True])
def test_the_same_cell_run_again_goes_on_under_a_scheduler(
    one_cycle: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, model = tmp_path / "run.pt", network()
    optimizer = sgd(model)
    scheduler: Any = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5)
    if one_cycle:
        scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=20)
    options = {"checkpoint": path, "optimizer": optimizer, "scheduler": scheduler}
    run(model, problem(), epochs=2, **options)
    history = run(model, problem(), epochs=4, **options)
    printed = capsys.readouterr().out
    assert "Continuing after epoch 2" in printed and "now" not in printed and len(history.rows) == 4


def test_a_nan_in_the_first_epoch_is_not_resumed_as_the_best(tmp_path: Path) -> None:
    path, data = tmp_path / "run.pt", problem()
    values = iter([math.nan, 0.5, 0.4])
    options: dict[str, Any] = {
        "validation": [data.tensors], "metrics": {"odd": lambda output, target: torch.tensor(next(values))},
        "keep_best": "val_odd", "checkpoint": path,
    }  # fmt: skip
    run(network(), data, epochs=1, **options)
    assert run(network(), data, epochs=3, **options).best_epoch == 2


def test_a_learning_rate_of_numpy_can_be_saved(tmp_path: Path) -> None:
    for epochs in (1, 2):
        model = network()
        optimizer = sgd(model, 0.1)
        optimizer.param_groups[0]["lr"] = np.float64(0.1)
        history = run(model, problem(), checkpoint=tmp_path / "run.pt", optimizer=optimizer, epochs=epochs)
    assert len(history.rows) == 2


def test_rows_of_a_run_with_other_columns_are_filled(tmp_path: Path) -> None:
    path, data = tmp_path / "run.pt", problem()
    run(network(), data, validation=data, checkpoint=path, epochs=1)
    history = run(network(), data, checkpoint=path, epochs=2)
    assert math.isnan(history["val_loss"][1]) and len(str(history).splitlines()) == 3
    history = run(network(), data, validation=data, metrics={"accuracy": accuracy}, checkpoint=path, epochs=3)
    assert [math.isnan(value) for value in history["val_accuracy"]] == [True, True, False]
    assert list(history.rows[0])[-2:] == ["lr", "seconds"] and history.rows[2].keys() == history.rows[0].keys()


def milestones(optimizer: torch.optim.Optimizer, at: int) -> Any:
    return torch.optim.lr_scheduler.MultiStepLR(optimizer, [at])


def sequence(optimizer: torch.optim.Optimizer, at: int) -> Any:
    parts = [torch.optim.lr_scheduler.StepLR(optimizer, size) for size in (9, at)]
    return torch.optim.lr_scheduler.SequentialLR(optimizer, parts, [1])


@pytest.mark.parametrize("make", [milestones, sequence])
def test_another_setting_inside_of_a_scheduler_starts_afresh(
    make: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "run.pt"
    for at in (3, 3, 4):
        model = network()
        optimizer = sgd(model)
        run(model, problem(), checkpoint=path, epochs=2, optimizer=optimizer, scheduler=make(optimizer, at))
    printed = capsys.readouterr().out
    assert printed.count("Continuing after epoch 2") == 1 and printed.count("starts afresh") == 1


def test_warm_restarts_go_on_in_the_same_cell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = network()
    optimizer = sgd(model)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, 1, T_mult=2)
    options = {"checkpoint": tmp_path / "run.pt", "optimizer": optimizer, "scheduler": scheduler}
    run(model, problem(), epochs=2, **options)
    run(model, problem(), epochs=4, **options)
    assert "Continuing after epoch 2" in capsys.readouterr().out


def test_another_size_of_the_model_or_amp_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "run.pt"
    first_run(path)
    run(network(), problem(), checkpoint=path, epochs=2, amp=True)
    assert "amp: False in the checkpoint, True now" in capsys.readouterr().out
    run(nn.Sequential(nn.Linear(4, 2)), problem(), checkpoint=path, epochs=1)
    assert "parameters: 58 in the checkpoint, 10 now" in capsys.readouterr().out
