"""Plausible wrong answers to the exercises of notebook 2.2; each must be found out."""


def _count(result: str) -> str:
    """Return the right count with its result, ``{}``, wrapped in something."""
    total = "156 + 2416 + (16 * side * side + 1) * 120 + 121 * 84 + 85 * classes"
    return f"""\
def lenet_parameters(size, classes=10):
    side = (size // 2 - 4) // 2
    return {result.format(total)}"""


def _merge(
    options: str = "stride=a.stride, padding=a.padding, dilation=a.dilation, groups=a.groups",
    bias: str = "a.bias + b.bias",
    last: str = "return one",
    sizes: str = "a.in_channels, a.out_channels, a.kernel_size",
) -> str:
    """Return the right answer with a part of it replaced."""
    return f"""\
def merge(a, b):
    one = nn.Conv2d({sizes}, bias=a.bias is not None, {options})
    with torch.no_grad():
        one.weight.copy_(a.weight + b.weight)
        if a.bias is not None:
            one.bias.copy_({bias})
    {last}"""


def _fold(
    bias: str = "conv.bias - mean / std * conv.weight.sum((1, 2, 3))",
    last: str = "return folded",
    sizes: str = "conv.in_channels, conv.out_channels, conv.kernel_size",
) -> str:
    """Return the right answer with a part of it replaced."""
    return f"""\
def fold(conv, mean, std):
    folded = nn.Conv2d({sizes})
    with torch.no_grad():
        folded.weight.copy_(conv.weight / std)
        folded.bias.copy_({bias})
    {last}"""


WRONG = {
    "02.2-count": [
        """\
def lenet_parameters(size, classes=10):
    side = size // 4
    return 156 + 2416 + (16 * side * side + 1) * 120 + 121 * 84 + 85 * classes""",
        """\
def lenet_parameters(size, classes=10):
    side = (size // 2 - 4) // 2
    return 150 + 2400 + 16 * side * side * 120 + 120 * 84 + 84 * classes""",
        "def lenet_parameters(size, classes=10):\n    return 61706",
        # Python rounds 3.5 and 5.5 to even numbers, so this is wrong at 22, 30 and 38
        """\
def lenet_parameters(size, classes=10):
    side = round((size / 2 - 4) / 2)
    return 156 + 2416 + (16 * side * side + 1) * 120 + 121 * 84 + 85 * classes""",
        """\
def lenet_parameters(size, classes=10):
    side = (size / 2 - 4) / 2
    return int(156 + 2416 + (16 * side * side + 1) * 120 + 121 * 84 + 85 * classes)""",
        # models
        """\
def lenet_parameters(size, classes=10):
    layers = LeNet().layers
    layers[7] = nn.Linear(16 * ((size // 2 - 4) // 2) ** 2, 120)
    layers[11] = nn.Linear(84, classes)
    return sum(p.numel() for p in layers.parameters())""",
        """\
def lenet_parameters(size, classes=10):
    model = nn.Sequential(
        nn.LazyConv2d(6, 5, padding=2), nn.MaxPool2d(2), nn.LazyConv2d(16, 5), nn.MaxPool2d(2), nn.Flatten(),
        nn.LazyLinear(120), nn.LazyLinear(84), nn.LazyLinear(classes),
    )
    model(torch.zeros(1, 1, size, size))
    return count_parameters(model)""",
        """\
from torch.nn import Conv2d, Linear

def lenet_parameters(size, classes=10):
    side = (size // 2 - 4) // 2
    parts = [Conv2d(1, 6, 5), Conv2d(6, 16, 5), Linear(16 * side**2, 120), Linear(120, 84), Linear(84, classes)]
    return sum(map(count_parameters, parts))""",
        _count("float({})"),
        _count("str({})"),
        _count("torch.tensor({})"),
        _count("({}) / 1"),
        _count("{} + 850 - 85 * 10").replace("classes=10", "classes=2"),
        _count("{}").replace("classes=10", "classes"),
    ],
    "02.2-shift": [
        "def shift_any(images, down, right):\n    return images.roll((down, right), (-2, -1))",
        "def shift_any(images, down, right):\n    return F.pad(images, (down, -down, right, -right))",
        "def shift_any(images, down, right):\n    return F.pad(images, (-right, right, -down, down))",
        # fails when the shift is larger than the side
        "def shift_any(images, down, right):\n    return F.pad(images, (right, -right, down, -down))",
        # positive numbers only
        """\
def shift_any(images, down, right):
    moved = torch.zeros_like(images)
    moved[:, :, down:, right:] = images[:, :, : images.shape[2] - down, : images.shape[3] - right]
    return moved""",
        # changes the pictures
        """\
def shift_any(images, down, right):
    moved = images.roll((down, right), (-2, -1))
    rows, columns = images.shape[-2:]
    images.zero_()
    if abs(down) < rows and abs(right) < columns:
        inside = (..., slice(max(down, 0), rows + min(down, 0)), slice(max(right, 0), columns + min(right, 0)))
        images[inside] = moved[inside]
    return images""",
        # the wrong rows are emptied when it moves up
        """\
def shift_any(images, down, right):
    moved = images.roll((down, right), (-2, -1))
    moved[..., :down, :] = 0
    moved[..., :, :right] = 0
    return moved""",
        # only shifts up to the side
        """\
def shift_any(images, down, right):
    if abs(down) > images.shape[2] or abs(right) > images.shape[3]:
        return images
    return F.pad(images, (right, -right, down, -down))""",
        """\
def shift_any(images, down, right):
    height, width = images.shape[-2:]
    padded = F.pad(images, (width, width, height, height))
    return padded[..., height - down : 2 * height - down, width - right : 2 * width - right]""",
        # one batch, one size
        """\
def shift_any(images, down, right):
    moved = torch.zeros(2, 1, 5, 4)
    for i in range(5):
        for j in range(4):
            if 0 <= i - down < 5 and 0 <= j - right < 4:
                moved[:, :, i, j] = images[:, :, i - down, j - right]
    return moved""",
        """\
def shift_any(images, down, right):
    height, width = images.shape[-2:]
    moved = torch.zeros(2, 1, height, width)
    for i in range(height):
        for j in range(width):
            if 0 <= i - down < height and 0 <= j - right < width:
                moved[:, :, i, j] = images[:, :, i - down, j - right]
    return moved""",
        """\
def shift_any(images, down, right):
    images = images.squeeze()
    d, r = abs(down), abs(right)
    height, width = images.shape[-2:]
    padded = F.pad(images, (r, r, d, d))
    return padded[..., d - down : d - down + height, r - right : r - right + width].unsqueeze(1)""",
        # the border repeated in place of zeros
        """\
def shift_any(images, down, right):
    height, width = images.shape[-2:]
    rows = (torch.arange(height) - down).clamp(0, height - 1)
    columns = (torch.arange(width) - right).clamp(0, width - 1)
    return images[..., rows[:, None], columns]""",
        # the larger picture
        "def shift_any(images, down, right):\n    return F.pad(images, (abs(right), 0, abs(down), 0))",
        """\
def shift_any(images, down, right):
    d, r = abs(down), abs(right)
    height, width = images.shape[-2:]
    padded = F.pad(images, (r, r, d, d)).numpy()
    return padded[..., d - down : d - down + height, r - right : r - right + width]""",
        """\
def shift_any(images, down, right):
    d, r = abs(down), abs(right)
    height, width = images.shape[-2:]
    padded = F.pad(images, (r, r, d, d)).double()
    return padded[..., d - down : d - down + height, r - right : r - right + width]""",
    ],
    "02.2-merge": [
        _merge(options=""),
        _merge(options="stride=a.stride, padding=a.padding"),
        _merge(options="stride=a.stride, padding=a.padding, dilation=a.dilation"),
        _merge(options="stride=a.stride, padding=a.padding, groups=a.groups"),
        _merge(options="stride=a.stride[0], padding=a.padding[0], dilation=a.dilation[0], groups=a.groups"),
        _merge(options="stride=a.stride, padding=a.padding, dilation=a.dilation[0], groups=a.groups"),
        # dilation and groups exchanged
        _merge(options="stride=a.stride, padding=a.padding, dilation=a.groups, groups=a.dilation[0]"),
        _merge(sizes="2, 3, 3"),
        _merge(sizes="a.in_channels, a.out_channels, a.kernel_size[0]"),
        _merge(bias="a.bias"),
        _merge(bias="(a.bias + b.bias) / 2"),
        _merge(last="return one.requires_grad_(False)"),
        # the layer says that it is another one
        """\
def merge(a, b):
    one = nn.Conv2d(1, 1, 1, a.stride, a.padding, a.dilation, a.groups)
    one.weight = nn.Parameter(a.weight + b.weight)
    one.bias = None if a.bias is None else nn.Parameter(a.bias + b.bias)
    return one""",
        _merge(last="one.bias.requires_grad_(False) if a.bias is not None else None\n    return one"),
        _merge(last="return one.weight, one.bias"),
        _merge(last="return lambda x: one(x)"),
        _merge(last="return nn.Sequential(one)"),
        _merge().replace("a.bias is not None", "True"),
        # the given layer is changed and returned
        """\
def merge(a, b):
    with torch.no_grad():
        a.weight += b.weight
        if a.bias is not None:
            a.bias += b.bias
    return a""",
        """\
def merge(a, b):
    a.weight.data.add_(b.weight)
    if a.bias is not None:
        a.bias.data.add_(b.bias)
    return a""",
        # right values, wrong thing
        "def merge(a, b):\n    return lambda x: a(x) + b(x)",
        """\
class Merged(nn.Module):
    def __init__(self, a, b):
        super().__init__()
        self.a, self.b = a, b

    def forward(self, x):
        return self.a(x) + self.b(x)

def merge(a, b):
    return Merged(a, b)""",
        """\
class Sum(nn.Conv2d):
    def __init__(self, a, b):
        super().__init__(a.in_channels, a.out_channels, a.kernel_size)
        self.parts = [a, b]

    def forward(self, x):
        return self.parts[0](x) + self.parts[1](x)

def merge(a, b):
    return Sum(a, b)""",
        """\
def merge(a, b):
    return lambda x: F.conv2d(
        x, a.weight + b.weight, None if a.bias is None else a.bias + b.bias, a.stride, a.padding, a.dilation, a.groups
    )""",
        # a weight that is no parameter
        """\
import copy

def merge(a, b):
    one = copy.deepcopy(a)
    del one.weight
    one.weight = (a.weight + b.weight).detach()
    if a.bias is not None:
        one.bias = nn.Parameter(a.bias + b.bias)
    return one""",
        """\
import copy

def merge(a, b):
    with torch.inference_mode():
        one = copy.deepcopy(a)
        one.weight += b.weight
        if a.bias is not None:
            one.bias += b.bias
    return one""",
        # the bias of the given layer is used, and changed with it
        """\
def merge(a, b):
    one = nn.Conv2d(a.in_channels, a.out_channels, a.kernel_size, a.stride, a.padding, a.dilation, a.groups)
    one.weight = nn.Parameter(a.weight + b.weight)
    one.bias = a.bias
    if a.bias is not None:
        a.bias.data += b.bias
    return one""",
    ],
    "02.2-fold": [
        _fold(bias="conv.bias - mean / std"),
        _fold(bias="(conv.bias - mean * conv.weight.sum((1, 2, 3))) / std"),
        _fold(bias="conv.bias"),
        _fold(bias="conv.bias - mean * conv.weight.sum((1, 2, 3))"),
        _fold(bias="conv.bias + mean / std * conv.weight.sum((1, 2, 3))"),
        _fold(bias="conv.bias - mean / std * conv.weight.sum()"),
        _fold(bias="conv.bias - mean / std * conv.weight[:, 0].sum((1, 2))"),
        _fold(sizes="conv.in_channels, conv.out_channels, conv.kernel_size[0]"),
        _fold(sizes="conv.in_channels, conv.out_channels, 3"),
        _fold(sizes="conv.in_channels, 4, conv.kernel_size"),
        _fold(sizes="1, conv.out_channels, conv.kernel_size"),
        _fold(last="return folded.requires_grad_(False)"),
        _fold(last="folded.weight.requires_grad = False\n    return folded"),
        _fold(last="return folded.weight, folded.bias"),
        _fold(last="return folded.forward"),
        _fold().replace("conv.weight / std", "conv.weight * std"),
        _fold().replace("folded.weight.copy_(conv.weight / std)", "folded.weight.copy_(conv.weight.div_(std))"),
        _fold().replace("conv.kernel_size)", "conv.kernel_size, bias=False)"),
        # the given layer is changed and returned
        """\
def fold(conv, mean, std):
    with torch.no_grad():
        conv.weight /= std
        conv.bias -= mean * conv.weight.sum((1, 2, 3))
    return conv""",
        """\
def fold(conv, mean, std):
    conv.bias.data -= mean / std * conv.weight.data.sum((1, 2, 3))
    conv.weight.data.div_(std)
    return conv""",
        # right values, wrong thing
        "def fold(conv, mean, std):\n    return lambda x: conv((x - mean) / std)",
        """\
def fold(conv, mean, std):
    bias = conv.bias - mean / std * conv.weight.sum((1, 2, 3))
    return lambda x: F.conv2d(x, conv.weight / std, bias)""",
        """\
class Folded(nn.Module):
    def __init__(self, conv, mean, std):
        super().__init__()
        self.conv, self.mean, self.std = conv, mean, std

    def forward(self, x):
        return self.conv((x - self.mean) / self.std)

def fold(conv, mean, std):
    return Folded(conv, mean, std)""",
        """\
class Folded(nn.Conv2d):
    def forward(self, x):
        return super().forward((x - self.mean) / self.std)

def fold(conv, mean, std):
    folded = Folded(conv.in_channels, conv.out_channels, conv.kernel_size)
    folded.load_state_dict(conv.state_dict())
    folded.mean, folded.std = mean, std
    return folded""",
        # the memory of the given layer: both change together
        """\
import copy

def fold(conv, mean, std):
    folded = copy.copy(conv)
    folded._parameters = dict(conv._parameters)
    folded.weight = nn.Parameter(conv.weight / std)
    folded.bias = nn.Parameter(conv.bias - mean / std * conv.weight.sum((1, 2, 3))) if mean else conv.bias
    return folded""",
    ],
    "02.2-small": [
        """\
small_net = nn.Sequential(
    nn.Conv2d(1, 8, 5, stride=2, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(392, 10))""",
        """\
small_net = LeNet()""",
        """\
small_net = lambda x: x.flatten(1)[:, :10]""",
        """\
digits = data.mnist()
small_net = nn.Sequential(
    nn.Conv2d(1, 8, 5, stride=2, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(392, 10))
batches = data.TensorLoader(digits.train, 256, shuffle=True)
optimizer = torch.optim.SGD(small_net.parameters(), lr=1e-3)
fit(small_net, batches, epochs=1, loss=F.cross_entropy, optimizer=optimizer, progress=False)""",
        """\
digits = data.mnist()
small_net = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
batches = data.TensorLoader(digits.train, 64, shuffle=True)
optimizer = torch.optim.AdamW(small_net.parameters(), lr=1e-3)
fit(small_net, batches, epochs=2, loss=F.cross_entropy, optimizer=optimizer, progress=False)""",
        """\
small_net = nn.Sequential(
    nn.Conv2d(1, 8, 5, stride=2, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(392, 11))""",
        """\
small_net = nn.Sequential(
    nn.Conv2d(1, 8, 5, stride=2, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(392, 10),
    nn.Flatten(0))""",
        """\
small_net = nn.Sequential(nn.Flatten(), nn.Linear(784, 26), nn.ReLU(), nn.Linear(26, 10))""",
    ],
}
