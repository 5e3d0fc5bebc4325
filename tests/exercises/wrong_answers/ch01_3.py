"""Plausible wrong answers to the exercises of notebook 1.3; each must be found out."""

_TOP = "def top_k_accuracy(scores, target, k):\n    best = scores.topk(k, dim=1).indices\n"
_CONFUSION = (
    "def confusion_matrix(true, predicted, classes):\n"
    "    counts = torch.bincount(classes * true + predicted, minlength=classes**2).view(classes, classes)\n"
    "    return "
)
_CENTRE = (
    "def centre_of_mass(image):\n"
    "    height, width = image.shape\n    total = image.sum()\n"
    "    row = (torch.arange(height) * image.sum(1)).sum() / total\n"
    "    column = (torch.arange(width) * image.sum(0)).sum() / total\n"
    "    return "
)
_PAIRED = (
    "def paired_error(right_a, right_b):\n"
    "    gap = right_a.float() - right_b.float()\n"
    "    mean, error = gap.mean(), gap.std() / len(gap) ** 0.5\n"
    "    return "
)

WRONG = {
    "01.3-top-k": [
        "def top_k_accuracy(scores, target, k):\n    return (scores.argmax(1) == target).float().mean().item()",
        "def top_k_accuracy(scores, target, k):\n"
        "    return (scores.topk(k, dim=1, largest=False).indices == target[:, None]).any(1).float().mean().item()",
        _TOP + "    return (best == target[:, None]).any(1).float().mean()",  # a tensor
        _TOP + "    return (best == target[:, None]).any(1).float().mean().numpy()[()]",
        _TOP + "    return (best == target[:, None]).any(1).sum().item()",  # how many, not the share
        _TOP + "    return 100 * (best == target[:, None]).any(1).float().mean().item()",
        _TOP + "    return (best == target[:, None]).float().mean().item()",  # over N·k comparisons
        _TOP + "    return (best == target[:, None]).all(1).float().mean().item()",
        _TOP + "    return (best[:, -1] == target).float().mean().item()",  # the k-th place only
        _TOP + "    return str((best == target[:, None]).any(1).float().mean().item())",
        _TOP.replace("dim=1", "dim=0") + "    return (best == target[:k, None]).any(1).float().mean().item()",
        # sorts the scores in place
        "def top_k_accuracy(scores, target, k):\n"
        "    own = scores.gather(1, target[:, None]).clone()\n"
        "    scores.copy_(scores.sort(1, descending=True).values)\n"
        "    return (own >= scores[:, k - 1 : k]).float().mean().item()",
        # off by one
        "def top_k_accuracy(scores, target, k):\n"
        "    own = scores.gather(1, target[:, None])\n"
        "    return ((scores > own).sum(1) <= k).float().mean().item()",
    ],
    "01.3-confusion": [
        "def confusion_matrix(true, predicted, classes):\n"
        "    return torch.bincount(classes * predicted + true, minlength=classes**2).view(classes, classes)",
        "def confusion_matrix(true, predicted, classes):\n"
        "    n = int(max(true.max(), predicted.max())) + 1\n"
        "    return torch.bincount(n * true + predicted, minlength=n**2).view(n, n)",
        _CONFUSION + "counts.float()",
        _CONFUSION + "counts.int()",
        _CONFUSION + "counts.tolist()",
        _CONFUSION + "counts.numpy()",
        _CONFUSION + "counts / len(true)",
        _CONFUSION + "counts.flatten()",
        _CONFUSION.replace("classes * true", "10 * true") + "counts",
        # loops
        "def confusion_matrix(true, predicted, classes):\n"
        "    counts = torch.zeros(classes, classes, dtype=torch.int64)\n"
        "    for i, j in zip(true, predicted):\n        counts[i, j] += 1\n"
        "    return counts",
        "def confusion_matrix(true, predicted, classes):\n"
        "    def row(i):\n        return [((true == i) & (predicted == j)).sum() for j in range(classes)]\n"
        "    return torch.tensor([row(i) for i in range(classes)])",
        "def confusion_matrix(true, predicted, classes):\n"
        "    counts, n = torch.zeros(classes, classes, dtype=torch.int64), len(true)\n"
        "    while n:\n        n -= 1\n        counts[true[n], predicted[n]] += 1\n"
        "    return counts",
        # counts a pair once, however often it occurs
        "def confusion_matrix(true, predicted, classes):\n"
        "    counts = torch.zeros(classes, classes, dtype=torch.int64)\n"
        "    counts[true, predicted] += 1\n    return counts",
        # changes true
        "def confusion_matrix(true, predicted, classes):\n"
        "    true *= classes\n    true += predicted\n"
        "    return torch.bincount(true, minlength=classes**2).view(classes, classes)",
    ],
    "01.3-centre": [
        "def centre_of_mass(image):\n    r, c = image.nonzero().float().mean(0)\n    return r.item(), c.item()",
        _CENTRE + "column.item(), row.item()",
        _CENTRE + "row, column",
        _CENTRE + "torch.stack([row, column])",
        _CENTRE + "[row.item(), column.item()]",
        _CENTRE + "row.item() + 1, column.item() + 1",
        _CENTRE + "round(row.item()), round(column.item())",
        _CENTRE + "row.numpy()[()], column.numpy()[()]",
        _CENTRE.replace("/ total", "/ image.numel()") + "row.item(), column.item()",
        _CENTRE.replace("width = image.shape", "width = 28, 28") + "row.item(), column.item()",
        _CENTRE.replace("arange(width)", "arange(height)") + "row.item(), column.item()",
        # the middle of the picture
        "def centre_of_mass(image):\n    h, w = image.shape\n    return (h - 1) / 2, (w - 1) / 2",
        # normalises in place
        "def centre_of_mass(image):\n"
        "    image /= image.sum()\n    h, w = image.shape\n"
        "    return (torch.arange(h) * image.sum(1)).sum().item(), (torch.arange(w) * image.sum(0)).sum().item()",
    ],
    "01.3-paired": [
        _PAIRED.replace(" / len(gap) ** 0.5", "") + "mean.item(), error.item()",
        "def paired_error(right_a, right_b):\n"
        "    a, b = right_a.float().mean(), right_b.float().mean()\n    n = len(right_a)\n"
        "    return (a - b).item(), ((a * (1 - a) + b * (1 - b)) / n).sqrt().item()",
        _PAIRED + "abs(mean.item()), error.item()",
        _PAIRED.replace("right_a.float() - right_b.float()", "(right_a.float() - right_b.float()).abs()")
        + "mean.item(), error.item()",
        _PAIRED + "-mean.item(), error.item()",
        _PAIRED + "mean, error",
        _PAIRED + "[mean.item(), error.item()]",
        _PAIRED + "mean.item()",
        _PAIRED + "mean.numpy()[()], error.numpy()[()]",
        _PAIRED.replace("gap.std()", "gap.std(correction=0)") + "mean.item(), error.item()",
        _PAIRED.replace(" ** 0.5", "") + "mean.item(), error.item()",
        _PAIRED.replace("right_a.float() - right_b.float()", "right_a - right_b") + "mean.item(), error.item()",
        _PAIRED.replace("right_a.float() - right_b.float()", "(right_a ^ right_b).float()")
        + "mean.item(), error.item()",
        _PAIRED.replace("len(gap)", "(len(gap) - 1)") + "mean.item(), error.item()",
    ],
}
