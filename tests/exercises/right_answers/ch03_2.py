"""Right answers to the exercises of notebook 3.2 that differ from the folded solutions; each must pass."""

RIGHT: dict[str, list[str]] = {
    "03.2-leak": [
        # a list and a counter
        "def leaking(train, test):\n"
        "    sources = [pair[0].casefold() for pair in train]\n"
        "    found = 0\n"
        "    for pair in test:\n"
        "        if pair[0].casefold() in sources:\n"
        "            found += 1\n"
        "    return found / len(test)",
        # upper case, a mean
        "def leaking(train, test):\n"
        "    known = {source.upper(): target for source, target in train}\n"
        "    return torch.tensor([source.upper() in known for source, _ in test]).float().mean().item()",
        "def leaking(train, test):\n"
        "    known = set(map(str.lower, dict(train)))\n"
        "    return math.fsum(source.lower() in known for source, _ in test) / len(test)",
        # a tensor; the text names no type
        "def leaking(train, test):\n"
        "    known = {s.lower() for s, _ in train}\n"
        "    return torch.tensor([float(s.lower() in known) for s, _ in test]).mean()",
    ],
    "03.2-shift": [
        # cat and torch.where
        "def teacher_inputs(target):\n"
        "    first = torch.full_like(target[:, :1], 2)\n"
        "    shifted = torch.cat([first, target[:, :-1]], dim=1)\n"
        "    return torch.where(shifted == 3, torch.zeros_like(shifted), shifted)",
        # roll a copy
        "def teacher_inputs(target):\n"
        "    result = target.roll(1, dims=1)\n"
        "    result[:, 0] = Vocab.BOS\n"
        "    result[result == Vocab.EOS] = Vocab.PAD\n"
        "    return result",
        # loops
        "def teacher_inputs(target):\n"
        "    rows = target.tolist()\n"
        "    return torch.tensor([[2] + [0 if token == 3 else token for token in row[:-1]] for row in rows])",
        # arithmetic
        "def teacher_inputs(target):\n"
        "    result = torch.empty_like(target)\n"
        "    result[:, 0], result[:, 1:] = 2, target[:, :-1] * (target[:, :-1] != 3)\n"
        "    return result",
    ],
    "03.2-clip": [
        # one long vector
        "def clip_gradients(gradients, bound):\n"
        "    norm = torch.cat([g.flatten() for g in gradients]).norm()\n"
        "    return [g * (bound / norm.clamp(min=bound)) for g in gradients]",
        # PyTorch's own, on copies
        "def clip_gradients(gradients, bound):\n"
        "    copies = [nn.Parameter(torch.zeros_like(g)) for g in gradients]\n"
        "    for copy, g in zip(copies, gradients):\n"
        "        copy.grad = g.clone()\n"
        "    nn.utils.clip_grad_norm_(copies, bound)\n"
        "    return [copy.grad for copy in copies]",
        # the norm of the norms
        "def clip_gradients(gradients, bound):\n"
        "    norm = torch.stack([g.norm() for g in gradients]).norm().item()\n"
        "    if norm <= bound:\n"
        "        return [g.clone() for g in gradients]\n"
        "    return [g / norm * bound for g in gradients]",
        "def clip_gradients(gradients, bound):\n"
        "    total = 0.0\n"
        "    for g in gradients:\n"
        "        for number in g.reshape(-1).tolist():\n"
        "            total += number * number\n"
        "    result = []\n"
        "    for g in gradients:\n"
        "        g = g.clone()\n"
        "        if total > bound**2:\n"
        "            g *= bound / total**0.5\n"
        "        result.append(g)\n"
        "    return result",
        # with PyTorch's small number in the denominator
        "def clip_gradients(gradients, bound):\n"
        "    norm = torch.nn.utils.get_total_norm(gradients)\n"
        "    scale = torch.clamp(bound / (norm + 1e-6), max=1.0)\n"
        "    return [g * scale for g in gradients]",
    ],
    "03.2-brevity": [
        # loops
        "def brevity(lengths, reference_lengths):\n"
        "    c = r = 0\n"
        "    for n, references in zip(lengths, reference_lengths):\n"
        "        best = references[0]\n"
        "        for m in references[1:]:\n"
        "            if abs(m - n) < abs(best - n) or (abs(m - n) == abs(best - n) and m < best):\n"
        "                best = m\n"
        "        c, r = c + n, r + best\n"
        "    return 1 if c >= r else math.exp(1 - r / c)",
        # sorted copies: min keeps the first of equals
        "def brevity(lengths, reference_lengths):\n"
        "    r = sum(min(sorted(each), key=lambda m: abs(m - n)) for n, each in zip(lengths, reference_lengths))\n"
        "    return math.exp(min(0, 1 - r / sum(lengths)))",
        # tensors
        "def brevity(lengths, reference_lengths):\n"
        "    r = 0\n"
        "    for i in range(len(lengths)):\n"
        "        m = torch.tensor(sorted(reference_lengths[i]))\n"
        "        distance = (m - lengths[i]).abs()\n"
        "        r += m[distance == distance.min()].min()\n"
        "    return torch.exp(1 - r / sum(lengths)).clamp(max=1)",
        # what sacrebleu does
        "def brevity(lengths, reference_lengths):\n"
        "    nearest = [sorted((abs(m - n), m) for m in each)[0][1] for n, each in zip(lengths, reference_lengths)]\n"
        "    return BLEU.compute_bleu([1] * 4, [1] * 4, sum(lengths), sum(nearest)).bp",
    ],
    "03.2-padding": [
        # the padding itself
        "def padding_share(lengths, batch_size):\n"
        "    order, padding, positions = sorted(lengths), 0, 0\n"
        "    while order:\n"
        "        batch, order = order[:batch_size], order[batch_size:]\n"
        "        padding += sum(batch[-1] - n for n in batch)\n"
        "        positions += batch[-1] * len(batch)\n"
        "    return padding / positions",
        # tensors
        "def padding_share(lengths, batch_size):\n"
        "    batches = torch.tensor(lengths).sort().values.split(batch_size)\n"
        "    total = sum(len(batch) * batch.max() for batch in batches)\n"
        "    return 1 - sum(lengths) / total",
        # PyTorch pads
        "def padding_share(lengths, batch_size):\n"
        "    rows = [torch.ones(n) for n in sorted(lengths)]\n"
        "    padded = [nn.utils.rnn.pad_sequence(rows[i : i + batch_size]) for i in range(0, len(rows), batch_size)]\n"
        "    flat = torch.cat([batch.flatten() for batch in padded])\n"
        "    return (flat == 0).float().mean().item()",
    ],
}
