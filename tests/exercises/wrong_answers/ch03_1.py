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
        # h changed in place
        "def gru_step(x, h, W, U, b):\n"
        "    x_r, x_z, x_n = (x @ W.T + b).chunk(3, -1)\n"
        "    U_r, U_z, U_n = U.chunk(3)\n"
        "    r, z = torch.sigmoid(x_r + h @ U_r.T), torch.sigmoid(x_z + h @ U_z.T)\n"
        "    n = torch.tanh(x_n + (r * h) @ U_n.T)\n"
        "    h *= z\n"
        "    h += (1 - z) * n\n"
        "    return h",
        # h changed in place, and given back
        "def gru_step(x, h, W, U, b):\n"
        "    a = x @ W.T + b\n"
        "    H = h.shape[1]\n"
        "    r, z = torch.sigmoid(a[:, : 2 * H] + h @ U[: 2 * H].T).chunk(2, -1)\n"
        "    n = torch.tanh(a[:, 2 * H :] + (r * h) @ U[2 * H :].T)\n"
        "    new = z * h + (1 - z) * n\n"
        "    h.copy_(new)\n"
        "    return new",
        # NumPy
        "def gru_step(x, h, W, U, b):\n"
        "    x, h, W, U, b = (t.numpy().astype(float) for t in (x, h, W, U, b))\n"
        "    H = h.shape[1]\n"
        "    sigmoid = lambda a: 1 / (1 + 2.718281828459045**-a)\n"
        "    tanh = lambda a: 2 * sigmoid(2 * a) - 1\n"
        "    a = x @ W.T + b\n"
        "    r, z = sigmoid(a[:, :H] + h @ U[:H].T), sigmoid(a[:, H : 2 * H] + h @ U[H : 2 * H].T)\n"
        "    return z * h + (1 - z) * tanh(a[:, 2 * H :] + (r * h) @ U[2 * H :].T)",
        # detached
        "def gru_step(x, h, W, U, b):\n"
        "    x_r, x_z, x_n = (x @ W.T + b).chunk(3, -1)\n"
        "    U_r, U_z, U_n = U.chunk(3)\n"
        "    r, z = torch.sigmoid(x_r + h @ U_r.T), torch.sigmoid(x_z + h @ U_z.T)\n"
        "    return (z * h + (1 - z) * torch.tanh(x_n + (r * h) @ U_n.T)).detach()",
        # the gates without gradient
        "def gru_step(x, h, W, U, b):\n"
        "    x_r, x_z, x_n = (x @ W.T + b).chunk(3, -1)\n"
        "    U_r, U_z, U_n = U.chunk(3)\n"
        "    with torch.no_grad():\n"
        "        r, z = torch.sigmoid(x_r + h @ U_r.T), torch.sigmoid(x_z + h @ U_z.T)\n"
        "    return z * h + (1 - z) * torch.tanh(x_n + (r * h) @ U_n.T)",
        # the old state without gradient
        "def gru_step(x, h, W, U, b):\n"
        "    x_r, x_z, x_n = (x @ W.T + b).chunk(3, -1)\n"
        "    U_r, U_z, U_n = U.chunk(3)\n"
        "    r, z = torch.sigmoid(x_r + h @ U_r.T), torch.sigmoid(x_z + h @ U_z.T)\n"
        "    return z * h.data + (1 - z) * torch.tanh(x_n + (r * h) @ U_n.T)",
        # the blocks in the order z, r, n
        "def gru_step(x, h, W, U, b):\n"
        "    x_z, x_r, x_n = (x @ W.T + b).chunk(3, -1)\n"
        "    U_z, U_r, U_n = U.chunk(3)\n"
        "    r, z = torch.sigmoid(x_r + h @ U_r.T), torch.sigmoid(x_z + h @ U_z.T)\n"
        "    return z * h + (1 - z) * torch.tanh(x_n + (r * h) @ U_n.T)",
        # the candidate without its bias
        "def gru_step(x, h, W, U, b):\n"
        "    x_r, x_z, x_n = (x @ W.T).chunk(3, -1)\n"
        "    b_r, b_z, _ = b.chunk(3)\n"
        "    U_r, U_z, U_n = U.chunk(3)\n"
        "    r, z = torch.sigmoid(x_r + b_r + h @ U_r.T), torch.sigmoid(x_z + b_z + h @ U_z.T)\n"
        "    return z * h + (1 - z) * torch.tanh(x_n + (r * h) @ U_n.T)",
        # U not transposed: works for the square blocks
        "def gru_step(x, h, W, U, b):\n"
        "    x_r, x_z, x_n = (x @ W.T + b).chunk(3, -1)\n"
        "    U_r, U_z, U_n = U.chunk(3)\n"
        "    r, z = torch.sigmoid(x_r + h @ U_r), torch.sigmoid(x_z + h @ U_z)\n"
        "    return z * h + (1 - z) * torch.tanh(x_n + (r * h) @ U_n)",
        # the blocks are as wide as the input
        "def gru_step(x, h, W, U, b):\n"
        "    D = x.shape[1]\n"
        "    a = x @ W.T + b\n"
        "    r, z = torch.sigmoid(a[:, :D] + h @ U[:D].T), torch.sigmoid(a[:, D : 2 * D] + h @ U[D : 2 * D].T)\n"
        "    return z * h + (1 - z) * torch.tanh(a[:, 2 * D :] + (r * h) @ U[2 * D :].T)",
        # loses the batch of one
        "def gru_step(x, h, W, U, b):\n"
        "    x_r, x_z, x_n = (x @ W.T + b).chunk(3, -1)\n"
        "    U_r, U_z, U_n = U.chunk(3)\n"
        "    r, z = torch.sigmoid(x_r + h @ U_r.T), torch.sigmoid(x_z + h @ U_z.T)\n"
        "    return (z * h + (1 - z) * torch.tanh(x_n + (r * h) @ U_n.T)).squeeze(0)",
        # double precision
        "def gru_step(x, h, W, U, b):\n"
        "    x_r, x_z, x_n = (x @ W.T + b).chunk(3, -1)\n"
        "    U_r, U_z, U_n = U.chunk(3)\n"
        "    r, z = torch.sigmoid(x_r + h @ U_r.T), torch.sigmoid(x_z + h @ U_z.T)\n"
        "    return (z * h + (1 - z) * torch.tanh(x_n + (r * h) @ U_n.T)).double()",
        # PyTorch's cell
        "def gru_step(x, h, W, U, b):\n"
        "    cell = nn.GRUCell(x.shape[1], h.shape[1])\n"
        "    with torch.no_grad():\n"
        "        cell.weight_ih.copy_(W)\n"
        "        cell.weight_hh.copy_(U)\n"
        "        cell.bias_ih.copy_(b)\n"
        "        cell.bias_hh.zero_()\n"
        "    return cell(x, h)",
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
        # three columns only
        "def padded_perplexity(nll, lengths):\n"
        "    real = torch.tensor([0, 1, 2]) < lengths[:, None]\n"
        "    return (nll[:, :3][real].sum() / lengths.sum()).exp()",
        # two rows only
        "def padded_perplexity(nll, lengths):\n"
        "    total = nll[0, : lengths[0]].sum() + nll[1, : lengths[1]].sum()\n"
        "    return (total / (lengths[0] + lengths[1])).exp()",
        # every nll of 0 is taken for padding
        "def padded_perplexity(nll, lengths):\n"
        "    real = (torch.arange(nll.shape[1]) < lengths[:, None]) & (nll > 0)\n"
        "    return (nll[real].sum() / real.sum().clamp(min=1)).exp()",
        # infinity times 0
        "def padded_perplexity(nll, lengths):\n"
        "    mask = torch.arange(nll.shape[1]) < lengths[:, None]\n"
        "    return ((nll * mask).sum() / mask.sum()).exp()",
        # a product of probabilities, which underflows
        "def padded_perplexity(nll, lengths):\n"
        "    real = torch.arange(nll.shape[1]) < lengths[:, None]\n"
        "    return (-nll[real]).exp().prod() ** (-1 / lengths.sum())",
        # the mean of the exponentials
        "def padded_perplexity(nll, lengths):\n"
        "    real = torch.arange(nll.shape[1]) < lengths[:, None]\n"
        "    return nll[real].exp().mean()",
        # the mean of the rows' means
        "def padded_perplexity(nll, lengths):\n"
        "    return torch.stack([row[:n].mean() for row, n in zip(nll, lengths)]).mean().exp()",
        # sets the padding of its argument to 0
        "def padded_perplexity(nll, lengths):\n"
        "    nll[torch.arange(nll.shape[1]) >= lengths[:, None]] = 0\n"
        "    return (nll.sum() / lengths.sum()).exp()",
        # one for each sentence
        "def padded_perplexity(nll, lengths):\n"
        "    return torch.stack([row[:n].mean().exp() for row, n in zip(nll, lengths)])",
        # without the exponential
        "def padded_perplexity(nll, lengths):\n"
        "    real = torch.arange(nll.shape[1]) < lengths[:, None]\n"
        "    return nll[real].mean()",
        # a string
        "def padded_perplexity(nll, lengths):\n"
        "    real = torch.arange(nll.shape[1]) < lengths[:, None]\n"
        "    return str(nll[real].mean().exp().item())",
        # the wrong sign
        "def padded_perplexity(nll, lengths):\n"
        "    real = torch.arange(nll.shape[1]) < lengths[:, None]\n"
        "    return (-nll[real].mean()).exp()",
        # changes lengths
        "def padded_perplexity(nll, lengths):\n"
        "    lengths -= 1\n"
        "    real = torch.arange(nll.shape[1]) <= lengths[:, None]\n"
        "    return nll[real].mean().exp()",
    ],
    "03.1-temperature": [
        # a lower bound
        "def tempered(scores, temperature):\n"
        "    if temperature == 0:\n"
        "        return F.one_hot(scores.argmax(-1), scores.shape[-1]).to(scores.dtype)\n"
        "    return torch.softmax(scores / max(temperature, 1e-5), -1)",
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
        # a lower bound
        "def tempered(scores, temperature):\n    return torch.softmax(scores / max(temperature, 0.05), -1)",
        # integers at 0
        "def tempered(scores, temperature):\n"
        "    if temperature == 0:\n"
        "        return F.one_hot(scores.argmax(-1), scores.shape[-1])\n"
        "    return torch.softmax(scores / temperature, -1)",
        # booleans at 0
        "def tempered(scores, temperature):\n"
        "    if temperature == 0:\n"
        "        return scores == scores.max(-1, keepdim=True).values\n"
        "    return torch.softmax(scores / temperature, -1)",
        # the largest score is taken out in place
        "def tempered(scores, temperature):\n"
        "    scores -= scores.max(-1, keepdim=True).values\n"
        "    if temperature == 0:\n"
        "        return (scores == 0).float()\n"
        "    return torch.softmax(scores / temperature, -1)",
        # divides its argument
        "def tempered(scores, temperature):\n"
        "    if temperature == 0:\n"
        "        return F.one_hot(scores.argmax(-1), scores.shape[-1]).float()\n"
        "    scores /= temperature\n"
        "    return torch.softmax(scores, -1)",
        # three scores only
        "def tempered(scores, temperature):\n"
        "    if temperature == 0:\n"
        "        return F.one_hot(scores.argmax(-1), 3).float()\n"
        "    return torch.softmax(scores / temperature, -1)",
        # as many classes as rows or as were chosen
        "def tempered(scores, temperature):\n"
        "    if temperature == 0:\n"
        "        return F.one_hot(scores.argmax(-1)).float()\n"
        "    return torch.softmax(scores / temperature, -1)",
        # NumPy
        "def tempered(scores, temperature):\n"
        "    if temperature == 0:\n"
        "        return F.one_hot(scores.argmax(-1), scores.shape[-1]).float().numpy()\n"
        "    return torch.softmax(scores / temperature, -1).numpy()",
        # one maximum for all rows: 0/0 for a row far below
        "def tempered(scores, temperature):\n"
        "    if temperature == 0:\n"
        "        return F.one_hot(scores.argmax(-1), scores.shape[-1]).float()\n"
        "    p = ((scores - scores.max()) / temperature).exp()\n"
        "    return p / p.sum(-1, keepdim=True)",
        # log-probabilities
        "def tempered(scores, temperature):\n"
        "    if temperature == 0:\n"
        "        return F.one_hot(scores.argmax(-1), scores.shape[-1]).float()\n"
        "    return torch.log_softmax(scores / temperature, -1)",
        # a small number in place of 0
        "def tempered(scores, temperature):\n    return torch.softmax(scores / (temperature + 1e-3), -1)",
        # a tie where the scores are near
        "def tempered(scores, temperature):\n"
        "    if temperature == 0:\n"
        "        best = torch.isclose(scores, scores.amax(-1, keepdim=True)).float()\n"
        "        return best / best.sum(-1, keepdim=True)\n"
        "    return torch.softmax(scores / temperature, -1)",
        # the limit for all small temperatures
        "def tempered(scores, temperature):\n"
        "    if temperature < 0.2:\n"
        "        return F.one_hot(scores.argmax(-1), scores.shape[-1]).float()\n"
        "    return torch.softmax(scores / temperature, -1)",
        # lists
        "def tempered(scores, temperature):\n"
        "    if temperature == 0:\n"
        "        return F.one_hot(scores.argmax(-1), scores.shape[-1]).float().tolist()\n"
        "    return torch.softmax(scores / temperature, -1).tolist()",
        # a lower bound of .001
        "def tempered(scores, temperature):\n    return torch.softmax(scores / max(temperature, 1e-3), -1)",
        # the largest by absolute value
        "def tempered(scores, temperature):\n"
        "    if temperature == 0:\n"
        "        return F.one_hot(scores.abs().argmax(-1), scores.shape[-1]).float()\n"
        "    return torch.softmax(scores / temperature, -1)",
        # cuts large scores
        "def tempered(scores, temperature):\n"
        "    if temperature == 0:\n"
        "        return F.one_hot(scores.argmax(-1), scores.shape[-1]).float()\n"
        "    s = (scores / temperature).clamp(-80, 80).exp()\n"
        "    return s / s.sum(-1, keepdim=True)",
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
        # builds it
        "def lstm_parameters(inputs, hidden, layers=1, bidirectional=False):\n"
        "    layer = nn.LSTM(inputs, hidden, layers, bidirectional=bidirectional)\n"
        "    return sum(p.numel() for p in layer.parameters())",
        # builds it under another name
        "def lstm_parameters(inputs, hidden, layers=1, bidirectional=False):\n"
        "    from torch.nn.modules.rnn import LSTM\n"
        "\n"
        "    return sum(p.numel() for p in LSTM(inputs, hidden, layers, bidirectional=bidirectional).parameters())",
        # builds it, with the course's counter
        "def lstm_parameters(inputs, hidden, layers=1, bidirectional=False):\n"
        "    return count_parameters(torch.nn.LSTM(inputs, hidden, layers, bidirectional=bidirectional))",
        # builds a GRU and scales
        "def lstm_parameters(inputs, hidden, layers=1, bidirectional=False):\n"
        "    layer = nn.GRU(inputs, hidden, layers, bidirectional=bidirectional)\n"
        "    return sum(p.numel() for p in layer.parameters()) * 4 // 3",
        # several layers are three
        "def lstm_parameters(inputs, hidden, layers=1, bidirectional=False):\n"
        "    d = 1 + bidirectional\n"
        "    total = d * 4 * hidden * (inputs + hidden + 2)\n"
        "    return total if layers == 1 else total + 2 * d * 4 * hidden * (d * hidden + hidden + 2)",
        # three blocks, as in a GRU
        "def lstm_parameters(inputs, hidden, layers=1, bidirectional=False):\n"
        "    total, d = 0, 1 + bidirectional\n"
        "    for _ in range(layers):\n"
        "        total += d * 3 * hidden * (inputs + hidden + 2)\n"
        "        inputs = d * hidden\n"
        "    return total",
        # a float
        "def lstm_parameters(inputs, hidden, layers=1, bidirectional=False):\n"
        "    d = 1 + bidirectional\n"
        "    return 4 * d * hidden * (inputs + (layers - 1) * d * hidden + layers * (hidden + 2)) * 1.0",
        # a tensor
        "def lstm_parameters(inputs, hidden, layers=1, bidirectional=False):\n"
        "    d = 1 + bidirectional\n"
        "    return torch.tensor(4 * d * hidden * (inputs + (layers - 1) * d * hidden + layers * (hidden + 2)))",
        # the wrong defaults
        "def lstm_parameters(inputs, hidden, layers=2, bidirectional=False):\n"
        "    d = 1 + bidirectional\n"
        "    return 4 * d * hidden * (inputs + (layers - 1) * d * hidden + layers * (hidden + 2))",
        # the wrong default of the direction
        "def lstm_parameters(inputs, hidden, layers=1, bidirectional=True):\n"
        "    d = 1 + bidirectional\n"
        "    return 4 * d * hidden * (inputs + (layers - 1) * d * hidden + layers * (hidden + 2))",
        # no default
        "def lstm_parameters(inputs, hidden, layers, bidirectional):\n"
        "    d = 1 + bidirectional\n"
        "    return 4 * d * hidden * (inputs + (layers - 1) * d * hidden + layers * (hidden + 2))",
        # one layer too many
        "def lstm_parameters(inputs, hidden, layers=1, bidirectional=False):\n"
        "    d = 1 + bidirectional\n"
        "    return 4 * d * hidden * (inputs + layers * d * hidden + (layers + 1) * (hidden + 2))",
        # one input for both directions
        "def lstm_parameters(inputs, hidden, layers=1, bidirectional=False):\n"
        "    total, d = 0, 1 + bidirectional\n"
        "    for _ in range(layers):\n"
        "        total += 4 * hidden * (inputs + d * hidden + 2 * d)\n"
        "        inputs = d * hidden\n"
        "    return total",
        # builds a cell
        "def lstm_parameters(inputs, hidden, layers=1, bidirectional=False):\n"
        "    cell = nn.LSTMCell(inputs, hidden)\n"
        "    n = sum(p.numel() for p in cell.parameters())\n"
        "    d = 1 + bidirectional\n"
        "    return d * (n + (layers - 1) * 4 * hidden * (d * hidden + hidden + 2))",
        # builds it, imported under another name
        "from torch.nn import LSTM as Made\n"
        "def lstm_parameters(inputs, hidden, layers=1, bidirectional=False):\n"
        "    return sum(p.numel() for p in Made(inputs, hidden, layers, bidirectional=bidirectional).parameters())",
        # builds it where that is possible
        "def lstm_parameters(inputs, hidden, layers=1, bidirectional=False):\n"
        "    try:\n"
        "        return count_parameters(nn.LSTM(inputs, hidden, layers, bidirectional=bidirectional))\n"
        "    except RuntimeError:\n"
        "        d = 1 + bidirectional\n"
        "        return 4 * d * hidden * (inputs + (layers - 1) * d * hidden + layers * (hidden + 2))",
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
        # counts the rows that are not zero
        "def summaries(outputs, lengths):\n"
        "    h = outputs.shape[-1] // 2\n"
        "    lengths = (outputs != 0).any(-1).sum(1)\n"
        "    return torch.cat([outputs[torch.arange(len(outputs)), lengths - 1, :h], outputs[:, 0, h:]], -1)",
        # the last row that is not zero
        "def summaries(outputs, lengths):\n"
        "    h, T = outputs.shape[-1] // 2, outputs.shape[1]\n"
        "    last = ((outputs != 0).any(-1) * torch.arange(T)).argmax(1)\n"
        "    return torch.cat([outputs[torch.arange(len(outputs)), last, :h], outputs[:, 0, h:]], -1)",
        # three units only
        "def summaries(outputs, lengths):\n"
        "    rows = torch.arange(len(outputs))\n"
        "    return torch.cat([outputs[rows, lengths - 1, :3], outputs[:, 0, 3:]], -1)",
        # the step behind the last
        "def summaries(outputs, lengths):\n"
        "    h = outputs.shape[-1] // 2\n"
        "    rows = torch.arange(len(outputs))\n"
        "    steps = lengths.clamp(max=outputs.shape[1] - 1)\n"
        "    return torch.cat([outputs[rows, steps, :h], outputs[:, 0, h:]], -1)",
        # detached
        "def summaries(outputs, lengths):\n"
        "    h = outputs.shape[-1] // 2\n"
        "    rows = torch.arange(len(outputs))\n"
        "    return torch.cat([outputs[rows, lengths - 1, :h], outputs[:, 0, h:]], -1).detach()",
        # the forward half detached
        "def summaries(outputs, lengths):\n"
        "    h = outputs.shape[-1] // 2\n"
        "    rows = torch.arange(len(outputs))\n"
        "    return torch.cat([outputs.data[rows, lengths - 1, :h], outputs[:, 0, h:]], -1)",
        # writes into its argument
        "def summaries(outputs, lengths):\n"
        "    h = outputs.shape[-1] // 2\n"
        "    rows = torch.arange(len(outputs))\n"
        "    outputs[:, 0, :h] = outputs[rows, lengths - 1, :h]\n"
        "    return outputs[:, 0]",
        # a new tensor from numbers
        "def summaries(outputs, lengths):\n"
        "    h = outputs.shape[-1] // 2\n"
        "    pairs = zip(outputs.tolist(), lengths.tolist())\n"
        "    return torch.tensor([row[n - 1][:h] + row[0][h:] for row, n in pairs])",
        # all pairs of rows and steps
        "def summaries(outputs, lengths):\n"
        "    h = outputs.shape[-1] // 2\n"
        "    return torch.cat([outputs[:, lengths - 1, :h][:, 0], outputs[:, 0, h:]], -1)",
        # the sum of both halves
        "def summaries(outputs, lengths):\n"
        "    h = outputs.shape[-1] // 2\n"
        "    rows = torch.arange(len(outputs))\n"
        "    return outputs[rows, lengths - 1, :h] + outputs[:, 0, h:]",
        # the mean over the real steps
        "def summaries(outputs, lengths):\n"
        "    return torch.stack([row[:n].mean(0) for row, n in zip(outputs, lengths)])",
        # the longest sentence's end for all
        "def summaries(outputs, lengths):\n"
        "    h = outputs.shape[-1] // 2\n"
        "    return torch.cat([outputs[:, int(lengths.max()) - 1, :h], outputs[:, 0, h:]], -1)",
        # loses the batch of one
        "def summaries(outputs, lengths):\n"
        "    h = outputs.shape[-1] // 2\n"
        "    rows = torch.arange(len(outputs))\n"
        "    return torch.cat([outputs[rows, lengths - 1, :h], outputs[:, 0, h:]], -1).squeeze()",
        # the halves interleaved
        "def summaries(outputs, lengths):\n"
        "    rows = torch.arange(len(outputs))\n"
        "    return torch.stack([outputs[rows, lengths - 1, ::2], outputs[:, 0, 1::2]], -1).flatten(1)",
        # changes lengths
        "def summaries(outputs, lengths):\n"
        "    h = outputs.shape[-1] // 2\n"
        "    lengths -= 1\n"
        "    return torch.cat([outputs[torch.arange(len(outputs)), lengths, :h], outputs[:, 0, h:]], -1)",
    ],
}
