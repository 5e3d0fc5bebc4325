"""Right answers to the exercises of notebook 3.1 that differ from the folded solutions; each must pass."""

RIGHT: dict[str, list[str]] = {
    "03.1-gru": [
        # F.linear, block by block
        "def gru_step(x, h, W, U, b):\n"
        "    H = h.shape[1]\n"
        "    gate = lambda i, h: F.linear(x, W[i * H :][:H], b[i * H :][:H]) + F.linear(h, U[i * H :][:H])\n"
        "    r, z = gate(0, h).sigmoid(), gate(1, h).sigmoid()\n"
        "    n = gate(2, r * h).tanh()\n"
        "    return n + z * (h - n)",
        # weights as (3, H, D), einsum
        "def gru_step(x, h, W, U, b):\n"
        "    H = h.shape[-1]\n"
        "    W, U, b = W.reshape(3, H, -1), U.reshape(3, H, H), b.reshape(3, 1, H)\n"
        "    a = torch.einsum('bd,khd->kbh', x, W) + b\n"
        "    r, z = (a[:2] + torch.einsum('bj,khj->kbh', h, U[:2])).sigmoid()\n"
        "    n = torch.tanh(a[2] + torch.matmul(r.mul(h), U[2].t()))\n"
        "    return torch.lerp(n, h, z)",
        # one product of both inputs
        "def gru_step(x, h, W, U, b):\n"
        "    H = len(b) // 3\n"
        "    both = torch.cat([W, U], 1)\n"
        "    gates = torch.sigmoid(torch.cat([x, h], 1) @ both[: 2 * H].T + b[: 2 * H])\n"
        "    r, z = gates[:, :H], gates[:, H:]\n"
        "    n = torch.tanh(torch.cat([x, r * h], 1) @ both[2 * H :].T + b[2 * H :])\n"
        "    return (1 - z) * n + z * h",
    ],
    "03.1-perplexity": [
        # loops and Python numbers
        "def padded_perplexity(nll, lengths):\n"
        "    total = sum(nll[i, t].item() for i in range(len(nll)) for t in range(int(lengths[i])))\n"
        "    return math.exp(total / lengths.sum().item())",
        # torch.where
        "def padded_perplexity(nll, lengths):\n"
        "    real = torch.arange(nll.size(1)).expand_as(nll) < lengths.unsqueeze(1)\n"
        "    return torch.exp(torch.where(real, nll, 0).sum() / real.sum())",
        # joined rows
        "def padded_perplexity(nll, lengths):\n"
        "    return torch.cat([row[:n] for row, n in zip(nll, lengths)]).mean().exp().item()",
        # weighted means of the rows
        "def padded_perplexity(nll, lengths):\n"
        "    means = [row[:n].mean().item() for row, n in zip(nll, lengths.tolist())]\n"
        "    share = [n / sum(lengths.tolist()) for n in lengths.tolist()]\n"
        "    return math.prod(math.exp(m) ** s for m, s in zip(means, share))",
    ],
    "03.1-temperature": [
        # the largest taken out by hand
        "def tempered(scores, temperature):\n"
        "    if not temperature:\n"
        "        return torch.zeros_like(scores).scatter(-1, scores.argmax(-1, keepdim=True), 1.0)\n"
        "    p = ((scores - scores.max(-1, keepdim=True).values) / temperature).exp()\n"
        "    return p / p.sum(-1, keepdim=True)",
        # comparison in place of argmax, log-softmax
        "def tempered(scores, temperature):\n"
        "    if temperature > 0:\n"
        "        return F.log_softmax(scores / temperature, dim=1).exp()\n"
        "    return (scores == scores.amax(1, keepdim=True)).float()",
        # row by row
        "def tempered(scores, temperature):\n"
        "    result = torch.zeros_like(scores)\n"
        "    for i, row in enumerate(scores):\n"
        "        if temperature == 0:\n"
        "            result[i, row.argmax()] = 1\n"
        "        else:\n"
        "            result[i] = F.softmax(row / temperature, dim=0)\n"
        "    return result",
        "def tempered(scores, temperature):\n"
        "    if temperature == 0:\n"
        "        return torch.eye(scores.shape[1])[scores.argmax(1)]\n"
        "    return (scores.double() / temperature).softmax(-1).float()",
        # logsumexp
        "def tempered(scores, temperature):\n"
        "    if temperature == 0:\n"
        "        p = torch.zeros_like(scores)\n"
        "        p[torch.arange(len(scores)), scores.argmax(1)] = 1\n"
        "        return p\n"
        "    s = scores / temperature\n"
        "    return (s - s.logsumexp(1, keepdim=True)).exp()",
    ],
    "03.1-params": [
        # closed formula
        "def lstm_parameters(inputs, hidden, layers=1, bidirectional=False):\n"
        "    d = 1 + bidirectional\n"
        "    return 4 * d * hidden * (inputs + (layers - 1) * d * hidden + layers * (hidden + 2))",
        # recursion
        "def lstm_parameters(inputs, hidden, layers=1, bidirectional=False):\n"
        "    if layers == 0:\n"
        "        return 0\n"
        "    d = 2 if bidirectional else 1\n"
        "    own = d * (4 * hidden * inputs + 4 * hidden * hidden + 8 * hidden)\n"
        "    return own + lstm_parameters(d * hidden, hidden, layers - 1, bidirectional)",
        # from shapes
        "def lstm_parameters(inputs, hidden, layers=1, bidirectional=False):\n"
        "    ways, rows = int(bidirectional) + 1, 4 * hidden\n"
        "    shapes = []\n"
        "    for layer in range(layers):\n"
        "        size = inputs if layer == 0 else hidden * ways\n"
        "        shapes += ways * [(rows, size), (rows, hidden), (rows,), (rows,)]\n"
        "    return sum(math.prod(shape) for shape in shapes)",
    ],
    "03.1-last": [
        # gather
        "def summaries(outputs, lengths):\n"
        "    B, T, D = outputs.shape\n"
        "    forward, backward = outputs.split(D // 2, dim=2)\n"
        "    last = (lengths - 1).view(B, 1, 1).expand(B, 1, D // 2)\n"
        "    return torch.cat([forward.gather(1, last).squeeze(1), backward[:, 0]], dim=1)",
        # row by row
        "def summaries(outputs, lengths):\n"
        "    H = outputs.size(2) // 2\n"
        "    return torch.stack([torch.cat([o[n - 1, :H], o[0, H:]]) for o, n in zip(outputs, lengths)])",
        # a mask
        "def summaries(outputs, lengths):\n"
        "    first, second = outputs.chunk(2, -1)\n"
        "    last = torch.arange(outputs.shape[1]) == lengths[:, None] - 1\n"
        "    return torch.cat([first[last], second[:, 0]], -1)",
        # filled in place
        "def summaries(outputs, lengths):\n"
        "    H = outputs.shape[2] // 2\n"
        "    result = torch.empty(len(outputs), 2 * H)\n"
        "    for i, n in enumerate(lengths.tolist()):\n"
        "        result[i, :H] = outputs[i, n - 1, :H]\n"
        "        result[i, H:] = outputs[i, 0, H:]\n"
        "    return result",
    ],
}
