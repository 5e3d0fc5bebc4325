"""Right answers to the exercises of notebook 4.3 that differ from the folded solutions; each must pass."""

RIGHT = {
    "04.3-mask": [
        "def target_mask(tokens):\n"
        "    place = torch.arange(tokens.shape[1], device=tokens.device)\n"
        "    later = place[None, :] > place[:, None]\n"
        "    return ~(later | (tokens == 0)[:, None, None, :])",
        "def target_mask(tokens):\n"
        "    real = (tokens != 0).float()\n"
        "    return real[:, None, None].expand(-1, 1, tokens.shape[1], -1).tril() > 0",
        # moved to the device
        "def target_mask(tokens):\n"
        "    T = tokens.shape[1]\n"
        "    lower = torch.ones(T, T).tril().bool().to(tokens.device)\n"
        "    return (tokens != 0)[:, None, None] & lower",
        # by the values of single tokens
        "def target_mask(tokens):\n"
        "    B, T = tokens.shape\n"
        "    mask = torch.ones(B, 1, T, T, dtype=torch.bool, device=tokens.device).tril()\n"
        "    for b, row in enumerate(tokens):\n"
        "        for key, token in enumerate(row):\n"
        "            if token == 0:\n"
        "                mask[b, :, :, key] = False\n"
        "    return mask",
    ],
    "04.3-smoothing": [
        "def smoothed(logits, target, smoothing):\n"
        "    N, V = logits.shape\n"
        "    q = (1 - smoothing) * F.one_hot(target, V) + smoothing / V\n"
        "    return -(q * logits.log_softmax(-1)).sum() / N",
        "def smoothed(logits, target, smoothing):\n"
        "    right = logits[torch.arange(len(target)), target]\n"
        "    return (logits.logsumexp(-1) - (1 - smoothing) * right - smoothing * logits.mean(-1)).mean()",
    ],
    "04.3-warmup": [
        "def warmup_for(peak, d):\n    return round((peak * d**0.5) ** -2)",
        "def warmup_for(peak, d):\n    exact = peak**-2 / d\n    return math.floor(exact + 0.5)",
    ],
    "04.3-count": [
        "def parameter_count(V, d, hidden, layers):\n"
        "    return V * d + layers * (12 * d * d + 12 * d + 4 * d * hidden + 2 * hidden + 2 * d + 10 * d)",
        "def parameter_count(V, d, hidden, layers):\n"
        "    linear = lambda i, o: i * o + o\n"
        "    one = sum(linear(d, d) for _ in range(4))\n"
        "    forward = linear(d, hidden) + linear(hidden, d)\n"
        "    layer = one + forward + 4 * d + 2 * one + forward + 6 * d\n"
        "    return V * d + sum(layer for _ in range(layers))",
    ],
    "04.3-bug": [
        "def repaired(q, k, v, real):\n"
        "    T = q.shape[-2]\n"
        "    mask = torch.ones(T, T).tril().bool() & real[:, None, None]\n"
        "    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)",
        "def repaired(q, k, v, real):\n"
        "    T = q.shape[-2]\n"
        "    hidden = torch.ones(T, T).triu(1).bool() | ~real[:, None, None]\n"
        "    scores = (q @ k.transpose(-1, -2) / k.shape[-1] ** 0.5).masked_fill(hidden, -1e9)\n"
        "    return scores.softmax(-1).masked_fill(hidden, 0.0) @ v",
    ],
    "04.3-step": [
        "def step(layer, x, keys, values):\n"
        "    keys, values = (torch.cat(two, 2) for two in zip((keys, values), layer.keys_values(x)))\n"
        "    output, _ = layer.attend(x, keys, values, None)\n"
        "    return output, keys, values",
        "def step(layer, x, keys, values):\n"
        "    k, v = layer.keys_values(x)\n"
        "    keys, values = torch.cat([keys, k], -2), torch.cat([values, v], -2)\n"
        "    q = layer.split(layer.W_q(x))\n"
        "    y = F.scaled_dot_product_attention(q, keys, values)\n"
        "    return layer.W_o(y.transpose(1, 2).flatten(2)), keys, values",
        "def step(layer, x, keys, values):\n"
        "    k, v = layer.keys_values(x)\n"
        "    if keys.numel():\n"
        "        k, v = torch.cat([keys, k], 2), torch.cat([values, v], 2)\n"
        "    return layer.attend(x, k, v)[0], k, v",
    ],
}
