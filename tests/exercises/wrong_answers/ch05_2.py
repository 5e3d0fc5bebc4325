"""Plausible wrong answers to the exercises of notebook 5.2; each must fail with a hint."""

RULE = "def {}(w, g, memory, *, lr={}, {}eps=1e-8):\n"
CENTERED = RULE.format("centered_rmsprop", "0.01", "gamma=0.99, ") + (
    "    memory['s'] = gamma * memory.get('s', 0) + (1 - gamma) * g**2\n"
    "    memory['m'] = gamma * memory.get('m', 0) + (1 - gamma) * g\n"
    "    s, m = memory['s'], memory['m']\n"
)
ADAMAX = RULE.format("adamax", "2e-3", "beta1=0.9, beta2=0.999, ") + (
    "    memory['v'] = beta1 * memory.get('v', 0) + (1 - beta1) * g\n"
)
RESUME = "def go_on(make, saved, batches):\n    net, optimizer, scheduler = make()\n"
LOOP = (
    "    for x, y in batches:\n"
    "        optimizer.zero_grad()\n"
    "        F.cross_entropy(net(x), y).backward()\n"
    "        optimizer.step()\n"
    "        scheduler.step()\n"
    "    return net"
)
LOAD = [f"    {name}.load_state_dict(saved['{name}'])\n" for name in ("net", "optimizer", "scheduler")]

WRONG = {
    "05.2-by-hand": [
        # without momentum
        "positions = [4, 2, 1]",
        # the gradient is x
        "positions = [6, 3.5, 1.375]",
        # the gradient times 1 − β
        "positions = [6, 3.5, 1.375 + 0.125]",
        # the old velocity is used
        "positions = [8, 4, -2]",
        # β = 1
        "positions = [4, -2, -7]",
        # the velocities
        "positions = [16, 16, 8]",
        # Nesterov
        "positions = [2, -1, -1]",
        # the sign of the last step
        "positions = [4, 0, 2]",
        # the last only
        "positions = -2",
    ],
    "05.2-stable": [
        "def is_stable(lr, curvatures, beta):\n    return all(0 < lr * c < 2 for c in curvatures)",
        "def is_stable(lr, curvatures, beta):\n    return any(0 < lr * c < 2 + 2 * beta for c in curvatures)",
        "def is_stable(lr, curvatures, beta):\n    return all(lr * c < 2 + 2 * beta for c in curvatures)",
        "def is_stable(lr, curvatures, beta):\n    return all(abs(lr * c) < 2 + 2 * beta for c in curvatures)",
        "def is_stable(lr, curvatures, beta):\n    return all(0 < lr * c < 2 / (1 - beta) for c in curvatures)",
        "def is_stable(lr, curvatures, beta):\n    return all(0 < lr * c < 2 + beta for c in curvatures)",
        "def is_stable(lr, curvatures, beta):\n    return 0 < lr < 2 + 2 * beta and min(curvatures) > 0",
        "def is_stable(lr, curvatures, beta):\n"
        "    return 0 < lr * sum(curvatures) / len(curvatures) < 2 + 2 * beta and min(curvatures) > 0",
        "def is_stable(lr, curvatures, beta):\n    return 0 <= min(curvatures) and lr * max(curvatures) < 2 + 2 * beta",
        "def is_stable(lr, curvatures, beta):\n    return [0 < lr * c < 2 + 2 * beta for c in curvatures]",
    ],
    "05.2-centered": [
        CENTERED + "    return lr * g / (s.sqrt() + eps)",
        CENTERED + "    return lr * g / ((s - m).sqrt() + eps)",
        CENTERED + "    return lr * g / (s - m**2 + eps).sqrt()",
        CENTERED + "    return lr * m / ((s - m**2).sqrt() + eps)",
        CENTERED + "    return lr * (g - m) / ((s - m**2).sqrt() + eps)",
        CENTERED + "    return lr * g / (s - m**2 + eps)",
        # the mean with a rate of its own
        CENTERED.replace("gamma * memory.get('m', 0) + (1 - gamma) * g\n", "0.9 * memory.get('m', 0) + 0.1 * g\n")
        + "    return lr * g / ((s - m**2).clamp(min=0).sqrt() + eps)",
        # a memory for all tensors together
        "S, M = {}, {}\n"
        + CENTERED.replace("memory['s']", "S[0]")
        .replace("memory['m']", "M[0]")
        .replace("memory.get('s', 0)", "S.get(0, 0)")
        .replace("memory.get('m', 0)", "M.get(0, 0)")
        + "    return lr * g / ((s - m**2).clamp(min=0).sqrt() + eps)",
        # the gradient itself is kept
        CENTERED.replace(
            "memory['m'] = gamma * memory.get('m', 0) + (1 - gamma) * g\n",
            "memory['m'] = memory['m'] * gamma + (1 - gamma) * g if 'm' in memory else g\n",
        )
        + "    return lr * g / ((s - m**2).abs().sqrt() + eps)",
        # changes the weights and returns nothing
        CENTERED + "    w -= lr * g / ((s - m**2).sqrt() + eps)",
        # no lr
        CENTERED + "    return g / ((s - m**2).sqrt() + eps)",
    ],
    "05.2-patients": [
        'diagnoses = {"A": "no correction of v", "B": "eps inside the root", "C": "forgets v", "D": "counts from 2"}',
        'diagnoses = {"A": "no correction of s", "B": "s not squared", "C": "forgets v", "D": "counts from 2"}',
        'diagnoses = {"A": "no correction of s", "B": "forgets v", "C": "eps inside the root", "D": "counts from 2"}',
        'diagnoses = {"A": "counts from 2", "B": "eps inside the root", "C": "forgets v", "D": "no correction of s"}',
        'diagnoses = dict(A="no correction of s", B="eps inside the root", C="forgets v", D="no correction of v")',
        'diagnoses = {"A": 1, "B": 2, "C": 3, "D": 4}',
    ],
    "05.2-adamax": [
        # a correction of u too
        ADAMAX + "    memory['u'] = torch.maximum(beta2 * memory.get('u', 0 * g), g.abs())\n"
        "    t = memory['t']\n"
        "    return lr * memory['v'] / (1 - beta1**t) / (memory['u'] / (1 - beta2**t) + eps)",
        # none of v
        ADAMAX + "    memory['u'] = torch.maximum(beta2 * memory.get('u', 0 * g), g.abs())\n"
        "    return lr * memory['v'] / (memory['u'] + eps)",
        # nothing is forgotten
        ADAMAX + "    memory['u'] = torch.maximum(memory.get('u', 0 * g), g.abs())\n"
        "    return lr / (1 - beta1 ** memory['t']) * memory['v'] / (memory['u'] + eps)",
        # not the size
        ADAMAX + "    memory['u'] = torch.maximum(beta2 * memory.get('u', 0 * g), g)\n"
        "    return lr / (1 - beta1 ** memory['t']) * memory['v'] / (memory['u'] + eps)",
        # squares and a root
        ADAMAX + "    memory['u'] = torch.maximum(beta2 * memory.get('u', 0 * g), g**2)\n"
        "    return lr / (1 - beta1 ** memory['t']) * memory['v'] / (memory['u'].sqrt() + eps)",
        # one number for the tensor
        ADAMAX + "    memory['u'] = max(beta2 * memory.get('u', 0), g.abs().max())\n"
        "    return lr / (1 - beta1 ** memory['t']) * memory['v'] / (memory['u'] + eps)",
        # the weights (β₂, 1 − β₂) of a mean
        ADAMAX + "    memory['u'] = torch.maximum(beta2 * memory.get('u', 0 * g), (1 - beta2) * g.abs())\n"
        "    return lr / (1 - beta1 ** memory['t']) * memory['v'] / (memory['u'] + eps)",
        # a count of its own, one too many
        ADAMAX + "    memory['t'] += 1\n"
        "    memory['u'] = torch.maximum(beta2 * memory.get('u', 0 * g), g.abs())\n"
        "    return lr / (1 - beta1 ** memory['t']) * memory['v'] / (memory['u'] + eps)",
    ],
    "05.2-resume": [
        RESUME + LOAD[1] + LOAD[2] + LOOP,
        RESUME + LOAD[0] + LOAD[2] + LOOP,
        RESUME + LOAD[0] + LOAD[1] + LOOP,
        RESUME + LOAD[0] + LOOP,
        # no schedule
        RESUME + "".join(LOAD) + LOOP.replace("        scheduler.step()\n", ""),
        # the two steps exchanged
        RESUME
        + "".join(LOAD)
        + LOOP.replace(
            "        optimizer.step()\n        scheduler.step()\n",
            "        scheduler.step()\n        optimizer.step()\n",
        ),
        # one scheduler step for all
        RESUME
        + "".join(LOAD)
        + LOOP.replace("        scheduler.step()\n    return", "    scheduler.step()\n    return"),
        # gradients add up
        RESUME + "".join(LOAD) + LOOP.replace("        optimizer.zero_grad()\n", ""),
        # not the network
        RESUME + "".join(LOAD) + LOOP.replace("return net", "return net.state_dict()"),
        # a step too few
        RESUME + "".join(LOAD) + LOOP.replace("in batches", "in batches[1:]"),
    ],
}
