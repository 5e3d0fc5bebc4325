"""Plausible wrong answers to the exercises of notebook 3.1; each must be found out."""

_GRU = (
    "def gru_step(x, h, W, U, b):\n"
    "    x_r, x_z, x_n = (x @ W.T + b).chunk(3, -1)\n"
    "    U_r, U_z, U_n = U.chunk(3)\n"
    "    r, z = torch.sigmoid(x_r + h @ U_r.T), torch.sigmoid(x_z + h @ U_z.T)\n"
)

WRONG: dict[str, list[str]] = {
    "03.1-gru": [
        _GRU + "    return z * h + (1 - z) * torch.tanh(x_n + r * (h @ U_n.T))",  # PyTorch's placement
        _GRU + "    return (1 - z) * h + z * torch.tanh(x_n + (r * h) @ U_n.T)",
        _GRU + "    return z * h + (1 - z) * (x_n + (r * h) @ U_n.T)",
        _GRU + "    return r * h + (1 - r) * torch.tanh(x_n + (z * h) @ U_n.T)",
    ],
    "03.1-perplexity": [
        "def padded_perplexity(nll, lengths):\n    return nll.mean().exp()",
        "def padded_perplexity(nll, lengths):\n"
        "    real = torch.arange(nll.shape[1]) < lengths[:, None]\n"
        "    return ((nll * real).sum(1) / lengths).exp().mean()",
        "def padded_perplexity(nll, lengths):\n"
        "    real = torch.arange(nll.shape[1]) < lengths[:, None]\n"
        "    return (nll * real).mean().exp()",
        "def padded_perplexity(nll, lengths):\n"
        "    real = torch.arange(nll.shape[1]) <= lengths[:, None]\n"
        "    return (nll[real].sum() / lengths.sum()).exp()",
        "def padded_perplexity(nll, lengths):\n"
        "    real = torch.arange(nll.shape[1]) < lengths[:, None]\n"
        "    return 2 ** (nll[real].sum() / lengths.sum())",
    ],
    "03.1-temperature": [
        "def tempered(scores, temperature):\n    return torch.softmax(scores / temperature, -1)",
        "def tempered(scores, temperature):\n"
        "    if temperature == 0:\n"
        "        return F.one_hot(scores.argmax(-1), scores.shape[-1]).float()\n"
        "    return torch.softmax(scores * temperature, -1)",
        "def tempered(scores, temperature):\n"
        "    if temperature == 0:\n"
        "        return F.one_hot(scores.argmax(-1), scores.shape[-1]).float()\n"
        "    p = torch.exp(scores / temperature)\n"
        "    return p / p.sum(-1, keepdim=True)",
        "def tempered(scores, temperature):\n"
        "    if temperature == 0:\n"
        "        return scores.argmax(-1)\n"
        "    return torch.softmax(scores / temperature, -1)",
        "def tempered(scores, temperature):\n    return torch.softmax(scores / max(temperature, 1e-9), 0)",
        # one argmax for all rows
        "def tempered(scores, temperature):\n"
        "    if temperature == 0:\n"
        "        return (scores == scores.max()).float()\n"
        "    return torch.softmax(scores / temperature, -1)",
    ],
    "03.1-params": [
        "def lstm_parameters(inputs, hidden, layers=1, bidirectional=False):\n"
        "    return layers * (1 + bidirectional) * 4 * (hidden * inputs + hidden * hidden + 2 * hidden)",
        "def lstm_parameters(inputs, hidden, layers=1, bidirectional=False):\n"
        "    total = 0\n"
        "    for _ in range(layers):\n"
        "        total += (1 + bidirectional) * 4 * (hidden * inputs + hidden * hidden + 2 * hidden)\n"
        "        inputs = hidden\n"
        "    return total",
        "def lstm_parameters(inputs, hidden, layers=1, bidirectional=False):\n"
        "    total = 0\n"
        "    for _ in range(layers):\n"
        "        total += (1 + bidirectional) * 4 * (hidden * inputs + hidden * hidden + hidden)\n"
        "        inputs = (1 + bidirectional) * hidden\n"
        "    return total",
    ],
    "03.1-last": [
        "def summaries(outputs, lengths):\n    return outputs[:, -1]",
        "def summaries(outputs, lengths):\n    return outputs[torch.arange(len(outputs)), lengths - 1]",
        "def summaries(outputs, lengths):\n"
        "    h = outputs.shape[-1] // 2\n"
        "    return torch.cat([outputs[:, -1, :h], outputs[:, 0, h:]], -1)",
        "def summaries(outputs, lengths):\n"
        "    h = outputs.shape[-1] // 2\n"
        "    rows = torch.arange(len(outputs))\n"
        "    return torch.cat([outputs[:, 0, h:], outputs[rows, lengths - 1, :h]], -1)",
    ],
}
