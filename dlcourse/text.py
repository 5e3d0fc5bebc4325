"""Sentence pairs for translation: tokens, vocabularies, fixed splits, batches, loss and BLEU.

Languages are named by their ISO 639-3 codes: ``"eng"``, ``"fra"``, ``"zho"``. Quick scale uses ``dlcourse/corpus``.
"""

from __future__ import annotations

import hashlib
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from dlcourse import download

CORPUS = Path(__file__).resolve().parent / "corpus"
BUNDLED_SHARE = 0.0625  # of the bundled corpus for validation, and the same for test

# --- tokens ------------------------------------------------------------------------------------------------

_SAME = str.maketrans({"\u2019": "'", "\u2018": "'", "\u02bc": "'", "\u00a0": " ", "\u202f": " "})
_LETTER = r"[^\W\d_]"
_ELISION = r"(?:[ldjnmtsc]|qu|jusqu|lorsqu|puisqu|quoiqu)'"
_CLITIC = r"-(?:t-(?:ils?|elles?|on)|[mt]'(?:en|y)|je|tu|ils?|elles?|on|[nv]ous|ce|[mt]oi|lui|leur|les?|la|en|y|ci|là)"
_TAIL = rf"(?:{_CLITIC})+(?![\w'-])"  # clitics up to the end of the word: not the -en of arc-en-ciel
_TOKEN = {
    "eng": re.compile(rf"{_LETTER}+(?:['-]{_LETTER}+)*|\d+|\S"),
    "fra": re.compile(
        rf"(?<![\w'-]){_ELISION}|(?<={_LETTER})(?={_TAIL}){_CLITIC}|{_LETTER}+(?:(?!{_TAIL})['-]{_LETTER}+)*|\d+|\S"
    ),
    "zho": re.compile(r"[a-zß-öø-ɏ]+|\d+|\S"),
}
_NO_SPACE_BEFORE = frozenset(".,…)]}%”?!;:")
_NO_SPACE_AFTER = frozenset("([{“")


def tokenize(sentence: str, language: str) -> list[str]:
    """Return the lower-case tokens of a sentence, in Unicode NFC, with ``'`` for every kind of apostrophe.

    Numbers and single punctuation marks are tokens. English: a word keeps its inner apostrophes and hyphens
    (``don't``, ``o'clock``). French: an elided word is a token (``l' | homme``, ``qu' | il``), and so is each pronoun
    or particle behind a hyphen (``as | -tu``, ``a | -t-il``, ``est | -ce``, ``celui | -là``), so that a verb has one
    entry with and without them; other words stay whole (``aujourd'hui``, ``grand-mère``). Chinese: each character is
    a token; runs of Latin letters are one. Spaces are lost, nothing else. Raises ValueError for an unknown language.
    """
    return _pattern(language).findall(_normalise(sentence))


def detokenize(tokens: Iterable[str], language: str) -> str:
    """Return readable lower-case text, of which ``tokenize`` makes the tokens of an ordinary sentence again.

    French has a narrow no-break space (U+202F) before ``? ! ; :`` and inside guillemets; Chinese has a space only
    between two Latin words or two numbers. Raises ValueError for an unknown language.
    """
    _pattern(language)
    text, last = "", ""
    for token in tokens:
        if text:
            text += _between(last, token, language)
        text, last = text + token, token
    return text


def _between(left: str, right: str, language: str) -> str:
    if language == "zho":
        latin = [token.isalpha() and token < "\u0250" for token in (left, right)]
        return " " if all(latin) or (left.isdigit() and right.isdigit()) else ""
    if language == "fra":
        if (len(left) > 1 and left.endswith("'")) or (len(right) > 1 and right.startswith("-")):
            return ""
        if right in ("?", "!", ";", ":", "»") or left == "«":
            return "\u202f" if left not in ("?", "!") or right not in ("?", "!") else ""
    return "" if right in _NO_SPACE_BEFORE or left in _NO_SPACE_AFTER else " "


def _pattern(language: str) -> re.Pattern[str]:
    if language not in _TOKEN:
        raise ValueError(f"language is {language!r}; the known ones are {', '.join(map(repr, _TOKEN))}.")
    return _TOKEN[language]


def _normalise(sentence: str) -> str:
    return unicodedata.normalize("NFC", sentence.lower()).translate(_SAME)


class Vocab:
    """The tokens that occur at least ``min_count`` times, numbered by falling count, then alphabetically.

    The numbers 0 to 3 are ``<pad>``, ``<unk>``, ``<bos>`` and ``<eos>``. ``vocab[token]`` is the token's number,
    that of ``<unk>`` for an unknown one; ``len`` counts the special tokens too. ``tokens`` lists them by number.
    """

    SPECIAL = ("<pad>", "<unk>", "<bos>", "<eos>")
    PAD, UNK, BOS, EOS = 0, 1, 2, 3

    def __init__(self, sentences: Iterable[Sequence[str]], min_count: int = 1) -> None:
        count = Counter(token for sentence in sentences for token in sentence)
        kept = [token for token, times in count.items() if times >= min_count and token not in self.SPECIAL]
        self.tokens = [*self.SPECIAL, *sorted(kept, key=lambda token: (-count[token], token))]
        self._index = {token: i for i, token in enumerate(self.tokens)}

    def __len__(self) -> int:
        return len(self.tokens)

    def __contains__(self, token: object) -> bool:
        return token in self._index

    def __getitem__(self, token: str) -> int:
        return self._index.get(token, self.UNK)

    def encode(self, tokens: Iterable[str]) -> list[int]:
        """Return the numbers of the tokens, and that of ``<eos>`` at the end."""
        return [*(self[token] for token in tokens), self.EOS]

    def decode(self, ids: Iterable[int] | Tensor) -> list[str]:
        """Return the tokens before the first ``<eos>``, without ``<pad>`` and ``<bos>``; IndexError for no number."""
        tokens = []
        for i in ids.tolist() if isinstance(ids, Tensor) else ids:
            if i == self.EOS:
                break
            if not 0 <= i < len(self):
                raise IndexError(f"{i} is no token's number; the vocabulary has {len(self)}.")
            if i not in (self.PAD, self.BOS):
                tokens.append(self.tokens[i])
        return tokens


# --- sentence pairs ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pair:
    """A sentence and its translations: ``references`` has all of them, ``target`` (the first) included."""

    source: str
    target: str
    references: tuple[str, ...]


@dataclass(frozen=True)
class Pairs:
    """Sentence pairs from ``languages[0]`` into ``languages[1]``; no source sentence is in two of the three parts."""

    languages: tuple[str, str]
    train: list[Pair]
    validation: list[Pair]
    test: list[Pair]


def load(source: str = "eng", target: str = "fra", path: str | Path | None = None) -> Pairs:
    """Return the pairs of ``load_pairs``, which has the same arguments, in the parts of ``split_by_hash``.

    The bundled corpus has about 400 sentences in validation and 400 in test, the same ones in every direction.
    """
    pairs = load_pairs(path, source, target)
    if path is not None:
        return Pairs((source, target), *split_by_hash(pairs))
    _, *rows = _rows(CORPUS / "eng-fra-zho.tsv", {3})
    place = ("eng", "fra", "zho").index(source)
    groups = {_key(row[place]): group for row, group in zip(rows, _groups(rows), strict=True)}
    return Pairs((source, target), *split_by_hash(pairs, BUNDLED_SHARE, [groups[_key(pair.source)] for pair in pairs]))


def near(sentences: Sequence[str], training: Sequence[str]) -> list[bool]:
    """Return for each sentence whether one word exchanged, added or left out makes a training sentence of it.

    Case and punctuation do not count, and a sentence is not its own neighbour. Such a sentence is easy to translate
    for whoever remembers the other one; the rest are far.
    """
    known = set(map(_bare, training))
    exchanged = Counter(hole for words in known for hole in _holes(words))
    shorter = {words[:i] + words[i + 1 :] for words in known for i in range(len(words))}

    def is_near(words: tuple[str, ...]) -> bool:
        own = int(words in known)
        return (
            words in shorter
            or any(exchanged[hole] > own for hole in _holes(words))
            or any(words[:i] + words[i + 1 :] in known for i in range(len(words)))
        )

    return [is_near(_bare(sentence)) for sentence in sentences]


def _bare(sentence: str) -> tuple[str, ...]:
    """Return the words without case and punctuation; a contraction is one word."""
    return tuple(re.findall(r"\w+(?:'\w+)*", _normalise(sentence)))


def _holes(words: tuple[str, ...]) -> set[tuple[str, ...]]:
    return {(*words[:i], "\0", *words[i + 1 :]) for i in range(len(words))}


def load_pairs(path: str | Path | None = None, source: str = "eng", target: str = "fra") -> list[Pair]:
    """Return sentence pairs, those with the same source sentence (but for case and spaces) merged into one Pair.

    ``path`` is None for the bundled corpus, which has more references for English sources; ``"fra-eng"`` for the
    textbook's pairs, which are downloaded; or a UTF-8 file of that layout: English, a tab, the other language,
    perhaps a third column. Raises ValueError for malformed rows, with their line numbers (counted from 1), OSError
    for an unreadable file, DownloadError when ``"fra-eng"`` is missing and unreachable.
    """
    if source == target or not {source, target} <= set(_TOKEN):
        raise ValueError(f"The languages are {source!r} and {target!r}; give two of {', '.join(map(repr, _TOKEN))}.")
    more: list[list[str]] = []
    if path is None:
        columns, *rows = _rows(CORPUS / "eng-fra-zho.tsv", {3})
        if source == "eng":
            more = _rows(CORPUS / "extra-references.tsv", {3})
    elif "eng" not in (source, target) or (path == "fra-eng" and "zho" in (source, target)):
        raise ValueError(f"{path} has no pairs of {source} and {target}; use path=None.")
    else:
        columns, rows = sorted((source, target)), _rows(path, {2, 3})  # English comes first in the file, too
    left, right = columns.index(source), columns.index(target)
    merged: dict[str, tuple[str, dict[str, str]]] = {}  # by normalised source, then by normalised target
    for row in rows:
        merged.setdefault(_key(row[left]), (row[left], {}))[1].setdefault(_key(row[right]), row[right])
    for sentence, language, translation in more:
        if language == target:
            merged[_key(sentence)][1].setdefault(_key(translation), translation)
    return [Pair(text, next(iter(all_.values())), tuple(all_.values())) for text, all_ in merged.values()]


def split_by_hash(
    pairs: Iterable[Pair], share: float = 0.1, groups: Sequence[str] | None = None
) -> tuple[list[Pair], list[Pair], list[Pair]]:
    """Return the pairs for training, validation and test; ``share`` is that of validation and of test.

    The SHA-256 of the source's words decides, without case and punctuation. So the part of a sentence depends
    neither on the other rows nor on the target language, and variants of a sentence are in the same part. ``groups``
    gives a text for each pair that is hashed in its place: pairs with the same text stay together.
    """
    parts: tuple[list[Pair], list[Pair], list[Pair]] = ([], [], [])
    pairs = list(pairs)
    texts = groups or [" ".join(re.findall(r"\w+", _normalise(pair.source))) or pair.source for pair in pairs]
    for pair, words in zip(pairs, texts, strict=True):
        place = int.from_bytes(hashlib.sha256(f"\n{words}".encode()).digest()[:8], "big") / 2**64
        parts[0 if place < 1 - 2 * share else 1 if place < 1 - share else 2].append(pair)
    return parts


def _groups(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return for each row the first, in the alphabet, of the English sentences that must stay with it.

    Rows stay together that share a translation, or whose English differs only in case, punctuation or contraction.
    """
    parent = list(range(len(rows)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = i = parent[parent[i]]
        return i

    owner: dict[tuple[int, str], int] = {}
    for i, row in enumerate(rows):
        for column, sentence in enumerate(row):
            full = _normalise(sentence)
            for short, long in _LONG if column == 0 else ():
                full = full.replace(short, long)
            j = owner.setdefault((column, " ".join(re.findall(r"\w+", full))), i)
            parent[root(i)] = root(j)
    first: dict[int, str] = {}
    for i, row in enumerate(rows):
        first[root(i)] = min(first.get(root(i), _key(row[0])), _key(row[0]))
    return [first[root(i)] for i in range(len(rows))]


_LONG = (  # contractions and what they stand for
    ("can't", "can not"), ("cannot", "can not"), ("won't", "will not"), ("n't", " not"), ("let's", "let us"),
    ("'m", " am"), ("'re", " are"), ("'ve", " have"), ("'ll", " will"), ("'s", " is"), ("'d", " would"),
)  # fmt: skip


def _key(sentence: str) -> str:
    return " ".join(re.findall(r"\w+|[^\w\s]", _normalise(sentence)))


def _rows(path: str | Path, widths: set[int]) -> list[list[str]]:
    """Return the cells of each row of a tab-separated file; raise ValueError for malformed rows."""
    content = Path(path).read_bytes().decode("utf-8-sig", "replace") if path != "fra-eng" else download.read_text(path)
    rows, problems = [], []
    for number, line in enumerate(content.rstrip("\r\n").split("\n"), 1):  # a sentence may hold U+2028 and the like
        rows.append([cell.strip() for cell in line.split("\t")])
        if "\ufffd" in line:  # what the decoder puts for a byte that it cannot read
            problems.append(f"line {number} has bytes that are not UTF-8")
        elif len(rows[-1]) not in widths:
            wanted = " or ".join(map(str, sorted(widths)))
            problems.append(f"line {number} has {len(rows[-1])} column{'s' * (len(rows[-1]) > 1)} instead of {wanted}")
        elif not all(rows[-1][:2]):
            problems.append(f"line {number} has an empty side")
    if problems:
        rest = f", and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise ValueError(f"{Path(path).name}: {', '.join(problems[:3])}{rest}; correct or delete these lines.")
    return rows


# --- batches, loss and scores ------------------------------------------------------------------------------


class PairLoader:
    """Minibatches of encoded sentence pairs for ``train.fit``, held as tensors on ``device``.

    Iterating yields ``(source, source_lengths, target_in, target_out)``, int64 of shapes (B, S), (B,), (B, T) and
    (B, T), padded at the end with ``<pad>`` to the longest of the batch. Source and ``target_out`` end in
    ``<eos>``, which the lengths count; ``target_in`` starts with ``<bos>`` and is ``target_out`` one step later.

    With ``shuffle``, each epoch draws a random order (from ``generator``, or from PyTorch's global random state),
    sorts it by length within pools of ``POOL`` batches, so that little is padded, and shuffles the batches.
    Without, the order is that of ``pairs``. With ``all_references``, each translation of a source is an example,
    otherwise the first one. An example with more than ``max_length`` tokens on a side is left out, never cut;
    ``skipped`` counts them. ``len`` is the number of batches. Raises ValueError for a ``batch_size`` below 1 or a
    sentence without a token.
    """

    POOL = 20

    def __init__(
        self,
        pairs: Iterable[Pair],
        source_vocab: Vocab,
        target_vocab: Vocab,
        languages: tuple[str, str],
        batch_size: int,
        *,
        shuffle: bool = False,
        max_length: int | None = None,
        all_references: bool = False,
        device: torch.device | str | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        if batch_size < 1:
            raise ValueError(f"batch_size is {batch_size}; it must be at least 1.")
        self.batch_size, self.shuffle, self.generator, self.skipped = batch_size, shuffle, generator, 0
        sources, targets = [], []
        for pair in pairs:
            tokens = tokenize(pair.source, languages[0])
            for translation in pair.references if all_references else (pair.target,):
                translated = tokenize(translation, languages[1])
                if not tokens or not translated:
                    raise ValueError(f"{pair} has a side of length 0; leave out the pairs without a word on a side.")
                if max_length is not None and max(len(tokens), len(translated)) > max_length:
                    self.skipped += 1
                    continue
                sources.append(source_vocab.encode(tokens))
                targets.append(target_vocab.encode(translated))
        self._lengths = torch.tensor([[len(s), len(t)] for s, t in zip(sources, targets, strict=True)]).view(-1, 2)
        self.tensors = (
            _padded(sources).to(device),
            self._lengths[:, 0].long().to(device),
            _padded([[Vocab.BOS, *target[:-1]] for target in targets]).to(device),
            _padded(targets).to(device),
        )

    def __len__(self) -> int:
        return -(-len(self._lengths) // self.batch_size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor]]:
        source, lengths, target_in, target_out = self.tensors
        order = torch.arange(len(self._lengths))
        batches = list(range(len(self)))
        if self.shuffle and batches:
            order = torch.randperm(len(order), generator=self.generator)
            first, second = self._lengths[order].unbind(1)
            pool, base = torch.arange(len(order)) // (self.POOL * self.batch_size), int(self._lengths.max()) + 1
            order = order[torch.argsort((pool * base + first) * base + second, stable=True)]
            batches = torch.randperm(len(batches), generator=self.generator).tolist()
        placed = order.to(source.device)  # once an epoch: each transfer would wait for the device
        for batch in batches:
            part = slice(batch * self.batch_size, (batch + 1) * self.batch_size)
            rows, (s, t) = placed[part], self._lengths[order[part]].amax(0).tolist()
            yield source[:, :s][rows], lengths[rows], target_in[:, :t][rows], target_out[:, :t][rows]


def _padded(sentences: Sequence[Sequence[int]]) -> Tensor:
    width = max(map(len, sentences), default=0)
    rows = [[*sentence, *[Vocab.PAD] * (width - len(sentence))] for sentence in sentences]
    return torch.tensor(rows, dtype=torch.int64).view(len(rows), width)


def sources(
    sentences: Iterable[str], vocab: Vocab, language: str, device: torch.device | str | None = None
) -> tuple[Tensor, Tensor]:
    """Return sentences to translate as tokens (B, S), each with ``<eos>``, padded, and their lengths (B,)."""
    ids = [vocab.encode(tokenize(sentence, language)) for sentence in sentences]
    return _padded(ids).to(device), torch.tensor([*map(len, ids)], dtype=torch.int64, device=device)


def masked_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Return the mean cross-entropy in nats over the targets (B, T) that are not ``<pad>``; logits (B, T, V).

    Notebook 3.2 builds it. NaN when all targets are ``<pad>``.
    """
    return F.cross_entropy(logits.flatten(0, 1), target.flatten(), ignore_index=Vocab.PAD)


def real_tokens(target: Tensor) -> Tensor:
    """Return how many of the targets (B, T) are not ``<pad>``: the ``weight`` of a batch in ``train.fit``."""
    return (target != Vocab.PAD).sum()


def bleu(hypotheses: Sequence[str], references: Sequence[Sequence[str]], language: str) -> float:
    """Return the corpus BLEU of ``hypotheses`` in percent, by sacreBLEU (Papineni et al. 2002; Post 2018).

    ``references[i]`` lists one or more translations of sentence i. Give detokenized text; case and the kind of
    apostrophe are ignored. Raises ValueError when the lengths differ, or when there is nothing to score.
    """
    from sacrebleu.metrics.bleu import BLEU

    _pattern(language)
    if len(hypotheses) != len(references) or not hypotheses:
        raise ValueError(f"There are {len(hypotheses)} hypotheses and {len(references)} lists of references.")
    if any(isinstance(several, str) or not several for several in references):
        raise ValueError("Each item of references must be a list of one or more sentences.")
    cleaned = [[_normalise(one) for one in several] for several in references]
    streams = list(zip_longest(*cleaned))  # the k-th reference of each sentence, None where there is none
    metric = BLEU(lowercase=True, tokenize="zh" if language == "zho" else "13a")
    return float(metric.corpus_score([_normalise(one) for one in hypotheses], streams).score)


def exact(said: Sequence[str], pairs: Sequence[Pair], language: str) -> list[bool]:
    """Return for each translation whether it equals a reference of its pair; case and spaces do not count."""
    return [
        tokenize(sentence, language) in [tokenize(reference, language) for reference in pair.references]
        for sentence, pair in zip(said, pairs, strict=True)
    ]


def by_nearness(
    said: Sequence[str], pairs: Sequence[Pair], training: Sequence[Pair], language: str
) -> dict[str, float]:
    """Return BLEU on ``"all"``, ``"near"`` and ``"far"`` pairs, and the percentage of ``"exact"`` matches.

    ``said`` has a translation into ``language`` for each pair. ``near`` says which sources are near to one of
    ``training``. BLEU is NaN where there is no pair of a kind. Raises ValueError when the lengths differ.
    """
    close = near([pair.source for pair in pairs], [pair.source for pair in training])
    rows = list(zip(said, pairs, close, strict=True))
    result = {}
    for kind, wanted in (("all", (True, False)), ("near", (True,)), ("far", (False,))):
        part = [(sentence, pair.references) for sentence, pair, is_near in rows if is_near in wanted]
        result[kind] = bleu([row[0] for row in part], [row[1] for row in part], language) if part else math.nan
    return result | {"exact": 100 * sum(exact(said, pairs, language)) / len(rows) if rows else math.nan}


def ibm1(sentences: Sequence[tuple[list[str], list[str]]], rounds: int = 5) -> dict[str, Counter[str]]:
    """Return t(f | e) by IBM model 1 (Brown et al. 1993): for each source token its target tokens, with probabilities.

    ``sentences`` are pairs of token lists. Each round shares every target token out among the source tokens of its
    sentence, in proportion to the belief so far, and takes the sums as the new belief. Notebook 3.2 builds it.
    """
    belief: dict[str, Counter[str]] = {}
    for _ in range(rounds):
        count: dict[str, Counter[str]] = {}
        for source, target in sentences:
            for f in target:
                weights = [belief[e][f] if belief else 1.0 for e in source]
                total = sum(weights)
                for e, weight in zip(source, weights, strict=True):
                    row = count.setdefault(e, Counter())
                    row[f] += weight / total  # type: ignore[assignment]
        belief = {e: Counter({f: n / row.total() for f, n in row.items()}) for e, row in count.items()}  # type: ignore
    return belief
