"""Right answers to the exercises of notebook 5.1 that differ from the folded solutions; each must pass."""

RIGHT = {
    "05.1-limit": [
        "def largest_rate(H):\n    return float(2 / torch.linalg.matrix_norm(H, 2))",
        "def largest_rate(H):\n    return min(2 / e for e in torch.linalg.eigvals(H).real.tolist())",
        "def largest_rate(H):\n    return rate_limits(lambda x: x @ H @ x / 2, torch.zeros(len(H)))[0].item()",
        "def largest_rate(H):\n"
        "    x = torch.randn(len(H)).double()\n"
        "    for _ in range(5000):\n"
        "        x = H.double() @ x\n"
        "        x = x / x.norm()\n"
        "    return 2 / (x @ H.double() @ x).item()",
    ],
    "05.1-newton": [
        "def newton_direction(f, x):\n"
        "    e, Q = torch.linalg.eigh(torch.autograd.functional.hessian(f, x))\n"
        "    g = torch.autograd.functional.jacobian(f, x)\n"
        "    return sum(-(q @ g) / size * q for q, size in zip(Q.T, e.abs()))",
        "def newton_direction(f, x):\n"
        "    e, Q = torch.linalg.eigh(hessian(f, x))\n"
        "    return torch.linalg.solve(Q @ torch.diag(e.abs()) @ Q.T, -grad(f)(x))",
        "def newton_direction(f, x):\n"
        "    U, S, V = torch.linalg.svd(hessian(f, x))\n"
        "    return -V.T @ ((V @ grad(f)(x)) / S)",
    ],
    "05.1-convex": [
        "def looks_convex(f, points):\n"
        "    for point in points:\n"
        "        if (torch.linalg.eigvalsh(hessian(f, point)) < -1e-6).any():\n"
        "            return False\n"
        "    return True",
        "def looks_convex(f, points):\n"
        "    H = torch.stack([torch.autograd.functional.hessian(f, p) for p in points])\n"
        "    return (torch.linalg.eigvals(H).real >= -1e-6).all().item()",
        "def looks_convex(f, points):\n"
        "    smallest = [torch.linalg.eigvalsh(hessian(f, point.double()))[0].item() for point in points]\n"
        "    return min(smallest) > -1e-6",
    ],
    "05.1-schedule": [
        "def root_schedule(lr, half_time, steps):\n"
        "    return [lr / math.sqrt(1 + 3 * t / half_time) for t in range(steps)]",
        "def root_schedule(lr, half_time, steps):\n"
        "    beta, rates = (2**2 - 1) / half_time, []\n"
        "    while len(rates) < steps:\n"
        "        rates.append(lr / (1 + beta * len(rates)) ** 0.5)\n"
        "    return rates",
        "def root_schedule(lr, half_time, steps):\n"
        "    return (lr * (1 + 3 * torch.arange(steps).double() / half_time).rsqrt()).tolist()",
    ],
    "05.1-bug": [
        # a new leaf in each step
        "def repaired(X, y, lr, steps):\n"
        "    w = torch.zeros(X.shape[1], requires_grad=True)\n"
        "    for _ in range(steps):\n"
        "        (((X @ w - y) ** 2).mean() / 2).backward()\n"
        "        w = (w - lr * w.grad).detach().requires_grad_()\n"
        "    return w",
        "def repaired(X, y, lr, steps):\n"
        "    w = torch.zeros(X.shape[1])\n"
        "    for _ in range(steps):\n"
        "        w = w - lr * X.T @ (X @ w - y) / len(y)\n"
        "    return w",
        "def repaired(X, y, lr, steps):\n"
        "    def loss(w):\n"
        "        return ((X @ w - y) ** 2).mean() / 2\n"
        "    w = torch.zeros(X.shape[1])\n"
        "    for _ in range(steps):\n"
        "        w = w - lr * grad(loss)(w)\n"
        "    return w",
        "def repaired(X, y, lr, steps):\n"
        "    w = torch.zeros(X.shape[1], requires_grad=True)\n"
        "    optimizer = torch.optim.SGD([w], lr=2 * lr)\n"
        "    for _ in range(steps):\n"
        "        optimizer.zero_grad()\n"
        "        (F.mse_loss(X @ w, y) / 4).backward()\n"
        "        optimizer.step()\n"
        "    return w.detach()",
        "def repaired(X, y, lr, steps):\n"
        "    w = torch.zeros(X.shape[1], requires_grad=True)\n"
        "    for _ in range(steps):\n"
        "        (((X @ w - y) ** 2).sum() / 2 / len(X)).backward()\n"
        "        with torch.no_grad():\n"
        "            w -= lr * w.grad\n"
        "            w.grad.zero_()\n"
        "    return w",
    ],
    "05.1-noise": [
        "def batch_noise(G, batch_size, replacement):\n"
        "    N, single = len(G), G.var(0, correction=0).sum().item()\n"
        "    if replacement:\n"
        "        return single / batch_size\n"
        "    return single * (N - batch_size) / (N - 1) / batch_size",
        "def batch_noise(G, batch_size, replacement):\n"
        "    N = len(G)\n"
        "    between = torch.cdist(G.double(), G.double()).square().sum().item() / (2 * N * N)\n"
        "    return between * (1 / batch_size if replacement else (N / batch_size - 1) / (N - 1))",
        "def batch_noise(G, batch_size, replacement):\n"
        "    D = G - G.mean(0)\n"
        "    unbiased = float((D * D).sum()) / (len(G) - 1)\n"
        "    share = (len(G) - 1) / len(G) if replacement else 1 - batch_size / len(G)\n"
        "    return unbiased * share / batch_size",
    ],
}
