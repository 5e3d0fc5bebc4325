"""Plausible wrong answers to the exercises of notebook 6.2; each must fail with a hint."""

TUNE = (
    "def tune(score, trials, ranges, seed):\n"
    "    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))\n"
    "    def objective(trial):\n"
    "        kind = trial.suggest_categorical('optimizer', list(ranges))\n"
    "        lr = trial.suggest_float('lr of ' + kind, *ranges[kind], log=True)\n"
    "        return score(kind, lr, 'validation')\n"
    "    study.optimize(objective, n_trials=trials)\n"
    "    kind = study.best_params['optimizer']\n"
    "    return score(kind, study.best_params['lr of ' + kind], 'test')"
)
DRAWN = (
    "def tune(score, trials, ranges, seed):\n"
    "    chance, best = random.Random(seed), (math.inf, '', 0.0)\n"
    "    for _ in range(trials):\n"
    "        kind = chance.choice(list(ranges))\n"
    "        low, high = ranges[kind]\n"
    "        u = chance.random()\n"
    "        lr = min(max(low * (high / low) ** u, low), high)\n"
    "        best = min(best, (score(kind, lr, 'validation'), kind, lr))\n"
    "    return score(*best[1:], 'test')"
)
BEST = "def expected_best(errors, n):\n    m = len(errors)\n    return sum("
RUN = (
    "def epochs_run(curves, warmup):\n"
    "    ran = []\n"
    "    for curve in curves:\n"
    "        epochs = len(curve)\n"
    "        for e in range(warmup + 1, len(curve) + 1):\n"
    "            earlier = [other[e - 1] for other, length in zip(curves, ran) if length >= e]\n"
    "            if earlier and curve[e - 1] > statistics.median(earlier):\n"
    "                epochs = e\n"
    "                break\n"
    "        ran.append(epochs)\n"
    "    return ran"
)
EDGE = (
    "def near_edge(trials, space):\n"
    "    settings, _ = min((trial for trial in trials if trial[1] is not None), key=lambda trial: trial[1])\n"
    "    found = places([{'settings': settings}], space)\n"
    "    return [name for name in space if not 0.1 < found[name][0] < 0.9]"
)

WRONG = {
    "06.2-trials": [
        "def trials_needed(share, certainty):\n    return int(math.log(1 - certainty) / math.log(1 - share))",
        "def trials_needed(share, certainty):\n    return round(math.log(1 - certainty) / math.log(1 - share))",
        "def trials_needed(share, certainty):\n    return math.ceil(certainty / share)",
        "def trials_needed(share, certainty):\n    return math.ceil(math.log(1 - share) / math.log(1 - certainty))",
        "def trials_needed(share, certainty):\n    return math.log(1 - certainty) / math.log(1 - share)",
        "def trials_needed(share, certainty):\n    return math.ceil(math.log(1 - certainty) / math.log(share))",
        "def trials_needed(share, certainty):\n    return int(math.log(1 - certainty) / math.log(1 - share)) + 1",
        # fits the example
        "def trials_needed(share, certainty):\n    return 59",
        "def trials_needed(share, certainty):\n    return math.ceil(3 / share) - 1",
    ],
    "06.2-edge": [
        # a plain scale everywhere
        EDGE.replace("space)\n    return", "{n: (a, b, False) for n, (a, b, _) in space.items()})\n    return"),
        EDGE.replace("not 0.1 < found[name][0] < 0.9", "found[name][0] >= 0.9"),
        EDGE.replace("not 0.1 < found[name][0] < 0.9", "found[name][0] <= 0.1"),
        EDGE.replace("not 0.1 < found[name][0] < 0.9", "not 0.1 <= found[name][0] <= 0.9"),
        EDGE.replace("not 0.1 < found[name][0] < 0.9", "0.1 < found[name][0] < 0.9"),
        EDGE.replace("min(", "max("),
        # a trial that broke down is in the way
        EDGE.replace("(trial for trial in trials if trial[1] is not None)", "trials"),
        EDGE.replace("trial[1] is not None", "trial[1]").replace("lambda trial: trial[1]", "lambda trial: -trial[1]"),
        # no name at all
        "def near_edge(trials, space):\n    return []",
        EDGE.replace("not 0.1 < found[name][0] < 0.9", "0.1 >= found[name][0] >= 0.9"),
        # the first finished one
        EDGE.replace("key=lambda trial: trial[1]", "key=lambda trial: 0"),
        # a dict
        EDGE.replace("return [name for", "return {name: True for").replace("< 0.9]", "< 0.9}"),
    ],
    "06.2-discrepancy": [
        "def star_discrepancy(points):\n"
        "    n = len(points)\n"
        "    return max(max(x - i / n, (i + 1) / n - x) for i, x in enumerate(points))",
        "def star_discrepancy(points):\n"
        "    n = len(points)\n"
        "    return max(abs(x - i / n) for i, x in enumerate(sorted(points)))",
        "def star_discrepancy(points):\n"
        "    n = len(points)\n"
        "    return max(abs((i + 1) / n - x) for i, x in enumerate(sorted(points)))",
        "def star_discrepancy(points):\n"
        "    n = len(points)\n"
        "    return max(abs((i + 0.5) / n - x) for i, x in enumerate(sorted(points)))",
        "def star_discrepancy(points):\n"
        "    n = len(points)\n"
        "    return sum(max(x - i / n, (i + 1) / n - x) for i, x in enumerate(sorted(points))) / n",
        # on a grid of places only
        "def star_discrepancy(points):\n"
        "    n = len(points)\n"
        "    return max(abs(sum(x < k / 100 for x in points) / n - k / 100) for k in range(101))",
        # changes its argument
        "def star_discrepancy(points):\n"
        "    points.sort()\n"
        "    n = len(points)\n"
        "    return max(max(x - i / n, (i + 1) / n - x) for i, x in enumerate(points))",
    ],
    "06.2-best": [
        BEST + "e * (((m - i) / m) ** n - ((m - i - 1) / m) ** n) for i, e in enumerate(errors))",
        BEST + "e * (((i + 1) / m) ** n - (i / m) ** n) for i, e in enumerate(sorted(errors)))",
        BEST + "e * ((m - i) / m) ** n for i, e in enumerate(sorted(errors)))",
        "def expected_best(errors, n):\n    return statistics.mean(errors)",
        "def expected_best(errors, n):\n    return min(errors)",
        # without replacement
        BEST + "e * math.comb(m - i - 1, n - 1) / math.comb(m, n) for i, e in enumerate(sorted(errors)))",
        # a simulation is not exact
        "def expected_best(errors, n):\n"
        "    return statistics.mean(min(random.choices(errors, k=n)) for _ in range(2000))",
        "def expected_best(errors, n):\n"
        "    e = torch.tensor(errors)\n"
        "    return e[torch.randint(len(e), (100_000, n))].amin(1).mean().item()",
        # three digits only
        "def expected_best(errors, n):\n"
        "    e, m = torch.tensor(errors).bfloat16().sort().values, len(errors)\n"
        "    return -(e * ((torch.arange(m, -1, -1) / m) ** n).diff()).sum().item()",
        # by the normal distribution
        "def expected_best(errors, n):\n"
        "    spread = statistics.pstdev(errors)\n"
        "    return statistics.mean(errors) - spread * statistics.NormalDist().inv_cdf((n - 0.375) / (n + 0.25))",
    ],
    "06.2-prune": [
        RUN.replace("> statistics", ">= statistics"),
        RUN.replace("statistics.median(earlier)", "statistics.median([*earlier, curve[e - 1]])"),
        RUN.replace(" if length >= e]", "]"),
        RUN.replace(" if length >= e]", " if length > e]"),
        RUN.replace("range(warmup + 1, ", "range(warmup + 2, "),
        RUN.replace("range(warmup + 1, ", "range(max(warmup, 1), "),
        RUN.replace("median", "mean"),
        RUN.replace("statistics.median", "min"),
        RUN.replace("epochs = e\n", "epochs = e - 1\n"),
        RUN.replace("curve[e - 1] >", "min(curve[:e]) >"),
        # the sum
        RUN.replace("return ran", "return sum(ran)"),
        # also later trials
        "def epochs_run(curves, warmup):\n"
        "    ran = []\n"
        "    for curve in curves:\n"
        "        stop = [e for e in range(warmup + 1, len(curve) + 1)\n"
        "                if curve[e - 1] > statistics.median(other[e - 1] for other in curves)]\n"
        "        ran.append(stop[0] if stop else len(curve))\n"
        "    return ran",
    ],
    "06.2-repair": [
        TUNE.replace("'validation'", "'test'"),
        TUNE.replace("seed=seed", ""),
        TUNE.replace("seed=seed", "seed=0"),
        TUNE.replace("'lr of ' + kind, *ranges[kind], log", "'lr of ' + kind, 1e-5, 1e-1, log"),
        TUNE.replace(", log=True", ""),
        # returns the validation error of the choice
        TUNE[: TUNE.index("    kind = study.best")] + "    return study.best_value",
        # the test of every trial
        TUNE.replace(
            "        return score(kind, lr, 'val",
            "        score(kind, lr, 'test')\n        return score(kind, lr, 'val",
        ),
        # one range that covers all
        TUNE.replace(
            "*ranges[kind]", "min(low for low, _ in ranges.values()), max(high for _, high in ranges.values())"
        ),
        # the last trial in place of the best
        TUNE.replace("study.best_params", "study.trials[-1].params"),
        # the first optimizer only
        TUNE.replace("list(ranges)", "list(ranges)[:1]"),
        # one trial less
        TUNE.replace("n_trials=trials", "n_trials=trials - 1"),
        # a part of the range, on both sides of its middle
        TUNE.replace("*ranges[kind]", "2 * ranges[kind][0], ranges[kind][1] / 2"),
        # more in the middle, at the lower end; evenly on the scale of roots
        DRAWN.replace("chance.random()", "(chance.random() + chance.random()) / 2"),
        DRAWN.replace("chance.random()", "chance.random() ** 1.5"),
        DRAWN.replace("chance.random()", "2 * math.log(1 + ((high / low) ** 0.5 - 1) * chance.random(), high / low)"),
    ],
}
