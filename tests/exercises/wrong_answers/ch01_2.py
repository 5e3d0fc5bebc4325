"""Plausible wrong answers to the exercises of 1.2; each must give ✗."""


def _smooth(result: str) -> str:
    """Return a right answer with its result, ``{}``, wrapped in something."""
    loss = "-((1 - smoothing) * true + smoothing * log_p.mean(1)).mean()"
    return (
        "def smooth_cross_entropy(logits, target, smoothing=0.1):\n"
        "    log_p = logits - logits.logsumexp(1, keepdim=True)\n"
        "    true = log_p[torch.arange(len(target)), target]\n"
        f"    return {result.format(loss)}"
    )


_BIAS = "        nn.init.zeros_(self.second.bias)\n"
_BLOCK = (
    "class Residual(nn.Module):\n    def __init__(self, width):\n        super().__init__()\n"
    "        self.first, self.second = nn.Linear(width, width), nn.Linear(width, width)\n"
    f"        nn.init.zeros_(self.second.weight)\n{_BIAS}"
    "    def forward(self, x):\n        return x + self.second(F.relu(self.first(x)))"
)

_LOOP = (
    "def train(model, train_batches, val_batches, epochs, lr=0.1):\n"
    "    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)\n"
    "    losses = []\n"
    "    for _ in range(epochs):\n"
    "        model.train()\n"
    "        for X, y in train_batches:\n"
    "            optimizer.zero_grad()\n"
    "            F.cross_entropy(model(X), y).backward()\n"
    "            optimizer.step()\n"
    "        model.eval()\n"
    "        total = count = 0\n"
    "        with torch.no_grad():\n"
    "            for X, y in val_batches:\n"
    "                total += F.cross_entropy(model(X), y).item() * len(y)\n"
    "                count += len(y)\n"
    "        losses.append(total / count)\n"
    "        if losses[-1] == min(losses):\n"
    "            best = copy.deepcopy(model.state_dict())\n"
    "    model.load_state_dict(best)\n"
    "    return losses"
)
_MADE = "    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)\n"
_CLEAR, _STEP = "            optimizer.zero_grad()\n", "            optimizer.step()\n"
_BACK = "            F.cross_entropy(model(X), y).backward()\n"

WRONG: dict[str, list[str]] = {
    "01.2-loop": [
        # the ring: nothing cleared, cleared once an epoch, cleared before the step, stepped before backward
        _LOOP.replace(_CLEAR, ""),
        _LOOP.replace(_CLEAR, "").replace(
            "        model.train()\n", "        model.train()\n        optimizer.zero_grad()\n"
        ),
        _LOOP.replace(_CLEAR, "").replace(_STEP, _CLEAR + _STEP),
        _LOOP.replace(_BACK, "").replace(_STEP, _STEP + _BACK),
        _LOOP.replace(_STEP, ""),
        # the modes
        _LOOP.replace("        model.train()\n", ""),
        _LOOP.replace("        model.train()\n", "").replace(
            "    losses = []\n", "    losses = []\n    model.train()\n"
        ),
        _LOOP.replace("        model.eval()\n", ""),
        _LOOP.replace("torch.no_grad()", "torch.enable_grad()"),
        # a new optimizer in each epoch or step, no momentum, another default
        _LOOP.replace(_MADE, "").replace("        model.train()\n", f"        model.train()\n    {_MADE}"),
        _LOOP.replace(", momentum=0.9", ""),
        _LOOP.replace("epochs, lr=0.1", "epochs, lr=0.01"),
        # the mean: of batch means, of the last batch, a sum, a tensor, of training
        _LOOP.replace(".item() * len(y)", ".item()").replace("count += len(y)", "count += 1"),
        _LOOP.replace("total +=", "total =").replace("count +=", "count ="),
        _LOOP.replace("total / count", "total"),
        _LOOP.replace(".item()", ""),
        _LOOP.replace("in val_batches", "in train_batches"),
        # the weights: the last ones, not copied, chosen by the largest loss; the last loss alone
        _LOOP.replace("    model.load_state_dict(best)\n", ""),
        _LOOP.replace("copy.deepcopy(model.state_dict())", "model.state_dict()"),
        _LOOP.replace("min(losses)", "max(losses)"),
        _LOOP.replace("return losses", "return losses[-1]"),
        _LOOP.replace("range(epochs)", "range(epochs - 1)"),
        # softmax before the loss; the validation trains; fit
        _LOOP.replace("model(X), y).backward", "model(X).softmax(1), y).backward"),
        _LOOP.replace("in train_batches", "in train_batches + val_batches"),
        "def train(model, train_batches, val_batches, epochs, lr=0.1):\n" + _MADE + "    history = fit(\n"
        "        model, train_batches, val_batches, epochs=epochs, loss=F.cross_entropy, optimizer=optimizer,\n"
        "        keep_best='val_loss', device='cpu', progress=False,\n"
        "    )\n"
        "    return history['val_loss']",
        # changes the data
        _LOOP.replace(_BACK, "            X -= X.mean(0)\n" + _BACK),
    ],
    "01.2-count": [
        "def count_mlp(sizes):\n    return sum(a * b for a, b in zip(sizes[:-1], sizes[1:]))",
        "def count_mlp(sizes):\n    return sum((b + 1) * a for a, b in zip(sizes[:-1], sizes[1:]))",
        "def count_mlp(sizes):\n    return sum((a + 1) * b for a, b in zip(sizes, sizes[1:] + sizes[:1]))",
        # a string, a float, a tensor
        "def count_mlp(sizes):\n    return str(sum((a + 1) * b for a, b in zip(sizes[:-1], sizes[1:])))",
        "def count_mlp(sizes):\n    return float(sum((a + 1) * b for a, b in zip(sizes[:-1], sizes[1:])))",
        "def count_mlp(sizes):\n    a = torch.tensor(sizes)\n    return (a[:-1] + 1) @ a[1:]",
        # empties its argument
        "def count_mlp(sizes):\n"
        "    total = 0\n"
        "    while len(sizes) > 1:\n        total += (sizes.pop(0) + 1) * sizes[0]\n"
        "    return total",
        # builds a model
        "def count_mlp(sizes):\n"
        "    layers = [nn.Linear(a, b) for a, b in zip(sizes[:-1], sizes[1:])]\n"
        "    return sum(p.numel() for p in nn.Sequential(*layers).parameters())",
        # three sizes only
        "def count_mlp(sizes):\n    a, b, c = sizes\n    return (a + 1) * b + (b + 1) * c",
        "def count_mlp(sizes):\n"
        "    return (sizes[0] + 1) * sizes[1] + ((sizes[1] + 1) * sizes[-1] if len(sizes) > 2 else 0)",
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
        # cut off from the graph: a number, detached, only a part detached
        _smooth("({}).item()"),
        _smooth("({}).detach()"),
        _smooth("{}").replace("log_p.mean(1)", "log_p.mean(1).detach()"),
        _smooth("{}").replace("logits.logsumexp", "logits.detach().logsumexp"),
        _smooth("torch.tensor({})"),
        _smooth("({}).detach().numpy()"),
        _smooth("({}).double()"),
        _smooth("({}).unsqueeze(0)"),
        # the forbidden function, also under other names
        "def smooth_cross_entropy(logits, target, smoothing=0.1):\n"
        "    return F.cross_entropy(logits, target, label_smoothing=smoothing)",
        "def smooth_cross_entropy(logits, target, smoothing=0.1):\n"
        "    return nn.CrossEntropyLoss(label_smoothing=smoothing)(logits, target)",
        "from torch.nn.functional import cross_entropy as ce\n\n\n"
        "def smooth_cross_entropy(logits, target, smoothing=0.1):\n"
        "    return ce(logits, target, label_smoothing=smoothing)",
        "def smooth_cross_entropy(logits, target, smoothing=0.1):\n"
        "    try:\n        return F.cross_entropy(logits, target, label_smoothing=smoothing)\n"
        "    except Exception:\n        return -logits.log_softmax(1)[torch.arange(len(target)), target].mean()",
        # changes the logits
        "def smooth_cross_entropy(logits, target, smoothing=0.1):\n"
        "    logits -= logits.logsumexp(1, keepdim=True)\n"
        "    true = logits[torch.arange(len(target)), target]\n"
        "    return -((1 - smoothing) * true + smoothing * logits.mean(1)).mean()",
        # a fixed smoothing, a fixed number of classes
        _smooth("{}").replace("    log_p", "    smoothing = 0.1\n    log_p"),
        _smooth("{}").replace("log_p.mean(1)", "log_p.sum(1) / 4"),
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
        "def momentum_step(w, g, v, lr=0.1, momentum=0.9):\n    g += momentum * v\n    return w - lr * g, g",
        "def momentum_step(w, g, v, lr=0.1, momentum=0.9):\n    v = momentum * v + g\n    w -= lr * v\n    return w, v",
        "def momentum_step(w, g, v, lr=0.1, momentum=0.9):\n"
        "    v.mul_(momentum).add_(g)\n    return w - lr * v, v.clone()",
        # Nesterov's step, the wrong order, a list, one result, other defaults
        "def momentum_step(w, g, v, lr=0.1, momentum=0.9):\n"
        "    v = momentum * v + g\n    return w - lr * (g + momentum * v), v",
        "def momentum_step(w, g, v, lr=0.1, momentum=0.9):\n    v = momentum * v + g\n    return v, w - lr * v",
        "def momentum_step(w, g, v, lr=0.1, momentum=0.9):\n    v = momentum * v + g\n    return [w - lr * v, v]",
        "def momentum_step(w, g, v, lr=0.1, momentum=0.9):\n    v = momentum * v + g\n    return w - lr * v",
        "def momentum_step(w, g, v, lr=0.01, momentum=0.9):\n    v = momentum * v + g\n    return w - lr * v, v",
        "def momentum_step(w, g, v, lr=0.1, momentum=0.9):\n    v = 0.9 * v + g\n    return w - lr * v, v",
        # NumPy
        "def momentum_step(w, g, v, lr=0.1, momentum=0.9):\n"
        "    v = momentum * v.numpy() + g.numpy()\n    return w.numpy() - lr * v, v",
    ],
    "01.2-mean": [
        "def epoch_mean(losses, sizes):\n    return sum(losses) / len(losses)",
        "def epoch_mean(losses, sizes):\n    return sum(a * b for a, b in zip(losses, sizes)) / len(losses)",
        "def epoch_mean(losses, sizes):\n    return sum(losses) / sum(sizes)",
        # every batch but the last is as large as the first
        "def epoch_mean(losses, sizes):\n"
        "    n = len(losses)\n"
        "    total = sum(losses[:-1]) * sizes[0] + losses[-1] * sizes[-1]\n"
        "    return total / ((n - 1) * sizes[0] + sizes[-1])",
        "def epoch_mean(losses, sizes):\n"
        "    return (losses[0] * sizes[0] + losses[-1] * sizes[-1]) / (sizes[0] + sizes[-1])",
        "def epoch_mean(losses, sizes):\n    return str(sum(a * b for a, b in zip(losses, sizes)) / sum(sizes))",
        "def epoch_mean(losses, sizes):\n    return sum(a * b for a, b in zip(losses, sizes)) // sum(sizes)",
        "def epoch_mean(losses, sizes):\n    return [sum(a * b for a, b in zip(losses, sizes)) / sum(sizes)]",
        "def epoch_mean(losses, sizes):\n"
        "    for i, n in enumerate(sizes):\n        losses[i] *= n\n"
        "    return sum(losses) / sum(sizes)",
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
        _BLOCK.replace("nn.Linear(width, width)", "nn.Linear(width, width, bias=False)").replace(_BIAS, ""),
        # second frozen, or without its bias; first zero as well
        _BLOCK.replace(_BIAS, _BIAS + "        self.second.requires_grad_(False)\n"),
        _BLOCK.replace(_BIAS, _BIAS + "        self.second.bias.requires_grad = False\n"),
        _BLOCK.replace(_BIAS, ""),
        _BLOCK.replace(
            _BIAS, _BIAS + "        nn.init.zeros_(self.first.weight)\n        nn.init.zeros_(self.first.bias)\n"
        ),
        # not its own: kept in a list, made once for all blocks, made at each call
        _BLOCK.replace("self.first, self.second =", "self.layers =")
        .replace("self.second.", "self.layers[1].")
        .replace("self.second(F.relu(self.first(x)))", "self.layers[1](F.relu(self.layers[0](x)))"),
        "LAYERS = {}\n\n\n"
        + _BLOCK.replace(
            "nn.Linear(width, width), nn.Linear(width, width)",
            "LAYERS.setdefault(width, (nn.Linear(width, width), nn.Linear(width, width)))",
        ),
        _BLOCK.replace("nn.Linear(width, width), nn.Linear(width, width)", "[nn.Linear(width, width)] * 2"),
        _BLOCK.replace("(width, width)", "(4, 4)"),
        # detached
        _BLOCK.replace(
            "return x + self.second(F.relu(self.first(x)))", "return x + self.second(F.relu(self.first(x))).detach()"
        ),
        _BLOCK.replace("return x + self", "return x.detach() + self"),
        _BLOCK.replace("self.first(x)", "self.first(x.detach())"),
        _BLOCK.replace("F.relu(self.first(x))", "F.relu(self.first(x)).detach()"),
        _BLOCK.replace("return x +", "with torch.no_grad():\n            return x +"),
        # changes x, or the untouched x is not x any more
        _BLOCK.replace(
            "return x + self.second(F.relu(self.first(x)))", "x += self.second(F.relu(self.first(x)))\n        return x"
        ),
        _BLOCK.replace(
            "return x + self.second(F.relu(self.first(x)))",
            "y = F.relu_(x)\n        return y + self.second(F.relu(self.first(x)))",
        ),
        _BLOCK.replace(
            "return x + self.second(F.relu(self.first(x)))", "return F.relu(x + self.second(F.relu(self.first(x))))"
        ),
        _BLOCK.replace(
            "return x + self.second(F.relu(self.first(x)))", "return x + self.first(F.relu(self.second(x)))"
        ),
        # forgets super().__init__()
        _BLOCK.replace("        super().__init__()\n", ""),
        # returns a number list
        _BLOCK.replace(
            "return x + self.second(F.relu(self.first(x)))", "return (x + self.second(F.relu(self.first(x)))).tolist()"
        ),
    ],
}
