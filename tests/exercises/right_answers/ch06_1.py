"""Right answers to the exercises of notebook 6.1 that differ from the folded solutions; each must pass."""

RIGHT = {
    "06.1-gallery": [
        'named = dict(zip("BACDEGF", ["data bug", "rate too low", "rate too high", "overfitting", "dead ReLUs", '
        '"label noise", "late variance"]))',
        'named = {"A": "Learning rate too low", "B": "Data bug", "C": "learning rate too high", '
        '"D": "overfitting (过拟合)", "E": "dead ReLUs", "F": "late variance", "G": "label noise"}',
        'order = [2, 5, 1, 0, 3, 6, 4]\nfaults = ["overfitting", "rate too high", "rate too low", "dead ReLUs", '
        '"label noise", "data bug", "late variance"]\nnamed = {p: faults[i] for p, i in zip("ABCDEFG", order)}',
    ],
    "06.1-roles": [
        's, n, f = "scientific", "nuisance", "fixed"\n'
        'roles = {1: {"a": s, "b": n, "c": f}, 2: {"a": s, "b": n, "c": n, "d": f}, '
        '3: {"a": s, "b": n, "c": n, "d": f}}',
        'roles = {\n    3: {"x": "Scientific", "y": "Nuisance", "z": "Nuisance", "w": "Fixed"},\n'
        '    1: {"x": "scientific", "y": "nuisance", "z": "fixed"},\n'
        '    2: {"x": "scientific (科学)", "y": "nuisance", "z": "nuisance", "w": "fixed"},\n}',
    ],
    "06.1-edge": [
        "def edge(values, errors, low, high, log):\n"
        "    there = [i for i in range(len(errors)) if errors[i] == errors[i]]\n"
        "    best = min(there, key=lambda i: errors[i], default=None)\n"
        "    if best is None:\n"
        "        return 'infeasible'\n"
        "    x = values[best]\n"
        "    if log:\n"
        "        share = math.log(x / low) / math.log(high / low)\n"
        "    else:\n"
        "        share = (x - low) / (high - low)\n"
        "    if share <= 0.1:\n"
        "        return 'low'\n"
        "    return 'high' if share >= 0.9 else 'inside'",
        "def edge(values, errors, low, high, log):\n"
        "    e, v = torch.tensor(errors).double(), torch.tensor(values).double()\n"
        "    if e.isnan().all():\n"
        "        return 'infeasible'\n"
        "    points = torch.tensor([v[e.nan_to_num(9).argmin()].item(), low, high]).double()\n"
        "    x, a, b = (points.log() if log else points).tolist()\n"
        "    return 'low' if x < a + 0.1 * (b - a) else 'high' if x > b - 0.1 * (b - a) else 'inside'",
    ],
    "06.1-clipping": [
        "def plan_clipping(norms, new_norms, percent=90):\n"
        "    limit = float(torch.quantile(norms, percent / 100))\n"
        "    clipped = sum(norm > limit for norm in new_norms.tolist())\n"
        "    if 2 * clipped > len(new_norms):\n"
        "        return limit, clipped / len(new_norms), 'lower the rate'\n"
        "    return limit, clipped / len(new_norms), 'clip'",
        "def plan_clipping(norms, new_norms, percent=90):\n"
        "    ordered = norms.sort().values\n"
        "    where = percent / 100 * (len(ordered) - 1)\n"
        "    i = min(int(where), len(ordered) - 2)\n"
        "    limit = (ordered[i] + (where - i) * (ordered[i + 1] - ordered[i])).item()\n"
        "    share = (new_norms > limit).double().mean().item()\n"
        "    return limit, share, ('clip', 'lower the rate')[share > 0.5]",
    ],
    "06.1-warmup": [
        "def plan_warmup(unstable, steps, survived):\n"
        "    for length in sorted(survived):\n"
        "        if survived[length] and 10 * length <= steps:\n"
        "            return unstable * 10, length, length + steps\n"
        "    return None",
        "def plan_warmup(unstable, steps, survived):\n"
        "    length = min((n for n in survived if survived[n]), default=steps)\n"
        "    if length > 0.1 * steps:\n"
        "        return None\n"
        "    return 10.0 * unstable, length, steps + length",
    ],
    "06.1-adopt": [
        "def decide(old, new, cost):\n"
        "    gains = [a - b for a, b in zip(old, new, strict=True)]\n"
        "    means = sorted(statistics.mean(random.choices(gains, k=len(gains))) for _ in range(2000))\n"
        "    low, high = means[50], means[-51]\n"
        "    if low > cost:\n"
        "        return 'adopt'\n"
        "    return 'keep' if high < cost else 'more seeds'",
        "def decide(old, new, cost):\n"
        "    _, low, high = interval(old, new)\n"
        "    return 'adopt' if low > cost else 'keep' if high < cost else 'more seeds'",
        "def decide(old, new, cost):\n"
        "    gains = torch.tensor(old) - torch.tensor(new) - cost\n"
        "    means = gains[torch.randint(len(old), (4000, len(old)))].mean(1)\n"
        "    above = (means > 0).float().mean()\n"
        "    return 'adopt' if above > 0.975 else 'keep' if above < 0.025 else 'more seeds'",
    ],
}
