"""The long comparison of chapter 05: ``python 05_optimizers/study.py`` runs what is missing.

Each run trains one network with one optimizer, one learning rate and one seed, and appends one line to
``results/studies/optimizers.jsonl``. Optimizers, rates and training of LeNet are those of notebook 5.3. The kinds of
runs (``study`` in the settings):

- "sweep": LeNet on 3,500 of the bundled digits, each optimizer with seven learning rates and five seeds, scored on
  validation only;
- "comparison": each optimizer with the rate that its sweep chose, twenty new seeds, scored on test;
- "defaults": each optimizer with PyTorch's rate, the same twenty seeds, scored on test;
- "cosine" and "cosine, comparison": the sweep and the comparison again for five of the optimizers, with rates that fall
  to 0 along half a cosine; four rates: the one that was best when constant, one below it and two above;
- "transformer": chapter 04's Transformer on a quarter of the corpus, SGD with momentum against Adam, scored on
  validation; "transformer, comparison": both with the best rate and three new seeds.

The same command goes on where it was stopped; several processes may work side by side with ``--part 1/2``,
``--part 2/2``.
"""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dlcourse import models, results, text
from dlcourse.authoring import definitions, studies
from dlcourse.runtime import device, seed
from dlcourse.text import PairLoader, Vocab
from dlcourse.train import accuracy

nb = definitions.load_definitions(Path(__file__).with_name("03_optimizer_comparison.ipynb"))
SEEDS, NEW_SEEDS = range(5), range(5, 25)
WITH_COSINE = ("SGD", "momentum", "Adadelta", "Adam", "Muon")
TRANSFORMER_RATES = {"momentum": (1e-1, 3e-1, 1.0, 3.0), "Adam": (3e-4, 1e-3, 3e-3, 1e-2)}
TRANSLATOR_EPOCHS = 10


def wanted(runs: list[studies.Run]) -> Iterator[studies.Settings]:
    """Yield the settings of all runs: the sweep, the comparison at the chosen rates, the defaults, the Transformer."""
    for number in SEEDS:
        for optimizer in nb.INSTALLED:
            for lr in nb.rates(optimizer):
                yield {"study": "sweep", "optimizer": optimizer, "lr": lr, "seed": number}
    for number in NEW_SEEDS:
        for optimizer in nb.INSTALLED:
            yield {"study": "defaults", "optimizer": optimizer, "lr": None, "seed": number}
    for optimizer in nb.INSTALLED:
        if len(results.select(runs, study="sweep", optimizer=optimizer)) == nb.NUMBER * len(SEEDS):
            lr = nb.chosen(runs, optimizer)
            for number in NEW_SEEDS:
                yield {"study": "comparison", "optimizer": optimizer, "lr": lr, "seed": number}
    for optimizer in (name for name in WITH_COSINE if results.select(runs, study="comparison", optimizer=name)):
        around = nb.rates(optimizer).index(nb.chosen(runs, optimizer))
        own = nb.rates(optimizer)[max(0, around - 1) : around + 3]
        for number in SEEDS:
            for lr in own:
                yield {"study": "cosine", "optimizer": optimizer, "lr": lr, "seed": number}
        if len(results.select(runs, study="cosine", optimizer=optimizer)) == len(own) * len(SEEDS):
            lr = nb.chosen(runs, optimizer, "cosine")
            for number in NEW_SEEDS:
                yield {"study": "cosine, comparison", "optimizer": optimizer, "lr": lr, "seed": number}
    for number in range(3):
        for optimizer, tried in TRANSFORMER_RATES.items():
            for lr in tried:
                yield {"study": "transformer", "optimizer": optimizer, "lr": lr, "seed": number}
    for optimizer, tried in TRANSFORMER_RATES.items():
        own_runs = results.select(runs, study="transformer", optimizer=optimizer)
        if len(own_runs) == 3 * len(tried):
            loss = results.means(own_runs, lambda run: run["all"])
            lr = min(loss, key=lambda rate: loss[rate])
            for number in range(3, 6):
                yield {"study": "transformer, comparison", "optimizer": optimizer, "lr": lr, "seed": number}


def to_zero(share: float) -> float:
    """Return the factor of a rate that falls to 0 along half a cosine, for the share of the steps that are done."""
    return float(nb.cosine(share, 1.0, final=0.0, end=1.0))


def run(settings: dict[str, Any]) -> dict[str, Any]:
    """Train one network and return its result."""
    if settings["study"].startswith("transformer"):
        return translate(settings["optimizer"], settings["lr"], settings["seed"])
    decay = to_zero if settings["study"].startswith("cosine") else None
    model, curve = nb.train(settings["optimizer"], settings["lr"], settings["seed"], decay)
    loss = curve[-1][1] if curve else math.nan
    result: dict[str, Any] = {
        "validation": [round(score, 3) for score, _ in curve],
        "loss": float(f"{loss:.4g}") if math.isfinite(loss) else None,
    }
    if settings["study"] not in ("sweep", "cosine"):
        images, labels = (t.to(device()) for t in nb.pictures.test.tensors)
        with torch.no_grad():
            result["test"] = round(accuracy(model(images), labels).item(), 4)
    return result


@lru_cache
def sentences() -> tuple[list[text.Pair], list[text.Pair], tuple[str, str], Vocab, Vocab, Tensor]:
    """Return a quarter of the training pairs, validation, languages, vocabularies and the count of each French word."""
    pairs = text.load("eng", "fra")
    order = torch.randperm(len(pairs.train), generator=torch.Generator().manual_seed(0)).tolist()
    share = [pairs.train[i] for i in order[: len(order) // 4]]
    english = Vocab((text.tokenize(pair.source, "eng") for pair in share), 1)
    words = [text.tokenize(r, "fra") for pair in share for r in pair.references]
    french = Vocab(words, 1)
    count = Counter(token for sentence in words for token in french.encode(sentence))
    frequency = torch.tensor([count[i] for i in range(len(french))])
    return share, pairs.validation, pairs.languages, english, french, frequency


def translate(optimizer: str, lr: float, start: int) -> dict[str, Any]:
    """Train the Transformer from one seed; return the loss a token on validation: all words, frequent and rare ones.

    A word is rare when the training sentences have it at most ten times; unknown ones are left out of both groups.
    """
    train, validation, languages, english, french, count = sentences()
    seed(start)
    common: dict[str, Any] = {"max_length": 20, "device": device()}
    batches = PairLoader(train, english, french, languages, 64, shuffle=True, all_references=True, **common)
    model = models.Transformer(len(english), len(french)).to(device())
    (own,) = nb.OPTIMIZERS[optimizer](model, lr)
    steps = TRANSLATOR_EPOCHS * len(batches)
    cycle = torch.optim.lr_scheduler.OneCycleLR(own, lr, total_steps=steps, cycle_momentum=False)
    for _ in range(TRANSLATOR_EPOCHS):
        for source, lengths, target_in, target_out in batches:
            logits = model(source, lengths, target_in)
            loss = F.cross_entropy(logits.flatten(0, 1), target_out.flatten(), ignore_index=Vocab.PAD)
            own.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            own.step()
            cycle.step()
    model.eval()
    kept: list[tuple[Tensor, Tensor]] = []
    with torch.no_grad():
        for source, lengths, target_in, target_out in PairLoader(validation, english, french, languages, 64, **common):
            logits, target = model(source, lengths, target_in).flatten(0, 1), target_out.flatten()
            kept.append((F.cross_entropy(logits, target, reduction="none").cpu(), target.cpu()))
    losses, words = (torch.cat(parts) for parts in zip(*kept, strict=True))
    real = (words != Vocab.PAD) & (words != Vocab.UNK)
    groups = {"all": real, "frequent": real & (count[words] > 10), "rare": real & (count[words] <= 10)}
    groups["rare"] &= words != Vocab.EOS
    result: dict[str, Any] = {name: round(losses[rows].mean().item(), 4) for name, rows in groups.items()}
    result["tokens"] = {name: int(rows.sum()) for name, rows in groups.items()}
    return {**result, "train": round(loss.item(), 4)}


if __name__ == "__main__":
    sys.exit(studies.command("optimizers", wanted, run, "Run what is missing of the study."))
