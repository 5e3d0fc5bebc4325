"""Right answers to the exercises of notebook 5.3 that differ from the folded solutions; each must pass."""

RIGHT = {
    "05.3-budget": [
        "def rates_for(total, optimizers, seeds, new_seeds):\n"
        "    number = 0\n"
        "    while optimizers * (seeds * (number + 1) + new_seeds) <= total:\n"
        "        number += 1\n"
        "    return number",
        "def rates_for(total, optimizers, seeds, new_seeds):\n"
        "    each = total // optimizers\n"
        "    return max(each - new_seeds, 0) // seeds",
    ],
    "05.3-audit": [
        "def rates_of(optimizer, loop):\n"
        "    from torch.optim.optimizer import register_optimizer_step_pre_hook as register\n"
        "    used = []\n"
        "    def note(own, args, kwargs):\n"
        "        if own is optimizer:\n"
        "            used.append(own.param_groups[0]['lr'])\n"
        "    handle = register(note)\n"
        "    loop()\n"
        "    handle.remove()\n"
        "    return used",
        "def rates_of(optimizer, loop):\n"
        "    used = []\n"
        "    def note(own, args, kwargs):\n"
        "        used.append(float(own.param_groups[0]['lr']))\n"
        "    handle = optimizer.register_step_post_hook(note)\n"
        "    try:\n"
        "        loop()\n"
        "    finally:\n"
        "        handle.remove()\n"
        "    return used",
    ],
    "05.3-cosine": [
        "def warm_cosine(step, warmup, end, base, final):\n    return cosine(step, base, final, warmup, end)",
        "def warm_cosine(step, warmup, end, base, final):\n"
        "    if step < warmup:\n"
        "        return step / warmup * base\n"
        "    share = min(1, (step - warmup) / (end - warmup))\n"
        "    weight = math.cos(math.pi / 2 * share) ** 2\n"
        "    return weight * base + (1 - weight) * final",
        "def warm_cosine(step, warmup, end, base, final):\n"
        "    step = min(step, end)\n"
        "    if step < warmup:\n"
        "        return torch.tensor(base * step / warmup, dtype=torch.float64)\n"
        "    t = torch.tensor((step - warmup) / (end - warmup), dtype=torch.float64)\n"
        "    return final + (base - final) * (1 + torch.cos(torch.pi * t)) / 2",
    ],
    "05.3-winner": [
        "def winner(runs):\n"
        "    settings = {(r['optimizer'], r['lr']) for r in runs}\n"
        "    def mean(setting, part):\n"
        "        own = [r[part] for r in runs if (r['optimizer'], r['lr']) == setting]\n"
        "        return sum(own) / len(own)\n"
        "    best = max(settings, key=lambda setting: mean(setting, 'validation'))\n"
        "    return best[0], best[1], mean(best, 'test')",
        "def winner(runs):\n"
        "    best = None\n"
        "    for name in sorted({r['optimizer'] for r in runs}):\n"
        "        for lr in sorted({r['lr'] for r in runs if r['optimizer'] == name}):\n"
        "            own = [r for r in runs if r['optimizer'] == name and r['lr'] == lr]\n"
        "            score = statistics.fmean(r['validation'] for r in own)\n"
        "            if best is None or score > best[0]:\n"
        "                best = (score, name, lr, statistics.fmean(r['test'] for r in own))\n"
        "    return best[1:]",
    ],
    "05.3-width": [
        "def width(scores, within):\n"
        "    rates = sorted(scores)\n"
        "    limit = max(scores.values()) - within\n"
        "    best = max(scores, key=scores.get)\n"
        "    bad = [lr for lr in rates if scores[lr] < limit]\n"
        "    low = min(lr for lr in rates if lr > max([b for b in bad if b < best], default=0))\n"
        "    high = max(lr for lr in rates if lr < min([b for b in bad if b > best], default=math.inf))\n"
        "    return math.log10(high) - math.log10(low)",
        "def width(scores, within):\n"
        "    best = max(scores, key=scores.get)\n"
        "    ends = []\n"
        "    rates = sorted(scores)\n"
        "    place = rates.index(best)\n"
        "    for side in (rates[place:], rates[place::-1]):\n"
        "        end = best\n"
        "        for lr in side:\n"
        "            if scores[lr] < scores[best] - within:\n"
        "                break\n"
        "            end = lr\n"
        "        ends.append(end)\n"
        "    return math.log(ends[0] / ends[1], 10)",
    ],
    "05.3-bug": [
        "def repaired(parameters, epochs, batches, backward):\n"
        "    optimizer = torch.optim.SGD(parameters, lr=1.0)\n"
        "    used = audit(optimizer)\n"
        "    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs)\n"
        "    for epoch in range(epochs):\n"
        "        for batch in range(batches):\n"
        "            backward(batch)\n"
        "            optimizer.step()\n"
        "        scheduler.step()\n"
        "    return used",
        "def repaired(parameters, epochs, batches, backward):\n"
        "    optimizer = torch.optim.SGD(parameters, lr=1.0)\n"
        "    used = []\n"
        "    for epoch in range(epochs):\n"
        "        optimizer.param_groups[0]['lr'] = cosine(epoch, 1.0, 0.0, 0, epochs)\n"
        "        for batch in range(batches):\n"
        "            backward(batch)\n"
        "            optimizer.step()\n"
        "            used.append(optimizer.param_groups[0]['lr'])\n"
        "    return used",
    ],
}
