"""What notebook 3.2 builds: the package's model, loss and search, sacreBLEU's score, and no influence of padding."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path
from types import ModuleType

import matplotlib.pyplot as plt
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from dlcourse import download, models, plot, text, textbook
from dlcourse.authoring import definitions
from dlcourse.text import PairLoader, Vocab
from dlcourse.train import fit

ARGUMENTS = (13, 17, 6, 8, 2)  # source and target vocabulary, embedding, hidden, layers


@pytest.fixture(scope="module")
def nb() -> ModuleType:
    return definitions.load_definitions(definitions.ROOT / "03_rnn_seq2seq" / "02_seq2seq.ipynb")


def sentences(count: int, size: int, seed: int) -> tuple[Tensor, Tensor]:
    """Return random sentences (count, 7), padded, and their lengths."""
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(1, 8, (count,), generator=generator)
    ids = torch.randint(4, size, (count, 7), generator=generator)
    return ids.masked_fill(torch.arange(7) >= lengths[:, None], Vocab.PAD), lengths


def test_the_package_has_the_model_of_the_notebook(nb: ModuleType) -> None:
    ours, packaged = nb.Seq2Seq(*ARGUMENTS).eval(), models.Seq2Seq(*ARGUMENTS).eval()
    packaged.load_state_dict(ours.state_dict())
    source, lengths = sentences(9, 13, 0)
    target, _ = sentences(9, 17, 1)
    assert torch.equal(ours(source, lengths, target), packaged(source, lengths, target))
    assert torch.equal(nb.greedy(ours, source, lengths, 9), models.greedy(packaged, source, lengths, 9))
    with pytest.raises(ValueError, match="hidden is 7; give an even number"):
        models.Seq2Seq(13, 17, 6, 7)
    logits = torch.randn(9, 7, 17)
    assert torch.equal(nb.masked_loss(logits, target), text.masked_loss(logits, target))
    assert torch.equal(nb.real_tokens(target), text.real_tokens(target))


def test_the_model_runs_on_a_device_that_has_no_numbers(nb: ModuleType) -> None:
    """Forward, loss and backward on the meta device (the lengths are counted on the CPU, where packing needs them)."""
    model = nb.Seq2Seq(*ARGUMENTS, dropout=0.1).to("meta")
    source, lengths = sentences(5, 13, 0)
    target, _ = sentences(5, 17, 1)
    target = target.to("meta")
    nb.masked_loss(model(source.to("meta"), lengths, target), target).backward()
    assert all(p.grad is not None and p.grad.device.type == "meta" for p in model.parameters())
    decoder = nb.TextbookDecoder(17, 6, 8, 2).to("meta")
    hidden = torch.zeros(2, 5, 8, device="meta")
    decoder(target, decoder.init_state((None, hidden)))[0].sum().backward()


@pytest.mark.parametrize("seed", range(5))
def test_neither_padding_nor_neighbours_change_a_sentence(nb: ModuleType, seed: int) -> None:
    model = nb.Seq2Seq(*ARGUMENTS).double().eval()
    source, lengths = sentences(6, 13, seed)
    context, hidden = model.encode(F.pad(source, (0, 4)), lengths)
    for i, n in enumerate(lengths.tolist()):
        alone_context, alone_hidden = model.encode(source[i : i + 1, :n], lengths[i : i + 1])
        assert torch.allclose(alone_context[0], context[i]) and torch.allclose(alone_hidden[0], hidden[i])


def test_what_stands_in_the_padding_is_not_read(nb: ModuleType) -> None:
    model = nb.Seq2Seq(*ARGUMENTS).eval()
    source, lengths = sentences(6, 13, 5)
    target, _ = sentences(6, 17, 6)
    other = source.masked_fill(source == Vocab.PAD, 7)
    assert torch.equal(model(source, lengths, target), model(other, lengths, target))


def test_the_summary_holds_both_ends(nb: ModuleType) -> None:
    """The forward half is what stands after the last word, the backward half what stands after the first."""
    encoder = nb.Encoder(13, 6, 8).eval()
    base = torch.tensor([[4, 5, 6, 7]])
    forward, backward = encoder(base, torch.tensor([4]))[0, 0].split(4)
    embedded = encoder.embedding(base)
    outputs, _ = encoder.rnn(embedded)
    assert torch.allclose(forward, outputs[0, -1, :4]) and torch.allclose(backward, outputs[0, 0, 4:])


def test_the_future_does_not_change_the_past(nb: ModuleType) -> None:
    model = nb.Seq2Seq(*ARGUMENTS).double()
    source, lengths = sentences(4, 13, 0)
    target = torch.randint(4, 17, (4, 8))
    changed = target.clone()
    changed[:, 5:] = (target[:, 5:] - 3) % 13 + 4
    for mode in (True, False):
        model.train(mode)
        assert torch.allclose(model(source, lengths, target)[:, :5], model(source, lengths, changed)[:, :5])


def test_step_by_step_equals_at_once_only_with_the_context_kept(nb: ModuleType) -> None:
    model = nb.Seq2Seq(*ARGUMENTS).double().eval()
    source, lengths = sentences(4, 13, 3)
    target = torch.randint(4, 17, (4, 8))
    state = model.encode(source, lengths)
    assert torch.allclose(nb.one_by_one(model.decoder, target, state), model.decode(target, state)[0])
    decoder, state = nb.TextbookDecoder(17, 6, 8, 2).double(), (state[0], state[1].transpose(0, 1))
    assert not torch.allclose(nb.one_by_one(decoder, target, state), decoder(target, state)[0], atol=1e-3)
    decoder.keep_context = True
    assert torch.allclose(nb.one_by_one(decoder, target, state), decoder(target, state)[0])


def test_the_drawing_of_an_unrolled_network_has_a_box_for_each_step() -> None:
    plot.unrolled({"encoder": (["a", "b"],), "decoder": (["<", "x"], ["x", ">"], True)}, marks=[">"], alt="two and two")
    texts = [text.get_text() for text in plt.gcf().axes[0].texts]
    plt.close("all")
    assert sorted(texts) == sorted(["a", "b", "summary", "<", "x", "x", ">", *["GRU"] * 6, "encoder", "decoder"])


def test_scores_of_the_textbooks_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole sentences, a wrong one, and one of a single word, where the textbook divides by zero."""
    said = {"i know .": "je sais .", "go on .": "je ne", "no": "non"}
    monkeypatch.setattr(textbook.d2l, "predict_seq2seq", lambda model, source, *_: (said[source], None))
    pair = text.Pair("I know.", "Je sais.", ("Je sais.",))
    pairs = [textbook.spaced(pair, ("eng", "fra")), ("go on .", "continue ."), ("no", "non")]
    assert pairs[0] == ("i know .", "je sais .")
    scores = textbook.translation_scores(torch.nn.Identity(), pairs, (None, None), 10, torch.device("cpu"))
    assert scores.tolist() == [1, 0, 0]


def test_padding_has_no_loss_and_no_gradient(nb: ModuleType) -> None:
    target, _ = sentences(6, 17, 2)
    logits = torch.randn(6, 7, 17, requires_grad=True)
    loss = nb.masked_loss(logits, target)
    loss.backward()
    assert logits.grad is not None and not logits.grad[target == Vocab.PAD].any()
    real = logits.log_softmax(-1).gather(-1, target.unsqueeze(-1)).squeeze(-1)[target != Vocab.PAD]
    assert torch.allclose(loss, -real.sum() / nb.real_tokens(target))


def test_greedy_search_ends_and_says_nothing_behind_the_end(nb: ModuleType) -> None:
    model = nb.Seq2Seq(*ARGUMENTS).eval()
    source, lengths = sentences(6, 13, 4)
    with torch.no_grad():
        model.decoder.scores.bias[[Vocab.PAD, Vocab.BOS]] += 50.0  # it wants nothing else
        endless = nb.greedy(model, source, lengths, 9)
        assert not torch.isin(endless, torch.tensor([Vocab.BOS])).any()
        model.decoder.scores.bias[Vocab.EOS] += 40.0
    ended = nb.greedy(model, source, lengths, 9)
    assert (ended[:, 0] == Vocab.EOS).all() and (ended[:, 1:] == Vocab.PAD).all()


def test_bleu_of_the_notebook_is_sacrebleus(nb: ModuleType) -> None:
    hypothesis = pytest.importorskip("hypothesis")
    st = hypothesis.strategies
    words = st.lists(st.sampled_from("ab"), min_size=4, max_size=9)
    pair = st.tuples(words, st.lists(words, min_size=1, max_size=3))

    @hypothesis.settings(deadline=None, max_examples=150)
    @hypothesis.given(st.lists(pair, min_size=1, max_size=6))
    def inner(pairs: list[tuple[list[str], list[list[str]]]]) -> None:
        guesses, references = [list(side) for side in zip(*pairs, strict=True)]
        most = max(map(len, references))
        streams = [[" ".join(several[k]) if k < len(several) else None for several in references] for k in range(most)]
        metric = nb.BLEU(tokenize="none", smooth_method="none", force=True)
        theirs = metric.corpus_score([" ".join(guess) for guess in guesses], streams).score
        assert nb.corpus_bleu(guesses, references) == pytest.approx(theirs, abs=1e-6)

    inner()


def test_full_scale_reads_an_archive_of_the_textbooks_layout(
    nb: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the archive to a step of training: rows with equal sources are merged, in each part its own."""
    rows = "".join(
        f"{pair.source}\t{one}\n" for pair in text.load_pairs(None, "eng", "fra")[:400] for one in pair.references
    )
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("fra-eng/fra.txt", rows)
    path = tmp_path / "fra-eng.zip"
    path.write_bytes(packed.getvalue())
    (known,) = download.RESOURCES["fra-eng"]
    digest = f"sha256:{hashlib.sha256(packed.getvalue()).hexdigest()}"
    resource = download.Resource(known.path, (), None, digest, member=known.member)
    monkeypatch.setitem(download.RESOURCES, "fra-eng", (resource,))
    monkeypatch.setenv("DLCOURSE_DATA", str(tmp_path))
    pairs = text.load("eng", "fra", "fra-eng")
    parts = [{pair.source for pair in part} for part in (pairs.train, pairs.validation, pairs.test)]
    assert len(set.union(*parts)) == sum(map(len, parts)) == 400
    english = Vocab(text.tokenize(pair.source, "eng") for pair in pairs.train)
    french = Vocab(text.tokenize(one, "fra") for pair in pairs.train for one in pair.references)
    loader = PairLoader(pairs.train, english, french, pairs.languages, 64, shuffle=True, all_references=True)
    model = nb.Seq2Seq(len(english), len(french), 8, 16)
    history = fit(
        model, loader, epochs=1, loss=nb.masked_loss, optimizer=torch.optim.AdamW(model.parameters()),
        weight=nb.real_tokens, device="cpu", progress=False,
    )  # fmt: skip
    assert 0 < history["train_loss"][0] < 8


def test_the_package_has_the_same_word_beliefs(nb: ModuleType) -> None:
    pairs = text.load("eng", "fra").train[::40]
    sentences = [(text.tokenize(pair.source, "eng"), text.tokenize(pair.target, "fra")) for pair in pairs]
    assert text.ibm1(sentences, 3) == nb.ibm1(sentences, 3)
