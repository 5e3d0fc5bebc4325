"""Plausible wrong answers to the exercises of notebook 5.3; each must fail with a hint."""

SUSPECT = """def repaired(parameters, epochs, batches, backward):
    optimizer = torch.optim.SGD(parameters, lr=1.0)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs)
    used = []
    for epoch in range(epochs):
{body}
    return used"""


def loop(body: str) -> str:
    """Return the loop with another body of an epoch."""
    return SUSPECT.format(body=body)


def warm(first: str, then: str) -> str:
    """Return an answer to the third exercise with a branch for the warm-up and one for what follows."""
    head = "def warm_cosine(step, warmup, end, base, final):\n"
    return f"{head}    if step < warmup:\n        return {first}\n    return {then}"


WAVE = "final + (base - final) * (1 + math.cos(math.pi * {})) / 2"
SHARE = "min((step - warmup) / (end - warmup), 1)"
RUNS = "    groups = {}\n    for r in runs:\n        groups.setdefault((r['optimizer'], r['lr']), []).append(r)\n"
REGION = (
    "    rates = sorted(scores)\n    best = max(rates, key=scores.get)\n    low = high = rates.index(best)\n"
    "    while low > 0 and scores[rates[low - 1]] {sign} scores[best] - within:\n        low -= 1\n"
    "    while high + 1 < len(rates) and scores[rates[high + 1]] {sign} scores[best] - within:\n        high += 1\n"
)

WRONG = {
    "05.3-budget": [
        # no runs for the end
        "def rates_for(total, optimizers, seeds, new_seeds):\n    return total // (optimizers * seeds)",
        # the final runs counted once
        "def rates_for(total, optimizers, seeds, new_seeds):\n"
        "    return max(0, (total - new_seeds) // (optimizers * seeds))",
        # without seeds
        "def rates_for(total, optimizers, seeds, new_seeds):\n"
        "    return max(0, (total - optimizers * new_seeds) // optimizers)",
        # rounded
        "def rates_for(total, optimizers, seeds, new_seeds):\n"
        "    return max(0, round((total - optimizers * new_seeds) / (optimizers * seeds)))",
        # a float
        "def rates_for(total, optimizers, seeds, new_seeds):\n"
        "    return max(0, (total - optimizers * new_seeds) / (optimizers * seeds))",
        # negative
        "def rates_for(total, optimizers, seeds, new_seeds):\n"
        "    return (total - optimizers * new_seeds) // (optimizers * seeds)",
        # final runs per seed
        "def rates_for(total, optimizers, seeds, new_seeds):\n    return total // (optimizers * (seeds + new_seeds))",
    ],
    "05.3-audit": [
        "def rates_of(optimizer, loop):\n"
        "    used = []\n"
        '    optimizer.register_step_pre_hook(lambda own, *_: used.append(own.param_groups[0]["lr"]))\n'
        "    loop()\n"
        "    optimizer._optimizer_step_pre_hooks.clear()\n"
        "    return used",
        "def rates_of(optimizer, loop):\n"
        "    used = []\n"
        "    handle = torch.optim.optimizer.register_optimizer_step_pre_hook(\n"
        '        lambda own, *_: used.append(own.param_groups[0]["lr"]))\n'
        "    loop()\n"
        "    handle.remove()\n"
        "    return used",
        # the hook stays
        "def rates_of(optimizer, loop):\n"
        "    used = []\n"
        "    optimizer.register_step_pre_hook(lambda own, *_: used.append(own.param_groups[0]['lr']))\n"
        "    loop()\n"
        "    return used",
        # the hook stays, and notes into a list that was copied
        "def rates_of(optimizer, loop):\n    used = audit(optimizer)\n    loop()\n    return used.copy()",
        # the rate before and behind the loop
        "def rates_of(optimizer, loop):\n"
        "    before = optimizer.param_groups[0]['lr']\n"
        "    loop()\n"
        "    return [before, optimizer.param_groups[0]['lr']]",
        # the last group
        "def rates_of(optimizer, loop):\n"
        "    used = []\n"
        "    handle = optimizer.register_step_pre_hook(lambda own, *_: used.append(own.param_groups[-1]['lr']))\n"
        "    loop()\n"
        "    handle.remove()\n"
        "    return used",
        # the rates of distinct value only
        "def rates_of(optimizer, loop):\n"
        "    used = []\n"
        "    handle = optimizer.register_step_pre_hook(lambda own, *_: used.append(own.param_groups[0]['lr']))\n"
        "    loop()\n"
        "    handle.remove()\n"
        "    return sorted(set(used), reverse=True)",
        # the groups themselves, which change later
        "def rates_of(optimizer, loop):\n"
        "    used = []\n"
        "    handle = optimizer.register_step_pre_hook(lambda own, *_: used.append(own.param_groups[0]))\n"
        "    loop()\n"
        "    handle.remove()\n"
        "    return [group['lr'] for group in used]",
        # the default that the optimizer was made with
        "def rates_of(optimizer, loop):\n"
        "    used = []\n"
        "    handle = optimizer.register_step_pre_hook(lambda own, *_: used.append(own.defaults['lr']))\n"
        "    loop()\n"
        "    handle.remove()\n"
        "    return used",
        # the loop is run twice
        "def rates_of(optimizer, loop):\n"
        "    used = []\n"
        "    loop()\n"
        "    handle = optimizer.register_step_pre_hook(lambda own, *_: used.append(own.param_groups[0]['lr']))\n"
        "    loop()\n"
        "    handle.remove()\n"
        "    return used",
    ],
    "05.3-cosine": [
        "def warm_cosine(step, warmup, end, base, final):\n"
        "    step = int(step)\n"
        "    if step < warmup:\n"
        "        return base * step / warmup\n"
        "    if step >= end:\n"
        "        return final\n"
        "    angle = math.pi * (step - warmup) / (end - warmup)\n"
        "    return final + (base - final) * (1 + math.cos(angle)) / 2",
        # the cosine counts from step 0
        warm("base * step / warmup", WAVE.format("min(step / end, 1)")),
        # it rises again behind the end
        warm("base * step / warmup", WAVE.format("(step - warmup) / (end - warmup)")),
        # it falls to 0, cut off at final
        warm("base * step / warmup", f"max(final, base * (1 + math.cos(math.pi * {SHARE})) / 2)"),
        # a quarter of a wave
        warm("base * step / warmup", f"final + (base - final) * math.cos(math.pi / 2 * {SHARE})"),
        # the warm-up is a step early
        warm("base * (step + 1) / warmup", WAVE.format(SHARE)),
        # a straight line
        warm("base * step / warmup", f"base + (final - base) * {SHARE}"),
        # from final to base
        warm("base * step / warmup", f"base + (final - base) * (1 + math.cos(math.pi * {SHARE})) / 2"),
        # degrees
        warm("base * step / warmup", WAVE.format(f"180 / math.pi * {SHARE}")),
        # the length of the cosine is the end
        warm("base * step / warmup", WAVE.format("min((step - warmup) / end, 1)")),
    ],
    "05.3-winner": [
        "def winner(runs):\n"
        "    groups = {}\n"
        "    for run in runs:\n"
        '        groups.setdefault((run["optimizer"], run["lr"]), []).append(run)\n'
        '    best = max(groups, key=lambda n: statistics.median(run["validation"] for run in groups[n]))\n'
        '    return (*best, statistics.mean(run["test"] for run in groups[best]))',
        "def winner(runs):\n"
        "    groups = {}\n"
        "    for run in runs:\n"
        '        groups.setdefault((run["optimizer"], run["lr"]), []).append(run)\n'
        '    best = max(groups, key=lambda name: sum(run["validation"] for run in groups[name]))\n'
        '    return (*best, statistics.mean(run["test"] for run in groups[best]))',
        "def winner(runs):\n"
        "    groups = {}\n"
        "    for run in runs:\n"
        '        groups.setdefault((run["optimizer"], run["lr"]), []).append(run)\n'
        '    best = max(groups, key=lambda name: min(run["validation"] for run in groups[name]))\n'
        '    return (*best, statistics.mean(run["test"] for run in groups[best]))',
        "def winner(runs):\n"
        "    groups = {}\n"
        "    for run in runs:\n"
        '        groups.setdefault((run["optimizer"], run["lr"]), []).append(run)\n'
        '    values = {name: [r["validation"] for r in own] for name, own in groups.items()}\n'
        "    best = max(values, key=lambda n: statistics.mean(values[n]) - statistics.stdev(values[n]))\n"
        '    return (*best, statistics.mean(run["test"] for run in groups[best]))',
        # chosen by test
        f"def winner(runs):\n{RUNS}"
        "    best = max(groups, key=lambda g: statistics.mean(r['test'] for r in groups[g]))\n"
        "    return (*best, statistics.mean(r['test'] for r in groups[best]))",
        # the luckiest run
        "def winner(runs):\n"
        "    best = max(runs, key=lambda r: r['validation'])\n"
        "    return best['optimizer'], best['lr'], best['test']",
        # the setting of the luckiest run
        f"def winner(runs):\n{RUNS}"
        "    best = max(groups, key=lambda g: max(r['validation'] for r in groups[g]))\n"
        "    return (*best, statistics.mean(r['test'] for r in groups[best]))",
        # the best seed is reported
        f"def winner(runs):\n{RUNS}"
        "    best = max(groups, key=lambda g: statistics.mean(r['validation'] for r in groups[g]))\n"
        "    return (*best, max(r['test'] for r in groups[best]))",
        # validation is reported
        f"def winner(runs):\n{RUNS}"
        "    best = max(groups, key=lambda g: statistics.mean(r['validation'] for r in groups[g]))\n"
        "    return (*best, statistics.mean(r['validation'] for r in groups[best]))",
        # rates are mixed up: grouped by optimizer only
        "def winner(runs):\n"
        "    groups = {}\n"
        "    for r in runs:\n"
        "        groups.setdefault(r['optimizer'], []).append(r)\n"
        "    best = max(groups, key=lambda g: statistics.mean(r['validation'] for r in groups[g]))\n"
        "    return best, groups[best][0]['lr'], statistics.mean(r['test'] for r in groups[best])",
        # only the setting
        f"def winner(runs):\n{RUNS}"
        "    return max(groups, key=lambda g: statistics.mean(r['validation'] for r in groups[g]))",
    ],
    "05.3-width": [
        "def width(scores, within):\n"
        "    rates = sorted(scores)\n"
        "    best = max(rates, key=scores.get)\n"
        "    low = high = rates.index(best)\n"
        "    while low > 0 and scores[rates[low - 1]] >= scores[best] * (1 - within):\n"
        "        low -= 1\n"
        "    while high + 1 < len(rates) and scores[rates[high + 1]] >= scores[best] * (1 - within):\n"
        "        high += 1\n"
        "    return math.log10(rates[high] / rates[low])",
        "def width(scores, within):\n"
        "    rates = sorted(scores)\n"
        "    best = max(rates, key=scores.get)\n"
        "    low = high = rates.index(best)\n"
        "    while low > 0 and scores[rates[low - 1]] >= scores[rates[low]] - within:\n"
        "        low -= 1\n"
        "    while high + 1 < len(rates) and scores[rates[high + 1]] >= scores[best] - within:\n"
        "        high += 1\n"
        "    return math.log10(rates[high] / rates[low])",
        # holes are jumped over
        "def width(scores, within):\n"
        "    good = [lr for lr in scores if scores[lr] >= max(scores.values()) - within]\n"
        "    return math.log10(max(good) / min(good))",
        # a difference
        f"def width(scores, within):\n{REGION.format(sign='>=')}    return rates[high] - rates[low]",
        # natural logarithm
        f"def width(scores, within):\n{REGION.format(sign='>=')}    return math.log(rates[high] / rates[low])",
        # number of rates
        f"def width(scores, within):\n{REGION.format(sign='>=')}    return high - low + 1",
        # strictly better
        f"def width(scores, within):\n{REGION.format(sign='>')}    return math.log10(rates[high] / rates[low])",
        # not sorted
        "def width(scores, within):\n"
        "    rates = list(scores)\n"
        "    best = max(rates, key=scores.get)\n"
        "    low = high = rates.index(best)\n"
        "    while low > 0 and scores[rates[low - 1]] >= scores[best] - within:\n"
        "        low -= 1\n"
        "    while high + 1 < len(rates) and scores[rates[high + 1]] >= scores[best] - within:\n"
        "        high += 1\n"
        "    return math.log10(rates[high] / rates[low])",
        # a fixed demand
        "def width(scores, within):\n"
        "    good = [lr for lr in scores if scores[lr] >= 0.95]\n"
        "    return math.log10(max(good) / min(good)) if good else 0.0",
        # relative
        "def width(scores, within):\n"
        "    good = [lr for lr in scores if scores[lr] >= max(scores.values()) * (1 - within)]\n"
        "    return math.log10(max(good) / min(good))",
    ],
    "05.3-bug": [
        # as it was
        loop(
            "        for batch in range(batches):\n"
            "            scheduler.step()\n"
            "            backward(batch)\n"
            "            optimizer.step()\n"
            "            used.append(optimizer.param_groups[0]['lr'])"
        ),
        # behind the optimizer, but still each batch
        loop(
            "        for batch in range(batches):\n"
            "            backward(batch)\n"
            "            used.append(optimizer.param_groups[0]['lr'])\n"
            "            optimizer.step()\n"
            "            scheduler.step()"
        ),
        # each epoch, but first
        loop(
            "        scheduler.step()\n"
            "        for batch in range(batches):\n"
            "            backward(batch)\n"
            "            optimizer.step()\n"
            "            used.append(optimizer.param_groups[0]['lr'])"
        ),
        # a long cosine in place of one rate an epoch
        loop(
            "        for batch in range(batches):\n"
            "            backward(batch)\n"
            "            optimizer.step()\n"
            "            used.append(optimizer.param_groups[0]['lr'])\n"
            "            scheduler.step()"
        ).replace("T_max=epochs", "T_max=epochs * batches"),
        # right rates, noted an epoch late
        loop(
            "        for batch in range(batches):\n"
            "            backward(batch)\n"
            "            optimizer.step()\n"
            "        scheduler.step()\n"
            "        used += batches * [optimizer.param_groups[0]['lr']]"
        ),
        # one number an epoch
        loop(
            "        for batch in range(batches):\n"
            "            backward(batch)\n"
            "            optimizer.step()\n"
            "        used.append(optimizer.param_groups[0]['lr'])\n"
            "        scheduler.step()"
        ),
        # no step of the optimizer
        loop(
            "        for batch in range(batches):\n"
            "            backward(batch)\n"
            "            used.append(optimizer.param_groups[0]['lr'])\n"
            "        scheduler.step()"
        ),
        # no schedule
        loop(
            "        for batch in range(batches):\n"
            "            backward(batch)\n"
            "            optimizer.step()\n"
            "            used.append(optimizer.param_groups[0]['lr'])"
        ),
    ],
}
