"""Wrong answers to the exercises of notebook 6.1; the check must refuse each with a hint."""

_NAMES = '["rate too low", "data bug", "rate too high", "overfitting", "dead ReLUs", "late variance", "label noise"]'


def _named(*swap: int) -> str:
    """Return an answer to the gallery in which the given places are exchanged in a circle."""
    lines = [
        f"names = {_NAMES}",
        *(f"names[{a}], names[{b}] = names[{b}], names[{a}]" for a, b in zip(swap, swap[1:], strict=False)),
    ]
    return "\n".join([*lines, 'named = dict(zip("ABCDEFG", names))'])


def _roles(*goals: str) -> str:
    """Return an answer with the roles of three goals."""
    parts = ", ".join(f"{goal}: dict(enumerate([{roles}]))" for goal, roles in enumerate(goals, 1))
    return f's, n, f = "scientific", "nuisance", "fixed"\nroles = {{{parts}}}'


WRONG = {
    "06.1-gallery": [
        # overfitting and label noise exchanged
        _named(3, 6),
        # dead ReLUs and a rate that is too high
        _named(4, 2),
        # late variance and a rate that is too high
        _named(5, 2),
        _named(0, 4),
        _named(1, 3),
        # the same name for all
        'named = {panel: "overfitting" for panel in "ABCDEFG"}',
        # in the order of the list
        'named = dict(zip("ABCDEFG", ["overfitting", "rate too high", "rate too low", "dead ReLUs", "label noise", '
        '"data bug", "late variance"]))',
        # numbers in place of names
        'named = dict(zip("ABCDEFG", range(7)))',
    ],
    "06.1-roles": [
        # one rate for both optimizers
        _roles("s, n, f", "s, f, f, n", "s, n, n, f"),
        # the learning rate is what is studied
        _roles("n, s, f", "s, n, n, f", "s, n, n, f"),
        # the dropout rate stays at last month's value, the steps are tuned
        _roles("s, n, f", "s, n, n, f", "s, n, f, n"),
        # the rate is fixed
        _roles("s, f, f", "s, n, n, f", "s, n, n, f"),
        # another word
        _roles("s, 'tuned', f", "s, n, n, f", "s, n, n, f"),
        # the batch size is tuned
        _roles("s, n, n", "s, n, n, f", "s, n, n, f"),
    ],
    "06.1-edge": [
        # NaN is not left out
        "def edge(values, errors, low, high, log):\n"
        "    x = min(zip(errors, values))[1]\n"
        "    share = math.log(x / low) / math.log(high / low) if log else (x - low) / (high - low)\n"
        "    return 'low' if share <= 0.1 else 'high' if share >= 0.9 else 'inside'",
        # the largest error
        "def edge(values, errors, low, high, log):\n"
        "    done = [(e, v) for e, v in zip(errors, values) if not math.isnan(e)]\n"
        "    if not done:\n        return 'infeasible'\n"
        "    x = max(done)[1]\n"
        "    share = math.log(x / low) / math.log(high / low) if log else (x - low) / (high - low)\n"
        "    return 'low' if share <= 0.1 else 'high' if share >= 0.9 else 'inside'",
        # no logarithm
        "def edge(values, errors, low, high, log):\n"
        "    done = [(e, v) for e, v in zip(errors, values) if not math.isnan(e)]\n"
        "    if not done:\n        return 'infeasible'\n"
        "    share = (min(done)[1] - low) / (high - low)\n"
        "    return 'low' if share <= 0.1 else 'high' if share >= 0.9 else 'inside'",
        # always the logarithm
        "def edge(values, errors, low, high, log):\n"
        "    done = [(e, v) for e, v in zip(errors, values) if not math.isnan(e)]\n"
        "    if not done:\n        return 'infeasible'\n"
        "    low = max(low, 1e-9)\n"
        "    share = math.log(min(done)[1] / low) / math.log(high / low)\n"
        "    return 'low' if share <= 0.1 else 'high' if share >= 0.9 else 'inside'",
        # the range of the trials
        "def edge(values, errors, low, high, log):\n"
        "    done = [(e, v) for e, v in zip(errors, values) if not math.isnan(e)]\n"
        "    if not done:\n        return 'infeasible'\n"
        "    x = min(done)[1]\n"
        "    return 'low' if x == min(values) else 'high' if x == max(values) else 'inside'",
        # infeasible is forgotten
        "def edge(values, errors, low, high, log):\n"
        "    done = [(e, v) for e, v in zip(errors, values) if not math.isnan(e)]\n"
        "    x = min(done)[1]\n"
        "    share = math.log(x / low) / math.log(high / low) if log else (x - low) / (high - low)\n"
        "    return 'low' if share <= 0.1 else 'high' if share >= 0.9 else 'inside'",
        # a twentieth, and an eighth, of the range
        "def edge(values, errors, low, high, log):\n"
        "    done = [(e, v) for e, v in zip(errors, values) if not math.isnan(e)]\n"
        "    if not done:\n        return 'infeasible'\n"
        "    x = min(done)[1]\n"
        "    share = math.log(x / low) / math.log(high / low) if log else (x - low) / (high - low)\n"
        "    return 'low' if share <= 0.05 else 'high' if share >= 0.95 else 'inside'",
        "def edge(values, errors, low, high, log):\n"
        "    done = [(e, v) for e, v in zip(errors, values) if not math.isnan(e)]\n"
        "    if not done:\n        return 'infeasible'\n"
        "    x = min(done)[1]\n"
        "    share = math.log(x / low) / math.log(high / low) if log else (x - low) / (high - low)\n"
        "    return 'low' if share <= 0.12 else 'high' if share >= 0.88 else 'inside'",
        # the scale is guessed from the range
        "def edge(values, errors, low, high, log):\n"
        "    done = [(e, v) for e, v in zip(errors, values) if not math.isnan(e)]\n"
        "    if not done:\n        return 'infeasible'\n"
        "    x = min(done)[1]\n"
        "    share = math.log(x / low) / math.log(high / low) if low > 0 else (x - low) / (high - low)\n"
        "    return 'low' if share <= 0.1 else 'high' if share >= 0.9 else 'inside'",
        "def edge(values, errors, low, high, log):\n"
        "    done = [(e, v) for e, v in zip(errors, values) if not math.isnan(e)]\n"
        "    if not done:\n        return 'infeasible'\n"
        "    x = min(done)[1]\n"
        "    wide = low > 0 and high / low >= 10\n"
        "    share = math.log(x / low) / math.log(high / low) if wide else (x - low) / (high - low)\n"
        "    return 'low' if share <= 0.1 else 'high' if share >= 0.9 else 'inside'",
        # large errors count as broken down
        "def edge(values, errors, low, high, log):\n"
        "    done = [(e, v) for e, v in zip(errors, values) if e <= 0.5]\n"
        "    if not done:\n        return 'infeasible'\n"
        "    x = min(done)[1]\n"
        "    share = math.log(x / low) / math.log(high / low) if log else (x - low) / (high - low)\n"
        "    return 'low' if share <= 0.1 else 'high' if share >= 0.9 else 'inside'",
    ],
    "06.1-clipping": [
        # of the old run
        "def plan_clipping(norms, new_norms, percent=90):\n"
        "    limit = norms.quantile(percent / 100).item()\n"
        "    share = (norms > limit).float().mean().item()\n"
        "    return limit, share, 'lower the rate' if share > 0.5 else 'clip'",
        # always the 90th percentile
        "def plan_clipping(norms, new_norms, percent=90):\n"
        "    limit = norms.quantile(0.9).item()\n"
        "    share = (new_norms > limit).float().mean().item()\n"
        "    return limit, share, 'lower the rate' if share > 0.5 else 'clip'",
        # the limit from the new run
        "def plan_clipping(norms, new_norms, percent=90):\n"
        "    limit = new_norms.quantile(percent / 100).item()\n"
        "    share = (new_norms > limit).float().mean().item()\n"
        "    return limit, share, 'lower the rate' if share > 0.5 else 'clip'",
        # 90 % of the largest
        "def plan_clipping(norms, new_norms, percent=90):\n"
        "    limit = norms.max().item() * percent / 100\n"
        "    share = (new_norms > limit).float().mean().item()\n"
        "    return limit, share, 'lower the rate' if share > 0.5 else 'clip'",
        # the advice the wrong way round
        "def plan_clipping(norms, new_norms, percent=90):\n"
        "    limit = norms.quantile(percent / 100).item()\n"
        "    share = (new_norms > limit).float().mean().item()\n"
        "    return limit, share, 'clip' if share > 0.5 else 'lower the rate'",
        # half of the steps is too much already
        "def plan_clipping(norms, new_norms, percent=90):\n"
        "    limit = norms.quantile(percent / 100).item()\n"
        "    share = (new_norms > limit).float().mean().item()\n"
        "    return limit, share, 'lower the rate' if share >= 0.5 else 'clip'",
        # tensors
        "def plan_clipping(norms, new_norms, percent=90):\n"
        "    limit = norms.quantile(percent / 100)\n"
        "    share = (new_norms > limit).float().mean()\n"
        "    return limit, share, 'lower the rate' if share > 0.5 else 'clip'",
        # a norm at the limit counts as clipped
        "def plan_clipping(norms, new_norms, percent=90):\n"
        "    limit = norms.quantile(percent / 100).item()\n"
        "    share = (new_norms >= limit).float().mean().item()\n"
        "    return limit, share, 'lower the rate' if share > 0.5 else 'clip'",
        # the advice changes too late
        "def plan_clipping(norms, new_norms, percent=90):\n"
        "    limit = norms.quantile(percent / 100).item()\n"
        "    share = (new_norms > limit).float().mean().item()\n"
        "    return limit, share, 'lower the rate' if share > 0.52 else 'clip'",
    ],
    "06.1-warmup": [
        # the longest
        "def plan_warmup(unstable, steps, survived):\n"
        "    lengths = [n for n, alive in survived.items() if alive and n <= steps / 10]\n"
        "    return (10 * unstable, max(lengths), steps + max(lengths)) if lengths else None",
        # no upper limit
        "def plan_warmup(unstable, steps, survived):\n"
        "    lengths = [n for n, alive in survived.items() if alive]\n"
        "    return (10 * unstable, min(lengths), steps + min(lengths)) if lengths else None",
        # inside of the steps
        "def plan_warmup(unstable, steps, survived):\n"
        "    lengths = [n for n, alive in survived.items() if alive and n <= steps / 10]\n"
        "    return (10 * unstable, min(lengths), steps) if lengths else None",
        # survival does not count
        "def plan_warmup(unstable, steps, survived):\n"
        "    lengths = [n for n in survived if n <= steps / 10]\n"
        "    return (10 * unstable, min(lengths), steps + min(lengths)) if lengths else None",
        # the first of the dict
        "def plan_warmup(unstable, steps, survived):\n"
        "    lengths = [n for n, alive in survived.items() if alive and n <= steps / 10]\n"
        "    return (10 * unstable, lengths[0], steps + lengths[0]) if lengths else None",
        # the unstable rate itself
        "def plan_warmup(unstable, steps, survived):\n"
        "    lengths = [n for n, alive in survived.items() if alive and n <= steps / 10]\n"
        "    return (unstable, min(lengths), steps + min(lengths)) if lengths else None",
        # an error in place of None
        "def plan_warmup(unstable, steps, survived):\n"
        "    n = min(n for n, alive in survived.items() if alive and n <= steps / 10)\n"
        "    return 10 * unstable, n, steps + n",
        # a tenth, rounded
        "def plan_warmup(unstable, steps, survived):\n"
        "    lengths = [n for n, alive in survived.items() if alive and n <= round(steps / 10)]\n"
        "    return (10 * unstable, min(lengths), steps + min(lengths)) if lengths else None",
        "def plan_warmup(unstable, steps, survived):\n"
        "    lengths = [n for n, alive in survived.items() if alive and n <= math.ceil(steps / 10)]\n"
        "    return (10 * unstable, min(lengths), steps + min(lengths)) if lengths else None",
    ],
    "06.1-adopt": [
        # the mean alone
        "def decide(old, new, cost):\n    return 'adopt' if sum(old) - sum(new) > cost * len(old) else 'keep'",
        # unpaired
        "def decide(old, new, cost):\n"
        "    draw = lambda e: torch.tensor(e)[torch.randint(len(e), (5000, len(e)))].mean(1)\n"
        "    low, high = (draw(old) - draw(new)).quantile(torch.tensor([0.025, 0.975])).tolist()\n"
        "    return 'adopt' if low > cost else 'keep' if high < cost else 'more seeds'",
        # the cost is forgotten
        "def decide(old, new, cost):\n"
        "    _, low, high = interval(old, new)\n"
        "    return 'adopt' if low > 0 else 'keep' if high < 0 else 'more seeds'",
        # gain the wrong way round
        "def decide(old, new, cost):\n"
        "    _, low, high = interval(new, old)\n"
        "    return 'adopt' if low > cost else 'keep' if high < cost else 'more seeds'",
        # percentiles of single gains
        "def decide(old, new, cost):\n"
        "    gains = torch.tensor(old) - torch.tensor(new)\n"
        "    low, high = gains.quantile(torch.tensor([0.025, 0.975])).tolist()\n"
        "    return 'adopt' if low > cost else 'keep' if high < cost else 'more seeds'",
        # never says that it is not worth it
        "def decide(old, new, cost):\n"
        "    _, low, high = interval(old, new)\n"
        "    return 'adopt' if low > cost else 'more seeds'",
        # 0.5 standard errors
        "def decide(old, new, cost):\n"
        "    gains = torch.tensor(old) - torch.tensor(new)\n"
        "    error = gains.std() / len(gains) ** 0.5\n"
        "    low, high = gains.mean() - 0.5 * error, gains.mean() + 0.5 * error\n"
        "    return 'adopt' if low > cost else 'keep' if high < cost else 'more seeds'",
        # 1 standard errors
        "def decide(old, new, cost):\n"
        "    gains = torch.tensor(old) - torch.tensor(new)\n"
        "    error = gains.std() / len(gains) ** 0.5\n"
        "    low, high = gains.mean() - 1 * error, gains.mean() + 1 * error\n"
        "    return 'adopt' if low > cost else 'keep' if high < cost else 'more seeds'",
        # 1.5 standard errors
        "def decide(old, new, cost):\n"
        "    gains = torch.tensor(old) - torch.tensor(new)\n"
        "    error = gains.std() / len(gains) ** 0.5\n"
        "    low, high = gains.mean() - 1.5 * error, gains.mean() + 1.5 * error\n"
        "    return 'adopt' if low > cost else 'keep' if high < cost else 'more seeds'",
        # 3 standard errors
        "def decide(old, new, cost):\n"
        "    gains = torch.tensor(old) - torch.tensor(new)\n"
        "    error = gains.std() / len(gains) ** 0.5\n"
        "    low, high = gains.mean() - 3 * error, gains.mean() + 3 * error\n"
        "    return 'adopt' if low > cost else 'keep' if high < cost else 'more seeds'",
        # the middle half
        "def decide(old, new, cost):\n"
        "    gains = torch.tensor(old) - torch.tensor(new)\n"
        "    means = gains[torch.randint(len(gains), (5000, len(gains)))].mean(1)\n"
        "    low, high = means.quantile(torch.tensor([0.25, 0.75])).tolist()\n"
        "    return 'adopt' if low > cost else 'keep' if high < cost else 'more seeds'",
        # the middle 80 %
        "def decide(old, new, cost):\n"
        "    gains = torch.tensor(old) - torch.tensor(new)\n"
        "    means = gains[torch.randint(len(gains), (5000, len(gains)))].mean(1)\n"
        "    low, high = means.quantile(torch.tensor([0.1, 0.9])).tolist()\n"
        "    return 'adopt' if low > cost else 'keep' if high < cost else 'more seeds'",
        # the middle 90 %
        "def decide(old, new, cost):\n"
        "    gains = torch.tensor(old) - torch.tensor(new)\n"
        "    means = gains[torch.randint(len(gains), (5000, len(gains)))].mean(1)\n"
        "    low, high = means.quantile(torch.tensor([0.05, 0.95])).tolist()\n"
        "    return 'adopt' if low > cost else 'keep' if high < cost else 'more seeds'",
        # the middle 99.9 %
        "def decide(old, new, cost):\n"
        "    gains = torch.tensor(old) - torch.tensor(new)\n"
        "    means = gains[torch.randint(len(gains), (5000, len(gains)))].mean(1)\n"
        "    low, high = means.quantile(torch.tensor([0.0005, 0.9995])).tolist()\n"
        "    return 'adopt' if low > cost else 'keep' if high < cost else 'more seeds'",
        # one side
        "def decide(old, new, cost):\n"
        "    gains = torch.tensor(old) - torch.tensor(new)\n"
        "    means = gains[torch.randint(len(gains), (5000, len(gains)))].mean(1)\n"
        "    low, high = means.quantile(torch.tensor([0.05, 1.0])).tolist()\n"
        "    return 'adopt' if low > cost else 'keep' if high < cost else 'more seeds'",
        # the median of each draw
        "def decide(old, new, cost):\n"
        "    gains = torch.tensor(old) - torch.tensor(new)\n"
        "    picks = gains[torch.randint(len(gains), (5000, len(gains)))]\n"
        "    low, high = picks.median(1).values.quantile(torch.tensor([0.025, 0.975])).tolist()\n"
        "    return 'adopt' if low > cost else 'keep' if high < cost else 'more seeds'",
        # draws of four
        "def decide(old, new, cost):\n"
        "    gains = torch.tensor(old) - torch.tensor(new)\n"
        "    means = gains[torch.randint(len(gains), (5000, 4))].mean(1)\n"
        "    low, high = means.quantile(torch.tensor([0.025, 0.975])).tolist()\n"
        "    return 'adopt' if low > cost else 'keep' if high < cost else 'more seeds'",
        # each sorted first
        "def decide(old, new, cost):\n"
        "    gains = torch.tensor(sorted(old)) - torch.tensor(sorted(new))\n"
        "    means = gains[torch.randint(len(gains), (5000, len(gains)))].mean(1)\n"
        "    low, high = means.quantile(torch.tensor([0.025, 0.975])).tolist()\n"
        "    return 'adopt' if low > cost else 'keep' if high < cost else 'more seeds'",
        # votes
        "def decide(old, new, cost):\n"
        "    won = sum(a - b > cost for a, b in zip(old, new)) / len(old)\n"
        "    return 'adopt' if won >= 0.75 else 'keep' if won <= 0.25 else 'more seeds'",
    ],
}
