"""Plausible wrong answers to the exercises of notebook 4.3; each must fail with a hint."""

LOWER = "torch.ones(tokens.shape[1], tokens.shape[1], dtype=torch.bool).tril()"
SCORES = "q @ k.transpose(-1, -2) / k.shape[-1] ** 0.5"
CAUSAL = "torch.ones(q.shape[-2], q.shape[-2], dtype=torch.bool).tril()"

WRONG = {
    "04.3-mask": [
        # padding hidden as a query
        f"def target_mask(tokens):\n    return (tokens != 0)[:, None, :, None] & {LOWER}",
        f"def target_mask(tokens):\n    return (tokens != 0)[:, None, None] | {LOWER}",
        f"def target_mask(tokens):\n    return (tokens != 0)[:, None, None] & {LOWER}.T",
        f"def target_mask(tokens):\n    return (tokens != 0)[:, None, None] & {LOWER}.tril(-1)",
        f"def target_mask(tokens):\n    return ~((tokens != 0)[:, None, None] & {LOWER})",
        # no heads
        f"def target_mask(tokens):\n    return (tokens != 0)[:, None] & {LOWER}",
        # only the future
        f"def target_mask(tokens):\n    return {LOWER}.expand(len(tokens), 1, -1, -1)",
        # only the padding
        "def target_mask(tokens):\n    return (tokens != 0)[:, None, None].expand(-1, 1, tokens.shape[1], -1)",
        # numbers
        f"def target_mask(tokens):\n    return ((tokens != 0)[:, None, None] & {LOWER}).float()",
        # on the default device: the lower triangle, the places, the whole mask
        f"def target_mask(tokens):\n    return (tokens != 0)[:, None, None] & {LOWER}",
        "def target_mask(tokens):\n"
        "    place = torch.arange(tokens.shape[1])\n"
        "    return (tokens != 0)[:, None, None] & (place <= place[:, None])",
        "def target_mask(tokens):\n"
        "    B, T = tokens.shape\n"
        "    return torch.ones(B, 1, T, T, dtype=torch.bool).tril().logical_and_((tokens != 0)[:, None, None])",
        "def target_mask(tokens):\n"
        "    B, T = tokens.shape\n"
        "    mask = torch.zeros(B, 1, T, T, dtype=torch.bool)\n"
        "    for b, row in enumerate(tokens.tolist()):\n"
        "        for key, token in enumerate(row):\n"
        "            mask[b, 0, key:, key] = token != 0\n"
        "    return mask",
    ],
    "04.3-smoothing": [
        # the right word gets 1 - e
        "def smoothed(logits, target, smoothing):\n"
        "    V = logits.shape[1]\n"
        "    q = torch.full_like(logits, smoothing / (V - 1)).scatter(1, target.unsqueeze(1), 1 - smoothing)\n"
        "    return -(q * logits.log_softmax(-1)).sum(-1).mean()",
        # the sum of ln p
        "def smoothed(logits, target, smoothing):\n"
        "    log_p = logits.log_softmax(-1)\n"
        "    right = log_p.gather(1, target.unsqueeze(1)).squeeze(1)\n"
        "    return -((1 - smoothing) * right + smoothing * log_p.sum(-1)).mean()",
        # no smoothing
        "def smoothed(logits, target, smoothing):\n"
        "    return -logits.log_softmax(-1).gather(1, target.unsqueeze(1)).mean()",
        # the sign
        "def smoothed(logits, target, smoothing):\n"
        "    log_p = logits.log_softmax(-1)\n"
        "    right = log_p.gather(1, target.unsqueeze(1)).squeeze(1)\n"
        "    return ((1 - smoothing) * right + smoothing * log_p.mean(-1)).mean()",
        # not stable
        "def smoothed(logits, target, smoothing):\n"
        "    log_p = logits.softmax(-1).log()\n"
        "    right = log_p.gather(1, target.unsqueeze(1)).squeeze(1)\n"
        "    return -((1 - smoothing) * right + smoothing * log_p.mean(-1)).mean()",
        # the library's
        "def smoothed(logits, target, smoothing):\n"
        "    return F.cross_entropy(logits, target, label_smoothing=smoothing)",
        # summed over the examples
        "def smoothed(logits, target, smoothing):\n"
        "    log_p = logits.log_softmax(-1)\n"
        "    right = log_p.gather(1, target.unsqueeze(1)).squeeze(1)\n"
        "    return -((1 - smoothing) * right + smoothing * log_p.mean(-1)).sum()",
    ],
    "04.3-warmup": [
        "def warmup_for(peak, d):\n    return round(1 / peak**2)",
        "def warmup_for(peak, d):\n    return round(1 / (d * peak))",
        "def warmup_for(peak, d):\n    return round(1 / (d**0.5 * peak))",
        "def warmup_for(peak, d):\n    return round(d / peak**2)",
        "def warmup_for(peak, d):\n    return int(1 / (d * peak**2))",
        "def warmup_for(peak, d):\n    return 1 / (d * peak**2)",
        "def warmup_for(peak, d):\n    return 4000",
    ],
    "04.3-count": [
        # no cross-attention
        "def parameter_count(V, d, hidden, layers):\n"
        "    layer = 4 * (d * d + d) + 2 * d * hidden + hidden + d + 4 * d\n"
        "    return V * d + 2 * layers * layer",
        # an output layer
        "def parameter_count(V, d, hidden, layers):\n"
        "    return 2 * V * d + layers * (12 * (d * d + d) + 4 * d * hidden + 2 * (hidden + d) + 10 * d)",
        # three embeddings
        "def parameter_count(V, d, hidden, layers):\n"
        "    return 3 * V * d + layers * (12 * (d * d + d) + 4 * d * hidden + 2 * (hidden + d) + 10 * d)",
        # no biases
        "def parameter_count(V, d, hidden, layers):\n"
        "    return V * d + layers * (12 * d * d + 4 * d * hidden + 10 * d)",
        # no norms
        "def parameter_count(V, d, hidden, layers):\n"
        "    return V * d + layers * (12 * (d * d + d) + 4 * d * hidden + 2 * (hidden + d))",
        # one number a norm
        "def parameter_count(V, d, hidden, layers):\n"
        "    return V * d + layers * (12 * (d * d + d) + 4 * d * hidden + 2 * (hidden + d) + 5 * d)",
        # norms at the ends
        "def parameter_count(V, d, hidden, layers):\n"
        "    return V * d + layers * (12 * (d * d + d) + 4 * d * hidden + 2 * (hidden + d) + 10 * d) + 4 * d",
        # a model
        "def parameter_count(V, d, hidden, layers):\n"
        "    return count_parameters(Transformer(V, V, d, 1, hidden, layers, share=True, pre_norm=False))",
    ],
    "04.3-bug": [
        # as it was
        "def repaired(q, k, v, real):\n"
        f"    mask = {CAUSAL} | real[:, None, None]\n"
        f"    return torch.softmax({SCORES} + mask, dim=-1) @ v",
        # only the joining
        "def repaired(q, k, v, real):\n"
        f"    mask = {CAUSAL} & real[:, None, None]\n"
        f"    return torch.softmax({SCORES} + mask, dim=-1) @ v",
        # only the hiding
        "def repaired(q, k, v, real):\n"
        f"    mask = {CAUSAL} | real[:, None, None]\n"
        f"    return masked_softmax({SCORES}, mask) @ v",
        # the padding forgotten
        f"def repaired(q, k, v, real):\n    return masked_softmax({SCORES}, {CAUSAL}) @ v",
        # NaN
        "def repaired(q, k, v, real):\n"
        f"    mask = {CAUSAL} & real[:, None, None]\n"
        f"    return ({SCORES}).masked_fill(~mask, -torch.inf).softmax(-1) @ v",
        # the mean of everything
        "def repaired(q, k, v, real):\n"
        f"    mask = {CAUSAL} & real[:, None, None]\n"
        f"    return ({SCORES}).masked_fill(~mask, -1e9).softmax(-1) @ v",
        # the queries' padding
        "def repaired(q, k, v, real):\n"
        f"    mask = {CAUSAL} & real[:, None, :, None]\n"
        f"    return masked_softmax({SCORES}, mask) @ v",
        # after the softmax
        "def repaired(q, k, v, real):\n"
        f"    mask = {CAUSAL} & real[:, None, None]\n"
        f"    return (torch.softmax({SCORES}, dim=-1) * mask) @ v",
    ],
    "04.3-step": [
        # does not see itself
        "def step(layer, x, keys, values):\n"
        "    k, v = layer.keys_values(x)\n"
        "    out = layer.attend(x, keys, values)[0]\n"
        "    return out, torch.cat([keys, k], 2), torch.cat([values, v], 2)",
        # in front
        "def step(layer, x, keys, values):\n"
        "    k, v = layer.keys_values(x)\n"
        "    keys, values = torch.cat([k, keys], 2), torch.cat([v, values], 2)\n"
        "    return layer.attend(x, keys, values)[0], keys, values",
        # sees itself only
        "def step(layer, x, keys, values):\n"
        "    k, v = layer.keys_values(x)\n"
        "    return layer.attend(x, k, v)[0], torch.cat([keys, k], 2), torch.cat([values, v], 2)",
        # the old cache
        "def step(layer, x, keys, values):\n"
        "    k, v = layer.keys_values(x)\n"
        "    out = layer.attend(x, torch.cat([keys, k], 2), torch.cat([values, v], 2))[0]\n"
        "    return out, keys, values",
        # along the heads
        "def step(layer, x, keys, values):\n"
        "    k, v = layer.keys_values(x)\n"
        "    keys, values = torch.cat([keys, k], 1), torch.cat([values, v], 1)\n"
        "    return layer.attend(x, keys, values)[0], keys, values",
        # twice
        "def step(layer, x, keys, values):\n"
        "    keys = torch.cat([keys, layer.keys_values(x)[0]], 2)\n"
        "    values = torch.cat([values, layer.keys_values(x)[1]], 2)\n"
        "    return layer.attend(x, keys, values)[0], keys, values",
        # output and weights
        "def step(layer, x, keys, values):\n"
        "    k, v = layer.keys_values(x)\n"
        "    keys, values = torch.cat([keys, k], 2), torch.cat([values, v], 2)\n"
        "    return layer.attend(x, keys, values), keys, values",
        # a copy of the layer: its weights get no gradient
        "def step(layer, x, keys, values):\n"
        "    import copy\n"
        "    k, v = layer.keys_values(x)\n"
        "    keys, values = torch.cat([keys, k], 2), torch.cat([values, v], 2)\n"
        "    return copy.deepcopy(layer).attend(x, keys, values)[0], keys, values",
        # never calls keys_values
        "def step(layer, x, keys, values):\n"
        "    k, v = layer.split(layer.W_k(x)), layer.split(layer.W_v(x))\n"
        "    keys, values = torch.cat([keys, k], 2), torch.cat([values, v], 2)\n"
        "    return layer.attend(x, keys, values)[0], keys, values",
        # changes the layer's mode
        "def step(layer, x, keys, values):\n"
        "    k, v = layer.eval().keys_values(x)\n"
        "    keys, values = torch.cat([keys, k], 2), torch.cat([values, v], 2)\n"
        "    return layer.attend(x, keys, values)[0], keys, values",
    ],
}
