"""What notebook 4.2 builds: PyTorch's attention, the package's classes, positions that are rotations."""

from __future__ import annotations

from types import ModuleType

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dlcourse import models
from dlcourse.authoring import definitions
from dlcourse.textbook import d2l

hypothesis = pytest.importorskip("hypothesis")
st = hypothesis.strategies
DRAWN = hypothesis.settings(deadline=None, max_examples=60)


@pytest.fixture(scope="module")
def nb() -> ModuleType:
    return definitions.load_definitions(definitions.ROOT / "04_attention_transformer" / "02_multihead_positions.ipynb")


def some_mask(B: int, T: int, S: int, generator: torch.Generator) -> Tensor:
    """Return a random mask (B, 1, T, S) in which each row sees something."""
    mask = torch.rand(B, 1, T, S, generator=generator) < 0.6
    return mask | (torch.arange(S) == torch.randint(S, (B, 1, T, 1), generator=generator))


def gradients(output: Tensor, leaves: list[Tensor]) -> list[Tensor]:
    weights = torch.linspace(-1, 1, output.numel(), dtype=output.dtype).view_as(output)
    return list(torch.autograd.grad((weights * output).sum(), leaves))


def test_equal_to_pytorch_and_to_the_package(nb: ModuleType) -> None:
    """Outputs and gradients for random shapes, with and without masks, inputs and memory of different lengths."""
    sizes = st.integers(1, 5)

    @DRAWN
    @hypothesis.given(sizes, sizes, sizes, st.integers(1, 4), st.integers(1, 4), st.booleans(), st.integers(0, 999))
    def inner(B: int, T: int, S: int, heads: int, width: int, masked: bool, seed: int) -> None:
        generator, d = torch.Generator().manual_seed(seed), heads * width
        ours = nb.MultiHeadAttention(d, heads).double()
        packaged = models.MultiHeadAttention(d, heads).double()
        packaged.load_state_dict(ours.state_dict())
        theirs = nb.as_torch(ours)
        x = torch.randn(B, T, d, dtype=torch.float64, generator=generator).requires_grad_()
        memory = torch.randn(B, S, d, dtype=torch.float64, generator=generator).requires_grad_()
        mask = some_mask(B, T, S, generator) if masked else None
        hidden = None if mask is None else ~mask.expand(B, heads, T, S).flatten(0, 1)
        output = ours(x, memory, mask)
        assert torch.equal(output, packaged(x, memory, mask))
        by_layer = theirs(x, memory, memory, attn_mask=hidden, need_weights=False)[0]
        assert torch.allclose(output, by_layer, atol=1e-12)
        three = [ours.W_q.weight, ours.W_k.weight, ours.W_v.weight]
        mine = gradients(output, [x, memory, *three, ours.W_o.weight])
        its = gradients(by_layer, [x, memory, theirs.in_proj_weight, theirs.out_proj.weight])
        for a, b in zip([*mine[:2], torch.cat(mine[2:5]), mine[5]], its, strict=True):
            assert torch.allclose(a, b, atol=1e-12)
        itself = None if mask is None else some_mask(B, T, T, generator)
        assert torch.allclose(ours(x, x, itself), nb.with_sdpa(ours, x, itself), atol=1e-12)

    inner()


def test_a_row_with_nothing_to_see_gives_nothing(nb: ModuleType) -> None:
    layer, x = nb.MultiHeadAttention(8, 2), torch.randn(1, 3, 8)
    mask = torch.tensor([[False] * 3, [True] * 3, [True] * 3])
    outputs, weights = layer.attend(x, *layer.keys_values(x), mask)
    assert not weights[0, :, 0].any() and torch.allclose(weights[0, :, 1:].sum(-1), torch.ones(2, 2))
    assert torch.allclose(outputs[0, 0], layer.W_o.bias)


def test_the_number_of_heads_must_divide(nb: ModuleType) -> None:
    for kind in (nb.MultiHeadAttention, models.MultiHeadAttention):
        with pytest.raises(ValueError, match="d is 10; give a multiple of the 4 heads"):
            kind(10, 4)


def test_split_and_join(nb: ModuleType) -> None:
    x = torch.randn(3, 5, 12)
    assert torch.equal(nb.join(nb.split(x, 4)), x)
    assert torch.equal(nb.split(x, 4)[:, 2], x[..., 6:9])
    assert torch.equal(nb.split(x, 4), models.MultiHeadAttention(12, 4).split(x))


def test_every_model_runs_on_a_device_that_has_no_numbers(nb: ModuleType) -> None:
    """Forward, loss and backward on the meta device."""
    with torch.device("meta"):
        ids, labels = torch.zeros(4, 8, dtype=torch.int64), torch.zeros(4, dtype=torch.int64)
        who, colours = torch.zeros(4, 2, dtype=torch.int64), torch.zeros(4, 6, dtype=torch.int64)
        runs = [
            (nb.Answerer(2), lambda model: model(colours, colours, who).flatten(0, 1), torch.zeros_like(who).flatten()),
            *(
                (kind, lambda model: model(ids), labels)
                for kind in (
                    nb.OrderReader(nb.SelfAttention(32, 2), torch.zeros(64, 32), learned=True, causal=True),
                    nb.OrderReader(nb.RotaryAttention(32, 2), torch.zeros(64, 32)),
                    nb.Bigrams(),
                    nb.Recurrent(),
                )
            ),
        ]
        for model, run, target in runs:
            loss = F.cross_entropy(run(model), target)
            loss.backward()
            trained = [p for p in model.parameters() if p.requires_grad]
            assert loss.device.type == "meta"
            assert all(p.grad is not None and p.grad.device.type == "meta" for p in trained)


def test_attention_alone_is_equivariant_to_permutations(nb: ModuleType) -> None:
    layer, x = nb.SelfAttention(16, 4).double(), torch.randn(2, 7, 16, dtype=torch.float64)
    order = torch.randperm(7)
    assert torch.allclose(layer(x[:, order]), layer(x)[:, order])
    rotary = nb.RotaryAttention(16, 4).double()
    assert not torch.allclose(rotary(x[:, order]), rotary(x)[:, order], atol=1e-3)


@pytest.mark.parametrize("d", [2, 8, 128])
def test_sinusoids(nb: ModuleType, d: int) -> None:
    """Those of the package and of the textbook; a shift is a rotation; a dot product knows the offset only."""
    P = nb.sinusoids(200, d)
    assert torch.equal(P, models.sinusoids(200, d))
    assert torch.allclose(P, d2l.PositionalEncoding(d, 0.0).P[0, :200], atol=3e-5)
    hands = P.view(200, d // 2, 2)
    for k in (1, 13, 99):
        turned = torch.einsum("iab,tib->tia", nb.rotations(k, d), hands[:-k])
        assert torch.allclose(turned, hands[k:], atol=1e-6)
    products = P.double() @ P.double().T
    assert torch.allclose(products[1:, 1:], products[:-1, :-1], atol=1e-5)


def test_rotary_scores_depend_on_the_offset_only(nb: ModuleType) -> None:
    @DRAWN
    @hypothesis.given(st.integers(1, 6), st.integers(1, 16), st.integers(0, 2000), st.integers(0, 999))
    def inner(T: int, half: int, shift: int, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        q, k = torch.randn(2, T, 2 * half, generator=generator)
        q, k = q / q.norm(dim=-1, keepdim=True), k / k.norm(dim=-1, keepdim=True)
        t = torch.randint(100, (T,), generator=generator)
        here, there = (nb.rotate(q, t + s) @ nb.rotate(k, t + s).T for s in (0, shift))
        assert torch.allclose(here, there, atol=1e-5)
        assert torch.allclose(nb.rotate(q, t).norm(dim=-1), q.norm(dim=-1), atol=1e-5)
        assert torch.allclose(nb.rotate(q, torch.zeros(T)), q)

    inner()


def test_rotary_is_the_rotation_of_the_sinusoids(nb: ModuleType) -> None:
    """Both turn a pair by the same angle; the sinusoid holds (sin, cos), so its sense is the other one."""
    P = nb.sinusoids(50, 16).view(50, 8, 2).flip(-1).flatten(1)  # (cos, sin)
    start = torch.tensor([1.0, 0.0]).repeat(8).expand(50, 16)
    assert torch.allclose(nb.rotate(start, torch.arange(50)), P, atol=1e-6)


def test_the_tasks_have_the_right_answers(nb: ModuleType) -> None:
    names, colours, who, answers = nb.questions(200)
    for row in range(200):
        known = dict(zip(names[row].tolist(), colours[row].tolist(), strict=True))
        assert len(known) == 6 and len(set(who[row].tolist())) == 2
        assert [known[name] for name in who[row].tolist()] == answers[row].tolist()
    for length in (8, 12, 18):
        ids, first = nb.sentences(200, length)
        for sentence, label in zip(ids.tolist(), first.tolist(), strict=True):
            assert len(set(sentence)) == length and label == (sentence.index(0) < sentence.index(1))


def test_the_order_reader_without_positions_gives_mirror_images_the_same_scores(nb: ModuleType) -> None:
    model = nb.OrderReader(nb.SelfAttention(32, 2), torch.zeros(64, 32)).double()
    ids, _ = nb.sentences(50)
    exchanged = torch.where(ids < 2, 1 - ids, ids)
    assert torch.allclose(model(ids), model(exchanged))
    with_positions = nb.OrderReader(nb.SelfAttention(32, 2), nb.sinusoids(64, 32)).double()
    assert not torch.allclose(with_positions(ids), with_positions(exchanged), atol=1e-3)


def test_sample_norm_is_layer_norm_but_for_a_factor(nb: ModuleType) -> None:
    for d in (4, 32, 512):
        x = torch.randn(3, d, dtype=torch.float64)
        factor = (1 - 1 / d) ** 0.5
        assert torch.allclose(nb.sample_norm(x), factor * nn.LayerNorm(d).double()(x), atol=1e-4)
