"""The training loop that chapter 01 writes by hand, with validation, checkpoints and honest failure."""

from __future__ import annotations

import copy
import math
import os
import random
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sized
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from dlcourse import runtime

Loss = Callable[[Tensor, Tensor], Tensor]
Batches = Iterable[Any]  # of (*inputs, target) tuples of tensors, and with a length
_FORMAT = "dlcourse checkpoint 1"
_REFRESH = 0.5  # seconds between two looks at the loss (each look waits for the device)


def accuracy(output: Tensor, target: Tensor) -> Tensor:
    """Return the share of rows whose largest score is the target: (N, K) scores, (N,) classes → scalar."""
    return (output.argmax(-1) == target).float().mean()


@dataclass
class History:
    """What happened in a run: one row (a dict of numbers) per finished epoch.

    A row holds ``epoch``, ``train_loss`` (mean over the epoch's examples, in training mode, while the weights
    change), ``val_loss`` and ``val_<metric>`` (after the epoch, in evaluation mode), ``lr`` and ``seconds``.
    ``best_epoch`` is set by ``fit(keep_best=…)``; ``stopped`` says why a run ended early, else it is empty.
    """

    rows: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int | None = None
    stopped: str = ""

    def __getitem__(self, key: str) -> list[float]:
        return [row[key] for row in self.rows]

    def table(self, every: int = 1) -> str:
        """Return the rows as a text table: every ``every``-th one, and the last."""
        if not self.rows:
            return "(no finished epoch)"
        keys = list(self.rows[0])
        chosen = [row for i, row in enumerate(self.rows) if i % every == 0 or row is self.rows[-1]]
        cells = [keys] + [[f"{row[k]:.0f}" if k == "epoch" else f"{row[k]:.4g}" for k in keys] for row in chosen]
        widths = [max(len(line[i]) for line in cells) for i in range(len(keys))]
        return "\n".join("  ".join(c.rjust(w) for c, w in zip(line, widths, strict=True)) for line in cells)

    def plot(self, alt: str = "Learning curves: training and validation loss against the epoch.") -> None:
        """Draw the learning curves."""
        from dlcourse import plot

        plot.learning_curves(self.rows, alt=alt)


def fit(
    model: nn.Module,
    train: Batches,
    validation: Batches | None = None,
    *,
    epochs: int,
    loss: Loss,
    optimizer: torch.optim.Optimizer,
    scheduler: Any = None,
    schedule: str = "epoch",
    metrics: Mapping[str, Loss] | None = None,
    clip: float | None = None,
    weight: Callable[[Tensor], Any] = len,
    keep_best: str | None = None,
    checkpoint: str | Path | None = None,
    device: torch.device | str | None = None,
    amp: bool | None = None,
    progress: bool = True,
) -> History:
    """Train ``model`` and return its History.

    ``train`` and ``validation`` yield batches ``(*inputs, target)``; the loss of a batch is
    ``loss(model(*inputs), target)``, a mean over ``weight(target)`` examples (default: the batch size). The
    means over an epoch are weighted by it.

    ``scheduler`` steps once an ``schedule="epoch"`` or ``"batch"``, after the optimizer. ``clip`` bounds the
    global gradient norm. ``keep_best`` names a column (``"val_loss"``: smallest; any other: largest); the
    weights of the best epoch are put back at the end. ``checkpoint`` names a file that is written after each
    epoch; when it exists, the run continues from it, to the same weights bit for bit on a CPU. ``amp`` runs the
    forward pass in bfloat16 (default: on CUDA at full scale). ``device`` defaults to ``runtime.device()``.

    A loss that is NaN or infinite stops the run, and Ctrl-C (or the stop button) ends it: ``history.stopped``
    says so, and the model stays usable. Raises ValueError for unknown ``schedule`` or ``keep_best``, or when
    ``train`` has no batch.
    """
    if schedule not in ("epoch", "batch"):
        raise ValueError(f"schedule is {schedule!r}; use 'epoch' or 'batch'.")
    known = ["train_loss", "lr"]
    if validation is not None:
        known += ["val_loss", *(f"val_{name}" for name in metrics or {})]
    if keep_best is not None and keep_best not in known:
        raise ValueError(f"keep_best is {keep_best!r}; this run has the columns {', '.join(known)}.")
    target_device = torch.device(device) if device is not None else runtime.device()
    if amp is None:
        amp = target_device.type == "cuda" and runtime.scale() == "full"
    model.to(target_device)
    history = History()
    best: dict[str, Any] = {"value": None, "state": None}
    parts = {"model": model, "optimizer": optimizer, "scheduler": scheduler}
    path = Path(checkpoint) if checkpoint is not None else None
    if path is not None:
        _resume(path, parts, history, best, train)
    bar = _bar(train, epochs, len(history.rows), progress)
    try:
        for epoch in range(len(history.rows) + 1, epochs + 1):
            start = time.perf_counter()
            rate = optimizer.param_groups[0]["lr"]
            train_loss = _epoch(
                model, train, loss, optimizer, scheduler if schedule == "batch" else None,
                clip, weight, target_device, amp, bar,
            )  # fmt: skip
            if not math.isfinite(train_loss):
                history.stopped = _diverged(train_loss, epoch)
                print(history.stopped)
                break
            row: dict[str, float] = {"epoch": epoch, "train_loss": train_loss}
            if validation is not None:
                measured = evaluate(
                    model,
                    validation,
                    loss=loss,
                    metrics=metrics,
                    weight=weight,
                    device=target_device,
                    amp=amp,
                )
                row.update({f"val_{name}": value for name, value in measured.items()})
            row.update(lr=rate, seconds=time.perf_counter() - start)
            history.rows.append(row)
            if scheduler is not None and schedule == "epoch":
                if isinstance(scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau):
                    scheduler.step(row.get("val_loss", train_loss))
                else:
                    scheduler.step()
            if keep_best is not None:
                value = -row[keep_best] if keep_best.endswith("loss") else row[keep_best]
                if best["value"] is None or value > best["value"]:
                    best.update(value=value, state=copy.deepcopy(model.state_dict()))
                    history.best_epoch = epoch
            if path is not None:
                _save(path, parts, history, best, train)
    except KeyboardInterrupt:
        history.stopped = (
            f"Interrupted after {len(history.rows)} of {epochs} epochs; the model keeps what it has learned."
        )
        print(history.stopped)
    finally:
        bar.close()
    if best["state"] is not None:
        model.load_state_dict(best["state"])
    return history


def _epoch(
    model: nn.Module, train: Batches, loss: Loss, optimizer: torch.optim.Optimizer, scheduler: Any,
    clip: float | None, weight: Callable[[Tensor], Any], device: torch.device, amp: bool, bar: Any,
) -> float:  # fmt: skip
    """Train for one epoch and return the mean loss per example; stop early when the loss is not finite."""
    model.train()
    total, count = torch.zeros((), device=device), 0
    next_look = 0.0
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    for batch in train:
        *inputs, target = (t.to(device, non_blocking=True) for t in batch)
        with torch.autocast(device.type, torch.bfloat16, enabled=amp):
            value = loss(model(*inputs), target)
        optimizer.zero_grad(set_to_none=True)
        value.backward()
        if clip is not None:
            nn.utils.clip_grad_norm_(parameters, clip)
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        n = weight(target)
        total += value.detach() * n
        count += n
        bar.update()
        if (now := time.perf_counter()) >= next_look:
            if not math.isfinite(value.item()):
                return value.item()
            bar.set_postfix(loss=f"{total.item() / float(count):.4f}", refresh=False)
            next_look = now + _REFRESH
    if not count:
        raise ValueError("The training data has no batch; is it empty, or smaller than one batch with drop_last?")
    return total.item() / float(count)


def _bar(train: Batches, epochs: int, done: int, progress: bool) -> Any:
    size = len(train) if isinstance(train, Sized) else None
    return tqdm(
        total=None if size is None else size * epochs,
        initial=0 if size is None else size * done,
        unit="batch", leave=False, mininterval=_REFRESH, file=sys.stderr, disable=not progress,
    )  # fmt: skip


def _diverged(value: float, epoch: int) -> str:
    return (
        f"Stopped in epoch {epoch}: the loss is {value}. Likely causes: a learning rate that is too high (try a "
        "tenth), no gradient clipping, inputs that are not normalised or hold NaN, or log/division of zero in the loss."
    )


@torch.no_grad()
def evaluate(
    model: nn.Module,
    data: Batches,
    *,
    loss: Loss | None = None,
    metrics: Mapping[str, Loss] | None = None,
    weight: Callable[[Tensor], Any] = len,
    device: torch.device | str | None = None,
    amp: bool = False,
) -> dict[str, float]:
    """Return the means of the loss and the metrics over all examples of ``data``.

    Each batch counts by ``weight(target)`` (default: its size). Runs in evaluation mode without gradients and
    puts the model's mode back. Raises ValueError when there is no batch.
    """
    functions = {**({"loss": loss} if loss is not None else {}), **(metrics or {})}
    target_device = torch.device(device) if device is not None else _device_of(model)
    was_training = model.training
    model.eval()
    totals = dict.fromkeys(functions, torch.zeros((), device=target_device))
    count = 0
    try:
        for batch in data:
            *inputs, target = (t.to(target_device) for t in batch)
            with torch.autocast(target_device.type, torch.bfloat16, enabled=amp):
                output = model(*inputs)
            n = weight(target)
            count += n
            for name, function in functions.items():
                totals[name] = totals[name] + function(output.float(), target) * n
    finally:
        model.train(was_training)
    if not count:
        raise ValueError("There is nothing to evaluate: the data has no batch.")
    return {name: total.item() / float(count) for name, total in totals.items()}


@torch.no_grad()
def predict(model: nn.Module, inputs: Tensor, batch_size: int = 1000) -> Tensor:
    """Return the model's outputs for ``inputs`` (N, …), in evaluation mode, on the CPU; restores the mode."""
    was_training = model.training
    model.eval()
    try:
        outputs = [model(part.to(_device_of(model))).cpu() for part in inputs.split(batch_size)]
    finally:
        model.train(was_training)
    return torch.cat(outputs)


def count_parameters(model: nn.Module) -> int:
    """Return the number of trainable numbers in the model."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def _device_of(model: nn.Module) -> torch.device:
    first = next(model.parameters(), None)
    return first.device if first is not None else torch.device("cpu")


# --- checkpoints -------------------------------------------------------------------------------------------


def _random_states(train: Batches) -> dict[str, Any]:
    numpy_state: Any = np.random.get_state(legacy=True)
    generator = getattr(train, "generator", None)
    return {
        "python": random.getstate(),
        "numpy": [numpy_state[0], torch.from_numpy(numpy_state[1].astype(np.int64)), *numpy_state[2:]],
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "loader": generator.get_state() if generator is not None else None,
    }


def _set_random_states(states: Mapping[str, Any], train: Batches) -> None:
    random.setstate(states["python"])
    name, keys, *rest = states["numpy"]
    np.random.set_state((name, keys.numpy().astype(np.uint32), *rest))
    torch.set_rng_state(states["torch"])
    if states["cuda"] and torch.cuda.device_count() == len(states["cuda"]):
        torch.cuda.set_rng_state_all(states["cuda"])
    generator = getattr(train, "generator", None)
    if generator is not None and states["loader"] is not None:
        generator.set_state(states["loader"])


def _save(path: Path, parts: Mapping[str, Any], history: History, best: Mapping[str, Any], train: Batches) -> None:
    """Write the checkpoint to a temporary file, keep the last one as ``<name>.previous``, rename."""
    content = {
        "format": _FORMAT,
        **{name: part.state_dict() for name, part in parts.items() if part is not None},
        "rows": history.rows, "best_epoch": history.best_epoch, "best": dict(best),
        "random": _random_states(train),
    }  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".part")
    with temporary.open("wb") as file:
        torch.save(content, file)
        file.flush()
        os.fsync(file.fileno())
    if path.exists():
        path.replace(_previous(path))
    temporary.replace(path)


def _previous(path: Path) -> Path:
    return path.with_name(path.name + ".previous")


def _resume(path: Path, parts: Mapping[str, Any], history: History, best: dict[str, Any], train: Batches) -> None:
    """Continue from the newest checkpoint that can be read and fits; say which could not be used, and why."""
    for candidate in (path, _previous(path)):
        if not candidate.exists():
            continue
        before = {name: copy.deepcopy(part.state_dict()) for name, part in parts.items() if part is not None}
        try:
            content = torch.load(candidate, map_location="cpu", weights_only=True)
            if not isinstance(content, dict) or content.get("format") != _FORMAT:
                raise ValueError("it was not written by dlcourse")
            for name in before:
                parts[name].load_state_dict(content[name])
            _set_random_states(content["random"], train)
        except Exception as error:
            for name, state in before.items():
                parts[name].load_state_dict(state)
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            print(f"The checkpoint {candidate.name} cannot be used ({reason[:120]}); looking for an older one.")
            continue
        history.rows[:] = content["rows"]
        history.best_epoch = content["best_epoch"]
        best.update(content["best"])
        print(f"Continuing after epoch {len(history.rows)} from {candidate.name}.")
        return
