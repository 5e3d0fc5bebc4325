"""What chapter 02 builds, tested beyond the examples that its notebooks show."""

from __future__ import annotations

from types import ModuleType

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from dlcourse import models
from dlcourse.authoring import definitions

hypothesis = pytest.importorskip("hypothesis")
number = hypothesis.strategies.integers
CHAPTER = definitions.ROOT / "02_cnn_lenet"


@pytest.fixture(scope="module")
def convolutions() -> ModuleType:
    return definitions.load_definitions(CHAPTER / "01_convolutions.ipynb")


@pytest.fixture(scope="module")
def lenet() -> ModuleType:
    return definitions.load_definitions(CHAPTER / "02_lenet.ipynb")


def test_corr2d_equals_conv2d(convolutions: ModuleType) -> None:
    @hypothesis.settings(deadline=None, max_examples=60)
    @hypothesis.given(number(1, 5), number(1, 5), number(0, 7), number(0, 7), number(0, 10**6))
    def inner(h: int, w: int, more: int, wider: int, start: int) -> None:
        generator = torch.Generator().manual_seed(start)
        X = torch.randn(h + more, w + wider, generator=generator, dtype=torch.float64)
        K = torch.randn(h, w, generator=generator, dtype=torch.float64)
        assert torch.allclose(convolutions.corr2d(X, K), F.conv2d(X[None, None], K[None, None])[0, 0], atol=1e-12)

    inner()


def test_channels_equal_conv2d(convolutions: ModuleType) -> None:
    @hypothesis.settings(deadline=None, max_examples=25)
    @hypothesis.given(number(1, 3), number(1, 4), number(1, 3), number(1, 3), number(0, 10**6))
    def inner(c_in: int, c_out: int, h: int, w: int, start: int) -> None:
        generator = torch.Generator().manual_seed(start)
        X = torch.randn(c_in, h + 3, w + 2, generator=generator, dtype=torch.float64)
        K = torch.randn(c_out, c_in, h, w, generator=generator, dtype=torch.float64)
        assert torch.allclose(convolutions.corr2d_multi_in_out(X, K), F.conv2d(X[None], K)[0], atol=1e-12)

    inner()


def test_pooling_equals_pytorch(convolutions: ModuleType) -> None:
    @hypothesis.settings(deadline=None, max_examples=40)
    @hypothesis.given(number(1, 4), number(1, 4), number(0, 5), number(0, 10**6))
    def inner(h: int, w: int, more: int, start: int) -> None:
        X = torch.randn(h + more, w + more, generator=torch.Generator().manual_seed(start), dtype=torch.float64)
        assert torch.equal(convolutions.pool2d(X, (h, w)), F.max_pool2d(X[None], (h, w), stride=1)[0])
        mean = convolutions.pool2d(X, (h, w), "avg")
        assert torch.allclose(mean, F.avg_pool2d(X[None], (h, w), stride=1)[0], atol=1e-12)

    inner()
    with pytest.raises(ValueError, match="max"):
        convolutions.pool2d(torch.ones(2, 2), (1, 1), "median")


def test_the_size_formula_equals_pytorch(convolutions: ModuleType) -> None:
    @hypothesis.settings(deadline=None)
    @hypothesis.given(number(1, 60), number(1, 9), number(0, 6), number(1, 7))
    def inner(n: int, k: int, p: int, s: int) -> None:
        hypothesis.assume(n + 2 * p >= k)
        layer = nn.Conv1d(1, 1, k, padding=p, stride=s, device="meta")
        assert layer(torch.empty(1, 1, n, device="meta")).shape[-1] == convolutions.output_size(n, k, p, s)

    inner()


@pytest.mark.parametrize(
    "layers", [[(3, 1)], [(3, 2), (3, 1)], [(5, 1), (2, 2), (5, 1), (2, 2)], [(1, 3), (4, 2), (3, 1)]]
)
def test_the_receptive_field_is_where_the_gradient_is(convolutions: ModuleType, layers: list[tuple[int, int]]) -> None:
    net = nn.Sequential(*(nn.Conv1d(1, 1, k, stride=s, bias=False) for k, s in layers))
    for parameter in net.parameters():
        nn.init.ones_(parameter)
    x = torch.zeros(1, 1, 60, requires_grad=True)
    y = net(x)
    y[0, 0, y.shape[-1] // 2].backward()
    assert x.grad is not None
    touched = x.grad[0, 0].nonzero().squeeze(1)
    span = int(touched[-1] - touched[0]) + 1
    assert span == convolutions.receptive_field(layers)


def test_the_package_has_the_lenet_of_the_notebook(lenet: ModuleType) -> None:
    x = torch.rand(3, 1, 28, 28)
    for arguments in ((), (nn.Sigmoid, nn.AvgPool2d), (nn.ReLU, nn.MaxPool2d, 0.13, 0.31)):
        theirs, ours = lenet.LeNet(*arguments), models.LeNet(*arguments)
        state = theirs.state_dict()
        assert {name: t.shape for name, t in state.items()} == {n: t.shape for n, t in ours.state_dict().items()}
        ours.load_state_dict(state)
        assert torch.equal(ours(x), theirs(x))


def test_models_run_on_a_device_that_has_no_numbers(lenet: ModuleType) -> None:
    """Forward, loss and backward on the meta device: a tensor made on the wrong device raises."""
    for model, side in (
        (lenet.LeNet(mean=0.13, std=0.31), 28),
        (lenet.LeNet(nn.Sigmoid, nn.AvgPool2d), 28),
        (lenet.LeNet1998(), 28),
        (lenet.Branches(2), 32),
        (lenet.MLP(77, 0.13, 0.31), 28),
        (models.LeNet(), 28),
    ):
        model.to("meta")
        scores = model(torch.randn(4, 1, side, side, device="meta"))
        assert scores.shape == (4, 10)
        F.cross_entropy(scores, torch.zeros(4, dtype=torch.long, device="meta")).backward()
        assert all(p.grad is not None and p.grad.device.type == "meta" for p in model.parameters())


def test_the_table_of_c3_and_the_masked_weights(lenet: ModuleType) -> None:
    table = lenet.C3_TABLE
    assert len(set(table)) == 16 and sum(map(len, table)) == 60
    assert all(sum(i in row for row in table) == 10 for i in range(6))
    layer = lenet.PartialConv(6, table, 5)
    layer(torch.rand(2, 6, 14, 14)).square().sum().backward()
    absent = (layer.mask == 0).expand_as(layer.weight)
    assert (layer.weight.grad[absent] == 0).all() and (layer.weight.grad[~absent] != 0).any()


def test_subsampling_adds_up_four_pixels(lenet: ModuleType) -> None:
    layer = lenet.Subsampling(2)
    with torch.no_grad():
        layer.factor.fill_(1.0)
        layer.bias.fill_(0.5)
    x = torch.rand(1, 2, 4, 6)
    want = x.unfold(2, 2, 2).unfold(3, 2, 2).sum((-2, -1)) + 0.5
    assert torch.allclose(layer(x), want, atol=1e-6)
