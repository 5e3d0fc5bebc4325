"""Right answers to the exercises of notebook 1.3 that differ from the folded solution; each must pass."""

RIGHT = {
    "01.3-top-k": [
        "def top_k_accuracy(scores, target, k):\n"
        "    own = scores[torch.arange(len(target)), target]\n"
        "    above = (scores > own[:, None]).sum(dim=1)\n    return float((above < k).double().mean())",
        "def top_k_accuracy(scores, target, k):\n"
        "    hits = 0\n"
        "    for row, label in zip(scores.tolist(), target.tolist()):\n"
        "        hits += label in sorted(range(len(row)), key=lambda j: -row[j])[:k]\n"
        "    return hits / len(target)",
        "def top_k_accuracy(scores, target, k):\n"
        "    order = scores.numpy().argsort(1)[:, ::-1][:, :k]\n"
        "    return float((order == target.numpy()[:, None]).any(1).mean())",
    ],
    "01.3-confusion": [
        "def confusion_matrix(true, predicted, classes):\n"
        "    return F.one_hot(true, classes).T @ F.one_hot(predicted, classes)",
        "def confusion_matrix(true, predicted, classes):\n"
        "    counts = torch.zeros(classes, classes, dtype=torch.long)\n"
        "    return counts.index_put_((true, predicted), torch.ones_like(true), accumulate=True)",
        "def confusion_matrix(true, predicted, classes):\n"
        "    counts = torch.zeros(classes * classes, dtype=torch.int64)\n"
        "    counts.scatter_add_(0, true * classes + predicted, torch.ones_like(true))\n"
        "    return counts.reshape(classes, classes)",
        "def confusion_matrix(true, predicted, classes):\n"
        "    label = torch.arange(classes)\n"
        "    return ((true[:, None, None] == label[:, None]) & (predicted[:, None, None] == label)).sum(0)",
    ],
    "01.3-centre": [
        "def centre_of_mass(image):\n"
        "    s = image / image.sum()\n"
        "    return tuple((s.sum(1 - axis) @ torch.arange(n).float()).item() for axis, n in enumerate(s.shape))",
        "def centre_of_mass(image):\n"
        "    rows, columns = torch.meshgrid(*map(torch.arange, image.shape), indexing='ij')\n"
        "    ink = image.sum()\n    return float((rows * image).sum() / ink), float((columns * image).sum() / ink)",
        "def centre_of_mass(image):\n"
        "    row = column = ink = 0.0\n"
        "    for i, line in enumerate(image.tolist()):\n"
        "        for j, value in enumerate(line):\n"
        "            row, column, ink = row + i * value, column + j * value, ink + value\n"
        "    return row / ink, column / ink",
    ],
    "01.3-paired": [
        "def paired_error(right_a, right_b):\n"
        "    n = len(right_a)\n"
        "    only_a, only_b = (right_a & ~right_b).sum().item(), (right_b & ~right_a).sum().item()\n"
        "    gap = (only_a - only_b) / n\n"
        "    return gap, ((only_a + only_b - n * gap**2) / (n - 1) / n) ** 0.5",
        "import statistics\n\n\ndef paired_error(right_a, right_b):\n"
        "    gaps = [a - b for a, b in zip(right_a.tolist(), right_b.tolist())]\n"
        "    return statistics.fmean(gaps), statistics.stdev(gaps) / len(gaps) ** 0.5",
        "import numpy as np\n\n\ndef paired_error(right_a, right_b):\n"
        "    gap = right_a.numpy().astype(float) - right_b.numpy()\n"
        "    return float(gap.mean()), float(gap.std(ddof=1) / np.sqrt(len(gap)))",
    ],
}
