"""Right answers to the exercises of notebook 3.3 that differ from the folded solutions; each must pass."""

RIGHT: dict[str, list[str]] = {
    "03.3-greedy": [
        # logarithms
        "def greedy_path(P, start, steps):\n"
        "    path = [start]\n"
        "    for _ in range(steps):\n"
        "        path.append(P[path[-1]].argmax().item())\n"
        "    return path[1:], P.log()[path[:-1], path[1:]].sum().exp().item()",
        # all maxima first; the results in a list
        "def greedy_path(P, start, steps):\n"
        "    best, following = P.max(1)\n"
        "    path, p = [], 1\n"
        "    for _ in range(steps):\n"
        "        p = p * best[start].item()\n"
        "        start = following[start].item()\n"
        "        path += [start]\n"
        "    return [path, p]",
        # Python lists, recursion
        "def greedy_path(P, start, steps):\n"
        "    if steps == 0:\n"
        "        return [], 1.0\n"
        "    row = P[start].tolist()\n"
        "    token = row.index(max(row))\n"
        "    path, p = greedy_path(P, token, steps - 1)\n"
        "    return [token] + path, row[token] * p",
    ],
    "03.3-sequences": [
        # recursion over the first token
        "def count_outputs(V, T):\n    return V if T == 1 else 1 + (V - 1) * count_outputs(V, T - 1)",
        # unfinished outputs step by step
        "def count_outputs(V, T):\n"
        "    finished, open_ = 0, 1\n"
        "    for _ in range(T):\n"
        "        finished, open_ = finished + open_, open_ * (V - 1)\n"
        "    return finished + open_",
        # the geometric sum
        "def count_outputs(V, T):\n    return T + 1 if V == 2 else ((V - 1) ** (T + 1) - 1) // (V - 2)",
        # a table of counts for each last token
        "def count_outputs(V, T):\n"
        "    total, ends = 0, [1] + [0] * (V - 1)\n"
        "    for t in range(T):\n"
        "        following = [0] * V\n"
        "        for token in range(V):\n"
        "            following[token] = 1 if t == 0 else sum(ends[1:])\n"
        "        total, ends = total + following[0], following\n"
        "    return total + sum(ends[1:])",
        # counts for each last token
        "def count_outputs(V, T):\n"
        "    alive = {v: 1 for v in range(1, V)}\n"
        "    total = 1\n"
        "    for _ in range(T - 1):\n"
        "        total += sum(alive.values())\n"
        "        alive = {v: sum(alive[u] for u in alive) for v in alive}\n"
        "    return total + sum(alive.values())",
    ],
    "03.3-penalty": [
        # in two steps, torch.argmax
        "def best_hypothesis(log_p, length, alpha):\n"
        "    penalty = torch.pow(5 + length, alpha) / 6**alpha\n"
        "    scores = log_p.div(penalty)\n"
        "    return int(torch.argmax(scores)), scores",
        # a loop; the results in a list
        "def best_hypothesis(log_p, length, alpha):\n"
        "    scores, best = [], 0\n"
        "    for i, (p, n) in enumerate(zip(log_p.tolist(), length.tolist())):\n"
        "        scores.append(p / ((5 + n) / 6) ** alpha)\n"
        "        if scores[i] > scores[best]:\n"
        "            best = i\n"
        "    return [best, torch.tensor(scores)]",
        "def best_hypothesis(log_p, length, alpha):\n"
        "    scores = log_p * (6 / (length.float() + 5)) ** alpha\n"
        "    return scores.tolist().index(scores.max().item()), scores",
    ],
    "03.3-topk": [
        # sort, divmod by tensors; the results in a list
        "def beam_step(log_p, step_log_p):\n"
        "    scores = (log_p[:, None] + step_log_p).reshape(-1)\n"
        "    order = scores.argsort(descending=True)[: len(log_p)]\n"
        "    V = step_log_p.size(1)\n"
        "    return [torch.div(order, V, rounding_mode='floor'), order.remainder(V), scores[order]]",
        # loops
        "def beam_step(log_p, step_log_p):\n"
        "    k, V = step_log_p.shape\n"
        "    found = [((log_p[i] + step_log_p[i, j]).item(), i, j) for i in range(k) for j in range(V)]\n"
        "    found = sorted(found, reverse=True)[:k]\n"
        "    best, parents, tokens = zip(*found)\n"
        "    return torch.tensor(parents), torch.tensor(tokens), torch.tensor(best)",
        # the k best of each row, then the k best of these
        "def beam_step(log_p, step_log_p):\n"
        "    k, V = step_log_p.shape\n"
        "    values, tokens = (step_log_p + log_p.view(k, 1)).topk(min(k, V), dim=1)\n"
        "    best, place = values.flatten().topk(k)\n"
        "    parents = torch.arange(k).repeat_interleave(min(k, V))\n"
        "    return parents[place], tokens.flatten()[place], best",
        # unravel_index
        "def beam_step(log_p, step_log_p):\n"
        "    scores = log_p.unsqueeze(-1) + step_log_p\n"
        "    best, place = scores.view(-1).topk(len(log_p))\n"
        "    parents, tokens = torch.unravel_index(place, scores.shape)\n"
        "    return parents, tokens, best",
        # heapq, a named tuple
        "import heapq\n"
        "from collections import namedtuple\n"
        "\n"
        'Step = namedtuple("Step", "parents tokens log_p")\n'
        "\n"
        "\n"
        "def beam_step(log_p, step_log_p):\n"
        "    k, V = step_log_p.shape\n"
        "    found = [((log_p[i] + step_log_p[i, v]).item(), i, v) for i in range(k) for v in range(V)]\n"
        "    best, parents, tokens = map(torch.tensor, zip(*heapq.nlargest(k, found)))\n"
        "    return Step(parents, tokens, best)",
    ],
    "03.3-bigrams": [
        # without a loop
        "def block_bigrams(tokens, log_p):\n"
        "    rows, places = torch.nonzero(tokens[:, :-1] == tokens[:, -1:], as_tuple=True)\n"
        "    result = log_p.clone()\n"
        "    result[rows, tokens[rows, places + 1]] = float('-inf')\n"
        "    return result",
        # a mask
        "def block_bigrams(tokens, log_p):\n"
        "    blocked = torch.zeros_like(log_p, dtype=torch.bool)\n"
        "    for i in range(tokens.size(0)):\n"
        "        for t in range(1, tokens.size(1)):\n"
        "            if tokens[i, t - 1] == tokens[i, -1]:\n"
        "                blocked[i, tokens[i, t]] = True\n"
        "    return log_p.masked_fill(blocked, -math.inf)",
        # sets of pairs
        "def block_bigrams(tokens, log_p):\n"
        "    result = []\n"
        "    for prefix, scores in zip(tokens.tolist(), log_p):\n"
        "        pairs = set(itertools.pairwise(prefix))\n"
        "        banned = torch.tensor([(prefix[-1], v) in pairs for v in range(len(scores))])\n"
        "        result.append(torch.where(banned, -torch.inf, scores))\n"
        "    return torch.stack(result)",
    ],
}
