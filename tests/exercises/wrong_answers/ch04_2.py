"""Plausible wrong answers to the exercises of notebook 4.2; each must fail with a hint."""

RIGHT_ROTATION = "[a * angles.cos() - b * angles.sin(), a * angles.sin() + b * angles.cos()]"

WRONG = {
    "04.2-by-hand": [
        # no mask
        "outputs = [(4.0, 4.0), (4.8, 6.4), (7, 6)]",
        # not divided by 2: 1 and 9, then 4, 1 and 25
        "outputs = [(8, 0), (0.8, 7.2), (7.7333, 6.9333)]",
        # divided by 4
        "outputs = [(8, 0), (2.9282, 5.0718), (6.182, 5.4)]",
        # the scores as weights
        "outputs = [(8, 0), (0, 8.788), (18.42, 12.876)]",
        # not divided by the sum
        "outputs = [(8, 0), (8, 24), (56, 48)]",
        # the largest only
        "outputs = [(8, 0), (0, 8), (8, 8)]",
        # token 3 does not see itself
        "outputs = [(8, 0), (2, 6), (5.3333, 2.6667)]",
        # rows and columns exchanged
        "outputs = [(8, 2, 7), (0, 6, 6)]",
        # the last only
        "outputs = (7, 6)",
    ],
    "04.2-split": [
        "def split_three(x, heads):\n"
        "    B, T, wide = x.shape\n"
        "    return tuple(part.reshape(B, heads, T, wide // 3 // heads) for part in x.chunk(3, -1))",
        "def split_three(x, heads):\n"
        "    B, T, _ = x.shape\n"
        "    return tuple(x.view(B, T, heads, 3, -1).permute(3, 0, 2, 1, 4))",
        "def split_three(x, heads):\n"
        "    B, T, wide = x.shape\n"
        "    return tuple(part.reshape(B, T, heads, wide // 3 // heads) for part in x.chunk(3, -1))",
        "def split_three(x, heads):\n"
        "    B, T, _ = x.shape\n"
        "    return tuple(x.view(B, T, -1, heads, 3).permute(4, 0, 3, 1, 2))",
        "def split_three(x, heads):\n"
        "    B, T, wide = x.shape\n"
        "    parts = x.chunk(3, -1)\n"
        "    return tuple(p.reshape(B, T, wide // 3 // heads, heads).permute(0, 3, 1, 2) for p in parts)",
        # one tensor
        "def split_three(x, heads):\n"
        "    B, T, _ = x.shape\n"
        "    return x.view(B, T, 3, heads, -1).permute(2, 0, 3, 1, 4)",
        # keys and values exchanged
        "def split_three(x, heads):\n"
        "    q, v, k = x.chunk(3, -1)\n"
        "    return split(q, heads), split(k, heads), split(v, heads)",
        # loops over heads, positions, examples
        "def split_three(x, heads):\n"
        "    c = x.shape[-1] // 3 // heads\n"
        "    parts = x.chunk(3, -1)\n"
        "    return tuple(torch.stack([p[..., i * c : (i + 1) * c] for i in range(heads)], 1) for p in parts)",
        "def split_three(x, heads):\n"
        "    B, T, wide = x.shape\n"
        "    three = [x.new_empty(B, heads, T, wide // 3 // heads) for _ in range(3)]\n"
        "    for out, part in zip(three, x.chunk(3, -1)):\n"
        "        for head, numbers in enumerate(part.chunk(heads, -1)):\n"
        "            out[:, head] = numbers\n"
        "    return tuple(three)",
        "def split_three(x, heads):\n"
        "    rows = [x[:, t].unflatten(-1, (3, heads, -1)) for t in range(x.shape[1])]\n"
        "    return torch.stack(rows, 3).unbind(1)",
        "def split_three(x, heads):\n"
        "    rows = [row.unflatten(-1, (3, heads, -1)).permute(1, 2, 0, 3) for row in x]\n"
        "    return torch.stack(rows, 1).unbind(0)",
    ],
    "04.2-offset": [
        "def causal_mask(new, past):\n    return torch.ones(new, past + new, dtype=torch.bool).tril()",
        "def causal_mask(new, past):\n    return torch.ones(new, past + new, dtype=torch.bool).tril(past - 1)",
        "def causal_mask(new, past):\n    return torch.ones(new, past + new, dtype=torch.bool).triu(past + 1)",
        "def causal_mask(new, past):\n    return torch.ones(new, past + new, dtype=torch.bool)",
        "def causal_mask(new, past):\n    return torch.ones(new, past + new).tril(past)",
        "def causal_mask(new, past):\n    return torch.ones(past + new, past + new, dtype=torch.bool).tril()",
        "def causal_mask(new, past):\n    return torch.ones(new, past + new, dtype=torch.bool).tril(new)",
        # the new words see the new ones only
        "def causal_mask(new, past):\n"
        "    mask = torch.zeros(new, past + new, dtype=torch.bool)\n"
        "    mask[:, past:] = torch.ones(new, new).tril().bool()\n"
        "    return mask",
    ],
    "04.2-flops": [
        "def attention_flops(T, S, d):\n    return 2 * d * d * (T + S) + 2 * T * S * d",
        "def attention_flops(T, S, d):\n    return 8 * T * d * d + 4 * T * S * d",
        "def attention_flops(T, S, d):\n    return 4 * d * d * (T + S) + 2 * T * S * d",
        "def attention_flops(T, S, d):\n    return 4 * T * S * d",
        "def attention_flops(T, S, d):\n    return 2 * d * d * (T + 2 * S) + 4 * T * S * d",
        "def attention_flops(T, S, d):\n    return 8 * S * d * d + 4 * S * S * d",
        "def attention_flops(T, S, d):\n    return 4 * d * d * (T + S) + 4 * T * S",
        "def attention_flops(T, S, d):\n    return 4.0 * d * d * (T + S) + 4 * T * S * d",
    ],
    "04.2-rotary": [
        # the other layout
        "def rotate_halves(x, positions):\n    return rotate(x, positions)",
        # halves in, pairs out
        "def rotate_halves(x, positions):\n"
        "    d = x.shape[-1]\n"
        "    angles = positions.unsqueeze(-1) * 10000 ** (-torch.arange(0, d, 2) / d)\n"
        "    a, b = x.chunk(2, -1)\n"
        f"    return torch.stack({RIGHT_ROTATION}, -1).flatten(-2)",
        # the other way round
        "def rotate_halves(x, positions):\n"
        "    d = x.shape[-1]\n"
        "    angles = -positions.unsqueeze(-1) * 10000 ** (-torch.arange(0, d, 2) / d)\n"
        "    a, b = x.chunk(2, -1)\n"
        f"    return torch.cat({RIGHT_ROTATION}, -1)",
        # speeds from 1 to 1/100
        "def rotate_halves(x, positions):\n"
        "    d = x.shape[-1]\n"
        "    angles = positions.unsqueeze(-1) * 10000 ** (-torch.arange(d // 2) / d)\n"
        "    a, b = x.chunk(2, -1)\n"
        f"    return torch.cat({RIGHT_ROTATION}, -1)",
        # rows counted from 0
        "def rotate_halves(x, positions):\n"
        "    d = x.shape[-1]\n"
        "    angles = torch.arange(x.shape[-2]).unsqueeze(-1) * 10000 ** (-torch.arange(0, d, 2) / d)\n"
        "    a, b = x.chunk(2, -1)\n"
        f"    return torch.cat({RIGHT_ROTATION}, -1)",
        # a reflection
        "def rotate_halves(x, positions):\n"
        "    d = x.shape[-1]\n"
        "    angles = positions.unsqueeze(-1) * 10000 ** (-torch.arange(0, d, 2) / d)\n"
        "    a, b = x.chunk(2, -1)\n"
        "    return torch.cat([a * angles.cos() + b * angles.sin(), a * angles.sin() - b * angles.cos()], -1)",
        # b made from the new a
        "def rotate_halves(x, positions):\n"
        "    d = x.shape[-1]\n"
        "    angles = positions.unsqueeze(-1) * 10000 ** (-torch.arange(0, d, 2) / d)\n"
        "    a, b = x.chunk(2, -1)\n"
        "    a = a * angles.cos() - b * angles.sin()\n"
        "    b = a * angles.sin() + b * angles.cos()\n"
        "    return torch.cat([a, b], -1)",
        # detached
        "def rotate_halves(x, positions):\n"
        "    d = x.shape[-1]\n"
        "    angles = positions.unsqueeze(-1) * 10000 ** (-torch.arange(0, d, 2) / d)\n"
        "    a, b = x.detach().chunk(2, -1)\n"
        f"    return torch.cat({RIGHT_ROTATION}, -1)",
    ],
    "04.2-bug": [
        # as it was
        "def repaired(q, k, v, heads, mask=None):\n    return suspect(q, k, v, heads, mask)",
        # only the scale
        "def repaired(q, k, v, heads, mask=None):\n"
        "    B, T, d = q.shape\n"
        "    q, k, v = (part.reshape(B, heads, T, d // heads) for part in (q, k, v))\n"
        "    scores = q @ k.transpose(-1, -2) / (d // heads) ** 0.5\n"
        "    weights = scores.softmax(-1) if mask is None else masked_softmax(scores, mask)\n"
        "    return (weights @ v).reshape(B, T, d)",
        # only the cutting
        "def repaired(q, k, v, heads, mask=None):\n"
        "    B, T, d = q.shape\n"
        "    q, k, v = (split(part, heads) for part in (q, k, v))\n"
        "    scores = q @ k.transpose(-1, -2) / d**0.5\n"
        "    weights = scores.softmax(-1) if mask is None else masked_softmax(scores, mask)\n"
        "    return (weights @ v).reshape(B, T, d)",
        # not the scale
        "def repaired(q, k, v, heads, mask=None):\n"
        "    B, T, d = q.shape\n"
        "    q, k, v = (split(part, heads) for part in (q, k, v))\n"
        "    scores = q @ k.transpose(-1, -2) / d**0.5\n"
        "    return join((scores.softmax(-1) if mask is None else masked_softmax(scores, mask)) @ v)",
        # not the joining
        "def repaired(q, k, v, heads, mask=None):\n"
        "    q, k, v = (split(part, heads) for part in (q, k, v))\n"
        "    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask).reshape(1, q.shape[2], -1)",
        # the mask forgotten
        "def repaired(q, k, v, heads, mask=None):\n"
        "    return join(F.scaled_dot_product_attention(*(split(p, heads) for p in (q, k, v))))",
        # the mask upside down
        "def repaired(q, k, v, heads, mask=None):\n"
        "    mask = None if mask is None else ~mask\n"
        "    return join(F.scaled_dot_product_attention(*(split(p, heads) for p in (q, k, v)), attn_mask=mask))",
        # heads in steps
        "def repaired(q, k, v, heads, mask=None):\n"
        "    B, T, d = q.shape\n"
        "    q, k, v = (p.view(B, T, d // heads, heads).permute(0, 3, 1, 2) for p in (q, k, v))\n"
        "    return join(F.scaled_dot_product_attention(q, k, v, attn_mask=mask))",
        # always causal
        "def repaired(q, k, v, heads, mask=None):\n"
        "    return join(F.scaled_dot_product_attention(*(split(p, heads) for p in (q, k, v)), is_causal=True))",
    ],
}
