"""Right answers to the exercises of notebook 6.2 that differ from the folded solutions."""

RIGHT = {
    "06.2-trials": [
        "def trials_needed(share, certainty):\n    return math.ceil(math.log(1 - certainty) / math.log(1 - share))",
        "def trials_needed(share, certainty):\n"
        "    missed, n = 1.0, 0\n"
        "    while missed > 1 - certainty:\n"
        "        missed, n = missed * (1 - share), n + 1\n"
        "    return n",
    ],
    "06.2-edge": [
        "def near_edge(trials, space):\n"
        "    best, lowest = None, math.inf\n"
        "    for settings, error in trials:\n"
        "        if error is not None and error < lowest:\n"
        "            best, lowest = settings, error\n"
        "    found = places([{'settings': best}], space)\n"
        "    return [name for name in space if found[name][0] <= 0.1 or found[name][0] >= 0.9]",
        "def near_edge(trials, space):\n"
        "    best = sorted((e, i) for i, (_, e) in enumerate(trials) if e is not None)[0][1]\n"
        "    names = []\n"
        "    for name, (low, high, log) in space.items():\n"
        "        x = trials[best][0][name]\n"
        "        if log:\n"
        "            low, high, x = math.log10(low), math.log10(high), math.log10(x)\n"
        "        if x - low <= 0.1 * (high - low) or high - x <= 0.1 * (high - low):\n"
        "            names += [name]\n"
        "    return names",
    ],
    "06.2-discrepancy": [
        "def star_discrepancy(points):\n"
        "    x = torch.tensor(points, dtype=torch.float64).sort().values\n"
        "    n = len(x)\n"
        "    i = torch.arange(1, n + 1, dtype=torch.float64)\n"
        "    return torch.maximum((i / n - x).abs(), (x - (i - 1) / n).abs()).max().item()",
        "def star_discrepancy(points):\n"
        "    worst = 0.0\n"
        "    for u in points:\n"
        "        before = sum(x < u for x in points) / len(points)\n"
        "        upto = sum(x <= u for x in points) / len(points)\n"
        "        worst = max(worst, abs(u - before), abs(upto - u))\n"
        "    return worst",
    ],
    "06.2-best": [
        "def expected_best(errors, n):\n"
        "    ordered, m = sorted(errors), len(errors)\n"
        "    total = ordered[0]\n"
        "    for i in range(1, m):\n"
        "        total += (ordered[i] - ordered[i - 1]) * ((m - i) / m) ** n\n"
        "    return total",
        "def expected_best(errors, n):\n"
        "    m = len(errors)\n"
        "    at_least = [((m - i) / m) ** n for i in range(m + 1)]\n"
        "    return sum(e * (a - b) for e, a, b in zip(sorted(errors), at_least, at_least[1:]))",
        # in float32: the task names no precision
        "def expected_best(errors, n):\n"
        "    m, e = len(errors), torch.tensor(errors).sort().values\n"
        "    at_least = (torch.arange(m, -1, -1) / m) ** n\n"
        "    return -(e * at_least.diff()).sum().item()",
        "def expected_best(errors, n):\n"
        "    m, e = len(errors), torch.tensor(errors).sort().values\n"
        "    return (e[0] + (e.diff() * (torch.arange(m - 1, 0, -1) / m) ** n).sum()).item()",
    ],
    "06.2-prune": [
        "def epochs_run(curves, warmup):\n"
        "    seen = [[] for _ in curves[0]]\n"
        "    ran = []\n"
        "    for curve in curves:\n"
        "        for e, error in enumerate(curve, 1):\n"
        "            stop = e > warmup and len(seen[e - 1]) > 0 and error > statistics.median(seen[e - 1])\n"
        "            seen[e - 1].append(error)\n"
        "            if stop:\n"
        "                break\n"
        "        ran.append(e)\n"
        "    return ran",
        "def epochs_run(curves, warmup):\n"
        "    kept = []\n"
        "    for curve in curves:\n"
        "        n = 0\n"
        "        while n < len(curve):\n"
        "            n += 1\n"
        "            others = sorted(other[n - 1] for other in kept if len(other) >= n)\n"
        "            k = len(others)\n"
        "            if n > warmup and k and curve[n - 1] > (others[(k - 1) // 2] + others[k // 2]) / 2:\n"
        "                break\n"
        "        kept.append(curve[:n])\n"
        "    return [len(curve) for curve in kept]",
    ],
    "06.2-repair": [
        "def tune(score, trials, ranges, seed):\n"
        "    chance, best = random.Random(seed), (math.inf, '', 0.0)\n"
        "    for _ in range(trials):\n"
        "        kind = chance.choice(list(ranges))\n"
        "        low, high = ranges[kind]\n"
        "        lr = min(max(low * (high / low) ** chance.random(), low), high)\n"
        "        best = min(best, (score(kind, lr, 'validation'), kind, lr))\n"
        "    return score(*best[1:], 'test')",
        "def tune(score, trials, ranges, seed):\n"
        "    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=trials))\n"
        "    def objective(trial):\n"
        "        kind = trial.suggest_categorical('optimizer', sorted(ranges))\n"
        "        trial.set_user_attr('lr', trial.suggest_float('lr ' + kind, *ranges[kind], log=True))\n"
        "        return score(kind, trial.user_attrs['lr'], 'validation')\n"
        "    study.optimize(objective, n_trials=trials)\n"
        "    best = study.best_trial\n"
        "    return score(best.params['optimizer'], best.user_attrs['lr'], 'test')",
        # a sampler that learns from its trials
        "def tune(score, trials, ranges, seed):\n"
        "    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))\n"
        "    def objective(trial):\n"
        "        kind = trial.suggest_categorical('optimizer', list(ranges))\n"
        "        lr = trial.suggest_float('lr of ' + kind, *ranges[kind], log=True)\n"
        "        return score(kind, lr, 'validation')\n"
        "    study.optimize(objective, n_trials=trials)\n"
        "    kind = study.best_params['optimizer']\n"
        "    return score(kind, study.best_params['lr of ' + kind], 'test')",
    ],
}
