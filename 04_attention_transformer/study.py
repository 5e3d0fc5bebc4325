"""The longer comparisons of chapter 04: ``python 04_attention_transformer/study.py`` runs what is missing.

Each run trains one translator (English to French, the bundled corpus), chooses nothing, and appends one line to
``results/studies/translation.jsonl``: its settings, BLEU on all, near and far sentences and the percentage of exact
matches, on validation and for the runs of the final comparison on test, the seconds and the number of parameters; the
runs "everyday" keep what they said to the sentences of ``everyday.tsv``. The same command goes on where it was stopped;
several processes may work side by side with ``--part 1/2``, ``--part 2/2``.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from dlcourse import models, results, text
from dlcourse.authoring import studies
from dlcourse.runtime import device, seed
from dlcourse.text import PairLoader, Vocab
from dlcourse.train import count_parameters, fit

EPOCHS, BATCH, CLIP = 10, 64, 1.0
RATES = {
    "GRU": (2.5e-3, 5e-3, 1e-2, 2e-2), "attention": (2.5e-3, 5e-3, 1e-2, 2e-2),
    "Transformer": (7.5e-4, 1.5e-3, 3e-3, 6e-3),
}  # fmt: skip
VARIANTS: dict[str, dict[str, Any]] = {  # one change each, after the paper's Table 3
    "1 head": {"heads": 1},
    "1 layer": {"layers": 1},
    "no dropout": {"dropout": 0.0},
    "no label smoothing": {"smoothing": 0.0},
    "learned positions": {"positions": "learned"},
    "no positions": {"positions": "none"},
    "post-norm": {"pre_norm": False},
}
LONGER = {"family": "Transformer", "epochs": 30, "dropout": 0.3}


def wanted(runs: list[studies.Run]) -> Iterator[studies.Settings]:
    """Yield the settings of all runs: the sweep of learning rates, then the comparison, the shares, the variants."""
    for family, rates in RATES.items():
        for rate in rates:
            yield {"study": "sweep", "family": family, "lr": rate, "seed": 100}
    sweeps = {family: results.select(runs, study="sweep", family=family) for family in RATES}
    if any(len(sweeps[family]) < len(rates) for family, rates in RATES.items()):
        return  # the other runs need the rates that the sweep chooses
    best = {
        family: max(sweep, key=lambda run: run["validation"]["all"])["settings"]["lr"]
        for family, sweep in sweeps.items()
    }
    for number in range(5):
        for family, lr in best.items():
            yield {"study": "comparison", "family": family, "lr": lr, "seed": number}
    yield {"study": "everyday", **LONGER, "lr": best["Transformer"], "seed": 0}
    for number in range(3):
        for family, lr in best.items():
            yield {"study": "everyday", "family": family, "lr": lr, "seed": number}
    for number in range(3):
        for share in (0.25, 0.5):
            for family, lr in best.items():
                yield {"study": "share", "family": family, "lr": lr, "seed": number, "share": share}
        for name, change in VARIANTS.items():
            common = {"family": "Transformer", "lr": best["Transformer"], "seed": number}
            yield {"study": "variant", "name": name, **common, **change}


def build(settings: dict[str, Any], sizes: tuple[int, int]) -> nn.Module:
    """Return the untrained model of the settings, for vocabularies of two sizes."""
    if settings["family"] == "GRU":
        return models.Seq2Seq(*sizes, 128, 256, dropout=0.2)
    if settings["family"] == "attention":
        return models.AttentionSeq2Seq(*sizes, 128, 256, dropout=0.2)
    names = ("d", "heads", "layers", "dropout", "pre_norm", "positions")
    return models.Transformer(*sizes, **{name: settings[name] for name in names if name in settings})


def run(settings: dict[str, Any]) -> dict[str, Any]:
    """Train one model and return its result."""
    pairs = text.load("eng", "fra")
    english = Vocab((text.tokenize(pair.source, "eng") for pair in pairs.train), 1)
    french = Vocab((text.tokenize(r, "fra") for pair in pairs.train for r in pair.references), 1)
    order = torch.randperm(len(pairs.train), generator=torch.Generator().manual_seed(0)).tolist()
    share = settings.get("share", 1.0)
    training = [pairs.train[i] for i in order[: round(share * len(order))]]
    seed(settings["seed"])
    loader = PairLoader(
        training, english, french, pairs.languages, BATCH, shuffle=True, max_length=20, all_references=True,
        device=device(),
    )  # fmt: skip
    model = build(settings, (len(english), len(french)))
    smoothing = settings.get("smoothing", 0.1 if settings["family"] == "Transformer" else 0.0)
    optimizer = torch.optim.AdamW(model.parameters(), lr=settings["lr"])
    epochs = round(settings.get("epochs", EPOCHS) / share)  # equal steps
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, settings["lr"], total_steps=epochs * len(loader))

    def loss(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(
            logits.flatten(0, 1), target.flatten(), ignore_index=Vocab.PAD, label_smoothing=smoothing
        )

    begun = time.perf_counter()
    fit(
        model, loader, epochs=epochs, loss=loss, optimizer=optimizer, scheduler=cycle, schedule="batch",
        clip=CLIP, weight=text.real_tokens, device=device(), progress=False,
    )  # fmt: skip
    seconds = time.perf_counter() - begun
    model.eval()

    def translate(sentences: list[text.Pair]) -> list[str]:
        source, lengths = text.sources((pair.source for pair in sentences), english, "eng", device())
        return [text.detokenize(french.decode(row), "fra") for row in models.greedy(model, source, lengths, 30)]

    result: dict[str, Any] = {"seconds": round(seconds, 1), "parameters": count_parameters(model)}
    parts = {"validation": pairs.validation} | ({"test": pairs.test} if settings["study"] == "comparison" else {})
    for name, part in parts.items():
        scores = text.by_nearness(translate(part), part, training, "fra")
        result[name] = {kind: round(value, 3) for kind, value in scores.items()}
    if settings["study"] == "everyday":
        asked = text.load_pairs(Path(__file__).with_name("everyday.tsv"))
        result["said"] = translate(asked)
    return result


if __name__ == "__main__":
    sys.exit(studies.command("translation", wanted, run, "Run what is missing of the study."))
