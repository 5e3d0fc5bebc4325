"""The training loop that chapter 01 writes by hand, with validation, checkpoints and honest failure."""

from __future__ import annotations

import contextlib
import copy
import math
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from dlcourse import checkpoint as checkpoints
from dlcourse import runtime
from dlcourse.table import Table

Loss = Callable[[Tensor, Tensor], Tensor]
Batches = Iterable[Any]  # of (*inputs, target) tuples of tensors, and with a length
_REFRESH = 0.5  # seconds between two looks at the loss (each look waits for the device)
_HINTS = (  # what PyTorch says in a batch, and the fix
    (
        r"scalar type Long|dtype to be Long|not implemented for '(?:Int|Short|Char)'",
        "class labels must be int64: use y.long()",
    ),
    (r"more than 1 value per channel", "a last batch of one example has no variance: use drop_last=True"),
    (r"only for scalar outputs", "a loss is one number: use reduction='mean' or .mean()"),
    (r"samples has to be greater than 0", "a sentence of length 0 cannot be packed: leave empty sentences out"),
    (r"Double|double|mixed dtype", "the data are float64 and the model is float32: use x.float()"),
    (r"(?:Long|Int|Byte|Char) and Float|got Long", "the inputs are whole numbers: use x.float()"),
    (
        r"Target -?\d+ is out of bounds",
        "there are labels beyond the number of the model's outputs; classes count from 0",
    ),
    (r"same device|on cuda.* cpu", "something was made on another device: make it with device=x.device"),
)


def accuracy(output: Tensor, target: Tensor) -> Tensor:
    """Return the share of rows whose largest score is the target: scores (N, K), classes (N,) → scalar.

    Sequences work too: (N, T, K) and (N, T). Raises ValueError for other pairs of shapes, such as labels (N, 1).
    """
    if output.shape[:-1] != target.shape or output.shape[-1:] == (1,):
        raise ValueError(
            f"accuracy needs scores (…, K) of K > 1 classes and class numbers (…): these are {tuple(output.shape)} and "
            f"{tuple(target.shape)}; use y.squeeze(1) for labels (N, 1), y.argmax(1) for one-hot ones."
        )
    return (output.argmax(-1) == target).float().mean()


@dataclass(repr=False)
class History:
    """What happened in a run: one row (a dict of numbers) per finished epoch, shown as a table.

    A row holds ``epoch``, ``train_loss`` (mean over the epoch's examples, in training mode, while the weights
    change), ``val_loss`` and ``val_<metric>`` (after the epoch, in evaluation mode), ``lr`` and ``seconds``.
    ``best_epoch`` is set by ``fit(keep_best=…)``; ``stopped`` says why a run ended early, else it is empty.
    """

    rows: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int | None = None
    stopped: str = ""

    def __getitem__(self, key: str) -> list[float]:
        return [row[key] for row in self.rows]

    @property
    def kept(self) -> dict[str, float]:
        """The row of the weights that the model has: the best epoch's under ``keep_best``, else the last one's.

        Raises IndexError when no epoch was finished.
        """
        return self.rows[-1 if self.best_epoch is None else self.best_epoch - 1]

    def table(self, every: int = 1) -> Table:
        """Return every ``every``-th row, the last one, and the one whose weights were kept, which is marked."""
        keys = list(self.rows[0]) if self.rows else ["(no finished epoch)"]
        mark = [""] if self.best_epoch is not None else []
        chosen = [
            row
            for i, row in enumerate(self.rows)
            if i % every == 0 or row is self.rows[-1] or row["epoch"] == self.best_epoch
        ]
        lines = [
            [int(row[key]) if key == "epoch" else row[key] for key in keys]
            + (["← kept" if row["epoch"] == self.best_epoch else ""] if mark else [])
            for row in chosen
        ]
        return Table([*keys, *mark], lines)

    def __repr__(self) -> str:
        return str(self.table())

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()

    def plot(self, alt: str = "Learning curves: training and validation loss against the epoch.") -> None:
        """Draw the learning curves, with a line at the epoch whose weights were kept."""
        from dlcourse import plot

        plot.learning_curves(self.rows, alt=alt, kept=self.best_epoch)


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
    accumulate: int = 1,
    weight: Callable[[Tensor], Any] = len,
    keep_best: str | None = None,
    checkpoint: str | Path | None = None,
    after_epoch: Callable[[Mapping[str, float]], object] | None = None,
    device: torch.device | str | None = None,
    amp: bool | None = None,
    progress: bool = True,
) -> History:
    """Train ``model`` and return its History.

    ``train`` and ``validation`` yield batches ``(*inputs, target)``; the loss of a batch is
    ``loss(model(*inputs), target)``, a mean over ``weight(target)`` examples (default: the batch size). The
    means over an epoch are weighted by it.

    ``accumulate`` batches make one step, with the gradient of their mean loss (each batch by its weight): as one
    batch that many times as large, but for batch normalisation. The last step of an epoch may have fewer.

    ``scheduler`` steps once an ``schedule="epoch"`` or, with ``"batch"``, after each step of the optimizer. ``clip``
    bounds the global gradient norm. ``keep_best`` names a column (``"val_loss"``: smallest; any other: largest); the
    weights of the best epoch are put back at the end. ``checkpoint`` names a file that is written after each
    epoch; when it exists, the run continues from it, to the same weights bit for bit on a CPU, and says what
    differs from it. ``after_epoch`` gets the row of each finished epoch, behind all that; what it raises ends the run.
    ``amp`` runs the forward pass in bfloat16 (default: on CUDA at full scale). ``device``
    defaults to ``runtime.device()``. Layers in evaluation mode inside of a model in training mode stay in it.

    A loss that is NaN or infinite stops the run, and the weights of the best or last good epoch (else the first
    ones) are put back; Ctrl-C (or the stop button) ends it, and the model keeps what it has learned:
    ``history.stopped`` says so. Raises ValueError for unknown ``schedule`` or ``keep_best``, ``accumulate`` below 1, an
    optimizer without a parameter of the model or with foreign ones, an optimizer that holds NaN from an earlier run, a
    loss without gradient, data that can be read only once, a metric named "loss", or when ``train`` has no batch.
    """
    _check_options(model, (train, validation), optimizer, scheduler, epochs, schedule)
    known = ["train_loss", "lr"]
    if validation is not None:
        known += ["val_loss", *(f"val_{name}" for name in metrics or {})]
    if keep_best is not None and keep_best not in known:
        raise ValueError(f"keep_best is {keep_best!r}; this run has the columns {', '.join(known)}.")
    place = torch.device(device) if device is not None else runtime.device()
    if accumulate < 1:
        raise ValueError(f"accumulate is {accumulate}; it is the number of batches that make one step, at least 1.")
    amp = place.type == "cuda" and runtime.scale() == "full" if amp is None else amp
    model.to(place)
    history, best = History(), _Best(keep_best)
    save = _checkpointing(
        checkpoint, history, best, train, model, optimizer, scheduler, loss, schedule, clip, keep_best, amp, accumulate
    )
    _check_state(optimizer)
    columns = ["epoch", *sorted(known, key="lr".__eq__), "seconds"]
    history.rows[:] = [{**dict.fromkeys(columns, math.nan), **row} for row in history.rows]
    blank = dict.fromkeys(history.rows[0] if history.rows else columns, math.nan)
    by_batch = scheduler if schedule == "batch" else None
    bar = _bar(train, epochs, len(history.rows), progress)
    good = copy.deepcopy(model.state_dict())
    try:
        for epoch in range(len(history.rows) + 1, epochs + 1):
            start, lr = time.perf_counter(), optimizer.param_groups[0]["lr"]
            train_loss = _epoch(model, train, loss, optimizer, by_batch, clip, weight, place, amp, bar, accumulate)
            if not math.isfinite(train_loss) or not _finite(model):
                model.load_state_dict(good)
                history.stopped = _diverged(train_loss, epoch, best.epoch)
                print(history.stopped)
                break
            row: dict[str, float] = {"epoch": epoch, "train_loss": train_loss}
            if validation is not None:
                measured = evaluate(model, validation, loss=loss, metrics=metrics, weight=weight, device=place, amp=amp)
                row.update({f"val_{name}": value for name, value in measured.items()})
            row.update(lr=lr, seconds=time.perf_counter() - start)
            history.rows.append(blank | row)
            if scheduler is not None and schedule == "epoch":
                plateau = isinstance(scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau)
                scheduler.step(row.get("val_loss", train_loss)) if plateau else scheduler.step()
            good = copy.deepcopy(model.state_dict())
            best.look(row, good)
            history.best_epoch = best.epoch
            save()
            if after_epoch is not None:
                after_epoch(row)
    except KeyboardInterrupt:
        history.stopped = (
            f"Interrupted after {len(history.rows)} of {epochs} epochs; the model keeps what it has learned."
        )
        print(history.stopped)
    finally:
        bar.close()
    if best.state is not None:
        model.load_state_dict(best.state)
    return history


def _finite(model: nn.Module) -> bool:
    """Whether all weights are numbers; the last step of an epoch can spoil them after the loss was computed."""
    return all(bool(p.isfinite().all()) for p in model.parameters())


@dataclass
class _Best:
    """The weights of the epoch with the best value of a column; what is not finite is never the best."""

    column: str | None
    value: float = -math.inf
    epoch: int | None = None
    state: dict[str, Any] | None = None

    def look(self, row: Mapping[str, float], state: dict[str, Any]) -> None:
        """Keep this epoch's weights when its value is better than all before."""
        if self.column is None:
            return
        value = -row[self.column] if self.column.endswith("loss") else row[self.column]
        if math.isfinite(value) and value > self.value:
            self.value, self.epoch, self.state = value, int(row["epoch"]), state


def _check_options(
    model: nn.Module, data: Iterable[Batches | None], optimizer: torch.optim.Optimizer, scheduler: Any, epochs: int,
    schedule: str,
) -> None:  # fmt: skip
    if schedule not in ("epoch", "batch"):
        raise ValueError(f"schedule is {schedule!r}; use 'epoch' or 'batch'.")
    if epochs > 1 and any(isinstance(batches, Iterator) for batches in data):
        raise ValueError("The data can be read only once, and each epoch reads it: give a loader or a list of batches.")
    if getattr(scheduler, "optimizer", optimizer) is not optimizer:
        raise ValueError("The scheduler belongs to another optimizer, so it would change nothing here; make it anew.")
    own = {id(p) for p in model.parameters()}
    given = [p for group in optimizer.param_groups for p in group["params"]]
    if not any(id(p) in own for p in given):
        raise ValueError(
            "The optimizer has no parameter of this model, so nothing would be trained; make it after the model, with "
            "model.parameters()."
        )
    if not all(id(p) in own for p in given):
        raise ValueError(
            "The optimizer has parameters that this model has not, as when a layer is replaced after the optimizer was "
            "made; make the optimizer last."
        )
    if not any(p.requires_grad for p in given):
        raise ValueError(
            "All parameters of the optimizer are frozen (requires_grad is False): nothing would be trained."
        )


def _check_state(optimizer: torch.optim.Optimizer) -> None:
    state = [value for held in optimizer.state.values() for value in held.values() if isinstance(value, Tensor)]
    if not all(bool(value.isfinite().all()) for value in state):
        raise ValueError("The optimizer holds NaN or infinite values from an earlier run; make a new one.")


def _checkpointing(
    file: str | Path | None, history: History, best: _Best, train: Batches, model: nn.Module,
    optimizer: torch.optim.Optimizer, scheduler: Any, loss: Loss, schedule: str, clip: float | None,
    keep_best: str | None, amp: bool, accumulate: int,
) -> Callable[[], None]:  # fmt: skip
    """Continue from the checkpoint when there is one, and return the function that writes the next one."""
    if file is None:
        return lambda: None
    path, parts = Path(file), {"model": model, "optimizer": optimizer, "scheduler": scheduler}
    batches = len(train) if isinstance(train, Sized) else None
    name = getattr(loss, "__name__", type(loss).__name__)
    run = checkpoints.describe(parts, batches, loss=name, schedule=schedule, clip=clip, keep_best=keep_best, amp=amp,
                               accumulate=accumulate)  # fmt: skip
    content = checkpoints.resume(path, parts, run, train)
    if content is not None:
        history.rows[:] = content["rows"]
        if content["run"]["keep best"] == keep_best:
            best.value, best.epoch, best.state = (content["best"][key] for key in ("value", "epoch", "state"))
            history.best_epoch = best.epoch

    def save() -> None:
        progress = {
            "rows": history.rows,
            "best": {"value": best.value, "epoch": best.epoch, "state": best.state},
        }
        checkpoints.save(path, parts, run, progress, train)

    return save


def _epoch(
    model: nn.Module, train: Batches, loss: Loss, optimizer: torch.optim.Optimizer, scheduler: Any,
    clip: float | None, weight: Callable[[Tensor], Any], device: torch.device, amp: bool, bar: Any,
    accumulate: int,
) -> float:  # fmt: skip
    """Train for one epoch and return the mean loss per example; stop early when the loss is not finite."""
    if not model.training:
        model.train()
    total, count = torch.zeros((), device=device), 0
    next_look = 0.0
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    waiting, held = 0, 0  # batches whose gradients wait for the next step, and their weight

    def step() -> None:
        if accumulate > 1:
            torch._foreach_div_([p.grad for p in parameters if p.grad is not None], float(held))
        if clip is not None:
            nn.utils.clip_grad_norm_(parameters, clip)
        optimizer.step()
        if scheduler is not None:
            scheduler.step()

    with _hints():
        for batch in train:
            *inputs, target = (t.to(device, non_blocking=True) for t in batch)
            with torch.autocast(device.type, torch.bfloat16, enabled=amp):
                value = loss(model(*inputs), target)
            if not value.requires_grad:
                raise ValueError("The loss has no gradient: is .item(), .detach(), NumPy or no_grad on its way?")
            n = weight(target)
            if not waiting:
                optimizer.zero_grad(set_to_none=True)
            (value if accumulate == 1 else value * n).backward()
            waiting, held = waiting + 1, held + n
            if waiting == accumulate:
                step()
                waiting, held = 0, 0
            total += value.detach() * n
            count += n
            bar.update()
            if (now := time.perf_counter()) >= next_look:
                if not math.isfinite(value.item()):
                    return value.item()
                if count:
                    bar.set_postfix(loss=f"{total.item() / float(count):.4f}", refresh=False)
                next_look = now + _REFRESH
        if waiting:
            step()
    if not count:
        raise ValueError(
            "The training data has no batch of any weight; is it empty, or smaller than one batch with drop_last?"
        )
    return total.item() / float(count)


@contextlib.contextmanager
def _hints() -> Iterator[None]:
    """Add the fix to an error that PyTorch raises in a batch, where it is a known one."""
    try:
        yield
    except (RuntimeError, ValueError, IndexError) as error:
        hint = next((hint for pattern, hint in _HINTS if re.search(pattern, str(error))), None)
        if hint is None:
            raise
        kind = next(kind for kind in (IndexError, ValueError, RuntimeError) if isinstance(error, kind))
        raise kind(f"{error}\nHint: {hint}.") from error


def _bar(train: Batches, epochs: int, done: int, progress: bool) -> Any:
    size = len(train) if isinstance(train, Sized) else None
    return tqdm(
        total=None if size is None else size * epochs,
        initial=0 if size is None else size * done,
        unit="batch", leave=False, mininterval=_REFRESH, file=sys.stderr, disable=not progress,
    )  # fmt: skip


def _diverged(value: float, epoch: int, best: int | None) -> str:
    what = "weights became NaN or infinite" if math.isfinite(value) else f"the loss is {value}"
    weights = f"those of epoch {best or epoch - 1}" if best or epoch > 1 else "the first ones"
    return (
        f"Stopped in epoch {epoch}: {what}. The weights are {weights} again. Likely causes: a learning "
        "rate that is too high (try a tenth), no gradient clipping, inputs that are not normalised or hold NaN, or "
        "log/division of zero in the loss."
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
    puts the mode of each layer back. Raises ValueError when there is no batch, or for a metric named "loss".
    """
    if loss is not None and "loss" in (metrics or {}):
        raise ValueError('A metric named "loss" would stand in the column of the loss; give it another name.')
    functions = {**({"loss": loss} if loss is not None else {}), **(metrics or {})}
    target_device = torch.device(device) if device is not None else _device_of(model)
    totals = dict.fromkeys(functions, torch.zeros((), device=target_device))
    count = 0
    with _evaluating(model), _hints():
        for batch in data:
            *inputs, target = (t.to(target_device) for t in batch)
            with torch.autocast(target_device.type, torch.bfloat16, enabled=amp):
                output = model(*inputs)
            n = weight(target)
            count += n
            for name, function in functions.items():
                totals[name] = totals[name] + function(output.float(), target) * n
    if not count:
        raise ValueError("There is nothing to evaluate: the data has no batch of any weight.")
    return {name: total.item() / float(count) for name, total in totals.items()}


@torch.no_grad()
def predict(model: nn.Module, inputs: Tensor, batch_size: int = 1000) -> Tensor:
    """Return the model's outputs for ``inputs`` (N, …), in evaluation mode, on the CPU; restores the modes."""
    with _evaluating(model), _hints():
        return torch.cat([model(part.to(_device_of(model))).cpu() for part in inputs.split(batch_size)])


@contextlib.contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    """Set the evaluation mode, and give each layer its own mode back, also one that was frozen on purpose."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


def count_parameters(model: nn.Module) -> int:
    """Return the number of trainable numbers in the model."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def _device_of(model: nn.Module) -> torch.device:
    first = next(model.parameters(), None)
    return first.device if first is not None else torch.device("cpu")
