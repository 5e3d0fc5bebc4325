"""Plausible wrong answers to the exercises of notebook 5.1; each must fail with a hint."""

WRONG = {
    "05.1-limit": [
        "def largest_rate(H):\n    return 2 / torch.linalg.eigvalsh(H)[0].item()",
        "def largest_rate(H):\n    return 1 / torch.linalg.eigvalsh(H)[-1].item()",
        "def largest_rate(H):\n    return 2 / H.trace().item()",
        "def largest_rate(H):\n    return 2 / H.diagonal().max().item()",
        "def largest_rate(H):\n    return 2 / H.norm().item()",
        "def largest_rate(H):\n    return 2 / H.abs().sum(1).max().item()",
        "def largest_rate(H):\n    return 2 / H.max().item()",
        # the best rate
        "def largest_rate(H):\n    e = torch.linalg.eigvalsh(H)\n    return 2 / (e[0] + e[-1]).item()",
        # as if the ½ were in the gradient
        "def largest_rate(H):\n    return 4 / torch.linalg.eigvalsh(H)[-1].item()",
        # a tensor
        "def largest_rate(H):\n    return 2 / torch.linalg.eigvalsh(H)[-1]",
    ],
    "05.1-newton": [
        "def newton_direction(f, x):\n    return -torch.linalg.solve(hessian(f, x), grad(f)(x))",
        "def newton_direction(f, x):\n    return newton_step(f, x)",
        "def newton_direction(f, x):\n    return -grad(f)(x) / hessian(f, x).diagonal().abs()",
        "def newton_direction(f, x):\n    return -torch.linalg.solve(hessian(f, x).abs(), grad(f)(x))",
        "def newton_direction(f, x):\n"
        "    e, Q = torch.linalg.eigh(hessian(f, x))\n"
        "    return Q @ ((Q.T @ grad(f)(x)) / e.abs())",
        "def newton_direction(f, x):\n"
        "    e, Q = torch.linalg.eigh(hessian(f, x))\n"
        "    return -Q.T @ ((Q @ grad(f)(x)) / e.abs())",
        "def newton_direction(f, x):\n"
        "    e, Q = torch.linalg.eigh(hessian(f, x))\n"
        "    return -Q @ ((Q.T @ grad(f)(x)) * e.abs())",
        "def newton_direction(f, x):\n"
        "    e, Q = torch.linalg.eigh(hessian(f, x))\n"
        "    return x - Q @ ((Q.T @ grad(f)(x)) / e.abs())",
        # negative curvature left out
        "def newton_direction(f, x):\n"
        "    e, Q = torch.linalg.eigh(hessian(f, x))\n"
        "    return -Q @ ((Q.T @ grad(f)(x)) / e.clamp(min=1e-3))",
        "def newton_direction(f, x):\n    return -grad(f)(x)",
        # only the determinant's sign
        "def newton_direction(f, x):\n"
        "    H = hessian(f, x)\n"
        "    return -torch.sign(torch.linalg.det(H)) * torch.linalg.solve(H, grad(f)(x))",
    ],
    "05.1-convex": [
        "def looks_convex(f, points):\n    return all(torch.linalg.det(hessian(f, p)).item() >= -1e-6 for p in points)",
        "def looks_convex(f, points):\n    return bool(all((hessian(f, p).diagonal() >= -1e-6).all() for p in points))",
        "def looks_convex(f, points):\n"
        "    return any((torch.linalg.eigvalsh(hessian(f, p)) >= -1e-6).all().item() for p in points)",
        "def looks_convex(f, points):\n"
        "    return all(torch.linalg.eigvalsh(hessian(f, p))[-1].item() >= 0 for p in points)",
        "def looks_convex(f, points):\n"
        "    return all(torch.linalg.eigvalsh(hessian(f, p))[0].item() > 0 for p in points)",
        "def looks_convex(f, points):\n    return all((hessian(f, p) >= -1e-6).all().item() for p in points)",
        "def looks_convex(f, points):\n    return all(hessian(f, p).trace().item() >= -1e-6 for p in points)",
        # the first point only
        "def looks_convex(f, points):\n    return torch.linalg.eigvalsh(hessian(f, points[0]))[0].item() >= -1e-6",
        # the mean point
        "def looks_convex(f, points):\n    return torch.linalg.eigvalsh(hessian(f, points.mean(0)))[0].item() >= -1e-6",
        # a chord between the points
        "def looks_convex(f, points):\n"
        "    return bool(f(points.mean(0)) <= torch.stack([f(p) for p in points]).mean() + 1e-6)",
        # determinant and first entry: enough in two dimensions only when both are positive
        "def looks_convex(f, points):\n"
        "    H = torch.stack([hessian(f, p) for p in points])\n"
        "    return bool((torch.linalg.det(H) >= -1e-6).all() and (H[:, 0, 0] >= -1e-6).all())",
        "def looks_convex(f, points):\n    return True",
    ],
    "05.1-schedule": [
        "def root_schedule(lr, half_time, steps):\n    return [lr * (1 + t / half_time) ** -0.5 for t in range(steps)]",
        "def root_schedule(lr, half_time, steps):\n    return [lr / (1 + t / half_time) for t in range(steps)]",
        "def root_schedule(lr, half_time, steps):\n    return [lr * 0.5 ** (t / half_time) for t in range(steps)]",
        "def root_schedule(lr, half_time, steps):\n"
        "    return [lr * (1 + 3 * t / half_time) ** -0.5 for t in range(1, steps + 1)]",
        "def root_schedule(lr, half_time, steps):\n"
        "    return [lr * (1 + 3 * t / half_time) ** -0.5 for t in range(steps + 1)]",
        "def root_schedule(lr, half_time, steps):\n"
        "    return [lr * (1 + 4 * t / half_time) ** -0.5 for t in range(steps)]",
        "def root_schedule(lr, half_time, steps):\n"
        "    return [lr * (1 + 3 * t * half_time) ** -0.5 for t in range(steps)]",
        "def root_schedule(lr, half_time, steps):\n    return [(1 + 3 * t / half_time) ** -0.5 for t in range(steps)]",
        # each from the one before
        "def root_schedule(lr, half_time, steps):\n"
        "    rates = []\n"
        "    for t in range(steps):\n"
        "        lr = lr * (1 + 3 * t / half_time) ** -0.5\n"
        "        rates.append(lr)\n"
        "    return rates",
        # a tensor
        "def root_schedule(lr, half_time, steps):\n    return lr * (1 + 3 * torch.arange(steps) / half_time) ** -0.5",
        # the textbook's constant, whatever the half-time
        "def root_schedule(lr, half_time, steps):\n    return [lr * (1 + 0.1 * t) ** -0.5 for t in range(steps)]",
        # the half-time cut or rounded to a whole step
        "def root_schedule(lr, half_time, steps):\n"
        "    return [lr * (1 + 3 * t / int(half_time)) ** -0.5 for t in range(steps)]",
        "def root_schedule(lr, half_time, steps):\n"
        "    return [lr * (1 + 3 * t / round(half_time)) ** -0.5 for t in range(steps)]",
        "def root_schedule(lr, half_time, steps):\n"
        "    return [lr * (1 + 3 * t / math.ceil(half_time)) ** -0.5 for t in range(steps)]",
    ],
    "05.1-bug": [
        # the gradients still add up
        "def repaired(X, y, lr, steps):\n"
        "    w = torch.zeros(X.shape[1], requires_grad=True)\n"
        "    for _ in range(steps):\n"
        "        (((X @ w - y) ** 2).mean() / 2).backward()\n"
        "        with torch.no_grad():\n"
        "            w -= lr * w.grad\n"
        "    return w.detach()",
        # still a sum
        "def repaired(X, y, lr, steps):\n"
        "    w = torch.zeros(X.shape[1])\n"
        "    for _ in range(steps):\n"
        "        w = w - lr * X.T @ (X @ w - y)\n"
        "    return w",
        # not halved
        "def repaired(X, y, lr, steps):\n"
        "    w = torch.zeros(X.shape[1])\n"
        "    for _ in range(steps):\n"
        "        w = w - lr * grad(lambda w: F.mse_loss(X @ w, y))(w)\n"
        "    return w",
        # over the columns
        "def repaired(X, y, lr, steps):\n"
        "    w = torch.zeros(X.shape[1])\n"
        "    for _ in range(steps):\n"
        "        w = w - lr * X.T @ (X @ w - y) / X.shape[1]\n"
        "    return w",
        # nothing changed
        "def repaired(X, y, lr, steps):\n"
        "    w = torch.zeros(X.shape[1], requires_grad=True)\n"
        "    for _ in range(steps):\n"
        "        (((X @ w - y) ** 2).sum() / 2).backward()\n"
        "        with torch.no_grad():\n"
        "            w -= lr * w.grad\n"
        "    return w.detach()",
        # set to zero before the step
        "def repaired(X, y, lr, steps):\n"
        "    w = torch.zeros(X.shape[1], requires_grad=True)\n"
        "    for _ in range(steps):\n"
        "        (((X @ w - y) ** 2).mean() / 2).backward()\n"
        "        w.grad.zero_()\n"
        "        with torch.no_grad():\n"
        "            w -= lr * w.grad\n"
        "    return w.detach()",
        # one step too many
        "def repaired(X, y, lr, steps):\n"
        "    w = torch.zeros(X.shape[1])\n"
        "    for _ in range(steps + 1):\n"
        "        w = w - lr * X.T @ (X @ w - y) / len(y)\n"
        "    return w",
        # after the first step w does not require a gradient, or is no leaf
        "def repaired(X, y, lr, steps):\n"
        "    w = torch.zeros(X.shape[1], requires_grad=True)\n"
        "    for _ in range(steps):\n"
        "        (((X @ w - y) ** 2).mean() / 2).backward()\n"
        "        with torch.no_grad():\n"
        "            w = w - lr * w.grad\n"
        "    return w",
        "def repaired(X, y, lr, steps):\n"
        "    w = torch.zeros(X.shape[1], requires_grad=True)\n"
        "    for _ in range(steps):\n"
        "        (((X @ w - y) ** 2).mean() / 2).backward()\n"
        "        w = (w - lr * w.grad).detach()\n"
        "    return w",
        "def repaired(X, y, lr, steps):\n"
        "    w = torch.zeros(X.shape[1], requires_grad=True)\n"
        "    for _ in range(steps):\n"
        "        (((X @ w - y) ** 2).mean() / 2).backward()\n"
        "        w.requires_grad_(False)\n"
        "        w -= lr * w.grad\n"
        "    return w",
        # a loss without a graph
        "def repaired(X, y, lr, steps):\n"
        "    w = torch.zeros(X.shape[1], requires_grad=True)\n"
        "    for _ in range(steps):\n"
        "        w.grad = torch.zeros_like(w)\n"
        "        (((X @ w.detach() - y) ** 2).mean() / 2).requires_grad_().backward()\n"
        "        with torch.no_grad():\n"
        "            w -= lr * w.grad\n"
        "    return w",
        # the exact solution
        "def repaired(X, y, lr, steps):\n    return torch.linalg.lstsq(X, y.unsqueeze(1)).solution.squeeze(1)",
        # a smaller rate in place of the mean, and the sum kept
        "def repaired(X, y, lr, steps):\n"
        "    w = torch.zeros(X.shape[1])\n"
        "    for _ in range(steps):\n"
        "        w = w - 0.1 * lr * X.T @ (X @ w - y)\n"
        "    return w",
    ],
    "05.1-noise": [
        "def batch_noise(G, batch_size, replacement):\n    return G.var(0, correction=0).sum().item() / batch_size",
        "def batch_noise(G, batch_size, replacement):\n"
        "    factor = 1 if replacement else (len(G) - batch_size) / (len(G) - 1)\n"
        "    return G.var(0).sum().item() / batch_size * factor",
        "def batch_noise(G, batch_size, replacement):\n"
        "    factor = 1 if replacement else (len(G) - batch_size) / len(G)\n"
        "    return G.var(0, correction=0).sum().item() / batch_size * factor",
        "def batch_noise(G, batch_size, replacement):\n"
        "    factor = 1 if replacement else (len(G) - batch_size) / (len(G) - 1)\n"
        "    return G.var(0, correction=0).mean().item() / batch_size * factor",
        "def batch_noise(G, batch_size, replacement):\n"
        "    factor = 1 if replacement else (len(G) - batch_size) / (len(G) - 1)\n"
        "    return G.var(0, correction=0).sum().item() / batch_size**0.5 * factor",
        "def batch_noise(G, batch_size, replacement):\n"
        "    factor = 1 if replacement else (len(G) - batch_size) / (len(G) - 1)\n"
        "    return (G.var(0, correction=0).sum().item() / batch_size * factor) ** 0.5",
        "def batch_noise(G, batch_size, replacement):\n"
        "    factor = 1 if replacement else (len(G) - batch_size) / (len(G) - 1)\n"
        "    return G.square().sum(1).mean().item() / batch_size * factor",
        # exchanged
        "def batch_noise(G, batch_size, replacement):\n"
        "    factor = (len(G) - batch_size) / (len(G) - 1) if replacement else 1\n"
        "    return G.var(0, correction=0).sum().item() / batch_size * factor",
        # an estimate from random batches
        "def batch_noise(G, batch_size, replacement):\n"
        "    found = []\n"
        "    for _ in range(2000):\n"
        "        rows = torch.randint(len(G), (batch_size,)) if replacement else torch.randperm(len(G))[:batch_size]\n"
        "        found.append((G[rows].mean(0) - G.mean(0)).square().sum().item())\n"
        "    return sum(found) / len(found)",
        "def batch_noise(G, batch_size, replacement):\n"
        "    factor = 1 if replacement else (len(G) - batch_size) / (len(G) - 1)\n"
        "    return G.std(0, correction=0).sum().item() / batch_size * factor",
    ],
}
