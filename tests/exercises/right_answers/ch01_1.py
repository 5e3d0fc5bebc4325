"""Right answers to the exercises of notebook 1.1 that differ from the folded solution; each must pass."""

_SOFTPLUS = """
class Softplus(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        {forward}

    @staticmethod
    def backward(ctx, gradient):
        {backward}
"""

RIGHT = {
    "01.1-distances": [
        "def squared_distances(X, Y):\n    return X.square().sum(1, keepdim=True) - 2 * X @ Y.T + Y.square().sum(1)",
        "def squared_distances(X, Y):\n"
        "    gap = X.unsqueeze(1).expand(-1, len(Y), -1) - Y\n    return torch.einsum('mnd,mnd->mn', gap, gap)",
        "def squared_distances(X, Y):\n    return torch.cdist(X, Y) ** 2",
        "def squared_distances(X, Y):\n"
        "    with torch.enable_grad():\n        gap = X[:, None] - Y[None]\n"
        "    return torch.linalg.norm(gap, dim=2).pow(2)",
        "def squared_distances(X, Y):\n    return torch.vmap(lambda x: torch.vmap(lambda y: (x - y).dot(x - y))(Y))(X)",
    ],
    "01.1-descend": [
        "def descend(f, x, steps, lr=0.1):\n"
        "    for _ in range(steps):\n"
        "        point = torch.tensor(float(x), requires_grad=True)\n"
        "        (slope,) = torch.autograd.grad(f(point), point)\n"
        "        x = x - lr * slope.item()\n"
        "    return float(x)",
        "def descend(f, x, steps, lr=0.1):\n"
        "    x = torch.tensor(float(x), requires_grad=True)\n"
        "    optimizer = torch.optim.SGD([x], lr=lr)\n"
        "    for _ in range(steps):\n"
        "        optimizer.zero_grad()\n        f(x).backward()\n        optimizer.step()\n"
        "    return x.item()",
        "def descend(f, x, steps, lr=0.1):\n"
        "    slope = torch.func.grad(f)\n"
        "    x = torch.tensor(float(x), dtype=torch.float64)\n"
        "    while steps > 0:\n        x, steps = x - lr * slope(x), steps - 1\n"
        "    return x.item()",
        "def descend(f, x, steps, lr=0.1):\n"
        "    x = torch.tensor([float(x)], requires_grad=True)\n"
        "    for _ in range(steps):\n"
        "        f(x).sum().backward()\n"
        "        with torch.no_grad():\n            x -= lr * x.grad\n"
        "        x.grad.zero_()\n"
        "    return x.tolist()[0]",
    ],
    "01.1-numerical": [
        "def numerical_slope(f, x, step=1e-4):\n"
        "    x = torch.tensor([x - step, x + step], dtype=torch.float64)\n"
        "    low, high = f(x).tolist()\n    return (high - low) / (2 * step)",
        "def numerical_slope(f, x, step=1e-4):\n"
        "    def value(x):\n        return float(f(torch.as_tensor(x, dtype=torch.double)))\n"
        "    return 0.5 * (value(x + step) - value(x - step)) / step",
    ],
    "01.1-second": [
        "def second_derivative(f, x):\n    return torch.func.grad(torch.func.grad(f))(torch.tensor(float(x))).item()",
        "def second_derivative(f, x):\n"
        "    return torch.autograd.functional.hessian(f, torch.tensor(float(x), dtype=torch.float64)).item()",
        "def second_derivative(f, x):\n"
        "    x = torch.tensor([float(x)], requires_grad=True)\n"
        "    first = torch.autograd.grad(f(x).sum(), x, create_graph=True)[0]\n"
        "    first.sum().backward()\n    return x.grad.tolist()[0]",
    ],
    "01.1-softplus": [
        _SOFTPLUS.format(
            forward="ctx.save_for_backward(x)\n        return x.clamp(min=0) + torch.log1p(torch.exp(-x.abs()))",
            backward="(x,) = ctx.saved_tensors\n        return gradient / (1 + torch.exp(-x))",
        ),
        _SOFTPLUS.format(
            forward="s = torch.sigmoid(x)\n        ctx.save_for_backward(s)\n        return F.softplus(x)",
            backward="return gradient * ctx.saved_tensors[0]",
        ).replace("class", "from torch.nn import functional as F\n\n\nclass"),
        _SOFTPLUS.format(
            forward="ctx.x = x\n        return torch.logsumexp(torch.stack([x, 0 * x]), 0)",
            backward="return gradient * ctx.x.sigmoid()",
        ),
        _SOFTPLUS.format(
            forward="ctx.save_for_backward(x)\n        return -torch.nn.functional.logsigmoid(-x)",
            backward="return gradient.clone().mul_(ctx.saved_tensors[0].sigmoid())",
        ),
    ],
}
