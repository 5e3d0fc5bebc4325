"""Plausible wrong answers to the exercises of notebook 1.1; each must be found out."""

_SOFTPLUS = """
class Softplus(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return {value}

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return {gradient}
"""

_DESCEND = """
def descend(f, x, steps, lr=0.1):
    x = torch.tensor(float(x), requires_grad=True)
    for _ in range(steps):
        f(x).backward()
        {before}
        with torch.no_grad():
            x {sign}= lr * x.grad
        {after}
    return x.item()
"""

WRONG: dict[str, list[str]] = {
    "01.1-distances": [
        "def squared_distances(X, Y):\n    return torch.cdist(X, Y)",
        "def squared_distances(X, Y):\n    return (X[None, :, :] - Y[:, None, :]).square().sum(-1)",
        "def squared_distances(X, Y):\n    return (X[:, None, :] - Y[None, :, :]).square().sum(1)",
        "def squared_distances(X, Y):\n    return (X[:, None, :] - Y[None, :, :]).square().mean(-1)",
    ],
    "01.1-descend": [
        _DESCEND.format(before="pass", sign="-", after="pass"),  # the fault itself
        _DESCEND.format(before="x.grad.zero_()", sign="-", after="pass"),  # cleared before it is used
        _DESCEND.format(before="pass", sign="+", after="x.grad = None"),  # uphill
        "def descend(f, x, steps, lr=0.1):\n    x = torch.tensor(float(x), requires_grad=True)\n"
        "    x.grad = None\n    for _ in range(steps):\n        f(x).backward()\n"
        "        with torch.no_grad():\n            x -= lr * x.grad\n    return x.item()",
        "def descend(f, x, steps, lr=0.1):\n    x = torch.tensor(float(x), requires_grad=True)\n"
        "    for _ in range(steps):\n        x.grad = None\n        f(x).backward()\n"
        "        with torch.no_grad():\n            x -= 0.1 * x.grad\n    return x.item()",
    ],
    "01.1-numerical": [
        "def numerical_slope(f, x, step=1e-4):\n    x = torch.tensor(float(x), dtype=torch.float64)\n"
        "    return ((f(x + step) - f(x)) / step).item()",
        "def numerical_slope(f, x, step=1e-4):\n    x = torch.tensor(float(x))\n"
        "    return ((f(x + step) - f(x - step)) / (2 * step)).item()",
        "def numerical_slope(f, x, step=1e-4):\n    x = torch.tensor(float(x), dtype=torch.float64)\n"
        "    return ((f(x + step) - f(x - step)) / step).item()",
    ],
    "01.1-second": [
        "def second_derivative(f, x):\n    p = torch.tensor(float(x), requires_grad=True)\n"
        "    f(p).backward()\n    return p.grad.item()",
        "def second_derivative(f, x):\n    p = torch.tensor(float(x), requires_grad=True)\n"
        "    (g,) = torch.autograd.grad(f(p), p)\n    (h,) = torch.autograd.grad(g, p)\n    return h.item()",
        "def second_derivative(f, x):\n    p = torch.tensor(float(x), requires_grad=True)\n"
        "    (g,) = torch.autograd.grad(f(p), p)\n    return (g**2).item()",
    ],
    "01.1-softplus": [
        _SOFTPLUS.format(value="torch.log1p(torch.exp(x))", gradient="torch.sigmoid(x)"),
        _SOFTPLUS.format(value="torch.relu(x)", gradient="gradient * torch.sigmoid(x)"),
        _SOFTPLUS.format(
            value="torch.log1p(torch.exp(x))", gradient="gradient * torch.sigmoid(x) * (1 - torch.sigmoid(x))"
        ),
        _SOFTPLUS.format(value="torch.log(torch.exp(x))", gradient="gradient"),
    ],
}
