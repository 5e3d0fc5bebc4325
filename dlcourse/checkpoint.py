"""Checkpoints of a training run: written after each epoch, described, and resumed to the same result."""

from __future__ import annotations

import copy
import os
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

_FORMAT = "dlcourse checkpoint 2"
_MOVING = {"last_epoch", "_step_count", "_last_lr", "_is_initial", "best", "num_bad_epochs", "cooldown_counter"}
_MOVING |= {"T_cur", "T_i"}  # of warm restarts
_FIXED = ("model", "parameters", "optimizer", "scheduler")  # another class of these cannot go on


def describe(parts: Mapping[str, Any], batches: int | None, **settings: Any) -> dict[str, Any]:
    """Return what makes a run, in plain values: classes, the options of each parameter group, scheduler, settings.

    Call it before a checkpoint is loaded, so that it holds what the caller asked for.
    """
    described: dict[str, Any] = {name: type(part).__name__ for name, part in parts.items() if part is not None}
    described["parameters"] = sum(p.numel() for p in parts["model"].parameters())
    for number, group in enumerate(parts["optimizer"].param_groups):
        moved = {"lr", "momentum", "betas"} if "max_lr" in group else {"lr"} if "initial_lr" in group else set()
        for key in sorted(group.keys() - {"params"} - moved):  # what the scheduler moves says nothing of the run
            described[f"{key} of group {number}"] = _plain(group[key])
    if parts.get("scheduler") is not None:
        state = _plain(parts["scheduler"].state_dict())
        described |= {f"{key} of the scheduler": state[key] for key in sorted(state)}
    described["batches an epoch"] = batches
    described |= {key.replace("_", " "): value for key, value in settings.items()}
    return {key: value for key, value in described.items() if value is not ...}


def _plain(value: Any) -> Any:
    """Return numbers, texts, and lists and dicts of them; ``...`` for what a checkpoint need not describe."""
    if isinstance(value, Mapping):  # milestones, and the parts of a scheduler made of others
        inner = {str(key): _plain(part) for key, part in value.items() if key not in _MOVING}
        return {key: part for key, part in inner.items() if part is not ...}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value] if all(_plain(part) is not ... for part in value) else ...
    if isinstance(value, float):
        return float(value)  # also NumPy's, which a checkpoint may not hold
    return value if isinstance(value, (bool, int, str, type(None))) else ...


def save(path: Path, parts: Mapping[str, Any], run: Mapping[str, Any], progress: Mapping[str, Any], train: Any) -> None:
    """Write the checkpoint to a temporary file, keep the last one as ``<name>.previous``, rename."""
    states = {name: part.state_dict() for name, part in parts.items() if part is not None}
    content = {"format": _FORMAT, "run": dict(run), **states, **progress, "random": _random_states(train)}
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with temporary.open("wb") as file:
            torch.save(content, file)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            path.replace(previous(path))
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def previous(path: Path) -> Path:
    """Return where the checkpoint before the last one is kept."""
    return path.with_name(path.name + ".previous")


def resume(path: Path, parts: Mapping[str, Any], run: Mapping[str, Any], train: Any) -> dict[str, Any] | None:
    """Load the newest checkpoint that can be read and fits; return its content, or None to start afresh.

    What differs from the checkpoint's description is said. Options of the optimizer that the caller has changed since,
    such as the learning rate, are used from here on. Another class of model or optimizer, another scheduler, or another
    learning rate under a scheduler cannot go on: the run starts afresh, and the old file is kept as ``<name>.old``.
    """
    for candidate in (path, previous(path)):
        if not candidate.exists():
            continue
        before = {name: copy.deepcopy(part.state_dict()) for name, part in parts.items() if part is not None}
        try:
            content = torch.load(candidate, map_location="cpu", weights_only=True)
            if not isinstance(content, dict) or content.get("format") != _FORMAT:
                raise ValueError("it was not written by this version of dlcourse")
            old = content["run"]
            changed = [key for key in {**old, **run} if old.get(key) != run.get(key)]
            told = [f"{key}: {old.get(key)} in the checkpoint, {run.get(key)} now" for key in changed]
            if any(
                key in _FIXED or key.endswith("of the scheduler") or key.startswith("initial_lr") for key in changed
            ):
                kept = path.with_name(path.name + ".old")
                candidate.replace(kept)
                print(
                    f"{path.name} is of another run ({'; '.join(told)}), so training starts afresh; it is kept as "
                    f"{kept.name}."
                )
                return None
            for name in before:
                parts[name].load_state_dict(content[name])
            _set_random_states(content["random"], train)
        except Exception as error:
            for name, state in before.items():
                parts[name].load_state_dict(state)
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            print(f"The checkpoint {candidate.name} cannot be used ({reason[:120]}); looking for an older one.")
            continue
        print(f"Continuing after epoch {len(content['rows'])} from {candidate.name}.")
        for line in told:
            print(f"    {line}")
        _use_new_options(parts, changed, run)
        return dict(content)
    return None


def _use_new_options(parts: Mapping[str, Any], changed: list[str], run: Mapping[str, Any]) -> None:
    for number, group in enumerate(parts["optimizer"].param_groups):
        for key in group:
            if f"{key} of group {number}" in changed and f"{key} of group {number}" in run:
                value = run[f"{key} of group {number}"]
                group[key] = tuple(value) if isinstance(value, list) else value


def _random_states(train: Any) -> dict[str, Any]:
    numpy_state: Any = np.random.get_state(legacy=True)
    generator = getattr(train, "generator", None)
    return {
        "python": random.getstate(),
        "numpy": [numpy_state[0], torch.from_numpy(numpy_state[1].astype(np.int64)), *numpy_state[2:]],
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "loader": generator.get_state() if generator is not None else None,
    }


def _set_random_states(states: Mapping[str, Any], train: Any) -> None:
    random.setstate(states["python"])
    name, keys, *rest = states["numpy"]
    np.random.set_state((name, keys.numpy().astype(np.uint32), *rest))
    torch.set_rng_state(states["torch"])
    if states["cuda"] and torch.cuda.device_count() == len(states["cuda"]):
        torch.cuda.set_rng_state_all(states["cuda"])
    generator = getattr(train, "generator", None)
    if generator is not None and states["loader"] is not None:
        generator.set_state(states["loader"])
