"""Plausible wrong answers to the exercises of 1.2; each must give ✗."""

WRONG: dict[str, list[str]] = {
    "01.2-count": [
        "def count_mlp(sizes):\n    return sum(a * b for a, b in zip(sizes[:-1], sizes[1:]))",
        "def count_mlp(sizes):\n    return sum((b + 1) * a for a, b in zip(sizes[:-1], sizes[1:]))",
        "def count_mlp(sizes):\n    return sum((a + 1) * b for a, b in zip(sizes, sizes[1:] + sizes[:1]))",
    ],
    "01.2-smoothing": [
        # the usual loss, smoothing ignored
        "def smooth_cross_entropy(logits, target, smoothing=0.1):\n"
        "    return (logits.logsumexp(1) - logits[torch.arange(len(target)), target]).mean()",
        # ε shared by the wrong classes only
        "def smooth_cross_entropy(logits, target, smoothing=0.1):\n"
        "    log_p, k = logits.log_softmax(1), logits.shape[1]\n"
        "    true = log_p[torch.arange(len(target)), target]\n"
        "    return -((1 - smoothing) * true + smoothing * (log_p.sum(1) - true) / (k - 1)).mean()",
        # a sum over the examples
        "def smooth_cross_entropy(logits, target, smoothing=0.1):\n"
        "    log_p = logits.log_softmax(1)\n"
        "    true = log_p[torch.arange(len(target)), target]\n"
        "    return -((1 - smoothing) * true + smoothing * log_p.mean(1)).sum()",
        # log after softmax
        "def smooth_cross_entropy(logits, target, smoothing=0.1):\n"
        "    log_p = logits.softmax(1).log()\n"
        "    true = log_p[torch.arange(len(target)), target]\n"
        "    return -((1 - smoothing) * true + smoothing * log_p.mean(1)).mean()",
    ],
    "01.2-momentum": [
        # the gradient scaled by 1 − momentum, as Adam does
        "def momentum_step(w, g, v, lr=0.1, momentum=0.9):\n"
        "    v = momentum * v + (1 - momentum) * g\n    return w - lr * v, v",
        # the learning rate inside the velocity
        "def momentum_step(w, g, v, lr=0.1, momentum=0.9):\n    v = momentum * v + lr * g\n    return w - v, v",
        # moved by the old velocity
        "def momentum_step(w, g, v, lr=0.1, momentum=0.9):\n    return w - lr * v, momentum * v + g",
        # in place
        "def momentum_step(w, g, v, lr=0.1, momentum=0.9):\n    v *= momentum\n    v += g\n    return w - lr * v, v",
    ],
    "01.2-mean": [
        "def epoch_mean(losses, sizes):\n    return sum(losses) / len(losses)",
        "def epoch_mean(losses, sizes):\n    return sum(a * b for a, b in zip(losses, sizes)) / len(losses)",
        "def epoch_mean(losses, sizes):\n    return sum(losses) / sum(sizes)",
    ],
    "01.2-residual": [
        # no skip connection
        "class Residual(nn.Module):\n    def __init__(self, width):\n        super().__init__()\n"
        "        self.first, self.second = nn.Linear(width, width), nn.Linear(width, width)\n"
        "    def forward(self, x):\n        return self.second(F.relu(self.first(x)))",
        # second not started at zero
        "class Residual(nn.Module):\n    def __init__(self, width):\n        super().__init__()\n"
        "        self.first, self.second = nn.Linear(width, width), nn.Linear(width, width)\n"
        "    def forward(self, x):\n        return x + self.second(F.relu(self.first(x)))",
        # no ReLU between the layers
        "class Residual(nn.Module):\n    def __init__(self, width):\n        super().__init__()\n"
        "        self.first, self.second = nn.Linear(width, width), nn.Linear(width, width)\n"
        "        nn.init.zeros_(self.second.weight)\n        nn.init.zeros_(self.second.bias)\n"
        "    def forward(self, x):\n        return x + self.second(self.first(x))",
        # layers without bias
        "class Residual(nn.Module):\n    def __init__(self, width):\n        super().__init__()\n"
        "        self.first, self.second = (nn.Linear(width, width, bias=False) for _ in range(2))\n"
        "        nn.init.zeros_(self.second.weight)\n"
        "    def forward(self, x):\n        return x + self.second(F.relu(self.first(x)))",
    ],
}
