"""What notebook 4.3 builds: PyTorch's Transformer, the package's, causal in both modes; and the chapter's study."""

from __future__ import annotations

import importlib.util
import json
import math
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dlcourse import check, models, results, text
from dlcourse.authoring import definitions
from dlcourse.text import Vocab

hypothesis = pytest.importorskip("hypothesis")
st = hypothesis.strategies
DRAWN = hypothesis.settings(deadline=None, max_examples=25)
CHAPTER = definitions.ROOT / "04_attention_transformer"


@pytest.fixture(scope="module")
def nb() -> ModuleType:
    return definitions.load_definitions(CHAPTER / "03_transformer.ipynb")


def randomised(model: Any, seed: int = 0) -> Any:
    """Return the model with random numbers for all parameters, biases and norms included, in float64."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.3, generator=generator)
    return model.double()


def tokens(rows: int, length: int, size: int, seed: int, shortest: int = 1) -> Tensor:
    """Return tokens (rows, length) with padding at the end, at least ``shortest`` real ones in each row."""
    generator = torch.Generator().manual_seed(seed)
    real = torch.randint(min(shortest, length), length + 1, (rows, 1), generator=generator)
    return torch.randint(4, size, (rows, length), generator=generator).masked_fill(torch.arange(length) >= real, 0)


def test_equal_to_pytorch_and_to_the_package(nb: ModuleType) -> None:
    """Random sizes and paddings, both places of the norm, both modes; gradients too."""
    sizes = st.integers(1, 4)

    @DRAWN
    @hypothesis.given(
        sizes, st.integers(1, 6), st.integers(1, 6), sizes, sizes, st.integers(1, 3), st.booleans(), st.booleans(),
        st.integers(0, 999),
    )  # fmt: skip
    def inner(
        B: int, S: int, T: int, heads: int, width: int, layers: int, pre_norm: bool, train: bool, seed: int
    ) -> None:
        arguments: dict[str, Any] = {
            "d": 2 * heads * width,
            "heads": heads,
            "hidden": 5,
            "layers": layers,
            "dropout": 0.0,
        }
        ours = randomised(nb.Transformer(20, 30, **arguments, pre_norm=pre_norm), seed).train(train)
        packaged = models.Transformer(20, 30, **arguments, pre_norm=pre_norm).double()
        packaged.load_state_dict(ours.state_dict())
        source, target = tokens(B, S, 20, seed), tokens(B, T, 30, seed + 1)
        output = ours(source, None, target)
        assert torch.equal(output, packaged.train(train)(source, None, target))
        theirs = models.TorchTransformer(ours).train(train)
        wanted = theirs(source, None, target)
        assert torch.allclose(output, wanted, atol=1e-10)
        weights = torch.linspace(-1, 1, output.numel(), dtype=output.dtype).view_as(output)
        shared = [ours.source_embedding.weight, ours.target_embedding.weight]
        mine = torch.autograd.grad((weights * output).sum(), shared)
        its = torch.autograd.grad(
            (weights * wanted).sum(), [theirs.ours.source_embedding.weight, theirs.ours.target_embedding.weight]
        )
        assert all(torch.allclose(a, b, atol=1e-8) for a, b in zip(mine, its, strict=True))

    inner()


@pytest.mark.parametrize("options", [{}, {"positions": "learned"}, {"positions": "none"}, {"share": True}])
def test_the_package_has_the_same_parameters(nb: ModuleType, options: dict[str, Any]) -> None:
    """Same names, shapes and, with the same random state, the same numbers and outputs, dropout included."""
    made = []
    for kind in (nb.Transformer, models.Transformer):
        torch.manual_seed(3)
        model = kind(20, 20, d=8, heads=2, hidden=12, **options)
        made.append((model.state_dict(), model(tokens(3, 5, 20, 0), None, tokens(3, 4, 20, 1))))
    (state, logits), (its_state, its_logits) = made
    assert list(state) == list(its_state)
    assert all(torch.equal(state[name], its_state[name]) for name in state)
    assert torch.equal(logits, its_logits)


def test_cached_decoding_is_full_decoding(nb: ModuleType) -> None:
    """In pieces of any size, in one call or token by token."""

    @DRAWN
    @hypothesis.given(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.booleans(), st.integers(0, 999))
    def inner(pieces: list[int], pre_norm: bool, seed: int) -> None:
        model = randomised(nb.Transformer(20, 30, d=8, heads=2, hidden=12, pre_norm=pre_norm), seed).eval()
        source, target = tokens(3, 5, 20, seed), tokens(3, sum(pieces), 30, seed)
        state, logits = model.encode(source), []
        for piece in target.split(pieces, dim=1):
            now, state = model.decode(piece, state)
            logits.append(now)
        assert torch.allclose(torch.cat(logits, 1), model(source, None, target), atol=1e-10)
        assert torch.allclose(nb.one_by_one(model, target, model.encode(source)), torch.cat(logits, 1), atol=1e-10)

    inner()


def test_padding_changes_nothing(nb: ModuleType) -> None:
    model = randomised(nb.Transformer(20, 30, d=8, heads=2, hidden=12)).eval()
    source, target = tokens(4, 5, 20, 0), tokens(4, 6, 30, 1)
    logits = model(source, None, target)
    wide = model(F.pad(source, (0, 3)), None, F.pad(target, (0, 2)))
    assert torch.allclose(wide[:, :6], logits, atol=1e-12)
    alone = [model(s[s != 0][None], None, t[None]) for s, t in zip(source, target, strict=True)]
    assert torch.allclose(torch.cat(alone), logits, atol=1e-12)


@pytest.mark.parametrize("pre_norm", [True, False])
@pytest.mark.parametrize("positions", ["sinusoids", "learned", "none"])
def test_causal_in_both_modes(nb: ModuleType, pre_norm: bool, positions: str) -> None:
    source, target = tokens(3, 5, 20, 0), tokens(3, 6, 20, 1, shortest=4)
    for kind, causal in ((nb.Transformer, True), (models.Transformer, True), (nb.Planted, False)):
        model = kind(20, 20, d=8, heads=2, hidden=12, dropout=0.3, pre_norm=pre_norm, positions=positions)

        def logits_of(changed: Tensor, model: nn.Module = model) -> Tensor:
            logits: Tensor = model(source, None, changed)
            return logits

        assert check.is_causal(logits_of, target, model=model, size=20) is causal


def test_the_textbooks_decoder_sees_the_future_in_evaluation_mode(nb: ModuleType) -> None:
    target = tokens(3, 6, 20, 1, shortest=6)
    for repaired in (False, True):
        book = nb.textbook(20, 32, repaired)
        run = nb.logits_of(book)
        assert (check.influence(run, target, 20).triu(1) == 0).all()  # training mode
        assert check.is_causal(run, target, model=book, size=20) is repaired


def test_the_textbooks_decoder_token_by_token(nb: ModuleType) -> None:
    """Only the repaired one has the logits of one call; the weights are the same."""
    source, lengths, target = tokens(3, 5, 20, 0, shortest=5), torch.tensor([5, 3, 1]), tokens(3, 7, 20, 1, shortest=7)
    for repaired in (False, True):
        torch.manual_seed(0)
        book = nb.textbook(20, 32, repaired)
        at_once, _ = book.train()(source, target, lengths)
        state, logits = book.eval().decoder.init_state(book.encoder(source, lengths), lengths), []
        for token in target.split(1, dim=1):
            now, state = book.decoder(token, state)
            logits.append(now)
        gap = (torch.cat(logits, 1) - at_once).abs().amax((0, 2))
        assert gap[0] < 1e-5
        assert (gap[1:] < 1e-5).all() if repaired else (gap[1:] > 1e-3).all()


def test_every_model_runs_on_a_device_that_has_no_numbers(nb: ModuleType) -> None:
    """Forward, loss and backward on the meta device."""
    with torch.device("meta"):
        source, target = torch.zeros(4, 7, dtype=torch.int64), torch.zeros(4, 6, dtype=torch.int64)
        for kind in (nb.Transformer, nb.Planted, nb.ForgetsItsPlace, models.Transformer):
            for options in ({}, {"pre_norm": False, "positions": "learned"}, {"share": True}):
                model = kind(20, 20, d=8, heads=2, hidden=12, **options)
                loss = F.cross_entropy(model(source, None, target).flatten(0, 1), target.flatten())
                loss.backward()
                assert loss.device.type == "meta"
                assert all(p.grad is not None and p.grad.device.type == "meta" for p in model.parameters())
        base = models.Transformer(37_000, 37_000, 512, 8, 2048, 6, pre_norm=False, share=True)
        base(source, None, target).sum().backward()
    assert nb.paper(512, 8, 2048) == 63_082_496 and nb.paper(1024, 16, 4096) == 214_245_376


def test_forgetting_its_place_changes_only_what_is_written_word_by_word(nb: ModuleType) -> None:
    torch.manual_seed(0)
    model = nb.Transformer(20, 30, d=8, heads=2, hidden=12).eval()
    forgetful = nb.ForgetsItsPlace(20, 30, d=8, heads=2, hidden=12).eval()
    forgetful.load_state_dict(model.state_dict())
    source, target = tokens(3, 5, 20, 0), tokens(3, 6, 30, 1, shortest=6)
    assert torch.equal(forgetful(source, None, target), model(source, None, target))
    steps = nb.one_by_one(forgetful, target, forgetful.encode(source)) - model(source, None, target)
    assert torch.allclose(steps[:, 0], torch.zeros(3, 30), atol=1e-5) and steps[:, 1:].abs().amax() > 0.01


def test_operations_with_and_without_cache(nb: ModuleType) -> None:
    """One more word costs nearly the same with the cache, and in proportion to the length without."""
    with_cache, without = ([nb.operations(n, cached) for n in (20, 40)] for cached in (True, False))
    assert with_cache[1] / with_cache[0] < 1.1 and 1.95 < without[1] / without[0] < 2.1


def test_greedy_and_beam_search_take_it(nb: ModuleType) -> None:
    torch.manual_seed(0)
    model = nb.Transformer(20, 30, d=8, heads=2, hidden=12).eval()
    source, lengths = tokens(4, 5, 20, 0), (tokens(4, 5, 20, 0) != 0).sum(1)
    greedy = models.greedy(model, source, lengths, 6)
    beams = models.beam_search(model, source, lengths, 1, 6)
    assert torch.equal(beams.tokens[:, 0], greedy)
    assert models.beam_search(model, source, lengths, 3, 6).tokens.shape == (4, 3, 6)


@pytest.mark.parametrize(("smoothing", "size"), [(0.1, 4000), (0.3, 7), (0.0, 50), (1.0, 9)])
def test_smallest_loss(nb: ModuleType, smoothing: float, size: int) -> None:
    q = torch.full((size,), smoothing / size, dtype=torch.float64)
    q[2] += 1 - smoothing
    loss = F.cross_entropy(q.clamp(min=1e-300).log()[None], torch.tensor([2]), label_smoothing=smoothing)
    assert nb.smallest_loss(smoothing, size) == pytest.approx(loss.item(), abs=1e-9)
    others = F.cross_entropy(torch.randn(200, size).double(), torch.full((200,), 2), label_smoothing=smoothing)
    assert others > nb.smallest_loss(smoothing, size) - 1e-9


def test_warm_up(nb: ModuleType) -> None:
    rates = [nb.paper_lr(step, 512, 4000) for step in range(1, 10_000)]
    assert max(rates) == rates[3999] == pytest.approx(6.987e-4, rel=1e-3)
    assert nb.paper_lr(1, 1, 4) == pytest.approx(1 / 8) and nb.paper_lr(16, 1, 4) == pytest.approx(1 / 4)


def test_the_everyday_sentences_are_new_and_well_formed() -> None:
    everyday = text.load_pairs(CHAPTER / "everyday.tsv")
    assert len(everyday) == 40
    pairs = text.load("eng", "fra")
    known = {
        tuple(text.tokenize(p.source, "eng")) for part in (pairs.train, pairs.validation, pairs.test) for p in part
    }
    assert not known & {tuple(text.tokenize(pair.source, "eng")) for pair in everyday}


# --- the study and its file ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def study() -> ModuleType:
    """The chapter's study.py."""
    spec = importlib.util.spec_from_file_location("study", CHAPTER / "study.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_study_begins_with_the_sweep_and_goes_on_with_its_best_rates(study: ModuleType) -> None:
    sweep = list(study.wanted([]))
    assert len(sweep) == 12 and all(run["study"] == "sweep" for run in sweep)
    assert list(study.wanted([{"settings": run, "validation": {"all": 1.0}} for run in sweep[:-1]])) == sweep
    done = [{"settings": run, "validation": {"all": -abs(math.log(run["lr"] / 3e-3))}} for run in sweep]
    wanted = list(study.wanted(done))
    counts = Counter(run["study"] for run in wanted)
    assert counts == {"sweep": 12, "comparison": 15, "everyday": 10, "share": 18, "variant": 21}
    assert len({json.dumps(run, sort_keys=True) for run in wanted}) == len(wanted)
    rates = {run["family"]: {r["lr"] for r in wanted[12:] if r["family"] == run["family"]} for run in sweep}
    assert rates == {"GRU": {2.5e-3}, "attention": {2.5e-3}, "Transformer": {3e-3}}


def test_the_study_builds_what_its_settings_say(study: ModuleType) -> None:
    def build(**settings: object) -> Any:
        return study.build(settings, (20, 30))

    assert isinstance(build(family="GRU"), models.Seq2Seq)
    assert isinstance(build(family="attention"), models.AttentionSeq2Seq)
    for name, change in study.VARIANTS.items():
        model = build(family="Transformer", **change)
        assert isinstance(model, models.Transformer), name
    assert build(family="Transformer", heads=1).encoder[0].attention.heads == 1
    assert len(build(family="Transformer", layers=1).decoder) == 1
    assert isinstance(build(family="Transformer", positions="learned").encodings, nn.Parameter)
    assert not build(family="Transformer", positions="none").encodings.any()
    assert build(family="Transformer", pre_norm=False).encoder[0].pre_norm is False


def test_the_recorded_studies_have_runs_that_are_asked_for(study: ModuleType) -> None:
    """The settings in results/studies are those of study.py and counting.py, each once."""
    recorded = [json.dumps(run["settings"], sort_keys=True) for run in results.study("translation")]
    wanted = {json.dumps(settings, sort_keys=True) for settings in study.wanted(results.study("translation"))}
    assert len(recorded) == len(set(recorded)) and set(recorded) <= wanted
    counted = results.study("counting")
    assert {(run["settings"]["family"], run["settings"].get("share")) for run in counted} == {
        (family, share) for family in ("look-up", "counting") for share in (0.25, 0.5, 1.0, None)
    }


def test_runs_of_a_study_are_selected_and_summed_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    (tmp_path / "studies").mkdir()
    rows = [{"settings": {"family": f, "seed": s}, "test": {"all": v}} for f, s, v in (("a", 0, 1.0), ("a", 1, 3.0))]
    (tmp_path / "studies" / "x.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    (tmp_path / "studies" / "y.jsonl").write_text(json.dumps({"settings": {"family": "b"}}), encoding="utf-8")
    runs = results.study("x", "y")
    assert len(runs) == 3 and results.select(runs, family="a", seed=1) == [rows[1]]
    assert results.median(results.select(runs, family="a"), "test", "all") == 2.0
    assert math.isnan(results.median(results.select(runs, family="c"), "test", "all"))


def test_padding_is_number_zero() -> None:
    """``influence`` relies on it: it changes no token to padding."""
    assert Vocab.PAD == 0
