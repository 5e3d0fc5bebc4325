"""What notebook 3.1 builds: equal to PyTorch over random shapes, and movable to any device."""

from __future__ import annotations

from types import ModuleType

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from dlcourse.authoring import definitions

LAYERS = [nn.RNN, nn.GRU, nn.LSTM]


@pytest.fixture(scope="module")
def gated() -> ModuleType:
    return definitions.load_definitions(definitions.ROOT / "03_rnn_seq2seq" / "01_gated_rnns.ipynb")


def first_state(layer: nn.RNNBase, batch: int) -> tuple[object, object]:
    """Return the same random first state for the notebook's layer and for PyTorch's."""
    parts = [torch.randn(batch, layer.hidden_size, dtype=torch.float64) for _ in range(2)]
    if isinstance(layer, nn.LSTM):
        return tuple(parts), tuple(part[None] for part in parts)
    return parts[0], parts[0][None]


@pytest.mark.parametrize("kind", LAYERS)
def test_layers_equal_pytorch_in_outputs_states_and_gradients(gated: ModuleType, kind: type[nn.RNNBase]) -> None:
    hypothesis = pytest.importorskip("hypothesis")
    number = hypothesis.strategies.integers

    @hypothesis.settings(deadline=None, max_examples=40)
    @hypothesis.given(number(1, 4), number(1, 12), number(1, 6), number(1, 8), hypothesis.strategies.booleans())
    def inner(batch: int, steps: int, inputs: int, hidden: int, given_state: bool) -> None:
        torch.manual_seed(batch + 10 * steps)
        theirs = kind(inputs, hidden, batch_first=True, dtype=torch.float64)
        ours = gated.handwritten(theirs)
        x = torch.randn(batch, steps, inputs, dtype=torch.float64, requires_grad=True)
        again = x.detach().clone().requires_grad_()
        mine, its = first_state(theirs, batch) if given_state else (None, None)
        outputs, state = ours(x, mine)
        expected, last = theirs(again, its)
        assert torch.allclose(outputs, expected, atol=1e-9)
        for a, b in zip(*(s if isinstance(s, tuple) else (s,) for s in (state, last)), strict=True):
            assert torch.allclose(a, b[0], atol=1e-9)
        weights = torch.randn_like(expected)
        (outputs * weights).sum().backward()
        (expected * weights).sum().backward()
        assert torch.allclose(x.grad, again.grad, atol=1e-9)
        pairs = [(ours.W, theirs.weight_ih_l0), (ours.U, theirs.weight_hh_l0), (ours.b, theirs.bias_ih_l0)]
        for a, b in pairs:
            assert torch.allclose(a.grad, b.grad, atol=1e-9)
        if kind is nn.GRU:
            assert torch.allclose(ours.c.grad, theirs.bias_hh_l0.grad[-hidden:], atol=1e-9)

    inner()


def test_the_two_resets_differ_in_general_and_agree_where_the_notebook_says(gated: ModuleType) -> None:
    torch.manual_seed(0)
    U = torch.randn(7, 7)
    assert gated.both_resets(U, 0.0) > 1e-3
    assert gated.both_resets(U, 50.0) < 1e-9
    assert gated.both_resets(torch.diag(U.diag()), -1.0) < 1e-9


def test_models_run_on_a_device_that_has_no_numbers(gated: ModuleType) -> None:
    """Forward, loss and backward on the meta device: a tensor made on the wrong device raises."""
    x = torch.randn(4, 6, 16, device="meta")
    layers = [gated.RNN(16, 8), gated.GRU(16, 8), gated.GRU(16, 8, reset_after=False), gated.LSTM(16, 8)]
    for layer in layers:
        output, _ = layer.to("meta")(x)
        assert output.shape == (4, 6, 8)
        output.sum().backward()
    for kind in LAYERS:
        recall = gated.Recall(kind, None if kind is nn.RNN else 4.0)
        F.cross_entropy(recall.to("meta")(x), torch.zeros(4, dtype=torch.long, device="meta")).backward()
        layers.append(recall)
    ids = torch.zeros(4, 7, dtype=torch.long, device="meta")
    for kind in LAYERS:
        for both in (False, True):
            model = gated.CharLM(11, 8, kind, bidirectional=both).to("meta")
            scores = model(ids[:, :-1])
            assert scores.shape == (4, 6, 11)
            gated.nats(scores, ids[:, 1:]).backward()
            layers.append(model)
    for layer in layers:
        assert all(p.grad is not None and p.grad.device.type == "meta" for p in layer.parameters())


def test_only_the_bidirectional_model_sees_the_future(gated: ModuleType) -> None:
    x = torch.randint(0, 11, (2, 9))
    changed = x.clone()
    changed[:, 5:] = (x[:, 5:] + 1) % 11
    for both in (False, True):
        model = gated.CharLM(11, 8, bidirectional=both).eval()
        same = torch.allclose(model(x)[:, :5], model(changed)[:, :5], atol=1e-6)
        assert same is not both


def test_recall_keeps_its_gate_open(gated: ModuleType) -> None:
    for kind in (nn.GRU, nn.LSTM):
        layer = gated.Recall(kind, 4.0, hidden=8).layer
        total = layer.bias_ih_l0 + layer.bias_hh_l0
        assert torch.equal(total[8:16], torch.full((8,), 4.0)) and not torch.any(total[:8] == 4.0)
    x, y = gated.recall_batch(50, 12)
    assert x.shape == (50, 12, 16) and torch.equal(x[:, 0].argmax(-1), y)
    assert (y < 8).all() and (x[:, 1:].argmax(-1) >= 8).all()


def test_windows_cover_the_text_and_targets_are_one_later(gated: ModuleType) -> None:
    hypothesis = pytest.importorskip("hypothesis")
    number = hypothesis.strategies.integers

    @hypothesis.settings(deadline=None)
    @hypothesis.given(number(1, 12), number(1, 5), number(0, 200))
    def inner(length: int, batch: int, extra: int) -> None:
        ids = torch.arange(2 * length + extra)
        windows = gated.Windows(ids, length, batch)
        found = list(windows)
        assert len(found) == len(windows)
        assert all(torch.equal(x + 1, y) and x.shape[1] == length for x, y in found)
        seen = torch.cat([x.flatten() for x, _ in found])
        assert len(seen.unique()) == len(seen) >= len(ids) - 2 * length

    inner()


def test_the_loop_and_its_gradient_equal_autograd(gated: ModuleType) -> None:
    torch.manual_seed(0)
    layer = nn.RNN(3, 5, dtype=torch.float64)
    x, weights = torch.randn(9, 3, dtype=torch.float64), torch.randn(5, dtype=torch.float64)
    U = layer.weight_hh_l0
    states = gated.rnn(x, layer.weight_ih_l0, U, layer.bias_ih_l0 + layer.bias_hh_l0)
    assert torch.allclose(states, layer(x)[0], atol=1e-12)
    (states[-1] @ weights).backward()
    assert torch.allclose(gated.through_time(states.detach(), U.detach(), weights), U.grad, atol=1e-12)


def test_deep_and_bidirectional_layers_are_made_of_the_simple_one(gated: ModuleType) -> None:
    x = torch.randn(3, 20, 5, dtype=torch.float64)
    theirs = nn.GRU(5, 7, num_layers=2, batch_first=True, bidirectional=True, dtype=torch.float64)
    inputs = x
    for level in (0, 1):
        halves = []
        for reverse in (False, True):
            simple = nn.GRU(inputs.shape[-1], 7, batch_first=True, dtype=torch.float64)
            ending = f"l{level}" + "_reverse" * reverse
            simple.load_state_dict({name: getattr(theirs, name[:-2] + ending) for name in simple.state_dict()})
            read = gated.handwritten(simple)(inputs.flip(1) if reverse else inputs)[0]
            halves.append(read.flip(1) if reverse else read)
        inputs = torch.cat(halves, -1)
    assert torch.allclose(inputs, theirs(x)[0], atol=1e-12)


def test_ngrams_are_probabilities_and_mix_by_witten_bell(gated: ModuleType) -> None:
    model = gated.NGrams("abcabcabdab", 3)
    for past in ("", "a", "ab", "zz", "b"):
        assert sum(model.chance(past, c) for c in "abcd") + model.chance(past, "?") == pytest.approx(1)
    assert model.chance("", "c") == pytest.approx((2 + 4 / 5) / 15)
    after_b = (2 + 2 * model.chance("", "c")) / (3 + 2)  # b is followed by c, c, d
    assert model.chance("b", "c") == pytest.approx(after_b)
    assert model.chance("b", "c", n=1) == model.chance("", "c")
    assert gated.NGrams("ab" * 500, 2).perplexity("ab" * 500) == pytest.approx(1, abs=0.01)


def test_perplexities(gated: ModuleType) -> None:
    model = gated.CharLM(11, 8)
    for parameter in model.scores.parameters():
        nn.init.zeros_(parameter)
    text = torch.randint(0, 11, (60,))
    assert gated.perplexity(model, text) == pytest.approx(11, rel=1e-5)
    assert gated.next_perplexity(model, text) == pytest.approx(11, rel=1e-5)


def test_a_book_is_cut_without_overlap(gated: ModuleType) -> None:
    parts = gated.contiguous("The  Time\nMachine " * 50)
    assert "".join(parts) == " ".join(("the time machine " * 50).split())
    assert [round(len(part) / len("".join(parts)), 1) for part in parts] == [0.8, 0.1, 0.1]


def test_writing_keeps_the_prefix_and_never_draws_the_unknown_character() -> None:
    module = definitions.load_definitions(definitions.ROOT / "03_rnn_seq2seq" / "01_gated_rnns.ipynb")
    module.characters, module.index = ["a", "b", " "], {"a": 1, "b": 2, " ": 3}
    model = module.CharLM(4, 8)
    with torch.no_grad():
        model.scores.bias[0] = 50.0  # the model wants the unknown character
    text = module.write(model, "ab ", 60)
    assert text.startswith("ab ") and len(text) == 63 and set(text) <= {"a", "b", " "}
    model.scores.bias.data = torch.tensor([0.0, 0.0, 50.0, 0.0])
    assert module.write(model, "a", 5, temperature=0.1) == "abbbbb"
