"""Right answers to the exercises of 1.2 that differ from the folded solution; each must pass."""

_SMOOTH = "def smooth_cross_entropy(logits, target, smoothing=0.1):\n"
_BLOCK = "class Residual(nn.Module):\n    def __init__(self, width):\n        super().__init__()\n"

RIGHT: dict[str, list[str]] = {
    "01.2-count": [
        "def count_mlp(sizes):\n"
        "    total = 0\n"
        "    for i in range(1, len(sizes)):\n"
        "        total += sizes[i - 1] * sizes[i] + sizes[i]\n"
        "    return total",
        "def count_mlp(sizes):\n    a = torch.tensor(sizes)\n    return (a[:-1] @ a[1:] + a[1:].sum()).item()",
        "def count_mlp(sizes):\n"
        "    first, *rest = sizes\n"
        "    return (first + 1) * rest[0] + count_mlp(rest) if rest else 0",
    ],
    "01.2-smoothing": [
        _SMOOTH + "    k = logits.shape[1]\n"
        "    q = F.one_hot(target, k) * (1 - smoothing) + smoothing / k\n"
        "    return -(q * logits.log_softmax(dim=1)).sum() / len(target)",
        _SMOOTH + "    log_p = F.log_softmax(logits, dim=-1)\n"
        "    return (1 - smoothing) * F.nll_loss(log_p, target) - smoothing * log_p.mean()",
        _SMOOTH + "    q = torch.full_like(logits, smoothing / logits.size(1))\n"
        "    q.scatter_add_(1, target.unsqueeze(1), torch.full_like(logits[:, :1], 1 - smoothing))\n"
        "    return logits.logsumexp(1).mean() - (q * logits).sum(1).mean()",
        _SMOOTH + "    losses = []\n"
        "    for row, label in zip(logits, target.tolist()):\n"
        "        log_p = row - row.max() - (row - row.max()).exp().sum().log()\n"
        "        losses.append(-(1 - smoothing) * log_p[label] - smoothing * log_p.mean())\n"
        "    return torch.stack(losses).mean()",
    ],
    "01.2-momentum": [
        "def momentum_step(w, g, v, lr=0.1, momentum=0.9):\n"
        "    new = torch.add(g, v, alpha=momentum)\n    return torch.sub(w, new, alpha=lr), new",
        "def momentum_step(w, g, v, lr=0.1, momentum=0.9):\n"
        "    v = v.clone()\n    v *= momentum\n    v += g\n    w = w.clone()\n    w -= lr * v\n    return w, v",
        "def momentum_step(w, g, v, lr=0.1, momentum=0.9):\n"
        "    w = w.clone().requires_grad_()\n"
        "    optimizer = torch.optim.SGD([w], lr=lr, momentum=momentum)\n"
        "    optimizer.state[w]['momentum_buffer'] = v.clone()\n"
        "    w.grad = g.clone()\n    optimizer.step()\n"
        "    return w.detach(), optimizer.state[w]['momentum_buffer']",
    ],
    "01.2-mean": [
        "def epoch_mean(losses, sizes):\n"
        "    total = count = 0\n"
        "    for i in range(len(losses)):\n        total += losses[i] * sizes[i]\n        count += sizes[i]\n"
        "    return total / count",
        "import numpy as np\n\n\ndef epoch_mean(losses, sizes):\n    return np.average(losses, weights=sizes)",
        "def epoch_mean(losses, sizes):\n"
        "    sizes = torch.tensor(sizes, dtype=torch.float64)\n"
        "    return (torch.tensor(losses, dtype=torch.float64) * sizes / sizes.sum()).sum()",
    ],
    "01.2-loop": [
        "def train(model, train_batches, val_batches, epochs, lr=0.1):\n"
        "    optimizer = torch.optim.SGD(model.parameters(), lr, momentum=0.9)\n"
        "    best, losses = math.inf, []\n"
        "    for epoch in range(epochs):\n"
        "        model.train()\n"
        "        for X, y in train_batches:\n"
        "            loss = F.cross_entropy(model(X), y)\n"
        "            model.zero_grad()\n"
        "            loss.backward()\n"
        "            optimizer.step()\n"
        "        loss = one_pass(model, val_batches)\n"
        "        losses.append(loss)\n"
        "        if loss < best:\n"
        "            best, kept = loss, {k: v.clone() for k, v in model.state_dict().items()}\n"
        "    model.load_state_dict(kept)\n"
        "    return losses\n\n\n"
        "@torch.no_grad()\n"
        "def one_pass(model, batches):\n"
        "    model.eval()\n"
        "    X, y = (torch.cat(part) for part in zip(*batches))\n"
        "    return F.cross_entropy(model(X), y).item()",
        "def train(model, train_batches, val_batches, epochs, lr=0.1):\n"
        "    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)\n"
        "    losses, states = [], []\n"
        "    while len(losses) < epochs:\n"
        "        for X, y in train_batches:\n"
        "            F.cross_entropy(model.train()(X), y).backward()\n"
        "            optimizer.step()\n"
        "            optimizer.zero_grad()\n"
        "        with torch.inference_mode():\n"
        "            sums = [F.cross_entropy(model.eval()(X), y, reduction='sum').item() for X, y in val_batches]\n"
        "        losses.append(sum(sums) / sum(len(X) for X, _ in val_batches))\n"
        "        states.append(copy.deepcopy(model.state_dict()))\n"
        "    model.load_state_dict(states[losses.index(min(losses))])\n"
        "    return losses",
    ],
    "01.2-residual": [
        _BLOCK
        + "        for name in ('first', 'second'):\n            self.add_module(name, nn.Linear(width, width))\n"
        "        for parameter in self.second.parameters():\n            nn.init.constant_(parameter, 0)\n"
        "    def forward(self, x):\n        y = self.first(x).clamp(min=0)\n        y = self.second(y)\n"
        "        return y + x",
        _BLOCK + "        self.second = nn.Linear(width, width)\n"
        "        self.first = nn.Linear(width, width)\n"
        "        self.relu = nn.ReLU(inplace=True)\n"
        "        with torch.no_grad():\n"
        "            self.second.weight.zero_()\n            self.second.bias.zero_()\n"
        "    def forward(self, x):\n        return torch.add(x, self.second(self.relu(self.first(x))))",
        _BLOCK + "        self.first, self.second = (nn.Linear(width, width) for _ in range(2))\n"
        "        nn.init.kaiming_normal_(self.first.weight)\n"
        "        self.second.weight = nn.Parameter(torch.zeros(width, width))\n"
        "        self.second.bias = nn.Parameter(torch.zeros(width))\n"
        "    def forward(self, x):\n        y = self.second(F.relu(self.first(x)))\n        y += x\n        return y",
    ],
}
