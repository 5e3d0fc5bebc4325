"""Right answers to the exercises of notebook 4.2 that differ from the folded solutions; each must pass."""

RIGHT = {
    "04.2-by-hand": [
        "outputs = [[8.0, 0.0], [2.0, 6.0], [7.0, 6.0]]",
        "outputs = torch.tensor([[8.0, 0], [2, 6], [7, 6]])",
        "outputs = ((8, 0), (8 / 4, 8 * 3 / 4), ((2 * 8 + 5 * 8) / 8, (1 * 8 + 5 * 8) / 8))",
    ],
    "04.2-split": [
        "def split_three(x, heads):\n"
        "    q, k, v = x.chunk(3, dim=-1)\n"
        "    return split(q, heads), split(k, heads), split(v, heads)",
        "def split_three(x, heads):\n    return x.unflatten(-1, (3, heads, -1)).permute(2, 0, 3, 1, 4).unbind(0)",
        "def split_three(x, heads):\n"
        "    B, T, wide = x.shape\n"
        "    y = x.reshape(B, T, 3 * heads, wide // (3 * heads)).transpose(1, 2)\n"
        "    return y[:, :heads], y[:, heads : 2 * heads], y[:, 2 * heads :]",
        # a loop over the three
        "def split_three(x, heads):\n    return tuple(split(part, heads) for part in x.chunk(3, -1))",
        "def split_three(x, heads):\n    return tuple(map(lambda part: split(part, heads), x.chunk(3, -1)))",
        "def split_three(x, heads):\n"
        "    (B, T, wide), three = x.shape, []\n"
        "    for i in range(3):\n"
        "        part = x[..., i * wide // 3 : (i + 1) * wide // 3]\n"
        "        three.append(part.reshape(B, T, heads, -1).transpose(1, 2))\n"
        "    return tuple(three)",
    ],
    "04.2-offset": [
        "def causal_mask(new, past):\n"
        "    rows, columns = torch.arange(new), torch.arange(past + new)\n"
        "    return columns <= past + rows[:, None]",
        "def causal_mask(new, past):\n    n = past + new\n    return torch.ones(n, n, dtype=torch.bool).tril()[past:]",
        "def causal_mask(new, past):\n"
        "    seen = torch.ones(new, past, dtype=torch.bool)\n"
        "    return torch.cat([seen, ~torch.ones(new, new, dtype=torch.bool).triu(1)], 1)",
    ],
    "04.2-flops": [
        "def attention_flops(T, S, d):\n    return 4 * d * (d * (T + S) + T * S)",
        "def attention_flops(T, S, d):\n"
        "    total = 0\n"
        "    for rows in (T, S, S, T):\n"
        "        total += 2 * rows * d * d\n"
        "    return total + 2 * (2 * T * S * d)",
        "def attention_flops(T, S, d):\n"
        "    q, m = torch.empty(1, T, d, device='meta'), torch.empty(1, S, d, device='meta')\n"
        "    layer = MultiHeadAttention(d, 1).to('meta')\n"
        "    return cost.flops(lambda _: layer(q, m), 1)",
    ],
    "04.2-rotary": [
        "def rotate_halves(x, positions):\n"
        "    half = x.shape[-1] // 2\n"
        "    mixed = torch.stack([x[..., :half], x[..., half:]], -1).flatten(-2)\n"
        "    turned = rotate(mixed, positions)\n"
        "    return torch.cat([turned[..., 0::2], turned[..., 1::2]], -1)",
        "def rotate_halves(x, positions):\n"
        "    half = x.shape[-1] // 2\n"
        "    angles = positions[:, None] / 10000 ** (torch.arange(half) / half)\n"
        "    z = torch.complex(x[..., :half], x[..., half:]) * torch.polar(torch.ones_like(angles), angles)\n"
        "    return torch.cat([z.real, z.imag], -1)",
        "def rotate_halves(x, positions):\n"
        "    half = x.shape[-1] // 2\n"
        "    angles = (positions[:, None] / 10000 ** (torch.arange(half) / half)).repeat(1, 2)\n"
        "    crossed = torch.cat([-x[..., half:], x[..., :half]], -1)\n"
        "    return x * angles.cos() + crossed * angles.sin()",
    ],
    "04.2-bug": [
        "def repaired(q, k, v, heads, mask=None):\n"
        "    return join(F.scaled_dot_product_attention(*(split(p, heads) for p in (q, k, v)), attn_mask=mask))",
        "def repaired(q, k, v, heads, mask=None):\n"
        "    outputs = []\n"
        "    for parts in zip(*(p.chunk(heads, -1) for p in (q, k, v))):\n"
        "        outputs.append(F.scaled_dot_product_attention(*parts, attn_mask=mask))\n"
        "    return torch.cat(outputs, -1)",
        "def repaired(q, k, v, heads, mask=None):\n"
        "    B, T, d = q.shape\n"
        "    q, k, v = (part.reshape(B, T, heads, d // heads) for part in (q, k, v))\n"
        "    scores = torch.einsum('bthc,bshc->bhts', q, k) / (d // heads) ** 0.5\n"
        "    if mask is not None:\n"
        "        scores = scores.masked_fill(~mask, -torch.inf)\n"
        "    return torch.einsum('bhts,bshc->bthc', scores.softmax(-1), v).reshape(B, T, d)",
    ],
}
