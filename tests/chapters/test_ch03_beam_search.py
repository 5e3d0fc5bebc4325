"""The searches of notebook 3.3, against exhaustive search, greedy search and the model's own scores."""

from __future__ import annotations

import itertools
import math
from types import ModuleType

import pytest
import torch
from torch import Tensor

from dlcourse import models
from dlcourse.authoring import definitions
from dlcourse.models import Seq2Seq
from dlcourse.text import Vocab

SEEDS = range(12)
ALPHAS = (0.0, 0.5, 1.0, 2.0)
Problem = tuple[Seq2Seq, Tensor, Tensor]


@pytest.fixture(scope="module")
def nb() -> ModuleType:
    return definitions.load_definitions(definitions.ROOT / "03_rnn_seq2seq" / "03_beam_search.ipynb")


def problem(seed: int, target_size: int = 6, layers: int = 1, sentences: int = 4) -> Problem:
    """Return an untrained model in float64, and sources of different lengths with these."""
    generator = torch.Generator().manual_seed(seed)
    model = Seq2Seq(9, target_size, embedding=6, hidden=8, layers=layers).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
    lengths = torch.randint(1, 6, (sentences,), generator=generator)
    source = torch.randint(4, 9, (sentences, 5), generator=generator)
    return model, source.masked_fill(torch.arange(5) >= lengths.unsqueeze(1), Vocab.PAD), lengths


def all_outputs(size: int, max_steps: int) -> Tensor:
    """Return all outputs (N, max_steps) of a vocabulary of so many tokens, <pad> behind <eos>, each once."""
    allowed = [token for token in range(size) if token not in (Vocab.PAD, Vocab.BOS)]
    found = set()
    for tokens in itertools.product(allowed, repeat=max_steps):
        end = tokens.index(Vocab.EOS) + 1 if Vocab.EOS in tokens else max_steps
        found.add(tokens[:end] + (Vocab.PAD,) * (max_steps - end))
    return torch.tensor(sorted(found))


def best_finished(beams: tuple[Tensor, ...], alpha: float) -> Tensor:
    """Return the best score (B,) of the finished hypotheses, −∞ where there is none."""
    _, log_p, length, finished = beams
    return (log_p / length**alpha).masked_fill(~finished, -torch.inf).amax(1)


def used(beams: tuple[Tensor, ...]) -> Tensor:
    """Return the tokens, with 0 in the places that hold no hypothesis."""
    return beams[0].masked_fill(beams[1].isinf().unsqueeze(-1), Vocab.PAD)


@pytest.mark.parametrize("seed", SEEDS)
def test_width_1_is_greedy_search(nb: ModuleType, seed: int) -> None:
    model, source, lengths = problem(seed, target_size=5 + 3 * seed, layers=1 + seed % 3)
    for alpha in ALPHAS:
        beams = nb.beam_search(model, source, lengths, 1, 9, alpha)
        assert torch.equal(beams.tokens[:, 0], nb.greedy(model, source, lengths, 9))


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_wide_beam_is_exhaustive_search(nb: ModuleType, seed: int, alpha: float) -> None:
    """All outputs in their order, not only the best one; with and without stopping early the best is the same."""
    size, steps = ((6, 4), (5, 4), (7, 3))[seed % 3]
    model, source, lengths = problem(seed, size)
    outputs = all_outputs(size, steps)
    width = (size - 2) ** steps
    early = nb.beam_search(model, source, lengths, width, steps, alpha)
    full = nb.beam_search(model, source, lengths, width, steps, alpha, early=False)
    for i in range(len(source)):
        log_p = nb.rescore(model, source[i].expand(len(outputs), -1), lengths[i].expand(len(outputs)), outputs)
        score = log_p / (outputs != Vocab.PAD).sum(1) ** alpha
        order = score.argsort(descending=True)
        assert torch.equal(early.tokens[i, 0], outputs[order[0]])
        assert torch.equal(full.tokens[i, : len(outputs)], outputs[order])
        assert torch.allclose(full.log_p[i, : len(outputs)], log_p[order])
        assert full.log_p[i, len(outputs) :].isinf().all()


@pytest.mark.parametrize("seed", SEEDS)
def test_the_scores_are_those_of_the_model(nb: ModuleType, seed: int) -> None:
    model, source, lengths = problem(seed, 8)
    for alpha in ALPHAS:
        beams = nb.beam_search(model, source, lengths, 4, 7, alpha)
        for place in range(4):
            want = nb.rescore(model, source, lengths, beams.tokens[:, place])
            assert torch.allclose(beams.log_p[:, place], want, atol=1e-4)
        score = beams.log_p / beams.length**alpha
        assert (score.diff(dim=1) <= 0).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_sentence_is_searched_alike_alone_and_in_a_batch(nb: ModuleType, seed: int) -> None:
    model, source, lengths = problem(seed, 7, layers=2)
    for width, alpha in ((1, 0.0), (3, 0.0), (4, 0.7)):
        together = nb.beam_search(model, source, lengths, width, 8, alpha)
        for i, n in enumerate(lengths.tolist()):
            alone = nb.beam_search(model, source[i : i + 1, :n], lengths[i : i + 1], width, 8, alpha)
            assert torch.equal(used(alone)[0], used(together)[i])
            assert torch.allclose(alone.log_p[0], together.log_p[i])


@pytest.mark.parametrize("seed", SEEDS)
def test_stopping_early_loses_nothing(nb: ModuleType, seed: int) -> None:
    model, source, lengths = problem(seed, 8)
    model.decoder.scores.bias.data[Vocab.EOS] += 2.0  # so that there is something to stop
    for alpha in ALPHAS:
        early, patient = (nb.beam_search(model, source, lengths, 3, 10, alpha, early=early) for early in (True, False))
        assert torch.equal(early.tokens[:, 0], patient.tokens[:, 0])
        assert torch.allclose(early.log_p[:, 0], patient.log_p[:, 0])


@pytest.mark.parametrize("seed", SEEDS)
def test_the_best_finished_hypothesis_is_never_lost(nb: ModuleType, seed: int) -> None:
    """A longer search goes on from the shorter one, so its best finished output is at least as good."""
    model, source, lengths = problem(seed, 12)
    for width, alpha in ((2, 0.0), (4, 0.0), (4, 0.6), (3, 1.0)):
        best = [
            best_finished(nb.beam_search(model, source, lengths, width, steps, alpha, early=False), alpha)
            for steps in range(1, 11)
        ]
        assert (torch.stack(best).diff(dim=0).nan_to_num(0.0) >= -1e-9).all()  # −∞ − (−∞) where none has finished


def test_stopping_early_saves_steps(nb: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    model, source, lengths = problem(0, 8)
    with torch.no_grad():
        model.decoder.scores.bias[Vocab.EOS] += 30.0
    calls = []
    decode = model.decode
    monkeypatch.setattr(model, "decode", lambda *arguments: calls.append(1) or decode(*arguments))
    nb.beam_search(model, source, lengths, 3, 20)
    assert len(calls) == 1
    nb.beam_search(model, source, lengths, 3, 20, early=False)
    assert len(calls) > 2


@pytest.mark.parametrize("seed", SEEDS)
def test_outputs_are_well_formed(nb: ModuleType, seed: int) -> None:
    """No <bos>, nothing but <pad> behind <eos>, no <pad> before the end; the hypotheses of a sentence differ."""
    model, source, lengths = problem(seed, 8)
    with torch.no_grad():
        model.decoder.scores.bias[[Vocab.PAD, Vocab.BOS]] += 50.0  # the model wants nothing else
    beams = nb.beam_search(model, source, lengths, 5, 6, 0.5)
    assert beams.log_p.isfinite().all()
    for outputs, counts, ended in zip(beams.tokens, beams.length, beams.finished, strict=True):
        assert len(outputs.unique(dim=0)) == 5
        for tokens, n, end in zip(outputs.tolist(), counts.tolist(), ended.tolist(), strict=True):
            assert not {Vocab.PAD, Vocab.BOS} & set(tokens[:n]) and set(tokens[n:]) <= {Vocab.PAD}
            assert Vocab.EOS not in tokens[: n - 1] and (tokens[n - 1] == Vocab.EOS) == end
    assert not (nb.greedy(model, source, lengths, 6) == Vocab.BOS).any()


def test_tensors_are_made_on_the_device_of_the_model(nb: ModuleType) -> None:
    """A tensor made without a device would be on ``meta`` here, and mixing the two raises."""
    model, source, lengths = problem(3, 8)
    want = nb.beam_search(model, source, lengths, 3, 6, 0.6)
    with torch.device("meta"):
        assert torch.equal(
            nb.greedy(model, source, lengths, 6), nb.beam_search(model, source, lengths, 1, 6).tokens[:, 0]
        )
        found = nb.beam_search(model, source, lengths, 3, 6, 0.6)
    assert all(torch.equal(a, b) for a, b in zip(found, want, strict=True))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_the_same_on_a_gpu(nb: ModuleType) -> None:
    model, source, lengths = problem(3, 8)
    want = nb.beam_search(model, source, lengths, 3, 6, 0.6)
    found = nb.beam_search(model.cuda(), source.cuda(), lengths.cuda(), 3, 6, 0.6)
    assert torch.equal(used(found).cpu(), used(want)) and torch.allclose(found.log_p.cpu(), want.log_p)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_step_for_one_sentence_is_that_of_the_batch(nb: ModuleType, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    log_p, step_log_p = torch.randn(3, 4, generator=generator), torch.randn(3, 4, 7, generator=generator)
    length, closed = torch.ones(3, 4, dtype=torch.int64), torch.zeros(3, 4, dtype=torch.bool)
    together = nb.choose(log_p, step_log_p, length, closed, 0.0)
    for i in range(3):
        alone = nb.simple_step(log_p[i], step_log_p[i])
        assert all(torch.equal(a, b[i]) for a, b in zip(alone, together, strict=True))


def test_a_closed_hypothesis_has_only_itself_and_the_best_one_stays(nb: ModuleType) -> None:
    log_p, closed = torch.tensor([[-1.0, -5.0, -3.0]]), torch.tensor([[False, True, True]])
    step_log_p = torch.full((1, 3, 6), -0.5)
    step_log_p[:, :, Vocab.PAD] = -torch.inf
    total = nb.candidates(log_p, step_log_p, closed)
    assert total[0, 1:, Vocab.PAD].tolist() == [-5.0, -3.0] and total[0, 1:, 1:].isinf().all()
    assert total[0, 0, 1:].eq(-1.5).all() and total[0, 0, Vocab.PAD].isinf()
    parent, token, new = nb.choose(log_p, step_log_p, torch.ones(1, 3), closed, 0.0)
    assert parent[0].tolist() == [0, 0, 2] and token[0, 2] == Vocab.PAD and new[0, 2] == -3.0


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("width", [1, 2, 5])
def test_the_package_has_the_same_search(nb: ModuleType, width: int, alpha: float) -> None:
    for number in range(5):
        model, source, lengths = nb.random_model(number)
        ours = nb.beam_search(model, source, lengths, width, 7, alpha)
        theirs = models.beam_search(model, source, lengths, width, 7, alpha)
        assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))
    assert torch.equal(
        models.beam_search(model, source, lengths, 1, 7).tokens[:, 0], models.greedy(model, source, lengths, 7)
    )


def test_the_state_follows_its_hypothesis(nb: ModuleType) -> None:
    context, hidden = torch.arange(6.0).view(6, 1), torch.arange(12.0).view(6, 2, 1)
    parent = torch.tensor([[2, 0, 0], [1, 1, 2]])
    new_context, new_hidden = nb.reorder((context, hidden), parent)
    assert new_context.flatten().tolist() == [2, 0, 0, 4, 4, 5]
    assert new_hidden[:, 1].flatten().tolist() == [5, 1, 1, 9, 9, 11]


def test_a_sentence_is_decided_by_the_longest_possible_rest(nb: ModuleType) -> None:
    def beams(finished_log_p: float, length: int, live_log_p: float) -> tuple[Tensor, ...]:
        return nb.Beams(
            torch.zeros(1, 2, 9, dtype=torch.int64), torch.tensor([[finished_log_p, live_log_p]]),
            torch.tensor([[length, 3]]), torch.tensor([[True, False]]),
        )  # fmt: skip

    assert nb.decided(beams(-2.0, 3, -2.1), 9, 0.0).item()
    assert not nb.decided(beams(-2.0, 3, -1.9), 9, 0.0).item()
    assert not nb.decided(beams(-2.0, 3, -5.9), 9, 1.0).item()  # −5.9/9 > −2/3: it may still win
    assert nb.decided(beams(-2.0, 3, -6.1), 9, 1.0).item()


def test_the_textbook_example(nb: ModuleType) -> None:
    assert nb.probability(("A", "B", "C", "<eos>")) == pytest.approx(0.048)
    assert nb.probability(("A", "C", "B", "<eos>")) == pytest.approx(0.054)
    assert all(math.isclose(sum(row), 1.0) for row in nb.TABLE.values())
    assert nb.wu(1) == 1.0 and nb.wu(13, 0.5) == pytest.approx(math.sqrt(3))
