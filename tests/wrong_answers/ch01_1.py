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

WRONG = {
    "01.1-distances": [
        "def squared_distances(X, Y):\n    return torch.cdist(X, Y)",
        "def squared_distances(X, Y):\n    return (X[None, :, :] - Y[:, None, :]).square().sum(-1)",
    ],
    "01.1-slope": [
        "_POINT = torch.tensor(3.0, requires_grad=True)\n\n\ndef slope(f, x):\n"
        "    _POINT.data.fill_(x)\n    f(_POINT).backward()\n    return _POINT.grad.item()",
        "def slope(f, x):\n    return (f(torch.tensor(x + 1.0)) - f(torch.tensor(float(x)))).item()",
    ],
    "01.1-numerical": [
        "def numerical_slope(f, x, step=1e-4):\n    x = torch.tensor(float(x), dtype=torch.float64)\n"
        "    return ((f(x + step) - f(x)) / step).item()",
        "def numerical_slope(f, x, step=1e-4):\n    x = torch.tensor(float(x))\n"
        "    return ((f(x + step) - f(x - step)) / (2 * step)).item()",
    ],
    "01.1-second": [
        "def second_derivative(f, x):\n    p = torch.tensor(float(x), requires_grad=True)\n"
        "    f(p).backward()\n    return p.grad.item()",
        "def second_derivative(f, x):\n    p = torch.tensor(float(x), requires_grad=True)\n"
        "    (g,) = torch.autograd.grad(f(p), p)\n    (h,) = torch.autograd.grad(g, p)\n    return h.item()",
    ],
    "01.1-softplus": [
        _SOFTPLUS.format(value="torch.log1p(torch.exp(x))", gradient="torch.sigmoid(x)"),
        _SOFTPLUS.format(value="torch.relu(x)", gradient="gradient * torch.sigmoid(x)"),
    ],
}
