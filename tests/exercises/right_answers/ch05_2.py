"""Right answers to the exercises of notebook 5.2 that differ from the folded solutions; each must pass."""

RIGHT = {
    "05.2-by-hand": [
        "positions = (4.0, 0.0, -2.0)",
        "positions = torch.tensor([4, 0, -2])",
        "x, v, positions = 8.0, 0.0, []\n"
        "for _ in range(3):\n"
        "    v = 0.5 * v + 2 * x\n"
        "    x = x - 0.25 * v\n"
        "    positions.append(x)",
    ],
    "05.2-stable": [
        "def is_stable(lr, curvatures, beta):\n"
        "    return min(curvatures) > 0 and lr > 0 and lr * max(curvatures) < 2 * (1 + beta)",
        # by the eigenvalues
        "def is_stable(lr, curvatures, beta):\n"
        "    for c in curvatures:\n"
        "        A = torch.tensor([[beta, c], [-lr * beta, 1 - lr * c]], dtype=torch.float64)\n"
        "        if torch.linalg.eigvals(A).abs().max() >= 1:\n"
        "            return False\n"
        "    return True",
        # by trying
        "def is_stable(lr, curvatures, beta):\n"
        "    for c in curvatures:\n"
        "        w, v = 1.0, 0.0\n"
        "        for _ in range(3000):\n"
        "            v = beta * v + c * w\n"
        "            w -= lr * v\n"
        "            if abs(w) > 1e9:\n"
        "                return False\n"
        "        if abs(w) > 1e-3:\n"
        "            return False\n"
        "    return True",
    ],
    "05.2-centered": [
        "def centered_rmsprop(w, g, memory, *, lr=0.01, gamma=0.99, eps=1e-8):\n"
        "    if 's' not in memory:\n"
        "        memory['s'], memory['m'] = torch.zeros_like(g), torch.zeros_like(g)\n"
        "    memory['s'].mul_(gamma).addcmul_(g, g, value=1 - gamma)\n"
        "    memory['m'].mul_(gamma).add_(g, alpha=1 - gamma)\n"
        "    return lr * g / (memory['s'].addcmul(memory['m'], memory['m'], value=-1).sqrt() + eps)",
        "def centered_rmsprop(w, g, memory, *, lr=0.01, gamma=0.99, eps=1e-8):\n"
        "    s, m = memory.get('pair', (torch.zeros_like(g), torch.zeros_like(g)))\n"
        "    s, m = s + (1 - gamma) * (g * g - s), m + (1 - gamma) * (g - m)\n"
        "    memory['pair'] = s, m\n"
        "    return g * lr / (torch.sqrt(s - m * m) + eps)",
    ],
    "05.2-patients": [
        'diagnoses = {"D": "counts from 2", "C": "forgets v", "B": "eps inside the root", "A": "no correction of s"}',
        'diagnoses = dict(zip("ABCD", ("No correction of s", "EPS inside the root", "forgets v ", "counts from 2.")))',
    ],
    "05.2-adamax": [
        "def adamax(w, g, memory, *, lr=2e-3, beta1=0.9, beta2=0.999, eps=1e-8):\n"
        "    v, u = memory.get('vu', (torch.zeros_like(g), torch.zeros_like(g)))\n"
        "    v, u = torch.lerp(v, g, 1 - beta1), torch.max(u * beta2, g.abs())\n"
        "    memory['vu'] = v, u\n"
        "    return lr * (v / (1 - beta1 ** memory['t'])) / (u + eps)",
        # PyTorch's place of ε
        "def adamax(w, g, memory, *, lr=2e-3, beta1=0.9, beta2=0.999, eps=1e-8):\n"
        "    memory['v'] = beta1 * memory.get('v', 0) + (1 - beta1) * g\n"
        "    old = memory.get('u')\n"
        "    memory['u'] = g.abs() if old is None else torch.where(beta2 * old > g.abs(), beta2 * old, g.abs())\n"
        "    return lr * memory['v'] / ((1 - beta1 ** memory['t']) * (memory['u'] + eps))",
    ],
    "05.2-resume": [
        "def go_on(make, saved, batches):\n"
        "    parts = dict(zip(('net', 'optimizer', 'scheduler'), make()))\n"
        "    for name, part in parts.items():\n"
        "        part.load_state_dict(saved[name])\n"
        "    for x, y in batches:\n"
        "        loss = F.cross_entropy(parts['net'](x), y)\n"
        "        parts['optimizer'].zero_grad()\n"
        "        loss.backward()\n"
        "        parts['optimizer'].step()\n"
        "        parts['scheduler'].step()\n"
        "    return parts['net']",
        "def go_on(make, saved, batches):\n"
        "    net, optimizer, scheduler = make()\n"
        "    scheduler.load_state_dict(saved['scheduler'])\n"
        "    optimizer.load_state_dict(saved['optimizer'])\n"
        "    net.load_state_dict(saved['net'])\n"
        "    for x, y in batches:\n"
        "        net.zero_grad(set_to_none=False)\n"
        "        nn.CrossEntropyLoss()(net(x), y).backward()\n"
        "        optimizer.step()\n"
        "        scheduler.step()\n"
        "    return net",
    ],
}
