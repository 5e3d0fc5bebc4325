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
        # all candidates in order, counting the children
        "def beam_step(log_p, step_log_p, most):\n"
        "    k, V = step_log_p.shape\n"
        "    total = (log_p[:, None] + step_log_p).reshape(-1)\n"
        "    children, places = [0] * k, []\n"
        "    for place in total.argsort(descending=True).tolist():\n"
        "        if children[place // V] < most and len(places) < k:\n"
        "            children[place // V] += 1\n"
        "            places.append(place)\n"
        "    places = torch.tensor(places)\n"
        "    return places // V, places % V, total[places]",
        # what is too much becomes −∞; the results in a list
        "def beam_step(log_p, step_log_p, most):\n"
        "    total = log_p.view(-1, 1) + step_log_p\n"
        "    rank = total.argsort(dim=1, descending=True).argsort(dim=1)\n"
        "    best, place = total.masked_fill(rank >= most, -torch.inf).view(-1).topk(len(log_p))\n"
        "    return [*torch.unravel_index(place, total.shape), best]",
        # sort, divmod by tensors
        "def beam_step(log_p, step_log_p, most):\n"
        "    values, tokens = (step_log_p + log_p.unsqueeze(-1)).sort(dim=-1, descending=True)\n"
        "    values, tokens = values[:, :most], tokens[:, :most]\n"
        "    order = values.flatten().argsort(descending=True)[: log_p.numel()]\n"
        "    parents = torch.div(order, most, rounding_mode='floor')\n"
        "    return parents, tokens[parents, order.remainder(most)], values.flatten()[order]",
        # a threshold in each row
        "def beam_step(log_p, step_log_p, most):\n"
        "    k, V = step_log_p.shape\n"
        "    total = log_p.unsqueeze(1) + step_log_p\n"
        "    smallest = total.topk(most, dim=1).values[:, -1:]\n"
        "    best, place = torch.where(total >= smallest, total, -torch.inf).flatten().topk(k)\n"
        "    return place // V, place % V, best",
        # heapq, a named tuple
        "import heapq\n"
        "from collections import namedtuple\n"
        "\n"
        'Step = namedtuple("Step", "parents tokens log_p")\n'
        "\n"
        "\n"
        "def beam_step(log_p, step_log_p, most):\n"
        "    found = []\n"
        "    for i, row in enumerate((log_p[:, None] + step_log_p).tolist()):\n"
        "        found += heapq.nlargest(most, [(value, i, v) for v, value in enumerate(row)])\n"
        "    best, parents, tokens = map(torch.tensor, zip(*heapq.nlargest(len(log_p), found)))\n"
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
