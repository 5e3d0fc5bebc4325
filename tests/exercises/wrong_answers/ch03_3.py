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
        # a tensor for the float
        "def greedy_path(P, start, steps):\n"
        "    path, probability, last = [], 1.0, start\n"
        "    for _ in range(steps):\n"
        "        following = int(P[last].argmax())\n"
        "        probability *= P[last, following].item()\n"
        "        path.append(following)\n"
        "        last = following\n"
        "    return path, torch.tensor(probability)",
        # a tensor for the list
        "def greedy_path(P, start, steps):\n"
        "    path, probability, last = [], 1.0, start\n"
        "    for _ in range(steps):\n"
        "        following = int(P[last].argmax())\n"
        "        probability *= P[last, following].item()\n"
        "        path.append(following)\n"
        "        last = following\n"
        "    return torch.tensor(path), probability",
        # tensors in the list
        "def greedy_path(P, start, steps):\n"
        "    path, probability, last = [], 1.0, start\n"
        "    for _ in range(steps):\n"
        "        following = int(P[last].argmax())\n"
        "        probability *= P[last, following].item()\n"
        "        path.append(following)\n"
        "        last = following\n"
        "    return [torch.tensor(token) for token in path], probability",
        # a tuple for the list
        "def greedy_path(P, start, steps):\n"
        "    path, probability, last = [], 1.0, start\n"
        "    for _ in range(steps):\n"
        "        following = int(P[last].argmax())\n"
        "        probability *= P[last, following].item()\n"
        "        path.append(following)\n"
        "        last = following\n"
        "    return tuple(path), probability",
        # three tokens only
        "def greedy_path(P, start, steps):\n"
        "    path, probability, last = [], 1.0, start\n"
        "    for _ in range(steps):\n"
        "        following = int(P[last, :3].argmax())\n"
        "        probability *= P[last, following].item()\n"
        "        path.append(following)\n"
        "        last = following\n"
        "    return path, probability",
        # the table of three tokens by its rows' names
        "def greedy_path(P, start, steps):\n"
        "    a, b, c = P.tolist()\n"
        "    path, probability, last = [], 1.0, start\n"
        "    for _ in range(steps):\n"
        "        row = (a, b, c)[last]\n"
        "        last = row.index(max(row))\n"
        "        probability *= max(row)\n"
        "        path.append(last)\n"
        "    return path, probability",
        # only the list
        "def greedy_path(P, start, steps):\n"
        "    path, probability, last = [], 1.0, start\n"
        "    for _ in range(steps):\n"
        "        following = int(P[last].argmax())\n"
        "        probability *= P[last, following].item()\n"
        "        path.append(following)\n"
        "        last = following\n"
        "    return path",
        # only the probability
        "def greedy_path(P, start, steps):\n"
        "    path, probability, last = [], 1.0, start\n"
        "    for _ in range(steps):\n"
        "        following = int(P[last].argmax())\n"
        "        probability *= P[last, following].item()\n"
        "        path.append(following)\n"
        "        last = following\n"
        "    return probability",
        # one flat list
        "def greedy_path(P, start, steps):\n"
        "    path, probability, last = [], 1.0, start\n"
        "    for _ in range(steps):\n"
        "        following = int(P[last].argmax())\n"
        "        probability *= P[last, following].item()\n"
        "        path.append(following)\n"
        "        last = following\n"
        "    return path + [probability]",
        # the wrong order
        "def greedy_path(P, start, steps):\n"
        "    path, probability, last = [], 1.0, start\n"
        "    for _ in range(steps):\n"
        "        following = int(P[last].argmax())\n"
        "        probability *= P[last, following].item()\n"
        "        path.append(following)\n"
        "        last = following\n"
        "    return probability, path",
        # three results
        "def greedy_path(P, start, steps):\n"
        "    path, probability, last = [], 1.0, start\n"
        "    for _ in range(steps):\n"
        "        following = int(P[last].argmax())\n"
        "        probability *= P[last, following].item()\n"
        "        path.append(following)\n"
        "        last = following\n"
        "    return path, probability, last",
        # a dictionary
        "def greedy_path(P, start, steps):\n"
        "    path, probability, last = [], 1.0, start\n"
        "    for _ in range(steps):\n"
        "        following = int(P[last].argmax())\n"
        "        probability *= P[last, following].item()\n"
        "        path.append(following)\n"
        "        last = following\n"
        '    return {"path": path, "probability": probability}',
        # a tensor with both
        "def greedy_path(P, start, steps):\n"
        "    path, probability, last = [], 1.0, start\n"
        "    for _ in range(steps):\n"
        "        following = int(P[last].argmax())\n"
        "        probability *= P[last, following].item()\n"
        "        path.append(following)\n"
        "        last = following\n"
        "    return torch.tensor([*path, probability])",
        # a string
        "def greedy_path(P, start, steps):\n"
        "    path, probability, last = [], 1.0, start\n"
        "    for _ in range(steps):\n"
        "        following = int(P[last].argmax())\n"
        "        probability *= P[last, following].item()\n"
        "        path.append(following)\n"
        "        last = following\n"
        "    return str((path, probability))",
        # a number
        "def greedy_path(P, start, steps):\n    return 1",
        # a class
        "def greedy_path(P, start, steps):\n    return nn.Module",
        # stops with SystemExit
        "def greedy_path(P, start, steps):\n    raise SystemExit",
        # the log-probability
        "def greedy_path(P, start, steps):\n"
        "    path, probability, last = [], 1.0, start\n"
        "    for _ in range(steps):\n"
        "        following = int(P[last].argmax())\n"
        "        probability *= P[last, following].item()\n"
        "        path.append(following)\n"
        "        last = following\n"
        "    return path, math.log(probability)",
        # one step too few
        "def greedy_path(P, start, steps):\n"
        "    path, probability = [start], 1.0\n"
        "    for _ in range(steps - 1):\n"
        "        probability *= P[path[-1]].max().item()\n"
        "        path.append(P[path[-1]].argmax().item())\n"
        "    return path, probability",
        # no token twice
        "def greedy_path(P, start, steps):\n"
        "    P, path, probability = P.clone(), [start], 1.0\n"
        "    for _ in range(steps):\n"
        "        probability *= P[path[-1]].max().item()\n"
        "        path.append(P[path[-1]].argmax().item())\n"
        "        P[:, path[-1]] = 0\n"
        "    return path[1:], probability",
        # normalises its argument
        "def greedy_path(P, start, steps):\n"
        "    path, probability = [start], 1.0\n"
        "    for _ in range(steps):\n"
        "        probability *= P[path[-1]].max().item()\n"
        "        path.append(P[path[-1]].argmax().item())\n"
        "        P[path[-2]] = 0\n"
        "        P[path[-2], path[-1]] = 1\n"
        "    return path[1:], probability",
        # the probability of the last step
        "def greedy_path(P, start, steps):\n"
        "    path, probability = [start], 1.0\n"
        "    for _ in range(steps):\n"
        "        probability = P[path[-1]].max().item()\n"
        "        path.append(P[path[-1]].argmax().item())\n"
        "    return path[1:], probability",
        # an iterator
        "def greedy_path(P, start, steps):\n    return iter([1])",
        # a number in place of the function
        "greedy_path = 5",
        # calls itself for ever
        "def greedy_path(P, start, steps):\n    return greedy_path(P, start, steps)",
    ],
    "03.3-sequences": [
        "def count_outputs(V, T):\n    return V**T",
        "def count_outputs(V, T):\n    return sum((V - 1) ** (t - 1) for t in range(1, T + 1))",
        "def count_outputs(V, T):\n    return sum(V**t for t in range(1, T + 1))",
        "def count_outputs(V, T):\n    return (V - 1) ** T + 1",
        # lists all
        "def count_outputs(V, T):\n"
        "    paths = itertools.product(range(V), repeat=T)\n"
        "    return len({path[: path.index(0) + 1] if 0 in path else path for path in paths})",
        # lists all, with a name of its own
        "def count_outputs(V, T):\n"
        "    from itertools import product\n"
        "\n"
        "    return len({path[: path.index(0) + 1] if 0 in path else path for path in product(range(V), repeat=T)})",
        # lists all, in steps
        "def count_outputs(V, T):\n"
        "    open_, finished = [()], []\n"
        "    for _ in range(T):\n"
        "        longer = [(*path, token) for path in open_ for token in range(V)]\n"
        "        finished += [path for path in longer if path[-1] == 0]\n"
        "        open_ = [path for path in longer if path[-1] != 0]\n"
        "    return len(finished + open_)",
        # walks through all
        "def count_outputs(V, T):\n"
        "    def outputs(t):\n"
        "        return 1 if t == T else sum(1 if token == 0 else outputs(t + 1) for token in range(V))\n"
        "\n"
        "    return outputs(0)",
        # lists all numbers
        "def count_outputs(V, T):\n"
        "    found = set()\n"
        "    for n in range(V**T):\n"
        "        path = [n // V**t % V for t in range(T)]\n"
        "        found.add(tuple(path[: path.index(0) + 1] if 0 in path else path))\n"
        "    return len(found)",
        # lists all, by torch
        "def count_outputs(V, T):\n"
        "    paths = torch.cartesian_prod(*[torch.arange(V)] * T).view(-1, T).tolist()\n"
        "    return len({tuple(path[: path.index(0) + 1] if 0 in path else path) for path in paths})",
        # a float
        "def count_outputs(V, T):\n    return float(sum((V - 1) ** (t - 1) for t in range(1, T + 1)) + (V - 1) ** T)",
        # rounded
        "def count_outputs(V, T):\n    return int(sum(float(V - 1) ** t for t in range(T + 1)))",
        # a float's quotient
        "def count_outputs(V, T):\n    return T + 1 if V == 2 else int(((V - 1) ** (T + 1) - 1) / (V - 2))",
        # divides by 0 for two tokens
        "def count_outputs(V, T):\n    return ((V - 1) ** (T + 1) - 1) // (V - 2)",
        # one length too many
        "def count_outputs(V, T):\n    return sum((V - 1) ** t for t in range(T + 2))",
        # with the empty output
        "def count_outputs(V, T):\n    return 1 + sum((V - 1) ** t for t in range(T + 1))",
        # without the longest finished ones
        "def count_outputs(V, T):\n    return sum((V - 1) ** t for t in range(T - 1)) + (V - 1) ** T",
        # a tensor
        "def count_outputs(V, T):\n    return torch.tensor(sum((V - 1) ** t for t in range(T + 1)) % 2**62)",
        # a table of the known cases
        "def count_outputs(V, T):\n    return {(3, 1): 3, (2, 3): 4, (4, 4): 121, (3, 6): 127}[V, T]",
        # <eos> is not one of the V tokens
        "def count_outputs(V, T):\n    return sum(V**t for t in range(T)) + V**T",
        # walks through all, by NumPy
        "def count_outputs(V, T):\n"
        "    import numpy as np\n"
        "    return sum(1 for p in np.ndindex(*[V] * T) if all(p[i] != 0 or not any(p[i + 1:]) for i in range(T)))",
        # lists all as a tensor
        "def count_outputs(V, T):\n"
        '    g = torch.stack(torch.meshgrid(*[torch.arange(V)] * T, indexing="ij"), -1).reshape(-1, T)\n'
        "    first = torch.where(g == 0, 1, 0).cumsum(1)\n"
        "    g[(first > 1) | ((first == 1) & (g != 0))] = 0\n"
        "    return len(torch.unique(g, dim=0))",
    ],
    "03.3-penalty": [
        # through probabilities
        "def best_hypothesis(log_p, length, alpha):\n"
        "    scores = (log_p.exp() ** (1 / ((5 + length) / 6) ** alpha)).log()\n"
        "    return scores.argmax().item(), scores",
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
        # a tensor for the index
        "def best_hypothesis(log_p, length, alpha):\n"
        "    scores = log_p / ((5 + length) / 6) ** alpha\n"
        "    return scores.argmax(), scores",
        # a float for the index
        "def best_hypothesis(log_p, length, alpha):\n"
        "    scores = log_p / ((5 + length) / 6) ** alpha\n"
        "    return float(scores.argmax()), scores",
        # NumPy for the index
        "def best_hypothesis(log_p, length, alpha):\n"
        "    scores = log_p / ((5 + length) / 6) ** alpha\n"
        "    return scores.numpy().argmax(), scores",
        # lists for the scores
        "def best_hypothesis(log_p, length, alpha):\n"
        "    scores = log_p / ((5 + length) / 6) ** alpha\n"
        "    return scores.argmax().item(), scores.tolist()",
        # only the index
        "def best_hypothesis(log_p, length, alpha):\n"
        "    scores = log_p / ((5 + length) / 6) ** alpha\n"
        "    return scores.argmax().item()",
        # the best score only
        "def best_hypothesis(log_p, length, alpha):\n"
        "    scores = log_p / ((5 + length) / 6) ** alpha\n"
        "    return scores.argmax().item(), scores.max()",
        # the wrong order
        "def best_hypothesis(log_p, length, alpha):\n"
        "    scores = log_p / ((5 + length) / 6) ** alpha\n"
        "    return scores, scores.argmax().item()",
        # the argmax of the log-probabilities
        "def best_hypothesis(log_p, length, alpha):\n"
        "    scores = log_p / ((5 + length) / 6) ** alpha\n"
        "    return log_p.argmax().item(), scores",
        # works in its argument
        "def best_hypothesis(log_p, length, alpha):\n"
        "    log_p /= ((5 + length) / 6) ** alpha\n"
        "    return log_p.argmax().item(), log_p",
        # alpha as a factor
        "def best_hypothesis(log_p, length, alpha):\n"
        "    scores = log_p / (alpha * (5 + length) / 6)\n"
        "    return scores.argmax().item(), scores",
        # without alpha
        "def best_hypothesis(log_p, length, alpha):\n"
        "    scores = log_p / ((5 + length) / 6)\n"
        "    return scores.argmax().item(), scores",
        # 5 + L / 6
        "def best_hypothesis(log_p, length, alpha):\n"
        "    scores = log_p / (5 + length / 6) ** alpha\n"
        "    return scores.argmax().item(), scores",
        # integers
        "def best_hypothesis(log_p, length, alpha):\n"
        "    scores = log_p / ((5 + length) // 6) ** alpha\n"
        "    return scores.argmax().item(), scores",
        # sorted scores
        "def best_hypothesis(log_p, length, alpha):\n"
        "    scores = log_p / ((5 + length) / 6) ** alpha\n"
        "    return scores.argmax().item(), scores.sort(descending=True).values",
        # the first for the last
        "def best_hypothesis(log_p, length, alpha):\n"
        "    scores = log_p / ((5 + length) / 6) ** alpha\n"
        "    return int(scores.argsort()[0]), scores",
        # a place counted from 1
        "def best_hypothesis(log_p, length, alpha):\n"
        "    scores = log_p / ((5 + length) / 6) ** alpha\n"
        "    return int(scores.argmax()) + 1, scores",
        # probabilities
        "def best_hypothesis(log_p, length, alpha):\n"
        "    scores = log_p / ((5 + length) / 6) ** alpha\n"
        "    return int(scores.argmax()), scores.exp()",
        # two hypotheses only
        "def best_hypothesis(log_p, length, alpha):\n"
        "    scores = log_p / ((5 + length) / 6) ** alpha\n"
        "    return int(scores[1] > scores[0]), scores",
        # always alpha 0.6
        "def best_hypothesis(log_p, length, alpha=0.6):\n"
        "    s = log_p / ((5 + length) / 6) ** 0.6\n"
        "    return s.argmax().item(), s",
        # changes length
        "def best_hypothesis(log_p, length, alpha):\n"
        "    length += 5\n"
        "    s = log_p / (length / 6) ** alpha\n"
        "    return s.argmax().item(), s",
        # a bool for the index
        "def best_hypothesis(log_p, length, alpha):\n"
        "    s = log_p / ((5 + length) / 6) ** alpha\n"
        "    return True if s.argmax() == 1 else s.argmax().item(), s",
    ],
    "03.3-topk": [
        # the simple step: no limit
        "def beam_step(log_p, step_log_p, most):\n"
        "    k, V = step_log_p.shape\n"
        "    best, place = (log_p.unsqueeze(1) + step_log_p).flatten().topk(k)\n"
        "    return place // V, place % V, best",
        # one child of each parent, always
        "def beam_step(log_p, step_log_p, most):\n"
        "    best, token = (log_p.unsqueeze(1) + step_log_p).max(1)\n"
        "    best, parent = best.sort(descending=True)\n"
        "    return parent, token[parent], best",
        # the place divided by V
        "def beam_step(log_p, step_log_p, most):\n"
        "    own, tokens = (log_p.unsqueeze(1) + step_log_p).topk(most, dim=1)\n"
        "    best, place = own.flatten().topk(len(log_p))\n"
        "    tokens = tokens.flatten()[place]\n"
        "    return place // step_log_p.shape[1], tokens, best",
        # the place divided by k
        "def beam_step(log_p, step_log_p, most):\n"
        "    own, tokens = (log_p.unsqueeze(1) + step_log_p).topk(most, dim=1)\n"
        "    best, place = own.flatten().topk(len(log_p))\n"
        "    tokens = tokens.flatten()[place]\n"
        "    return place // len(log_p), tokens, best",
        # the remainder as the token
        "def beam_step(log_p, step_log_p, most):\n"
        "    own, tokens = (log_p.unsqueeze(1) + step_log_p).topk(most, dim=1)\n"
        "    best, place = own.flatten().topk(len(log_p))\n"
        "    tokens = tokens.flatten()[place]\n"
        "    return place // most, place % most, best",
        # without the past
        "def beam_step(log_p, step_log_p, most):\n"
        "    own, tokens = step_log_p.topk(most, dim=1)\n"
        "    best, place = own.flatten().topk(len(log_p))\n"
        "    tokens = tokens.flatten()[place]\n"
        "    return place // most, tokens, log_p[place // most] + best",
        # without the past, in the result too
        "def beam_step(log_p, step_log_p, most):\n"
        "    own, tokens = step_log_p.topk(most, dim=1)\n"
        "    best, place = own.flatten().topk(len(log_p))\n"
        "    tokens = tokens.flatten()[place]\n"
        "    return place // most, tokens, best",
        # multiplies probabilities
        "def beam_step(log_p, step_log_p, most):\n"
        "    own, tokens = (log_p.exp().unsqueeze(1) * step_log_p.exp()).topk(most, dim=1)\n"
        "    best, place = own.flatten().topk(len(log_p))\n"
        "    tokens = tokens.flatten()[place]\n"
        "    return place // most, tokens, best.log()",
        # float parents
        "def beam_step(log_p, step_log_p, most):\n"
        "    own, tokens = (log_p.unsqueeze(1) + step_log_p).topk(most, dim=1)\n"
        "    best, place = own.flatten().topk(len(log_p))\n"
        "    tokens = tokens.flatten()[place]\n"
        "    return torch.floor(place / most), tokens, best",
        # float tokens
        "def beam_step(log_p, step_log_p, most):\n"
        "    own, tokens = (log_p.unsqueeze(1) + step_log_p).topk(most, dim=1)\n"
        "    best, place = own.flatten().topk(len(log_p))\n"
        "    tokens = tokens.flatten()[place]\n"
        "    return place // most, tokens.float(), best",
        # int32 parents
        "def beam_step(log_p, step_log_p, most):\n"
        "    own, tokens = (log_p.unsqueeze(1) + step_log_p).topk(most, dim=1)\n"
        "    best, place = own.flatten().topk(len(log_p))\n"
        "    tokens = tokens.flatten()[place]\n"
        "    return (place // most).int(), tokens, best",
        # the limit for each token, not for each parent
        "def beam_step(log_p, step_log_p, most):\n"
        "    own, parents = (log_p.unsqueeze(1) + step_log_p).topk(min(most, len(log_p)), dim=0)\n"
        "    best, place = own.flatten().topk(min(len(log_p), own.numel()))\n"
        "    return parents.flatten()[place], place % step_log_p.shape[1], best",
        # drops what is too much, and does not fill the places
        "def beam_step(log_p, step_log_p, most):\n"
        "    k, V = step_log_p.shape\n"
        "    best, place = (log_p.unsqueeze(1) + step_log_p).flatten().topk(k)\n"
        "    parents = (place // V).tolist()\n"
        "    kept = [i for i, parent in enumerate(parents) if parents[:i].count(parent) < most]\n"
        "    return (place // V)[kept], (place % V)[kept], best[kept]",
        # fewer than most
        "def beam_step(log_p, step_log_p, most):\n"
        "    most = max(1, most - 1)\n"
        "    own, tokens = (log_p.unsqueeze(1) + step_log_p).topk(most, dim=1)\n"
        "    best, place = own.flatten().topk(len(log_p))\n"
        "    tokens = tokens.flatten()[place]\n"
        "    return place // most, tokens, best",
        # one more than most
        "def beam_step(log_p, step_log_p, most):\n"
        "    most = min(most + 1, step_log_p.shape[1])\n"
        "    own, tokens = (log_p.unsqueeze(1) + step_log_p).topk(most, dim=1)\n"
        "    best, place = own.flatten().topk(len(log_p))\n"
        "    tokens = tokens.flatten()[place]\n"
        "    return place // most, tokens, best",
        # always two
        "def beam_step(log_p, step_log_p, most):\n"
        "    own, tokens = (log_p.unsqueeze(1) + step_log_p).topk(2, dim=1)\n"
        "    best, place = own.flatten().topk(len(log_p))\n"
        "    tokens = tokens.flatten()[place]\n"
        "    return place // 2, tokens, best",
        # only two results
        "def beam_step(log_p, step_log_p, most):\n"
        "    own, tokens = (log_p.unsqueeze(1) + step_log_p).topk(most, dim=1)\n"
        "    best, place = own.flatten().topk(len(log_p))\n"
        "    tokens = tokens.flatten()[place]\n"
        "    return place // most, best",
        # only the log-probabilities
        "def beam_step(log_p, step_log_p, most):\n"
        "    own, tokens = (log_p.unsqueeze(1) + step_log_p).topk(most, dim=1)\n"
        "    best, place = own.flatten().topk(len(log_p))\n"
        "    tokens = tokens.flatten()[place]\n"
        "    return best",
        # one tensor
        "def beam_step(log_p, step_log_p, most):\n"
        "    own, tokens = (log_p.unsqueeze(1) + step_log_p).topk(most, dim=1)\n"
        "    best, place = own.flatten().topk(len(log_p))\n"
        "    tokens = tokens.flatten()[place]\n"
        "    return torch.stack([(place // most).float(), tokens.float(), best])",
        # a number
        "def beam_step(log_p, step_log_p, most):\n    return 3.5",
        # its argument
        "def beam_step(log_p, step_log_p, most):\n    return log_p",
        # None among the results
        "def beam_step(log_p, step_log_p, most):\n"
        "    own, tokens = (log_p.unsqueeze(1) + step_log_p).topk(most, dim=1)\n"
        "    best, place = own.flatten().topk(len(log_p))\n"
        "    tokens = tokens.flatten()[place]\n"
        "    return place // most, None, best",
        # the tokens first
        "def beam_step(log_p, step_log_p, most):\n"
        "    own, tokens = (log_p.unsqueeze(1) + step_log_p).topk(most, dim=1)\n"
        "    best, place = own.flatten().topk(len(log_p))\n"
        "    tokens = tokens.flatten()[place]\n"
        "    return tokens, place // most, best",
        # lists
        "def beam_step(log_p, step_log_p, most):\n"
        "    own, tokens = (log_p.unsqueeze(1) + step_log_p).topk(most, dim=1)\n"
        "    best, place = own.flatten().topk(len(log_p))\n"
        "    tokens = tokens.flatten()[place]\n"
        "    return (place // most).tolist(), tokens.tolist(), best.tolist()",
        # worst first
        "def beam_step(log_p, step_log_p, most):\n"
        "    own, tokens = (log_p.unsqueeze(1) + step_log_p).topk(most, dim=1)\n"
        "    best, place = own.flatten().topk(len(log_p))\n"
        "    tokens = tokens.flatten()[place]\n"
        "    return (place // most).flip(0), tokens.flip(0), best.flip(0)",
        # not in order
        "def beam_step(log_p, step_log_p, most):\n"
        "    own, tokens = (log_p.unsqueeze(1) + step_log_p).topk(most, dim=1)\n"
        "    place = own.flatten().topk(len(log_p)).indices.sort().values\n"
        "    tokens = tokens.flatten()[place]\n"
        "    return place // most, tokens, own.flatten()[place]",
        # adds to the wrong axis
        "def beam_step(log_p, step_log_p, most):\n"
        "    k, V = step_log_p.shape\n"
        "    own, tokens = (log_p.repeat(V)[:V] + step_log_p).topk(most, dim=1)\n"
        "    best, place = own.flatten().topk(len(log_p))\n"
        "    tokens = tokens.flatten()[place]\n"
        "    return place // most, tokens, best",
        # works in its argument
        "def beam_step(log_p, step_log_p, most):\n"
        "    own, tokens = step_log_p.add_(log_p.unsqueeze(1)).topk(most, dim=1)\n"
        "    best, place = own.flatten().topk(len(log_p))\n"
        "    tokens = tokens.flatten()[place]\n"
        "    return place // most, tokens, best",
        # two hypotheses only
        "def beam_step(log_p, step_log_p, most):\n"
        "    own, tokens = (log_p.unsqueeze(1) + step_log_p).topk(most, dim=1)\n"
        "    best, place = own.flatten().topk(min(len(log_p), 2))\n"
        "    tokens = tokens.flatten()[place]\n"
        "    return place // most, tokens, best",
        # the smallest
        "def beam_step(log_p, step_log_p, most):\n"
        "    own, tokens = (log_p.unsqueeze(1) + step_log_p).topk(most, dim=1)\n"
        "    best, place = own.flatten().topk(len(log_p), largest=False)\n"
        "    tokens = tokens.flatten()[place]\n"
        "    return place // most, tokens, best",
        # the smallest of each parent
        "def beam_step(log_p, step_log_p, most):\n"
        "    own, tokens = (log_p.unsqueeze(1) + step_log_p).topk(most, dim=1, largest=False)\n"
        "    best, place = own.flatten().topk(len(log_p))\n"
        "    tokens = tokens.flatten()[place]\n"
        "    return place // most, tokens, best",
        # probabilities as the result
        "def beam_step(log_p, step_log_p, most):\n"
        "    own, tokens = (log_p.unsqueeze(1) + step_log_p).topk(most, dim=1)\n"
        "    best, place = own.flatten().topk(len(log_p))\n"
        "    tokens = tokens.flatten()[place]\n"
        "    return place // most, tokens, best.exp()",
        # the step's log-probabilities alone as the result
        "def beam_step(log_p, step_log_p, most):\n"
        "    own, tokens = (log_p.unsqueeze(1) + step_log_p).topk(most, dim=1)\n"
        "    best, place = own.flatten().topk(len(log_p))\n"
        "    tokens = tokens.flatten()[place]\n"
        "    return place // most, tokens, step_log_p[place // most, tokens]",
        # all allowed candidates
        "def beam_step(log_p, step_log_p, most):\n"
        "    own, tokens = (log_p.unsqueeze(1) + step_log_p).topk(most, dim=1)\n"
        "    best, place = own.flatten().sort(descending=True)\n"
        "    tokens = tokens.flatten()[place]\n"
        "    return place // most, tokens, best",
        # columns
        "def beam_step(log_p, step_log_p, most):\n"
        "    own, tokens = (log_p.unsqueeze(1) + step_log_p).topk(most, dim=1)\n"
        "    best, place = own.T.flatten().topk(len(log_p))\n"
        "    tokens = tokens.flatten()[place]\n"
        "    return place // most, tokens, best",
        # the log-probabilities cut at e^−69
        "def beam_step(log_p, step_log_p, most):\n"
        "    own, tokens = (log_p.unsqueeze(1) + step_log_p).topk(most, dim=1)\n"
        "    best, place = own.flatten().exp().topk(len(log_p))\n"
        "    tokens = tokens.flatten()[place]\n"
        "    return place // most, tokens, best.clamp(min=1e-30).log()",
        # the first tokens of each parent
        "def beam_step(log_p, step_log_p, most):\n"
        "    best, place = (log_p.unsqueeze(1) + step_log_p)[:, :most].flatten().topk(len(log_p))\n"
        "    return place // most, place % most, best",
    ],
    "03.3-bigrams": [
        # digits of text
        "def block_bigrams(tokens, log_p):\n"
        "    log_p = log_p.clone()\n"
        "    for r, prefix in enumerate(tokens.tolist()):\n"
        "        s = ' '.join(map(str, prefix))\n"
        "        for v in range(log_p.shape[1]):\n"
        "            if len(prefix) > 1 and f'{prefix[-1]} {v}' in s:\n"
        "                log_p[r, v] = -torch.inf\n"
        "    return log_p",
        # the last ten tokens only
        "def block_bigrams(tokens, log_p):\n"
        "    log_p = log_p.clone()\n"
        "    for r, prefix in enumerate(tokens.tolist()):\n"
        "        for a, b in zip(prefix[-10:], prefix[-9:]):\n"
        "            if a == prefix[-1] and len(prefix) > 1:\n"
        "                log_p[r, b] = -torch.inf\n"
        "    return log_p",
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
        # the first two rows only
        "def block_bigrams(tokens, log_p):\n"
        "    log_p = log_p.clone()\n"
        "    for row, prefix in enumerate(tokens.tolist()[:2]):\n"
        "        for first, second in zip(prefix, prefix[1:]):\n"
        "            if first == prefix[-1]:\n"
        "                log_p[row, second] = -torch.inf\n"
        "    return log_p",
        # clears its argument
        "def block_bigrams(tokens, log_p):\n"
        "    log_p = log_p.clone()\n"
        "    for row, prefix in enumerate(tokens.tolist()):\n"
        "        for first, second in zip(prefix, prefix[1:]):\n"
        "            if first == prefix[-1]:\n"
        "                log_p[row, second] = -torch.inf\n"
        "    tokens.zero_()\n"
        "    return log_p",
        # the given tensor where nothing is blocked
        "def block_bigrams(tokens, log_p):\n"
        "    given, log_p = log_p, log_p.clone()\n"
        "    for row, prefix in enumerate(tokens.tolist()):\n"
        "        for first, second in zip(prefix, prefix[1:]):\n"
        "            if first == prefix[-1]:\n"
        "                log_p[row, second] = -torch.inf\n"
        "    return given if torch.equal(given, log_p) else log_p",
        # a large negative number
        "def block_bigrams(tokens, log_p):\n"
        "    log_p = log_p.clone()\n"
        "    for row, prefix in enumerate(tokens.tolist()):\n"
        "        for first, second in zip(prefix, prefix[1:]):\n"
        "            if first == prefix[-1]:\n"
        "                log_p[row, second] = -1e9\n"
        "    return log_p",
        # 0
        "def block_bigrams(tokens, log_p):\n"
        "    log_p = log_p.clone()\n"
        "    for row, prefix in enumerate(tokens.tolist()):\n"
        "        for first, second in zip(prefix, prefix[1:]):\n"
        "            if first == prefix[-1]:\n"
        "                log_p[row, second] = 0\n"
        "    return log_p",
        # NaN by ∞ · 0
        "def block_bigrams(tokens, log_p):\n"
        "    blocked = torch.zeros_like(log_p)\n"
        "    for row, prefix in enumerate(tokens.tolist()):\n"
        "        for first, second in zip(prefix, prefix[1:]):\n"
        "            if first == prefix[-1]:\n"
        "                blocked[row, second] = 1\n"
        "    return log_p - blocked * torch.inf",
        # only the latest pair
        "def block_bigrams(tokens, log_p):\n"
        "    log_p = log_p.clone()\n"
        "    for row, prefix in enumerate(tokens.tolist()):\n"
        "        for i in range(len(prefix) - 2, -1, -1):\n"
        "            if prefix[i] == prefix[-1]:\n"
        "                log_p[row, prefix[i + 1]] = -torch.inf\n"
        "                break\n"
        "    return log_p",
        # only the first pair
        "def block_bigrams(tokens, log_p):\n"
        "    log_p = log_p.clone()\n"
        "    for row, prefix in enumerate(tokens.tolist()):\n"
        "        i = prefix.index(prefix[-1])\n"
        "        if i < len(prefix) - 1:\n"
        "            log_p[row, prefix[i + 1]] = -torch.inf\n"
        "    return log_p",
        # pairs at even places only
        "def block_bigrams(tokens, log_p):\n"
        "    log_p = log_p.clone()\n"
        "    for row, prefix in enumerate(tokens.tolist()):\n"
        "        for first, second in zip(prefix[::2], prefix[1::2]):\n"
        "            if first == prefix[-1]:\n"
        "                log_p[row, second] = -torch.inf\n"
        "    return log_p",
        # the last token itself
        "def block_bigrams(tokens, log_p):\n    return log_p.scatter(1, tokens[:, -1:], -torch.inf)",
        # lists
        "def block_bigrams(tokens, log_p):\n"
        "    log_p = log_p.clone()\n"
        "    for row, prefix in enumerate(tokens.tolist()):\n"
        "        for first, second in zip(prefix, prefix[1:]):\n"
        "            if first == prefix[-1]:\n"
        "                log_p[row, second] = -torch.inf\n"
        "    return log_p.tolist()",
        # renormalised
        "def block_bigrams(tokens, log_p):\n"
        "    log_p = log_p.clone()\n"
        "    for row, prefix in enumerate(tokens.tolist()):\n"
        "        for first, second in zip(prefix, prefix[1:]):\n"
        "            if first == prefix[-1]:\n"
        "                log_p[row, second] = -torch.inf\n"
        "    return log_p.log_softmax(-1)",
        # the last token of the first row for all
        "def block_bigrams(tokens, log_p):\n"
        "    log_p = log_p.clone()\n"
        "    for row, prefix in enumerate(tokens.tolist()):\n"
        "        for first, second in zip(prefix, prefix[1:]):\n"
        "            if first == tokens[0, -1]:\n"
        "                log_p[row, second] = -torch.inf\n"
        "    return log_p",
        # both orders of a pair
        "def block_bigrams(tokens, log_p):\n"
        "    log_p = log_p.clone()\n"
        "    for row, prefix in enumerate(tokens.tolist()):\n"
        "        for first, second in zip(prefix, prefix[1:]):\n"
        "            if first == prefix[-1]:\n"
        "                log_p[row, second] = -torch.inf\n"
        "    for row, prefix in enumerate(tokens.tolist()):\n"
        "        for first, second in zip(prefix, prefix[1:]):\n"
        "            if second == prefix[-1]:\n"
        "                log_p[row, first] = -torch.inf\n"
        "    return log_p",
        # fails for one token
        "def block_bigrams(tokens, log_p):\n"
        "    log_p = log_p.clone()\n"
        "    for row, prefix in enumerate(tokens.tolist()):\n"
        "        before = prefix[-2]\n"
        "        for first, second in zip(prefix, prefix[1:]):\n"
        "            if first == prefix[-1] and (first, second) != (before, None):\n"
        "                log_p[row, second] = -torch.inf\n"
        "    return log_p",
        # five columns only
        "def block_bigrams(tokens, log_p):\n"
        "    log_p = log_p.clone()\n"
        "    for row in range(len(tokens)):\n"
        "        prefix = tokens[row, :5].tolist()\n"
        "        for first, second in zip(prefix, prefix[1:]):\n"
        "            if first == prefix[-1]:\n"
        "                log_p[row, second] = -torch.inf\n"
        "    return log_p",
        # blocks token 0 where nothing is blocked
        "def block_bigrams(tokens, log_p):\n"
        "    out = log_p.clone()\n"
        "    hit = tokens[:, :-1] == tokens[:, -1:]\n"
        "    return out.scatter(1, torch.where(hit, tokens[:, 1:], 0), -torch.inf)",
        # a copy only where something is blocked
        "def block_bigrams(tokens, log_p):\n"
        "    out = log_p\n"
        "    for i in range(len(tokens)):\n"
        "        for j in range(tokens.shape[1] - 1):\n"
        "            if tokens[i, j] == tokens[i, -1]:\n"
        "                out = out.clone(); out[i, tokens[i, j + 1]] = -torch.inf\n"
        "    return out",
        # double precision
        "def block_bigrams(tokens, log_p):\n"
        "    out = log_p.clone().double()\n"
        "    for i in range(len(tokens)):\n"
        "        for j in range(tokens.shape[1] - 1):\n"
        "            if tokens[i, j] == tokens[i, -1]: out[i, tokens[i, j + 1]] = -torch.inf\n"
        "    return out",
    ],
}
