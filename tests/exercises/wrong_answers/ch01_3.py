"""Plausible wrong answers to the exercises of notebook 1.3; each must be found out."""

WRONG = {
    "01.3-top-k": [
        "def top_k_accuracy(scores, target, k):\n    return (scores.argmax(1) == target).float().mean().item()",
        "def top_k_accuracy(scores, target, k):\n"
        "    return (scores.topk(k, dim=1, largest=False).indices == target[:, None]).any(1).float().mean().item()",
    ],
    "01.3-confusion": [
        "def confusion_matrix(true, predicted, classes):\n"
        "    return torch.bincount(classes * predicted + true, minlength=classes**2).view(classes, classes)",
        "def confusion_matrix(true, predicted, classes):\n"
        "    n = int(max(true.max(), predicted.max())) + 1\n"
        "    return torch.bincount(n * true + predicted, minlength=n**2).view(n, n)",
    ],
    "01.3-centre": [
        "def centre_of_mass(image):\n    r, c = image.nonzero().float().mean(0)\n    return r.item(), c.item()",
        "def centre_of_mass(image):\n"
        "    h, w = image.shape\n    t = image.sum()\n"
        "    return ((torch.arange(w) * image.sum(0)).sum() / t).item(), "
        "((torch.arange(h) * image.sum(1)).sum() / t).item()",
    ],
    "01.3-paired": [
        "def paired_error(right_a, right_b):\n"
        "    gap = right_a.float() - right_b.float()\n    return gap.mean().item(), gap.std().item()",
        "def paired_error(right_a, right_b):\n"
        "    a, b = right_a.float().mean(), right_b.float().mean()\n    n = len(right_a)\n"
        "    return (a - b).item(), ((a * (1 - a) + b * (1 - b)) / n).sqrt().item()",
    ],
}
