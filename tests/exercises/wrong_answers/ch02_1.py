"""Plausible wrong answers to the exercises of notebook 2.1; each must be found out."""

WRONG = {
    "02.1-size": [
        "def dilated_size(n, kernel, padding=0, stride=1, dilation=1):\n"
        "    return (n + 2 * padding - dilation * kernel) // stride + 1",
        "def dilated_size(n, kernel, padding=0, stride=1, dilation=1):\n"
        "    return (n + padding - dilation * (kernel - 1) - 1) // stride + 1",
    ],
    "02.1-strided": [
        "def corr2d_strided(X, K, stride=(1, 1), padding=(0, 0)):\n"
        "    down, right = padding\n"
        "    return corr2d(F.pad(X, (down, down, right, right)), K)[:: stride[0], :: stride[1]]",
        "def corr2d_strided(X, K, stride=(1, 1), padding=(0, 0)):\n"
        "    down, right = padding\n"
        "    return corr2d(F.pad(X, (right, right, down, down)), K)[:: stride[1], :: stride[0]]",
        "def corr2d_strided(X, K, stride=(1, 1), padding=(0, 0)):\n"
        "    X = X[:: stride[0], :: stride[1]]\n"
        "    return corr2d(F.pad(X, (padding[1], padding[1], padding[0], padding[0])), K)",
    ],
    "02.1-depthwise": [
        "def depthwise(X, K):\n    return F.conv2d(X, K.unsqueeze(0))",
        "def depthwise(X, K):\n    return F.conv2d(X, K.flip(-1, -2).unsqueeze(1), groups=X.shape[1])",
    ],
    "02.1-matrix": [
        "def as_matrix(K, height, width):\n"
        "    h, w = K.shape\n"
        "    rows, columns = height - h + 1, width - w + 1\n"
        "    M = K.new_zeros(rows, columns, height, width)\n"
        "    for i, j in itertools.product(range(rows), range(columns)):\n"
        "        M[i, j, i : i + h, j : j + w] = K\n"
        "    return M.view(rows * columns, height * width).T",
        "def as_matrix(K, height, width):\n"
        "    h, w = K.shape\n"
        "    rows, columns = height - h + 1, width - w + 1\n"
        "    M = K.new_zeros(rows, columns, height, width)\n"
        "    for i, j in itertools.product(range(rows), range(columns)):\n"
        "        M[i, j, i : i + h, j : j + w] = K.flip(0, 1)\n"
        "    return M.view(rows * columns, height * width)",
    ],
    "02.1-separable": [
        "def separate(K):\n    U, S, Vh = torch.linalg.svd(K)\n    return U[:, :1], Vh[:1]",
        "def separate(K):\n    U, S, Vh = torch.linalg.svd(K)\n    return U[:, 0] * S[0], Vh[0]",
        "def separate(K):\n    return K.mean(1, keepdim=True), K.mean(0, keepdim=True)",
    ],
}
