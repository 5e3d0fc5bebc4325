"""What more sentences are worth: test BLEU of counting with a quarter, half and all of the bundled corpus.

    python tests/benchmarks/corpus_curve.py [fra|zho]

Counting is that of notebook 3.2, taken from its cells. The networks with the same shares are in the study of chapter
04, ``results/studies/translation.jsonl``.
"""

from __future__ import annotations

import sys

import torch

from dlcourse import text
from dlcourse.authoring import definitions
from dlcourse.table import Table


def main(target: str) -> None:
    """Print the table."""
    counting = definitions.load_definitions(definitions.ROOT / "03_rnn_seq2seq" / "02_seq2seq.ipynb")
    pairs = text.load("eng", target)
    order = torch.randperm(len(pairs.train), generator=torch.Generator().manual_seed(0)).tolist()
    rows = []
    for share in (0.25, 0.5, 1.0):
        train = [pairs.train[i] for i in order[: round(share * len(order))]]
        counting.TARGET = target
        counting.examples = [(text.tokenize(p.source, "eng"), text.tokenize(p.target, target)) for p in train]
        counting.sources = [set(source) for source, _ in counting.examples]
        counting.belief = counting.ibm1(counting.examples)
        counting.nearest.cache_clear()
        said = [counting.by_counting(pair.source) for pair in pairs.test]
        scores = text.by_nearness(said, pairs.test, train, target)
        rows.append([share, len(train), *(f"{value:.1f}" for value in scores.values())])
    print(Table(["share", "sentences", "all", "near", "far", "exact (%)"], rows))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "fra")
