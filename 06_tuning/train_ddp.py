"""Train LeNet in any number of processes: ``torchrun --nproc-per-node=2 train_ddp.py``. Notebook 6.3 explains it.

The result does not depend on the number of processes, but for rounding: ``--batch-size`` is that of all together, and
they share it equally; a number that does not divide batch and data is refused. With
``--checkpoint FILE`` a run that was killed goes on where it was saved.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch import distributed as dist
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

from dlcourse import data, models


# --- what notebook 6.3 shows ---
def connect() -> torch.device:
    """Join the other processes; return this one's device: a GPU where each has its own, else the CPU."""
    local_rank, local_world = int(os.environ["LOCAL_RANK"]), int(os.environ["LOCAL_WORLD_SIZE"])
    if torch.cuda.device_count() >= local_world:
        torch.cuda.set_device(local_rank)
        dist.init_process_group("nccl")
        return torch.device("cuda", local_rank)
    dist.init_process_group("gloo")
    return torch.device("cpu")


def train(model: DistributedDataParallel, digits: TensorDataset, options: Any, device: torch.device) -> None:
    """Train to ``options.steps`` steps; go on from ``options.checkpoint`` when there is one."""
    if options.batch_size % dist.get_world_size() or len(digits) % dist.get_world_size():
        raise ValueError("The number of processes must divide the batch size and the number of digits: equal shares.")
    sampler = DistributedSampler(digits, shuffle=True, seed=options.seed)
    loader = DataLoader(digits, batch_size=options.batch_size // dist.get_world_size(), sampler=sampler)
    optimizer = torch.optim.SGD(model.parameters(), lr=options.lr, momentum=0.9)
    step = load(options.checkpoint, model.module, optimizer)
    while step < options.steps:
        epoch, done = divmod(step, len(loader))
        sampler.set_epoch(epoch)
        for pictures, labels in itertools.islice(loader, done, None):
            logits = model(pictures.to(device, options.dtype))
            optimizer.zero_grad()
            F.cross_entropy(logits, labels.to(device)).backward()  # all-reduce while it runs
            optimizer.step()
            step += 1
            options.after(step, model.module)
            if step % options.save_every == 0:
                save(options.checkpoint, model.module, optimizer, step)
            if step == options.steps:
                break


def save(path: Path | None, model: nn.Module, optimizer: torch.optim.Optimizer, step: int) -> None:
    """Write a checkpoint: rank 0 alone, to a temporary name first."""
    if path and dist.get_rank() == 0:
        part = path.with_suffix(".part")
        torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step}, part)
        part.replace(path)


def load(path: Path | None, model: nn.Module, optimizer: torch.optim.Optimizer) -> int:
    """Load the checkpoint, if there is one, in every process; return the number of steps that it has."""
    if not path or not path.exists():
        return 0
    state = torch.load(path, map_location="cpu", weights_only=True)
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    return int(state["step"])


# --- what it need not show ---
def lenet(digits: TensorDataset, device: torch.device, dtype: torch.dtype) -> models.LeNet:
    """Return LeNet of chapter 02, for these training pictures."""
    pictures = digits.tensors[0]
    return models.LeNet(mean=pictures.mean().item(), std=pictures.std().item()).to(device, dtype)


def flat(model: nn.Module) -> Tensor:
    """Return all weights as one vector."""
    return torch.cat([p.detach().flatten().cpu() for p in model.parameters()])


def difference_from(path: Path | None, found: dict[str, float]) -> Callable[[int, nn.Module], None]:
    """Return a function that compares a model with the weights {step: vector} that are in a file, by step."""
    others = torch.load(path, weights_only=True) if path else {}

    def compare(step: int, model: nn.Module) -> None:
        if step in others:
            found[str(step)] = (flat(model).double() - others[step].double()).abs().max().item()

    return compare


def fail_at(number: int) -> Callable[[int, nn.Module], None]:
    """Return a function that kills the last process at a step, the first time: no clean-up, no last word."""

    def fail(step: int, _: nn.Module) -> None:
        last = dist.get_rank() == dist.get_world_size() - 1
        if step == number and last and os.environ.get("TORCHELASTIC_RESTART_COUNT") == "0":
            os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))  # Windows: either ends it at once

    return fail


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description="Train LeNet in any number of processes, under torchrun.")
    parser.add_argument("--steps", type=int, default=110)
    parser.add_argument("--batch-size", type=int, default=64, help="of all processes together")
    parser.add_argument("--lr", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--dtype", default="float32", type=lambda name: getattr(torch, name))
    parser.add_argument("--checkpoint", type=Path, help="written every --save-every steps, and gone on from")
    parser.add_argument("--save-every", type=int, default=10)
    parser.add_argument("--kill-at", type=int, default=0, help="kill the last process once, at this step")
    parser.add_argument("--compare", type=Path, help="weights by step of another run")
    parser.add_argument("--result", type=Path, help="where rank 0 writes what it measured")
    return parser.parse_args(argv)


def main() -> None:
    """Train as the command line says; rank 0 reports."""
    options, differences = parse(), {}
    device = connect()
    torch.manual_seed(options.seed + dist.get_rank())  # DDP gives the weights of rank 0 to all
    digits = data.mnist("quick")
    model = DistributedDataParallel(lenet(digits.train, device, options.dtype))
    checks = difference_from(options.compare, differences), fail_at(options.kill_at)
    options.after = lambda *state: [check(*state) for check in checks]
    train(model, digits.train, options, device)
    with torch.no_grad():
        pictures, labels = (part.to(device) for part in digits.validation.tensors)
        accuracy = (model.module(pictures.to(options.dtype)).argmax(1) == labels).double().mean().item()
    if dist.get_rank() == 0:
        report = {
            "world": dist.get_world_size(), "backend": dist.get_backend(), "accuracy": accuracy,
            "differences": differences, "fingerprint": hashlib.sha256(flat(model).numpy().tobytes()).hexdigest()[:12],
            "restarts": int(os.environ.get("TORCHELASTIC_RESTART_COUNT", 0)),
        }  # fmt: skip
        if options.result:
            options.result.write_text(json.dumps(report), encoding="utf-8")
        else:
            print(json.dumps(report))
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
