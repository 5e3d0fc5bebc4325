"""Checks of the exercises of 6.3 Scaling out."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from dlcourse.exercises.harness import Case, checks


@checks("06.3-mean")
def _mean(attempt: Any) -> Iterator[Case]:
    def reference(gradients: list[Tensor], counts: list[int]) -> Tensor:
        total = torch.zeros_like(gradients[0])
        for gradient, count in zip(gradients, counts, strict=True):
            total += gradient * count if count else 0
        return total / sum(counts)

    def plain(gradients: list[Tensor], _: list[int]) -> Tensor:
        return torch.stack(gradients).mean(0)

    def summed(gradients: list[Tensor], counts: list[int]) -> Tensor:
        return reference(gradients, counts) * sum(counts)

    def over_ranks(gradients: list[Tensor], counts: list[int]) -> Tensor:
        return reference(gradients, counts) * sum(counts) / len(counts)

    causes = {
        "The mean of no examples can be NaN, and 0 · NaN is NaN: leave such a rank out.": lambda gradients, _: (
            torch.full_like(gradients[0], math.nan)
        ),
        "The plain mean is right for equal shares only: a rank counts as often as it has examples.": plain,
        "Divide by the number of all examples.": summed,
        "Divide by the number of examples, not of ranks.": over_ranks,
        "The sum of the gradients? The loss is a mean over all examples.": lambda gradients, _: sum(gradients),
    }
    hint = "A rank's mean gradient times its number of examples is a sum; add the sums and divide by all examples."
    for counts, shape in (
        ([32, 32], (3,)), ([48, 16], (3,)), ([1, 2, 5], (2, 3)), ([4, 0, 4], (5,)), ([7], ()),
        ([3, 9, 0, 1, 12], (2, 2, 2)),
    ):  # fmt: skip
        gradients = [torch.randn(shape, dtype=torch.float64) for _ in counts]
        yield Case(f"counts {counts}", attempt, reference, hint, 1e-6, (gradients, counts), causes=causes)
    for counts, shape in (([4, 0, 4], (5,)), ([0, 3, 1], (2, 3)), ([2, 0, 0, 7], ())):
        gradients = [torch.randn(shape, dtype=torch.float64).where(torch.tensor(n > 0), math.nan) for n in counts]
        shown = f"counts {counts}, the gradient NaN where the count is 0,"
        yield Case(shown, attempt, reference, hint, 1e-6, (gradients, counts), causes=causes, nan=True)


@checks("06.3-shard", forbid=("torch.utils.data.DistributedSampler", "torch.utils.data.distributed.DistributedSampler"))
def _shard(attempt: Any) -> Iterator[Case]:
    def expected(count: int, rank: int, world: int) -> list[int]:
        length = math.ceil(count / world)
        return [i % count for i in range(rank, length * world, world)]

    causes = {
        "Here a share is shorter than others: the first examples fill the gaps.": lambda count, rank, world: list(
            range(rank, count, world)
        ),
        "The examples are dealt in turn, not cut into blocks: rank, rank + world, rank + 2·world, …": lambda c, r, w: [
            (r * math.ceil(c / w) + i) % c for i in range(math.ceil(c / w))
        ],
        "No example may be left out: the shares are rounded up.": lambda count, rank, world: list(
            range(rank, count // world * world, world)
        ),
    }
    hint = "Deal 0, 1, 2, … in turn until all shares are equally long; behind the last example comes the first again."
    for count, world in ((10, 4), (12, 4), (7, 2), (1, 1), (3500, 3), (2, 5), (3, 8), (1, 4)):
        for rank in sorted({0, world // 2, world - 1}):
            shown = f"count {count}, rank {rank} of {world}"
            yield Case(shown, attempt, expected, hint, args=(count, rank, world), causes=causes)


@checks("06.3-plan")
def _plan(attempt: Any) -> Iterator[Case]:
    def version(steps: Any, scale: Any = lambda world, per, base: world * per / base) -> Any:
        def run(
            examples: int, per_process: int, world: int, epochs: int, base_batch: int, base_lr: float
        ) -> tuple[int, int, float]:
            lr = base_lr * scale(world, per_process, base_batch)
            return world * per_process, steps(examples, per_process, world, epochs), lr

        return run

    def right(examples: int, per: int, world: int, epochs: int) -> int:
        return epochs * math.ceil(math.ceil(examples / world) / per)

    reference = version(right)
    causes = {
        "The last batch of an epoch is used too: round up.": version(lambda n, per, w, e: e * (n // (per * w))),
        "Round up within each epoch: the last batch is not filled from the next epoch.": version(
            lambda n, per, w, e: math.ceil(e * n / (per * w))
        ),
        "All processes take a step together; divide the data by their number.": version(
            lambda n, per, w, e: e * math.ceil(n / per)
        ),
        "In proportion, not with the square root.": version(right, lambda w, per, base: (w * per / base) ** 0.5),
        "The rate goes with the global batch size over base_batch, not with the number of processes.": version(
            right, lambda w, per, base: w
        ),
        "The rate grows with the batch size.": version(right, lambda w, per, base: base / (w * per)),
    }
    hint = (
        "Global batch: per_process · world. A rank's share is ⌈examples / world⌉, and its batches are rounded up too."
    )
    for values in (
        (3500, 32, 2, 2, 64, 0.05), (3500, 64, 8, 3, 64, 0.1), (1000, 7, 3, 1, 64, 0.02), (64, 64, 1, 5, 64, 0.1),
        (10, 3, 4, 2, 6, 0.5), (65, 16, 4, 4, 32, 0.01), (60_000, 128, 16, 10, 256, 0.1),
    ):  # fmt: skip
        shown = "examples {}, per_process {}, world {}, epochs {}, base_batch {}, base_lr {}".format(*values)
        yield Case(shown, attempt, reference, hint, args=values, causes=causes)


@checks("06.3-diagnose")
def _diagnose(attempt: Any) -> Iterator[Case]:
    def evidence(
        epochs: int, world: int, mistakes: tuple[str, ...], drift: float = 1e-3
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return orders, masks and weights of a run with these mistakes; the last two ranks share dice and drift."""
        orders = torch.stack([torch.randperm(20) for _ in range(epochs)])
        orders = orders[:1].repeat(epochs, 1) if "set_epoch" in mistakes else orders
        masks = torch.stack([torch.arange(world) * 7 % 2**16 >> bit & 1 for bit in range(16)], 1).float()
        weights = torch.randn(30, dtype=torch.float64).repeat(world, 1)
        weights[-1] += 1e-9  # rounding
        weights[-1, 3] += 2e-7
        if "seeds" in mistakes:
            masks[-1] = masks[world - 2]
        if "sync" in mistakes:
            weights[-1, 17] -= drift
        return orders, masks, weights

    hints = {
        "set_epoch": "set_epoch: are the rows of `orders` all equal, and is there more than one?",
        "seeds": "seeds: are any two rows of `masks` equal? Not only the first two.",
        "sync": "sync: is any weight of any two ranks apart by more than 1e-6? Rounding is not a mistake.",
    }

    def case(shown: str, found: tuple[Tensor, Tensor, Tensor], mistakes: list[str]) -> Case:
        every = [[], ["set_epoch"], ["seeds"], ["sync"], ["set_epoch", "seeds"], ["set_epoch", "sync"]]
        every += [["seeds", "sync"], list(hints)]
        causes = {}
        for wrong in every:
            differing = [name for name in hints if (name in wrong) != (name in mistakes)]
            if len(differing) == 1:
                causes[hints[differing[0]]] = wrong
        hint = "Each mistake has its own tensor; return the names in the order of the task."
        return Case(shown, attempt, mistakes, hint, args=found, causes=causes)

    for mistakes in (
        [], ["set_epoch"], ["seeds"], ["sync"], ["set_epoch", "seeds"], ["seeds", "sync"], list(hints),
    ):  # fmt: skip
        for epochs, world in ((3, 2), (2, 4)):
            shown = f"{epochs} epochs, {world} ranks with {' and '.join(mistakes) or 'no mistake'}"
            yield case(shown, evidence(epochs, world, tuple(mistakes)), mistakes)
    yield case("one epoch", evidence(1, 3, ()), [])
    yield case("one epoch, weights apart", evidence(1, 3, ("sync",), -0.5), ["sync"])
    for other in (1, 2, 3):
        orders, masks, weights = evidence(4, 3, ())
        orders[other] = orders[0]
        shown = f"four epochs of which the first and number {other + 1} have the same order"
        yield case(shown, (orders, masks, weights), [])
    yield case("one rank", evidence(3, 1, ()), [])
    yield case("a small drift", evidence(2, 4, ("sync",), 3e-6), ["sync"])
    orders, masks, weights = evidence(3, 4, ())
    weights[1, 5], weights[3, 5] = weights[0, 5] + 7e-7, weights[0, 5] - 7e-7
    yield case("two ranks that drift apart, with rank 0 between them", (orders, masks, weights), ["sync"])
    orders, masks, weights = evidence(3, 4, ())
    masks[2] = masks[0]
    yield case("two ranks with the same dice that are no neighbours", (orders, masks, weights), ["seeds"])
    orders, masks, weights = evidence(3, 2, ())
    orders = torch.stack([torch.cat([torch.tensor([7]), row[row != 7]]) for row in orders])
    yield case("three orders that begin with the same index", (orders, masks, weights), [])


@checks("06.3-memory")
def _memory(attempt: Any) -> Iterator[Case]:
    def version(factor: int, rows: Any = lambda n, world: math.ceil(n / world)) -> Any:
        def run(shapes: list[tuple[int, ...]], world: int, sharded: bool) -> int:
            return factor * sum((rows(s[0], world) if sharded else s[0]) * math.prod(s[1:]) for s in shapes)

        return run

    def of_total(shapes: list[tuple[int, ...]], world: int, sharded: bool) -> int:
        total = 16 * sum(map(math.prod, shapes))
        return math.ceil(total / world) if sharded else total

    reference = version(16)
    causes = {
        "Each tensor is cut by whole rows and rounded up for rank 0; the total over world is less.": of_total,
        "Rank 0 has the rounded-up number of rows.": version(16, lambda n, world: n // world),
        "Four numbers for each parameter: itself, its gradient, two moments; 4 bytes each.": version(4),
        "Adam has two moments for each parameter.": version(12),
        "Where is the gradient?": version(12),
        "Without `sharded` a rank has everything.": lambda shapes, world, _: reference(shapes, world, True),
    }
    hint = "16 bytes for each parameter on the rank: ⌈rows / world⌉ rows of each tensor when sharded, else all."
    lenet = [(6, 1, 5, 5), (6,), (16, 6, 5, 5), (16,), (120, 400), (120,), (84, 120), (84,), (10, 84), (10,)]
    for shapes in (lenet, [(3, 4), (1,)], [(5,)], [(7, 2, 2), (9, 3), (2,)]):
        for world in (1, 2, 4, 16):
            for sharded in (False, True):
                shown = f"shapes {shapes if len(shapes) < 4 else 'of LeNet'}, world {world}, sharded {sharded}"
                yield Case(shown, attempt, reference, hint, args=(shapes, world, sharded), causes=causes)


@checks("06.3-world")
def _world(attempt: Any) -> Iterator[Case]:
    def seconds(B: int, p: int, m: dict[str, float]) -> float:
        talk = 2 * (p - 1) * m["delay"] + 2 * (p - 1) / p * m["bytes"] / m["bandwidth"]
        return m["fixed"] + m["example"] * B / p + talk

    def version(enough: Any, choose: Any = max) -> Any:
        def run(batch_size: int, efficiency: float, machine: dict[str, float]) -> int:
            powers = [2**k for k in range(batch_size.bit_length())]
            one = seconds(batch_size, 1, machine)
            fine = [p for p in powers if enough(one, seconds(batch_size, p, machine), p) >= efficiency]
            return int(choose(fine)) if fine else 1

        return run

    reference = version(lambda one, many, p: one / (p * many))
    causes = {
        "That is the speed-up, not the efficiency: divide by p as well.": version(lambda one, many, p: one / many),
        "A power of two up to the batch size: the next one is too many.": lambda *args: 2 * reference(*args),
        "The largest, not the smallest.": version(lambda one, many, p: one / (p * many), min),
        "Efficiency is the time of one over p times the time of p; yours is upside down.": version(
            lambda one, many, p: p * many / one
        ),
    }
    hint = "step_seconds(B, 1) / (p · step_seconds(B, p)) for p = 1, 2, 4, … up to B; the largest that is enough."
    cluster = {"fixed": 1e-3, "example": 1e-4, "delay": 5e-5, "bandwidth": 1.25e9, "bytes": 246_824}
    slow = {**cluster, "delay": 1e-3}
    large = {"fixed": 2e-3, "example": 5e-2, "delay": 2e-5, "bandwidth": 5e9, "bytes": 4e8}
    free = {**cluster, "fixed": 0.0, "delay": 0.0, "bandwidth": 1e18}
    for name, machine in (("a cluster", cluster), ("slow turns", slow), ("a large model", large), ("free talk", free)):
        for batch_size, efficiency in ((64, 0.5), (100, 0.25), (1024, 0.8), (8, 0.9), (1, 1.0), (4096, 0.1)):
            shown = f"batch size {batch_size}, efficiency {efficiency}, {name}"
            yield Case(shown, attempt, reference, hint, args=(batch_size, efficiency, machine), causes=causes)
