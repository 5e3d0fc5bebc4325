"""How fast does the course's Transformer learn and write? Run by hand: not part of the tests.

    python tests/benchmarks/transformer_speed.py

First part: target tokens a second in training, in one run and on the same batches, of ``models.Transformer``, of an
``nn.Transformer`` of the same size between the same embeddings, and of the textbook's (d2l's encoder and the decoder of
its 10.7), with the sizes of notebook 4.3; loss, optimizer and clipping are the same. Wanted: at least 1.0 times both.
The textbook's has no tied output, and no biases in its attention.

Second part: sentences a second of greedy decoding for a batch of 16 sentences of 10 to 200 tokens, with the cache and
without it (each token sends the whole target through the decoder again; only the last position is scored). Wanted: at
least 3 times at 100. Medians over alternating rounds.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dlcourse import models, text
from dlcourse.text import PairLoader, Vocab
from dlcourse.textbook import TextbookTransformerDecoder, d2l

D, HEADS, HIDDEN, LAYERS, DROPOUT, BATCH = 128, 4, 256, 2, 0.1, 64
ROUNDS, BATCHES = 6, 30


class Textbook(nn.Module):
    """The textbook's Transformer, with the arguments in the course's order."""

    def __init__(self, source_size: int, target_size: int) -> None:
        super().__init__()
        encoder = d2l.TransformerEncoder(source_size, D, D, D, D, [D], D, HIDDEN, HEADS, LAYERS, DROPOUT)
        decoder = TextbookTransformerDecoder(target_size, D, HEADS, HIDDEN, LAYERS, DROPOUT)
        self.halves = d2l.EncoderDecoder(encoder, decoder)

    def forward(self, source: Tensor, lengths: Tensor, target: Tensor) -> Tensor:
        """Return logits (B, T, V)."""
        logits: Tensor = self.halves(source, target, lengths)[0]
        return logits


def training(model: nn.Module, batches: list[Any]) -> Callable[[], float]:
    """Return a function that trains on the batches once and returns the seconds."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)

    def run() -> float:
        begin = time.perf_counter()
        for source, lengths, inputs, outputs in batches:
            logits = model(source, lengths, inputs)
            loss = F.cross_entropy(logits.flatten(0, 1), outputs.flatten(), ignore_index=Vocab.PAD, label_smoothing=0.1)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        return time.perf_counter() - begin

    return run


@torch.no_grad()
def cached(model: models.Transformer, source: Tensor, n: int) -> None:
    """Write n tokens, each from the state of those before."""
    state, token = model.encode(source), source.new_full((len(source), 1), Vocab.BOS)
    for _ in range(n):
        logits, state = model.decode(token, state)
        token = logits[:, -1:].argmax(-1)


@torch.no_grad()
def uncached(model: models.Transformer, source: Tensor, n: int) -> None:
    """Write n tokens, each from all tokens before; only the last position goes through the output layer."""
    first, target = model.encode(source), source.new_full((len(source), 1), Vocab.BOS)
    mask, memory, past = first
    for _ in range(n):
        T = target.shape[1]
        causal = torch.ones(T, T, dtype=torch.bool).tril()
        x = model.embed(model.target_embedding, target)
        for layer, of_source, before in zip(model.decoder, memory, past, strict=True):
            x, _ = layer.decode(x, before, of_source, mask, causal)
        logits = F.linear(model.ends[1](x[:, -1:]), model.target_embedding.weight)
        target = torch.cat([target, logits.argmax(-1)], dim=1)


def medians(ways: dict[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """Return the median seconds of each way over alternating rounds; the first round warms up."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, run in ways.items():
            seconds[name].append(run())
    return {name: statistics.median(values[1:]) for name, values in seconds.items()}


def timed(function: Callable[..., None], *arguments: Any) -> Callable[[], float]:
    """Return a function that calls another one and returns the seconds."""

    def run() -> float:
        begin = time.perf_counter()
        function(*arguments)
        return time.perf_counter() - begin

    return run


def main() -> None:
    """Print both parts."""
    pairs = text.load("eng", "fra")
    english = Vocab(text.tokenize(pair.source, "eng") for pair in pairs.train)
    french = Vocab(text.tokenize(r, "fra") for pair in pairs.train for r in pair.references)
    torch.manual_seed(0)
    loader = PairLoader(
        pairs.train, english, french, pairs.languages, BATCH, shuffle=True, max_length=20, all_references=True
    )
    batches = list(loader)[:BATCHES]
    tokens = sum(int(text.real_tokens(outputs)) for *_, outputs in batches)
    sizes = len(english), len(french)
    course = models.Transformer(*sizes, D, HEADS, HIDDEN, LAYERS, DROPOUT)
    theirs = models.TorchTransformer(course, DROPOUT)
    ways = {"course": course, "nn.Transformer": theirs, "textbook": Textbook(*sizes)}
    print(f"{torch.get_num_threads()} threads, {sys.platform}, PyTorch {torch.__version__}")
    print(f"training: {BATCHES} batches of {BATCH}, {tokens:,} target tokens; {ROUNDS - 1} rounds")
    seconds = medians({name: training(model.train(), batches) for name, model in ways.items()}, ROUNDS)
    for name, value in seconds.items():
        print(f"  {name:15} {tokens / value:>8,.0f} tokens/s   course over it {value / seconds['course']:.2f}")
    course.eval()
    print("greedy decoding: 16 sentences")
    for n in (10, 50, 100, 200):
        source = torch.randint(4, len(english), (16, n))
        both = {"cached": timed(cached, course, source, n), "uncached": timed(uncached, course, source, n)}
        found = medians(both, 4)
        rates = {name: 16 / value for name, value in found.items()}
        ratio = rates["cached"] / rates["uncached"]
        told = f"cached {rates['cached']:7.1f}, uncached {rates['uncached']:7.1f} sentences/s"
        print(f"  {n:3} tokens: {told}, {ratio:.1f} ×")


if __name__ == "__main__":
    main()
