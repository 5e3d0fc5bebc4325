"""Right answers to the exercises of notebook 2.1 that differ from the folded solutions; each must pass."""

RIGHT = {
    "02.1-size": [
        """\
def dilated_size(n, kernel, padding=0, stride=1, dilation=1):
    span = dilation * (kernel - 1) + 1
    return len(range(0, n + 2 * padding - span + 1, stride))""",
        """\
import math

def dilated_size(n, kernel, padding=0, stride=1, dilation=1):
    return math.floor((n + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1)""",
        """\
def dilated_size(n, kernel, padding=0, stride=1, dilation=1):
    places, start = 0, -padding
    while start + dilation * (kernel - 1) < n + padding:
        places, start = places + 1, start + stride
    return places""",
    ],
    "02.1-strided": [
        """\
def corr2d_strided(X, K, stride=(1, 1), padding=(0, 0)):
    (h, w), (H, W), (s, t), (p, q) = K.shape, X.shape, stride, padding
    padded = torch.zeros(H + 2 * p, W + 2 * q)
    padded[p : p + H, q : q + W] = X
    Y = torch.zeros((H + 2 * p - h) // s + 1, (W + 2 * q - w) // t + 1)
    for i in range(Y.shape[0]):
        for j in range(Y.shape[1]):
            Y[i, j] = (padded[i * s : i * s + h, j * t : j * t + w] * K).sum()
    return Y""",
        """\
def corr2d_strided(X, K, stride=(1, 1), padding=(0, 0)):
    X = F.pad(X, (padding[1], padding[1], padding[0], padding[0]))
    rows = range(0, X.shape[0] - K.shape[0] + 1, stride[0])
    columns = range(0, X.shape[1] - K.shape[1] + 1, stride[1])
    return torch.stack([
        torch.stack([torch.sum(X[i : i + K.shape[0], j : j + K.shape[1]] * K) for j in columns]) for i in rows
    ])""",
        """\
def corr2d_strided(X, K, stride=(1, 1), padding=(0, 0)):
    p, q = padding
    X = torch.cat([X.new_zeros(p, X.shape[1]), X, X.new_zeros(p, X.shape[1])], dim=0)
    X = torch.cat([X.new_zeros(X.shape[0], q), X, X.new_zeros(X.shape[0], q)], dim=1)
    return corr2d(X, K)[:: stride[0]][:, :: stride[1]]""",
        """\
def corr2d_strided(X, K, stride=(1, 1), padding=(0, 0)):
    Z = nn.ZeroPad2d((padding[1], padding[1], padding[0], padding[0]))(X)
    rows = (Z.shape[0] - K.shape[0]) // stride[0] + 1
    columns = (Z.shape[1] - K.shape[1]) // stride[1] + 1
    Y = 0
    for a in range(K.shape[0]):
        for b in range(K.shape[1]):
            Y = Y + K[a, b] * Z[a :: stride[0], b :: stride[1]][:rows, :columns]
    return Y""",
    ],
    "02.1-depthwise": [
        """\
def depthwise(X, K):
    return F.conv2d(X, K[:, None], None, 1, 0, 1, len(K))""",
        """\
def depthwise(X, K):
    weight = torch.diag_embed(K.permute(1, 2, 0)).permute(2, 3, 0, 1)
    return torch.conv2d(X, weight)""",
        """\
def depthwise(X, K):
    N, C, H, W = X.shape
    kernels = K.repeat(N, 1, 1).unsqueeze(1)
    Y = F.conv2d(X.reshape(1, N * C, H, W), kernels, groups=N * C)
    return Y.reshape(N, C, *Y.shape[-2:])""",
        """\
def depthwise(X, K):
    return torch.vmap(lambda x, k: F.conv2d(x[:, None], k[None, None])[:, 0], (1, 0), 1)(X, K)""",
    ],
    "02.1-matrix": [
        """\
def as_matrix(K, height, width):
    h, w = K.shape
    rows, columns = height - h + 1, width - w + 1
    M = torch.zeros(rows * columns, height * width)
    for r in range(rows * columns):
        for a in range(h):
            for b in range(w):
                M[r, (r // columns + a) * width + r % columns + b] = K[a, b]
    return M""",
        """\
def as_matrix(K, height, width):
    pixels = torch.arange(height * width).view(height, width)
    places = pixels.unfold(0, K.shape[0], 1).unfold(1, K.shape[1], 1).flatten(0, 1).flatten(1)
    M = torch.zeros(len(places), height * width)
    return M.scatter(1, places, K.reshape(1, -1).expand(len(places), -1))""",
        """\
def as_matrix(K, height, width):
    h, w = K.shape
    i, j = torch.arange(height - h + 1), torch.arange(width - w + 1)
    a = torch.arange(height) - i[:, None]
    b = torch.arange(width) - j[:, None]
    inside = ((0 <= a) & (a < h))[:, None, :, None] & ((0 <= b) & (b < w))[None, :, None, :]
    M = K[a.clamp(0, h - 1)[:, None, :, None], b.clamp(0, w - 1)[None, :, None, :]] * inside
    return M.reshape(len(i) * len(j), height * width)""",
        """\
def as_matrix(K, height, width):
    rows = []
    for i in range(height - K.shape[0] + 1):
        for j in range(width - K.shape[1] + 1):
            right, below = width - K.shape[1] - j, height - K.shape[0] - i
            rows.append(F.pad(K, (j, right, i, below)).flatten())
    return torch.stack(rows)""",
    ],
    "02.1-separable": [
        """\
def separate(K):
    i, j = divmod(K.abs().argmax().item(), K.shape[1])
    return K[:, j : j + 1], K[i : i + 1] / K[i, j]""",
        """\
def separate(K):
    U, S, Vh = torch.linalg.svd(K, full_matrices=False)
    root = S[0].sqrt()
    return -root * U[:, 0].unsqueeze(1), -root * Vh[0].unsqueeze(0)""",
        """\
def separate(K):
    row = K[K.norm(dim=1).argmax()][None]
    return K @ row.T / (row @ row.T), row""",
        """\
def separate(K):
    column, row = np.linalg.svd(K.numpy())[0][:, :1], None
    column = torch.from_numpy(column)
    return [column, column.T @ K]""",
    ],
    "02.1-module": [
        """\
class Conv(nn.Module):
    def __init__(self, c_in, c_out, kernel_size, padding=0):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(c_out, c_in, kernel_size, kernel_size))
        self.bias = nn.Parameter(torch.ones(c_out))
        self.k, self.p = kernel_size, padding

    def forward(self, X):
        padded = F.pad(X, (self.p,) * 4)
        windows = padded.unfold(2, self.k, 1).unfold(3, self.k, 1)  # (N, c_in, H', W', k, k)
        return torch.einsum("nchwab,ocab->nohw", windows, self.weight) + self.bias[:, None, None]""",
        """\
class Conv(nn.Module):
    def __init__(self, c_in, c_out, kernel_size, padding=0):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(c_out, c_in, kernel_size, kernel_size))
        self.bias = nn.Parameter(torch.zeros(c_out))
        self.k, self.p = kernel_size, padding

    def forward(self, X):
        padded = F.pad(X, (self.p,) * 4)
        height, width = padded.shape[2] - self.k + 1, padded.shape[3] - self.k + 1
        Y = self.bias.view(1, -1, 1, 1).expand(len(X), -1, height, width)
        for a in range(self.k):
            for b in range(self.k):
                part = padded[:, :, a : a + height, b : b + width]
                Y = Y + torch.einsum("nchw,oc->nohw", part, self.weight[:, :, a, b])
        return Y""",
    ],
}
