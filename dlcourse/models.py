"""Models that a later chapter uses again. Each is the one that its notebook builds; a test proves it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from dlcourse.text import Vocab


class LeNet(nn.Module):
    """LeNet of notebook 2.2: pictures (N, 1, 28, 28) in [0, 1] → scores (N, 10); 61,706 parameters.

    ``mean`` and ``std`` of the training pixels are taken out first. The textbook's version (section 6.6) has
    ``activation=nn.Sigmoid, pool=nn.AvgPool2d`` and does not normalise.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        activation: Callable[[], nn.Module] = nn.ReLU,
        pool: Callable[[int], nn.Module] = nn.MaxPool2d,
        mean: float = 0.0,
        std: float = 1.0,
    ) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean))
        self.register_buffer("std", torch.tensor(std))
        self.layers = nn.Sequential(
            nn.Conv2d(1, 6, kernel_size=5, padding=2), activation(), pool(2),
            nn.Conv2d(6, 16, kernel_size=5), activation(), pool(2),
            nn.Flatten(),
            nn.Linear(16 * 5 * 5, 120), activation(),
            nn.Linear(120, 84), activation(),
            nn.Linear(84, 10),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores of ten classes for each picture."""
        scores: Tensor = self.layers((x - self.mean) / self.std)
        return scores


State = tuple[Tensor, Tensor]


class Encoder(nn.Module):
    """The encoder of notebook 3.2: sources (B, S) and their lengths (B,) → summary (L, B, H).

    A GRU in both directions, H/2 numbers each, that reads each sentence without its padding.
    Raises ValueError for an odd ``hidden``.
    """

    def __init__(self, size: int, embedding: int, hidden: int, layers: int = 1, dropout: float = 0.0) -> None:
        super().__init__()
        if hidden % 2:
            raise ValueError(f"hidden is {hidden}; give an even number, half of it for each direction.")
        between = dropout if layers > 1 else 0.0
        self.embedding = nn.Embedding(size, embedding, padding_idx=Vocab.PAD)
        self.dropout = nn.Dropout(dropout)
        self.rnn = nn.GRU(embedding, hidden // 2, layers, batch_first=True, dropout=between, bidirectional=True)

    def forward(self, source: Tensor, lengths: Tensor) -> Tensor:
        """Return what both directions know after the last token, for each layer: (L, B, H)."""
        embedded = self.dropout(self.embedding(source))
        packed = pack_padded_sequence(embedded, lengths.cpu(), batch_first=True, enforce_sorted=False)
        _, last = self.rnn(packed)  # (2 L, B, H/2): forward, backward, forward, …
        return torch.cat([last[0::2], last[1::2]], dim=-1)


class Decoder(nn.Module):
    """The decoder of notebook 3.2: a GRU that sees the encoder's summary at each step."""

    def __init__(self, size: int, embedding: int, hidden: int, layers: int = 1, dropout: float = 0.0) -> None:
        super().__init__()
        between = dropout if layers > 1 else 0.0
        self.embedding = nn.Embedding(size, embedding, padding_idx=Vocab.PAD)
        self.dropout = nn.Dropout(dropout)
        self.rnn = nn.GRU(embedding + hidden, hidden, layers, batch_first=True, dropout=between)
        self.scores = nn.Linear(hidden, size)

    def forward(self, target: Tensor, state: State) -> tuple[Tensor, State]:
        """Return logits (B, T, V) of the token after each of the inputs (B, T), and the state after the last."""
        context, hidden = state
        repeated = context.unsqueeze(1).expand(-1, target.shape[1], -1)
        inputs = torch.cat([self.dropout(self.embedding(target)), repeated], dim=-1)
        outputs, hidden = self.rnn(inputs, hidden)
        return self.scores(self.dropout(outputs)), (context, hidden)


class Seq2Seq(nn.Module):
    """The encoder–decoder of notebook 3.2, trained with the true previous tokens as inputs (teacher forcing).

    A state is the pair ``(context, hidden)`` of shapes (B, H) and (L, B, H). The context is the last layer of the
    encoder's summary and stays the same at every step. All tokens are int64, padded with 0.
    """

    def __init__(
        self, source_size: int, target_size: int, embedding: int, hidden: int, layers: int = 1, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.encoder = Encoder(source_size, embedding, hidden, layers, dropout)
        self.decoder = Decoder(target_size, embedding, hidden, layers, dropout)

    def encode(self, source: Tensor, lengths: Tensor) -> State:
        """Return the decoder's first state for sources (B, S) with lengths (B,)."""
        summary = self.encoder(source, lengths)
        return summary[-1], summary

    def decode(self, target: Tensor, state: State) -> tuple[Tensor, State]:
        """Return logits (B, T, V) of the token after each of the inputs (B, T), and the next state."""
        logits, state = self.decoder(target, state)
        return logits, state

    def forward(self, source: Tensor, lengths: Tensor, target: Tensor) -> Tensor:
        """Return logits (B, T, V) for source (B, S), lengths (B,) and target inputs (B, T)."""
        logits, _ = self.decode(target, self.encode(source, lengths))
        return logits


@torch.no_grad()
def greedy(model: Seq2Seq, source: Tensor, lengths: Tensor, max_steps: int) -> Tensor:
    """Return the most probable token at each step: sources (B, S), lengths (B,) → outputs (B, max_steps).

    ``<pad>`` stands behind ``<eos>``; neither it nor ``<bos>`` is ever chosen before. Notebook 3.2 builds it.
    """
    state = model.encode(source, lengths)
    tokens = source.new_full((len(source), max_steps), Vocab.PAD)
    last = source.new_full((len(source),), Vocab.BOS)
    finished = last == Vocab.EOS
    for step in range(max_steps):
        logits, state = model.decode(last.unsqueeze(1), state)
        logits[..., [Vocab.PAD, Vocab.BOS]] = -torch.inf
        last = logits.squeeze(1).argmax(-1).masked_fill(finished, Vocab.PAD)
        tokens[:, step] = last
        finished = finished | (last == Vocab.EOS)
        if finished.all():
            break
    return tokens
