from __future__ import annotations

import math
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import TensorDataset

from dlcourse.data import TensorLoader
from dlcourse.train import History, accuracy, count_parameters, evaluate, fit, predict


def problem(count: int = 60, batch: int = 16, shuffle: bool = True) -> TensorLoader:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(count, 4, generator=generator)
    return TensorLoader(TensorDataset(x, (x.sum(1) > 0).long()), batch, shuffle=shuffle)


def network(dropout: float = 0.0) -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(dropout), nn.Linear(8, 2))


def run(model: nn.Module, data: TensorLoader, **options: Any) -> History:
    optimizer = options.pop("optimizer", None) or torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    settings = {"epochs": 3, "loss": F.cross_entropy, "progress": False, "device": "cpu", **options}
    return fit(model, data, optimizer=optimizer, **settings)


def test_same_weights_as_the_bare_loop() -> None:
    data, ours, bare = problem(), network(), network()
    torch.manual_seed(5)
    history = run(ours, data)
    torch.manual_seed(5)
    optimizer = torch.optim.SGD(bare.parameters(), lr=0.1, momentum=0.9)
    losses = []
    for _ in range(3):
        total = 0.0
        for x, y in data:
            loss = F.cross_entropy(bare(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(y)
        losses.append(total / 60)
    for a, b in zip(ours.parameters(), bare.parameters(), strict=True):
        assert torch.equal(a, b)
    assert history["train_loss"] == pytest.approx(losses, rel=1e-5)


def test_evaluate_weights_batches_by_size_and_restores_the_mode() -> None:
    data, model = problem(50, 16, shuffle=False), network(dropout=0.5)
    model.train()
    measured = evaluate(model, data, loss=F.cross_entropy, metrics={"accuracy": accuracy})
    assert model.training
    x, y = data.tensors
    model.eval()
    with torch.no_grad():
        output = model(x)
    assert measured["loss"] == pytest.approx(F.cross_entropy(output, y).item(), rel=1e-5)
    assert measured["accuracy"] == pytest.approx((output.argmax(1) == y).float().mean().item())
    assert all(p.grad is None for p in model.parameters())
    assert torch.allclose(predict(model, x, batch_size=7), output, atol=1e-6)


def test_weight_counts_tokens() -> None:
    target = torch.tensor([[1, 2, 0], [1, 0, 0]])
    data = [(torch.randn(1, 3, 4), target[:1]), (torch.randn(1, 3, 4), target[1:])]

    def loss(output: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(output.transpose(1, 2), y, ignore_index=0)

    model = nn.Linear(4, 3)
    both = tuple(torch.cat(parts) for parts in zip(*data, strict=True))
    whole = evaluate(model, [both], loss=loss)["loss"]
    assert evaluate(model, data, loss=loss, weight=lambda y: (y != 0).sum())["loss"] == pytest.approx(whole, rel=1e-5)


def test_several_inputs() -> None:
    class Sum(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.zeros(1))

        def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
            return self.scale * (a + b)

    a, b = torch.rand(20, 1), torch.rand(20, 1)
    data = TensorLoader(TensorDataset(a, b, 3 * (a + b)), 5)
    model = Sum()
    run(model, data, loss=F.mse_loss, epochs=60, optimizer=torch.optim.SGD(model.parameters(), lr=0.1))
    assert model.scale.item() == pytest.approx(3, abs=0.01)


@pytest.mark.parametrize(("schedule", "steps"), [("epoch", 3), ("batch", 12)])
def test_scheduler_steps(schedule: str, steps: int) -> None:
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5)
    history = run(model, problem(), optimizer=optimizer, scheduler=scheduler, schedule=schedule)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(1e-3 * 0.5**steps)
    assert history["lr"][0] == 1e-3


def test_plateau_scheduler_gets_the_validation_loss() -> None:
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, threshold=0.9)
    run(model, problem(), validation=problem(), optimizer=optimizer, scheduler=scheduler)
    assert optimizer.param_groups[0]["lr"] < 1e-3


def test_clip_bounds_the_step() -> None:
    model = network()
    before = [p.detach().clone() for p in model.parameters()]
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    run(model, problem(16), epochs=1, clip=1e-3, optimizer=optimizer)
    step = math.sqrt(sum((a - b).square().sum().item() for a, b in zip(before, model.parameters(), strict=True)))
    assert step == pytest.approx(1e-3, rel=1e-3)


def test_keep_best_puts_the_best_epoch_back() -> None:
    model, data = network(), problem()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 1.0 if epoch < 2 else -3.0)
    options = {"optimizer": optimizer, "scheduler": scheduler, "validation": data, "epochs": 6}
    history = run(model, data, keep_best="val_loss", **options)
    assert history.best_epoch == min(range(1, 7), key=lambda epoch: history["val_loss"][epoch - 1])
    assert evaluate(model, data, loss=F.cross_entropy)["loss"] == pytest.approx(min(history["val_loss"]), rel=1e-5)


def test_nan_stops_with_likely_causes(capsys: pytest.CaptureFixture[str]) -> None:
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e30)
    history = run(model, problem(), epochs=5, optimizer=optimizer)
    assert len(history.rows) < 5 and "learning rate" in history.stopped
    assert history.stopped in capsys.readouterr().out


def test_interrupt_leaves_model_and_history() -> None:
    calls = 0

    def loss(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        nonlocal calls
        calls += 1
        if calls == 6:
            raise KeyboardInterrupt
        return F.cross_entropy(output, target)

    history = run(network(), problem(), loss=loss)
    assert len(history.rows) == 1 and "Interrupted after 1 of 3" in history.stopped


def test_errors_name_the_fix() -> None:
    with pytest.raises(ValueError, match="'epoch' or 'batch'"):
        run(network(), problem(), schedule="step")
    with pytest.raises(ValueError, match="train_loss, lr"):
        run(network(), problem(), keep_best="val_accuracy")
    with pytest.raises(ValueError, match="no batch"):
        run(network(), problem(0))
    with pytest.raises(ValueError, match="no batch"):
        evaluate(network(), [], loss=F.cross_entropy)


def test_history_table() -> None:
    history = run(network(), problem(), validation=problem(), metrics={"accuracy": accuracy})
    lines = history.table().splitlines()
    assert len(lines) == 4 and lines[0].split()[:4] == ["epoch", "train_loss", "val_loss", "val_accuracy"]
    assert History().table() == "(no finished epoch)"
    assert count_parameters(network()) == 4 * 8 + 8 + 8 * 2 + 2


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
    assert "not written by dlcourse" in capsys.readouterr().out
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
