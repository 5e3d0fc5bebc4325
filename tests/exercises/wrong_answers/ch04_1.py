"""Plausible wrong answers to the exercises of notebook 4.1; each must be found out."""

WRONG: dict[str, list[str]] = {
    "04.1-attend": [
        "def attend(query, keys, values):\n    return torch.softmax(keys @ query, dim=0) @ values",
        "def attend(query, keys, values):\n    return torch.softmax(keys @ query / len(query), dim=0) @ values",
        "def attend(query, keys, values):\n    return torch.softmax(keys @ query / len(keys) ** 0.5, dim=0) @ values",
        "def attend(query, keys, values):\n    return torch.softmax(keys @ query / 2**0.5, dim=0) @ values",
        "def attend(query, keys, values):\n    return values[(keys @ query).argmax()]",
        "def attend(query, keys, values):\n"
        "    weights = (keys @ query / len(query) ** 0.5).exp()\n"
        "    return weights @ values / weights.sum()",  # overflows
        "def attend(query, keys, values):\n"
        "    return (torch.softmax(keys @ query / len(query) ** 0.5, dim=0) @ values).detach()",
        "def attend(query, keys, values):\n"
        "    keys /= len(query) ** 0.5\n"
        "    return torch.softmax(keys @ query, dim=0) @ values",
    ],
    "04.1-mask": [
        "def length_mask(lengths, size):\n    return torch.arange(size) <= lengths.unsqueeze(1)",
        "def length_mask(lengths, size):\n    return torch.arange(size) >= lengths.unsqueeze(1)",
        "def length_mask(lengths, size):\n    return (torch.arange(size) < lengths.unsqueeze(1)).float()",
        "def length_mask(lengths, size):\n    return torch.arange(int(lengths.max())) < lengths.unsqueeze(1)",
        "def length_mask(lengths, size):\n"
        "    mask = torch.zeros(len(lengths), size, dtype=torch.bool)\n"
        "    for row, n in zip(mask, lengths):\n"
        "        row[:n] = True\n"
        "    return mask",
    ],
    "04.1-repair": [
        "def repaired(scores, mask):\n    return torch.softmax(scores, dim=-1) * mask",
        "def repaired(scores, mask):\n    return torch.softmax(scores.masked_fill(~mask, -1e6), dim=-1)",
        "def repaired(scores, mask):\n    return torch.softmax(scores.masked_fill(~mask, -torch.inf), dim=-1)",
        "def repaired(scores, mask):\n    return torch.softmax(scores.masked_fill(~mask, -1e4), dim=-1) * mask",
        "def repaired(scores, mask):\n"
        "    weights = torch.softmax(scores, dim=-1) * mask\n"
        "    return weights / weights.sum(-1, keepdim=True)",
        "def repaired(scores, mask):\n"
        "    return torch.softmax(scores.masked_fill_(~mask, torch.finfo(scores.dtype).min), dim=-1) * mask",
        "def repaired(scores, mask):\n"
        "    return (torch.softmax(scores.float().masked_fill(~mask, -3e38), dim=-1) * mask)",  # another dtype
    ],
    "04.1-box": [
        "def smooth(x, keys, values, h):\n"
        "    near = ((x.unsqueeze(1) - keys).abs() <= h).float()\n"
        "    return near @ values / near.sum(1)",
        "def smooth(x, keys, values, h):\n"
        "    near = ((x.unsqueeze(1) - keys).abs() < h).float()\n"
        "    return near @ values / near.sum(1).clamp(min=1)",
        "def smooth(x, keys, values, h):\n"
        "    near = ((x.unsqueeze(1) - keys) <= h).float()\n"
        "    return near @ values / near.sum(1).clamp(min=1)",
        "def smooth(x, keys, values, h):\n"
        "    near = ((x.unsqueeze(1) - keys).abs() <= h).float()\n"
        "    return near @ values / len(keys)",
        "def smooth(x, keys, values, h):\n"
        "    near = ((x.unsqueeze(1) - keys).abs() <= h).float()\n"
        "    return torch.softmax(near, 1) @ values",
    ],
    "04.1-softness": [
        "def softness(scores):\n    return torch.special.entr(torch.softmax(scores, -1)).sum(-1)",
        "def softness(scores):\n    a = torch.softmax(scores, -1)\n    return (-(a * a.log()).sum(-1)).exp()",
        "def softness(scores):\n    a = torch.softmax(scores, 0)\n    return torch.special.entr(a).sum(-1).exp()",
        "def softness(scores):\n    a = torch.softmax(scores, -1)\n    return 1 / a.square().sum(-1)",
        "def softness(scores):\n    a = torch.softmax(scores, -1) + 1e-3\n    return (-(a * a.log()).sum(-1)).exp()",
    ],
}
