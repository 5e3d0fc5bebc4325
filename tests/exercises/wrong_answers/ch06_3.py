"""Plausible wrong answers to the exercises of notebook 6.3; each must fail with a hint."""


def detective(
    several="len(orders) > 1 and ", order="(orders == orders[0]).all()", bound="1e-6",
    seeds="len(masks.unique(dim=0)) < len(masks)", sync="(weights - weights[0]).abs().max()",
    names=("set_epoch", "seeds", "sync"),
):  # fmt: skip
    """Return the detective with one of its parts exchanged."""
    return (
        "def diagnose(orders, masks, weights):\n"
        "    found = []\n"
        f"    if {several}{order}:\n        found.append('{names[0]}')\n"
        f"    if {seeds}:\n        found.append('{names[1]}')\n"
        f"    if {sync} > {bound}:\n        found.append('{names[2]}')\n"
        "    return found"
    )


def counted(kept):
    """Return the answer to the exercise on memory with another expression for the numbers kept of one shape."""
    return (
        "def bytes_on_rank_0(shapes, world, sharded):\n"
        "    import math\n"
        f"    return sum({kept} for s in shapes)"
    )  # fmt: skip


def planned(
    steps="epochs * -(-(-(-examples // world)) // per_process)",
    lr="base_lr * B / base_batch",
    batch="per_process * world",
):
    """Return the answer to the exercise on planning with one of its parts exchanged."""
    return (
        "def plan(examples, per_process, world, epochs, base_batch, base_lr):\n"
        f"    B = {batch}\n"
        f"    return B, {steps}, {lr}"
    )  # fmt: skip


def searched(condition, start="1", choose="max"):
    """Return the answer to the exercise on efficiency with another condition."""
    return (
        "def largest_world(batch_size, efficiency, machine):\n"
        "    one = step_seconds(batch_size, 1, machine)\n"
        f"    powers = [{start}, *(2**k for k in range(1, batch_size.bit_length()))]\n"
        f"    return {choose}(p for p in powers if {condition})"
    )


WRONG = {
    "06.3-mean": [
        "def mean_gradient(gradients, counts):\n    return sum(gradients) / len(gradients)",
        "def mean_gradient(gradients, counts):\n    return sum(n * g for n, g in zip(counts, gradients))",
        "def mean_gradient(gradients, counts):\n    return sum(n * g for n, g in zip(counts, gradients)) / len(counts)",
        "def mean_gradient(gradients, counts):\n    return sum(gradients)",
        "def mean_gradient(gradients, counts):\n    return sum(g / n for n, g in zip(counts, gradients))",
        # changes the first gradient
        "def mean_gradient(gradients, counts):\n"
        "    total = gradients[0].mul_(counts[0])\n"
        "    for g, n in zip(gradients[1:], counts[1:]):\n"
        "        total += g * n\n"
        "    return total / sum(counts)",
        # only ranks that have something, all alike
        "def mean_gradient(gradients, counts):\n"
        "    kept = [g for g, n in zip(gradients, counts) if n]\n"
        "    return sum(kept) / len(kept)",
        # NaN where a rank has no examples
        "def mean_gradient(gradients, counts):\n    return sum(n * g for n, g in zip(counts, gradients)) / sum(counts)",
        "def mean_gradient(gradients, counts):\n"
        "    w = torch.tensor(counts, dtype=gradients[0].dtype)\n"
        "    return torch.tensordot(w / w.sum(), torch.stack(gradients), 1)",
        "def mean_gradient(gradients, counts):\n"
        "    total = 0 * gradients[0]\n"
        "    for g, n in zip(gradients, counts):\n"
        "        if n > 0:\n"
        "            total = total + n * g\n"
        "    return total / sum(counts)",
        # too late
        "def mean_gradient(gradients, counts):\n"
        "    return torch.nan_to_num(sum(n * g for n, g in zip(counts, gradients)) / sum(counts))",
    ],
    "06.3-shard": [
        "def shard(count, rank, world):\n    return list(range(rank, count, world))",
        "def shard(count, rank, world):\n    return list(range(rank, count // world * world, world))",
        "def shard(count, rank, world):\n"
        "    length = -(-count // world)\n"
        "    return [(rank * length + i) % count for i in range(length)]",
        # the last example again
        "def shard(count, rank, world):\n"
        "    length = -(-count // world)\n"
        "    return [min(i, count - 1) for i in range(rank, length * world, world)]",
        # pads once only
        "def shard(count, rank, world):\n"
        "    total = -(-count // world) * world\n"
        "    cards = list(range(count))\n"
        "    cards += cards[: total - count]\n"
        "    return cards[rank::world]",
        # a range
        "def shard(count, rank, world):\n    return range(rank, -(-count // world) * world, world)",
        # one round too many when it fits
        "def shard(count, rank, world):\n"
        "    length = count // world + 1\n"
        "    return [i % count for i in range(rank, length * world, world)]",
        "def shard(count, rank, world):\n    return list(DistributedSampler(range(count), world, rank, shuffle=False))",
    ],
    "06.3-plan": [
        planned(steps="epochs * (examples // B)"),
        planned(steps="-(-epochs * examples // B)"),
        planned(steps="epochs * -(-examples // per_process)"),
        planned(steps="epochs * (examples / B)"),
        planned(lr="base_lr * (B / base_batch) ** 0.5"),
        planned(lr="base_lr * world"),
        planned(lr="base_lr * base_batch / B"),
        planned(lr="base_lr"),
        planned(batch="per_process"),
        planned(steps="-(-(-(-examples // world)) // per_process)"),
        planned(steps="epochs * (-(-examples // world) // per_process)"),
    ],
    "06.3-diagnose": [
        # compares with rank 0 only
        "def diagnose(orders, masks, weights):\n"
        "    tests = {\n"
        "        'set_epoch': len(orders) > 1 and len(torch.unique(orders, dim=0)) == 1,\n"
        "        'seeds': len(masks.unique(dim=0)) < len(masks),\n"
        "        'sync': bool(((weights[0] - weights).abs() > 1e-6).any()),\n"
        "    }\n"
        "    return [name for name, shows in tests.items() if shows]",
        # allclose has a relative tolerance of its own
        "def diagnose(orders, masks, weights):\n"
        "    tests = {\n"
        "        'set_epoch': len(orders) > 1 and len(torch.unique(orders, dim=0)) == 1,\n"
        "        'seeds': len(masks.unique(dim=0)) < len(masks),\n"
        "        'sync': not torch.allclose(weights, weights[0].expand_as(weights)),\n"
        "    }\n"
        "    return [name for name, shows in tests.items() if shows]",
        detective(several=""),
        detective(order="(orders[0] == orders[1]).all()", several="len(orders) > 1 and "),
        detective(order="(orders[0] == orders[-1]).any()"),
        detective(order="any((orders[0] == o).all() for o in orders[1:])"),
        detective(seeds="len(masks) > 1 and (masks[0] == masks[1]).all()"),
        detective(seeds="(masks == masks[0]).all()"),
        detective(bound="0"),
        detective(bound="1e-2"),
        detective(sync="(weights - weights[0]).max()"),
        detective(sync="(weights[0] - weights[min(1, len(weights) - 1)]).abs().max()"),
        detective(names=("sync", "seeds", "set_epoch")),
        detective().replace("return found", "return found[:1]"),
        detective().replace("return found", "return ', '.join(found)"),
    ],
    "06.3-memory": [
        counted("16 * math.prod(s)"),
        counted("16 * (s[0] // world if sharded else s[0]) * math.prod(s[1:])"),
        counted("4 * (-(-s[0] // world) if sharded else s[0]) * math.prod(s[1:])"),
        counted("12 * (-(-s[0] // world) if sharded else s[0]) * math.prod(s[1:])"),
        counted("16 * -(-s[0] // world) * math.prod(s[1:])"),
        counted("16 * -(-math.prod(s) // (world if sharded else 1))"),
        "def bytes_on_rank_0(shapes, world, sharded):\n"
        "    import math\n"
        "    total = 16 * sum(math.prod(s) for s in shapes)\n"
        "    return total // world if sharded else total",
        # the last dimension
        counted("16 * math.prod(s[:-1]) * (-(-s[-1] // world) if sharded else s[-1])"),
        # a float
        counted("16.0 * (-(-s[0] // world) if sharded else s[0]) * math.prod(s[1:])"),
        # only the parameters are sharded
        counted("4 * (-(-s[0] // world) if sharded else s[0]) * math.prod(s[1:]) + 12 * math.prod(s)"),
    ],
    "06.3-world": [
        searched("one / step_seconds(batch_size, p, machine) >= efficiency"),
        searched("p * step_seconds(batch_size, p, machine) / one >= efficiency"),
        searched("one / (p * step_seconds(batch_size, p, machine)) >= efficiency", choose="min"),
        searched("one / (p * step_seconds(batch_size, p, machine)) >= efficiency", choose="sum"),
        # every process its own batch
        searched("one / step_seconds(batch_size * p, p, machine) >= efficiency"),
        # the first that is too many
        "def largest_world(batch_size, efficiency, machine):\n"
        "    p, one = 1, step_seconds(batch_size, 1, machine)\n"
        "    while p < batch_size and one / (p * step_seconds(batch_size, p, machine)) >= efficiency:\n"
        "        p *= 2\n"
        "    return p",
        # not only powers of two
        "def largest_world(batch_size, efficiency, machine):\n"
        "    one = step_seconds(batch_size, 1, machine)\n"
        "    worlds = range(1, batch_size + 1)\n"
        "    return max(p for p in worlds if one / (p * step_seconds(batch_size, p, machine)) >= efficiency)",
        # more processes than examples
        "def largest_world(batch_size, efficiency, machine):\n"
        "    one = step_seconds(batch_size, 1, machine)\n"
        "    powers = [2**k for k in range(20)]\n"
        "    return max(p for p in powers if one / (p * step_seconds(batch_size, p, machine)) >= efficiency)",
    ],
}
