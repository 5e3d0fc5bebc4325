"""The two methods of notebook 3.2 that need no network, for the tables of 4.3.

    python 04_attention_transformer/counting.py

writes ``results/studies/counting.jsonl``: one line for each method and share of the training sentences, with BLEU on
all, near and far sentences and the percentage of exact matches, on validation and test, in the form of ``study.py``;
and what each says to the sentences of ``everyday.tsv``. Look-up and counting are taken from the cells of notebook 3.2.
They have no random start, so a run is not repeated.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import torch

from dlcourse import results, text
from dlcourse.authoring import definitions

FILE = results.FOLDER / "studies" / "counting.jsonl"
SHARES = (0.25, 0.5, 1.0)


def main() -> int:
    """Write the file anew."""
    lines = [json.dumps(result, ensure_ascii=False) for share in SHARES for result in both(share)]
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    print(FILE.read_text(encoding="utf-8"), end="")
    return 0


def both(share: float) -> list[dict[str, Any]]:
    """Return the results of look-up and counting with a share of the training sentences, those of ``study.py``."""
    nb = definitions.load_definitions(definitions.ROOT / "03_rnn_seq2seq" / "02_seq2seq.ipynb")
    pairs = text.load("eng", "fra")
    order = torch.randperm(len(pairs.train), generator=torch.Generator().manual_seed(0)).tolist()
    training = [pairs.train[i] for i in sorted(order[: round(share * len(order))])]
    nb.TARGET = "fra"
    begun = time.perf_counter()
    nb.examples = [(text.tokenize(pair.source, "eng"), text.tokenize(pair.target, "fra")) for pair in training]
    nb.sources = [set(source) for source, _ in nb.examples]
    nb.belief = nb.ibm1(nb.examples)
    learned = time.perf_counter() - begun
    found = []
    for family, translate, seconds in (("look-up", nb.look_up, 0.0), ("counting", nb.by_counting, learned)):
        scores = {}
        for name, part in (("validation", pairs.validation), ("test", pairs.test)):
            said = [translate(pair.source) for pair in part]
            scores[name] = {kind: round(v, 3) for kind, v in text.by_nearness(said, part, training, "fra").items()}
        settings = {"study": "counting", "family": family, "share": share}
        found.append({"settings": settings, **scores, "seconds": round(seconds, 1), "parameters": 0})
        if share == 1:
            asked = text.load_pairs(Path(__file__).with_name("everyday.tsv"))
            said = [translate(pair.source) for pair in asked]
            found.append({"settings": {"study": "everyday", "family": family}, "said": said})
    return found


if __name__ == "__main__":
    sys.exit(main())
