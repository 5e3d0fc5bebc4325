"""What notebook 6.3 measures with several processes, in one job: ``torchrun --nproc-per-node=2 lab_ddp.py``.

Rank 0 writes all results as JSON: equality, gradient accumulation, seeds, all-reduce times, step times, profiles, FSDP.
"""

from __future__ import annotations

import contextlib
import json
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch import distributed as dist
from torch.distributed.algorithms.ddp_comm_hooks.default_hooks import allreduce_hook
from torch.distributed.fsdp import fully_shard
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel
from torch.profiler import ProfilerActivity, profile, record_function
from torch.utils.data import TensorDataset
from train_ddp import connect, flat, lenet, parse

from dlcourse import data

Batches = list[tuple[Tensor, Tensor]]


def share(digits: TensorDataset, count: int, batch_size: int, dtype: torch.dtype, device: torch.device) -> Batches:
    """Return the first ``count`` batches in order, of each every world-th example: what this rank computes on."""
    rank, world = dist.get_rank(), dist.get_world_size()
    pictures, labels = (part[: count * batch_size].to(device) for part in digits.tensors)
    parts = zip(pictures.to(dtype).split(batch_size), labels.split(batch_size), strict=True)
    return [(x[rank::world], y[rank::world]) for x, y in parts]


# --- all-reduce by hand ---
def average_gradients(model: nn.Module) -> None:
    """Put the mean over all processes into each gradient: what DDP does."""
    for parameter in model.parameters():
        dist.all_reduce(parameter.grad)
        parameter.grad /= dist.get_world_size()


def by_hand(model: nn.Module, batches: Batches, lr: float) -> Tensor:
    """Train with SGD and momentum 0.9 and return the weights; the gradients are averaged by hand."""
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
    for pictures, labels in batches:
        optimizer.zero_grad()
        F.cross_entropy(model(pictures), labels).backward()
        average_gradients(model)
        optimizer.step()
    return flat(model)


def with_engine(model: nn.Module, batches: Batches, optimizer: torch.optim.Optimizer) -> None:
    """Train a model whose engine, DDP or FSDP, looks after the gradients."""
    for pictures, labels in batches:
        optimizer.zero_grad()
        F.cross_entropy(model(pictures), labels).backward()
        optimizer.step()


def equality(digits: TensorDataset, options: Any, device: torch.device) -> dict[str, Any]:
    """Return the largest differences of the weights after ten steps: by hand, by DDP, and without any exchange."""
    batches = share(digits, 10, options.batch_size, torch.float64, device)

    def fresh() -> nn.Module:
        torch.manual_seed(options.seed)
        return lenet(digits, device, torch.float64)

    hand = by_hand(fresh(), batches, options.lr)
    ddp = DistributedDataParallel(fresh())
    with_engine(ddp, batches, torch.optim.SGD(ddp.parameters(), lr=options.lr, momentum=0.9))
    lonely = fresh()
    with_engine(lonely, batches, torch.optim.SGD(lonely.parameters(), lr=options.lr, momentum=0.9))
    return {
        "by hand and DDP": gap(hand, flat(ddp)), "ranks, by hand": between_ranks(hand),
        "ranks, without all-reduce": between_ranks(flat(lonely)),
    }  # fmt: skip


def gap(a: Tensor, b: Tensor) -> float:
    """Return the largest difference."""
    return (a - b).abs().max().item()


def between_ranks(vector: Tensor) -> float:
    """Return how far the first and the last process are apart, at most."""
    first, last = vector.clone(), vector.clone()
    dist.broadcast(first, 0)
    dist.broadcast(last, dist.get_world_size() - 1)
    return gap(first, last)


# --- gradient accumulation ---
def accumulate(model: DistributedDataParallel, batches: Batches, lr: float, way: str, parts: int = 4) -> int:
    """Take one step for every ``parts`` batches, and return the number of all-reduces."""
    calls = []

    def count(state, bucket):  # DDP refuses annotations that are texts
        calls.append(1)
        return allreduce_hook(state, bucket)

    model.register_comm_hook(None, count)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
    for i, (pictures, labels) in enumerate(batches):
        last = i % parts == parts - 1
        if way == "flag before forward":
            model.require_backward_grad_sync = last
        with contextlib.nullcontext() if last or way != "no_sync around both" else model.no_sync():
            loss = F.cross_entropy(model(pictures), labels) / parts
            if way == "flag after forward":
                model.require_backward_grad_sync = last
            with contextlib.nullcontext() if last or way != "no_sync around backward" else model.no_sync():
                loss.backward()
        if last:
            optimizer.step()
            optimizer.zero_grad()
    return len(calls)


def accumulation(digits: TensorDataset, options: Any, device: torch.device) -> dict[str, Any]:
    """Return for each way: all-reduces, difference between the ranks, and from one process with the whole batch."""
    steps, parts = 5, 4
    batches = share(digits, steps * parts, 16, torch.float64, device)
    pictures, labels = digits.tensors[0][: steps * parts * 16].double(), digits.tensors[1][: steps * parts * 16]
    torch.manual_seed(options.seed)
    alone = lenet(digits, torch.device("cpu"), torch.float64)
    whole = list(zip(pictures.split(parts * 16), labels.split(parts * 16), strict=True))
    with_engine(alone, whole, torch.optim.SGD(alone.parameters(), lr=options.lr, momentum=0.9))
    found = {}
    for way in (
        "sync always",
        "no_sync around both",
        "flag before forward",
        "flag after forward",
        "no_sync around backward",
    ):
        torch.manual_seed(options.seed)
        model = DistributedDataParallel(lenet(digits, device, torch.float64))
        calls = accumulate(model, batches, options.lr, way, parts)
        found[way] = [calls, between_ranks(flat(model)), gap(flat(model), flat(alone))]
    return found


# --- seeds ---
def dropout_seeds(options: Any) -> dict[str, float]:
    """Return the share of equal entries in the dropout masks of the first and the last process."""
    found = {}
    for name, seed in (("the same seed", options.seed), ("seed + rank", options.seed + dist.get_rank())):
        torch.manual_seed(seed)
        mask = F.dropout(torch.ones(10_000), 0.5)
        others = [torch.empty_like(mask) for _ in range(dist.get_world_size())]
        dist.all_gather(others, mask)
        found[name] = (others[0] == others[-1]).double().mean().item()
    return found


# --- times ---
def median_seconds(function: Callable[[], Any], runs: int) -> float:
    """Return the median time of a call, all processes starting together."""
    times = []
    for _ in range(runs):
        dist.barrier()
        begun = time.perf_counter()
        function()
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


def all_reduce_times(device: torch.device) -> dict[int, float]:
    """Return the seconds of an all-reduce by the number of bytes."""
    found = {}
    for count in (2**10, 2**14, 2**16, 2**18, 2**20, 2**21):
        vector = torch.ones(count, device=device)
        found[4 * count] = median_seconds(lambda vector=vector: dist.all_reduce(vector), 7)
    return found


def step_times(digits: TensorDataset, options: Any, device: torch.device) -> dict[int, float]:
    """Return the seconds of a training step under DDP, by the batch size of all processes together."""
    model = DistributedDataParallel(lenet(digits, device, torch.float32))
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)
    found = {}
    for batch_size in (16, 64, 256):
        batch = share(digits, 1, batch_size, torch.float32, device)
        found[batch_size] = median_seconds(lambda batch=batch: with_engine(model, batch, optimizer), 12)
    return found


# --- the profiler ---
def profiled_step(digits: TensorDataset, bucket_megabytes: float, device: torch.device) -> list[list[Any]]:
    """Return [name, start, end] in milliseconds for the parts of one training step."""
    torch.manual_seed(0)
    model = DistributedDataParallel(lenet(digits, device, torch.float32), bucket_cap_mb=bucket_megabytes)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    ((pictures, labels),) = share(digits, 1, 256, torch.float32, device)

    def step() -> None:
        with record_function("forward"):
            loss = F.cross_entropy(model(pictures), labels)
        with record_function("backward"):
            loss.backward()
        with record_function("optimizer"):
            optimizer.step()
            optimizer.zero_grad()

    for _ in range(3):  # DDP arranges its buckets after the first
        step()
    kinds = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if device.type == "cuda" else [])]
    with profile(activities=kinds) as profiler:
        step()
    names = ("forward", "backward", "optimizer", "gloo:all_reduce", "nccl:all_reduce")
    kept = [e for e in profiler.events() if e.name in names and e.time_range.end > e.time_range.start]
    begun = min(e.time_range.start for e in kept)
    return [[e.name, (e.time_range.start - begun) / 1e3, (e.time_range.end - begun) / 1e3] for e in kept]


# --- FSDP ---
def held(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, int]:
    """Return how many numbers this process keeps: parameters, gradients, and the state of Adam."""

    def here(tensor: Tensor) -> int:
        return (tensor.to_local() if hasattr(tensor, "to_local") else tensor).numel()

    states = [value for state in optimizer.state.values() for name, value in state.items() if name != "step"]
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    return {
        "parameters": sum(map(here, model.parameters())), "gradients": sum(map(here, gradients)),
        "Adam's state": sum(map(here, states)),
    }  # fmt: skip


def sharding(digits: TensorDataset, options: Any, device: torch.device) -> dict[str, Any]:
    """Train with DDP and with FSDP from the same weights: shards, numbers held, difference of the weights."""
    batches = share(digits, 5, options.batch_size, torch.float64, device)
    found: dict[str, Any] = {}
    weights = []
    for name in ("DDP", "FSDP"):
        torch.manual_seed(options.seed)
        model: nn.Module = lenet(digits, device, torch.float64)
        if name == "DDP":
            model = DistributedDataParallel(model)
        else:
            for layer in model.layers:
                if list(layer.parameters()):
                    fully_shard(layer)
            fully_shard(model)
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
        with_engine(model, batches, optimizer)
        found[name] = held(model, optimizer)
        whole = [p.full_tensor() if hasattr(p, "full_tensor") else p for p in model.parameters()]
        weights.append(torch.cat([p.detach().flatten() for p in whole]))
        if name == "FSDP":
            found["shards"] = [[key, list(p.shape), list(p.to_local().shape)] for key, p in model.named_parameters()]
    return {**found, "difference": gap(*weights)}


def measured(options: Any) -> Iterator[tuple[str, Any]]:
    """Yield all measurements by name."""
    device = connect()
    digits = data.mnist("quick").train
    yield "equality", equality(digits, options, device)
    yield "accumulation", accumulation(digits, options, device)
    yield "seeds", dropout_seeds(options)
    yield "all-reduce", all_reduce_times(device)
    yield "steps", step_times(digits, options, device)
    yield (
        "profiles",
        {"one bucket": profiled_step(digits, 25, device), "small buckets": profiled_step(digits, 0.04, device)},
    )
    yield "FSDP", sharding(digits, options, device)


def main() -> None:
    """Measure everything; rank 0 reports."""
    options = parse()
    found = dict(measured(options))
    if dist.get_rank() == 0:
        report = json.dumps(found)
        if options.result:
            options.result.write_text(report, encoding="utf-8")
        else:
            print(report)
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
