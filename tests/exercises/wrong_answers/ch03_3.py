"""Plausible wrong answers to the exercises of notebook 3.3; each must be found out."""

WRONG = {
    "03.3-greedy": [
        # always the row of the start
        "def greedy_path(P, start, steps):\n"
        "    tokens = P[start].topk(min(steps, len(P))).indices.tolist()\n"
        "    return tokens, P[start, tokens].prod().item()",
        # the sum of the probabilities
        "def greedy_path(P, start, steps):\n"
        "    path, total, last = [], 0.0, start\n"
        "    for _ in range(steps):\n"
        "        total += P[last].max().item()\n"
        "        last = P[last].argmax().item()\n"
        "        path.append(last)\n"
        "    return path, total",
        # the start in the path
        "def greedy_path(P, start, steps):\n"
        "    path, p = [start], 1.0\n"
        "    for _ in range(steps):\n"
        "        p *= P[path[-1]].max().item()\n"
        "        path.append(P[path[-1]].argmax().item())\n"
        "    return path, p",
        # the best path, not the greedy one
        "def greedy_path(P, start, steps):\n"
        "    def p(path):\n"
        "        return math.prod(P[a, b].item() for a, b in zip((start, *path), path))\n"
        "    best = max(itertools.product(range(len(P)), repeat=steps), key=p)\n"
        "    return list(best), p(best)",
        # columns for rows
        "def greedy_path(P, start, steps):\n"
        "    path, p, last = [], 1.0, start\n"
        "    for _ in range(steps):\n"
        "        p *= P[:, last].max().item()\n"
        "        last = P[:, last].argmax().item()\n"
        "        path.append(last)\n"
        "    return path, p",
    ],
    "03.3-sequences": [
        "def count_outputs(V, T):\n    return V**T",
        "def count_outputs(V, T):\n    return sum((V - 1) ** (t - 1) for t in range(1, T + 1))",
        "def count_outputs(V, T):\n    return sum(V**t for t in range(1, T + 1))",
        "def count_outputs(V, T):\n    return (V - 1) ** T + 1",
    ],
    "03.3-penalty": [
        "def best_hypothesis(log_p, length, alpha):\n"
        "    scores = log_p / length**alpha\n"
        "    return scores.argmax().item(), scores",
        "def best_hypothesis(log_p, length, alpha):\n"
        "    scores = log_p * ((5 + length) / 6) ** alpha\n"
        "    return scores.argmax().item(), scores",
        "def best_hypothesis(log_p, length, alpha):\n"
        "    scores = log_p / ((5 + length) / 6) ** alpha\n"
        "    return scores.argmin().item(), scores",
        "def best_hypothesis(log_p, length, alpha):\n"
        "    scores = log_p / ((5 + length) ** alpha / 6)\n"
        "    return scores.argmax().item(), scores",
    ],
    "03.3-topk": [
        # the best of each row, not of all
        "def beam_step(log_p, step_log_p):\n"
        "    best, token = (log_p.unsqueeze(1) + step_log_p).max(1)\n"
        "    best, parent = best.sort(descending=True)\n"
        "    return parent, token[parent], best",
        # quotient and remainder by k
        "def beam_step(log_p, step_log_p):\n"
        "    k, V = step_log_p.shape\n"
        "    best, place = (log_p.unsqueeze(1) + step_log_p).flatten().topk(k)\n"
        "    return place // k, place % k, best",
        # without the past
        "def beam_step(log_p, step_log_p):\n"
        "    k, V = step_log_p.shape\n"
        "    best, place = step_log_p.flatten().topk(k)\n"
        "    return place // V, place % V, log_p[place // V] + best",
    ],
    "03.3-bigrams": [
        # the pairs of all rows together
        "def block_bigrams(tokens, log_p):\n"
        "    log_p, rows = log_p.clone(), tokens.tolist()\n"
        "    pairs = {pair for row in rows for pair in zip(row, row[1:])}\n"
        "    for i, row in enumerate(rows):\n"
        "        log_p[i, [b for a, b in pairs if a == row[-1]]] = -torch.inf\n"
        "    return log_p",
        # every token that occurred
        "def block_bigrams(tokens, log_p):\n"
        "    log_p = log_p.clone()\n"
        "    for row, prefix in enumerate(tokens.tolist()):\n"
        "        log_p[row, prefix] = -torch.inf\n"
        "    return log_p",
        # the first of the pair in place of the second
        "def block_bigrams(tokens, log_p):\n"
        "    log_p = log_p.clone()\n"
        "    for row, prefix in enumerate(tokens.tolist()):\n"
        "        for first, second in zip(prefix, prefix[1:]):\n"
        "            if second == prefix[-1]:\n"
        "                log_p[row, first] = -torch.inf\n"
        "    return log_p",
        # blocks in all rows
        "def block_bigrams(tokens, log_p):\n"
        "    log_p = log_p.clone()\n"
        "    for prefix in tokens.tolist():\n"
        "        for first, second in zip(prefix, prefix[1:]):\n"
        "            if first == prefix[-1]:\n"
        "                log_p[:, second] = -torch.inf\n"
        "    return log_p",
        # changes its input
        "def block_bigrams(tokens, log_p):\n"
        "    for row, prefix in enumerate(tokens.tolist()):\n"
        "        for first, second in zip(prefix, prefix[1:]):\n"
        "            if first == prefix[-1]:\n"
        "                log_p[row, second] = -torch.inf\n"
        "    return log_p",
        # forgets the pair of the last two tokens
        "def block_bigrams(tokens, log_p):\n"
        "    log_p = log_p.clone()\n"
        "    for row, prefix in enumerate(tokens.tolist()):\n"
        "        for first, second in zip(prefix[:-2], prefix[1:-1]):\n"
        "            if first == prefix[-1]:\n"
        "                log_p[row, second] = -torch.inf\n"
        "    return log_p",
    ],
}
