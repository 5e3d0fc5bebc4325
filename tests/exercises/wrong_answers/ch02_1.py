"""Plausible wrong answers to the exercises of notebook 2.1; each must be found out."""

WRONG = {
    "02.1-size": [
        """\
def dilated_size(n, kernel, padding=0, stride=1, dilation=1):
    return (n + 2 * padding - dilation * kernel) // stride + 1""",
        """\
def dilated_size(n, kernel, padding=0, stride=1, dilation=1):
    return (n + padding - dilation * (kernel - 1) - 1) // stride + 1""",
        """\
def dilated_size(n, kernel, padding=0, stride=1, dilation=1):
    return (n + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1""",
        """\
def dilated_size(n, kernel, padding=0, stride=1, dilation=1):
    return float((n + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1)""",
        """\
def dilated_size(n, kernel, padding=0, stride=1, dilation=1):
    return torch.tensor((n + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1)""",
        """\
def dilated_size(n, kernel, padding=0, stride=1, dilation=1):
    return np.floor((n + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1)""",
        """\
def dilated_size(n, kernel, padding=0, stride=1, dilation=1):
    return str((n + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1)""",
        """\
def dilated_size(n, kernel, padding=1, stride=1, dilation=1):
    return (n + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1""",
        """\
def dilated_size(n, kernel, padding=0, stride=2, dilation=1):
    return (n + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1""",
        """\
def dilated_size(n, kernel, padding=0, stride=1, dilation=2):
    return (n + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1""",
        """\
def dilated_size(n, kernel, padding, stride, dilation):
    return (n + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1""",
        """\
def dilated_size(n, kernel, padding=0, stride=1, dilation=1):
    return round((n + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1""",
    ],
    "02.1-strided": [
        """\
def corr2d_strided(X, K, stride=(1, 1), padding=(0, 0)):
    down, right = padding
    return corr2d(F.pad(X, (down, down, right, right)), K)[:: stride[0], :: stride[1]]""",
        """\
def corr2d_strided(X, K, stride=(1, 1), padding=(0, 0)):
    down, right = padding
    return corr2d(F.pad(X, (right, right, down, down)), K)[:: stride[1], :: stride[0]]""",
        """\
def corr2d_strided(X, K, stride=(1, 1), padding=(0, 0)):
    X = X[:: stride[0], :: stride[1]]
    return corr2d(F.pad(X, (padding[1], padding[1], padding[0], padding[0])), K)""",
        """\
def corr2d_strided(X, K, stride=(1, 1), padding=(0, 0)):
    return F.conv2d(X[None, None], K[None, None], stride=stride, padding=padding)[0, 0]""",
        """\
def corr2d_strided(X, K, stride=(1, 1), padding=(0, 0)):
    return torch.conv2d(X[None, None], K[None, None], stride=stride, padding=padding)[0, 0]""",
        """\
def corr2d_strided(X, K, stride=(1, 1), padding=(0, 0)):
    layer = nn.Conv2d(1, 1, tuple(K.shape), stride=stride, padding=padding, bias=False)
    del layer.weight
    layer.weight = K[None, None]
    return layer(X[None])[0]""",
        """\
def corr2d_strided(X, K, stride=(1, 1), padding=(0, 0)):
    p, q = padding
    Z = torch.zeros(X.shape[0] + 2 * p, X.shape[1] + 2 * q)
    if padding == (0, 0):
        Z = X
    else:
        Z[p:-p, q:-q] = X
    return corr2d(Z, K)[:: stride[0], :: stride[1]]""",
        """\
def corr2d_strided(X, K, stride=(1, 1), padding=(0, 0)):
    (s, t), (p, q) = stride, padding
    Z = F.pad(X, (q, q, p, p))
    Y = torch.zeros((Z.shape[0] - 2) // s + 1, (Z.shape[1] - 3) // t + 1)
    for i in range(Y.shape[0]):
        for j in range(Y.shape[1]):
            Y[i, j] = (Z[i * s : i * s + 2, j * t : j * t + 3] * K).sum()
    return Y""",
        """\
def corr2d_strided(X, K, stride=(2, 2), padding=(0, 0)):
    p, q = padding
    return corr2d(F.pad(X, (q, q, p, p)), K)[:: stride[0], :: stride[1]]""",
        """\
def corr2d_strided(X, K, stride=(1, 1), padding=(1, 1)):
    p, q = padding
    return corr2d(F.pad(X, (q, q, p, p)), K)[:: stride[0], :: stride[1]]""",
        """\
def corr2d_strided(X, K, stride=(1, 1), padding=(0, 0)):
    p, q = padding
    with torch.no_grad():
        return corr2d(F.pad(X, (q, q, p, p)), K)[:: stride[0], :: stride[1]]""",
        """\
def corr2d_strided(X, K, stride=(1, 1), padding=(0, 0)):
    (h, w), (s, t), (p, q) = K.shape, stride, padding
    Z = F.pad(X, (q, q, p, p))
    rows = range(0, Z.shape[0] - h + 1, s)
    columns = range(0, Z.shape[1] - w + 1, t)
    return torch.tensor([[(Z[i : i + h, j : j + w] * K).sum().item() for j in columns] for i in rows])""",
        """\
def corr2d_strided(X, K, stride=(1, 1), padding=(0, 0)):
    (h, w), (s, t), (p, q) = K.shape, stride, padding
    Z = np.pad(X.numpy(), ((p, p), (q, q)))
    rows = range(0, Z.shape[0] - h + 1, s)
    columns = range(0, Z.shape[1] - w + 1, t)
    return np.array([[(Z[i : i + h, j : j + w] * K.numpy()).sum() for j in columns] for i in rows])""",
        """\
def corr2d_strided(X, K, stride=(1, 1), padding=(0, 0)):
    (h, w), (s, t), (p, q) = K.shape, stride, padding
    Z = F.pad(X, (q, q, p, p))
    Y = torch.zeros((Z.shape[0] - h) // s, (Z.shape[1] - w) // t)
    for i in range(Y.shape[0]):
        for j in range(Y.shape[1]):
            Y[i, j] = (Z[i * s : i * s + h, j * t : j * t + w] * K).sum()
    return Y""",
        """\
def corr2d_strided(X, K, stride=(1, 1), padding=(0, 0)):
    p, q = padding
    return corr2d(F.pad(X, (q, q, p, p)), K.flip(0, 1))[:: stride[0], :: stride[1]]""",
        """\
def corr2d_strided(X, K, stride=(1, 1), padding=(0, 0)):
    p, q = padding
    return corr2d(F.pad(X, (0, q, 0, p)), K)[:: stride[0], :: stride[1]]""",
        """\
def corr2d_strided(X, K, stride=(1, 1), padding=(0, 0)):
    p, q = padding
    Z = F.pad(X.unsqueeze_(0), (q, q, p, p), mode="constant")[0]
    return corr2d(Z, K)[:: stride[0], :: stride[1]]""",
        """\
def corr2d_strided(X, K, stride=(1, 1), padding=(0, 0)):
    p, q = padding
    Z = F.pad(X[None], (q, q, p, p), mode="replicate")[0]
    return corr2d(Z, K)[:: stride[0], :: stride[1]]""",
    ],
    "02.1-depthwise": [
        """\
def depthwise(X, K):
    return F.conv2d(X, K.unsqueeze(0))""",
        """\
def depthwise(X, K):
    return F.conv2d(X, K.flip(-1, -2).unsqueeze(1), groups=X.shape[1])""",
        """\
def depthwise(X, K):
    return torch.cat([F.conv2d(X[:, c : c + 1], K[c][None, None]) for c in range(len(K))], dim=1)""",
        """\
def depthwise(X, K):
    windows = X.unfold(2, K.shape[1], 1).unfold(3, K.shape[2], 1)
    return torch.einsum("nchwab,cab->nchw", windows, K)""",
        """\
def depthwise(X, K):
    return F.conv2d(X, K.unsqueeze_(1), groups=X.shape[1])""",
        """\
def depthwise(X, K):
    return torch.stack([F.conv2d(x[None], K[:, None], groups=len(K))[0] for x in X])""",
        """\
def depthwise(X, K):
    return F.conv2d(X, K.unsqueeze(1).repeat(1, X.shape[1], 1, 1))""",
        """\
def depthwise(X, K):
    return F.conv2d(X, K.unsqueeze(1), groups=X.shape[1], padding=1)""",
        """\
def depthwise(X, K):
    return F.conv2d(X, K.unsqueeze(1), groups=3)""",
        """\
def depthwise(X, K):
    return F.conv2d(X, K.detach().unsqueeze(1), groups=X.shape[1])""",
        """\
def depthwise(X, K):
    layer = nn.Conv2d(len(K), len(K), tuple(K.shape[1:]), groups=len(K), bias=False)
    layer.weight = nn.Parameter(K.unsqueeze(1))
    return layer(X)""",
        """\
def depthwise(X, K):
    return F.conv2d(X, K.unsqueeze(1), groups=X.shape[1]).numpy()""",
        """\
def depthwise(X, K):
    return F.conv2d(X, K.unsqueeze(1), groups=X.shape[1]).squeeze()""",
        """\
def depthwise(X, K):
    return F.conv2d(X, K.transpose(1, 2).unsqueeze(1), groups=X.shape[1])""",
        """\
def depthwise(X, K):
    C = len(K)
    return F.conv1d(X.flatten(0, 1).flatten(1)[None], K.flatten(1)[:, None].repeat(len(X), 1, 1), groups=len(X) * C)""",
    ],
    "02.1-matrix": [
        """\
def as_matrix(K, height, width):
    h, w = K.shape
    rows, columns = height - h + 1, width - w + 1
    M = K.new_zeros(rows, columns, height, width)
    for i, j in itertools.product(range(rows), range(columns)):
        M[i, j, i : i + h, j : j + w] = K
    return M.view(rows * columns, height * width).T""",
        """\
def as_matrix(K, height, width):
    h, w = K.shape
    rows, columns = height - h + 1, width - w + 1
    M = K.new_zeros(rows, columns, height, width)
    for i, j in itertools.product(range(rows), range(columns)):
        M[i, j, i : i + h, j : j + w] = K.flip(0, 1)
    return M.view(rows * columns, height * width)""",
        """\
def as_matrix(K, height, width):
    basis = torch.eye(height * width).view(-1, height, width)
    return torch.stack([corr2d(X, K).flatten() for X in basis], dim=1)""",
        """\
def as_matrix(K, height, width):
    basis = torch.eye(height * width).view(-1, 1, height, width)
    return F.conv2d(basis, K[None, None]).flatten(1).T""",
        """\
def as_matrix(K, height, width):
    basis = torch.eye(height * width).view(-1, 1, height, width)
    return (K.flatten() @ F.unfold(basis, tuple(K.shape))).T""",
        """\
def as_matrix(K, height, width):
    basis = torch.eye(height * width).view(-1, 1, height, width)
    return (K.flatten() @ nn.Unfold(tuple(K.shape))(basis)).T""",
        """\
def as_matrix(K, height, width):
    M = torch.func.jacrev(lambda X: corr2d(X, K).flatten())(torch.zeros(height, width))
    return M.flatten(1)""",
        """\
def as_matrix(K, height, width):
    h, w = K.shape
    M = torch.zeros((height - h + 1) * (width - w + 1), height * width)
    for r in range(len(M)):
        i, j = divmod(r, height - h + 1)
        for a in range(h):
            M[r, (i + a) * width + j : (i + a) * width + j + w] = K[a]
    return M""",
        """\
def as_matrix(K, height, width):
    h, w = K.shape
    rows, columns = height - h + 1, width - w + 1
    M = K.new_zeros(rows, columns, height, width)
    for i, j in itertools.product(range(rows), range(columns)):
        M[i, j, i : i + h, j : j + w] = K
    return M""",
        """\
def as_matrix(K, height, width):
    h, w = K.shape
    rows, columns = height - h + 1, width - w + 1
    M = np.zeros((rows, columns, height, width), dtype=np.float32)
    for i, j in itertools.product(range(rows), range(columns)):
        M[i, j, i : i + h, j : j + w] = K
    return M.reshape(rows * columns, height * width)""",
        """\
def as_matrix(K, height, width):
    h, w = K.shape
    rows, columns = height - h + 1, width - w + 1
    M = torch.zeros(rows, columns, height, width, dtype=torch.float64)
    for i, j in itertools.product(range(rows), range(columns)):
        M[i, j, i : i + h, j : j + w] = K
    return M.view(rows * columns, height * width)""",
        """\
def as_matrix(K, height, width):
    h, w = K.shape
    rows, columns = height - h + 1, width - w + 1
    M = K.new_zeros(rows, columns, height, width)
    for i, j in itertools.product(range(rows), range(rows)):
        M[i, j, i : i + h, j : j + w] = K
    return M.view(rows * columns, height * width)""",
        """\
def as_matrix(K, height, width):
    h, w = K.shape
    first = torch.zeros(height, width)
    first[:h, :w] = K
    return torch.stack([first.flatten().roll(s) for s in range((height - h + 1) * (width - w + 1))])""",
    ],
    "02.1-separable": [
        """\
def separate(K):
    U, S, Vh = torch.linalg.svd(K)
    return U[:, :1], Vh[:1]""",
        """\
def separate(K):
    U, S, Vh = torch.linalg.svd(K)
    return U[:, 0] * S[0], Vh[0]""",
        """\
def separate(K):
    return K.mean(1, keepdim=True), K.mean(0, keepdim=True)""",
        """\
def separate(K):
    return K[:, :1], K[:1] / K[0, 0]""",
        """\
def separate(K):
    return K[:, :1] / K[0, 0], K[:1]""",
        """\
def separate(K):
    row = K[:1]
    return K @ row.T / (row @ row.T), row""",
        """\
def separate(K):
    return K.sum(1, keepdim=True), K.sum(0, keepdim=True) / K.sum()""",
        """\
def separate(K):
    middle = K[K.shape[0] // 2, K.shape[1] // 2]
    return K[:, K.shape[1] // 2][:, None], K[K.shape[0] // 2][None] / middle""",
        """\
def separate(K):
    U, S, Vh = torch.linalg.svd(K)
    return Vh[:1], U[:, :1] * S[0]""",
        """\
def separate(K):
    U, S, V = torch.svd(K)
    return U[:, :1] * S[0], V[:1]""",
        """\
def separate(K):
    U, S, Vh = np.linalg.svd(K.numpy())
    return U[:, :1] * S[0], Vh[:1]""",
        """\
def separate(K):
    root = K.abs().max().sqrt()
    i, j = divmod(K.argmax().item(), K.shape[1])
    return K[:, j : j + 1] / K[i, j].sqrt(), K[i : i + 1] / K[i, j].sqrt()""",
        """\
def separate(K):
    U, S, Vh = torch.linalg.svd(K)
    return U * S[0], Vh[:1]""",
        """\
def separate(K):
    U, S, Vh = torch.linalg.svd(K)
    return (U[:, :3] * S[0])[:, :1].view(5, 1), Vh[:1]""",
        """\
def separate(K):
    size = K.norm()
    K /= size
    U, S, Vh = torch.linalg.svd(K)
    return U[:, :1] * size, Vh[:1]""",
        """\
def separate(K):
    U, S, Vh = torch.linalg.svd(K.double())
    return U[:, :1] * S[0], Vh[:1]""",
    ],
    "02.1-module": [
        # another convolution of PyTorch
        "class Conv(nn.Module):\n"
        "    def __init__(self, c_in, c_out, kernel_size, padding=0):\n"
        "        super().__init__()\n"
        "        self.padding = padding\n"
        "        self.weight = nn.Parameter(torch.randn(c_out, c_in, kernel_size, kernel_size))\n"
        "        self.bias = nn.Parameter(torch.zeros(c_out))\n"
        "    def forward(self, X):\n"
        "        p = [self.padding] * 2\n"
        "        return torch.convolution(X, self.weight, self.bias, [1, 1], p, [1, 1], False, [0, 0], 1)",
        """\
class Conv(nn.Module):
    def __init__(self, c_in, c_out, kernel_size, padding=0):
        super().__init__()
        self.weight = (torch.randn(c_out, c_in, kernel_size, kernel_size))
        self.bias = nn.Parameter(torch.zeros(c_out))
        self.k, self.p = kernel_size, padding

    def forward(self, X):
        U = F.unfold(X, self.k, padding=self.p)
        Y = self.weight.flatten(1) @ U + self.bias[:, None]
        return Y.view(len(X), len(self.bias), X.shape[2] + 2 * self.p - self.k + 1, -1)""",
        """\
class Conv(nn.Module):
    def __init__(self, c_in, c_out, kernel_size, padding=0):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(c_out, c_in, kernel_size, kernel_size))
        self.bias = torch.zeros(c_out)
        self.k, self.p = kernel_size, padding

    def forward(self, X):
        U = F.unfold(X, self.k, padding=self.p)
        Y = self.weight.flatten(1) @ U + self.bias[:, None]
        return Y.view(len(X), len(self.bias), X.shape[2] + 2 * self.p - self.k + 1, -1)""",
        """\
class Conv(nn.Module):
    def __init__(self, c_in, c_out, kernel_size, padding=0):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(c_out, c_in, kernel_size, kernel_size))
        self.bias = nn.Parameter(torch.zeros(c_out))
        self.k, self.p = kernel_size, padding

    def forward(self, X):
        U = F.unfold(X, self.k, padding=self.p)
        Y = self.weight.flatten(1) @ U
        return Y.view(len(X), len(self.bias), X.shape[2] + 2 * self.p - self.k + 1, -1)""",
        """\
class Conv(nn.Module):
    def __init__(self, c_in, c_out, kernel_size, padding=0):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(c_out, c_in, kernel_size, kernel_size))
        self.bias = nn.Parameter(torch.zeros(c_out))
        self.k, self.p = kernel_size, padding

    def forward(self, X):
        U = F.unfold(X, self.k)
        Y = self.weight.flatten(1) @ U + self.bias[:, None]
        return Y.view(len(X), len(self.bias), X.shape[2] - self.k + 1, -1)""",
        """\
class Conv(nn.Module):
    def __init__(self, c_in, c_out, kernel_size, padding=0):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(c_out, c_in, kernel_size, kernel_size))
        self.bias = nn.Parameter(torch.zeros(c_out))
        self.k, self.p = kernel_size, padding

    def forward(self, X):
        U = F.unfold(X, self.k, padding=self.p)
        Y = self.weight.flatten(1) @ U + self.bias[:, None]
        return Y.view(len(X), len(self.bias), X.shape[2] + self.p - self.k + 1, -1)""",
        """\
class Conv(nn.Module):
    def __init__(self, c_in, c_out, kernel_size, padding=0):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(c_out, c_in, kernel_size, kernel_size))
        self.bias = nn.Parameter(torch.zeros(c_out))
        self.k, self.p = kernel_size, padding

    def forward(self, X):
        U = F.unfold(X, self.k, padding=self.p)
        Y = self.weight.flatten(1) @ U + self.bias[:, None]
        return Y.view(len(X), len(self.bias), -1, X.shape[2] + 2 * self.p - self.k + 1)""",
        """\
class Conv(nn.Module):
    def __init__(self, c_in, c_out, kernel_size, padding=0):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(c_out, c_in, kernel_size, kernel_size))
        self.bias = nn.Parameter(torch.zeros(c_out))
        self.k, self.p = kernel_size, padding

    def forward(self, X):
        return F.conv2d(X, self.weight, self.bias, padding=self.p)""",
        """\
class Conv(nn.Module):
    def __init__(self, c_in, c_out, kernel_size, padding=0):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(c_out, c_in, kernel_size, kernel_size))
        self.bias = nn.Parameter(torch.zeros(c_out))
        self.k, self.p = kernel_size, padding

    def forward(self, X):
        U = F.unfold(X, self.k, padding=self.p)
        Y = self.weight.detach().flatten(1) @ U + self.bias[:, None]
        return Y.view(len(X), len(self.bias), X.shape[2] + 2 * self.p - self.k + 1, -1)""",
        """\
class Conv(nn.Module):
    def __init__(self, c_in, c_out, kernel_size, padding=0):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(c_out, c_in, kernel_size, kernel_size))
        self.bias = nn.Parameter(torch.zeros(c_out))
        self.k, self.p = kernel_size, padding

    def forward(self, X):
        U = F.unfold(X.detach(), self.k, padding=self.p)
        Y = self.weight.flatten(1) @ U + self.bias[:, None]
        return Y.view(len(X), len(self.bias), X.shape[2] + 2 * self.p - self.k + 1, -1)""",
        """\
class Conv(nn.Module):
    def __init__(self, c_in, c_out, kernel_size, padding=0):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(c_out, c_in, kernel_size, kernel_size))
        self.bias = nn.Parameter(torch.zeros(c_out, 1))
        self.k, self.p = kernel_size, padding

    def forward(self, X):
        U = F.unfold(X, self.k, padding=self.p)
        Y = self.weight.flatten(1) @ U + self.bias
        return Y.view(len(X), len(self.bias), X.shape[2] + 2 * self.p - self.k + 1, -1)""",
        """\
class Conv(nn.Module):
    def __init__(self, c_in, c_out, kernel_size, padding=0):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(c_out, c_in * kernel_size**2))
        self.bias = nn.Parameter(torch.zeros(c_out))
        self.k, self.p = kernel_size, padding

    def forward(self, X):
        U = F.unfold(X, self.k, padding=self.p)
        Y = self.weight.flatten(1) @ U + self.bias[:, None]
        return Y.view(len(X), len(self.bias), X.shape[2] + 2 * self.p - self.k + 1, -1)""",
        """\
class Conv(nn.Module):
    def __init__(self, c_in, c_out, kernel_size, padding=0):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(c_out, c_in, kernel_size, kernel_size))
        self.bias = nn.Parameter(torch.zeros(c_out))
        self.k, self.p = kernel_size, padding

    def forward(self, X):
        U = F.unfold(X, self.k, padding=self.p)
        Y = self.weight.flip(-1).flatten(1) @ U + self.bias[:, None]
        return Y.view(len(X), len(self.bias), X.shape[2] + 2 * self.p - self.k + 1, -1)""",
        """\
class Conv(nn.Module):
    def __init__(self, c_in, c_out, kernel_size, padding=0):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(c_out, c_in, kernel_size, kernel_size), requires_grad=False)
        self.bias = nn.Parameter(torch.zeros(c_out))
        self.k, self.p = kernel_size, padding

    def forward(self, X):
        U = F.unfold(X, self.k, padding=self.p)
        Y = self.weight.flatten(1) @ U + self.bias[:, None]
        return Y.view(len(X), len(self.bias), X.shape[2] + 2 * self.p - self.k + 1, -1)""",
    ],
}
