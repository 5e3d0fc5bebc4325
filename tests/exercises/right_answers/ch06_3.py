"""Right answers to the exercises of notebook 6.3 that differ from the folded solutions; each must pass."""

RIGHT = {
    "06.3-mean": [
        "def mean_gradient(gradients, counts):\n"
        "    total = torch.zeros_like(gradients[0])\n"
        "    for g, n in zip(gradients, counts):\n"
        "        if n:\n"
        "            total += g * n / sum(counts)\n"
        "    return total",
        "def mean_gradient(gradients, counts):\n"
        "    w = torch.tensor(counts, dtype=gradients[0].dtype)\n"
        "    return torch.tensordot(w / w.sum(), torch.stack(gradients).nan_to_num(), 1)",
        "def mean_gradient(gradients, counts):\n"
        "    return torch.stack([n * g for n, g in zip(counts, gradients)]).nansum(0) / sum(counts)",
        "def mean_gradient(gradients, counts):\n"
        "    w = torch.tensor(counts)\n"
        "    some = w > 0\n"
        "    return torch.einsum('r,r...->...', w[some].double(), torch.stack(gradients)[some]) / w.sum()",
    ],
    "06.3-shard": [
        "def shard(count, rank, world):\n"
        "    cards = list(range(count))\n"
        "    while len(cards) % world:\n"
        "        cards.append(len(cards) % count)\n"
        "    return cards[rank::world]",
        "def shard(count, rank, world):\n"
        "    import math\n"
        "    total = math.ceil(count / world) * world\n"
        "    cards = list(range(count)) * (total // count + 1)\n"
        "    return cards[:total][rank::world]",
    ],
    "06.3-plan": [
        "def plan(examples, per_process, world, epochs, base_batch, base_lr):\n"
        "    import math\n"
        "    B = world * per_process\n"
        "    return B, epochs * math.ceil(math.ceil(examples / world) / per_process), base_lr * (B / base_batch)",
        "def plan(examples, per_process, world, epochs, base_batch, base_lr):\n"
        "    sampler = DistributedSampler(range(examples), num_replicas=world, rank=0)\n"
        "    loader = DataLoader(range(examples), per_process, sampler=sampler)\n"
        "    B = world * per_process\n"
        "    return B, epochs * len(loader), B * base_lr / base_batch",
    ],
    "06.3-diagnose": [
        "def diagnose(orders, masks, weights):\n"
        "    orders, masks = orders.tolist(), masks.tolist()\n"
        "    found = []\n"
        "    if len(orders) > 1 and all(order == orders[0] for order in orders):\n"
        "        found.append('set_epoch')\n"
        "    if len(set(map(tuple, masks))) != len(masks):\n"
        "        found.append('seeds')\n"
        "    if any((w - v).abs().max() > 1e-6 for w in weights for v in weights):\n"
        "        found.append('sync')\n"
        "    return found",
        "def diagnose(orders, masks, weights):\n"
        "    world = len(masks)\n"
        "    same = (masks[:, None] == masks[None]).all(-1).sum() > world\n"
        "    tests = {\n"
        "        'set_epoch': orders.shape[0] > 1 and len(torch.unique(orders, dim=0)) == 1,\n"
        "        'seeds': bool(same),\n"
        "        'sync': bool(((weights[:, None] - weights).abs() > 1e-6).any()),\n"
        "    }\n"
        "    return [name for name, shows in tests.items() if shows]",
    ],
    "06.3-memory": [
        "def bytes_on_rank_0(shapes, world, sharded):\n"
        "    parts = [torch.empty(s, device='meta') for s in shapes]\n"
        "    if sharded:\n"
        "        parts = [p.chunk(world)[0] for p in parts]\n"
        "    return sum(4 * 4 * p.numel() for p in parts)",
        "def bytes_on_rank_0(shapes, world, sharded):\n"
        "    import math\n"
        "    cut = world if sharded else 1\n"
        "    return sum(16 * math.ceil(s[0] / cut) * math.prod(s[1:]) for s in shapes)",
    ],
    "06.3-world": [
        "def largest_world(batch_size, efficiency, machine):\n"
        "    best, p = 1, 1\n"
        "    while p <= batch_size:\n"
        "        if step_seconds(batch_size, 1, machine) / step_seconds(batch_size, p, machine) / p >= efficiency:\n"
        "            best = p\n"
        "        p *= 2\n"
        "    return best",
        "def largest_world(batch_size, efficiency, machine):\n"
        "    p, one = 1, step_seconds(batch_size, 1, machine)\n"
        "    while 2 * p <= batch_size and one >= efficiency * 2 * p * step_seconds(batch_size, 2 * p, machine):\n"
        "        p *= 2\n"
        "    return p",
    ],
}
