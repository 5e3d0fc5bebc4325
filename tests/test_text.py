"""Sentence pairs: tokens, vocabularies, files, splits, batches and BLEU."""

from __future__ import annotations

import math
import re
import subprocess
import sys
import unicodedata
from collections import Counter
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from dlcourse import download, text, train
from dlcourse.text import (
    CORPUS,
    Pair,
    PairLoader,
    Vocab,
    bleu,
    by_nearness,
    detokenize,
    exact,
    load,
    load_pairs,
    near,
    split_by_hash,
    tokenize,
)

LANGUAGES = ("eng", "fra", "zho")
NARROW = "\u202f"
TOKEN = st.text("abcdé'-", min_size=1, max_size=4)
SENTENCES = st.lists(st.lists(TOKEN, max_size=8), max_size=8)


def corpus(language: str) -> list[str]:
    """Return all sentences of a language, those of the extra references included."""
    rows = [line.split("\t") for line in (text.CORPUS / "eng-fra-zho.tsv").read_text("utf-8").splitlines()[1:]]
    more = [line.split("\t") for line in (text.CORPUS / "extra-references.tsv").read_text("utf-8").splitlines()[1:]]
    return [row[LANGUAGES.index(language)] for row in rows] + [row[2] for row in more if row[1] == language]


# --- tokens ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "sentence", "tokens"),
    [
        ("eng", "Don\u2019t go!", "don't go !"),
        ("eng", "It's 10 o'clock, isn't it?", "it's 10 o'clock , isn't it ?"),
        ("eng", "A T-shirt", "a t-shirt"),
        ("fra", "L\u2019homme\u00a0!", "l' homme !"),
        ("fra", f"Qu'est-ce que c'est{NARROW}?", "qu' est -ce que c' est ?"),
        ("fra", "Où va-t-il aujourd'hui ?", "où va -t-il aujourd'hui ?"),
        ("fra", "Quelqu'un a-t-elle vu grand-mère jusqu'à midi ?", "quelqu'un a -t-elle vu grand-mère jusqu' à midi ?"),
        ("fra", "Donne-le-moi, celui-là. Va-t'en !", "donne -le -moi , celui -là . va -t'en !"),
        ("fra", "un arc-en-ciel, peut-être là-bas", "un arc-en-ciel , peut-être là-bas"),
        ("fra", unicodedata.normalize("NFD", "Élève"), "élève"),
        ("zho", "我有 3个iPad，好吗？", "我 有 3 个 ipad ， 好 吗 ？"),
    ],
)
def test_tokens(language: str, sentence: str, tokens: str) -> None:
    assert tokenize(sentence, language) == tokens.split(" ")


@pytest.mark.parametrize("language", LANGUAGES)
def test_corpus_survives_tokens(language: str) -> None:
    for sentence in corpus(language):
        tokens = tokenize(sentence, language)
        assert detokenize(tokens, language) == sentence.lower()
        assert tokenize(detokenize(tokens, language), language) == tokens


def test_readable_text() -> None:
    assert detokenize(["«", "oui", "»", ",", "dit", "-il", ":", "(", "non", ")", "!", "?"], "fra") == (
        f"«{NARROW}oui{NARROW}», dit-il{NARROW}: (non){NARROW}!?"
    )
    assert detokenize(["new", "york", "3", "4", "点", "。"], "zho") == "new york3 4点。"
    assert detokenize(["yes", ",", "please", "!"], "eng") == "yes, please!"
    assert detokenize([], "fra") == ""


@settings(deadline=None)
@given(st.text(max_size=30), st.sampled_from(LANGUAGES))
def test_only_spaces_are_lost(sentence: str, language: str) -> None:
    tokens = tokenize(sentence, language)
    assert all(tokens) and not any(re.search(r"\s", token) for token in tokens)
    assert "".join(tokens) == re.sub(r"\s", "", text._normalise(sentence))


@settings(deadline=None)
@given(st.text("ab l'-.?é,«»1我。", max_size=20), st.sampled_from(LANGUAGES))
def test_tokens_of_detokenized_text_need_no_third_pass(sentence: str, language: str) -> None:
    once = detokenize(tokenize(sentence, language), language)
    assert "".join(tokenize(once, language)) == "".join(tokenize(sentence, language))


def test_unknown_language() -> None:
    for call in (lambda: tokenize("a", "en"), lambda: detokenize(["a"], "en"), lambda: bleu(["a"], [["a"]], "en")):
        with pytest.raises(ValueError, match="'en'.*'eng', 'fra', 'zho'"):
            call()


# --- vocabulary --------------------------------------------------------------------------------------------


def test_vocabulary_order() -> None:
    vocab = Vocab([["b", "a", "c"], ["c", "b", "d", "c"]])
    assert vocab.tokens == ["<pad>", "<unk>", "<bos>", "<eos>", "c", "b", "a", "d"]
    assert (vocab.PAD, vocab.UNK, vocab.BOS, vocab.EOS) == (0, 1, 2, 3)
    assert len(vocab) == 8 and "d" in vocab and "x" not in vocab and vocab["c"] == 4 and vocab["x"] == Vocab.UNK
    assert Vocab([["b", "a", "c"], ["c", "b", "d", "c"]], min_count=2).tokens[4:] == ["c", "b"]
    assert Vocab([["<pad>", "a"]]).tokens[4:] == ["a"]


def test_decode_stops_at_the_end() -> None:
    vocab = Vocab([["a", "b"]])
    assert vocab.decode([2, 4, 0, 5, 1, 3, 4, 4]) == ["a", "b", "<unk>"]
    assert vocab.decode(torch.tensor([2, 5, 3])) == ["b"]
    for number in (6, -1):
        with pytest.raises(IndexError, match=f"{number} is no token's number"):
            vocab.decode([number])


@settings(deadline=None)
@given(SENTENCES, st.integers(1, 3))
def test_vocabulary_round_trip(sentences: list[list[str]], least: int) -> None:
    vocab = Vocab(sentences, least)
    count = Counter(token for sentence in sentences for token in sentence)
    assert set(vocab.tokens[4:]) == {token for token in count if count[token] >= least}
    assert vocab.tokens == Vocab(sentences[::-1], least).tokens
    for sentence in sentences:
        numbers = vocab.encode(sentence)
        assert numbers[-1] == Vocab.EOS and len(numbers) == len(sentence) + 1
        assert vocab.decode(numbers) == [token if token in vocab else "<unk>" for token in sentence]


# --- the bundled corpus and its split ----------------------------------------------------------------------


@pytest.mark.parametrize("source", LANGUAGES)
@pytest.mark.parametrize("target", LANGUAGES)
def test_bundled_corpus(source: str, target: str) -> None:
    if source == target:
        with pytest.raises(ValueError, match="give two of 'eng', 'fra', 'zho'"):
            load(source, target)
        return
    pairs = load(source, target)
    assert pairs.languages == (source, target)
    sizes = [len(part) for part in (pairs.train, pairs.validation, pairs.test)]
    assert sum(sizes) >= 5900  # a few rows share a French or a Chinese sentence
    assert all(350 <= size <= 480 for size in sizes[1:]), sizes
    sides = [
        {re.sub(r"\W", "", pair.source.lower()) for pair in part}
        for part in (pairs.train, pairs.validation, pairs.test)
    ]
    assert not (sides[0] & sides[1] or sides[0] & sides[2] or sides[1] & sides[2])
    for part in (pairs.train, pairs.validation, pairs.test):
        assert all(pair.references[0] == pair.target for pair in part)
        assert all(len(set(pair.references)) == len(pair.references) for pair in part)


def test_every_row_and_reference_is_there() -> None:
    rows = (CORPUS / "eng-fra-zho.tsv").read_text(encoding="utf-8").splitlines()[1:]
    more = (CORPUS / "extra-references.tsv").read_text(encoding="utf-8").splitlines()[1:]
    extra = Counter(line.split("\t")[1] for line in more)
    for target in ("fra", "zho"):
        pairs = load_pairs(None, "eng", target)
        assert sorted(one for pair in pairs for one in pair.references) == sorted(corpus(target))
        assert len(pairs) == len(rows)
        assert sum(len(pair.references) for pair in pairs) == len(rows) + extra[target]
    assert sum(len(pair.references) for pair in load_pairs(None, "fra", "eng")) == len(rows)


def test_same_parts_for_both_targets() -> None:
    french, chinese = load("eng", "fra"), load("eng", "zho")
    for part in ("train", "validation", "test"):
        assert [p.source for p in getattr(french, part)] == [p.source for p in getattr(chinese, part)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_few_unknown_tokens(language: str) -> None:
    pairs = load("eng", "fra" if language == "eng" else language)
    side = "source" if language == "eng" else "target"
    vocab = Vocab(tokenize(getattr(pair, side), language) for pair in pairs.train)
    tokens = [token for pair in pairs.test for token in tokenize(getattr(pair, side), language)]
    assert sum(token not in vocab for token in tokens) / len(tokens) < 0.02


@settings(deadline=None)
@given(st.lists(st.text("abc .?A", min_size=1, max_size=6), max_size=30), st.randoms(), st.integers(0, 30))
def test_split_is_a_partition_and_stable(sentences: list[str], random: object, cut: int) -> None:
    pairs = [Pair(sentence, "x", ("x",)) for sentence in sentences]
    parts = split_by_hash(pairs)
    assert Counter(pair for part in parts for pair in part) == Counter(pairs)
    assert not any(set(parts[i]) & set(parts[j]) for i, j in ((0, 1), (0, 2), (1, 2)))
    mixed = list(pairs)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    for part, again, fewer in zip(parts, split_by_hash(mixed), split_by_hash(pairs[:cut]), strict=True):
        assert Counter(part) == Counter(again)
        assert fewer == [pair for pair in pairs[:cut] if pair in part]


def test_split_ignores_case_and_punctuation() -> None:
    words = [f"word{i}" for i in range(300)]
    plain = split_by_hash(Pair(word, "x", ("x",)) for word in words)
    marked = split_by_hash(Pair(f" {word.upper()}!", "x", ("x",)) for word in words)
    for one, two in zip(plain, marked, strict=True):
        assert [pair.source for pair in one] == [pair.source.lower().strip(" !") for pair in two]
    # Pinned: a change of the hash would move test sentences into the training part of recorded results.
    assert [len(part) for part in plain] == [246, 29, 25]


# --- files -------------------------------------------------------------------------------------------------


def write(folder: Path, content: str | bytes, name: str = "pairs.tsv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def sources(pairs: list[Pair]) -> list[tuple[str, str]]:
    return [(pair.source, pair.target) for pair in pairs]


@pytest.mark.parametrize("third", ["", "\tCC-BY 2.0 (France) #1"])
def test_textbook_layout(tmp_path: Path, third: str) -> None:
    rows = (("Go.", "Va !"), ("Hi.", "Salut !"), ("hi .", "Bonjour !"), ("Hi.", "salut !"))
    path = write(tmp_path, "\ufeff" + "".join(f"{left}\t{right}{third}\r\n" for left, right in rows) + "\r\n")
    assert load_pairs(path) == [Pair("Go.", "Va !", ("Va !",)), Pair("Hi.", "Salut !", ("Salut !", "Bonjour !"))]
    assert sources(load_pairs(path, "fra", "eng")) == [("Va !", "Go."), ("Salut !", "Hi."), ("Bonjour !", "hi .")]


def test_textbook_pairs_are_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "read_text", lambda name: {"fra-eng": "Go.\tVa !\nRun\u2028on!\tCours !\n"}[name])
    pairs = load("fra", "eng", "fra-eng")
    assert sorted(sources(pairs.train + pairs.validation + pairs.test)) == [
        ("Cours !", "Run\u2028on!"),
        ("Va !", "Go."),
    ]


@pytest.mark.parametrize(("source", "target"), [("eng", "zho"), ("zho", "eng"), ("fra", "zho")])
def test_languages_that_the_textbook_lacks(source: str, target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "read_text", lambda _: pytest.fail("fetched before the languages were looked at"))
    with pytest.raises(ValueError, match=f"fra-eng has no pairs of {source} and {target}; use path=None"):
        load(source, target, "fra-eng")


def test_unknown_languages_of_a_file() -> None:
    with pytest.raises(ValueError, match="'eng' and 'deu'; give two of 'eng', 'fra', 'zho'"):
        load("eng", "deu")


def test_malformed_rows(tmp_path: Path) -> None:
    bad = b"Go.\tVa.\nStay.\nRun.\t \nSit.\tA.\tB.\tC\n" + b"Caf\xe9.\tCaf\xe9.\nHi.\tSalut.\n"
    expected = (
        "pairs.tsv: line 2 has 1 column instead of 2 or 3, line 3 has an empty side, "
        "line 4 has 4 columns instead of 2 or 3, and 1 more; correct or delete these lines."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(expected)}$"):
        load("eng", "fra", write(tmp_path, bad))
    with pytest.raises(ValueError, match="line 2 has bytes that are not UTF-8; correct"):
        load_pairs(write(tmp_path, b"Go.\tVa.\nCaf\xe9.\tCaf\xe9.\n"))
    with pytest.raises(ValueError, match="line 1 has 1 column instead of 2 or 3"):
        load_pairs(write(tmp_path, ""))


def test_malformed_row_of_the_bundled_corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "CORPUS", tmp_path)
    write(tmp_path, "eng\tfra\tzho\nGo.\tVa.\t走。\nStay.\tReste.\n", "eng-fra-zho.tsv")
    with pytest.raises(ValueError, match=r"eng-fra-zho.tsv: line 3 has 2 columns instead of 3; correct"):
        load("fra", "zho")


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere.tsv"):
        load_pairs(tmp_path / "nowhere.tsv")


# --- batches -----------------------------------------------------------------------------------------------

WORDS = st.lists(st.sampled_from("abcdef"), min_size=1, max_size=9).map(" ".join)
PAIRS = st.lists(st.tuples(WORDS, st.lists(WORDS, min_size=1, max_size=3, unique=True)), max_size=40).map(
    lambda rows: [Pair(source, targets[0], tuple(targets)) for source, targets in rows]
)
LETTERS = Vocab([list("abcde")])  # f is unknown


def numbers(sentence: str) -> list[int]:
    return LETTERS.encode(tokenize(sentence, "eng"))


def loader(pairs: list[Pair], batch_size: int = 4, **options: object) -> PairLoader:
    return PairLoader(pairs, LETTERS, LETTERS, ("eng", "eng"), batch_size, **options)  # type: ignore[arg-type]


def test_sources_are_those_of_the_loader() -> None:
    sentences = ["a b c", "f", "e d"]
    whole = loader([Pair(sentence, "a", ("a",)) for sentence in sentences], 3).tensors
    source, lengths = text.sources(sentences, LETTERS, "eng")
    assert torch.equal(source, whole[0]) and torch.equal(lengths, whole[1])


def checked(batch: tuple[Tensor, Tensor, Tensor, Tensor]) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Return the examples of a batch without padding, after a look at its layout."""
    source, lengths, target_in, target_out = batch
    assert all(tensor.dtype == torch.int64 for tensor in batch)
    assert lengths.shape == (len(source),) and target_in.shape == target_out.shape
    target_lengths = (target_out != Vocab.PAD).sum(1)
    assert source.shape[1] == lengths.max() and target_out.shape[1] == target_lengths.max()
    examples = []
    rows = zip(*(tensor.tolist() for tensor in (*batch, target_lengths)), strict=True)
    for row, length, before, after, width in rows:
        assert Vocab.PAD not in row[:length] and row[length - 1] == Vocab.EOS and not any(row[length:])
        assert after[width - 1] == Vocab.EOS and not any(after[width:]) and not any(before[width:])
        assert before[:width] == [Vocab.BOS, *after[: width - 1]]
        examples.append((tuple(row[:length]), tuple(after[:width])))
    return examples


@settings(max_examples=60, deadline=None)
@given(PAIRS, st.integers(1, 7), st.booleans(), st.booleans(), st.sampled_from([None, 3, 6]))
def test_each_pair_once_an_epoch(
    pairs: list[Pair], batch_size: int, shuffle: bool, all_references: bool, longest: int | None
) -> None:
    wanted = [(p.source, one) for p in pairs for one in (p.references if all_references else [p.target])]
    kept = [(tuple(numbers(s)), tuple(numbers(t))) for s, t in wanted]
    kept = [pair for pair in kept if longest is None or max(map(len, pair)) - 1 <= longest]
    batches = loader(pairs, batch_size, shuffle=shuffle, all_references=all_references, max_length=longest)
    assert batches.skipped == len(wanted) - len(kept) and len(batches) == -(-len(kept) // batch_size)
    for _ in range(2):
        epoch = [checked(batch) for batch in batches]
        assert len(epoch) == len(batches) and all(len(batch) <= batch_size for batch in epoch)
        examples = [example for batch in epoch for example in batch]
        assert (Counter(examples) == Counter(kept)) if shuffle else (examples == kept)


def test_same_generator_same_batches() -> None:
    pairs, vocab = load(), Vocab([])

    def epochs(seed: int) -> list[list[Tensor]]:
        generator = torch.Generator().manual_seed(seed)
        batches = PairLoader(pairs.train, vocab, vocab, pairs.languages, 64, shuffle=True, generator=generator)
        return [[lengths for _, lengths, _, _ in batches] for _ in range(2)]

    first, again, other = epochs(0), epochs(0), epochs(1)
    assert all(torch.equal(a, b) for one, two in zip(first, again, strict=True) for a, b in zip(one, two, strict=True))
    assert not torch.equal(torch.cat(first[0]), torch.cat(other[0]))
    assert not torch.equal(torch.cat(first[0]), torch.cat(first[1]))


def test_buckets_save_padding() -> None:
    pairs = load()

    def padding(pool: int) -> float:
        generator = torch.Generator().manual_seed(0)
        vocab = Vocab([])
        batches = PairLoader(pairs.train, vocab, vocab, pairs.languages, 64, shuffle=True, generator=generator)
        batches.POOL = pool
        cells = [(tensor != Vocab.PAD).float() for s, _, _, t in batches for tensor in (s, t)]
        return 1 - sum(cell.sum().item() for cell in cells) / sum(cell.numel() for cell in cells)

    assert padding(20) < 0.5 * padding(1)  # a pool of one batch is a random batch
    assert padding(20) < 0.2


def test_batches_are_shuffled_too() -> None:
    pairs = [Pair("a " * (1 + i // 4), "b", ("b",)) for i in range(40)]
    batches = loader(pairs, shuffle=True, generator=torch.Generator().manual_seed(0))
    widths = [source.shape[1] for source, *_ in batches]
    assert sorted(widths) == list(range(2, 12)) and widths != sorted(widths)


def test_pools_are_cut_from_the_random_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PairLoader, "POOL", 2)
    words = [" ".join("abcde"[i // unit % 5] for unit in (25, 5, 1)) + " a" * (i * 7 % 11) for i in range(40)]
    pairs = [Pair(word, word, (word,)) for word in words]
    batches = [checked(batch) for batch in loader(pairs, shuffle=True, generator=torch.Generator().manual_seed(3))]
    generator = torch.Generator().manual_seed(3)
    drawn, shuffled = torch.randperm(40, generator=generator).tolist(), torch.randperm(10, generator=generator).tolist()
    placed = dict(zip(shuffled, batches, strict=True))
    for pool in range(5):
        wanted = [tuple(numbers(words[i])) for i in drawn[8 * pool : 8 * pool + 8]]
        found = [source for batch in (2 * pool, 2 * pool + 1) for source, _ in placed[batch]]
        assert Counter(found) == Counter(wanted) and [len(one) for one in found] == sorted(map(len, wanted))


def test_batch_size() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        loader([], 0)


@pytest.mark.parametrize(("source", "target"), [("", "a"), (" \u2009", "a"), ("a", "")])
def test_sentence_of_length_zero(source: str, target: str) -> None:
    pair = Pair(source, target, (target,))
    with pytest.raises(ValueError, match=f"{re.escape(repr(pair))} has a side of length 0; leave out"):
        loader([Pair("a", "b", ("b",)), pair])


class Copy(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed, self.out = nn.Embedding(len(LETTERS), 8), nn.Linear(8, len(LETTERS))

    def forward(self, source: Tensor, lengths: Tensor, target_in: Tensor) -> Tensor:
        mean = self.embed(source).sum(1, keepdim=True) / lengths[:, None, None]
        return self.out(self.embed(target_in) + mean).transpose(1, 2)


def test_fit_takes_the_batches() -> None:
    pairs = [Pair(word, word, (word,)) for word in "abcd" for _ in range(4)]
    model, loss = Copy(), nn.CrossEntropyLoss(ignore_index=Vocab.PAD)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    history = train.fit(
        model, loader(pairs, shuffle=True), loader(pairs), epochs=3, loss=loss, optimizer=optimizer,
        weight=lambda target: (target != Vocab.PAD).sum(), device="cpu", progress=False,
    )  # fmt: skip
    assert history["train_loss"][-1] < history["train_loss"][0]


# --- BLEU --------------------------------------------------------------------------------------------------

HYPOTHESES = ["the cat sat on the mat today.", "he went home early in the evening."]


def test_bleu_of_equal_text() -> None:
    assert bleu(HYPOTHESES, [[one] for one in HYPOTHESES], "eng") == pytest.approx(100)
    assert bleu(["l\u2019Homme est là aujourd'hui !"], [[f"L'homme est là aujourd\u2019hui{NARROW}!"]], "fra") == (
        pytest.approx(100)
    )
    assert bleu(["我今天很高兴。"], [["我今天很高兴。"]], "zho") == pytest.approx(100)
    assert bleu(["", ""], [["a"], ["b"]], "eng") == 0


def test_bleu_is_sacrebleus() -> None:
    from sacrebleu import corpus_bleu

    first = ["The cat sat on a mat.", "He came home early that evening."]
    second = ["A cat was on the mat today.", "In the evening he went home."]
    expected = corpus_bleu(HYPOTHESES, [first, second], lowercase=True, tokenize="13a").score
    assert 0 < expected < 100
    assert bleu(HYPOTHESES, list(zip(first, second, strict=True)), "eng") == expected
    one = bleu(HYPOTHESES, [[sentence] for sentence in first], "eng")
    assert one == corpus_bleu(HYPOTHESES, [first], lowercase=True).score < expected
    chinese = ["我今天非常高兴。"], [["我今天很高兴。"]]
    assert bleu(*chinese, "zho") == corpus_bleu(*chinese, tokenize="zh").score > 0


def test_bleu_with_different_numbers_of_references() -> None:
    from sacrebleu.metrics.bleu import BLEU

    references = [["The cat sat on a mat."], ["He went home.", "He came home early that evening, on foot and alone."]]
    metric = BLEU(lowercase=True)
    statistics = [
        metric._extract_corpus_statistics([hypothesis], [[one] for one in several])[0]
        for hypothesis, several in zip(HYPOTHESES, references, strict=True)
    ]
    assert bleu(HYPOTHESES, references, "eng") == metric._aggregate_and_compute(statistics).score
    # A missing reference is no empty one: padded by repetition, the score is the same.
    padded = [[references[0][0]] * 2, references[1]]
    assert bleu(HYPOTHESES, references, "eng") == bleu(HYPOTHESES, padded, "eng")
    assert bleu(HYPOTHESES, references[::-1], "eng") < bleu(HYPOTHESES, references, "eng")
    # Nor does it make a short translation look long enough (brevity penalty: exp(1 - 16/11)).
    short = ["a b c d", "e f g h i j k"], [["a b c d x x x x x"], ["e f g h i j k", "e f g h i j k l"]]
    assert bleu(*short, "eng") == pytest.approx(100 * math.exp(1 - 16 / 11))


def test_bleu_refuses() -> None:
    with pytest.raises(ValueError, match="2 hypotheses and 1 lists"):
        bleu(HYPOTHESES, [["a"]], "eng")
    with pytest.raises(ValueError, match="0 hypotheses"):
        bleu([], [], "eng")
    for bad in ("a sentence", []):
        with pytest.raises(ValueError, match="must be a list"):
            bleu(["a"], [bad], "eng")


def test_sacrebleu_is_imported_late() -> None:
    code = "import sys, dlcourse.text; sys.exit('sacrebleu' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=text.CORPUS.parent.parent, timeout=60).returncode == 0


def test_near_means_one_word_exchanged_added_or_left_out() -> None:
    training = ["I have a dog.", "We're very late!", "Go."]
    sentences = {
        "I have a cat.": True,  # exchanged
        "I HAVE a, big dog": True,  # added
        "I have dog.": True,  # left out
        "We're late.": True,
        "Stop!": True,
        "I have a dog.": False,  # the same is no neighbour
        "You have a cat.": False,
        "Late we're very.": False,
        "I have a very big dog.": False,
    }
    assert near(list(sentences), training) == list(sentences.values())
    assert near(["I have a dog.", "I have a cat."], ["I have a dog.", "I have a cat."]) == [True, True]
    assert near(["Go."], []) == [False]


def test_scores_by_nearness() -> None:
    training = [Pair("I have a dog.", "J'ai un chien.", ("J'ai un chien.",))]
    pairs = [
        Pair("I have a cat.", "J'ai un chat.", ("J'ai un chat.", "Moi, j'ai un chat.")),  # near
        Pair(
            "They live in the old house.", "Ils vivent dans la vieille maison.", ("Ils vivent dans la vieille maison.",)
        ),
    ]
    said = ["moi, j’ai un chat.", "ils vivent dans la ville."]
    assert exact(said, pairs, "fra") == [True, False]
    found = by_nearness(said, pairs, training, "fra")
    assert list(found) == ["all", "near", "far", "exact"]
    assert found["near"] == pytest.approx(100) and found["exact"] == 50
    assert found["all"] == bleu(said, [pair.references for pair in pairs], "fra")
    assert found["far"] == bleu(said[1:], [pairs[1].references], "fra") < found["all"]
    assert math.isnan(by_nearness(said[1:], pairs[1:], training, "fra")["near"])
    with pytest.raises(ValueError):
        by_nearness(said[1:], pairs, training, "fra")


def test_the_parts_of_the_bundled_corpus() -> None:
    first = {
        part: {pair.source for pair in getattr(load("eng", "fra"), part)} for part in ("train", "validation", "test")
    }
    second = load("eng", "zho")
    assert first == {part: {pair.source for pair in getattr(second, part)} for part in first}
    translations: dict[str, str] = {}
    for source, target in (("eng", "fra"), ("eng", "zho"), ("fra", "eng"), ("zho", "eng")):
        pairs = load(source, target)
        for part in first:
            for pair in getattr(pairs, part):
                side = f"{target}: {pair.target.lower()}"
                assert translations.setdefault(side, part) == part, side
