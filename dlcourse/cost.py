"""What a computation costs: operations, memory for the backward pass, and the steps that must follow each other."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

Layer = Callable[[Tensor], Any]


def flops(layer: Layer, *shape: int) -> int:
    """Return the multiplications and additions of a layer (a module or a function) for an input of this shape.

    A module is moved to the ``meta`` device, so nothing is computed. PyTorch counts matrix products and convolutions.
    """
    if isinstance(layer, nn.Module):
        layer.to("meta")
    with FlopCounterMode(display=False) as counter:
        layer(torch.empty(*shape, device="meta"))
    return int(counter.get_total_flops())


def kept_numbers(layer: Layer, *shape: int) -> int:
    """Return how many numbers autograd keeps for the backward pass of a layer, its parameters left out."""
    sizes: dict[int, int] = {}

    def note(kept: Tensor) -> Tensor:
        if not isinstance(kept, nn.Parameter) and not isinstance(kept._base, nn.Parameter):
            storage = kept.untyped_storage()
            sizes[storage.data_ptr()] = storage.nbytes() // kept.element_size()
        return kept

    with torch.autograd.graph.saved_tensors_hooks(note, lambda kept: kept):
        output = layer(torch.randn(*shape, requires_grad=True))  # alive until the sizes are added up
    total = sum(sizes.values())
    del output
    return total


def longest_chain(output: Tensor) -> int:
    """Return the number of operations in the longest chain, as autograd recorded them, that led to ``output``."""
    depth: dict[Any, int] = {}
    todo: list[Any] = [output.grad_fn]
    while todo:
        before = [node for node, _ in todo[-1].next_functions if node is not None]
        unknown = [node for node in before if node not in depth]
        todo.extend(unknown)
        if not unknown:
            depth[todo.pop()] = 1 + max((depth[node] for node in before), default=0)
    return depth[output.grad_fn]


def seconds(layer: Layer, *shape: int, runs: int = 3) -> float:
    """Return the shortest of some runs of a layer on the CPU, forward only."""
    x, times = torch.randn(*shape), []
    with torch.no_grad():
        for _ in range(runs):
            start = time.perf_counter()
            layer(x)
            times.append(time.perf_counter() - start)
    return min(times)
