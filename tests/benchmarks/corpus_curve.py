"""What more sentences are worth: BLEU after training on a quarter, half and all of the bundled corpus.

    python tests/benchmarks/corpus_curve.py [fra|zho] [SEEDS]

Two translators: the GRU of notebook 3.2, always with the same number of steps, and counting without a network (the
nearest training sentence, whose differing words are replaced by IBM model 1, Brown et al. 1993). Test sentences that
are one word away from a training sentence (of all of them) are *near*, the others *far*.
"""

from __future__ import annotations

import statistics
import sys
from collections import Counter, defaultdict
from difflib import SequenceMatcher

import torch

from dlcourse import models, text
from dlcourse.runtime import seed
from dlcourse.table import Table
from dlcourse.train import fit

STEPS, BATCH = 570, 64


def ibm1(pairs: list[tuple[list[str], list[str]]], rounds: int = 8) -> dict[str, dict[str, float]]:
    """Return t(target word | source word), by expectation maximisation."""
    table: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(lambda: 1.0))
    for _ in range(rounds):
        count: dict[str, Counter[str]] = defaultdict(Counter)
        for source, target in pairs:
            for word in target:
                total = sum(table[other][word] for other in source)
                for other in source:
                    count[other][word] += table[other][word] / total
        table = defaultdict(dict)
        for other, row in count.items():
            whole = sum(row.values())
            table[other] = defaultdict(float, {word: value / whole for word, value in row.items()})
        table.default_factory = lambda: defaultdict(float)
    return table


def count_translator(train: list[text.Pair], languages: tuple[str, str]):  # type: ignore[no-untyped-def]
    """Return a function from a source sentence to its translation by the nearest example."""
    tokens = [tuple(text.tokenize(s, k) for s, k in zip((p.source, p.target), languages, strict=True)) for p in train]
    table = ibm1(tokens)
    found: dict[str, list[int]] = defaultdict(list)
    for i, (source, _) in enumerate(tokens):
        for word in set(source):
            found[word].append(i)

    def translate(sentence: str) -> str:
        new = text.tokenize(sentence, languages[0])
        votes: Counter[int] = Counter()
        for word in set(new):
            votes.update(dict.fromkeys(found[word], 1 / (1 + len(found[word])) ** 0.5))
        nearest = [i for i, _ in votes.most_common(60)] or [0]
        best = max(nearest, key=lambda i: SequenceMatcher(None, tokens[i][0], new, autojunk=False).ratio())
        old, target = tokens[best][0], list(tokens[best][1])
        places = [max(range(len(target)), key=lambda j: table[word][target[j]]) for word in old]
        words: list[list[str]] = [[word] for word in target]
        for kind, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
            fresh = [max(table[word], key=lambda w: table[word][w]) for word in new[c:d] if table[word]]
            if kind == "insert":
                words[places[max(a - 1, 0)]] += fresh
            elif kind != "equal":
                for place in places[a:b]:
                    words[place] = []
                words[places[a]] = fresh
        return text.detokenize([word for group in words for word in group], languages[1])

    return translate


def network(train: list[text.Pair], languages: tuple[str, str], start: int):  # type: ignore[no-untyped-def]
    """Return a function from sentences to greedy translations of a GRU trained for ``STEPS`` steps."""
    seed(start)
    one, two = (text.Vocab(text.tokenize(s, k) for p in train for s in sides(p))
                for k, sides in zip(languages, 
                                     (lambda p: (p.source,), lambda p: p.references), strict=True))  # fmt: skip
    batches = text.PairLoader(train, one, two, languages, BATCH, shuffle=True, all_references=True)
    model = models.Seq2Seq(len(one), len(two), 128, 256, dropout=0.2)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    epochs = max(1, round(STEPS / len(batches)))
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-2, total_steps=epochs * len(batches))
    fit(
        model, batches, epochs=epochs, loss=text.masked_loss, optimizer=optimizer, scheduler=cycle, schedule="batch",
        clip=1.0, weight=text.real_tokens, progress=False,
    )  # fmt: skip

    def translate(sentences: list[str]) -> list[str]:
        pairs = [text.Pair(sentence, "x", ("x",)) for sentence in sentences]
        source, lengths, _, _ = text.PairLoader(pairs, one, two, languages, len(pairs)).tensors
        model.eval()
        rows = models.greedy(model, source, lengths, max_steps=30)
        return [text.detokenize(two.decode(row), languages[1]) for row in rows]

    return translate


def main(target: str, seeds: int) -> None:
    """Print the table."""
    pairs = text.load("eng", target)
    near = text.near([p.source for p in pairs.test], [p.source for p in pairs.train])
    groups = {"all": pairs.test, "near": [p for p, n in zip(pairs.test, near, strict=True) if n],
              "far": [p for p, n in zip(pairs.test, near, strict=True) if not n]}  # fmt: skip
    print({name: len(group) for name, group in groups.items()})
    rows = []
    for share in (4, 2, 1):
        train = pairs.train[share // 2 :: share]
        count = count_translator(train, pairs.languages)
        by_count = {p.source: count(p.source) for p in pairs.test}
        nets = [network(train, pairs.languages, start) for start in range(seeds)]
        by_net = [dict(zip(by_count, net(list(by_count)), strict=True)) for net in nets]
        row = [f"1/{share}", len(train)]
        for group in groups.values():
            references = [p.references for p in group]
            row.append(f"{text.bleu([by_count[p.source] for p in group], references, target):.1f}")
            scores = [text.bleu([said[p.source] for p in group], references, target) for said in by_net]
            row.append(f"{statistics.mean(scores):.1f} ({min(scores):.1f}–{max(scores):.1f})")
        rows.append(row)
        print(*row, flush=True)
    header = ["share", "sentences", *(f"{who}, {name}" for name in groups for who in ("counting", "GRU"))]
    print(Table(header, rows))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "fra", int(sys.argv[2]) if len(sys.argv) > 2 else 3)
