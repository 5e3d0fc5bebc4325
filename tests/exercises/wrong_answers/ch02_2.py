"""Plausible wrong answers to the exercises of notebook 2.2; each must be found out."""

WRONG = {
    "02.2-count": [
        "def lenet_parameters(size, classes=10):\n"
        "    side = size // 4\n"
        "    return 156 + 2416 + (16 * side * side + 1) * 120 + 121 * 84 + 85 * classes",
        "def lenet_parameters(size, classes=10):\n"
        "    side = (size // 2 - 4) // 2\n"
        "    return 150 + 2400 + 16 * side * side * 120 + 120 * 84 + 84 * classes",
        "def lenet_parameters(size, classes=10):\n    return 61706",
    ],
    "02.2-shift": [
        "def shift(images, down, right):\n    return images.roll((down, right), (-2, -1))",
        "def shift(images, down, right):\n    return F.pad(images, (down, -down, right, -right))",
        "def shift(images, down, right):\n    return F.pad(images, (-right, right, -down, down))",
    ],
    "02.2-merge": [
        "def merge(a, b):\n"
        "    one = nn.Conv2d(a.in_channels, a.out_channels, a.kernel_size, bias=a.bias is not None)\n"
        "    with torch.no_grad():\n"
        "        one.weight.copy_(a.weight + b.weight)\n"
        "        if a.bias is not None:\n"
        "            one.bias.copy_(a.bias + b.bias)\n"
        "    return one",
        "def merge(a, b):\n"
        "    with torch.no_grad():\n"
        "        a.weight += b.weight\n"
        "        if a.bias is not None:\n"
        "            a.bias += b.bias\n"
        "    return a",
    ],
    "02.2-fold": [
        "def fold(conv, mean, std):\n"
        "    folded = nn.Conv2d(conv.in_channels, conv.out_channels, conv.kernel_size)\n"
        "    with torch.no_grad():\n"
        "        folded.weight.copy_(conv.weight / std)\n"
        "        folded.bias.copy_(conv.bias - mean / std)\n"
        "    return folded",
        "def fold(conv, mean, std):\n"
        "    folded = nn.Conv2d(conv.in_channels, conv.out_channels, conv.kernel_size)\n"
        "    with torch.no_grad():\n"
        "        folded.weight.copy_(conv.weight / std)\n"
        "        folded.bias.copy_((conv.bias - mean * conv.weight.sum((1, 2, 3))) / std)\n"
        "    return folded",
    ],
}
