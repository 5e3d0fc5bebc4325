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

_STABLE = "torch.logaddexp(x, torch.zeros_like(x))"

WRONG: dict[str, list[str]] = {
    "01.1-distances": [
        "def squared_distances(X, Y):\n    return torch.cdist(X, Y)",
        "def squared_distances(X, Y):\n    return (X[None, :, :] - Y[:, None, :]).square().sum(-1)",
        "def squared_distances(X, Y):\n    return (X[:, None, :] - Y[None, :, :]).square().sum(1)",
        "def squared_distances(X, Y):\n    return (X[:, None, :] - Y[None, :, :]).square().mean(-1)",
        # loops
        "def squared_distances(X, Y):\n"
        "    return torch.stack([torch.stack([(x - y).square().sum() for y in Y]) for x in X])",
        "def squared_distances(X, Y):\n"
        "    out = X.new_zeros(len(X), len(Y))\n"
        "    for i in range(len(X)):\n        out[i] = (X[i] - Y).square().sum(1)\n    return out",
        "def squared_distances(X, Y):\n"
        "    out, i = X.new_zeros(len(X), len(Y)), 0\n"
        "    while i < len(X):\n        out[i] = (X[i] - Y).square().sum(1)\n        i += 1\n    return out",
        "def squared_distances(X, Y):\n    return torch.stack(list(map(lambda x: (x - Y).square().sum(1), X)))",
        "def row(x, Y):\n    return torch.stack([(x - y).square().sum() for y in Y])\n\n\n"
        "def squared_distances(X, Y):\n    return torch.vmap(row, (0, None))(X, Y)",
        # cut off from the graph
        "def squared_distances(X, Y):\n    return (X[:, None] - Y[None]).detach().square().sum(-1)",
        "def squared_distances(X, Y):\n    return (X[:, None] - Y.detach()).square().sum(-1)",
        "def squared_distances(X, Y):\n"
        "    with torch.no_grad():\n        return (X[:, None] - Y[None]).square().sum(-1)",
        # another type or dtype
        "def squared_distances(X, Y):\n    return (X[:, None] - Y[None]).square().sum(-1).tolist()",
        "def squared_distances(X, Y):\n    return (X[:, None] - Y[None]).square().sum(-1).numpy()",
        "def squared_distances(X, Y):\n    return (X[:, None] - Y[None]).square().sum(-1).float()",
        "def squared_distances(X, Y):\n    return (X[:, None] - Y[None]).double().square().sum(-1)",
        # changes X
        "def squared_distances(X, Y):\n    X -= Y.mean(0)\n    Y = Y - Y.mean(0)\n"
        "    return (X[:, None] - Y[None]).square().sum(-1)",
        "def squared_distances(X, Y):\n    X.unsqueeze_(1)\n    return (X - Y).square().sum(-1)",
        # only where m = n, and pairs in step
        "def squared_distances(X, Y):\n    return (X - Y).square().sum(-1)",
        # squeezes a row or column of one
        "def squared_distances(X, Y):\n    return (X[:, None] - Y[None]).square().sum(-1).squeeze()",
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
        # a difference over a wide step
        "def descend(f, x, steps, lr=0.1):\n    x = torch.tensor(float(x))\n"
        "    for _ in range(steps):\n        x = x - lr * (f(x + 1) - f(x - 1)) / 2\n    return x.item()",
        # the step through .data
        "def descend(f, x, steps, lr=0.1):\n    x = torch.tensor(float(x), requires_grad=True)\n"
        "    for _ in range(steps):\n        x.grad = None\n        f(x).backward()\n"
        "        x.data -= lr * x.grad\n    return x.item()",
        _DESCEND.format(before="pass", sign="-", after="x.grad = None").replace("x.item()", "x"),
        _DESCEND.format(before="pass", sign="-", after="x.grad = None").replace("x.item()", "x.detach().numpy()"),
        _DESCEND.format(before="pass", sign="-", after="x.grad = None").replace("range(steps)", "range(steps + 1)"),
        _DESCEND.format(before="pass", sign="-", after="x.grad = None").replace("range(steps)", "range(1, steps)"),
        _DESCEND.format(before="pass", sign="-", after="x.grad = None").replace("x.item()", "round(x.item(), 2)"),
        _DESCEND.format(before="pass", sign="-", after="x.grad = None").replace("x.item()", "str(x.item())"),
        # the slope of the start in every step
        "def descend(f, x, steps, lr=0.1):\n    x = torch.tensor(float(x), requires_grad=True)\n"
        "    f(x).backward()\n    return (x - steps * lr * x.grad).item()",
    ],
    "01.1-numerical": [
        "def numerical_slope(f, x, step=1e-4):\n    x = torch.tensor(float(x), dtype=torch.float64)\n"
        "    return ((f(x + step) - f(x)) / step).item()",
        "def numerical_slope(f, x, step=1e-4):\n    x = torch.tensor(float(x))\n"
        "    return ((f(x + step) - f(x - step)) / (2 * step)).item()",
        "def numerical_slope(f, x, step=1e-4):\n    x = torch.tensor(float(x), dtype=torch.float64)\n"
        "    return ((f(x + step) - f(x - step)) / step).item()",
        "def numerical_slope(f, x, step=1e-4):\n    x = torch.tensor(float(x), dtype=torch.float64)\n"
        "    return ((f(x) - f(x - step)) / step).item()",
        # autograd
        "def numerical_slope(f, x, step=1e-4):\n"
        "    x = torch.tensor(float(x), dtype=torch.float64, requires_grad=True)\n"
        "    f(x).backward()\n    return x.grad.item()",
        # a fixed step
        "def numerical_slope(f, x, step=1e-4):\n    x = torch.tensor(float(x), dtype=torch.float64)\n"
        "    return ((f(x + 1e-4) - f(x - 1e-4)) / 2e-4).item()",
        # float64 too late
        "def numerical_slope(f, x, step=1e-4):\n    x = torch.tensor(float(x))\n"
        "    return ((f(x + step).double() - f(x - step).double()) / (2 * step)).item()",
        # other types
        "def numerical_slope(f, x, step=1e-4):\n    x = torch.tensor(float(x), dtype=torch.float64)\n"
        "    return (f(x + step) - f(x - step)) / (2 * step)",
        "def numerical_slope(f, x, step=1e-4):\n    x = torch.tensor(float(x), dtype=torch.float64)\n"
        "    return ((f(x + step) - f(x - step)) / (2 * step)).numpy()[()]",
        # numbers for tensors
        "def numerical_slope(f, x, step=1e-4):\n    return float(f(x + step) - f(x - step)) / (2 * step)",
    ],
    "01.1-second": [
        "def second_derivative(f, x):\n    p = torch.tensor(float(x), requires_grad=True)\n"
        "    f(p).backward()\n    return p.grad.item()",
        "def second_derivative(f, x):\n    p = torch.tensor(float(x), requires_grad=True)\n"
        "    (g,) = torch.autograd.grad(f(p), p)\n    (h,) = torch.autograd.grad(g, p)\n    return h.item()",
        "def second_derivative(f, x):\n    p = torch.tensor(float(x), requires_grad=True)\n"
        "    (g,) = torch.autograd.grad(f(p), p)\n    return (g**2).item()",
        # numerical differences, of values and of slopes
        "def second_derivative(f, x, h=1e-4):\n    x = torch.tensor(float(x), dtype=torch.float64)\n"
        "    return ((f(x + h) - 2 * f(x) + f(x - h)) / h**2).item()",
        "def second_derivative(f, x, h=1e-5):\n"
        "    def slope(x):\n"
        "        x = torch.tensor(x, dtype=torch.float64, requires_grad=True)\n"
        "        return torch.autograd.grad(f(x), x)[0].item()\n"
        "    return (slope(x + h) - slope(x - h)) / (2 * h)",
        # the sum of both derivatives: .grad is not cleared
        "def second_derivative(f, x):\n    x = torch.tensor(float(x), requires_grad=True)\n"
        "    f(x).backward(create_graph=True)\n    x.grad.backward()\n    return x.grad.item()",
        "def second_derivative(f, x):\n    p = torch.tensor(float(x), requires_grad=True)\n"
        "    (g,) = torch.autograd.grad(f(p), p, create_graph=True)\n"
        "    (h,) = torch.autograd.grad(g, p)\n    return h",
        "def second_derivative(f, x):\n    p = torch.tensor(float(x), requires_grad=True)\n"
        "    (g,) = torch.autograd.grad(f(p), p, create_graph=True)\n    return torch.autograd.grad(g, p)",
        "def second_derivative(f, x):\n    p = torch.tensor(x, requires_grad=True)\n"  # an int has no gradient
        "    (g,) = torch.autograd.grad(f(p), p, create_graph=True)\n"
        "    (h,) = torch.autograd.grad(g, p)\n    return h.item()",
    ],
    "01.1-softplus": [
        _SOFTPLUS.format(value=_STABLE, gradient="torch.sigmoid(x)"),
        _SOFTPLUS.format(value="torch.relu(x)", gradient="gradient * torch.sigmoid(x)"),
        _SOFTPLUS.format(value=_STABLE, gradient="gradient * torch.sigmoid(x) * (1 - torch.sigmoid(x))"),
        _SOFTPLUS.format(value="torch.log(torch.exp(x))", gradient="gradient"),
        # overflows at 100
        _SOFTPLUS.format(value="torch.log1p(torch.exp(x))", gradient="gradient * torch.sigmoid(x)"),
        _SOFTPLUS.format(value=_STABLE, gradient="gradient * torch.exp(x) / (1 + torch.exp(x))"),
        # the sign of the gradient is lost
        _SOFTPLUS.format(value=_STABLE, gradient="gradient.abs() * torch.sigmoid(x)"),
        # only right when all entries of the gradient are equal
        _SOFTPLUS.format(value=_STABLE, gradient="gradient.mean() * torch.sigmoid(x)"),
        _SOFTPLUS.format(value=_STABLE, gradient="gradient.flatten()[0] * torch.sigmoid(x)"),
        # changes what it is given
        _SOFTPLUS.format(value=_STABLE, gradient="gradient.mul_(torch.sigmoid(x))"),
        _SOFTPLUS.format(value="x.exp_().log1p_()", gradient="gradient * torch.sigmoid(x)"),
        # another shape or dtype
        _SOFTPLUS.format(value=f"({_STABLE}).sum()", gradient="gradient * torch.sigmoid(x)"),
        _SOFTPLUS.format(value=f"({_STABLE}).float()", gradient="gradient * torch.sigmoid(x)"),
        # ordinary autograd
        "class Softplus:\n    @staticmethod\n    def apply(x):\n        return torch.nn.functional.softplus(x)",
        "class Softplus(torch.autograd.Function):\n    @staticmethod\n    def apply(x):\n"
        "        return torch.logaddexp(x, torch.zeros_like(x))",
        "class Softplus(torch.autograd.Function):\n"
        "    @staticmethod\n    def forward(ctx, x):\n        return torch.logaddexp(x, torch.zeros_like(x))",
        # autograd inside of backward
        "class Softplus(torch.autograd.Function):\n"
        "    @staticmethod\n    def forward(ctx, x):\n        ctx.save_for_backward(x)\n"
        "        return torch.nn.functional.softplus(x)\n"
        "    @staticmethod\n    def backward(ctx, gradient):\n"
        "        x = ctx.saved_tensors[0].detach().requires_grad_()\n"
        "        with torch.enable_grad():\n            y = torch.nn.functional.softplus(x)\n"
        "        y.backward(gradient)\n        return x.grad",
        # of log 2
        _SOFTPLUS.format(value=f"({_STABLE}) / math.log(2)", gradient="gradient * torch.sigmoid(x)").replace(
            "class", "import math\n\n\nclass"
        ),
    ],
}
