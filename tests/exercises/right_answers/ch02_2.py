"""Right answers to the exercises of notebook 2.2 that differ from the folded solutions; each must pass."""

RIGHT = {
    "02.2-count": [
        """\
def lenet_parameters(size, classes=10):
    features = 16 * ((size - 8) // 4) ** 2
    widths = [features, 120, 84, classes]
    return 156 + 2416 + sum((a + 1) * b for a, b in zip(widths, widths[1:]))""",
        """\
def lenet_parameters(size, classes=10):
    side = int(((size - 4 + 4) / 2 - 4) / 2)
    return 61706 + 1920 * (side**2 - 25) + 85 * (classes - 10)""",
        """\
def lenet_parameters(size, classes=10):
    side = (size + 2 * 2 - 5 + 1) // 2
    side = (side - 5 + 1) // 2
    shapes = [(6, 1, 5, 5), (6,), (16, 6, 5, 5), (16,), (120, 16 * side * side), (120,), (84, 120), (84,)]
    shapes += [(classes, 84), (classes,)]
    return sum(torch.Size(shape).numel() for shape in shapes)""",
    ],
    "02.2-shift": [
        """\
def shift_any(images, down, right):
    moved = torch.zeros_like(images)
    height, width = images.shape[-2:]
    for i in range(height):
        for j in range(width):
            if 0 <= i - down < height and 0 <= j - right < width:
                moved[:, :, i, j] = images[:, :, i - down, j - right]
    return moved""",
        """\
def shift_any(images, down, right):
    H, W = images.shape[2:]
    rows, columns = torch.arange(H) - down, torch.arange(W) - right
    inside = ((rows >= 0) & (rows < H))[:, None] & ((columns >= 0) & (columns < W))
    return images[..., rows.clamp(0, H - 1)[:, None], columns.clamp(0, W - 1)] * inside""",
        """\
def shift_any(images, down, right):
    H, W = images.shape[-2:]
    if abs(down) >= H or abs(right) >= W:
        return torch.zeros_like(images)
    return F.pad(images, (right, -right, down, -down))""",
        """\
def shift_any(images, down, right):
    n, c, h, w = images.shape
    moved = torch.cat([images.new_zeros(n, c, abs(down), w), images, images.new_zeros(n, c, abs(down), w)], 2)
    moved = moved.roll(down, 2)[:, :, abs(down) : abs(down) + h]
    moved = torch.cat([moved.new_zeros(n, c, h, abs(right)), moved, moved.new_zeros(n, c, h, abs(right))], 3)
    return moved.roll(right, 3)[..., abs(right) : abs(right) + w]""",
        """\
def shift_any(images, down, right):
    H, W = images.shape[-2:]
    below = torch.diag_embed(torch.ones(max(H - abs(down), 0)), offset=-down) if abs(down) < H else torch.zeros(H, H)
    side = torch.diag_embed(torch.ones(max(W - abs(right), 0)), offset=right) if abs(right) < W else torch.zeros(W, W)
    return below @ images @ side""",
        """\
def shift_any(images, down, right):
    moved = images.roll((down, right), (-2, -1))
    if down:
        moved[..., slice(down) if down > 0 else slice(down, None), :] = 0
    if right:
        moved[..., slice(right) if right > 0 else slice(right, None)] = 0
    return moved""",
    ],
    "02.2-merge": [
        """\
import copy

def merge(a, b):
    one = copy.deepcopy(a)
    one.weight.data += b.weight.data
    if b.bias is not None:
        one.bias.data += b.bias.data
    return one""",
        """\
def merge(a, b):
    options = {k: getattr(a, k) for k in ("stride", "padding", "dilation", "groups")}
    one = nn.Conv2d(a.in_channels, a.out_channels, a.kernel_size, bias=False, **options)
    one.weight = nn.Parameter(a.weight + b.weight)
    if a.bias is not None:
        one.bias = nn.Parameter(a.bias + b.bias)
    return one""",
        """\
def merge(a, b):
    one = nn.Conv2d(
        a.in_channels, a.out_channels, a.kernel_size, a.stride, a.padding, a.dilation, a.groups, a.bias is not None
    )
    other = b.state_dict()
    one.load_state_dict({name: value + other[name] for name, value in a.state_dict().items()})
    return one""",
        # a bias of zeros where none is needed
        """\
@torch.no_grad()
def merge(a, b):
    one = nn.Conv2d(a.in_channels, a.out_channels, a.kernel_size, a.stride, a.padding, a.dilation, a.groups)
    one.weight.copy_(a.weight).add_(b.weight)
    one.bias.zero_()
    for layer in (a, b):
        if layer.bias is not None:
            one.bias.add_(layer.bias)
    return one""",
    ],
    "02.2-fold": [
        """\
import copy

def fold(conv, mean, std):
    folded = copy.deepcopy(conv)
    with torch.no_grad():
        folded.weight /= std
        folded.bias -= mean * folded.weight.flatten(1).sum(1)
    return folded""",
        """\
def fold(conv, mean, std):
    new = nn.Conv2d(conv.in_channels, conv.out_channels, kernel_size=conv.kernel_size)
    black = torch.full((1, conv.in_channels, *conv.kernel_size), -mean / std)
    new.weight = nn.Parameter(conv.weight.detach() / std)
    new.bias = nn.Parameter(conv(black).flatten().detach())
    return new""",
        """\
def fold(conv, mean, std):
    out, channels, h, w = conv.weight.shape
    new = nn.Conv2d(channels, out, (h, w))
    weight = conv.weight.detach() / std
    new.load_state_dict({"weight": weight, "bias": conv.bias - mean * torch.einsum("ochw->o", weight)})
    return new""",
    ],
    "02.2-small": [
        """\
digits = data.mnist()
small_net = nn.Sequential(
    nn.Conv2d(1, 12, 5), nn.BatchNorm2d(12), nn.ReLU(), nn.MaxPool2d(4), nn.Flatten(),
    nn.Linear(432, 40), nn.ReLU(), nn.Linear(40, 10)
)
batches = data.TensorLoader(digits.train, 32, shuffle=True)
optimizer = torch.optim.AdamW(small_net.parameters(), lr=3e-3)
fit(small_net, batches, epochs=5, loss=F.cross_entropy, optimizer=optimizer, progress=False)""",
        """\
digits = data.mnist()
small_net = nn.Sequential(
    nn.Conv2d(1, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(16, 32, 3), nn.ReLU(), nn.Flatten(), nn.Dropout(0.2), nn.Linear(288, 10),
)
batches = data.TensorLoader(digits.train, 32, shuffle=True)
optimizer = torch.optim.Adam(small_net.parameters(), lr=4e-3)
fit(small_net, batches, epochs=6, loss=F.cross_entropy, optimizer=optimizer, progress=False)
small_net.train()""",
    ],
}
