"""The longer comparisons of chapter 04: ``python 04_attention_transformer/study.py`` runs what is missing.

Each run trains one translator (English to French, the bundled corpus), chooses nothing, and appends one line to
``results/studies/translation.jsonl``: its settings, BLEU on all, near and far sentences and the percentage of exact
matches, on validation and for the runs of the final comparison on test, the seconds and the number of parameters. The
same command goes on where it was stopped; several processes may work side by side with ``--part 1/2``, ``--part 2/2``.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from dlcourse import models, results, text
from dlcourse.runtime import device, seed
from dlcourse.text import PairLoader, Vocab
from dlcourse.train import count_parameters, fit

FILE = results.FOLDER / "studies" / "translation.jsonl"
EPOCHS, BATCH, CLIP = 10, 64, 1.0
RATES = {"GRU": (5e-3, 1e-2, 2e-2), "attention": (5e-3, 1e-2, 2e-2), "Transformer": (1.5e-3, 3e-3, 6e-3)}
VARIANTS: dict[str, dict[str, Any]] = {  # one change each, after the paper's Table 3
    "1 head": {"heads": 1},
    "1 layer": {"layers": 1},
    "d = 64": {"d": 64},
    "no dropout": {"dropout": 0.0},
    "no label smoothing": {"smoothing": 0.0},
    "learned positions": {"positions": "learned"},
    "no positions": {"positions": "none"},
    "post-norm": {"pre_norm": False},
}


def main() -> int:
    """Run the missing runs of one part and print each. The sweep comes first: run it again when that is complete."""
    parser = argparse.ArgumentParser(description="Run what is missing of the study.")
    parser.add_argument("--part", default="1/1", help="i/n: every n-th missing run, from the i-th on")
    i, n = map(int, parser.parse_args().part.split("/"))
    for settings in missing():
        if int(key(settings), 16) % n == i - 1:
            append(run(settings))
    print(f"{len(list(missing()))} runs are missing" + (" in the sweep." if len(done()) < 9 else "."))
    return 0


def wanted() -> Iterator[dict[str, Any]]:
    """Yield the settings of all runs: the sweep of learning rates, then the comparison, the shares, the variants."""
    for family, rates in RATES.items():
        for rate in rates:
            yield {"study": "sweep", "family": family, "lr": rate, "seed": 100}
    if any(len(sweep(family)) < len(rates) for family, rates in RATES.items()):
        return  # the other runs need the rates that the sweep chooses
    for number in range(5):
        for family in RATES:
            yield {"study": "comparison", "family": family, "lr": chosen(family), "seed": number}
    for number in range(3):
        for share in (0.25, 0.5):
            for family in RATES:
                yield {"study": "share", "family": family, "lr": chosen(family), "seed": number, "share": share}
        for name, change in VARIANTS.items():
            common = {"family": "Transformer", "lr": chosen("Transformer"), "seed": number}
            yield {"study": "variant", "name": name, **common, **change}


def sweep(family: str) -> list[dict[str, Any]]:
    """Return the finished runs of a family's sweep."""
    runs = [run for run in done() if run["settings"]["study"] == "sweep"]
    return [run for run in runs if run["settings"]["family"] == family]


def chosen(family: str) -> float:
    """Return the rate of the sweep with the best validation BLEU."""
    best: float = max(sweep(family), key=lambda run: run["validation"]["all"])["settings"]["lr"]
    return best


def done() -> list[dict[str, Any]]:
    """Return the runs of the file."""
    if not FILE.exists():
        return []
    return [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()]


def missing() -> Iterator[dict[str, Any]]:
    """Yield the settings that the file has no run of."""
    there = {key(run["settings"]) for run in done()}
    return (settings for settings in wanted() if key(settings) not in there)


def key(settings: dict[str, Any]) -> str:
    """Return a short name of settings."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:12]


def append(result: dict[str, Any]) -> None:
    """Add one run to the file and print it."""
    FILE.parent.mkdir(parents=True, exist_ok=True)
    with FILE.open("a", encoding="utf-8", newline="\n") as file:
        file.write(json.dumps(result, ensure_ascii=False) + "\n")
    print(result["settings"], result["validation"], f"{result['seconds']:.0f} s", flush=True)


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
    epochs = round(EPOCHS / share)  # equal steps
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
    parts = {"validation": pairs.validation} | ({"test": pairs.test} if settings["study"] == "comparison" else {})
    scores = {}
    for name, part in parts.items():
        source, lengths, _, _ = PairLoader(part, english, french, pairs.languages, len(part), device=device()).tensors
        said = [text.detokenize(french.decode(row), "fra") for row in models.greedy(model, source, lengths, 30)]
        scores[name] = {kind: round(v, 3) for kind, v in text.by_nearness(said, part, training, "fra").items()}
    return {"settings": settings, **scores, "seconds": round(seconds, 1), "parameters": count_parameters(model)}


if __name__ == "__main__":
    sys.exit(main())
