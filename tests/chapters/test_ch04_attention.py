"""What notebook 4.1 builds: right masks, the model of the package, and no look at the future."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dlcourse import models
from dlcourse.authoring import definitions

FOLDER = definitions.ROOT / "04_attention_transformer"


@pytest.fixture(scope="module")
def nb() -> ModuleType:
    return definitions.load_definitions(FOLDER / "01_attention.ipynb")


def batch(count: int = 4, steps: int = 7, words: int = 13) -> tuple[Tensor, Tensor]:
    """Return padded sources (count, steps) and their lengths, the first one full."""
    lengths = torch.randint(1, steps + 1, (count,))
    lengths[0] = steps
    source = torch.randint(4, words, (count, steps))
    return source.masked_fill(torch.arange(steps) >= lengths.unsqueeze(1), 0), lengths


def test_masked_softmax_in_every_shape_and_precision(nb: ModuleType) -> None:
    hypothesis = pytest.importorskip("hypothesis")
    st = hypothesis.strategies

    @hypothesis.settings(deadline=None, max_examples=60)
    @hypothesis.given(
        st.lists(st.integers(1, 4), min_size=1, max_size=3), st.integers(0, 10_000),
        st.sampled_from([torch.float16, torch.bfloat16, torch.float32, torch.float64]),
    )  # fmt: skip
    def inner(shape: list[int], number: int, dtype: torch.dtype) -> None:
        torch.manual_seed(number)
        scores = (5 * torch.randn(*shape, 6)).to(dtype)
        mask = torch.rand(*shape, 6) < 0.5
        weights = nb.masked_softmax(scores, mask)
        assert torch.equal(weights, models.masked_softmax(scores, mask))
        assert weights.dtype == dtype and (weights[~mask] == 0).all()
        assert torch.allclose(weights.float().sum(-1), mask.any(-1).float(), atol=2e-2)

    inner()


def test_the_package_has_the_model_of_the_notebook(nb: ModuleType) -> None:
    sizes = (13, 17, 6, 8, 0.0)
    ours, theirs = nb.AttentionSeq2Seq(*sizes), models.AttentionSeq2Seq(*sizes)
    theirs.load_state_dict(ours.state_dict())
    source, lengths = batch()
    target = torch.randint(4, 17, (4, 5))
    assert torch.equal(ours(source, lengths, target), theirs(source, lengths, target))
    with pytest.raises(RuntimeError):
        theirs.load_state_dict(models.Seq2Seq(13, 17, 6, 8).state_dict())


def test_neither_padding_nor_the_future_nor_the_neighbours_count(nb: ModuleType) -> None:
    model = nb.AttentionSeq2Seq(13, 17, 6, 8).double().eval()
    source, lengths = batch()
    target = torch.randint(4, 17, (4, 5))
    logits = model(source, lengths, target)
    assert torch.allclose(model(F.pad(source, (0, 3)), lengths, target), logits)
    later = target.clone()
    later[:, 3:] = 5
    assert torch.allclose(model(source, lengths, later)[:, :3], logits[:, :3])
    for i, n in enumerate(lengths.tolist()):
        alone = model(source[i : i + 1, :n], lengths[i : i + 1], target[i : i + 1])
        assert torch.allclose(alone[0], logits[i])


@pytest.mark.parametrize("name", ["AttentionSeq2Seq", "Transformer"])
def test_step_by_step_equals_at_once_and_the_searches_take_it(name: str) -> None:
    torch.manual_seed(0)
    model: Any = getattr(models, name)(13, 17, 8, *((2, 16, 2, 0.0) if name == "Transformer" else (8,))).double().eval()
    source, lengths = batch()
    target = torch.randint(4, 17, (4, 6))
    state, steps = model.encode(source, lengths), []
    for token in target.split(1, dim=1):
        logits, state = model.decode(token, state)
        steps.append(logits)
    assert torch.allclose(torch.cat(steps, 1), model(source, lengths, target))
    greedy = models.greedy(model, source, lengths, 9)
    assert torch.equal(models.beam_search(model, source, lengths, 1, 9).tokens[:, 0], greedy)
    wide = models.beam_search(model, source, lengths, 4, 9)
    assert (wide.log_p[:, 0] >= models.beam_search(model, source, lengths, 1, 9).log_p[:, 0] - 1e-9).any()


@pytest.mark.parametrize("pre_norm", [True, False])
def test_the_transformer_equals_pytorch(pre_norm: bool) -> None:
    torch.manual_seed(0)
    model = models.Transformer(50, 60, 16, 4, 32, 2, 0.0, pre_norm=pre_norm).double()
    theirs = nn.Transformer(16, 4, 2, 2, 32, 0.0, batch_first=True, norm_first=pre_norm, dtype=torch.float64)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 1:
                nn.init.normal_(parameter, 1.0, 0.2)
        for stack, layers in ((theirs.encoder, model.encoder), (theirs.decoder, model.decoder)):
            for layer, ours in zip(stack.layers, layers, strict=True):
                attentions = [(layer.self_attn, ours.attention)]
                if isinstance(ours, models.DecoderLayer):
                    attentions.append((layer.multihead_attn, ours.cross))
                for one, other in attentions:
                    parts = (other.W_q, other.W_k, other.W_v)
                    one.in_proj_weight.copy_(torch.cat([part.weight for part in parts]))
                    one.in_proj_bias.copy_(torch.cat([part.bias for part in parts]))
                    one.out_proj.load_state_dict(other.W_o.state_dict())
                layer.linear1.load_state_dict(ours.feed_forward[0].state_dict())
                layer.linear2.load_state_dict(ours.feed_forward[3].state_dict())
                for i, norm in enumerate(ours.norms):
                    getattr(layer, f"norm{i + 1}").load_state_dict(norm.state_dict())
        for stack, end in ((theirs.encoder, model.ends[0]), (theirs.decoder, model.ends[1])):
            stack.norm = None if isinstance(end, nn.Identity) else end
    source, lengths = batch(words=50)
    target, padding = torch.randint(4, 60, (4, 6)), source == 0
    later = torch.ones(6, 6, dtype=torch.bool).triu(1)
    expected = theirs(
        model.embed(model.source_embedding, source), model.embed(model.target_embedding, target), tgt_mask=later,
        src_key_padding_mask=padding, memory_key_padding_mask=padding,
    )  # fmt: skip
    logits = model(source, lengths, target)
    assert torch.allclose(logits, F.linear(expected, model.target_embedding.weight), atol=1e-9)


def test_parameters_of_the_paper() -> None:
    with torch.device("meta"):
        base = models.Transformer(37_000, 37_000, 512, 8, 2048, 6, share=True, pre_norm=False)
    assert sum(parameter.numel() for parameter in base.parameters()) == 63_082_496


def test_positions(nb: ModuleType) -> None:
    source, lengths = batch()
    target = torch.randint(4, 17, (4, 5))
    mixed = source.clone()
    mixed[0] = source[0, torch.randperm(7)]
    for kind, same in (("none", True), ("sinusoids", False), ("learned", False)):
        torch.manual_seed(0)
        model = models.Transformer(13, 17, 8, 2, 16, 1, positions=kind).double().eval()
        equal = torch.allclose(model(source, lengths, target)[0], model(mixed, lengths, target)[0])
        assert equal is same or torch.equal(mixed, source)


def test_models_run_on_a_device_that_has_no_numbers(nb: ModuleType) -> None:
    """Forward, loss and backward on the meta device: a tensor made on the wrong device raises."""
    source, target = (torch.zeros(3, n, dtype=torch.int64, device="meta") for n in (6, 5))
    model = models.Transformer(13, 17, 8, 2, 16, 2).to("meta")
    logits = model(source, None, target)
    F.cross_entropy(logits.flatten(0, 1), target.flatten()).backward()
    assert all(p.grad is not None and p.grad.device.type == "meta" for p in model.parameters())
    scores = nb.AdditiveScores(4, 5, 6).to("meta")
    scores(torch.zeros(2, 3, 4, device="meta"), torch.zeros(2, 7, 5, device="meta")).sum().backward()
    memory, mask = torch.zeros(3, 6, 8, device="meta"), torch.ones(3, 1, 6, dtype=torch.bool, device="meta")
    attention = nb.AttentionSeq2Seq(13, 17, 6, 8).to("meta")
    decoded, _ = attention.decode(target, (torch.zeros(3, 8, device="meta"), memory, mask))
    F.cross_entropy(decoded.flatten(0, 1), target.flatten()).backward()


def test_bad_sizes_are_explained() -> None:
    with pytest.raises(ValueError, match="d is 10; give a multiple of the 4 heads"):
        models.MultiHeadAttention(10, 4)
    model = models.Transformer(13, 17, 8, 2, 16, 1, longest=4)
    with pytest.raises(ValueError, match="5 positions; this model has 4: build it with longest="):
        model(torch.ones(1, 3, dtype=torch.int64), None, torch.ones(1, 5, dtype=torch.int64))
    with pytest.raises(ValueError, match="max_steps is 0"):
        models.beam_search(model, torch.ones(1, 3, dtype=torch.int64), torch.tensor([3]), 2, 0)
